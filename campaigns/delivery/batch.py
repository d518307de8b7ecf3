"""Batches: who works which rows, until when, and what happens when that worker is gone.

Rules: what is due is decided by `now`; whether a batch has run out of time by the database's clock. The token of a
claim is new for every claim and guards every later write. `sending` rows of a lost batch become `unknown`, never
`queued`; its other rows stay in it and are claimed again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from ..base import Instant, db_in, new_id
from ..database import wake
from ..messages.tables import LANES, Message, Occurrence
from . import accounts, domains, states, stops, threads, trouble
from .backoff import Pace
from .tables import Account, Attempt, Batch, Delivery

BATCH_MAX = 500
# A batch that lost a worker this often goes on row by row, so that the row to blame can be told.
ALONE_AFTER = 2
# A row that was alone in hand at this many deaths is poison.
POISON_AT = 5
WAITING = (states.QUEUED, states.DEFERRED)


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch in one worker's hands. `token` fences its writes; `alone` says that it goes row by row.

    `trial_until` is until when nobody else tries an account in trouble; None where this is no trial.
    """

    batch_id: int
    token: int
    account_id: int
    message_id: int
    occurrence_id: int
    alone: bool
    trial_until: datetime | None = None


def claim(
    session: Session, now: datetime, owner: str, lease_s: float, lanes: Iterable[str] = LANES
) -> Claim | None:
    """Take the most urgent due batch that may go; None when there is none."""
    found = _next(session, now, lanes)
    if found is None:
        return None
    trial_until = now + timedelta(seconds=lease_s) if found.trouble_since_at is not None else None
    if trial_until is not None and not trouble.on_trial(session, now, found.account_id, trial_until):
        return None
    token = new_id()
    domains_until = session.scalar(
        update(Batch)
        .where(Batch.id == found.id, Batch.owner.is_(None))
        .values(owner=owner, token=token, until_db=db_in(round(lease_s * 1e6)))
        .returning(domains.until_when(found.account_id))
        .execution_options(synchronize_session=False)
    )
    if domains_until is not None and domains_until > now:
        domains.lay_aside(session, now, found.id, found.account_id)
    if found.broadcast:
        threads.lay_aside(session, now, found.id)
    alone = trial_until is not None or found.deaths >= ALONE_AFTER
    return Claim(found.id, token, found.account_id, found.message_id, found.occurrence_id, alone, trial_until)


def _next(session: Session, now: datetime, lanes: Iterable[str]) -> Any:
    """The row of the most urgent due batch that may go, locked; None when there is none."""
    told = {"now": now, "lanes": [LANES.index(lane) for lane in lanes]}
    return session.connection().execute(_NEXT, told).first()


def _urgent_first() -> Any:
    now = bindparam("now", type_=Instant)
    return (
        select(
            Batch.id, Batch.account_id, Batch.occurrence_id, Occurrence.message_id, Batch.deaths,
            Account.trouble_since_at, Account.broadcast,
        )
        .join(Occurrence, Occurrence.id == Batch.occurrence_id)
        .join(Message, Message.id == Occurrence.message_id)
        .join(Account, Account.id == Batch.account_id)
        .where(
            Batch.owner.is_(None),
            Batch.due_at <= now,
            Batch.lane.in_(bindparam("lanes", expanding=True)),
            _may_go(),
            accounts.ready(now),
            Account.id.not_in(stops.stopped_accounts()),
        )
        .order_by(Batch.lane, Batch.due_at, Batch.id)
        .limit(1)
        .with_for_update(of=Batch, skip_locked=True)
    )  # fmt: skip


def _may_go() -> Any:
    """Real occurrences go with their message; tests of a message go whatever its state."""
    return or_(
        and_(Occurrence.kind == "real", Message.state.in_(("scheduled", "sending"))),
        Occurrence.kind == "test",
    )


def renew(session: Session, held: Claim, lease_s: float) -> bool:
    """Keep a batch; False when it was taken away."""
    told = {"batch": held.batch_id, "fence": held.token, "lease_us": round(lease_s * 1e6)}
    return bool(session.connection().execute(_RENEWED, told).rowcount)


def _renewed() -> Any:
    table = Batch.__table__
    mine = and_(
        table.c.id == bindparam("batch"), table.c.token == bindparam("fence"), table.c.owner.is_not(None)
    )
    later = db_in(bindparam("lease_us", type_=BigInteger))
    return update(table).where(mine).values(until_db_at=later)  # type: ignore[arg-type]


