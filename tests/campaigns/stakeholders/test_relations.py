"""Relations between stakeholders, and the map of them on any day."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaigns.errors import BadField
from campaigns.responses import merges
from campaigns.stakeholders import people, relations
from campaigns.stakeholders.tables import Relation

MAY, JUNE, JULY = (date(2026, month, 1) for month in (5, 6, 7))


def person(session: Session, now: datetime, name: str, kind: str = "person") -> int:
    return people.create(session, now, kind=kind, name=name).id


def relate(session: Session, now: datetime, one: int, other: int, **more: Any) -> Relation:
    usual: dict[str, Any] = {
        "type": "advises", "both_ways": False, "from_on": None, "to_on": None, "source": "annual report", "note": "",
        "by": "user:ann",
    }  # fmt: skip
    return relations.create(session, now, one, other, **{**usual, **more})


def everybody(ids: Collection[int]) -> set[int]:
    return set(ids)


def lines(graph: relations.Graph) -> set[tuple[int, int, str]]:
    return {(one.from_id, one.to_id, one.type) for one in graph.edges}


def test_the_map_on_a_day_has_what_lasted_on_that_day(session: Session, now: datetime) -> None:
    """A3: both days of a relation are inside it; a membership is a line as well."""
    ann, ben, trust = (
        person(session, now, "Ann"),
        person(session, now, "Ben"),
        person(session, now, "Trust", "group"),
    )
    relate(session, now, ann, ben, from_on=MAY, to_on=JUNE)
    people.join(session, ann, trust, role="chair", from_on=JUNE)
    told = {
        day: lines(relations.graph(session, day, ann, 1, everybody))
        for day in (date(2026, 4, 30), MAY, JUNE, JULY)
    }
    assert list(told.values()) == [
        set(),
        {(ann, ben, "advises")},
        {(ann, ben, "advises"), (ann, trust, "member")},
        {(ann, trust, "member")},
    ]
    shown = relations.graph(session, JUNE, ben, 2, everybody)
    assert [one.name for one in shown.nodes] == ["Ann", "Ben", "Trust"]
    assert lines(relations.graph(session, JUNE, ben, 1, everybody)) == {(ann, ben, "advises")}


def test_whom_nobody_may_see_is_not_on_the_map_nor_whoever_is_behind_them(
    session: Session, now: datetime
) -> None:
    ann, ben, cai = (person(session, now, name) for name in ("Ann", "Ben", "Cai"))
    relate(session, now, ann, ben)
    relate(session, now, ben, cai)
    shown = relations.graph(session, MAY, ann, 3, lambda ids: set(ids) - {ben})
    assert ([one.id for one in shown.nodes], shown.edges) == ([ann], [])


def test_merged_records_are_one_on_the_map(session: Session, now: datetime) -> None:
    ann, anne, ben = (person(session, now, name) for name in ("Ann", "Anne", "Ben"))
    relate(session, now, ann, ben)
    relate(session, now, ben, anne, type="funds")
    relate(session, now, ann, anne, type="family")
    merges.merge(session, now, ann, anne, take={"name": "kept"}, reason="", by="user:cai")
    shown = relations.graph(session, MAY, ben, 2, everybody)
    assert lines(shown) == {(ann, ben, "advises"), (ben, ann, "funds")}
    assert [one.id for one in shown.nodes] == [ann, ben]
    assert len(relations.of(session, ann)) == 3 == len(relations.of(session, anne))


def test_a_relation_ends_on_a_day_and_can_be_taken_back(session: Session, now: datetime) -> None:
    ann, ben = person(session, now, "Ann"), person(session, now, "Ben")
    made = relate(session, now, ann, ben, from_on=MAY)
    assert relations.end(session, made, JUNE).to_on == JUNE
    with pytest.raises(BadField):
        relations.end(session, made, date(2026, 4, 30))
    relations.remove(session, made)
    assert relations.of(session, ben) == []


@pytest.mark.parametrize(
    ("more", "pointer"),
    [({"type": "owns"}, "/type"), ({"from_on": JUNE, "to_on": MAY}, "/to_on"), ({"source": ""}, "/source")],
)
def test_what_cannot_be_is_refused(
    session: Session, now: datetime, more: dict[str, Any], pointer: str
) -> None:
    ann, ben = person(session, now, "Ann"), person(session, now, "Ben")
    with pytest.raises(BadField) as refused:
        relate(session, now, ann, ben, **more)
    assert refused.value.pointer == pointer


def test_nobody_has_a_relation_to_themselves(session: Session, now: datetime) -> None:
    ann = person(session, now, "Ann")
    with pytest.raises(BadField):
        relate(session, now, ann, ann)
