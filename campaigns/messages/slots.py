"""Queue times: when in the week a connected account usually publishes, and which of these times is free next.

Rules: a time is a wall time in a zone, so it stays at nine o'clock when the clocks change; a time is taken where
anything of the account stands in that minute, drafts included.
Source: C6.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import regex
from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import zones
from ..errors import BadField, Conflict
from . import calendar, planning, quiet
from .tables import Message, MessageAccount, QueueSlot

SLOTS_MAX = 50
WEEKS_AHEAD = 26
# So long before a time somebody may still be put into it.
NOTICE = timedelta(minutes=5)

_WALL = regex.compile(r"([01]\d|2[0-3]):[0-5]\d")


def add(session: Session, now: datetime, account_id: int, weekday: int, wall: str, zone: str) -> QueueSlot:
    """A further time of the week for an account; `weekday` 0 is Monday, `wall` such as 09:00."""
    if not 0 <= weekday <= 6:
        raise BadField("a weekday is 0 for Monday to 6 for Sunday", pointer="/weekday")
    if not _WALL.fullmatch(wall):
        raise BadField("write the time as 09:00", pointer="/wall")
    name = zones.canonical(zone)
    known = of(session, [account_id])
    if any((one.weekday, one.wall, one.zone) == (weekday, wall, name) for one in known):
        raise Conflict("this account has this time already", pointer="/wall")
    if len(known) >= SLOTS_MAX:
        raise Conflict("an account has at most 50 times a week: remove one first", pointer="/wall")
    made = QueueSlot(account_id=account_id, weekday=weekday, wall=wall, zone=name, made_at=now)
    session.add(made)
    session.flush()
    return made


def remove(session: Session, slot: QueueSlot) -> None:
    """Take a time away; what was put into it stays where it is."""
    session.delete(slot)
    session.flush()


def of(session: Session, accounts: Collection[int]) -> list[QueueSlot]:
    """The times of some accounts, in the order of the week."""
    found = select(QueueSlot).where(QueueSlot.account_id.in_(accounts))
    return list(session.scalars(found.order_by(QueueSlot.weekday, QueueSlot.wall, QueueSlot.id)))


def next_slot(
    session: Session, now: datetime, accounts: Collection[int], *, message: Message | None = None
) -> calendar.When | None:
    """The next time of any of these accounts at which none of them has anything; None where there is none.

    For a message also not in a quiet period that would hold it; the place it has itself does not count as taken.
    """
    free_from, until = now + NOTICE, now + timedelta(weeks=WEEKS_AHEAD)
    slots = of(session, accounts)
    if not slots:
        return None
    taken = _taken(session, accounts, free_from, until, message.id if message else 0)
    for when in sorted(_coming(slots, free_from, until), key=lambda one: one.at):
        if when.at in taken:
            continue
        if message is None or not quiet.holding(session, message, when.at):
            return when
    return None


def accounts_of(session: Session, message: Message) -> list[int]:
    """The accounts a message goes out through."""
    mine = select(MessageAccount.account_id).where(MessageAccount.message_id == message.id)
    return sorted(session.scalars(mine))


def _coming(slots: list[QueueSlot], start: datetime, end: datetime) -> list[calendar.When]:
    found = []
    for slot in slots:
        today = start.astimezone(ZoneInfo(slot.zone)).date()
        first = today + timedelta(days=(slot.weekday - today.weekday()) % 7)
        for week in range(WEEKS_AHEAD + 1):
            when = _at(first + timedelta(weeks=week), slot)
            if start <= when.at < end:
                found.append(when)
    return found


def _at(on: date, slot: QueueSlot) -> calendar.When:
    at = calendar.resolve(f"{on}T{slot.wall}", slot.zone)
    # The wall time as it is on that day: where the clocks jump over it, the first that there is.
    return calendar.When(at, calendar.wall_of(at, slot.zone), slot.zone)


def _taken(
    session: Session, accounts: Collection[int], start: datetime, end: datetime, but: int
) -> set[datetime]:
    when = planning.times(start, end).subquery()
    through = select(MessageAccount.message_id).where(MessageAccount.account_id.in_(accounts))
    found = (
        select(when.c.due_at)
        .join(Message, Message.id == when.c.message_id)
        .where(Message.id.in_(through), Message.id != but, Message.state.not_in(planning.OVER))
    )
    return {at.replace(second=0, microsecond=0) for at in session.scalars(found)}
