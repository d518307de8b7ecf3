"""Interactions: what people met and said, kept as it was written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from campaigns.errors import AlreadyDone, BadField, NotFound
from campaigns.responses import interactions, record
from campaigns.responses.tables import INTERACTION_KINDS, Interaction

from .conftest import World


def log(world: World, **values: Any) -> Interaction:
    facts: dict[str, Any] = {
        "stakeholder_id": values.pop("stakeholder_id", None) or world.person("Ann").id,
        "programme_id": world.programme.id, "kind": "meeting", "at": world.now, "by": "usr_1",
    }  # fmt: skip
    return interactions.log(world.session, world.now, **facts | values)


@pytest.mark.parametrize("kind", INTERACTION_KINDS)
def test_each_kind_of_contact_can_be_logged_afterwards(world: World, kind: str) -> None:
    """F4."""
    made = log(world, kind=kind, at=world.now - timedelta(days=400), place="Bangor", notes="Line\r\nline")
    assert (made.kind, made.place, made.notes, made.created_at) == (kind, "Bangor", "Line\nline", world.now)


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"kind": "telepathy"}, "/kind"),
        ({"at": datetime(2026, 11, 2, 9)}, "/at"),
        ({"notes": "NUL \0"}, "/notes"),
        ({"place": "half \ud800"}, "/place"),
        ({"notes": "x" * 10_001}, "/notes"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(world: World, values: dict[str, Any], pointer: str) -> None:
    with pytest.raises(BadField) as refused:
        log(world, **values)
    assert refused.value.pointer == pointer


def test_what_has_not_happened_is_not_logged(world: World) -> None:
    with pytest.raises(BadField):
        log(world, at=world.now + timedelta(hours=1))
    assert log(world, at=world.now + timedelta(minutes=1)).at > world.now


@pytest.mark.parametrize("missing", ["stakeholder_id", "programme_id"])
def test_nobody_and_nothing_are_not_found(world: World, missing: str) -> None:
    with pytest.raises(NotFound):
        log(world, **{missing: 1})


def test_a_correction_is_a_new_row_and_both_stay_on_the_record(world: World) -> None:
    """F1, F4."""
    first = log(world, notes="Tuesday", place="Bangor")
    second = interactions.correct(world.session, world.later(days=1), first, by="usr_2", notes="Thursday")
    assert (first.notes, second.notes, second.place) == ("Tuesday", "Thursday", "Bangor")
    assert (second.corrects_id, second.by, second.created_at) == (first.id, "usr_2", world.now)
    assert interactions.corrected_by(world.session, first.id) == second.id
    entries = record.timeline(world.session, first.stakeholder_id)
    assert {entry.id: entry.evidence.get("corrects_id") for entry in entries} == {
        first.id: None, second.id: first.id,
    }  # fmt: skip


def test_an_entry_is_corrected_once_and_then_the_newer_one(world: World) -> None:
    first = log(world)
    second = interactions.correct(world.session, world.now, first, by="usr_2", kind="call")
    with pytest.raises(AlreadyDone):
        interactions.correct(world.session, world.now, first, by="usr_2", kind="letter")
    assert interactions.correct(world.session, world.now, second, by="usr_2", kind="letter").kind == "letter"
