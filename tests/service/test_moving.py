"""An installation moves between databases with its pending work, and nothing is sent from both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from campaigns.database import Database
from campaigns.delivery import batch, control
from campaigns.delivery.tables import Stop
from campaigns.errors import Conflict
from campaigns.messages.tables import Message
from campaigns.strategies.tables import Programme
from connectors.api import Deferred, Outbound
from service import moving
from service.settings import load
from service.wiring import Wiring, metadata
from tests import conftest
from tests.campaigns.delivery.world import World


@pytest.fixture
def other_url(database_kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of the other kind."""
    with conftest._database(
        "postgresql" if database_kind == "sqlite" else "sqlite", request, full=False
    ) as url:
        yield url


def installation(database: Database, folder: Path) -> Wiring:
    settings = load({"DOLEN__DATA__DIR": str(folder), "DOLEN__LOG__LEVEL": "error"})
    return Wiring(settings, database=database)


def counts(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
            if table.name != "stops"
        }


def busy(_outbound: Outbound) -> None:
    raise Deferred("busy")


def test_pending_work_goes_on_in_the_other_database(
    database: Database, other_url: str, now: datetime, tmp_path: Path
) -> None:
    """K2: one sent, one deferred, one still queued; each gets it once, and the old database sends nothing more."""
    world = World(database, now)
    world.wire.answers = {"bob@example.org": busy}
    message_id = world.message(["ann", "bob"])
    paused = world.message(["cai"])
    with database.write() as session:
        control.pause(session, now, session.get_one(Message, paused))
    world.run()
    before = counts(database)
    moved = moving.move(installation(database, tmp_path), other_url)
    other = Database(other_url)
    assert counts(other) == before and moved >= sum(before.values())
    world.wire.answers = {}
    world.later(hours=5)
    world.run()
    assert "bob@example.org" not in world.wire.accepted
    world.database = other
    with other.write() as session:
        control.resume(session, world.time, session.get_one(Message, paused))
    world.run()
    assert world.states(message_id) == {"ann": "sent", "bob": "sent"}
    assert sorted(world.wire.accepted) == ["ann@example.org", "bob@example.org", "cai@example.org"]
    other.close()


def test_a_tree_whose_branches_were_moved_arrives_whole(
    database: Database, other_url: str, now: datetime, tmp_path: Path
) -> None:
    """A programme may hang under one that was made after it."""
    with database.write() as session:
        first = Programme(name="First", starts_on=now.date(), created_at=now, updated_at=now)
        second = Programme(name="Second", starts_on=now.date(), created_at=now, updated_at=now)
        session.add_all([first, second])
        session.flush()
        first.parent_id = second.id
    moving.move(installation(database, tmp_path), other_url)
    other = Database(other_url)
    with other.read() as session:
        assert session.get_one(Programme, first.id).parent_id == second.id
    other.close()


def test_nothing_moves_while_a_worker_has_something_in_hand(
    database: Database, other_url: str, now: datetime, tmp_path: Path
) -> None:
    world = World(database, now)
    world.message(["ann"])
    world.tick()
    with database.write() as session:
        assert batch.claim(session, now, "somebody", 60.0) is not None
    with pytest.raises(Conflict, match="in hand"):
        moving.move(installation(database, tmp_path), other_url)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Stop)) == 0


def test_a_database_that_is_in_use_is_not_overwritten(
    database: Database, other_url: str, now: datetime, tmp_path: Path
) -> None:
    World(database, now)
    wiring = installation(database, tmp_path)
    moving.move(wiring, other_url)
    with pytest.raises(Conflict, match="not empty"):
        moving.move(wiring, other_url)
