"""Recurrence: the times of an RFC 5545 rule, on the nights the clocks change too."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import BadField, BadTime
from campaigns.messages import recurrence

LONDON = "Europe/London"
START = "2027-03-01T01:30:00"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def walls(text: str, start: str = START, days: int = 60, zone: str = LONDON) -> list[str]:
    until = at(start) + timedelta(days=days)
    return [
        one.wall
        for one in recurrence.times(recurrence.read(text), start, zone, at("2020-01-01T00:00"), until)
    ]


def test_a_wall_time_stays_when_the_clocks_change() -> None:
    """C12, E3"""
    rule = recurrence.read("FREQ=WEEKLY;BYDAY=TU")
    spring = recurrence.times(
        rule, "2027-03-23T09:00:00", LONDON, at("2027-03-22T00:00"), at("2027-04-01T00:00")
    )
    assert [one.at for one in spring] == [at("2027-03-23T09:00"), at("2027-03-30T08:00")]
    assert {one.wall[11:] for one in spring} == {"09:00:00"}


def test_a_time_the_clocks_jump_over_is_the_first_instant_after_and_one_that_comes_twice_is_its_first() -> (
    None
):
    """C12, E3"""
    rule = recurrence.read("FREQ=DAILY")
    gap = recurrence.times(rule, START, LONDON, at("2027-03-27T12:00"), at("2027-03-28T12:00"))
    assert [(one.at, one.wall) for one in gap] == [(at("2027-03-28T01:00"), "2027-03-28T01:30:00")]
    twice = recurrence.times(rule, START, LONDON, at("2027-10-30T12:00"), at("2027-10-31T12:00"))
    assert [one.at for one in twice] == [at("2027-10-31T00:30")]


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30;BYDAY=MO",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",  # from a Monday on
    ],
)
def test_the_search_for_what_never_comes_is_short(text: str) -> None:
    looks = 0

    def count(*_told: object) -> None:
        nonlocal looks
        looks += 1

    sys.setprofile(count)
    try:
        with pytest.raises(BadField):
            recurrence.first(recurrence.read(text), START, LONDON)
    finally:
        sys.setprofile(None)
    assert looks < 400_000


def test_two_wall_times_that_fall_on_one_instant_are_one() -> None:
    rule = recurrence.read("FREQ=DAILY;BYHOUR=1,2;BYMINUTE=0,30")
    found = recurrence.times(rule, START, LONDON, at("2027-03-28T00:00"), at("2027-03-28T12:00"))
    assert [one.at for one in found] == [at("2027-03-28T01:00"), at("2027-03-28T01:30")]


def test_it_starts_at_its_first_time_and_is_counted_from_there() -> None:
    assert (
        recurrence.first(recurrence.read("FREQ=WEEKLY;BYDAY=TU"), START, LONDON).wall == "2027-03-02T01:30:00"
    )
    assert walls("FREQ=DAILY;COUNT=3", days=30) == [f"2027-03-0{day}T01:30:00" for day in (1, 2, 3)]


@pytest.mark.parametrize("until", ["20270303", "20270303T013000", "20270303T013000Z"])
def test_a_rule_ends_with_its_last_day_wall_time_or_instant(until: str) -> None:
    assert walls(f"FREQ=DAILY;UNTIL={until}")[-1] == "2027-03-03T01:30:00"
    assert walls("FREQ=DAILY;UNTIL=20270303T012959Z")[-1] == "2027-03-02T01:30:00"


def test_the_next_time_may_be_years_away_and_there_may_be_none() -> None:
    leap = recurrence.read("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29")
    assert recurrence.first(leap, "2096-03-01T09:00:00", "UTC").wall == "2104-02-29T09:00:00"
    over = recurrence.read("FREQ=DAILY;COUNT=2")
    assert recurrence.following(over, START, LONDON, at("2027-03-02T01:30")) is None
    with pytest.raises(BadField, match="no time at all"):
        recurrence.first(recurrence.read("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), START, LONDON)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no rule such as"),
        ("every day", "no rule such as"),
        ("FREQ=HOURLY", "FREQ is one of"),
        ("BYDAY=TU", "FREQ is one of"),
        ("FREQ=DAILY;FREQ=DAILY", "no rule such as"),
        ("FREQ=DAILY;BYEASTER=1", "not BYEASTER"),
        ("FREQ=DAILY;BYMONTHDAY=30", "MONTHLY or YEARLY"),
        ("FREQ=WEEKLY;BYDAY=XX", "no rule of RFC 5545"),
        ("FREQ=DAILY;BYHOUR=25", "no rule of RFC 5545"),
        ("FREQ=DAILY;COUNT=0", "COUNT is a whole number"),
        ("FREQ=DAILY;INTERVAL=x", "INTERVAL is a whole number"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "not by both"),
        ("FREQ=DAILY\nEXDATE=20270101", "no rule such as"),
        ("FREQ=DAILY;BYMINUTE=" + ",".join(map(str, range(25))), "at most 24 times a day"),
        ("FREQ=DAILY;BYDAY=" + ",".join(["TU"] * 120), "no rule such as"),
    ],
)
def test_what_is_no_rule_or_goes_too_often_is_refused_with_what_would_help(text: str, words: str) -> None:
    """C12"""
    with pytest.raises(BadField, match=words) as caught:
        recurrence.read(text)
    assert caught.value.pointer == "/rule"


def test_an_end_that_is_no_day_is_a_time_that_cannot_be_read() -> None:
    with pytest.raises(BadTime, match="write UNTIL as"):
        recurrence.read("FREQ=DAILY;UNTIL=soon")


def test_a_rule_is_kept_in_one_spelling() -> None:
    assert recurrence.read("rrule:byday=tu;freq=weekly").text == "FREQ=WEEKLY;BYDAY=TU"


@given(
    zone=st.sampled_from(["Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca"]),
    freq=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
    interval=st.integers(1, 5),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
def test_times_rise_and_each_wall_time_of_the_rule_is_there_once(
    zone: str, freq: str, interval: int, hour: int, minute: int
) -> None:
    """C12, E3"""
    start = f"2027-01-31T{hour:02}:{minute:02}:00"
    rule = recurrence.read(f"FREQ={freq};INTERVAL={interval}")
    found = recurrence.times(rule, start, zone, at("2026-01-01T00:00"), at("2028-02-01T00:00"))
    assert all(one.at < other.at for one, other in pairwise(found))
    plain = rrulestr(rule.text, dtstart=datetime.fromisoformat(start))
    meant = plain.between(datetime(2027, 1, 1), datetime(2028, 1, 30), inc=True)
    assert [one.wall for one in found][: len(meant)] == [one.isoformat() for one in meant]
