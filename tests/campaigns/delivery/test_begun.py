"""Begun: what a try has made ready at a provider is known to the next one, whatever became of the worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import pytest
from sqlalchemy.exc import OperationalError

from campaigns.database import Database
from campaigns.delivery import begun, control, reconcile
from connectors.api import Deferred, Findable, Outbound, Receipt, Uncertain

from .world import KEYED, Died, World

INEXACT = Findable(visible_within_s=1, exact=False)


def making(world: World, *ends: BaseException) -> list[str]:
    """The provider publishes what is made ready there; these are how the first tries end before that. Gives what each
    try was told that an earlier one had begun."""
    told, left = [], list(ends)

    def answer(outbound: Outbound) -> None:
        told.append(outbound.begun)
        if not outbound.begun:
            outbound.keep(f"container {len(told)}")
        if left:
            raise left.pop(0)

    world.wire.answers = {"": answer}
    return told


def test_the_next_try_goes_on_with_what_was_begun(database: Database, now: datetime) -> None:
    """DC2"""
    world = World(database, now, KEYED, broadcast=True)
    told = making(world, Deferred("still fetching", phase="media"), Deferred("still fetching", phase="media"))
    message_id = world.message([], text="Dewch draw")
    for _ in range(3):
        world.run()
        world.later(minutes=20)
    assert told == ["", "container 1", "container 1"]
    assert [row.state for row in world.rows(message_id)] == ["sent"] and len(world.wire.accepted) == 1


@pytest.mark.parametrize("repeats", [KEYED, INEXACT], ids=["keyed", "findable"])
def test_what_a_worker_had_begun_outlives_it(database: Database, now: datetime, repeats: Any) -> None:
    """DC2, E5: also where a person says that it is to be sent again."""
    world = World(database, now, repeats, broadcast=True)
    looked: list[str] = []

    def look(outbound: Outbound) -> Receipt | None:
        looked.append(outbound.begun)
        return None

    if repeats is INEXACT:
        world.connector = replace(world.connector, find=look)
    told = making(world, Died())
    message_id = world.message([], text="Dewch draw")
    world.tick()
    with pytest.raises(Died):
        world.run()
    assert world.recover() == 1
    world.later(minutes=2)
    world.run()
    if repeats is INEXACT:
        assert looked == ["container 1"]
        with database.write() as session:
            (row,) = reconcile.unknowns(session)
            control.decide(session, world.time, row, outcome="queued", by="user:ann", evidence="not there")
        world.run()
    assert told == ["", "container 1"]
    assert [row.state for row in world.rows(message_id)] == ["sent"]


def test_each_post_has_its_own(database: Database, now: datetime) -> None:
    world = World(database, now, KEYED, broadcast=True)
    told = making(world, Deferred("still fetching", phase="media"))
    world.message([], text="one")
    world.run()
    world.message([], text="two")
    world.run()
    assert told == ["", ""]


def test_what_is_another_workers_by_now_is_not_published(database: Database, now: datetime) -> None:
    world = World(database, now, INEXACT, broadcast=True)
    kept: list[Callable[[str], None]] = []

    def answer(outbound: Outbound) -> None:
        kept.append(outbound.keep)
        raise Uncertain("dropped")

    world.wire.answers = {"": answer}
    message_id = world.message([], text="Dewch draw")
    world.run()
    with pytest.raises(Deferred, match="another worker"):
        kept[0]("container 1")
    with database.read() as session:
        assert begun.of(session, world.rows(message_id)[0].id) == ""


def test_what_cannot_be_written_down_is_not_published(now: datetime) -> None:
    class Busy:
        @contextmanager
        def write(self) -> Iterator[Any]:
            raise OperationalError("INSERT", {}, Exception("database is locked"))
            yield

    with pytest.raises(Deferred, match="written down"):
        begun.keep(cast(Database, Busy()), lambda: now, 1, 1, 1, "container 1")
