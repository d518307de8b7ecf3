"""Fixtures every test may use: both databases, a session, and a clock that stands still.

Rules: a test that takes `database` or `session` runs once on SQLite and once on PostgreSQL; each run has a
database of its own, made from a template. `--databases sqlite` leaves PostgreSQL out for a quick look.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

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
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that has every table."""
    path = tmp_path_factory.mktemp("template") / "dolen.db"
    _create_tables(f"sqlite:///{path}")
    return path


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database with every table."""
    if database_kind == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "dolen.db")
        yield f"sqlite:///{tmp_path}/dolen.db"
    else:
        server: Cluster = request.getfixturevalue("postgres")
        name = f"test_{next(numbers)}"
        yield server.create(name, TEMPLATE)
        server.drop(name)


@pytest.fixture
def bare_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table, for migrations and first starts."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path}/bare.db"
    else:
        server: Cluster = request.getfixturevalue("postgres")
        name = f"test_{next(numbers)}"
        yield server.create(name)
        server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database with every table, on SQLite and on PostgreSQL."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A write session, rolled back at the end."""
    with database.sessions() as session:
        yield session


def _create_tables(url: str) -> None:
    database = Database(url)
    tables.metadata.create_all(database.write_engine)
    database.close()
