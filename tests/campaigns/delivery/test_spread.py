"""Their own time: one time of a message, spread over the zones of those who get it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.database import Database
from campaigns.delivery import release
from campaigns.delivery.tables import Batch
from campaigns.errors import BadField, BadTime
from campaigns.messages import approval, messages, timing
from campaigns.messages.tables import Message
from campaigns.stakeholders.tables import Stakeholder

from .world import World

ZONES = {"ann": "Pacific/Auckland", "bo": None, "cai": "America/New_York", "dai": "Asia/Kolkata"}
# At nine o'clock of the fourth, told by clocks in London.
AT_NINE = {"dai": "03:30", "bo": "09:00", "cai": "14:00"}


def spread(world: World, wall: str = "2026-11-04T09:00:00", **chosen: Any) -> int:
    """A message at nine o'clock to people in four zones."""
    usual: dict[str, Any] = {"at": None, "wall": wall, "zone": "Europe/London"}
    message_id = world.message(list(ZONES), **usual, timing={"own_zone": True, **chosen})
    with world.database.write() as session:
        for person in session.scalars(select(Stakeholder)):
            person.zone = ZONES[person.name]
        message = session.get_one(Message, message_id)
        release.take_back(session, message)
    return message_id


def due(world: World, message_id: int) -> dict[str, datetime]:
    return {row.address_key.split("@")[0]: row.due_at for row in world.rows(message_id)}


def test_everybody_gets_it_at_the_time_of_day_of_their_own_zone(database: Database, now: datetime) -> None:
    """E2"""
    world = World(database, now)
    message_id = spread(world)
    world.later(hours=22)
    world.run()
    expected = {name: datetime.fromisoformat(f"2026-11-04T{at}+00:00") for name, at in AT_NINE.items()}
    assert due(world, message_id) == {**expected, "ann": datetime(2026, 11, 3, 20, 0, tzinfo=UTC)}
    with database.read() as session:
        assert {one.due_at for one in session.scalars(select(Batch))} == set(due(world, message_id).values())
    went = []
    for _ in range(24):
        world.later(hours=1.5)
        world.run()
        went.append(len(world.wire.accepted))
    assert world.wire.accepted == [f"{name}@example.org" for name in ("ann", "dai", "bo", "cai")]
    assert {1, 2, 3, 4} <= set(went) and world.state(message_id) == "finished"


@pytest.mark.parametrize(
    ("passed", "expected"), [("at_once", "2026-11-04T06:00"), ("next_day", "2026-11-04T20:00")]
)
def test_whose_time_has_passed_gets_it_at_once_or_a_day_later(
    database: Database, now: datetime, passed: str, expected: str
) -> None:
    """E2"""
    world = World(database, now)
    message_id = spread(world, passed=passed)
    world.later(hours=45)  # nine o'clock is over in Auckland and in Kolkata
    world.tick()
    found = due(world, message_id)
    assert found["ann"] == datetime.fromisoformat(f"{expected}:00+00:00")
    assert found["bo"] == datetime(2026, 11, 4, 9, 0, tzinfo=UTC)


def test_the_rehearsal_tells_when_each_gets_it_as_the_release_does(database: Database, now: datetime) -> None:
    """E2, E11"""
    world = World(database, now)
    message_id = spread(world)
    with database.write() as session:
        told = release.rehearse(session, session.get_one(Message, message_id), now)
    world.later(hours=22)
    world.tick()
    by_name = {row["address_key"].split("@")[0]: row["due_at"] for row in told}
    assert by_name == due(world, message_id)


def test_each_time_of_one_that_recurs_is_spread(database: Database, now: datetime) -> None:
    world = World(database, now)
    message_id = spread(world, rule="FREQ=DAILY;COUNT=2")
    for _ in range(20):
        world.later(hours=5)
        world.run()
    assert len(world.wire.accepted) == 8 and world.state(message_id) == "finished"
    firsts = {row.due_at for row in world.rows(message_id) if row.address_key.startswith("bo")}
    assert firsts == {datetime(2026, 11, day, 9, 0, tzinfo=UTC) for day in (4, 5)}


def test_whose_clock_counts_is_part_of_what_is_approved_and_needs_a_time(
    database: Database, now: datetime
) -> None:
    """B5"""
    world = World(database, now)
    message_id = world.message(["ann"], at=now + timedelta(days=1))
    with database.write() as session:
        message = session.get_one(Message, message_id)
        release.take_back(session, message)
        before = approval.digest(session, message)
        messages.edit(session, now, message, timing={"own_zone": True})
        assert approval.digest(session, message) != before
        with pytest.raises(BadField, match="passed is one of"):
            timing.choose(session, message, {"passed": "never"})
    with pytest.raises(BadTime, match="goes out first"):
        world.message(["bo"], at=None, zone=None, timing={"own_zone": True})
