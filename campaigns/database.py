"""Engines for both databases, set up so that what is committed stays committed.

Rules: SQLite writes go through one engine with BEGIN IMMEDIATE and synchronous=FULL; reads through another
that takes no lock. PostgreSQL needs synchronous_commit on. Durable or not started.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError, DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from .plain import plain

BUSY_TIMEOUT_MS = 5000
# Who waits for another writer looks again so often. SQLite's own waits grow to 100 ms, and then it finds no gap between
# the transactions of one who writes without end.
TURN_S = 0.001
WRITE = "BEGIN IMMEDIATE"
CHANNEL = "dolen_work"
# How long a waiting worker does not notice that SQLite's file has changed.
LOOK_S = 0.02
# What PostgreSQL takes a row that is found by its key to cost, beside one in a row of many. Its own 4 is that of a disk
# with a moving head: it read all of a table of some ten thousand rows to find the 64 of a wave.
RANDOM_PAGE = 1.1


class NotDurable(Exception):
    """The database would forget what it has confirmed."""


class Damaged(Exception):
    """The database's file is not what was written to it."""


def is_full(error: DBAPIError) -> bool:
    """Whether the database refused because its disk is full."""
    code = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    return code in ("SQLITE_FULL", "53100")


def is_busy(error: BaseException | None) -> bool:
    """Whether SQLite refused because another one wrote for longer than anybody waits."""
    code = getattr(error.orig, "sqlite_errorname", None) if isinstance(error, DBAPIError) else None
    return str(code).startswith("SQLITE_BUSY")


class Database:
    """One database as the processes use it: `write()` and `read()` give sessions."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.write_engine = _sqlite(url, WRITE, 2) if self.is_sqlite else _postgresql(url, pool_size)
        self.read_engine = _sqlite(url, "BEGIN", pool_size) if self.is_sqlite else self.write_engine
        self.sessions = sessionmaker(self.write_engine, expire_on_commit=False)
        self._readers = sessionmaker(self.read_engine, expire_on_commit=False)

    def mark(self, **info: Any) -> None:
        """Have every session carry these in its `info`."""
        self.sessions.configure(info=info)
        self._readers.configure(info=info)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session in one transaction: committed at the end, rolled back on any error."""
        with self.sessions.begin() as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads and blocks nobody."""
        with self._readers() as session:
            yield session

    def writer(self) -> Writer:
        """A connection to write with again and again; close it."""
        return Writer(self)

    def check(self) -> None:
        """Raise NotDurable where the database may lose confirmed work."""
        if self.is_sqlite:
            return
        with self.write_engine.connect() as connection:
            if connection.execute(text("SHOW synchronous_commit")).scalar_one() == "off":
                raise NotDurable(
                    "PostgreSQL runs with synchronous_commit=off: set it to on, or work may be lost"
                )

    def check_whole(self) -> None:
        """Raise Damaged where SQLite's file is broken; it is read once from end to end. PostgreSQL looks itself."""
        if not self.is_sqlite:
            return
        try:
            with self.read_engine.connect() as connection:
                found = connection.execute(text("PRAGMA quick_check(1)")).scalar_one()
        except DatabaseError as error:
            found = str(error.orig)
        if found != "ok":
            raise Damaged(
                f"the file of the database is damaged ({found}): stop Dolen and restore the last backup, "
                "as told in docs/configuration.md under Backup and restore"
            )

    def close(self) -> None:
        """Give every connection back."""
        self.write_engine.dispose()
        self.read_engine.dispose()


