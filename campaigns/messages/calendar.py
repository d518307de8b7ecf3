"""When: a wall time in a zone becomes one instant, also on the nights the clocks change.

Rules: a time without offset or zone is refused; in a gap the first valid instant after it, in an overlap the
first occurrence, unless the schedule chooses otherwise. Nothing here reads a clock.
Source: E1, E3, bad input R20 to R27.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import regex

from .. import zones
from ..errors import BadTime, said

GAPS = ("after", "refuse")
OVERLAPS = ("first", "second", "refuse")
PAST_MAX = timedelta(minutes=5)
AHEAD_MAX = timedelta(days=5 * 366)
NINE = "09:00"

_WALL = regex.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?")
_INSTANT = regex.compile(_WALL.pattern + r"(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class When:
    """An instant (aware, UTC) with the wall time and the zone in which it was meant."""

    at: datetime
    wall: str
    zone: str


def resolve(
    wall: str, zone: str, gap: str = "after", overlap: str = "first", pointer: str = "/wall"
) -> datetime:
    """The instant of a wall time (`2027-03-28T01:30`) in a zone; BadTime where there is none.

    `gap`: `after` is the first valid instant after a wall time that does not exist. `overlap`: which of two.
    With `refuse` the error carries the two nearest instants.
    """
    if gap not in GAPS or overlap not in OVERLAPS:
        raise BadTime(
            said("gap is one of {gaps}, overlap one of {overlaps}", gaps=GAPS, overlaps=OVERLAPS),
            pointer=pointer,
        )
    place = ZoneInfo(zones.canonical(zone))
    meant = _naive(wall, pointer)
    try:
        first = meant.replace(tzinfo=place, fold=0).astimezone(UTC)
        second = meant.replace(tzinfo=place, fold=1).astimezone(UTC)
    except OverflowError:
        raise BadTime("this time lies outside the calendar", pointer=pointer) from None
    if first == second:
        return first
    if first < second:
        return _choose(overlap, first, second, pointer, twice=True)
    # In a gap the earlier fold is read with the offset before it, so `second` lies before the gap and `first` after.
    after = _end_of_gap(second, first, place)
    return _choose(gap, after, after - timedelta(microseconds=1), pointer, twice=False)


def parse_when(value: object, now: datetime, pointer: str = "/send_at") -> When:
    """What was said as a time: `2026-11-02T09:00:00Z`, or {local, zone, gap, overlap}; BadTime for the rest.

    Not more than five minutes ago and not more than five years ahead.
    """
    if isinstance(value, dict):
        when = _local(value, pointer)
    elif isinstance(value, str):
        at = _instant(value, pointer)
        when = When(at, wall_of(at, "UTC"), "UTC")
    else:
        raise BadTime("a time is text such as 2026-11-02T09:00:00Z, or {local, zone}", pointer=pointer)
    check_range(when.at, now, pointer)
    return when


def on_day(at: datetime | None, own_zone: str | None, on: date, clock: str, zone: str) -> dict[str, object]:
    """What was planned at an instant, moved to another day of a calendar in `zone`; as `parse_when` takes it.

    `clock` (09:00) is a new time of day in `zone`. Without one the wall time stays that of its own zone, where it was
    said in one; what had no time yet is planned for nine o'clock.
    """
    if clock or at is None:
        return {"local": f"{on}T{clock or NINE}", "zone": zone}
    place = own_zone if own_zone not in (None, "UTC") else zone
    days = on - at.astimezone(ZoneInfo(zone)).date()
    wall = at.astimezone(ZoneInfo(place)).replace(tzinfo=None) + days
    return {"local": wall.isoformat(), "zone": place}


def check_range(at: datetime, now: datetime, pointer: str = "/send_at") -> None:
    """BadTime for an instant that has passed or lies too far ahead."""
    if at < now - PAST_MAX:
        raise BadTime(
            "this time has passed: choose a later one, or leave it out to send at once", pointer=pointer
        )
    if at > now + AHEAD_MAX:
        raise BadTime("this time lies more than five years ahead", pointer=pointer)


def wall_of(at: datetime, zone: str) -> str:
    """The wall time of an instant in a zone, as it is stored: ISO without an offset."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat()


def _local(value: dict[str, object], pointer: str) -> When:
    if odd := set(value) - {"local", "zone", "gap", "overlap"}:
        raise BadTime(
            said("a local time has local, zone, gap and overlap; not {odd}", odd=min(odd)), pointer=pointer
        )
    texts = {name: value.get(name, default) for name, default in (("gap", "after"), ("overlap", "first"))}
    local, zone = value.get("local"), value.get("zone")
    if not isinstance(local, str):
        raise BadTime("write the local time as 2026-11-02T09:00", pointer=f"{pointer}/local")
    name = zones.canonical(zone if isinstance(zone, str) else "", f"{pointer}/zone")
    at = resolve(local, name, str(texts["gap"]), str(texts["overlap"]), f"{pointer}/local")
    return When(at, _naive(local, pointer).isoformat(), name)


def _instant(text: str, pointer: str) -> datetime:
    if not _INSTANT.fullmatch(text):
        if _WALL.fullmatch(text):
            raise BadTime("this time has no zone: add Z or an offset, or say {local, zone}", pointer=pointer)
        raise BadTime("write the time as 2026-11-02T09:00:00Z", pointer=pointer)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadTime("there is no such time in the calendar", pointer=pointer) from None


def _naive(wall: str, pointer: str) -> datetime:
    if not _WALL.fullmatch(wall):
        raise BadTime("write the local time as 2026-11-02T09:00, without an offset", pointer=pointer)
    try:
        return datetime.fromisoformat(wall)
    except ValueError:
        raise BadTime("there is no such time in the calendar", pointer=pointer) from None


def _choose(choice: str, one: datetime, other: datetime, pointer: str, *, twice: bool) -> datetime:
    if choice == "refuse":
        near = [at.isoformat().replace("+00:00", "Z") for at in sorted((one, other))]
        if twice:
            words = said(
                "this local time is there twice; the nearest instants are {first} and {second}",
                first=near[0], second=near[1],
            )  # fmt: skip
        else:
            words = said(
                "this local time does not exist; the nearest instants are {first} and {second}",
                first=near[0], second=near[1],
            )  # fmt: skip
        raise BadTime(words, pointer=pointer, near=near, why="overlap" if twice else "gap")
    return other if choice == "second" else one


def _end_of_gap(before: datetime, after: datetime, place: ZoneInfo) -> datetime:
    """The instant at which the clocks jumped, to the second, by halving."""
    offset = before.astimezone(place).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(place).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
