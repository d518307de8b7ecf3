"""Missed runs: what nobody was there to send goes late, not at all, or waits for a person, as its message says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.database import Database
from campaigns.delivery import control, missed, reconcile, stops
from campaigns.delivery.tables import MissedRun
from campaigns.errors import AlreadyDone, NotFound
from campaigns.messages.tables import Message, Occurrence

from .world import World


def beat(world: World) -> int:
    with world.database.write() as session:
        return missed.beat(session, world.time)


def away(world: World, **span: float) -> int:
    """The clocks are away for a while and come back."""
    beat(world)
    world.later(**span)
    found = beat(world)
    world.run()
    return found


def tomorrow(world: World, policy: str = "late", names: tuple[str, ...] = ("ann",), **more: Any) -> int:
    """A message that goes in two hours."""
    timing = {"missed": policy, **more.pop("timing", {})}
    return world.message(list(names), at=world.time + timedelta(hours=2), timing=timing, **more)


def runs(world: World) -> list[str]:
    with world.database.read() as session:
        return [one.done for one in session.scalars(select(MissedRun).order_by(MissedRun.due_at))]


def test_what_was_missed_goes_late_and_is_told(database: Database, now: datetime) -> None:
    """E7"""
    world = World(database, now)
    message_id = tomorrow(world)
    assert away(world, hours=5) == 1
    assert world.wire.accepted == ["ann@example.org"] and runs(world) == ["late"]
    assert world.state(message_id) == "finished"


def test_what_is_to_be_skipped_goes_not_at_all_and_the_books_agree(database: Database, now: datetime) -> None:
    """E7"""
    world = World(database, now)
    message_id = tomorrow(world, "skip")
    with database.read() as session:
        assert reconcile.counts(session, message_id)["queued"] == 0
    world.later(hours=1, minutes=55)
    world.run()  # released before anybody goes away
    assert away(world, hours=5) == 1
    assert not world.wire.accepted and runs(world) == ["skipped"]
    assert world.states(message_id) == {"ann": "cancelled"} and world.state(message_id) == "finished"
    with database.read() as session:
        assert reconcile.books(session, message_id)["reconciled"]


@pytest.mark.parametrize(
    ("go", "accepted", "done"), [(True, ["ann@example.org"], "late"), (False, [], "skipped")]
)
def test_what_is_held_waits_for_a_person_who_says_whether_it_goes(
    database: Database, now: datetime, go: bool, accepted: list[str], done: str
) -> None:
    """E7"""
    world = World(database, now)
    message_id = tomorrow(world, "hold")
    assert away(world, hours=5) == 1
    assert world.state(message_id) == "held" and not world.wire.accepted
    with database.write() as session:
        held = session.get_one(Message, message_id)
        assert [one["kind"] for one in held.held_by] == [missed.KIND]
        occurrence = session.scalars(select(Occurrence).where(Occurrence.message_id == message_id)).one()
        run = missed.decide(session, world.time, occurrence.id, go=go, by="user:ann")
        assert (run.decided_by, run.decided_at) == ("user:ann", world.time)
        with pytest.raises(AlreadyDone):
            missed.decide(session, world.time, occurrence.id, go=not go, by="user:bo")
    world.run()
    assert world.wire.accepted == accepted and runs(world) == [done]
    assert world.state(message_id) == "finished"


def test_what_is_too_late_waits_for_a_person_where_it_goes_once_and_is_skipped_where_it_recurs(
    database: Database, now: datetime
) -> None:
    """E7"""
    world = World(database, now)
    once = tomorrow(world, timing={"late_s": 3600})
    daily = tomorrow(world, names=("bo",), timing={"late_s": 3600, "rule": "FREQ=DAILY;COUNT=3"})
    assert away(world, hours=26.5) == 3
    assert sorted(runs(world)) == ["held", "late", "skipped"]
    assert world.wire.accepted == ["bo@example.org"]
    assert (world.state(once), world.state(daily)) == ("held", "scheduled")


def test_what_waited_for_another_reason_or_had_begun_is_not_missed(database: Database, now: datetime) -> None:
    world = World(database, now)
    stopped, paused = tomorrow(world, "skip"), tomorrow(world, "skip", ("bo",))
    with database.write() as session:
        control.pause(session, now, session.get_one(Message, paused))
        stop = stops.stop(session, now, scope="all", reason="a flood", by="user:ann").id
    world.later(minutes=1)
    world.tick()
    world.later(hours=1, minutes=55)
    world.tick()
    assert away(world, hours=5) == 0 and world.state(stopped) == "held"
    with database.write() as session:
        stops.lift(session, world.time, stop, by="user:ann", why="over")
    world.run()
    assert world.wire.accepted == ["ann@example.org"] and runs(world) == []


def test_a_pause_between_beats_and_a_clock_that_is_put_back_miss_nothing(
    database: Database, now: datetime
) -> None:
    """F30"""
    world = World(database, now)
    tomorrow(world, "skip")
    beat(world)
    with database.read() as session:
        assert not missed.beat_due(session, now + timedelta(seconds=5))
        assert missed.beat_due(session, now - timedelta(hours=1))
    for _ in range(40):
        world.later(minutes=4)
        assert beat(world) == 0
        world.run()
    world.later(hours=-3)
    assert beat(world) == 0
    assert world.wire.accepted == ["ann@example.org"] and runs(world) == []


def test_a_clock_that_is_put_back_and_on_again_says_once_what_was_missed(
    database: Database, now: datetime
) -> None:
    """F30"""
    world = World(database, now)
    tomorrow(world)
    beat(world)
    world.later(hours=5)
    assert beat(world) == 1
    world.later(hours=-4)
    assert beat(world) == 0
    world.later(hours=4)
    assert beat(world) == 0
    world.run()
    assert world.wire.accepted == ["ann@example.org"] and runs(world) == ["late"]


def test_of_two_clocks_that_come_back_one_says_what_was_missed(database: Database, now: datetime) -> None:
    world = World(database, now)
    tomorrow(world)
    beat(world)
    world.later(hours=5)
    assert [beat(world), beat(world)] == [1, 0]
    with database.write() as session, pytest.raises(NotFound):
        missed.decide(session, world.time, 1, go=True, by="user:ann")