class Writer:
    """Transactions one after the other on a connection of their own, which knows whether it is alone.

    Rules: one thread at a time uses it. Whoever is not certain is not alone.
    """

    def __init__(self, database: Database) -> None:
        self._sessions, self.is_sqlite = database.sessions, database.is_sqlite
        self._connection = database.write_engine.connect()
        self._seen = -1
        self._told: bool | None = None

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session in one transaction, as `Database.write` gives it."""
        self._told = None
        with self._connection.begin(), self._sessions(bind=self._connection) as session:
            yield session
            session.flush()

    def alone(self, *, locked: bool = False) -> bool:
        """Whether certainly nobody else has committed anything since the transaction that asked this last.

        It holds until this transaction ends: on SQLite for everything, on PostgreSQL for what it has `locked` before.
        """
        if self._told is None and (locked or self.is_sqlite):
            self._told = self._unchanged() if self.is_sqlite else self._newest()
        return bool(self._told)

    def _unchanged(self) -> bool:
        connection: Any = self._connection.connection.driver_connection
        seen, self._seen = self._seen, data_version(connection)
        return self._seen == seen

    def _newest(self) -> bool:
        """Whether this transaction's number follows on that of the last one, and all before either were over then."""
        mine, ended, others = self._connection.execute(_NUMBERS).one()
        only = ended == mine - 1 and not others
        seen, self._seen = self._seen, mine if only else -1
        return bool(only and mine == seen + 1)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()


# Every transaction that writes or locks has a number, in the order in which they began to: our own, the greatest of
# those that are over, and whether any before that is not.
_NUMBERS = text(
    "SELECT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT), "
    "CAST(CAST(pg_snapshot_xmax(now_) AS TEXT) AS BIGINT) - 1, EXISTS (SELECT pg_snapshot_xip(now_)) "
    "FROM pg_current_snapshot() AS now_"
)


def data_version(connection: Any) -> int:
    """A number that changes for this connection to SQLite when another one has committed something."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


class Watch:
    """Waits until there may be something to do: somebody has committed something, or rows were put into a batch.

    Rules: SQLite is asked whether its file has changed, PostgreSQL says so by NOTIFY. One thread uses it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Any = None
        self._seen = -1

    def wait(self, told: threading.Event, longest_s: float) -> None:
        """Return when something has changed, when `told` is set or after so long."""
        if self._connection is None:
            self._connection = self._connected()
        try:
            if not self._database.is_sqlite:
                for _ in self._connection.notifies(timeout=max(longest_s, LOOK_S), stop_after=1):
                    pass
                return
            end = time.monotonic() + longest_s
            while not self._changed() and not told.wait(min(LOOK_S, max(end - time.monotonic(), 0.0))):
                if time.monotonic() >= end:
                    return
        except Exception:
            self._connection = None
            raise

    def close(self) -> None:
        """Give its connection up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> Any:
        """A connection of our own, outside every transaction and pool."""
        borrowed = self._database.read_engine.raw_connection()
        connection: Any = borrowed.driver_connection
        borrowed.detach()
        if not self._database.is_sqlite:
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
        return connection

    def _changed(self) -> bool:
        seen, self._seen = self._seen, data_version(self._connection)
        return seen != self._seen


def lock(session: Session, number: int, *, shared: bool = False) -> None:
    """Until this transaction ends have a lock of this program's own, alone or with others who share it.

    SQLite has one writer at a time, so there is nothing to lock.
    """
    if session.get_bind().dialect.name == "postgresql":
        name = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        session.execute(text(f"SELECT {name}({number})"))


def wake(session: Session) -> None:
    """With the commit of this transaction, wake whoever waits for work. SQLite's file says so by itself."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"NOTIFY {CHANNEL}"))


def _sqlite(url: str, begin: str, pool_size: int) -> Engine:
    engine = create_engine(
        url, pool_size=pool_size, max_overflow=8, connect_args={"check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        connection.create_function("dolen_now_us", 0, lambda: time.time_ns() // 1000)
        connection.create_function("dolen_plain", 1, plain, deterministic=True)
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "mmap_size=0",
            "cache_size=-8000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        if begin == WRITE:
            cursor.execute("PRAGMA busy_timeout=0")  # `_has_turn` waits
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        if begin != WRITE or not _has_turn(connection.connection.driver_connection):
            connection.exec_driver_sql(begin)

    return engine


def _has_turn(connection: sqlite3.Connection) -> bool:
    """Begin to write as soon as nobody else does; False where that never comes, or something else is wrong."""
    end = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while time.monotonic() < end:
        try:
            connection.execute(WRITE)
            return True
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                return False
        time.sleep(TURN_S)
    return False


def _postgresql(url: str, pool_size: int) -> Engine:
    engine = create_engine(url, pool_size=pool_size, max_overflow=8, pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.execute(f"SET random_page_cost = {RANDOM_PAGE}")
        connection.commit()

    return engine
