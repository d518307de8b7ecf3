"""F30–F31: clocks that jump, and the hours that a zone leaves out or has twice."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.database import Database
from campaigns.delivery import batch, send
from campaigns.delivery.backoff import Pace
from campaigns.messages import displaced, timing
from campaigns.messages.tables import Message, Occurrence
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


@pytest.fixture
def another_tzdata(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """From when it is called, London has the rules of Lagos: an hour ahead, all the year round."""
    known = zoneinfo.TZPATH

    def read(paths: tuple[str, ...]) -> None:
        zoneinfo.reset_tzpath(paths)
        zoneinfo.ZoneInfo.clear_cache()

    def change() -> None:
        folder = tmp_path / "zoneinfo" / "Europe"
        folder.mkdir(parents=True)
        (folder / "London").write_bytes((files("tzdata") / "zoneinfo" / "Africa" / "Lagos").read_bytes())
        read((str(folder.parent), *known))

    yield change
    read(known)


def test_f31_a_zone_that_gets_other_rules_neither_doubles_nor_swallows_a_time(
    sqlite: Database, now: datetime, another_tzdata: Callable[[], None]
) -> None:
    """F31: times that are there stay where people saw them; those made later follow the new rules, each day once."""
    world = World(sqlite, now, KEYED)
    # What is made reaches to between the old time of its last day and the new one.
    world.time = now.replace(hour=8, minute=30)
    rule = {"rule": "FREQ=DAILY;COUNT=100"}
    wall = world.time.replace(tzinfo=None, hour=9, minute=0)
    message_id = world.message(["ann"], at=None, wall=wall.isoformat(), zone="Europe/London", timing=rule)
    _ahead(world)
    before = _times(world, message_id)
    another_tzdata()
    for _ in range(100):
        world.later(days=1)
        _ahead(world)
    after = _times(world, message_id)
    assert after[: len(before)] == before
    assert [one for one, _ in after] == [(wall + timedelta(days=n)).isoformat() for n in range(100)]
    assert len({at for _, at in after}) == 100 and after[-1][1].hour == 8


def test_f31_times_that_stand_where_their_wall_time_no_longer_is_are_told(
    sqlite: Database, now: datetime, another_tzdata: Callable[[], None]
) -> None:
    """F31: of a message that goes once and of one that recurs, until they are moved; nothing else is named."""
    world = World(sqlite, now, KEYED)
    wall = (now + timedelta(days=1)).replace(tzinfo=None, hour=9).isoformat()
    at: dict[str, Any] = {"at": None, "wall": wall, "zone": "Europe/London"}
    once, moved = world.message(["ann"], **at), world.message(["bob"], **at)
    often = world.message(["cai"], **at, timing={"rule": "FREQ=DAILY;COUNT=2"})
    world.message(["dee"], **at, timing={"own_zone": True})
    world.message(["eve"], **{**at, "zone": "Europe/Paris"})
    world.message(["fay"], at=now + timedelta(days=1))
    over = world.message(["gil"], **at)
    with sqlite.write() as session:
        session.query(Occurrence).filter_by(message_id=moved).one().moved_by = "user:ann"
        session.get_one(Message, over).state = "cancelled"
        assert displaced.coming(session, now) == []
    another_tzdata()
    with sqlite.read() as session:
        found = displaced.coming(session, now)
        assert [one.message.id for one in found] == [once, often, often]
        assert {one.occurrence.due_at - one.means_at for one in found} == {timedelta(hours=1)}
        assert displaced.coming(session, now, {world.programme_id}) == found
        assert displaced.coming(session, now, {0}) == []
        assert displaced.coming(session, now + timedelta(days=3)) == []


@pytest.mark.parametrize(
    ("wall", "hour"),
    [("2027-03-28T01:30:00", 1), ("2027-10-31T01:30:00", 0), ("2027-10-31T01:30:00", 1)],
    ids=["left out", "the first of two", "the second of two"],
)
def test_f31_where_clocks_change_as_ever_nothing_is_told(
    sqlite: Database, now: datetime, wall: str, hour: int
) -> None:
    world = World(sqlite, now, KEYED)
    message_id = world.message(["ann"], at=None, wall=wall, zone="Europe/London")
    with sqlite.write() as session:
        occurrence = session.query(Occurrence).filter_by(message_id=message_id).one()
        occurrence.due_at = datetime.fromisoformat(wall).replace(
            hour=hour, minute=30 if "10-31" in wall else 0, tzinfo=UTC
        )
        session.flush()
        assert displaced.coming(session, now) == []


def _ahead(world: World) -> None:
    with world.database.write() as session:
        timing.make_ahead(session, world.time)


def _times(world: World, message_id: int) -> list[tuple[str, datetime]]:
    with world.database.read() as session:
        found = select(Occurrence).where(Occurrence.message_id == message_id).order_by(Occurrence.wall)
        return [(one.wall, one.due_at) for one in session.scalars(found)]
