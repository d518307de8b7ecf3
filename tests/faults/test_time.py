"""F30–F31: clocks that jump, and the hours that a zone leaves out or has twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.database import Database
from campaigns.delivery import batch, send
from campaigns.delivery.backoff import Pace
from service.clock import Watch

from ..campaigns.delivery.world import KEYED, World


@pytest.mark.parametrize("jump", [timedelta(hours=2), timedelta(days=3650)])
def test_f30_a_clock_that_jumps_ahead_takes_no_batch_from_its_worker(
    database: Database, now: datetime, jump: timedelta
) -> None:
    """F30: a lease is measured by the database's clock."""
    world = World(database, now, KEYED, in_flight=1)
    message_id = world.message(["ann", "bob"])
    world.tick()

    def leap(place: str) -> None:
        if place == "intent.after_commit":
            world.time += jump
            with database.write() as session:
                assert batch.recover(session, world.time, Pace()) == 0

    send.work(world.desk(failpoint=leap))
    assert world.states(message_id) == {"ann": "sent", "bob": "sent"} and len(world.wire.accepted) == 2


def test_f30_a_clock_that_falls_back_repeats_nothing_and_nothing_goes_early(
    database: Database, now: datetime
) -> None:
    """F30"""
    world = World(database, now, KEYED)
    first = world.message(["ann"])
    world.run()
    later = world.message(["bob"], at=now + timedelta(hours=1))
    world.time -= timedelta(hours=2)
    world.run()
    assert world.states(first) == {"ann": "sent"} and world.wire.accepted == ["ann@example.org"]
    world.later(hours=2, minutes=59)
    world.run()
    assert world.wire.accepted == ["ann@example.org"]
    world.later(minutes=1)
    world.run()
    assert world.states(later) == {"bob": "sent"} and len(world.wire.accepted) == 2


def test_f30_a_jump_of_more_than_five_minutes_is_told_once() -> None:
    """F30: however long it is between two looks, the two clocks of a machine go at one pace."""
    wall, steady = [1_000_000.0], [100.0]
    watch = Watch(lambda: wall[0], lambda: steady[0])

    def look(wall_s: float, steady_s: float) -> float:
        wall[0] += wall_s
        steady[0] += steady_s
        return watch.look()

    assert look(8 * 3600, 8 * 3600) == 0
    assert look(7200, 1) == 7199 and look(1, 1) == 0
    assert look(-3600, 1) == -3601 and look(1, 1) == 0


@pytest.mark.parametrize(
    ("wall", "goes_at"),
    [
        ("2027-03-28T01:30:00", datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),  # left out: the first moment after
        ("2027-10-31T01:30:00", datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),  # twice: the first of them
    ],
)
def test_f31_what_is_planned_for_an_hour_that_is_left_out_or_comes_twice_goes_once(
    database: Database, now: datetime, wall: str, goes_at: datetime
) -> None:
    """F31: every zone and change up to 2035 is `make prove NAME=clock`."""
    world = World(database, now, KEYED)
    message_id = world.message(["ann"], at=None, wall=wall, zone="Europe/London")
    world.time = goes_at - timedelta(minutes=1)
    world.run()
    assert world.wire.accepted == []
    for _ in range(3):
        world.later(hours=1)
        world.run()
    assert world.states(message_id) == {"ann": "sent"} and world.wire.accepted == ["ann@example.org"]
