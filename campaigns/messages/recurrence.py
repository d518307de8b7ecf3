"""When a message that recurs goes out: the wall times of an RFC 5545 rule in a zone, each as one instant.

Rules: a rule is one RRULE by days, weeks, months or years; its first time is the first at or after the wall time it
starts from, and COUNT counts from there. A wall time that the clocks jump over is the first instant after, one that
comes twice is its first; two wall times that fall on one instant are one. At most 24 a day. Nothing here reads a clock.
Source: RFC 5545, 3.3.10; C12, E3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, time
from itertools import islice, takewhile

from dateutil.rrule import rrulestr

from ..errors import BadField, BadTime, said
from . import calendar

PER_DAY_MAX = 24
RULE_MAX = 300
COUNT_MAX = 10_000
INTERVAL_MAX = 1_000
# Dates and days of the week come again alike after this many years; a rule is searched this far ahead at least.
CALENDAR_YEARS = 400
AHEAD_YEARS = 40
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = (
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY", "BYHOUR",
    "BYMINUTE", "BYSETPOS", "WKST",
)  # fmt: skip
# By days and weeks these could name a day that never comes, and the search for it would be long.
BY_LONGER = ("BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYSETPOS")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that was read: the canonical text, its pattern without an end, and the end."""

    text: str
    pattern: str
    count: int | None
    until: datetime | None  # a naive wall time, or an aware instant


def read(text: str, pointer: str = "/rule") -> Rule:
    """The rule that a text means (`FREQ=WEEKLY;BYDAY=TU`); BadField for what is none or goes too often."""
    parts = _parts(text.strip().upper().removeprefix("RRULE:"), pointer)
    if "COUNT" in parts and "UNTIL" in parts:
        raise BadField("a rule ends by COUNT or by UNTIL, not by both", pointer=pointer)
    count = _whole(parts, "COUNT", COUNT_MAX, pointer)
    _whole(parts, "INTERVAL", INTERVAL_MAX, pointer)
    until = _until(parts["UNTIL"], pointer) if "UNTIL" in parts else None
    pattern = _text({name: value for name, value in parts.items() if name not in ("COUNT", "UNTIL")})
    _often(_walls(pattern, datetime(2024, 1, 1), pointer), pointer)
    return Rule(_text(parts), pattern, count, until)


def first(rule: Rule, wall: str, zone: str, pointer: str = "/rule") -> calendar.When:
    """The first time of a rule that starts from a wall time; BadField where it has none."""
    found = next(_all(rule, wall, zone), None)
    if found is None:
        raise BadField("this rule has no time at all from there on", pointer=pointer)
    return found


def times(rule: Rule, wall: str, zone: str, after: datetime, until: datetime) -> list[calendar.When]:
    """Its times with an instant after `after` and not after `until`, in their order."""
    coming = takewhile(lambda one: one.at <= until, _all(rule, wall, zone))
    return [one for one in coming if one.at > after]


def following(rule: Rule, wall: str, zone: str, after: datetime) -> calendar.When | None:
    """The next time after an instant; None where the rule is over."""
    return next((one for one in _all(rule, wall, zone) if one.at > after), None)


def _all(rule: Rule, wall: str, zone: str) -> Iterator[calendar.When]:
    """Every time, in order; an instant on which two wall times fall comes once."""
    last = datetime.min.replace(tzinfo=UTC)
    for meant in islice(_walls(rule.pattern, datetime.fromisoformat(wall), "/rule"), rule.count):
        at = calendar.resolve(meant.isoformat(), zone)
        if rule.until is not None and (at if rule.until.tzinfo else meant) > rule.until:
            return
        if at > last:
            yield calendar.When(at, meant.isoformat(), zone)
            last = at


def _walls(pattern: str, start: datetime, pointer: str) -> Iterator[datetime]:
    """Naive wall times from `start` on, without an end; none where none comes for a long time."""
    try:
        comes = next(iter(rrulestr(pattern, dtstart=_late(start))), None)
        return iter(rrulestr(pattern, dtstart=start) if comes else ())
    except (ValueError, TypeError):
        raise BadField("this is no rule of RFC 5545: look at its days and numbers", pointer=pointer) from None


def _late(start: datetime) -> datetime:
    """The same day of a late year: a search for what never comes ends with the year 9999, so it is short from there."""
    rounds = max(0, (MAXYEAR - AHEAD_YEARS - start.year) // CALENDAR_YEARS)
    return start.replace(year=start.year + rounds * CALENDAR_YEARS)


def _parts(text: str, pointer: str) -> dict[str, str]:
    if len(text) > RULE_MAX or not text.isascii():
        raise BadField("this is no rule such as FREQ=WEEKLY;BYDAY=TU", pointer=pointer)
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, sign, value = part.partition("=")
        if not (name and sign and value) or name in found or any(one.isspace() for one in part):
            raise BadField("this is no rule such as FREQ=WEEKLY;BYDAY=TU", pointer=pointer)
        if name not in PARTS:
            raise BadField(said("a rule has {parts}; not {odd}", parts=PARTS, odd=name), pointer=pointer)
        found[name] = value
    if found.get("FREQ") not in FREQUENCIES:
        raise BadField(said("FREQ is one of {choices}", choices=FREQUENCIES), pointer=pointer)
    if found["FREQ"] in ("DAILY", "WEEKLY") and (
        odd := next((one for one in BY_LONGER if one in found), None)
    ):
        raise BadField(said("{odd} goes with MONTHLY or YEARLY", odd=odd), pointer=pointer)
    return found


def _text(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={parts[name]}" for name in PARTS if name in parts)


def _whole(parts: dict[str, str], name: str, most: int, pointer: str) -> int | None:
    if name not in parts:
        return None
    value = parts[name]
    if not value.isdecimal() or not 1 <= int(value[:9]) <= most:
        raise BadField(
            said("{name} is a whole number from 1 to {most}", name=name, most=most), pointer=pointer
        )
    return int(value)


def _until(value: str, pointer: str) -> datetime:
    """The last instant or wall time that still belongs to it; a day belongs to it as a whole."""
    for form in ("%Y%m%d", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ"):
        try:
            found = datetime.strptime(value, form)
        except ValueError:
            continue
        if form == "%Y%m%d":
            return datetime.combine(found, time.max)
        return found.replace(tzinfo=UTC) if form.endswith("Z") else found
    raise BadTime("write UNTIL as 20271231, 20271231T090000 or 20271231T090000Z", pointer=pointer)


def _often(walls: Iterator[datetime], pointer: str) -> None:
    """BadField where more than 24 of its first times fall on one day."""
    some = list(islice(walls, PER_DAY_MAX + 1))
    if len(some) > PER_DAY_MAX and some[-1].date() == some[0].date():
        raise BadField(
            said("a message goes out at most {most} times a day", most=PER_DAY_MAX), pointer=pointer
        )