def give_back(session: Session, held: Claim, due_at: datetime | None = None) -> None:
    """Lay a batch down: gone when nothing is left in it, else free for the next worker (from `due_at` on)."""
    mine = {"batch": held.batch_id, "fence": held.token}
    if not session.connection().execute(_DONE, mine).rowcount:
        session.connection().execute(_FREE, {**mine, "later": due_at})


def _laid_down() -> tuple[Any, Any]:
    table, row = Batch.__table__, Delivery.__table__.c
    mine = and_(table.c.id == bindparam("batch"), table.c.token == bindparam("fence"))
    left = exists().where(row.batch_id == bindparam("batch"))
    free = {"owner": null(), "until_db_at": null(), "alone_id": null()}
    due_at = func.coalesce(bindparam("later", type_=Instant), table.c.due_at)
    return delete(table).where(mine, ~left), update(table).where(mine).values(**free, due_at=due_at)  # type: ignore[arg-type]


def begin(session: Session, occurrence_id: int, account_id: int, lane: int, due_at: datetime) -> int:
    """A new batch without rows, its id; whoever waits for work is woken when it is committed."""
    batch_id = new_id()
    told = {"id": batch_id, "occurrence_id": occurrence_id, "account_id": account_id, "lane": lane}
    session.connection().execute(_NEW, {**told, "due_at": due_at})
    wake(session)
    return batch_id


def due_in_s(session: Session, now: datetime, lanes: Iterable[str] = LANES) -> float | None:
    """Seconds until the next free batch of these lanes is due, 0 or less where one is; None where there is none."""
    places = [LANES.index(lane) for lane in lanes]
    next_at = session.scalar(
        select(func.min(Batch.due_at)).where(Batch.owner.is_(None), Batch.lane.in_(places))
    )
    return None if next_at is None else float((next_at - now).total_seconds())


def make(
    session: Session, occurrence_id: int, account_id: int, lane: int, due_at: datetime, rows: list[int]
) -> int:
    """Put rows that are in no batch into new ones of at most 500; how many were taken."""
    taken = 0
    for start in range(0, len(rows), BATCH_MAX):
        batch_id = begin(session, occurrence_id, account_id, lane, due_at)
        moved = session.execute(
            update(Delivery)
            .where(
                Delivery.id.in_(rows[start : start + BATCH_MAX]),
                Delivery.batch_id.is_(None),
                Delivery.state.in_(states.TAKEABLE),
            )
            .values(batch_id=batch_id)
        ).rowcount  # type: ignore[attr-defined]
        if not moved:
            session.execute(delete(Batch).where(Batch.id == batch_id))
        taken += moved
    return taken


def _due_again(now: datetime | BindParameter[datetime]) -> list[ColumnElement[bool]]:
    return [Delivery.state.in_(WAITING), Delivery.next_at <= now, Delivery.batch_id.is_(None)]


def _out_of_time() -> list[ColumnElement[bool]]:
    return [Batch.owner.is_not(None), Batch.until_db < db_in(0)]


def waits_again(session: Session, now: datetime) -> bool:
    """Whether rows are due again that are in no batch."""
    return session.connection().execute(_AGAIN, {"now": now}).first() is not None


def is_lost(session: Session, now: datetime, pace: Pace) -> bool:
    """Whether a batch has run out of time."""
    return session.connection().execute(_LOST).first() is not None


def gather(session: Session, now: datetime, limit: int = 2000) -> int:
    """Bring rows that are due again, deferred or put off by a limit, into batches; how many.

    Those of cancelled messages are withdrawn.
    """
    withdrawn = select(Message.id).where(Message.state == "cancelled")
    session.execute(
        update(Delivery)
        .where(
            *_due_again(now),
            Delivery.message_id.in_(withdrawn),
        )
        .values(state=states.CANCELLED, next_at=None, settled_at=now)
        .execution_options(synchronize_session=False)
    )
    due = session.execute(
        select(Delivery.id, Delivery.occurrence_id, Delivery.account_id, Message.lane)
        .join(Message, Message.id == Delivery.message_id)
        .join(Occurrence, Occurrence.id == Delivery.occurrence_id)
        .where(
            *_due_again(now),
            or_(Message.state.in_(("scheduled", "sending", "held")), Occurrence.kind == "test"),
        )
        .order_by(Delivery.next_at, Delivery.id)
        .limit(limit)
        .with_for_update(of=Delivery, skip_locked=True)
    )
    groups: dict[tuple[int, int, str], list[int]] = defaultdict(list)
    for row in due:
        groups[row.occurrence_id, row.account_id, row.lane].append(row.id)
    return sum(
        make(session, occurrence_id, account_id, LANES.index(lane), now, rows)
        for (occurrence_id, account_id, lane), rows in groups.items()
    )


