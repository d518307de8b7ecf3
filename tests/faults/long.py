"""What takes longer than a change can wait for: `make prove NAME=faults` runs it with the rest."""

from __future__ import annotations

import itertools
import os
import random
import resource
import signal
import threading
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select

from benchmarks.prove_kill import PEOPLE, Campaign
from campaigns.database import Database
from campaigns.delivery.tables import Delivery
from campaigns.messages.tables import Message
from service import upgrade

from ..postgres import Cluster
from . import test_load, test_processes, test_versions
from .test_processes import begun, end, in_flight, nothing_wrong, until


def test_f2_a_clock_killed_around_a_due_time_makes_each_row_once(tmp_path: Path) -> None:
    """F2"""
    with begun(tmp_path, "keyed", "clock") as it:
        for _ in range(3):
            time.sleep(random.uniform(0, 0.4))
            it.processes["clock"].kill()
            it.processes["clock"].wait()
            it.schedule()
            it.start("clock")
        until(lambda: not _planned(it), "every occurrence to be released")
        with it.wiring.database.read() as session:
            rows = Counter(session.scalars(select(Delivery.message_id)))
        assert sorted(rows.values()) == [PEOPLE] * 4


def _planned(it: Campaign) -> bool:
    with it.wiring.database.read() as session:
        whole = select(Delivery.message_id).group_by(Delivery.message_id).having(func.count() == PEOPLE)
        return len(session.scalars(whole).all()) < (
            session.scalar(select(func.count()).select_from(Message)) or 0
        )


def test_f5_with_no_broker_the_tables_alone_say_what_is_to_be_done(tmp_path: Path) -> None:
    """F5: as long as no engine has a broker there is none to kill; every process at once is, and new ones know all."""
    with begun(tmp_path, "keyed", "worker", "clock") as it:
        until(lambda: in_flight(it), "something in flight")
        for name, process in list(it.processes.items()):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            it.start(name)
        assert nothing_wrong(end(it))


def test_f3_a_call_whose_server_was_killed_before_it_had_accepted_is_made_once(tmp_path: Path) -> None:
    """F3"""
    test_processes.test_f3_a_call_whose_server_was_killed_is_made_once_however_often_it_is_repeated(
        tmp_path, "api.before_commit"
    )


def test_f37_a_storm_of_events_in_all_720_orders_ends_alike(sqlite: Database, now: datetime) -> None:
    """F37"""
    test_load.storm(sqlite, now, list(itertools.permutations(test_load.KINDS)))


def test_f39_as_many_callers_as_this_machine_lets_hang_do_not_keep_others_out(tmp_path: Path) -> None:
    """F39: 50,000, or as many as one process here may have open: callers and service have as many each."""
    test_load.hang(tmp_path, min(50_000, _may_be_open(50_000 + BESIDE) - BESIDE))


# Files that a process has open beside its callers, with room to spare.
BESIDE = 200


def _may_be_open(wanted: int) -> int:
    """Let this process, and those that it starts, have so many files open, or as many as the machine allows."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY or hard >= wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))  # some may raise what others may not
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return wanted


@pytest.mark.parametrize("release", test_versions.RELEASES[-1:])
def test_f33_a_step_over_many_rows_keeps_readers_and_writers_waiting_no_longer_than_a_moment(
    postgres: Cluster, release: str
) -> None:
    """F33: a step only adds, so how many rows there are makes no difference to how long it holds them.

    100,000 rows, or as many as ROWS says.
    """
    few, many = 100, int(os.environ.get("ROWS") or 100_000)
    assert _longest_wait_s(postgres, release, many) < _longest_wait_s(postgres, release, few) + 0.2


def _longest_wait_s(server: Cluster, release: str, rows: int) -> float:
    """How long the longest of many reads of the ledger took while the step was run."""
    name = f"live_{rows}"
    database = Database(server.create(name))
    test_versions._of_release(database, release, 10)
    with database.write_engine.begin() as connection:
        connection.exec_driver_sql("SET session_replication_role = replica")
        columns = [
            one["name"]
            for one in inspect(connection).get_columns("deliveries")
            if one["name"] not in ("id", "target")
        ]
        same = ", ".join(f'"{one}"' for one in columns)
        connection.exec_driver_sql(
            f"INSERT INTO deliveries (id, target, {same}) SELECT n, n, {same} FROM generate_series(1, {rows}) n,"
            " (SELECT * FROM deliveries LIMIT 1) one"
        )
    over, waits = threading.Event(), [0.0]

    def read() -> None:
        with server.connect(name) as connection:
            while not over.is_set():
                begun = time.monotonic()
                connection.execute("SELECT state FROM deliveries LIMIT 1")
                waits.append(time.monotonic() - begun)

    reader = threading.Thread(target=read)
    reader.start()
    upgrade.make_tables(database)
    over.set()
    reader.join()
    database.close()
    server.drop(name)
    return max(waits)
