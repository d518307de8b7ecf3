"""One commit for many: everybody gets his own answer, after the commit; nobody fails for another's sake."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from campaigns.bulk import insert_many
from campaigns.database import Database
from campaigns.delivery.tables import Tally
from campaigns.shared_commit import MOST, SharedCommit

MANY = 3 * MOST


class Bad(Exception):
    """What the work makes of a number that it does not like."""


def keep(session: Session, number: int) -> int:
    """The work of these tests: a row; of negative numbers none, after the row was written."""
    insert_many(session, Tally, ("id", "outcome", "account_id", "number"), [(abs(number), "sent", 1, number)])
    if number < 0:
        raise Bad(number)
    return number * 10


def kept(database: Database) -> set[int]:
    with database.read() as session:
        return set(session.scalars(select(Tally.id)))


class Gate:
    """Callers who come while one is at work, so that they form one group; and a writer who shuts them all out."""

    def __init__(self, path: Path) -> None:
        self.database, self.begun = Database(f"sqlite:///{path}"), 0
        self._other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def answers(self, numbers: Iterable[int], busy_from: int) -> list[str]:
        """What each is told, where the database is busy from this transaction of theirs on."""
        numbers, first, going = list(numbers), threading.Event(), threading.Event()

        def work(session: Session, number: int) -> int:
            if number:
                return keep(session, number)
            first.set()
            going.wait(10)
            return 0

        shared = SharedCommit(self.database, work)

        def begins(*_connection: Any) -> None:
            self.begun += 1
            if self.begun == busy_from:
                self._other.execute("BEGIN IMMEDIATE")

        with ThreadPoolExecutor(len(numbers) + 1) as threads:
            threads.submit(shared.do, 0)
            assert first.wait(10)
            callers = [threads.submit(self._told, shared, number) for number in numbers]
            while len(shared.waiting) < len(numbers):
                threading.Event().wait(0.001)
            event.listen(self.database.write_engine, "checkout", begins)
            going.set()
            return [one.result(60) for one in callers]

    def close(self) -> None:
        self._other.close()
        self.database.close()

    def _told(self, shared: SharedCommit[int, int], number: int) -> str:
        try:
            return str(shared.do(number))
        except Bad:
            return "bad"
        except OperationalError:
            return "busy"


def test_everybody_gets_the_answer_to_his_own_and_what_he_brought_is_committed(database: Database) -> None:
    shared = SharedCommit(database, keep)

    def bring(number: int) -> bool:
        return shared.do(number) == number * 10 and number in kept(database)

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(bring, range(1, MANY)))
    assert kept(database) == set(range(1, MANY))


def test_who_fails_fails_alone_and_leaves_nothing(database: Database) -> None:
    shared = SharedCommit(database, keep)

    def bring(number: int) -> int | None:
        try:
            return shared.do(number)
        except Bad:
            return None

    numbers = [number if number % 7 else -number for number in range(1, MANY)]
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(bring, numbers))
    assert answers == [number * 10 if number > 0 else None for number in numbers]
    assert kept(database) == {number for number in numbers if number > 0}


@pytest.fixture
def gate(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """On SQLite: PostgreSQL has no lock that everybody waits for."""
    monkeypatch.setattr("campaigns.database.BUSY_TIMEOUT_MS", 0)  # nobody waits for a clock
    made = Gate(Path(shutil.copy(sqlite_template, tmp_path / "dolen.db")))
    yield made
    made.close()


def test_a_busy_database_is_told_to_all_who_wait_together(gate: Gate) -> None:
    """A group of ten waits for the lock once, not ten times: providers would long have hung up."""
    assert gate.answers(range(1, 11), busy_from=1) == ["busy"] * 10
    assert gate.begun == 1 and kept(gate.database) == set()


def test_a_database_that_gets_busy_while_each_is_tried_alone_is_waited_for_once(gate: Gate) -> None:
    """One spoils the group, so each is tried alone; the third of those finds the database busy."""
    answers = gate.answers((2, 3, 4, 5, 6, 7, 8, -1), busy_from=4)
    assert gate.begun == 4 and answers.count("busy") == 6
    assert len(kept(gate.database)) == 2 - answers.count("bad")


def test_those_who_wait_share_a_commit(database: Database) -> None:
    """On SQLite: PostgreSQL lets them wait for the disk together by itself."""
    going, come, commits = threading.Event(), threading.Event(), list[str]()

    def slow(session: Session, number: int) -> int:
        if number == 1:
            come.set()
            assert going.wait(10)
        return keep(session, number)

    shared = SharedCommit(database, slow)
    event.listen(database.write_engine, "commit", lambda _connection: commits.append("commit"))
    with ThreadPoolExecutor(16) as threads:
        first = threads.submit(shared.do, 1)
        assert come.wait(10)
        others = [threads.submit(shared.do, number) for number in range(2, 12)]
        while database.is_sqlite and len(shared.waiting) < len(others):
            threading.Event().wait(0.001)
        going.set()
        assert [one.result(10) for one in (first, *others)] == [10 * number for number in range(1, 12)]
    assert len(commits) == (2 if database.is_sqlite else 11)


def test_whose_work_is_committed_waits_for_nobody_elses(database: Database) -> None:
    """Sixteen callers shared a commit two by two: who came again at once got ahead of those whose work was done."""
    come, going = ({number: threading.Event() for number in (1, 6)} for _ in range(2))

    def slow(session: Session, number: int) -> int:
        if number in come:
            come[number].set()
            assert going[number].wait(10)
        return keep(session, number)

    shared = SharedCommit(database, slow)
    with ThreadPoolExecutor(16) as threads:
        first = threads.submit(shared.do, 1)
        assert come[1].wait(10)
        busy = threads.submit(lambda: [shared.do(number) for number in (2, 6)])
        while database.is_sqlite and not shared.waiting:
            threading.Event().wait(0.001)
        others = [threads.submit(shared.do, number) for number in (3, 4, 5)]
        while database.is_sqlite and len(shared.waiting) < 4:
            threading.Event().wait(0.001)
        going[1].set()
        assert come[6].wait(10)
        assert [one.result(10) for one in (first, *others)] == [10, 30, 40, 50]
        going[6].set()
        assert busy.result(10) == [20, 60]
