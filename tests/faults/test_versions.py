"""F32–F36: two revisions at once, live upgrades, old backups, and a standby that takes over."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Connection,
    Date,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    create_engine,
    inspect,
    select,
    text,
)

from campaigns.base import new_id
from campaigns.database import Database
from campaigns.delivery import repair, send, stops
from campaigns.delivery.tables import Batch, Delivery
from service import epoch, settings, upgrade
from service.wiring import Wiring

from ..campaigns.delivery.world import BLIND, KEYED, Died, World
from ..postgres import Cluster, cluster
from .test_disks import environ

RELEASES = tuple(one for one in reversed(upgrade.steps()) if one != upgrade.steps()[0])
KEPT = ("programmes", "stakeholders", "addresses", "accounts", "deliveries", "consents", "suppressions")
ROWS = 300


def test_f32_columns_of_a_newer_revision_do_not_disturb_the_one_before(
    database: Database, now: datetime
) -> None:
    """F32: columns are only added, and with a value of their own; old code and new work side by side."""
    world = World(database, now, KEYED)
    first = world.message(["ann", "bob"])
    world.tick()
    with database.write_engine.begin() as connection:
        for table in inspect(connection).get_table_names():
            if not table.startswith(("search_", "alembic")):
                connection.execute(
                    text(f"ALTER TABLE {table} ADD COLUMN of_tomorrow TEXT DEFAULT 'yes' NOT NULL")
                )
    newer = World.__new__(World)
    newer.__dict__.update(world.__dict__)
    newer.database = Database(database.url)
    second = newer.message(["cai", "dee"])
    newer.tick()
    world.run()
    newer.run()
    assert set(world.states(first).values()) | set(world.states(second).values()) == {"sent"}
    assert len(world.wire.accepted) == len(set(world.wire.accepted)) == 4
    newer.database.close()


@pytest.mark.parametrize("release", RELEASES)
def test_f34_a_database_of_every_release_opens_with_all_that_was_in_it(bare_url: str, release: str) -> None:
    """F34; F33: the step adds, and rewrites no row."""
    database = Database(bare_url)
    try:
        _of_release(database, release, ROWS)
        before = _everything(database)
        upgrade.make_tables(database)
        upgrade.make_tables(database)
        after = _everything(database)
        for table, rows in before.items():
            kept = [{name: row[name] for name in old} for row, old in zip(after[table], rows, strict=True)]
            assert kept == rows, table
        with database.read_engine.connect() as connection:
            assert upgrade._is_current(connection)
    finally:
        database.close()


def _of_release(database: Database, release: str, rows: int) -> None:
    """The tables of a release, with rows in those that matter most; what they refer to is left out."""
    with database.write_engine.begin() as connection:
        command.upgrade(upgrade.config(connection), release)
    plain, made = create_engine(database.url), MetaData()
    with plain.begin() as connection:
        made.reflect(connection)
        if not database.is_sqlite:
            connection.exec_driver_sql("SET session_replication_role = replica")
        for name in KEPT:
            for _ in range(rows if name == "deliveries" else 3):
                _row(connection, made.tables[name])
    plain.dispose()


def _row(connection: Connection, table: Table) -> None:
    """A row with something in every column that needs it, each different from the others."""
    number = new_id()
    values: dict[str, Any] = {}
    for column in table.columns:
        if column.nullable or (column.server_default is not None and column.name != "id"):
            continue
        if isinstance(column.type, Boolean):
            values[column.name] = False
        elif isinstance(column.type, BigInteger | Integer):
            values[column.name] = number
        elif isinstance(column.type, Date):
            values[column.name] = date(2026, 11, 2)
        elif isinstance(column.type, JSON):
            values[column.name] = {}
        elif isinstance(column.type, LargeBinary):
            values[column.name] = b""
        else:
            values[column.name] = f"{column.name}-{number}"
    connection.execute(table.insert().values(values))


def _everything(database: Database) -> dict[str, list[dict[str, Any]]]:
    with database.read_engine.connect() as connection:
        return {
            name: [
                dict(row) for row in connection.execute(text(f"SELECT * FROM {name} ORDER BY id")).mappings()
            ]
            for name in KEPT
        }


def test_f35_an_old_backup_sends_nothing_again_by_itself(tmp_path: Path, now: datetime) -> None:
    """F35: what it still thinks is to be sent has gone since; everything is stopped until somebody looked."""
    wiring = _installed(tmp_path)
    world = World(wiring.database, now, BLIND)
    message_id = world.message(["ann", "bob"])
    world.tick()
    backup = tmp_path / "backup.db"
    with sqlite3.connect(backup) as copy, sqlite3.connect(tmp_path / "dolen.db") as live:
        live.backup(copy)
    world.run()
    assert set(world.states(message_id).values()) == {"sent"} and len(world.wire.accepted) == 2
    assert epoch.advance(wiring) is False
    wiring.close()
    for left in tmp_path.glob("dolen.db*"):
        left.unlink()
    shutil.copy(backup, tmp_path / "dolen.db")
    restored = Wiring(settings.load(environ(tmp_path)))
    assert epoch.advance(restored) is True
    world.database = restored.database
    world.run()
    world.later(hours=100)
    world.run()
    assert len(world.wire.accepted) == 2 and set(world.states(message_id).values()) == {"queued"}
    restored.close()


def _installed(folder: Path) -> Wiring:
    wiring = Wiring(settings.load(environ(folder)))
    upgrade.upgrade(wiring)
    assert epoch.advance(wiring) is False
    return wiring


@pytest.fixture
def pair() -> Iterator[tuple[Cluster, Cluster]]:
    """A server and its asynchronous standby."""
    with cluster(durable=True) as first, first.standby() as second:
        yield first, second


def test_f36_a_standby_that_takes_over_in_the_middle_doubles_nothing_where_doubt_is_held(
    pair: tuple[Cluster, Cluster], now: datetime
) -> None:
    """F36: of what the standby has not heard of, nothing is known; what it knows to be in flight is held."""
    first, second = pair
    database = Database(first.create("failover"))
    upgrade.make_tables(database)
    world = World(database, now, BLIND, in_flight=1)
    message_id = world.message(["ann", "bob", "cai"])
    world.tick()
    second.catch_up(first)

    def fails(place: str) -> None:
        if place == "intent.after_commit":
            second.catch_up(first)
        if place == "net.after_reply":
            raise Died

    with pytest.raises(Died):
        send.work(world.desk(failpoint=fails))
    first.crash()
    database.close()
    second.promote()
    world.database = Database(second.url("failover"))
    world.recover()
    for _ in range(3):
        world.later(hours=5)
        world.run()
    assert len(world.wire.accepted) == len(set(world.wire.accepted))
    states = world.states(message_id)
    went = {to.split("@")[0] for to in world.wire.accepted}
    assert went and went <= {name for name, state in states.items() if state in ("sent", "unknown")}
    assert set(states.values()) <= {"sent", "unknown"}
    with world.database.read() as session:
        assert session.query(Delivery).count() == 3
    world.database.close()


def test_f36_what_a_standby_that_was_behind_never_heard_of_goes_again_only_once_a_person_lets_it(
    pair: tuple[Cluster, Cluster], now: datetime
) -> None:
    """F36: no server can tell that it is behind, so whoever lets one take over stops everything first, and marks."""
    first, second = pair
    database = Database(first.create("behind"))
    upgrade.make_tables(database)
    world = World(database, now, BLIND)
    message_id = world.message(["ann", "bob"])
    world.tick()
    second.catch_up(first)
    second.fall_behind()
    world.run()
    assert set(world.states(message_id).values()) == {"sent"} and len(world.wire.accepted) == 2
    first.crash()
    database.close()
    second.promote()
    world.database = Database(second.url("behind"))
    with world.database.write() as session:
        stopped = stops.stop(session, world.time, scope="all", reason="it was behind", by="user:ann").id
    world.run()
    assert set(world.states(message_id).values()) == {"queued"} and len(world.wire.accepted) == 2
    with world.database.write() as session:
        for waiting in session.scalars(select(Batch)).all():
            repair.mark(
                session, world.time, waiting, outcome="sent", by="user:ann", evidence="it is in their log"
            )
        stops.lift(session, world.time, stopped, by="user:ann", why="all of it is marked")
    world.run()
    assert set(world.states(message_id).values()) == {"sent"} and len(world.wire.accepted) == 2
    world.database.close()
