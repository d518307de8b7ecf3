"""Statements that are asked for every wave: put into words once for each database, and told plain values.

Rules: values go in and come out as the database itself keeps them: an instant is a number of microseconds. To compare a
statement with those that were compiled before costs more than most of these cost the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import ClauseElement, Connection, CursorResult
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session


class Prepared:
    """One statement without lists of its own (`in_` of values): whatever their number, they are told as JSON."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._written: dict[str, tuple[str, tuple[str, ...] | None, Mapping[str, Any]]] = {}

    def run(self, session: Session, **told: Any) -> CursorResult[*tuple[Any, ...]]:
        """Execute it in the transaction of `session`, past its objects."""
        connection = connection_of(session)
        dialect = connection.dialect
        words, places, usual = self._written.get(dialect.name) or self._write(dialect)
        values = {**usual, **told} if usual else told
        return connection.exec_driver_sql(
            words, tuple([values[name] for name in places]) if places else values
        )

    def _write(self, dialect: Dialect) -> tuple[str, tuple[str, ...] | None, Mapping[str, Any]]:
        compiled: Any = self._statement.compile(dialect=dialect)
        places = tuple(compiled.positiontup) if compiled.positional else None
        usual = {name: value for name, value in compiled.params.items() if value is not None}
        written = self._written[dialect.name] = str(compiled), places, usual
        return written


def connection_of(session: Session) -> Connection:
    """What a session talks to its database by; of one that was given a connection, that is cheaper to know."""
    bind = session.get_bind()
    return bind if isinstance(bind, Connection) else session.connection()


def told(values: Any) -> str:
    """Plain values in one parameter, as `given`, `listed` and `keyed` read them."""
    return orjson.dumps(values).decode()
