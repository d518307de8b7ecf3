"""Counts, and what they prove: a message is finished when every row is final and the books agree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ScalarSelect, Select, and_, exists, func, or_, select, type_coerce, update
from sqlalchemy.orm import Session, aliased

from ..base import micros
from ..messages import messages, timing
from ..messages.tables import Message, MessageAccount, Occurrence
from . import states, threads
from .backoff import Pace
from .tables import Account, Delivery

COUNTED = (*states.STATES,)


def counts(session: Session, message_id: int, kind: str = "real") -> dict[str, int]:
    """Rows per state and their sum, `intended`; tests of a message are counted apart."""
    return counts_of_each(session, [message_id], kind)[message_id]


def counts_of_each(
    session: Session, message_ids: Sequence[int], kind: str = "real"
) -> dict[int, dict[str, int]]:
    """The same of a few messages, by one statement that reads all of their rows."""
    found = {one: {"intended": 0, **dict.fromkeys(COUNTED, 0)} for one in message_ids}
    rows = session.execute(
        select(Occurrence.message_id, Delivery.state, func.count())
        .join(Occurrence, Occurrence.id == Delivery.occurrence_id)
        .where(Occurrence.message_id.in_(message_ids), Occurrence.kind == kind)
        .group_by(Occurrence.message_id, Delivery.state)
    )
    for message_id, state, number in rows:
        found[message_id][state] = number
        found[message_id]["intended"] += number
    return found


def counts_of_times(session: Session, message_id: int) -> dict[int, dict[str, int]]:
    """Rows per state and their sum, `intended`, of each time that a message goes out, tests apart."""
    found: dict[int, dict[str, int]] = {}
    query = (
        select(Occurrence.id, Delivery.state, func.count(Delivery.id))
        .outerjoin(Delivery, Delivery.occurrence_id == Occurrence.id)
        .where(Occurrence.message_id == message_id, Occurrence.kind == "real")
        .group_by(Occurrence.id, Delivery.state)
    )
    for number, state, rows in session.execute(query):
        counted = found.setdefault(number, {"intended": 0, **dict.fromkeys(COUNTED, 0)})
        if state is not None:
            counted[state] = rows
            counted["intended"] += rows
    return found


def counts_of(session: Session, message_ids: Sequence[int], most: int = 10_000) -> dict[int, dict[str, int]]:
    """Rows per state of several messages, for a list: read from one index, and no further than `most` each."""
    found: dict[int, dict[str, int]] = {one: {} for one in message_ids}
    query = select(Occurrence.message_id, *(some(state, most) for state in COUNTED)).where(
        Occurrence.message_id.in_(message_ids), Occurrence.kind == "real"
    )
    for message_id, *numbers in session.execute(query):
        for state, number in zip(COUNTED, numbers, strict=True):
            if number:
                found[message_id][state] = found[message_id].get(state, 0) + number
    return found


def some(state: str, most: int) -> ScalarSelect[int]:
    """How many rows of an occurrence are in this state, counted no further than `most`."""
    mine = (Delivery.occurrence_id == Occurrence.id, Delivery.state == state)
    rows = select(Delivery.id).where(*mine).limit(most).correlate(Occurrence).subquery()
    return select(func.count()).select_from(rows).scalar_subquery()


def reasons(session: Session, message_id: int) -> dict[str, int]:
    """How many rows carry each reason."""
    rows = session.execute(
        select(Delivery.reason, func.count())
        .where(Delivery.message_id == message_id, Delivery.reason.is_not(None))
        .group_by(Delivery.reason)
    )
    return {str(reason): number for reason, number in rows}


def is_late(session: Session, now: datetime, pace: Pace) -> bool:
    """Whether rows still wait that have stopped being useful."""
    return session.scalar(_late(now, pace).limit(1)) is not None


def expire(session: Session, now: datetime, pace: Pace, limit: int = 200) -> int:
    """Rows still waiting after they stopped being useful fail as `too_late`; how many."""
    found = _late(now, pace).order_by(Delivery.id).limit(limit)
    late = session.scalars(found.with_for_update(of=Delivery, skip_locked=True)).all()
    done = session.execute(
        update(Delivery)
        .where(Delivery.id.in_(late), Delivery.state.in_((states.QUEUED, states.DEFERRED)))
        .values(state=states.FAILED, reason="too_late", batch_id=None, next_at=None, settled_at=now)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def _late(now: datetime, pace: Pace) -> Select[int]:
    useful_us = func.coalesce(Message.useful_until_s * 1_000_000, int(pace.lifetime_s(True, None) * 1e6))
    # Asked of messages first: of a mailing that stays useful for ever no row is looked at.
    through = aliased(Account)
    posts = exists().where(
        MessageAccount.message_id == Message.id, through.id == MessageAccount.account_id, through.broadcast
    )
    some = or_(Message.useful_until_s.is_not(None), posts)
    return (
        select(Delivery.id)
        .join(Message, Message.id == Delivery.message_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(
            Delivery.state.in_((states.QUEUED, states.DEFERRED)),
            Delivery.reason.is_distinct_from(states.WITH_PEOPLE),
            type_coerce(Delivery.due_at, BigInteger) + useful_us < micros(now),
            some, or_(Account.broadcast, Message.useful_until_s.is_not(None)),
            Message.state.in_(("scheduled", "sending", "held", "paused")), ~threads.behind_unknown(),
        )
    )  # fmt: skip


def due(session: Session, now: datetime) -> bool:
    """Whether an occurrence is to be finished."""
    return session.execute(_ENDED.limit(1)).first() is not None


def finish(session: Session, now: datetime) -> int:
    """Finish occurrences whose rows are all final, and messages whose occurrences are; how many occurrences."""
    return sum(_finish(session, now, row.message_id, row.id) for row in session.execute(_ENDED).all())


def _over() -> Any:
    """Whether all rows of an occurrence are final."""
    unknown = or_(Delivery.next_at.is_not(None), Delivery.batch_id.is_not(None))
    still = or_(Delivery.state.in_(states.OPEN), and_(Delivery.state == states.UNKNOWN, unknown))
    open_row = exists().where(Delivery.occurrence_id == Occurrence.id, still)
    return and_(Occurrence.state == "released", ~open_row)


def _ended() -> Any:
    return (
        select(Occurrence.id, Occurrence.message_id)
        .join(Message, Message.id == Occurrence.message_id)
        .where(_over(), Message.state.not_in(("held", "waiting")))
        .order_by(Occurrence.message_id, Occurrence.id)
    )


# Made once: every beat of the clock asks it.
_ENDED = _ended()


def _finish(session: Session, now: datetime, message_id: int, occurrence_id: int) -> bool:
    """Close one occurrence; False where somebody has opened a row again, which they do holding the message."""
    message = session.get_one(Message, message_id, populate_existing=True, with_for_update=True)
    occurrence = session.scalar(select(Occurrence).where(Occurrence.id == occurrence_id, _over()))
    if occurrence is None:
        return False
    occurrence.state, occurrence.finished_at = "finished", now
    session.flush()
    if occurrence.kind == "real":
        finish_message(session, now, message)
    return True


def finish_message(session: Session, now: datetime, message: Message) -> None:
    """Finish a message of which nothing is left; one that recurs rests until its next time."""
    left = select(func.count()).where(
        Occurrence.message_id == message.id,
        Occurrence.kind == "real",
        Occurrence.state.in_(("planned", "released")),
    )
    if message.state not in ("scheduled", "sending", "paused"):
        return  # one that is held or waits for its check finishes when it may go
    if session.scalar(left) or timing.goes_on(session, message):
        if not session.scalar(left.where(Occurrence.state == "released")):
            messages.rest(session, message, now)
        return
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
