"""Polling: ask an account for what is new, and store it with the cursor in one commit.

Rules: the network is between two transactions; the cursor moves only with the commit of what was read, so a crash
reads again and intake drops what it has.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from connectors.api import AccountGone, Connector, ConnectorError

from ..database import Database
from ..delivery import accounts
from ..delivery.tables import Account
from ..errors import DomainError
from . import intake

PERIOD_S = 15.0
# An account whose poll fails is asked again after so many periods: one broken inbox costs little.
PAUSE_PERIODS = 4
# A refused login is not tried so often that the provider locks the mailbox.
REFUSED_PAUSE_S = 900.0
# A worker that died while polling holds the account no longer than this. Two that read at once do no harm but work.
LEASE_S = 120.0

Connect = Callable[[Session, Account], Connector]
Alarm = Callable[[str, str], None]


def poll_due(
    database: Database,
    connect: Connect,
    now: Callable[[], datetime],
    *,
    period_s: float = PERIOD_S,
    lease_s: float = LEASE_S,
    alarm: Alarm = lambda name, account: None,
) -> int:
    """Poll every account that is due, each held for `lease_s` meanwhile; how many events were new.

    An error that no connector may raise is raised here again, when every account has been asked.
    """
    new, broken = 0, []
    with database.read() as session:
        due = list(session.scalars(_due(now())))
    for account_id in due:
        try:
            new += _poll(database, connect, now, account_id, period_s, lease_s, alarm)
        except SQLAlchemyError:
            raise
        except Exception as error:  # the others are asked first
            broken.append(error)
            _later(database, account_id, now() + timedelta(seconds=PAUSE_PERIODS * period_s))
    if broken:
        raise broken[0]
    return new


def _due(now: datetime) -> Any:
    ready = or_(Account.poll_due_at.is_(None), Account.poll_due_at <= now)
    return select(Account.id).where(Account.state == "active", ready).order_by(Account.id)


def _poll(
    database: Database,
    connect: Connect,
    now: Callable[[], datetime],
    account_id: int,
    period_s: float,
    lease_s: float,
    alarm: Alarm,
) -> int:
    with database.write() as session:
        if not _take(session, account_id, now(), lease_s):
            return 0
        account = session.get_one(Account, account_id)
        cursor = account.poll_cursor
    try:
        with database.read() as session:
            connector = connect(session, account)
        if connector.poll is None:
            _later(database, account_id, now() + timedelta(days=1))
            return 0
        heard = connector.poll(cursor)
    except AccountGone as error:
        _refused(database, account, now(), error, period_s, alarm)
        return 0
    except (ConnectorError, DomainError):
        _later(database, account_id, now() + timedelta(seconds=PAUSE_PERIODS * period_s))
        return 0
    with database.write() as session:
        new = intake.store(session, now(), account_id, heard.events, via="poll")
        intake.park(session, now(), account_id, heard.parked, via="poll")
        _next(session, account_id, now() + _pause(account, period_s))
        _reached(session, account, dict(heard.cursor))
        if account.inbox_problem is not None:
            accounts.read_again(session, account_id)
    return new


def _pause(account: Account, period_s: float) -> timedelta:
    """Until an account is asked again: no less than its provider wants."""
    return timedelta(seconds=max(period_s, account.limits.get("poll_every_s") or 0.0))


def _refused(
    database: Database, account: Account, now: datetime, error: AccountGone, period_s: float, alarm: Alarm
) -> None:
    """The login is refused: it is renewed, or the account is out of service; of an inbox alone, sending goes on."""
    with database.write() as session:
        if error.face == "poll":
            _next(session, account.id, now + timedelta(seconds=REFUSED_PAUSE_S))
            if accounts.refuse_inbox(session, account.id, error.words):
                alarm("inbox_out_of_service", account.name)
        elif account.renews and accounts.ask_renewal(session, account, now):
            _next(session, account.id, now + timedelta(seconds=period_s))
        elif accounts.refuse(session, account.id, now, error.words, account.version):
            alarm("account_out_of_service", account.name)


def _take(session: Session, account_id: int, now: datetime, lease_s: float) -> bool:
    """One worker polls an account at a time."""
    done = session.execute(
        update(Account)
        .where(
            Account.id == account_id,
            Account.state == "active",
            or_(Account.poll_due_at.is_(None), Account.poll_due_at <= now),
        )
        .values(poll_due_at=now + timedelta(seconds=lease_s))
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def _later(database: Database, account_id: int, at: datetime) -> None:
    with database.write() as session:
        _next(session, account_id, at)


def _next(session: Session, account_id: int, at: datetime) -> None:
    session.execute(update(Account).where(Account.id == account_id).values(poll_due_at=at))


def _reached(session: Session, account: Account, cursor: dict[str, Any]) -> None:
    """Write down how far was read, unless the account was changed meanwhile: it may read another place by now."""
    session.execute(
        update(Account)
        .where(Account.id == account.id, Account.version == account.version)
        .values(poll_cursor=cursor)
    )
