"""Planned times that stand where their wall time no longer is, since their zone got other rules (newer tzdata).

Rules: a time that was planned keeps its instant, where people saw and approved it; what is made later follows the new
rules. Nothing is written down: it is told for as long as it is so, and whoever wants the old time of day moves it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import zones
from ..errors import BadTime
from . import calendar
from .tables import Message, Occurrence, Timing
from .timing import GOING

# So many of the next times are looked at.
MOST = 1000


@dataclass(frozen=True, slots=True)
class Displaced:
    """A time that goes at `due_at`, and the instant that its wall time means by now."""

    message: Message
    occurrence: Occurrence
    means_at: datetime


def coming(session: Session, now: datetime, programmes: Collection[int] | None = None) -> list[Displaced]:
    """Those of the next times, of these programmes or of all, soonest first.

    What a person moved stands where they put it, and everybody's own time is asked of their zone at its release.
    """
    found = (
        select(Occurrence, Message)
        .join(Message, Message.id == Occurrence.message_id)
        .outerjoin(Timing, Timing.message_id == Message.id)
        .where(
            Occurrence.kind == "real", Occurrence.state == "planned", Occurrence.due_at > now,
            Occurrence.moved_by.is_(None), Occurrence.zone != "UTC", Message.state.in_(GOING),
            Timing.own_zone.is_not(True),
        )
        .order_by(Occurrence.due_at, Occurrence.id)
        .limit(MOST)
    )  # fmt: skip
    if programmes is not None:
        found = found.where(Message.programme_id.in_(programmes))
    looked_at = [(one, message, _means(one)) for one, message in session.execute(found)]
    return [Displaced(message, one, at) for one, message, at in looked_at if at is not None]


def _means(occurrence: Occurrence) -> datetime | None:
    """The instant of its wall time by the rules of now; None where that is when it goes, or nobody knows the zone."""
    try:
        if calendar.wall_of(occurrence.due_at, zones.canonical(occurrence.zone)) == occurrence.wall:
            return None  # of two instants with one wall time the one that was chosen
        at = calendar.resolve(occurrence.wall, occurrence.zone)
    except BadTime:
        return None
    return None if at == occurrence.due_at else at


__all__ = ["Displaced", "coming"]
