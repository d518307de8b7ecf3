"""Renewal: the login of an account is renewed once, however many workers find it refused.

Rules: many providers take the token that renews a login once only, so whoever asks holds the account alone, by a mark
on its row that ends by itself; no transaction is open while the provider is asked. Rows wait meanwhile; what the
provider refuses for good takes the account out of service.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from connectors.api import AccountGone, ConnectorError, Deferred, Renewed

from . import accounts, trouble
from .send import Desk
from .tables import Account

LEASE_LEAST_S = 60.0


def renew_due(desk: Desk) -> int:
    """Renew every login whose time has come; how many were renewed."""
    now = desk.now()
    with desk.database.read() as session:
        due = session.scalars(
            select(Account.id).where(Account.state == "active", Account.renew_due_at <= now, _free(now))
        ).all()
    return sum(renew(desk, account_id) for account_id in due)


def renew(desk: Desk, account_id: int) -> bool:
    """Renew one login that is due; False where another worker is at it, or the provider gave none."""
    with desk.database.write() as session:
        account = _take(session, desk, account_id)
    if account is None:
        return False
    try:
        new = _ask(desk, account)
    except AccountGone as error:
        with desk.database.write() as session:
            session.execute(update(Account).where(Account.id == account.id).values(renew_due_at=None))
            if accounts.refuse(session, account.id, desk.now(), error.words, account.version):
                desk.alarm("account_out_of_service", account.name)
        return False
    except Deferred as error:
        with desk.database.write() as session:
            verdict = trouble.judge(session, desk.now(), account, [error], desk.pace)
            if verdict.alarm:
                desk.alarm(verdict.alarm, account.name)
        return False
    with desk.database.write() as session:
        _keep(session, desk, account, new)
    return True


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(Account.not_before_at.is_(None), Account.not_before_at <= now)


def _take(session: Session, desk: Desk, account_id: int) -> Account | None:
    """The account for ourselves, until we are done or the mark is over."""
    now, account = desk.now(), accounts.get(session, account_id)
    lease_s = max(LEASE_LEAST_S, 2 * float(account.limits["deadline_s"]))
    done = session.execute(
        update(Account)
        .where(Account.id == account_id, Account.renew_due_at <= now, _free(now))
        .values(not_before_at=now + timedelta(seconds=lease_s))
    )
    return account if done.rowcount else None  # type: ignore[attr-defined]


def _ask(desk: Desk, account: Account) -> Renewed:
    """The new login. AccountGone where it is refused, Deferred for everything that may be better later."""
    try:
        with desk.database.read() as session:
            connector = desk.connect(session, account)
        if connector.refresh is None:
            raise AccountGone("the login of this account cannot be renewed")
        return connector.refresh()
    except (AccountGone, SQLAlchemyError):
        raise
    except ConnectorError as error:
        wait_s = error.retry_after_s if isinstance(error, Deferred) else None
        raise Deferred(
            error.words, code=error.code, phase=error.phase, scope="account", retry_after_s=wait_s
        ) from None
    except Exception as error:  # the connector broke its contract
        raise Deferred(f"{type(error).__name__}: {error}", scope="account") from error


def _keep(session: Session, desk: Desk, account: Account, new: Renewed) -> None:
    """Store the new login; what somebody typed meanwhile counts more."""
    now = desk.now()
    row = session.get_one(Account, account.id, with_for_update=True)
    row.renew_due_at = row.not_before_at = None
    if row.version != account.version:
        return
    desk.keep(session, row, new.secrets)
    accounts.log_in(row, now, new)


__all__ = ["renew", "renew_due"]
