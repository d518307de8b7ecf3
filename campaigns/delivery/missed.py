"""Missed runs: times that came while no clock was there, and what becomes of each by its message's own policy.

Rules: a time counts as missed when it came after the last beat of any clock and more than a minute before this one,
and nothing of it had begun; what waited for another reason is not missed. `late` goes if it is not too late, `skip`
goes not at all, `hold` waits for a person; what is too late is skipped where the message recurs, else it waits too.
Each is written down once.
Source: E7.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, insert, select, update
from sqlalchemy.orm import Session

from ..database import Database
from ..errors import AlreadyDone, NotFound, said
from ..messages import messages, timing
from ..messages.tables import Message, Occurrence, Timing
from . import reconcile, states
from .tables import Delivery, MissedRun, Tick

KIND = "missed_run"
CLOCK = "clock"
# A beat is written down this often; clocks that were silent for so long were away.
BEAT = timedelta(seconds=20)
AWAY = timedelta(minutes=5)
NEARLY = timedelta(minutes=1)


def tick(database: Database, now: Callable[[], datetime]) -> None:
    """Write a beat down where one is due."""
    with database.read() as session:
        asked = beat_due(session, now())
    if asked:
        with database.write() as session:
            beat(session, now())


def beat_due(session: Session, now: datetime) -> bool:
    """Whether a beat is to be written down: the last one is old, or lies ahead because a clock was put back."""
    last = session.get(Tick, CLOCK)
    return last is None or abs(now - last.at) >= BEAT


def beat(session: Session, now: datetime) -> int:
    """Write down that a clock is here; after an absence say of each time that was missed what becomes of it."""
    last = session.get(Tick, CLOCK, with_for_update=True, populate_existing=True)
    if last is None:
        session.add(Tick(name=CLOCK, at=now))
        return 0
    since, last.at = last.at, now
    session.flush()
    if now - since <= AWAY:
        return 0
    found = _missed(session, since, now)
    for occurrence in found:
        _follow_policy(session, now, occurrence)
    return len(found)


def decide(session: Session, now: datetime, occurrence_id: int, *, go: bool, by: str) -> MissedRun:
    """A person says whether a missed run still goes; AlreadyDone where somebody has said so."""
    run = session.get(MissedRun, occurrence_id)
    if run is None:
        raise NotFound("there is no such missed run")
    message = session.get_one(Message, run.message_id, with_for_update=True)
    session.refresh(run, with_for_update=True)
    if run.done != "held" or run.decided_at is not None:
        raise AlreadyDone("somebody has decided about this missed run already")
    run.decided_by, run.decided_at, run.done = by, now, "late" if go else "skipped"
    session.flush()
    if not go:
        _skip(session, now, session.get_one(Occurrence, occurrence_id))
    messages.settle(session, now, message)
    reconcile.finish_message(session, now, message)
    return run


def obstacles(session: Session, message: Message, now: datetime) -> list[dict[str, Any]]:
    """Missed runs about which a person has to decide, as obstacles of their message."""
    waiting = select(MissedRun).where(
        MissedRun.message_id == message.id, MissedRun.done == "held", MissedRun.decided_at.is_(None)
    )
    return [
        {
            "kind": KIND,
            "detail": said("Its time came while nobody was there to send it: say whether it still goes"),
            "at": one.due_at.isoformat(),
        }
        for one in session.scalars(waiting.order_by(MissedRun.due_at))
    ]


def _missed(session: Session, since: datetime, now: datetime) -> list[Occurrence]:
    begun = exists().where(Delivery.occurrence_id == Occurrence.id, Delivery.attempt > 0)
    # A clock that was put back and on again passes the same times twice.
    known = exists().where(MissedRun.occurrence_id == Occurrence.id)
    found = (
        select(Occurrence)
        .join(Message, Message.id == Occurrence.message_id)
        .where(
            Occurrence.kind == "real", Occurrence.state.in_(("planned", "released")),
            Occurrence.due_at > since, Occurrence.due_at <= now - NEARLY,
            Message.state.in_(("scheduled", "sending")), ~begun, ~known,
        )
        .order_by(Occurrence.due_at, Occurrence.id)
    )  # fmt: skip
    return list(session.scalars(found))


def _follow_policy(session: Session, now: datetime, occurrence: Occurrence) -> None:
    message = session.get_one(Message, occurrence.message_id, with_for_update=True)
    chosen = timing.of(session, message) or Timing(**timing.USUAL)
    done = {"late": "late", "skip": "skipped", "hold": "held"}[chosen.missed]
    if done == "late" and now - occurrence.due_at > timedelta(seconds=chosen.late_s):
        done = "skipped" if chosen.rule else "held"
    session.execute(
        insert(MissedRun).values(
            occurrence_id=occurrence.id,
            message_id=message.id,
            due_at=occurrence.due_at,
            found_at=now,
            done=done,
        )
    )
    if done == "skipped":
        _skip(session, now, occurrence)
        reconcile.finish_message(session, now, message)
    if done == "held":
        messages.settle(session, now, message)


def _skip(session: Session, now: datetime, occurrence: Occurrence) -> None:
    occurrence.state = "skipped"
    session.execute(
        update(Delivery)
        .where(Delivery.occurrence_id == occurrence.id, Delivery.state.in_((states.QUEUED, states.DEFERRED)))
        .values(state=states.CANCELLED, batch_id=None, next_at=None, settled_at=now)
    )
    session.flush()
