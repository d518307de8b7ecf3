"""Indexes on custom fields that were declared to be asked for often, so that groups by rule find few among many.

Rules: an index is on the very expression by which a rule reads the field (`facts.read`), or no query would use it.
They are taken away before the tables are changed by an upgrade and made again after it.
Source: docs/decisions/0014.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Index, inspect, select
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateIndex, DropIndex

from ..errors import BadField, NotFound
from . import facts
from .tables import Field, Stakeholder

# Of a list no index says whether something stands in it, and of yes and no it would find half of everybody.
TYPES = ("text", "choice", "number", "date")


def declare(session: Session, name: str) -> None:
    """Have an index on this field from now on; whoever writes people waits until it is made."""
    field = session.scalar(select(Field).where(Field.name == name))
    if field is None:
        raise NotFound("there is no such field")
    if field.type not in TYPES:
        raise BadField("only a text, a choice, a number or a date can have an index", pointer="/name")
    field.indexed = True
    session.flush()
    _make(session.connection(), field.name, field.type)


def make(connection: Connection) -> None:
    """Make those that were declared, where they are not there."""
    for name, kind in _declared(connection):
        _make(connection, name, kind)


def drop(connection: Connection) -> None:
    """Take them away."""
    for name, kind in _declared(connection):
        connection.execute(DropIndex(_index(name, kind), if_exists=True))


def _declared(connection: Connection) -> list[tuple[str, str]]:
    """Name and type; none in a database of before there were any."""
    fields, there = Field.__tablename__, inspect(connection)
    if not there.has_table(fields) or "indexed" not in {one["name"] for one in there.get_columns(fields)}:
        return []
    rows = connection.execute(select(Field.name, Field.type).where(Field.indexed))
    return [(name, kind) for name, kind in rows]


def _make(connection: Connection, name: str, kind: str) -> None:
    connection.execute(CreateIndex(_index(name, kind), if_not_exists=True))


def _index(name: str, kind: str) -> Index:
    people: Any = Stakeholder.__table__
    index = Index(f"ix_stakeholders_field_{name}", facts.read(people.c, name, kind))
    people.indexes.discard(index)  # or new tables would be made with it
    return index
