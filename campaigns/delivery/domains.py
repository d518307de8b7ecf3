"""Domains: what an account may not send to one recipient domain for now waits, and everything else of it goes on.

Rules: a domain waits as long as its provider asks, or longer each time it refuses. How long stands in the database, so
every worker keeps to it. It is asked about when a batch is claimed, and never by a wave: whoever hears a refusal lays
the batch down. A row that was not tried stays what it is, and waiting is no attempt.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.api import Deferred, Receipt

from ..stakeholders.rows import insert_missing
from . import limits, states
from .backoff import RETRY_AFTER_MAX_S, Pace
from .tables import Account, Budget, Delivery


def refused(
    session: Session, now: datetime, account: Account, answers: Sequence[tuple[str, object]], pace: Pace
) -> dict[str, datetime]:
    """Write down which domains refused a wave (address key and answer of each row), and until when each waits."""
    told: dict[str, list[Deferred]] = defaultdict(list)
    for key, answer in answers:
        if isinstance(answer, Deferred) and answer.scope == "domain" and limits.domain_of(key):
            told[limits.domain_of(key)].append(answer)
    if not told:
        return {}
    works = {limits.domain_of(key) for key, answer in answers if isinstance(answer, Receipt)}
    keys = {_key(account.id, name): name for name in told}
    kept = _locked(session, now, [*keys, f"{_ANY}{account.id}"])
    until = {}
    for key, name in keys.items():
        asked = [one.retry_after_s for one in told[name] if one.retry_after_s is not None]
        until[name] = _longer(kept[key], now, name in works, max(asked, default=None), pace)
    of_any = kept[f"{_ANY}{account.id}"]
    of_any.planned = max([*until.values(), of_any.planned or now])
    return until


def until_when(account_id: int) -> Any:
    """Until when the last of an account's domains waits, to be told with a batch; null where none ever did."""
    return select(Budget.planned).where(Budget.key == f"{_ANY}{account_id}").scalar_subquery()


def lay_aside(session: Session, now: datetime, batch_id: int, account_id: int) -> None:
    """Take the rows to domains that wait out of a batch that was just claimed, until their domain takes them."""
    rows = session.execute(
        select(Delivery.id, Delivery.address_key)
        .where(Delivery.batch_id == batch_id, Delivery.state.in_((states.QUEUED, states.DEFERRED)))
        .order_by(Delivery.id)
        .with_for_update()
    ).all()
    keys = {_key(account_id, limits.domain_of(row.address_key)) for row in rows}
    waiting = select(Budget.key, Budget.planned).where(Budget.key.in_(keys), Budget.planned > now)
    until = {row.key: row.planned for row in session.execute(waiting)}
    found = [(row.id, until.get(_key(account_id, limits.domain_of(row.address_key)))) for row in rows]
    limits.lay_aside(session, [(number, at) for number, at in found if at is not None])


def _key(account_id: int, name: str) -> str:
    """Beside what is counted of the domain, so that it is forgotten with it."""
    return f"domain:{account_id}:{name}:wait"


# The latest of all domains of an account: most accounts never had one that waits, and none is looked for there.
_ANY = "domains:"


def _locked(session: Session, now: datetime, keys: list[str]) -> dict[str, Budget]:
    insert_missing(session, Budget, [{"key": key, "used": 0.0, "since": now} for key in sorted(keys)])
    wanted = select(Budget).where(Budget.key.in_(keys)).order_by(Budget.key).with_for_update()
    return {row.key: row for row in session.scalars(wanted.execution_options(populate_existing=True))}


def _longer(row: Budget, now: datetime, works: bool, asked_s: float | None, pace: Pace) -> datetime:
    """One more refusal in a row, where the wait before it was over and nothing of this wave went there."""
    ended = row.planned
    if ended is not None and now < ended:  # of a row that was on its way when the first was refused
        wait_s = pace.asked_s(asked_s)
    else:
        again = ended is not None and now < ended + timedelta(seconds=pace.asked_s(RETRY_AFTER_MAX_S))
        row.used = row.used + 1 if again and not works else 1.0
        wait_s = pace.delay_s(round(row.used), random.random(), asked_s)
    row.since, row.planned = now, max(now + timedelta(seconds=wait_s), ended or now)
    return row.planned


__all__ = ["lay_aside", "refused", "until_when"]
