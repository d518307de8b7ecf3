"""Sending hours: the hours of the week in which people may be written to, counted by their own clocks.

Rules: hours stand for everybody, for a programme with all under it, or for one person, and all that stand hold at once.
What comes outside them waits until they open, or leaves the person out, as they say; one person's own always wait.
Answers, and what goes in the lanes urgent and transactional, go at any hour.
Source: E9.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from .. import holidays, zones
from ..errors import BadField, NotFound, said
from ..prepared import Prepared
from ..stakeholders.tables import Stakeholder
from ..strategies import programmes
from . import calendar
from .tables import Message, SendingHours

DAY_MINUTES = 1440
OUTSIDE = ("wait", "leave_out")
FREE_LANES = ("urgent", "transactional")
# Hours that do not open within this long, all of them together, never do.
DAYS_MAX = 370


def keep(
    session: Session,
    now: datetime,
    *,
    weekdays: Collection[int],
    opens: int,
    closes: int,
    zone: str,
    bank_holidays: str = "",
    outside: str = "wait",
    programme_id: int | None = None,
    stakeholder_id: int | None = None,
) -> SendingHours:
    """Set the hours of everybody, of a programme or of one person; `opens` and `closes` in minutes after midnight.

    `zone` is that of whoever has none of their own.
    """
    if not 0 <= opens < closes <= DAY_MINUTES:
        raise BadField("the day must end after it begins", pointer="/closes")
    if not weekdays or not set(weekdays) <= set(range(7)):
        raise BadField("choose at least one day of the week", pointer="/weekdays")
    if bank_holidays not in holidays.KNOWN:
        raise BadField("these bank holidays are not known", pointer="/bank_holidays")
    if outside not in OUTSIDE:
        raise BadField(
            said("{field} is one of {choices}", field="outside", choices=OUTSIDE), pointer="/outside"
        )
    place = zones.canonical(zone)
    row = session.scalar(_of(programme_id, stakeholder_id))
    if row is None:
        row = SendingHours(programme_id=programme_id, stakeholder_id=stakeholder_id, created_at=now)
        session.add(row)
        row.updated_at = now
    else:
        row.touch(now)
    row.weekdays, row.opens, row.closes, row.zone = sorted(set(weekdays)), opens, closes, place
    row.bank_holidays, row.outside = bank_holidays, "wait" if stakeholder_id else outside
    session.flush()
    return row


def remove(session: Session, row: SendingHours) -> None:
    """Take hours away; what waits for them goes at the instant it was given."""
    session.delete(row)
    session.flush()


def get(session: Session, number: int) -> SendingHours:
    """The hours, or NotFound."""
    found = session.get(SendingHours, number)
    if found is None:
        raise NotFound("there are no such sending hours")
    return found


def shut(session: Session, message: Message, wanted: Mapping[int, datetime]) -> dict[int, datetime | None]:
    """Which of these people may not be written to at the instant given for each: until when, None: leave them out.

    Four statements at most, and one where nobody keeps hours.
    """
    if message.kind == "answer" or message.lane in FREE_LANES or not wanted:
        return {}
    if _ANY.run(session).first() is None:
        return {}
    shared = _shared(session, message)
    own = {
        row.stakeholder_id: row
        for row in session.scalars(select(SendingHours).where(SendingHours.stakeholder_id.in_(wanted)))
    }
    if not shared and not own:
        return {}
    zoned = select(Stakeholder.id, Stakeholder.zone).where(Stakeholder.id.in_(wanted))
    places = {number: zone for number, zone in session.execute(zoned)}
    found: dict[int, datetime | None] = {}
    known: dict[tuple[str | None, datetime, int | None], datetime | None] = {}
    for number, at in wanted.items():
        mine = own.get(number)
        case = (places.get(number), at, mine.id if mine else None)
        if case not in known:
            known[case] = _opening([*shared, *([mine] if mine else [])], at, case[0])
        if known[case] != at:
            found[number] = known[case]
    return found


def _shared(session: Session, message: Message) -> list[SendingHours]:
    """What stands for everybody and for the message's programme."""
    rows = session.scalars(select(SendingHours).where(SendingHours.stakeholder_id.is_(None))).all()
    over = {None, *programmes.lineage(session, message.programme_id)} if rows else set()
    return [row for row in rows if row.programme_id in over]


def _opening(rows: Sequence[SendingHours], at: datetime, zone: str | None) -> datetime | None:
    """The first instant from `at` on at which all are open; None where one that is shut leaves people out."""
    start = at
    while at < start + timedelta(days=DAYS_MAX):
        opening = {row.id: _opens(row, at, zone or row.zone) for row in rows}
        if any(row.outside == "leave_out" and opening[row.id] > at for row in rows):
            return None
        if all(one == at for one in opening.values()):
            return at
        at = max(opening.values())
    return None


def _opens(row: SendingHours, at: datetime, zone: str) -> datetime:
    """The first instant from `at` on at which these hours are open; far away where they never are."""
    today = at.astimezone(ZoneInfo(zone)).date()
    for day in range(DAYS_MAX):
        on = today + timedelta(days=day)
        off = on.weekday() not in row.weekdays
        if off or (row.bank_holidays and on in holidays.bank_holidays(on.year)):
            continue
        over, closes = divmod(row.closes, DAY_MINUTES)
        until = calendar.resolve(f"{on + timedelta(days=over)}T{_clock(closes)}", zone)
        if at < until:
            return max(at, calendar.resolve(f"{on}T{_clock(row.opens)}", zone))
    return at + timedelta(days=DAYS_MAX)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _of(programme_id: int | None, stakeholder_id: int | None) -> Select[SendingHours]:
    return select(SendingHours).where(
        SendingHours.programme_id.is_(None)
        if programme_id is None
        else SendingHours.programme_id == programme_id,
        SendingHours.stakeholder_id.is_(None)
        if stakeholder_id is None
        else SendingHours.stakeholder_id == stakeholder_id,
    )


# Made once: every wave asks it.
_ANY = Prepared(select(SendingHours.__table__.c.id).limit(1))
