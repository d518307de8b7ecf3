"""What every table of the domain shares: ids, instants and the declarative base.

Rules: ids are time-sorted 63-bit integers inside and a prefix with 13 Crockford base32 characters outside;
times are integer UTC microseconds in columns that end in `_at`, aware datetimes in Python.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    ColumnElement,
    MetaData,
    Subquery,
    Text,
    bindparam,
    cast,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator, TypeEngine

from .errors import BadId, said

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 2020-01-01: 41 bits of milliseconds after it last until 2089 and keep the sign bit free on both databases.
ID_EPOCH_MS = 1_577_836_800_000
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in CROCKFORD for second in CROCKFORD]
_SHIFTS = range(50, -1, -10)
CROCKFORD_VALUES = {letter: value for value, letter in enumerate(CROCKFORD)}
COUNTS = 1 << 22  # ids in one millisecond
BLOCK_MAX = 4096

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def micros(at: datetime) -> int:
    """An aware datetime as integer UTC microseconds; a naive one is a ValueError."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return (at - EPOCH) // timedelta(microseconds=1)


def instant(value: int) -> datetime:
    """Integer UTC microseconds as an aware datetime."""
    return EPOCH + timedelta(microseconds=value)


class Instant(TypeDecorator[datetime]):
    """UTC microseconds in a BIGINT; aware datetimes in Python. SQLite's own text type drops the offset."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else instant(value)


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Ids:
    """Hands out increasing ids: 41 bits of milliseconds, 22 that count from a place drawn anew each millisecond.

    A number of each process's own would be short: two that drew the same would clash until one is started again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._renew()

    def _renew(self) -> None:
        self._pid = os.getpid()
        self._last_ms = 0
        self._next = 0

    def block(self, count: int) -> int:
        """The first of `count` consecutive ids, at most 4,096."""
        if not 1 <= count <= BLOCK_MAX:
            raise ValueError(f"a block holds 1 to {BLOCK_MAX} ids, not {count}")
        with self._lock:
            if os.getpid() != self._pid:  # a fork must not go on where its parent does
                self._renew()
            ms = max(time.time_ns() // 1_000_000 - ID_EPOCH_MS, self._last_ms)
            if ms > self._last_ms:
                self._begin(ms)
            elif self._next + count > COUNTS:
                self._begin(ms + 1)
            first = (self._last_ms << 22) | self._next
            self._next += count
            return first

    def _begin(self, ms: int) -> None:
        self._last_ms, self._next = ms, secrets.randbelow(COUNTS // 2)


ids = Ids()


def new_id() -> int:
    """One new id."""
    return ids.block(1)


def public_id(prefix: str, number: int) -> str:
    """The id people and programs see: `stk_01ABC…`, 13 base32 characters."""
    pairs = "".join([_PAIRS[(number >> shift) & 1023] for shift in _SHIFTS])
    return f"{prefix}_{CROCKFORD[number >> 60 & 31]}{pairs}"


def parse_id(prefix: str, text: str) -> int:
    """The number inside a public id of this prefix; anything else is BadId."""
    head, _, tail = text.partition("_")
    if head != prefix or len(tail) != 13 or any(letter not in CROCKFORD_VALUES for letter in tail):
        raise BadId(said("{text} is not an id of the form {prefix}_…", text=repr(text[:40]), prefix=prefix))
    number = 0
    for letter in tail:
        number = number << 5 | CROCKFORD_VALUES[letter]
    if number >= 1 << 63:
        raise BadId(said("{text} is not an id of the form {prefix}_…", text=repr(text[:40]), prefix=prefix))
    return number


class Base(DeclarativeBase):
    """The declarative base of every table."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        datetime: Instant,
        int: BigInteger,
        str: Text,
        dict[str, Any]: Json,
        list[str]: Json,
        list[dict[str, Any]]: Json,
    }


class Row:
    """A table with an id of its own."""

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=new_id)


class Edited(Row):
    """A row that people edit: its `version` is the ETag and is compared in the UPDATE."""

    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    def touch(self, now: datetime) -> None:
        """Say that the row was edited."""
        self.updated_at = now
        self.version += 1


class json_rows(GenericFunction[Any]):
    """The elements of a JSON list, one a row, in a column `value`."""

    inherit_cache = True


class json_values(json_rows):
    """The same, where each is a plain value."""

    inherit_cache = True


class json_pairs(GenericFunction[Any]):
    """The values of a JSON object with their names, one a row, in columns `key` and `value`."""

    inherit_cache = True


@compiles(json_rows, "sqlite")
@compiles(json_values, "sqlite")
@compiles(json_pairs, "sqlite")
def _by_json_each(element: json_rows, compiler: Any, **more: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **more)})"


@compiles(json_rows, "postgresql")
def _by_json_array(element: json_rows, compiler: Any, **more: Any) -> str:
    return f"jsonb_array_elements(CAST({compiler.process(element.clauses, **more)} AS JSONB))"


@compiles(json_values, "postgresql")
def _by_plain_array(element: json_values, compiler: Any, **more: Any) -> str:
    return f"jsonb_array_elements_text(CAST({compiler.process(element.clauses, **more)} AS JSONB))"


@compiles(json_pairs, "postgresql")
def _by_object(element: json_pairs, compiler: Any, **more: Any) -> str:
    return f"jsonb_each_text(CAST({compiler.process(element.clauses, **more)} AS JSONB))"


def given(parameter: str, **columns: type[TypeEngine[Any]] | TypeEngine[Any]) -> Subquery:
    """Rows that a statement is told in one parameter, a JSON list of lists with a place for each column.

    So a statement about many rows is written and compiled once, whatever their number.
    """
    each = json_rows(bindparam(parameter, type_=Text)).table_valued("value", name=f"{parameter}_each")
    told = (
        cast(each.c.value.op("->>")(literal_column(str(place))), kind).label(name)
        for place, (name, kind) in enumerate(columns.items())
    )
    return select(*told).subquery(parameter)


def listed(parameter: str, kind: type[TypeEngine[Any]]) -> Subquery:
    """The same for one column, `one`, in a JSON list of plain values: SQLite reads it in a third of the time."""
    each = json_values(bindparam(parameter, type_=Text)).table_valued("value", name=f"{parameter}_each")
    return select(cast(each.c.value, kind).label("one")).subquery(parameter)


def keyed(parameter: str, kind: type[TypeEngine[Any]]) -> Subquery:
    """The same for one value, `one`, to each `id`, in a JSON object: quicker than lists."""
    each = json_pairs(bindparam(parameter, type_=Text)).table_valued("key", "value", name=f"{parameter}_each")
    told = cast(each.c.key, BigInteger).label("id"), cast(each.c.value, kind).label("one")
    return select(*told).subquery(parameter)


def constant(word: str) -> ColumnElement[str]:
    """A word of ours in the statement's own text: as a parameter it keeps SQLite from seeing what stays as it is."""
    if not word.isidentifier():
        raise ValueError("only a plain word can stand in a statement")
    return literal_column(f"'{word}'", Text)


class db_clock(GenericFunction[Any]):
    """The database's own clock in a statement, in microseconds."""

    type = Instant()
    inherit_cache = True


@compiles(db_clock, "sqlite")
def _clock_of_sqlite(element: db_clock, compiler: Any, **more: Any) -> str:
    return "dolen_now_us()"


@compiles(db_clock, "postgresql")
def _clock_of_postgresql(element: db_clock, compiler: Any, **more: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"


def db_in(after_us: int | BindParameter[int]) -> ColumnElement[datetime]:
    """The instant so many microseconds from now by the database's own clock, for leases: worker clocks may disagree."""
    return type_coerce(type_coerce(db_clock(), BigInteger) + after_us, Instant)


def db_now(session: Session) -> datetime:
    """What the database's own clock says."""
    at: datetime = session.execute(select(db_clock())).scalar_one()
    return at
