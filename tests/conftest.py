"""Fixtures every test may use: both databases, a session, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from campaigns import tables
from campaigns.database import Database

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    """A Monday morning that every test agrees on."""
    return NOW


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database with every table."""
    database = Database(f"sqlite:///{tmp_path}/dolen.db")
    tables.metadata.create_all(database.write_engine)
    yield database
    database.close()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A write session, rolled back at the end."""
    with database.sessions() as session:
        yield session
