"""Tests of programmes: the horizon, the tree, assurance, and what every installation starts with."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.errors import BadField, Conflict, NotFound
from campaigns.strategies import programmes, strategies
from campaigns.strategies.tables import Programme, Strategy


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "expected"),
    [
        (date(2026, 1, 1), None, "programme"),
        (date(2026, 1, 1), date(2026, 12, 30), "plan"),
        (date(2026, 1, 1), date(2026, 12, 31), "campaign"),
        (date(2026, 1, 1), date(2028, 12, 30), "campaign"),
        (date(2026, 1, 1), date(2028, 12, 31), "programme"),
        (date(2024, 2, 29), date(2025, 2, 27), "plan"),
        (date(2024, 2, 29), date(2025, 2, 28), "campaign"),
        (date(2024, 2, 29), date(2027, 2, 28), "programme"),
        (date(2026, 1, 1), date(2026, 1, 1), "plan"),
    ],
)
def test_the_horizon_follows_from_the_dates(starts_on: date, ends_on: date | None, expected: str) -> None:
    """B1"""
    assert programmes.horizon(Programme(name="x", starts_on=starts_on, ends_on=ends_on)) == expected


def test_general_is_made_once_with_an_agreed_everyday_communication(
    database: Database, now: datetime
) -> None:
    """SM13"""
    for _ in range(2):
        with database.write() as session:
            found = programmes.general(session, now)
            assert (found.name, found.assurance, found.builtin) == ("General", "light", True)
            version = strategies.everyday(session, found.id, now)
            assert strategies.is_agreed(session, version)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Programme)) == 1
        assert session.scalar(select(func.count()).select_from(Strategy)) == 1


def test_a_child_lies_within_its_parent(session: Session, now: datetime) -> None:
    parent = programmes.create(session, now, name="P", starts_on=date(2026, 1, 1), ends_on=date(2028, 12, 31))
    within: dict[str, Any] = {"name": "C", "parent_id": parent.id}
    child = programmes.create(session, now, starts_on=date(2026, 1, 1), ends_on=date(2026, 6, 30), **within)
    assert programmes.lineage(session, child.id) == [child.id, parent.id]
    for starts_on, ends_on, pointer in (
        (date(2025, 12, 31), date(2026, 6, 30), "/starts_on"),
        (date(2026, 1, 1), date(2029, 1, 1), "/ends_on"),
        (date(2026, 1, 1), None, "/ends_on"),
    ):
        with pytest.raises(BadField) as outside:
            programmes.create(session, now, starts_on=starts_on, ends_on=ends_on, **within)
        assert outside.value.pointer == pointer
    with pytest.raises(Conflict):
        programmes.change(session, now, parent, starts_on=date(2026, 2, 1))


def test_the_tree_has_no_loop_and_an_end_lies_after_its_start(session: Session, now: datetime) -> None:
    above = programmes.create(session, now, name="A", starts_on=date(2026, 1, 1))
    below = programmes.create(session, now, name="B", starts_on=date(2026, 1, 1), parent_id=above.id)
    for programme, values in (
        (above, {"parent_id": below.id}),
        (above, {"parent_id": above.id}),
        (above, {"parent_id": 5}),
        (above, {"assurance": "light"}),
        (below, {"ends_on": date(2025, 1, 1)}),
        (below, {"name": " "}),
    ):
        with pytest.raises(BadField):
            programmes.change(session, now, programme, **values)
    with pytest.raises(NotFound):
        programmes.get(session, 5)


def test_lowering_the_assurance_needs_a_reason_and_raising_it_none(session: Session, now: datetime) -> None:
    programme = programmes.general(session, now)
    version = programme.version
    programmes.set_assurance(session, now, programme, "agreed")
    assert (programme.assurance, programme.version) == ("agreed", version + 1)
    with pytest.raises(BadField) as refused:
        programmes.set_assurance(session, now, programme, "light", "  ")
    assert refused.value.pointer == "/reason"
    programmes.set_assurance(session, now, programme, "light", "Only one of us is left")
    assert programme.assurance == "light"
    with pytest.raises(BadField):
        programmes.set_assurance(session, now, programme, "strict")


def test_what_stands_below_is_never_checked_less_because_something_above_was_raised(
    session: Session, now: datetime
) -> None:
    def made(name: str, parent: Programme | None, level: str) -> Programme:
        return programmes.create(
            session,
            now,
            name=name,
            starts_on=date(2026, 1, 1),
            parent_id=parent.id if parent else None,
            assurance=level,
        )

    top = made("Top", None, "light")
    child = made("Child", top, "light")
    strict = made("Strict", top, "agreed")
    below = made("Below the strict one", strict, "light")
    beside = made("Beside", None, "light")
    risen = programmes.set_assurance(session, now, top, "reviewed")
    assert {(one.name, before) for one, before in risen} == {(child.name, "light"), (below.name, "light")}
    levels = [one.assurance for one in (top, child, strict, below, beside)]
    assert levels == ["reviewed", "reviewed", "agreed", "reviewed", "light"]
    assert programmes.set_assurance(session, now, top, "light", "only one of us is left") == []
    assert (child.assurance, child.version) == ("reviewed", 2)


def test_every_level_is_said_in_words() -> None:
    assert set(programmes.LEVEL_WORDS) == {"light", "reviewed", "agreed"}
