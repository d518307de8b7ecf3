"""Relationships: roles with their reasons, owners and deputies, and reviews that cannot be closed empty."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaigns.base import public_id
from campaigns.errors import BadField, NotFound
from campaigns.stakeholders import people, relationships, segments
from campaigns.stakeholders.tables import Involvement, Segment

PROGRAMME = 7


@pytest.fixture
def ann(session: Session, now: datetime) -> Involvement:
    made = people.create(session, now, kind="person", name="Ann")
    return people.involve(session, now, made.id, PROGRAMME)


def members(session: Session, now: datetime, field: str, op: str, value: object) -> int:
    rule = {"field": field, "op": op, "value": value}
    return segments.count(
        session, segments.create(session, now, programme_id=PROGRAMME, name="x", rule=rule), now=now
    )


def test_the_newest_role_counts_and_the_older_ones_stay(
    session: Session, now: datetime, ann: Involvement
) -> None:
    """A4: rationale, author and date; segments can use it."""
    for day, role in enumerate(("critic", "partner")):
        relationships.set_role(
            session, now + timedelta(days=day), ann, role=role, rank="primary", rationale="why", by="usr_1"
        )
    said = relationships.roles(session, ann.stakeholder_id, PROGRAMME)
    assert [(one.role, one.rationale, one.by) for one in said] == [
        ("partner", "why", "usr_1"), ("critic", "why", "usr_1"),
    ]  # fmt: skip
    assert (ann.role, ann.rank) == ("partner", "primary")
    assert members(session, now, "role", "is", "partner") == 1
    assert members(session, now, "role", "in", ["critic", "other"]) == 0
    assert members(session, now, "role", "exists", True) == 1


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [({"role": "boss"}, "/role"), ({"rank": "third"}, "/rank"), ({"rationale": " "}, "/rationale")],
)  # fmt: skip
def test_a_role_that_says_nothing_is_refused(
    session: Session, now: datetime, ann: Involvement, wrong: dict[str, str], pointer: str
) -> None:
    said = {"role": "partner", "rank": "primary", "rationale": "why"} | wrong
    with pytest.raises(BadField) as refused:
        relationships.set_role(session, now, ann, by="usr_1", **said)
    assert refused.value.pointer == pointer and ann.role is None


def test_a_role_brings_its_period_and_never_puts_a_review_off(
    session: Session, now: datetime, ann: Involvement
) -> None:
    """G9."""
    relationships.set_role(session, now, ann, role="partner", rank="primary", rationale="why", by="usr_1")
    assert ann.review_on == now.date() + timedelta(days=91)
    relationships.set_role(session, now, ann, role="target", rank="secondary", rationale="why", by="usr_1")
    assert ann.review_on == now.date() + timedelta(days=91)
    assert relationships.period("partner", "secondary") == timedelta(days=182)


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"findings": ""}, "/findings"),
        ({"decision": " \n"}, "/decision"),
        ({"rating": "fine"}, "/rating"),
        ({"next_on": None}, "/next_on"),
        ({"next_in": 0}, "/next_on"),
        ({"next_in": 4000}, "/next_on"),
    ],
)
def test_a_review_cannot_be_closed_empty(
    session: Session, now: datetime, ann: Involvement, wrong: dict[str, object], pointer: str
) -> None:
    """G9."""
    said = {"findings": "well", "decision": "go on", "rating": "steady", "next_in": 90} | wrong
    days = said.pop("next_in")
    next_on = said.pop("next_on", now.date() + timedelta(days=days))  # type: ignore[arg-type]
    with pytest.raises(BadField) as refused:
        relationships.review(session, now, ann, by="usr_1", next_on=next_on, **said)  # type: ignore[arg-type]
    assert refused.value.pointer == pointer
    assert relationships.reviews(session, ann.stakeholder_id, PROGRAMME) == []


def test_a_review_sets_the_day_of_the_next(session: Session, now: datetime, ann: Involvement) -> None:
    """G9: due and overdue are what the list reads."""
    ann.review_on = now.date()
    session.flush()
    assert [one.Involvement for one in session.execute(relationships.due(now.date()))] == [ann]
    next_on = now.date() + timedelta(days=90)
    relationships.review(
        session, now, ann, findings="well", rating="strong", decision="go on", next_on=next_on, by="usr_1"
    )
    assert session.execute(relationships.due(now.date())).all() == [] and ann.review_on == next_on


def test_who_has_no_owner_is_on_the_list_unless_archived(
    session: Session, now: datetime, ann: Involvement
) -> None:
    """A17."""
    assert [one.Involvement for one in session.execute(relationships.without_owner())] == [ann]
    relationships.set_owners(session, ann, owner_id=5, deputy_id=6)
    assert session.execute(relationships.without_owner()).all() == []
    assert members(session, now, "owner", "is", public_id("usr", 5)) == 1
    assert members(session, now, "owner", "is_not", public_id("usr", 5)) == 0
    assert members(session, now, "owner", "exists", False) == 0
    relationships.set_owners(session, ann, owner_id=None, deputy_id=None)
    people.archive(session, now, people.get(session, ann.stakeholder_id))
    assert session.execute(relationships.without_owner()).all() == []


def test_a_deputy_is_somebody_else_and_stands_in_for_an_owner(session: Session, ann: Involvement) -> None:
    for owner, deputy in ((None, 5), (5, 5)):
        with pytest.raises(BadField):
            relationships.set_owners(session, ann, owner_id=owner, deputy_id=deputy)


def test_whoever_is_not_involved_has_no_relationship(session: Session, ann: Involvement) -> None:
    with pytest.raises(NotFound):
        relationships.get(session, ann.stakeholder_id, PROGRAMME + 1)


def test_overlap_and_holding_agree_with_the_members(
    session: Session, now: datetime, ann: Involvement
) -> None:
    def make(programme: int, rule: dict[str, Any] | None) -> Segment:
        return segments.create(session, now, programme_id=programme, name="x", rule=rule)

    people.involve(session, now, ann.stakeholder_id, 8)
    other = people.create(session, now, kind="group", name="Board")
    people.involve(session, now, other.id, PROGRAMME)
    everyone, persons = (
        make(PROGRAMME, {"all": []}),
        make(PROGRAMME, {"field": "kind", "op": "is", "value": "person"}),
    )
    elsewhere, picked = make(8, {"all": []}), make(PROGRAMME, None)
    segments.pick(session, picked, [other.id])
    assert segments.overlap(session, everyone, persons, now=now) == 1
    assert segments.overlap(session, everyone, elsewhere, now=now) == 1
    assert segments.overlap(session, everyone, picked, now=now) == 1
    assert segments.overlap(session, persons, picked, now=now) == 0
    every = [everyone, persons, elsewhere, picked]
    assert segments.holding(session, every, ann.stakeholder_id, now=now) == [everyone, persons, elsewhere]
    assert segments.holding(session, [], ann.stakeholder_id, now=now) == []
