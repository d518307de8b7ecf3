"""Trouble: what a provider's answers say about an account as a whole, and how it is tried again.

Rules: the whole account waits as long as its provider asks, or longer each time it fails. After so many failures in a
row it is in trouble: one alarm, and one row at a time is tried until one goes. A refused login that can be renewed is
renewed first; one that cannot takes the account out of service with its rows still waiting.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from connectors.api import AccountGone, ConnectorError, Deferred, Receipt, Uncertain

from . import accounts
from .backoff import Pace
from .tables import Account

# So many failures in a row, each after a wait of its own, are an outage.
IN_TROUBLE_AT = 5


@dataclass
class Verdict:
    """The account takes nothing before `wait_until`; `alarm` is told once for each outage."""

    wait_until: datetime | None = None
    alarm: str | None = None


def judge(
    session: Session, now: datetime, account: Account, answers: Iterable[object], pace: Pace
) -> Verdict:
    """Write down what a wave's answers say about its account, as it was when its batch was claimed."""
    gone: AccountGone | None = None
    slowed: list[Deferred] = []
    works, used_up_s = False, 0.0
    for answer in answers:
        if isinstance(answer, Receipt):
            works, used_up_s = True, max(used_up_s, answer.wait_s)
        elif isinstance(answer, AccountGone):
            gone = answer
        elif isinstance(answer, Deferred) and answer.scope == "account":
            slowed.append(answer)
        elif isinstance(answer, ConnectorError) and not isinstance(answer, Uncertain):
            works = True  # it has an opinion about one row, so it is there
    verdict = Verdict()
    if gone is not None:
        verdict = _refused(session, now, account, gone)
    elif slowed:
        verdict = _slowed(session, now, account, slowed, works, pace)
    elif works and (account.failures or account.trouble_since_at):
        _over(session, account)
    if used_up_s:
        until = now + timedelta(seconds=pace.asked_s(used_up_s))
        verdict.wait_until = max(until, verdict.wait_until or until)
    if verdict.wait_until is not None:
        _wait(session, account, verdict.wait_until)
    return verdict


def on_trial(session: Session, now: datetime, account_id: int, until: datetime) -> bool:
    """Take the one row by which an account in trouble is tried; False where another worker does."""
    done = session.execute(
        update(Account)
        .where(Account.id == account_id, or_(Account.not_before_at.is_(None), Account.not_before_at <= now))
        .values(not_before_at=until)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def untried(session: Session, now: datetime, account_id: int, until: datetime) -> None:
    """A trial that ends `until` then, and in which nothing was handed over, keeps nobody waiting."""
    session.execute(
        update(Account)
        .where(Account.id == account_id, Account.not_before_at == until)
        .values(not_before_at=now)
    )


def _refused(session: Session, now: datetime, account: Account, gone: AccountGone) -> Verdict:
    if account.renews and accounts.ask_renewal(session, account, now):
        return Verdict(wait_until=now)
    first = accounts.refuse(session, account.id, now, gone.words, account.version)
    return Verdict(wait_until=now, alarm="account_out_of_service" if first else None)


def _over(session: Session, account: Account) -> None:
    """It works again. What its trial held back goes at once; what others were told meanwhile stays."""
    held_back: dict[str, Any] = {} if account.trouble_since_at is None else {"not_before_at": None}
    session.execute(
        update(Account)
        .where(Account.id == account.id, or_(Account.failures > 0, Account.trouble_since_at.is_not(None)))
        .values(**accounts.NO_TROUBLE, **held_back)
    )


def _slowed(
    session: Session, now: datetime, account: Account, slowed: list[Deferred], works: bool, pace: Pace
) -> Verdict:
    """Count one failure for a claim, however many rows were in flight; none where others of them went."""
    failures = 0 if works else account.failures + 1
    told = [one.retry_after_s for one in slowed if one.retry_after_s is not None]
    wait_s = pace.account_wait_s(max(failures, 1), random.random(), max(told) if told else None)
    counted = session.execute(
        update(Account)
        .where(Account.id == account.id, Account.failures == account.failures)
        .values(failures=failures, trouble=slowed[-1].words if failures else None)
    )
    verdict = Verdict(now + timedelta(seconds=wait_s))
    if failures >= IN_TROUBLE_AT and counted.rowcount:  # type: ignore[attr-defined]
        opened = session.execute(
            update(Account)
            .where(Account.id == account.id, Account.trouble_since_at.is_(None))
            .values(trouble_since_at=now)
        )
        verdict.alarm = "account_in_trouble" if opened.rowcount else None  # type: ignore[attr-defined]
    return verdict


def _wait(session: Session, account: Account, until: datetime) -> None:
    """As long as the longest that was asked for; a trial that has failed ends with what it was told."""
    longer = or_(Account.not_before_at.is_(None), Account.not_before_at < until)
    if account.trouble_since_at is not None:
        longer = or_(longer, Account.failures > account.failures)
    session.execute(update(Account).where(Account.id == account.id, longer).values(not_before_at=until))


__all__ = ["IN_TROUBLE_AT", "Verdict", "judge", "on_trial", "untried"]
