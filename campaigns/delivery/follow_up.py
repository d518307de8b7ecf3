"""Follow-ups: a message that goes to those who got another one, by what they did about it, some time after.

Rules: it goes once, after the other is finished, to each who got that once. One to those who did not answer, or did not
press a link, leaves out whoever does so until the moment it would go (`answered`). A press on a link counts only where
it is surely a person's; one from before presses were judged counts as it did then, unless the provider said otherwise.
Following one another never leads back to where it began.
Source: E14.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy.orm import Session, aliased

from ..messages import calendar
from ..messages.tables import Message, Occurrence, Timing
from ..stakeholders import kin
from ..stakeholders.json_values import json_truth
from . import states
from .tables import Delivery, DeliveryEvent

# Stored by a release that judged nothing, and by one that runs beside this one while it is upgraded.
_UNJUDGED = DeliveryEvent.verdict.is_(None) & json_truth(DeliveryEvent.meta, "machine").is_not(True)
# What somebody did about the message before, as an event on its delivery.
DID = {"answered": "replied", "not_answered": "replied", "clicked": "clicked", "not_clicked": "clicked"}


def people(session: Session, chosen: Timing) -> Select[Any]:
    """The SELECT of a page of stakeholders to whom a follow-up goes: who got the message before, and did what is asked.

    As `kin.standing_for` has it.
    """
    of_it = Occurrence.message_id == chosen.after_id, Occurrence.kind == "real"
    times = session.scalars(select(Occurrence.id).where(*of_it)).all()
    sent = aliased(Delivery)
    # Their number is the row's target, and with the one time it went out an index in order.
    got = select(sent.target).where(
        sent.occurrence_id == times[0] if len(times) == 1 else sent.occurrence_id.in_(times),
        sent.state == states.SENT,
        sent.stakeholder_id == sent.target,
    )
    if not chosen.asks.startswith("not_"):
        got = got.where(_did(chosen).where(DeliveryEvent.stakeholder_id == sent.target).exists())
    return kin.standing_for(got)


def left_out(session: Session, message: Message, stakeholder_ids: Collection[int]) -> dict[int, str]:
    """Who of these did meanwhile what the follow-up was to remind them of."""
    if not session.connection().scalar(_ASKS_WHO_DID_NOT, {"message": message.id}) or not stakeholder_ids:
        return {}
    did = _did(session.get_one(Timing, message.id)).where(DeliveryEvent.stakeholder_id.in_(stakeholder_ids))
    return {number: "answered" for number in session.scalars(did) if number is not None}


def due(session: Session, now: datetime) -> bool:
    """Whether a follow-up is to be given its time."""
    return session.execute(_READY.limit(1)).first() is not None


def plan(session: Session, now: datetime) -> int:
    """Give each follow-up whose message before is finished its time; of how many."""
    return sum(_plan(session, number, wait_s, at) for number, wait_s, at in session.execute(_READY).all())


def _ready() -> Any:
    before, ended = Message.__table__.alias("before"), func.max(Occurrence.finished_at)
    when = (
        select(ended)
        .where(Occurrence.message_id == Timing.after_id, Occurrence.kind == "real")
        .scalar_subquery()
    )
    own = select(Occurrence.id).where(Occurrence.message_id == Timing.message_id, Occurrence.kind == "real")
    return (
        select(Timing.message_id, Timing.after_s, when)
        .join(Message, Message.id == Timing.message_id)
        .join(before, before.c.id == Timing.after_id)
        .where(
            before.c.state == "finished", ~own.exists(),
            Message.state.in_(("waiting", "scheduled", "held", "sending")),
        )
        .order_by(Timing.message_id)
    )  # fmt: skip


def _plan(session: Session, message_id: int, wait_s: int, ended_at: datetime | None) -> bool:
    if ended_at is None:
        return False
    at = ended_at + timedelta(seconds=wait_s)
    session.get_one(Message, message_id, with_for_update=True)
    own = select(Occurrence.id).where(Occurrence.message_id == message_id, Occurrence.kind == "real")
    if session.scalar(own.limit(1)) is not None:
        return False
    session.add(
        Occurrence(
            message_id=message_id, kind="real", wall=calendar.wall_of(at, "UTC"), zone="UTC", due_at=at
        )
    )
    session.flush()
    return True


def _did(chosen: Timing) -> Select[Any]:
    return (
        select(DeliveryEvent.stakeholder_id)
        .join(Delivery, Delivery.id == DeliveryEvent.delivery_id)
        .where(
            Delivery.message_id == chosen.after_id,
            DeliveryEvent.kind == DID[chosen.asks],
            # Scanners press links before anybody reads: what may have been one decides nothing.
            or_(DeliveryEvent.kind == "replied", DeliveryEvent.verdict == "person", _UNJUDGED),
        )
    )


def _asks_who_did_not() -> Any:
    table = Timing.__table__.c
    asks = table.after_id.is_not(None) & table.asks.startswith("not_", autoescape=True)
    return select(table.message_id).where(table.message_id == bindparam("message"), asks)


# Made once: the first is asked for every wave, the other at every beat of the clock.
_ASKS_WHO_DID_NOT, _READY = _asks_who_did_not(), _ready()
