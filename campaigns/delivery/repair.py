"""Work that waits or is in hand, for whoever looks after an installation: what there is, and how it is put right.

Rules: what is taken from a worker in the middle of a hand-over is `unknown`, as after its death; what a person says
about rows stays with them as evidence. So nothing goes twice because somebody repaired something.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select, update
from sqlalchemy.orm import Session

from ..errors import BadField, Conflict
from ..messages.tables import Message, Occurrence
from . import accounts, batch, states
from .backoff import Pace
from .tables import Account, Batch, Delivery

KINDS = ("due", "late", "leased", "dead")
# What should have been taken by then shows that nobody is there to take it, or that nobody may.
PATIENCE = timedelta(minutes=2)


def of_kind(kind: str, now: datetime) -> ColumnElement[bool]:
    """Batches that are due and free, free for minutes, in a worker's hands, or that lost a worker."""
    free = Batch.owner.is_(None)
    return {
        "due": and_(free, Batch.due_at <= now),
        "late": and_(free, Batch.due_at < now - PATIENCE),
        "leased": Batch.owner.is_not(None),
        "dead": Batch.deaths > 0,
    }[kind]


def forgotten(now: datetime) -> ColumnElement[bool]:
    """Batches that are late though their account takes something: nobody is there to take them."""
    return and_(of_kind("late", now), Batch.account_id.in_(select(Account.id).where(accounts.ready(now))))


def rows_of(session: Session, batch_ids: Iterable[int]) -> dict[int, int]:
    """How many rows are in each batch."""
    counted = (
        select(Delivery.batch_id, func.count())
        .where(Delivery.batch_id.in_(batch_ids), Delivery.batch_id.is_not(None))
        .group_by(Delivery.batch_id)
    )
    return {number: rows for number, rows in session.execute(counted) if number is not None}


def requeue(session: Session, now: datetime, found: Batch, pace: Pace) -> None:
    """Give a batch to the next worker at once, as if it had never lost one."""
    _hold(session, found)
    batch.unknown_rows(session, now, found.id, session.get_one(Account, found.account_id), pace)
    session.execute(
        update(Batch)
        .where(Batch.id == found.id)
        .values(owner=None, until_db=None, alone_id=None, deaths=0, due_at=now)
    )


def mark(session: Session, now: datetime, found: Batch, *, outcome: str, by: str, evidence: str) -> int:
    """Say that the rows of a free batch have gone (`sent`), or leave them out (`failed`); how many there were."""
    if outcome not in (states.SENT, states.FAILED):
        raise BadField("say sent or failed", pointer="/outcome")
    if not evidence.strip():
        raise BadField("say how you know: it stays with the delivery", pointer="/evidence")
    _hold(session, found)
    if found.owner is not None:
        raise Conflict("a worker has it in hand: take it back first, or wait")
    words = {"by": by, "evidence": evidence}
    values: dict[str, Any] = {"state": outcome, "batch_id": None, "next_at": None, "settled_at": now}
    gone: dict[str, Any] = {"sent_at": now} if outcome == states.SENT else {"reason": "marked_failed"}
    marked = session.execute(
        update(Delivery)
        .where(Delivery.batch_id == found.id, Delivery.state.in_(states.TAKEABLE))
        .values(**values, **gone, error=words)
    )
    session.execute(delete(Batch).where(Batch.id == found.id))
    return int(marked.rowcount)  # type: ignore[attr-defined]


def lay_down(session: Session, now: datetime, owner: str | None, pace: Pace) -> None:
    """Give back what a worker that ends still has: what it was handing over is unknown, the next takes the rest.

    None: what all have, in a database that was restored, whose workers are of another time.
    """
    whose = Batch.owner.is_not(None) if owner is None else Batch.owner == owner
    for number in session.scalars(select(Batch.id).where(whose).order_by(Batch.id)).all():
        found = session.get_one(Batch, number)
        _hold(session, found)
        batch.unknown_rows(session, now, number, session.get_one(Account, found.account_id), pace)
        found.owner = found.until_db = found.alone_id = None


def _hold(session: Session, found: Batch) -> None:
    """Lock message and batch, in the order in which a worker does."""
    message = select(Occurrence.message_id).where(Occurrence.id == found.occurrence_id).scalar_subquery()
    session.execute(select(Message.id).where(Message.id == message).with_for_update())
    if session.get(Batch, found.id, populate_existing=True, with_for_update=True) is None:
        raise Conflict("it was worked to its end meanwhile: look again")
