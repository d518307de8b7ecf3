"""Tests of the calendar: instants, wall times, the nights the clocks change, in every zone there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import BadTime
from campaigns.messages import calendar

ZONES = sorted(
    zone for zone in available_timezones() if "/" in zone and not zone.startswith(("posix", "right", "Etc"))
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("wall", "zone", "expected"),
    [
        ("2026-11-02T09:00", "Europe/London", "2026-11-02T09:00"),
        ("2026-07-02T09:00", "Europe/London", "2026-07-02T08:00"),
        ("2026-07-02T09:00:30.5", "UTC", "2026-07-02T09:00:30.5"),
        (
            "2027-03-28T01:30",
            "Europe/London",
            "2027-03-28T01:00",
        ),  # R24: the first valid instant after the gap
        ("2027-03-28T01:00", "Europe/London", "2027-03-28T01:00"),
        ("2027-03-28T02:00", "Europe/London", "2027-03-28T01:00"),
        ("2026-10-25T01:30", "Europe/London", "2026-10-25T00:30"),  # R25: the first of two
        ("2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-03T15:30"),  # half an hour is skipped
        ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T10:00"),  # a whole day is skipped
        ("2026-09-06T00:30", "America/Santiago", "2026-09-06T04:00"),  # midnight is skipped
        ("2026-11-02T09:00", "Europe/Kiev", "2026-11-02T07:00"),
        ("2026-11-02T09:00", "Asia/Kathmandu", "2026-11-02T03:15"),
    ],
)
def test_a_wall_time_is_one_instant(wall: str, zone: str, expected: str) -> None:
    """E1, E3, R24, R25"""
    assert calendar.resolve(wall, zone) == utc(expected)


def test_the_second_of_two_and_refusal_can_be_chosen() -> None:
    """E3, R24, R25"""
    assert calendar.resolve("2026-10-25T01:30", "Europe/London", overlap="second") == utc("2026-10-25T01:30")
    for wall, choice, near in (
        ("2027-03-28T01:30", {"gap": "refuse"}, ["2027-03-28T00:59:59.999999Z", "2027-03-28T01:00:00Z"]),
        ("2026-10-25T01:30", {"overlap": "refuse"}, ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]),
    ):
        with pytest.raises(BadTime) as refused:
            calendar.resolve(wall, "Europe/London", **choice)
        assert refused.value.facts["near"] == near
    with pytest.raises(BadTime):
        calendar.resolve("2026-10-25T01:30", "Europe/London", gap="before")


@given(st.sampled_from(ZONES), st.datetimes(datetime(2026, 1, 1), datetime(2031, 1, 1)))
def test_in_every_zone_a_time_that_exists_comes_back_as_it_was_said(zone: str, meant: datetime) -> None:
    """E3: and one that does not exist gives the first instant whose wall time lies after it."""
    found = calendar.resolve(meant.isoformat(), zone)
    shown = found.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if shown != meant:
        before = (found - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert before < meant < shown
    assert calendar.wall_of(found, zone) == shown.isoformat()


@pytest.mark.parametrize("year", [2026, 2027])
def test_every_change_of_the_clocks_in_every_zone_keeps_the_order_of_instants(year: int) -> None:
    """E3"""
    for zone in ZONES:
        for change in changes(zone, year):
            around = change.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
            walls = [around + timedelta(minutes=minutes) for minutes in range(-180, 181, 30)]
            found = [calendar.resolve(wall.isoformat(), zone) for wall in walls]
            assert found == sorted(found), zone


@pytest.mark.parametrize(
    ("value", "row"),
    [
        ("2026-11-02T10:00:00", "R20"),
        ("2026-11-02", "R20"),
        ("tomorrow", "R20"),
        (5, "R20"),
        (None, "R20"),
        (["2026-11-02T10:00:00Z"], "R20"),
        ("2026-11-02T10:00:00+24:00", "R22"),
        ("9999-12-31T23:59:59-14:00", "R22"),
        ("0001-01-01T00:00:00+14:00", "R22"),
        ("2026-12-31T23:59:60Z", "R23"),
        ("2026-13-01T00:00:00Z", "R23"),
        ("٢٠٢٦-11-02T10:00:00Z", "R7"),
        ({"local": "2027-03-28T01:30", "zone": "Europe/London", "gap": "refuse"}, "R24"),
        ({"local": "2026-11-02T10:00", "zone": "Mars/Base"}, "R26"),
        ({"local": "2026-11-02T10:00", "zone": "EST"}, "R26"),
        ({"local": "2026-11-02T10:00", "zone": "../../etc/passwd"}, "R26"),
        ({"local": "2026-11-02T10:00", "zone": ""}, "R26"),
        ({"local": "2026-11-02T10:00", "zone": 5}, "R26"),
        ({"local": "2026-11-02T10:00"}, "R26"),
        ({"local": "2026-11-02T10:00Z", "zone": "UTC"}, "R20"),
        ({"local": "9999-12-31T23:59", "zone": "America/New_York"}, "R22"),
        ({"local": 5, "zone": "UTC"}, "R20"),
        ({"local": "2026-11-02T10:00", "zone": "UTC", "rrule": "x"}, "R34"),
        ({"local": "2026-11-02T10:00", "zone": "UTC", "gap": 5}, "R24"),
        ("2026-11-02T08:54:59Z", "R27"),
        ("2199-01-01T00:00:00Z", "R27"),
    ],
)
def test_a_time_that_says_nothing_certain_is_refused(value: Any, row: str, now: datetime) -> None:
    """R20 to R27"""
    with pytest.raises(BadTime) as refused:
        calendar.parse_when(value, now)
    assert (refused.value.pointer or "").startswith("/send_at"), row


def test_a_time_keeps_its_instant_its_wall_time_and_its_zone(now: datetime) -> None:
    """E1, R21, R26"""
    when = calendar.parse_when("2026-11-02T11:00:00+01:00", now)
    assert (when.at, when.wall, when.zone) == (utc("2026-11-02T10:00"), "2026-11-02T10:00:00", "UTC")
    when = calendar.parse_when({"local": "2026-12-01T09:00", "zone": "Europe/Kiev"}, now)
    assert (when.at, when.wall, when.zone) == (utc("2026-12-01T07:00"), "2026-12-01T09:00:00", "Europe/Kyiv")
    assert calendar.parse_when("2026-11-02T08:55:00Z", now).at == now - timedelta(minutes=5)


def changes(zone: str, year: int) -> list[datetime]:
    """The days of a year on which the offset changes, at the hour it does."""
    place = ZoneInfo(zone)
    found = []
    day, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while day < end:
        after = day + timedelta(days=1)
        if day.astimezone(place).utcoffset() != after.astimezone(place).utcoffset():
            hours = (day + timedelta(hours=hour) for hour in range(25))
            found.append(
                next(
                    at
                    for at in hours
                    if at.astimezone(place).utcoffset() != day.astimezone(place).utcoffset()
                )
            )
        day = after
    return found
