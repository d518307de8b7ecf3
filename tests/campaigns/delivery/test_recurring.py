"""Messages that recur: each time is a row, made once, moved and called off by itself, and released when it comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery import control, reconcile, stops
from campaigns.errors import AlreadyDone, AlreadySending, BadTime, Conflict
from campaigns.messages import approval, messages, planning, timing
from campaigns.messages.tables import Message, Occurrence, Timing
from campaigns.strategies import programmes
from campaigns.strategies.tables import Programme

from .world import World

DAILY = {"rule": "FREQ=DAILY"}
LONDON = "Europe/London"


def times(session: Session, message_id: int) -> list[Occurrence]:
    mine = select(Occurrence).where(Occurrence.message_id == message_id, Occurrence.kind == "real")
    return list(session.scalars(mine.order_by(Occurrence.due_at)))


def daily(world: World, names: list[str] | None = None, **more: Any) -> int:
    usual: dict[str, Any] = {"at": None, "wall": "2026-11-02T09:00:00", "zone": LONDON, "timing": DAILY}
    return world.message(names or ["ann"], **(usual | more))


def days(world: World, number: int) -> None:
    """Live through some days, the clock ticking each quarter of a day."""
    for _ in range(4 * number):
        world.later(hours=6)
        world.run()


def test_it_goes_at_each_of_its_times_to_whoever_is_there_then(database: Database, now: datetime) -> None:
    """C12"""
    world = World(database, now)
    message_id = daily(world)
    world.run()
    assert world.wire.accepted == ["ann@example.org"]
    days(world, 2)
    assert world.wire.accepted == ["ann@example.org"] * 3
    with database.read() as session:
        states = [one.state for one in times(session, message_id)]
        assert states[:4] == ["finished"] * 3 + ["planned"]
        message = session.get_one(Message, message_id)
        assert (message.state, message.started_at) == ("scheduled", None)
        assert planning.planned_at(session, message) == now + timedelta(days=3)
        assert reconcile.counts(session, message_id)["sent"] == 3


def test_each_time_is_counted_by_itself(database: Database, now: datetime) -> None:
    world = World(database, now)
    message_id = daily(world, ["ann", "bo"], timing={"rule": "FREQ=DAILY;COUNT=2"})
    world.run()
    with database.read() as session:
        first, second = times(session, message_id)
        counts = reconcile.counts_of_times(session, message_id)
        assert counts[first.id]["sent"] == 2 and counts[first.id]["intended"] == 2
        assert counts[second.id]["intended"] == 0


def test_after_its_last_time_it_is_finished(database: Database, now: datetime) -> None:
    world = World(database, now)
    message_id = daily(world, timing={"rule": "FREQ=DAILY;COUNT=2"})
    days(world, 2)
    with database.read() as session:
        assert session.get_one(Message, message_id).state == "finished"
        assert reconcile.books(session, message_id)["reconciled"]
    assert len(world.wire.accepted) == 2


def test_times_are_made_ahead_and_each_once_however_many_clocks_ask(
    database: Database, now: datetime
) -> None:
    """C12, K8"""
    world = World(database, now)
    message_id = daily(world)
    for _ in range(3):
        with database.write() as session:
            timing.make_ahead(session, world.time)
    with database.read() as session:
        assert len(times(session, message_id)) == timing.AHEAD.days + 1
    world.later(days=40)
    with database.write() as session:
        assert timing.make_ahead(session, world.time) == 1
        assert timing.make_ahead(session, world.time) == 0
    with database.read() as session:
        made = times(session, message_id)
        assert len(made) == len({one.wall for one in made}) == 40 + timing.AHEAD.days + 1


def test_a_rare_one_has_its_next_time_made_however_far_it_is(database: Database, now: datetime) -> None:
    world = World(database, now)
    message_id = daily(world, timing={"rule": "FREQ=YEARLY"})
    with database.write() as session:
        assert [one.wall[:4] for one in times(session, message_id)] == ["2026"]
        assert timing.make_ahead(session, world.time) == 0
        world.later(days=40)
        assert timing.make_ahead(session, world.time) == 1
        assert [one.wall[:4] for one in times(session, message_id)] == ["2026", "2027"]


def test_one_time_is_moved_and_another_called_off_and_the_rest_stay(
    database: Database, now: datetime
) -> None:
    """C12"""
    world = World(database, now)
    message_id = daily(world, timing={"rule": "FREQ=DAILY;COUNT=4"})
    with database.write() as session:
        message, made = session.get_one(Message, message_id), times(session, message_id)
        timing.move(session, now, message, made[1], now + timedelta(days=1, hours=7), "user:ann")
        timing.call_off(session, now, message, made[2])
    days(world, 1)
    assert len(world.wire.accepted) == 1
    days(world, 3)
    assert len(world.wire.accepted) == 3
    with database.read() as session:
        states = {one.wall[8:10]: one.state for one in times(session, message_id)}
        assert states == {"02": "finished", "03": "finished", "04": "cancelled", "05": "finished"}
        assert session.get_one(Message, message_id).state == "finished"


def test_what_was_moved_or_called_off_stays_so_when_more_are_made_and_the_rest_is_planned_anew(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    message_id = daily(world)
    with database.write() as session:
        message, made = session.get_one(Message, message_id), times(session, message_id)
        timing.move(session, now, message, made[1], now + timedelta(hours=30), "user:ann")
        timing.call_off(session, now, message, made[2])
        messages.edit(session, now, message, by="user:ann", timing={"rule": "FREQ=DAILY;INTERVAL=2"})
        found = [(one.wall[5:10], one.state) for one in times(session, message_id)[:4]]
    assert found == [("11-02", "planned"), ("11-03", "planned"), ("11-04", "cancelled"), ("11-06", "planned")]


def test_two_times_at_one_instant_and_times_that_are_over_are_refused(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    message_id, once = daily(world), world.message(["bo"], at=now + timedelta(days=1))
    world.run()
    with database.write() as session:
        message, made = session.get_one(Message, message_id), times(session, message_id)
        with pytest.raises(Conflict, match="at this time already"):
            timing.move(session, now, message, made[1], made[2].due_at, "user:ann")
        with pytest.raises(BadTime):
            timing.move(session, now, message, made[1], now - timedelta(hours=1), "user:ann")
        with pytest.raises(AlreadyDone):
            timing.call_off(session, now, message, made[0])
        with pytest.raises(Conflict, match="goes out once"):
            timing.call_off(session, now, session.get_one(Message, once), times(session, once)[0])


def test_of_several_times_that_came_while_it_could_not_go_the_last_one_goes(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    message_id = daily(world, timing={"rule": "FREQ=DAILY;COUNT=6"}, at=None)
    with database.write() as session:
        stop = stops.stop(session, now, scope="all", reason="a flood", by="user:ann").id
    world.run()
    world.later(days=3, hours=2)
    world.run()
    assert not world.wire.accepted
    with database.write() as session:
        stops.lift(session, world.time, stop, by="user:ann", why="over")
    world.run()
    with database.read() as session:
        states = [one.state for one in times(session, message_id)]
    assert states == ["skipped"] * 3 + ["finished"] + ["planned"] * 2
    assert len(world.wire.accepted) == 1


def test_between_two_times_the_words_may_change_and_during_one_they_may_not(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    message_id = daily(world)
    world.run()
    with database.write() as session:
        message = session.get_one(Message, message_id)
        control.take_back(session, now, message)
        messages.edit(session, now, message, by="user:ann", name="Tomorrow's")
        assert reconcile.counts(session, message_id)["sent"] == 1
    days(world, 1)
    assert len(world.wire.accepted) == 2
    with database.write() as session:
        message = session.get_one(Message, message_id)
        times(session, message_id)[2].state = "released"
        session.flush()
        with pytest.raises(AlreadySending):
            messages.edit(session, world.time, message, by="user:ann", name="Too late")


def test_the_rule_and_what_was_moved_are_part_of_what_is_approved(database: Database, now: datetime) -> None:
    """B5"""
    world = World(database, now)
    with database.write() as session:
        programmes.set_assurance(
            session, now, session.get_one(Programme, world.programme_id), "reviewed", "a test"
        )
    message_id = daily(world)
    with database.write() as session:
        message = session.get_one(Message, message_id)
        read = approval.digest(session, message)
        messages.decide(session, now, message, digest=read, decision="approved", by="user:bo")
        assert message.state == "scheduled"
        timing.move(
            session, now, message, times(session, message_id)[1], now + timedelta(hours=30), "user:ann"
        )
        messages.settle(session, now, message)
        assert message.state == "waiting" and approval.digest(session, message) != read


def test_without_a_first_time_nothing_recurs_and_without_its_rule_it_goes_once(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    with pytest.raises(BadTime, match="goes out first"):
        world.message(["ann"], at=None, zone=None, timing=DAILY)
    message_id = daily(world, ["bo"])
    with database.write() as session:
        message = session.get_one(Message, message_id)
        messages.edit(session, now, message, by="user:ann", timing={"rule": None})
        assert [one.state for one in times(session, message_id)] == ["planned"]
    days(world, 3)
    assert len(world.wire.accepted) == 1 and world.state(message_id) == "finished"
    with database.write() as session:
        assert timing.make_ahead(session, now + timedelta(days=365)) == 0


def test_a_cancelled_one_goes_no_more_and_has_no_more_made(database: Database, now: datetime) -> None:
    world = World(database, now)
    message_id = daily(world)
    world.run()
    with database.write() as session:
        control.cancel(session, now, session.get_one(Message, message_id))
        session.get_one(Timing, message_id).made_to = now
    days(world, 2)
    with database.write() as session:
        assert timing.make_ahead(session, datetime(2027, 1, 1, tzinfo=UTC)) == 0
    assert len(world.wire.accepted) == 1
