"""Insert rows of Python's values: unless equal ones are there, or very many of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, Column, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.schema import CallableColumnDefault, ScalarElementColumnDefault

from ..base import Base, Instant, micros
from ..bulk import insert_many, insert_new

# How a value is kept, and what stands where none is given.
Kept = tuple[Callable[[Any], Any], Callable[[], Any]]


def insert_missing(session: Session, table: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows; one that breaks a unique constraint is left out. All rows have the same keys."""
    if rows:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def insert_rows(
    session: Session, table: type[Base], rows: Iterable[Mapping[str, Any]], *, missing: bool = False
) -> None:
    """Many rows, keyed as the table's class names its values; what a row lacks is by default. `missing`: as above."""
    columns = _columns(table)
    told = [
        tuple([keep(row[name]) if name in row else default() for name, (keep, default) in columns.items()])
        for row in rows
    ]
    if told:
        (insert_new if missing else insert_many)(session, table, _names(table), told)


@lru_cache
def _columns(table: type[Base]) -> dict[str, Kept]:
    return {
        one.key: (_keeper(column), _default(column))
        for one in inspect(table).column_attrs
        for column in one.columns
        if isinstance(column, Column)
    }


@lru_cache
def _names(table: type[Base]) -> tuple[str, ...]:
    return tuple(str(one.columns[0].name) for one in inspect(table).column_attrs)


def _keeper(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, Instant):
        return lambda value: None if value is None else micros(value)
    if isinstance(column.type, JSON):
        return lambda value: None if value is None else json.dumps(value)
    return lambda value: value


def _default(column: Column[Any]) -> Callable[[], Any]:
    """A value that is always the same is made once."""
    made, keep = column.default, _keeper(column)
    if isinstance(made, CallableColumnDefault):
        make = made.arg
        return lambda: keep(make(None))  # type: ignore[arg-type]
    kept = keep(made.arg) if isinstance(made, ScalarElementColumnDefault) else None
    return lambda: kept
