"""When each recipient of one time gets it: at the same time of day in their own zone, where the message says so.

Rules: who has no zone of their own gets it by the zone of the message. Whose time of day has passed gets it at once, or
a day later, as the message says. An occurrence that is spread is released when the day begins in the first zone.
Source: E2, E3.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..messages import calendar, timing
from ..messages.tables import Message, Occurrence, Timing

# From the first zone of the earth to reach a time of day until the last.
ROUND = timedelta(hours=26)
DAY = timedelta(days=1)


class Spread:
    """The instants of one time, by the zone of whoever gets it."""

    def __init__(self, chosen: Timing, wall: str, zone: str, now: datetime) -> None:
        self.passed, self.wall, self.zone, self.now = chosen.passed, wall, zone, now
        self._known: dict[str, datetime] = {}

    def due(self, zone: str | None) -> datetime:
        """When somebody of this zone gets it."""
        zone = zone or self.zone
        if zone not in self._known:
            self._known[zone] = self._due(zone)
        return self._known[zone]

    def _due(self, zone: str) -> datetime:
        at = calendar.resolve(self.wall, zone)
        if at >= self.now - calendar.PAST_MAX:
            return at
        if self.passed == "at_once":
            return self.now
        wall = datetime.fromisoformat(self.wall)
        while at < self.now - calendar.PAST_MAX:
            wall += DAY
            at = calendar.resolve(wall.isoformat(), zone)
        return at


def of(session: Session, message: Message, occurrence: Occurrence | None, now: datetime) -> Spread | None:
    """How one time of a message is spread (None for an occurrence: as its first would be); None where it is not."""
    chosen = timing.of(session, message)
    if chosen is None or not chosen.own_zone or message.wall is None or message.zone is None:
        return None
    if occurrence is None:
        return Spread(chosen, message.wall, message.zone, now)
    moved = occurrence.moved_by is not None
    wall = calendar.wall_of(occurrence.due_at, occurrence.zone) if moved else occurrence.wall
    return Spread(chosen, wall, occurrence.zone, now)


def early(session: Session, now: datetime, horizon_s: float, limit: int = 100) -> list[int]:
    """Spread occurrences whose message may go and whose time of day comes soon in the first zone."""
    found = (
        select(Occurrence.id)
        .join(Message, Message.id == Occurrence.message_id)
        .join(Timing, Timing.message_id == Message.id)
        .where(
            Timing.own_zone, Occurrence.kind == "real", Occurrence.state == "planned",
            Occurrence.due_at <= now + ROUND + timedelta(seconds=horizon_s),
            Message.state.in_(("scheduled", "sending")),
        )
        .order_by(Occurrence.due_at, Occurrence.id)
        .limit(limit)
    )  # fmt: skip
    return list(session.scalars(found))
