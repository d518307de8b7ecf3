"""Roll-out: a part of those who get a message goes first, the rest later, unless the first part went badly.

Rules: who belongs to the first part follows from message and person alone, so it is the same at every look. While more
of the first part bounced or complained than the message allows, it is held; a person may let the rest go all the same.
The rest waits from when the first part really began, and until some of that is done; the numbers are then written down
with what they led to. Before that they are compared with what the whole first part may have.
Source: E10.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ..errors import AlreadyDone, NotFound, said
from ..messages import messages, timing
from ..messages.tables import Message, Occurrence, Timing
from . import states
from .tables import Delivery, DeliveryEvent, Rollout

KIND = "rollout_stopped"
# A first part of which nothing is done yet is looked at again after this.
LOOK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What became of the first part so far."""

    tried: int
    bounced: int
    complained: int
    open: int  # nobody knows yet
    began: datetime | None

    def over(self, chosen: Timing, *, early: bool) -> bool:
        """Whether more of it went badly than the message allows, in thousandths; `early`: of all that may still go."""
        size = self.tried + self.open if early else self.tried
        return (
            self.bounced * 1000 > size * chosen.bounced_pm
            or self.complained * 1000 > size * chosen.complained_pm
        )

    def rest_at(self, one: Rollout, chosen: Timing, now: datetime) -> datetime:
        """When the rest may go, by what is known now; at once where nobody belongs to the first part."""
        if self.began is None:
            return now + LOOK if self.open else one.decide_at
        at = max(one.decide_at, self.began + timedelta(seconds=chosen.then_s))
        return now + LOOK if at <= now and self.open and not self.tried else at


class Rest(NamedTuple):
    """Those of one time, due from an instant on, who get nothing until another."""

    occurrence_id: int
    from_at: datetime
    until: datetime


def delay(chosen: Timing | None, stakeholder_id: int) -> timedelta:
    """How much later than the first part this person gets it; nothing for who belongs to it."""
    if chosen is None or not chosen.first_share:
        return timedelta(0)
    name = f"{chosen.message_id}:{stakeholder_id}".encode()
    place = int.from_bytes(hashlib.sha256(name).digest()[:4]) / 2**32
    return timedelta(0) if place * 100 < chosen.first_share else timedelta(seconds=chosen.then_s)


def begin(session: Session, message: Message, occurrence: Occurrence) -> None:
    """Write down that one time of a message is rolled out, as its release begins; done again it changes nothing."""
    chosen = timing.of(session, message)
    if chosen is None or not chosen.first_share:
        return
    at = occurrence.due_at + timedelta(seconds=chosen.then_s)
    found = session.get(Rollout, occurrence.id)
    if found is None:
        session.add(Rollout(occurrence_id=occurrence.id, message_id=message.id, decide_at=at))
    else:
        found.decide_at = at
    session.flush()


def obstacles(session: Session, message: Message, now: datetime) -> list[dict[str, Any]]:
    """Times whose first part went badly, as obstacles of their message."""
    open_ones = select(Rollout).where(
        Rollout.message_id == message.id,
        Rollout.done.is_distinct_from("going"),
        Rollout.overruled_at.is_(None),
    )
    found = []
    for one in session.scalars(open_ones):
        chosen = session.get_one(Timing, one.message_id)
        numbers = count(session, one)
        early = numbers.rest_at(one, chosen, now) > now
        if one.done == "stopped" or numbers.over(chosen, early=early):
            words = said(
                "Of the first {tried} who got it {bounced} bounced and {complained} complained: the rest waits for you",
                tried=numbers.tried, bounced=numbers.bounced, complained=numbers.complained,
            )  # fmt: skip
            found.append({"kind": KIND, "detail": words, "occurrence": one.occurrence_id})
    return found


def waiting(session: Session, message: Message, now: datetime) -> list[Rest]:
    """The rest of each time of a message that may not go yet."""
    chosen = timing.of(session, message)
    if chosen is None or not chosen.first_share:
        return []
    undecided = select(Rollout).where(
        Rollout.message_id == message.id, Rollout.done.is_(None), Rollout.overruled_at.is_(None)
    )
    found = []
    for one in session.scalars(undecided):
        until = count(session, one).rest_at(one, chosen, now)
        if until > now:
            found.append(Rest(one.occurrence_id, one.decide_at, until))
    return found


def put_off(session: Session, batch_id: int, rest: Rest) -> int:
    """Take what belongs to the rest out of a batch until it may go; how many rows."""
    moved = session.execute(
        update(Delivery)
        .where(
            Delivery.batch_id == batch_id, Delivery.occurrence_id == rest.occurrence_id,
            Delivery.due_at >= rest.from_at, Delivery.state.in_((states.QUEUED, states.DEFERRED)),
        )
        .values(batch_id=None, next_at=rest.until)
    )  # fmt: skip
    return int(moved.rowcount)  # type: ignore[attr-defined]


def due(session: Session, now: datetime) -> bool:
    """Whether the rest of one is due, and nobody has written down yet what the numbers led to."""
    return session.scalar(select(Rollout.occurrence_id).where(*_undecided(now)).limit(1)) is not None


def _undecided(now: datetime) -> list[Any]:
    return [Rollout.done.is_(None), Rollout.decide_at <= now]


def decide(session: Session, now: datetime) -> int:
    """Write down what the numbers led to, where the rest is due; how many."""
    undecided = select(Rollout).where(*_undecided(now)).order_by(Rollout.occurrence_id)
    found = []
    for one in session.scalars(undecided.with_for_update(skip_locked=True)).all():
        numbers, chosen = count(session, one), session.get_one(Timing, one.message_id)
        if numbers.rest_at(one, chosen, now) > now and one.overruled_at is None:
            continue
        found.append(one)
        over = numbers.over(chosen, early=False) and one.overruled_at is None
        one.tried, one.bounced, one.complained = numbers.tried, numbers.bounced, numbers.complained
        one.done, one.decided_at = "stopped" if over else "going", now
    session.flush()
    for one in found:
        messages.settle(session, now, session.get_one(Message, one.message_id))
    return len(found)


def overrule(session: Session, now: datetime, message: Message, occurrence_id: int, *, by: str) -> Rollout:
    """A person lets the rest go all the same."""
    found = session.get(Rollout, occurrence_id)
    if found is None or found.message_id != message.id:
        raise NotFound("there is no such roll-out")
    if found.overruled_at is not None or found.done == "going":
        raise AlreadyDone("the rest goes already")
    found.overruled_by, found.overruled_at = by, now
    session.flush()
    messages.settle(session, now, message)
    return found


def count(session: Session, one: Rollout) -> Numbers:
    """What became of the first part so far: who was due before the rest."""
    first = (Delivery.occurrence_id == one.occurrence_id, Delivery.due_at < one.decide_at)
    tally = select(Delivery.state, func.count()).where(*first).group_by(Delivery.state)
    by_state = {state: number for state, number in session.execute(tally)}
    complained = select(func.count(DeliveryEvent.delivery_id.distinct())).where(
        DeliveryEvent.kind == "complained", DeliveryEvent.delivery_id.in_(select(Delivery.id).where(*first))
    )
    bounced = by_state.get(states.BOUNCED, 0)
    still = sum(by_state.get(state, 0) for state in (*states.OPEN, states.UNKNOWN))
    began = session.scalar(select(func.min(Delivery.intent_at)).where(*first))
    return Numbers(
        by_state.get(states.SENT, 0) + bounced, bounced, session.scalar(complained) or 0, still, began
    )
