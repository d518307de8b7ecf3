"""Counts, and what they prove: a message is finished when every row is final and the books agree."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from ..messages import messages
from ..messages.tables import Message, Occurrence
from . import states
from .backoff import Pace
from .tables import Account, Delivery

COUNTED = (*states.STATES,)


def counts(session: Session, message_id: int, kind: str = "real") -> dict[str, int]:
    """Rows per state and their sum, `intended`; tests of a message are counted apart."""
    rows = session.execute(
        select(Delivery.state, func.count())
        .join(Occurrence, Occurrence.id == Delivery.occurrence_id)
        .where(Delivery.message_id == message_id, Occurrence.kind == kind)
        .group_by(Delivery.state)
    )
    found = {state: number for state, number in rows}
    return {"intended": sum(found.values()), **{state: found.get(state, 0) for state in COUNTED}}


def reasons(session: Session, message_id: int) -> dict[str, int]:
    """How many rows carry each reason."""
    rows = session.execute(
        select(Delivery.reason, func.count())
        .where(Delivery.message_id == message_id, Delivery.reason.is_not(None))
        .group_by(Delivery.reason)
    )
    return {str(reason): number for reason, number in rows}


def expire(session: Session, now: datetime, pace: Pace, limit: int = 200) -> int:
    """Rows still waiting after they stopped being useful fail as `too_late`; how many."""
    waiting = session.execute(
        select(Delivery.id, Delivery.due_at, Account.broadcast, Message.useful_until_s)
        .join(Message, Message.id == Delivery.message_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(
            Delivery.state.in_((states.QUEUED, states.DEFERRED)),
            Delivery.due_at < now,
            or_(Account.broadcast, Message.useful_until_s.is_not(None)),
            Message.state.in_(("scheduled", "sending", "held", "paused")),
        )
        .limit(limit)
    )
    late = [
        row.id
        for row in waiting
        if row.due_at + timedelta(seconds=pace.lifetime_s(row.broadcast, row.useful_until_s)) < now
    ]
    done = session.execute(
        update(Delivery)
        .where(Delivery.id.in_(late), Delivery.state.in_((states.QUEUED, states.DEFERRED)))
        .values(state=states.FAILED, reason="too_late", batch_id=None, next_at=None, settled_at=now)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def finish(session: Session, now: datetime) -> int:
    """Finish occurrences whose rows are all final, and messages whose occurrences are; how many occurrences."""
    open_row = exists().where(
        Delivery.occurrence_id == Occurrence.id,
        or_(
            Delivery.state.in_(states.OPEN),
            and_(
                Delivery.state == states.UNKNOWN,
                or_(Delivery.next_at.is_not(None), Delivery.batch_id.is_not(None)),
            ),
        ),
    )
    ended = session.execute(
        select(Occurrence.id, Occurrence.message_id, Occurrence.kind)
        .join(Message, Message.id == Occurrence.message_id)
        .where(Occurrence.state == "released", ~open_row, Message.state.not_in(("held", "waiting")))
    ).all()
    for row in ended:
        session.execute(
            update(Occurrence)
            .where(Occurrence.id == row.id, Occurrence.state == "released")
            .values(state="finished", finished_at=now)
        )
        if row.kind == "real":
            _finish_message(session, now, row.message_id)
    return len(ended)


def _finish_message(session: Session, now: datetime, message_id: int) -> None:
    left = select(func.count()).where(
        Occurrence.message_id == message_id,
        Occurrence.kind == "real",
        Occurrence.state.not_in(("finished", "cancelled")),
    )
    message = session.get_one(Message, message_id)
    if session.scalar(left) or message.state not in ("scheduled", "sending", "paused"):
        return  # one that is held or waits for its check finishes when it may go
    if message.state == "scheduled":  # everybody was excluded: it never had to be sending
        messages.move(session, message, "sending", now)
    messages.move(session, message, "finished", now)


def unknowns(session: Session, limit: int = 200) -> list[Delivery]:
    """Rows that wait for a person to decide."""
    query = select(Delivery).where(
        Delivery.state == states.UNKNOWN, Delivery.next_at.is_(None), Delivery.batch_id.is_(None)
    )
    return list(session.scalars(query.order_by(Delivery.id).limit(limit)))


def books(session: Session, message_id: int) -> dict[str, Any]:
    """The counts with whether they add up: intended = the sum of the final words."""
    found = counts(session, message_id)
    final = ("sent", "bounced", "failed", "unknown", "excluded", "cancelled")
    return {**found, "reconciled": found["intended"] == sum(found[state] for state in final)}
