"""The test databases themselves: both kinds, empty, apart from each other, and gone with their starter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session

from campaigns import tables
from campaigns.audit import AuditEntry, note
from campaigns.database import Database

from .conftest import NOW
from .postgres import cluster

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("time_round", [1, 2])
def test_every_test_begins_with_an_empty_database_that_has_every_table(
    database: Database, database_kind: str, time_round: int
) -> None:
    assert database.write_engine.dialect.name == database_kind
    names = inspect(database.write_engine).get_table_names()
    # SQLite keeps its full text indexes as tables.
    assert {name for name in names if not name.startswith("search_")} == set(tables.metadata.tables)
    with database.write() as session:
        assert session.scalars(select(AuditEntry)).all() == []
        note(session, NOW, "test", "test.leave", "test", 1)


def test_a_session_sees_what_it_wrote(session: Session) -> None:
    note(session, NOW, "test", "test.leave", "test", 1)
    session.flush()
    assert session.scalars(select(AuditEntry.act)).all() == ["test.leave"]


def test_a_writer_undoes_a_transaction_as_a_whole_and_flushes_one_that_ends(database: Database) -> None:
    writer = database.writer()
    with writer.write() as session:
        session.add(AuditEntry(at=NOW, actor="test", act="test.kept", kind="test", ref=1))
    with pytest.raises(RuntimeError), writer.write() as session:
        note(session, NOW, "test", "test.undone", "test", 1)
        session.flush()
        raise RuntimeError
    writer.close()
    with database.read() as session:
        assert session.scalars(select(AuditEntry.act)).all() == ["test.kept"]


def test_a_bare_database_has_no_table(bare_url: str) -> None:
    database = Database(bare_url)
    assert inspect(database.write_engine).get_table_names() == []
    database.close()


def test_a_writer_knows_whether_it_was_alone(database: Database) -> None:
    """An attempt that was undone has a number on PostgreSQL too; whoever is not certain is not alone."""
    writer = database.writer()

    def alone(act: str = "test.mine") -> bool:
        with writer.write() as session:
            assert database.is_sqlite or not writer.alone()
            note(session, NOW, "test", act, "test", 1)
            session.flush()
            return writer.alone(locked=True)

    first, after_own = alone(), alone()
    with database.write() as session:
        note(session, NOW, "test", "test.theirs", "test", 1)
    after_theirs, after_nothing = alone(), alone()
    with pytest.raises(RuntimeError), database.write() as session:
        note(session, NOW, "test", "test.undone", "test", 1)
        session.flush()
        raise RuntimeError
    after_undone = alone()
    writer.close()
    told = [first, after_own, after_theirs, after_nothing, after_undone]
    assert told == [False, True, False, True, database.is_sqlite]
    with database.read() as session:
        assert set(session.scalars(select(AuditEntry.act))) == {"test.mine", "test.theirs"}


def test_a_writer_is_not_alone_with_a_transaction_that_has_not_ended() -> None:
    """PostgreSQL: it may be committed at any moment."""
    with cluster(durable=False) as server:
        database = Database(server.url("postgres"))
        with database.write() as session:
            session.execute(text("CREATE TABLE things (name TEXT)"))
        writer = database.writer()

        def alone() -> bool:
            with writer.write() as session:
                session.execute(text("INSERT INTO things VALUES ('mine')"))
                return writer.alone(locked=True)

        before = [alone(), alone()]
        with database.write() as session:
            session.execute(text("INSERT INTO things VALUES ('theirs')"))
            during = [alone(), alone()]
        after = [alone(), alone()]
        writer.close()
        database.close()
    assert before + during + after == [False, True, False, False, False, True]


def test_who_waits_to_write_gets_a_turn_between_the_transactions_of_another(database: Database) -> None:
    """SQLite's own waits grow to 100 ms, and may miss every gap."""
    begun = threading.Event()

    def again_and_again() -> None:
        for _ in range(20):
            with database.write() as session:
                note(session, NOW, "test", "test.busy", "test", 1)
                session.flush()
                begun.set()
                time.sleep(0.1)
            time.sleep(0.02)

    thread = threading.Thread(target=again_and_again)
    thread.start()
    begun.wait()
    with database.write() as session:
        note(session, NOW, "test", "test.patient", "test", 1)
    with database.read() as session:
        written = session.scalars(select(AuditEntry.act)).all()
    thread.join()
    assert "test.patient" in written and written.count("test.busy") < 20


def test_a_durable_server_keeps_fsync_and_the_product_accepts_it() -> None:
    with cluster(durable=True) as server:
        database = Database(server.url("postgres"))
        database.check()
        with database.read() as session:
            assert session.execute(text("SHOW fsync")).scalar_one() == "on"
        database.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends a server with its starter")
def test_the_server_ends_when_its_starter_is_killed() -> None:
    """A test run that is killed leaves no server behind."""
    program = """
import time
from tests.postgres import cluster
with cluster(durable=False) as server:
    print(server.folder, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        folder = starter.stdout.readline().strip()
        psycopg.connect(host=folder, user="postgres", dbname="postgres").close()
        os.kill(starter.pid, signal.SIGKILL)
    assert _stops_answering(folder)
    subprocess.run(["rm", "-rf", folder], check=True)


def _stops_answering(folder: str) -> bool:
    for _ in range(500):
        try:
            psycopg.connect(host=folder, user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            return True
        time.sleep(0.02)
    return False