def recover(session: Session, now: datetime, pace: Pace, limit: int = 20) -> int:
    """Take batches whose worker is gone by the database's clock; how many."""
    lost = session.execute(
        select(Batch.id, Batch.account_id, Batch.alone_id, Batch.token)
        .where(*_out_of_time())
        .order_by(Batch.id)
        .limit(limit)
        .with_for_update(of=Batch, skip_locked=True)
    ).all()
    for row in lost:
        if row.alone_id is not None:
            _blame(session, row.alone_id, now)
        unknown_rows(session, now, row.id, session.get_one(Account, row.account_id), pace)
        session.execute(
            update(Batch)
            .where(Batch.id == row.id)
            .values(owner=None, until_db=None, alone_id=None, deaths=Batch.deaths + 1)
        )
        left = exists().where(Delivery.batch_id == row.id)
        session.execute(delete(Batch).where(Batch.id == row.id, ~left))
    return len(lost)


def unknown_rows(session: Session, now: datetime, batch_id: int, account: Account, pace: Pace) -> None:
    """Rows whose intent was committed and whose outcome nobody wrote down are `unknown` from now on."""
    rows = session.execute(
        select(Delivery.id, Delivery.intent_at, Delivery.attempt, Delivery.token, Delivery.deaths).where(
            Delivery.batch_id == batch_id, Delivery.state == states.SENDING
        )
    ).all()
    for row in rows:
        next_at = pace.unknown_next_at(
            account.repeats, account.on_unknown, now, row.intent_at, float(account.limits["deadline_s"])
        )
        if row.deaths >= POISON_AT:
            next_at = None
        session.execute(
            update(Delivery)
            .where(Delivery.id == row.id, Delivery.state == states.SENDING)
            .values(state=states.UNKNOWN, next_at=next_at, batch_id=None, settled_at=now)
        )
        note(session, now, row.id, row.attempt, row.token, "unknown", phase="worker_gone")


def note(
    session: Session,
    now: datetime,
    delivery_id: int,
    n: int,
    token: int,
    outcome: str,
    *,
    provider_id: str | None = None,
    phase: str | None = None,
    error: dict[str, Any] | None = None,
) -> None:
    """Write a fact about an attempt that was not plain success."""
    # Two facts may come at once, and each needs a number of its own.
    session.execute(select(Delivery.id).where(Delivery.id == delivery_id).with_for_update(key_share=True))
    seq = session.scalar(
        select(func.count()).select_from(Attempt).where(Attempt.delivery_id == delivery_id, Attempt.n == n)
    )
    session.execute(
        insert(Attempt).values(
            delivery_id=delivery_id, n=n, seq=seq, token=token, at=now, outcome=outcome,
            provider_id=provider_id, phase=phase, error=error,
        )
    )  # fmt: skip


def _blame(session: Session, delivery_id: int, now: datetime) -> None:
    """Count a death against the row that was alone in hand; too many while nothing was sent make it poison."""
    session.execute(update(Delivery).where(Delivery.id == delivery_id).values(deaths=Delivery.deaths + 1))
    session.execute(
        update(Delivery)
        .where(
            Delivery.id == delivery_id,
            Delivery.deaths >= POISON_AT,
            Delivery.state.in_((states.QUEUED, states.DEFERRED)),
        )
        .values(state=states.FAILED, reason="poison", batch_id=None, next_at=None, settled_at=now)
    )


# Made once: every batch asks them, and every beat of the clock.
_AGAIN = select(Delivery.id).where(*_due_again(bindparam("now", type_=Instant))).limit(1)
_LOST = select(Batch.id).where(*_out_of_time()).limit(1)
_NEXT, _RENEWED = _urgent_first(), _renewed()
_DONE, _FREE = _laid_down()
_NEW = insert(Batch.__table__)  # type: ignore[arg-type]
