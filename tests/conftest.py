"""Fixtures every test may use: both databases, a session, and a clock that stands still.

Rules: a test that takes `database` or `session` runs once on SQLite and once on PostgreSQL; each run has a
database of its own, made from a template. `--databases sqlite` leaves PostgreSQL out for a quick look.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest
from sqlalchemy.orm import Session

import service.tables  # noqa: F401  its tables join those of the domain
from campaigns import tables
from campaigns.database import Database

from .postgres import Cluster, cluster

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DATABASES = ("sqlite", "postgresql")
TEMPLATE = "dolen_template"
MEMORY_MIN = 1 << 30
numbers = itertools.count()

# A slow machine is no failure; an example that failed can be repeated from what is printed.
hypothesis.settings.register_profile("dolen", deadline=None, print_blob=True)
hypothesis.settings.load_profile("dolen")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--databases sqlite`, `--databases postgresql` or, by default, both."""
    parser.addoption("--databases", default=",".join(DATABASES), help="which databases to test, with commas")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that touches a database runs once on each."""
    if "database_kind" in metafunc.fixturenames:
        kinds = metafunc.config.getoption("--databases").split(",")
        if unknown := set(kinds) - set(DATABASES):
            raise pytest.UsageError(f"--databases takes {' and '.join(DATABASES)}, not {', '.join(unknown)}")
        metafunc.parametrize("database_kind", kinds)


@pytest.fixture
def now() -> datetime:
    """A Monday morning that every test agrees on."""
    return NOW


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """One PostgreSQL server per test process, with a template that has every table."""
    with cluster(durable=False) as running:
        _create_tables(running.create(TEMPLATE))
        yield running


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A folder in memory where there is room: files flush there in no time, which halves the SQLite tests."""
    shared = Path("/dev/shm")
    roomy = os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > MEMORY_MIN
    with TemporaryDirectory(prefix="dolen-", dir=shared if roomy else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def sqlite_template(memory: Path) -> Path:
    """A SQLite file that has every table."""
    path = memory / "template.db"
    _create_tables(f"sqlite:///{path}")
    return path


@pytest.fixture
def bare_url(database_kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database without any table, for migrations and first starts."""
    with _database(database_kind, request, full=False) as url:
        yield url


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database with every table."""
    with _database(database_kind, request, full=True) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database with every table, on SQLite and on PostgreSQL."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def kept_databases() -> Iterator[dict[str, Database]]:
    """The databases that many tests share, by kind."""
    kept: dict[str, Database] = {}
    yield kept
    for database in kept.values():
        database.close()


@pytest.fixture
def shared_database(
    database_kind: str,
    kept_databases: dict[str, Database],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Database:
    """One database for many tests, for those that bring a programme of their own: SQL is compiled once for all."""
    if database_kind not in kept_databases:
        if database_kind == "sqlite":
            path = tmp_path_factory.mktemp("shared") / "dolen.db"
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            url = f"sqlite:///{path}"
        else:
            url = request.getfixturevalue("postgres").create("shared", TEMPLATE)
        kept_databases[database_kind] = Database(url)
    return kept_databases[database_kind]


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A write session, rolled back at the end."""
    with database.sessions() as session:
        yield session


@contextmanager
def _database(kind: str, request: pytest.FixtureRequest, *, full: bool) -> Iterator[str]:
    if kind == "sqlite":
        with TemporaryDirectory(dir=request.getfixturevalue("memory")) as folder:
            if full:
                shutil.copy(request.getfixturevalue("sqlite_template"), f"{folder}/dolen.db")
            yield f"sqlite:///{folder}/dolen.db"
    else:
        server: Cluster = request.getfixturevalue("postgres")
        name = f"test_{next(numbers)}"
        yield server.create(name, TEMPLATE if full else "template1")
        server.drop(name)


def _create_tables(url: str) -> None:
    database = Database(url)
    tables.metadata.create_all(database.write_engine)
    database.close()
