"""Indexes on declared fields: rules use them, an upgrade makes them again, and only fields that gain have one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from campaigns.errors import BadField, NotFound
from campaigns.stakeholders import fields, indexes, people, segments

PROGRAMME = 7
TYPES = {"town": "text", "age": "number", "born": "date", "size": "choice", "likes": "multi", "deaf": "bool"}
CHOICES = {"size": ["Small"], "likes": ["Tea"]}


@pytest.fixture
def defined(session: Session, now: datetime) -> Session:
    for name, type in TYPES.items():
        fields.define(session, now, name, type, CHOICES.get(name, ()))
    return session


def names(session: Session) -> set[str]:
    """The fields that have an index, as the database itself tells."""
    of_sqlite = session.get_bind().dialect.name == "sqlite"
    asked = "SELECT name FROM sqlite_master" if of_sqlite else "SELECT indexname FROM pg_indexes"
    prefix = "ix_stakeholders_field_"
    return {one.removeprefix(prefix) for one in session.scalars(text(asked)) if one.startswith(prefix)}


def plan(session: Session, now: datetime, rule: dict[str, Any]) -> str:
    """How the database would find them, were a scan of all the people dear."""
    segment = segments.create(session, now, programme_id=PROGRAMME, name="test", rule=rule)
    sql = segments.select_ids(session, segment, now=now).compile(
        session.get_bind(), compile_kwargs={"literal_binds": True}
    )
    explain = "EXPLAIN"
    if session.get_bind().dialect.name == "sqlite":
        explain = "EXPLAIN QUERY PLAN"
    else:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        session.execute(text("SET LOCAL enable_nestloop = off"))
    rows = session.connection().exec_driver_sql(f"{explain} {sql}".replace("%", "%%"))
    return "\n".join(str(row) for row in rows)


@pytest.mark.parametrize(
    "name, value", [("town", "Ŵyl y Bont"), ("age", 41), ("born", "1990-02-01"), ("size", "Small")]
)
def test_a_rule_finds_people_by_the_index_of_its_field(
    defined: Session, now: datetime, name: str, value: Any
) -> None:
    rule = {"field": f"attrs.{name}", "op": "is", "value": value}
    assert f"ix_stakeholders_field_{name}" not in plan(defined, now, rule)
    indexes.declare(defined, name)
    assert f"ix_stakeholders_field_{name}" in plan(defined, now, rule)


def test_whoever_has_another_kind_of_value_does_not_stop_an_index(defined: Session, now: datetime) -> None:
    """A10: one odd value neither breaks nor changes a group."""
    odd: dict[str, dict[str, Any]] = {"Odd": {"age": "old"}, "None": {}, "List": {"age": [41]}}
    for name, attrs in {"Siân": {"age": 41}, **odd}.items():
        made = people.create(defined, now, kind="person", name=name)
        people.involve(defined, now, made.id, PROGRAMME)
        made.attrs, made.attrs_fold = attrs, attrs
    defined.flush()
    indexes.declare(defined, "age")
    rule = {"field": "attrs.age", "op": "ge", "value": 40}
    segment = segments.create(defined, now, programme_id=PROGRAMME, name="old", rule=rule)
    assert [one.name for one in segments.members(defined, segment, now=now)] == ["Siân"]


def test_those_declared_are_made_again_after_an_upgrade(defined: Session) -> None:
    for name in ("town", "age"):
        indexes.declare(defined, name)
        indexes.declare(defined, name)  # twice is once
    indexes.drop(defined.connection())
    assert names(defined) == set()
    indexes.make(defined.connection())
    indexes.make(defined.connection())
    assert names(defined) == {"town", "age"}


@pytest.mark.parametrize("name, error", [("likes", BadField), ("deaf", BadField), ("shoes", NotFound)])
def test_a_field_that_would_gain_nothing_has_none(
    defined: Session, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        indexes.declare(defined, name)
    assert names(defined) == set()
