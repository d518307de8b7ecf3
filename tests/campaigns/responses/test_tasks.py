"""Tests of tasks: when they are due and told of, and that they end once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaigns.errors import AlreadyDone, BadField, BadTime, NotFound
from campaigns.responses import tasks
from campaigns.responses.tables import Task

from .conftest import World

LONDON = "Europe/London"


@pytest.fixture
def world(session: Session, now: datetime) -> World:
    return World(session, now)


def give(world: World, **values: Any) -> Task:
    facts: dict[str, Any] = {
        "title": "Ring Nia", "owner": "ann", "by": "ben", "on": date(2027, 1, 11), "clock": "", "zone": LONDON,
        "programme_id": world.programme.id,
    }  # fmt: skip
    return tasks.give(world.session, world.now, **{**facts, **values})


def test_a_whole_day_is_due_until_its_end_and_told_of_in_its_morning(world: World) -> None:
    """I6"""
    made = give(world, on=date(2027, 7, 11), remind="day")
    assert (made.state, made.whole_day) == ("open", True)
    assert made.due_at == datetime(2027, 7, 11, 22, 59, tzinfo=UTC)  # summer in London
    assert tasks.told_at(made) == datetime(2027, 7, 11, 7, tzinfo=UTC)
    assert made.remind_at == datetime(2027, 7, 10, 7, tzinfo=UTC)
    assert (tasks.day(made), tasks.clock(made), tasks.reminder(made)) == (date(2027, 7, 11), "", "day")


def test_an_hour_is_meant_where_it_was_said(world: World) -> None:
    made = give(world, clock="09:30", zone="Asia/Riyadh", remind="hour")
    assert made.due_at == datetime(2027, 1, 11, 6, 30, tzinfo=UTC) == tasks.told_at(made)
    assert made.remind_at == made.due_at - timedelta(hours=1)
    assert (tasks.clock(made), tasks.reminder(made)) == ("09:30", "hour")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"title": " "}, BadField), ({"on": None}, BadField), ({"clock": "25:00"}, BadTime),
        ({"on": date(2199, 1, 1)}, BadTime), ({"remind": "year"}, BadField), ({"about": ("delivery", 1)}, BadField),
        ({"programme_id": 1}, NotFound),
    ],
)  # fmt: skip
def test_what_is_no_task_is_refused(world: World, values: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        give(world, **values)


def test_a_task_ends_once_and_can_be_opened_again(world: World) -> None:
    made = give(world)
    tasks.end(world.session, world.now, made, "done", "ann")
    assert (made.state, made.ended_by, made.ended_at) == ("done", "ann", world.now)
    with pytest.raises(AlreadyDone):
        tasks.end(world.session, world.now, made, "dropped", "ann")
    with pytest.raises(AlreadyDone):
        change(world, made, title="More")
    tasks.reopen(world.session, world.now, made)
    assert (made.state, made.ended_by, made.ended_at) == ("open", None, None)
    with pytest.raises(AlreadyDone):
        tasks.reopen(world.session, world.now, made)
    with pytest.raises(BadField):
        tasks.end(world.session, world.now, made, "open", "ann")


def change(world: World, made: Task, **values: Any) -> Task:
    facts: dict[str, Any] = {
        "title": made.title, "owner": made.owner, "by": "cai", "on": tasks.day(made), "clock": tasks.clock(made),
        "zone": LONDON,
    }  # fmt: skip
    return tasks.change(world.session, world.now + timedelta(hours=1), made, **{**facts, **values})


def test_whoever_gets_it_from_another_learns_who_gave_it(world: World) -> None:
    made = give(world)
    change(world, made, title="Ring Nia at home")
    assert (made.title, made.by, made.given_at) == ("Ring Nia at home", "ben", world.now)
    change(world, made, owner="dee")
    assert (made.owner, made.by, made.given_at) == ("dee", "cai", world.now + timedelta(hours=1))


def test_what_is_due_is_found_by_when_and_about_what(world: World) -> None:
    late = give(world, on=world.now.date() - timedelta(days=3), about=("stakeholder", 7))
    soon = give(world, on=world.now.date() + timedelta(days=2), about=("stakeholder", 7), owner="ben")
    other = give(world, on=world.now.date() + timedelta(days=1), about=("message", 7))
    gone = give(world, on=world.now.date(), about=("stakeholder", 7))
    tasks.end(world.session, world.now, gone, "dropped", "ann")
    assert tasks.about(world.session, "stakeholder", 7) == [late, soon]
    assert tasks.due(world.session, world.now, limit=9) == [late]
    span = world.now - timedelta(days=9), world.now + timedelta(days=9)
    assert tasks.between(world.session, "ann", *span, limit=9) == [late, other]


def test_what_is_told_of_is_told_of_while_it_is_news(world: World) -> None:
    at = world.now.replace(microsecond=0, second=0) + timedelta(days=3)
    made = give(world, on=at.date(), clock=f"{at:%H:%M}", zone="UTC", remind="day")

    def told(after: timedelta) -> list[str]:
        now = at + after
        return [what for _, what, _ in tasks.to_tell(world.session, now, now - timedelta(days=2), 9)]

    assert [told(timedelta(days=days, minutes=1)) for days in (-2, -1, 0, 2)] == [
        [], ["reminder"], ["reminder", "due"], [],
    ]  # fmt: skip
    tasks.end(world.session, world.now, made, "done", "ann")
    assert told(timedelta(minutes=1)) == []
