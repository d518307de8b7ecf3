"""Many new rows at once, by the quickest way that each database has.

Rules: values are what the database itself keeps: an instant is a number of microseconds, JSON is text. The database
alone looks at them, so this is for rows that we have made.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Insert, insert, select, text
from sqlalchemy.orm import Session

from .base import Base, given

# So many rows by one statement cost SQLite two thirds of what they cost one by one; more gain nothing.
TOGETHER = 100


def insert_many(
    session: Session, table: type[Base], columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows whose values stand in the order of `columns`."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(_from_json(table, columns), {"rows": json.dumps(rows)})
        return
    whole = len(rows) - len(rows) % TOGETHER
    for start in range(0, whole, TOGETHER):
        values = tuple(chain.from_iterable(rows[start : start + TOGETHER]))
        connection.exec_driver_sql(_by_place(table, columns, TOGETHER), values)
    if rows[whole:]:
        connection.exec_driver_sql(_by_place(table, columns, 1), list(rows[whole:]))


def insert_new(
    session: Session, table: type[Base], columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> int:
    """Insert, in their order, the rows that break no unique constraint; how many. Values may be bytes."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        statement = _by_place(table, columns, 1, mark="%s", missing=True)
        return connection.exec_driver_sql(statement, list(rows)).rowcount if rows else 0
    new = 0
    for start in range(0, len(rows), TOGETHER):
        some = rows[start : start + TOGETHER]
        statement = _by_place(table, columns, len(some), missing=True)
        new += connection.exec_driver_sql(statement, tuple(chain.from_iterable(some))).rowcount
    return new


def learn(session: Session, *tables: type[Base]) -> None:
    """Have PostgreSQL look at tables that were just filled: by itself it comes within a minute, and until then it reads
    everybody to find five hundred. SQLite plans without."""
    if session.connection().dialect.name == "postgresql":
        session.execute(text(f"ANALYZE {', '.join(table.__tablename__ for table in tables)}"))


@lru_cache
def _from_json(table: type[Base], columns: tuple[str, ...]) -> Insert:
    """The rows in one parameter: with a parameter for each value the driver is busier than the database."""
    told = given("rows", **{name: table.__table__.c[name].type for name in columns})
    return insert(table).from_select(list(columns), select(told))


@lru_cache
def _by_place(
    table: type[Base], columns: tuple[str, ...], count: int, *, mark: str = "?", missing: bool = False
) -> str:
    row = f"({', '.join([mark] * len(columns))})"
    words = f"INSERT INTO {table.__tablename__} ({', '.join(columns)}) VALUES {', '.join([row] * count)}"
    return f"{words} ON CONFLICT DO NOTHING" if missing else words
