"""Tests of typed fields: what each type takes, and that a type never changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaigns.errors import AlreadyDone, BadField
from campaigns.stakeholders import fields, people

TYPES = {"town": "text", "age": "number", "born": "date", "size": "choice", "likes": "multi", "deaf": "bool"}
CHOICES = {"size": ["Small", "Large"], "likes": ["Tea", "Coffi"]}


@pytest.fixture
def defined(session: Session, now: datetime) -> Session:
    for name, type in TYPES.items():
        fields.define(session, now, name, type, CHOICES.get(name, ()))
    return session


def test_values_are_kept_as_shown_and_as_compared(defined: Session, now: datetime) -> None:
    """A16."""
    attrs = {
        "town": "BANGOR\nGwynedd",
        "age": 2.0,
        "born": "1990-02-28",
        "size": "Large",
        "likes": ["Tea"],
        "deaf": False,
    }
    person = people.create(defined, now, kind="person", name="Ann", attrs=attrs)
    defined.expire(person)
    assert person.attrs == attrs
    assert isinstance(person.attrs["age"], int)
    assert person.attrs_fold == {"town": "bangor\ngwynedd", "size": "large", "likes": ["tea"]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("town", 7), ("town", ""), ("town", "a\x00"), ("age", "7"), ("age", True), ("age", float("nan")),
        ("age", float("inf")), ("age", 2**64), ("age", 0.1 + 0.2), ("age", "١٢٣"), ("age", 1e-30),
        ("born", "28/02/1990"),
        ("born", "1990-02-30"), ("born", "19900228"), ("born", 7), ("born", "2026-W01-1"), ("size", "large"),
        ("size", ["Large"]), ("likes", "Tea"), ("likes", ["Milk"]), ("likes", [{}]),
        ("deaf", 1), ("deaf", "yes"), ("shoe", 1),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_with_its_place(defined: Session, name: str, value: Any) -> None:
    """R5, R7, R8."""
    with pytest.raises(BadField) as refused:
        fields.check(defined, {name: value})
    assert refused.value.pointer == f"/attrs/{name}"


def test_a_type_never_changes(defined: Session, now: datetime) -> None:
    assert fields.define(defined, now, "town", "text").type == "text"
    for type, choices in (("number", ()), ("choice", ["a"])):
        with pytest.raises(AlreadyDone):
            fields.define(defined, now, "town", type, choices)


@pytest.mark.parametrize(
    ("name", "type", "choices"),
    [
        ("Town", "text", ()), ("a.b", "text", ()), ("$", "text", ()), ("", "text", ()),
        ("x" * 64, "text", ()),
        ("town", "json", ()), ("town", "text", ["a"]), ("size", "choice", ()), ("size", "choice", ["a", "A"]),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_is_refused(
    session: Session, now: datetime, name: str, type: str, choices: list[str]
) -> None:
    with pytest.raises(BadField):
        fields.define(session, now, name, type, choices)
