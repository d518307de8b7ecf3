"""Sending hours: nobody gets anything outside them; it waits until they open, or leaves the person out, as they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery import release
from campaigns.delivery.tables import Delivery
from campaigns.errors import BadField, NotFound
from campaigns.messages import hours
from campaigns.messages.tables import Message
from campaigns.stakeholders.tables import Stakeholder
from connectors.api import Deferred, Outbound

from .world import World

DAILY: dict[str, Any] = {"weekdays": range(7), "opens": 9 * 60, "closes": 17 * 60, "zone": "Europe/London"}
# The clock of the tests stands at nine o'clock of a Monday in winter.
EVENING = datetime(2026, 11, 2, 20, 0, tzinfo=UTC)


def keep(world: World, **more: Any) -> int:
    with world.database.write() as session:
        return hours.keep(session, world.time, **{**DAILY, **more}).id


def person(session: Session, name: str) -> Stakeholder:
    return session.scalars(select(Stakeholder).where(Stakeholder.name == name)).one()


def due(world: World, message_id: int) -> datetime:
    (row,) = world.rows(message_id)
    return row.due_at


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_what_comes_at_night_waits_until_the_morning(database: Database, now: datetime) -> None:
    """E9"""
    world = World(database, now)
    keep(world)
    message_id = world.message(["ann"], at=EVENING)
    world.tick()
    world.later(hours=11, minutes=1)
    world.run()
    assert due(world, message_id) == at("2026-11-03T09:00") and not world.wire.accepted
    world.later(hours=13)
    world.run()
    assert world.wire.accepted == ["ann@example.org"]


def test_or_leaves_them_out_where_the_hours_say_so_and_the_rehearsal_says_the_same(
    database: Database, now: datetime
) -> None:
    """E9, E11"""
    world = World(database, now)
    keep(world, outside="leave_out")
    message_id = world.message(["ann"], at=EVENING)
    with database.write() as session:
        (told,) = release.rehearse(session, session.get_one(Message, message_id), now)
    assert (told["state"], told["reason"]) == ("excluded", "outside_window")
    world.later(hours=11, minutes=1)
    world.run()
    assert world.states(message_id) == {"ann": "excluded:outside_window"}
    assert world.state(message_id) == "finished"


@pytest.mark.parametrize(
    ("rule", "when", "opens"),
    [
        ({"weekdays": range(5)}, "2026-11-07T12:00", "2026-11-09T09:00"),  # a Saturday
        ({"bank_holidays": "england_and_wales"}, "2026-12-25T12:00", "2026-12-26T09:00"),
        (
            {"weekdays": range(5), "bank_holidays": "england_and_wales"},
            "2026-12-24T18:00",
            "2026-12-29T09:00",
        ),
        ({}, "2026-11-03T16:59", "2026-11-03T16:59"),
        ({}, "2026-11-03T17:00", "2026-11-04T09:00"),
        ({"closes": 1440}, "2026-11-03T23:59", "2026-11-03T23:59"),
        ({"opens": 90}, "2027-03-28T00:30", "2027-03-28T01:00"),  # the clocks jump over half past one
    ],
)
def test_the_hours_open_by_weekday_holiday_and_clock(
    database: Database, now: datetime, rule: dict[str, Any], when: str, opens: str
) -> None:
    """E9"""
    world = World(database, now)
    keep(world, **rule)
    message_id = world.message(["ann"], at=now + timedelta(days=400))
    with database.read() as session:
        ann = person(session, "ann").id
        found = hours.shut(session, session.get_one(Message, message_id), {ann: at(when)})
    assert found == ({} if when == opens else {ann: at(opens)})


def test_the_hours_are_those_of_each_persons_own_clock(database: Database, now: datetime) -> None:
    """E9, E2"""
    world = World(database, now)
    keep(world)
    message_id = world.message(["ann", "bo"], at=at("2026-11-03T12:00"))
    with database.write() as session:
        person(session, "bo").zone = "America/Los_Angeles"
        release.take_back(session, session.get_one(Message, message_id))
    world.later(hours=26, minutes=55)
    world.tick()
    found = {row.address_key.split("@")[0]: row.due_at for row in world.rows(message_id)}
    assert found == {"ann": at("2026-11-03T12:00"), "bo": at("2026-11-03T17:00")}


def test_hours_of_a_programme_and_of_a_person_hold_beside_those_of_everybody(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    keep(world)
    keep(world, programme_id=world.programme_id, opens=10 * 60)
    message_id = world.message(["ann", "bo"], at=at("2026-11-03T08:00"))
    with database.write() as session:
        ann = person(session, "ann").id
        hours.keep(session, now, **{**DAILY, "opens": 14 * 60}, stakeholder_id=ann, outside="leave_out")
        bo = person(session, "bo").id
        found = hours.shut(
            session, session.get_one(Message, message_id), dict.fromkeys((ann, bo), at("2026-11-03T08:00"))
        )
    assert found == {ann: at("2026-11-03T14:00"), bo: at("2026-11-03T10:00")}


def test_hours_that_never_open_together_leave_people_out(database: Database, now: datetime) -> None:
    world = World(database, now)
    keep(world, closes=12 * 60)
    keep(world, programme_id=world.programme_id, opens=13 * 60)
    message_id = world.message(["ann"], at=EVENING)
    world.later(hours=11, minutes=1)
    world.run()
    assert world.states(message_id) == {"ann": "excluded:outside_window"}


@pytest.mark.parametrize("more", [{"lane": "urgent"}, {"lane": "transactional"}])
def test_what_somebody_waits_for_goes_at_any_hour(
    database: Database, now: datetime, more: dict[str, Any]
) -> None:
    world = World(database, now)
    keep(world)
    world.message(["ann"], at=EVENING, **more)
    world.later(hours=11, minutes=1)
    world.run()
    assert world.wire.accepted == ["ann@example.org"]


def test_what_was_put_off_is_not_tried_again_at_night(database: Database, now: datetime) -> None:
    """E9"""
    world = World(database, now)
    keep(world)

    def later(_outbound: Outbound) -> None:
        raise Deferred("try later", retry_after_s=3600)

    world.wire.answers["ann@example.org"] = later
    message_id = world.message(["ann"], at=at("2026-11-02T16:30"))
    world.later(hours=7, minutes=31)
    world.run()
    assert world.states(message_id) == {"ann": "deferred"}
    world.wire.answers.clear()
    world.later(hours=2)
    world.run()
    (row,) = world.rows(message_id)
    assert (row.state, row.attempt, row.next_at) == ("deferred", 1, at("2026-11-03T09:00"))
    assert not world.wire.accepted
    world.later(hours=14, minutes=30)
    world.run()
    assert world.wire.accepted == ["ann@example.org"] and world.state(message_id) == "finished"


def test_hours_that_were_set_after_the_release_hold_all_the_same(database: Database, now: datetime) -> None:
    world = World(database, now)
    message_id = world.message(["ann"], at=EVENING)
    world.later(hours=10, minutes=55)
    world.tick()
    keep(world)
    world.later(minutes=6)
    world.run()
    assert not world.wire.accepted
    with database.read() as session:
        waiting = session.scalars(select(Delivery).where(Delivery.message_id == message_id)).one()
        assert (waiting.state, waiting.attempt, waiting.next_at) == ("queued", 0, at("2026-11-03T09:00"))
    world.later(hours=13)
    world.run()
    assert world.wire.accepted == ["ann@example.org"]


def test_hours_are_changed_taken_away_and_checked(database: Database, now: datetime) -> None:
    world = World(database, now)
    number = keep(world)
    assert keep(world, opens=8 * 60) == number
    with database.write() as session:
        refused: list[dict[str, Any]] = [
            {"closes": 60}, {"weekdays": []}, {"bank_holidays": "mars"}, {"outside": "never"}
        ]  # fmt: skip
        for wrong in refused:
            with pytest.raises(BadField):
                hours.keep(session, now, **{**DAILY, **wrong})
        hours.remove(session, hours.get(session, number))
        with pytest.raises(NotFound):
            hours.get(session, number)
