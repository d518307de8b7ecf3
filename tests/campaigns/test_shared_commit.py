"""One commit for many: everybody gets his own answer, after the commit; nobody fails for another's sake."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import event, select
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
