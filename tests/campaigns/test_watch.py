"""Who waits for work is woken by the commit that brings it."""

from __future__ import annotations

import threading
from datetime import datetime

from campaigns.database import Database, Watch
from campaigns.delivery import batch, send

from .delivery.world import World

HOUR_S = 3600.0
JOIN_S = 60.0


def waiting(database: Database, told: threading.Event) -> threading.Thread:
    """A thread that waits for an hour, begun once it knows what the database is like now."""
    watch, ready = Watch(database), threading.Event()

    def wait() -> None:
        watch.wait(told, 0.0)
        ready.set()
        watch.wait(told, HOUR_S)
        watch.close()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    assert ready.wait(JOIN_S)
    return thread


def test_a_commit_that_brings_work_wakes_who_waits_for_it(database: Database, now: datetime) -> None:
    """E1"""
    world = World(database, now)
    waits = waiting(database, threading.Event())
    world.message(["ann"])
    world.tick()
    waits.join(JOIN_S)
    assert not waits.is_alive()


def test_the_next_instant_is_known(database: Database, now: datetime) -> None:
    world = World(database, now)
    world.message(["ann"], lane="urgent")
    world.tick()
    world.later(seconds=-90)
    with database.read() as session:
        assert batch.due_in_s(session, world.time) == 90.0
        assert batch.due_in_s(session, world.time, ["bulk"]) is None


def test_a_worker_of_urgent_messages_leaves_the_others(database: Database, now: datetime) -> None:
    """E9: what is urgent has a worker that no batch of anything else keeps."""
    world = World(database, now)
    world.message(["ann"], lane="bulk")
    world.message(["bob"], lane="urgent")
    world.tick()
    assert send.work(world.desk(), ["urgent"])
    assert not send.work(world.desk(), ["urgent"])
    assert world.wire.accepted == ["bob@example.org"]
