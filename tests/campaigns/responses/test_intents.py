"""Intention to work with us, and promises: what was said, how we know, and what is still owed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.errors import AlreadyDone, BadField, NotFound
from campaigns.responses import commitments, intents, interactions, record
from campaigns.responses.tables import Interaction
from campaigns.stakeholders import people, segments
from campaigns.stakeholders.tables import Involvement

from .conftest import World


@pytest.fixture
def ann(world: World) -> Involvement:
    return people.involve(world.session, world.now, world.person("Ann").id, world.programme.id)


def met(world: World, relation: Involvement) -> Interaction:
    return interactions.log(
        world.session, world.now, stakeholder_id=relation.stakeholder_id, programme_id=relation.programme_id,
        kind="meeting", at=world.now, by="usr_1", participants="Gwen",
    )  # fmt: skip


def undelivered(world: World) -> int:
    return len(world.session.execute(intents.undelivered()).all())


def inside(world: World, op: str, value: object) -> int:
    rule = {"field": "intent", "op": op, "value": value}
    made = segments.create(world.session, world.now, programme_id=world.programme.id, name="x", rule=rule)
    return segments.count(world.session, made, now=world.now)


def state(world: World, relation: Involvement, intent: str, **said: object) -> None:
    intents.state(world.session, world.now, relation, intent=intent, by="usr_1", **said)  # type: ignore[arg-type]


def test_the_newest_intention_counts_and_segments_know_it(world: World, ann: Involvement) -> None:
    """A5: what nobody has said anything about is unknown."""
    assert inside(world, "is", "unknown") == 1 and inside(world, "is", "exploring") == 0
    state(world, ann, "exploring")
    world.later(hours=1)
    state(world, ann, "committed", contribution="Two clinics")
    assert inside(world, "is", "committed") == 1 and inside(world, "in", ["exploring", "unknown"]) == 0
    assert inside(world, "is_not", "committed") == 0
    history = intents.history(world.session, ann.stakeholder_id, ann.programme_id)
    assert [one.state for one in history] == ["committed", "exploring"]
    assert intents.latest(world.session, ann.stakeholder_id)[ann.programme_id].state == "committed"


def test_commitment_names_what_is_brought_and_evidence_is_on_their_own_record(
    world: World, ann: Involvement
) -> None:
    """A5."""
    for intent in ("committed", "delivering"):
        with pytest.raises(BadField) as refused:
            state(world, ann, intent, contribution=" ")
        assert refused.value.pointer == "/contribution"
    bob = people.involve(world.session, world.now, world.person("Bob").id, world.programme.id)
    with pytest.raises(NotFound):
        state(world, ann, "exploring", interaction_id=met(world, bob).id)
    state(world, ann, "exploring", interaction_id=met(world, ann).id)


def test_committed_and_nothing_delivered_is_a_list(world: World, ann: Involvement) -> None:
    """A5: a promise kept since, or having begun, takes them off it."""
    state(world, ann, "committed", contribution="Two clinics")
    assert undelivered(world) == 1
    world.later(hours=1)
    ours, theirs = (
        commitments.promise(
            world.session, world.now, ann, ours=ours, text="A clinic", due_on=world.now.date(), by="usr_1"
        )
        for ours in (True, False)
    )
    commitments.end(world.session, world.now, ours, outcome="kept", evidence="sent", by="usr_1")
    assert undelivered(world) == 1
    commitments.end(world.session, world.now, theirs, outcome="kept", evidence="was there", by="usr_1")
    assert undelivered(world) == 0
    world.later(hours=1)
    state(world, ann, "committed", contribution="Two more")
    assert undelivered(world) == 1
    world.later(hours=1)
    state(world, ann, "delivering", contribution="Two more")
    assert undelivered(world) == 0


def test_a_promise_ends_once_and_with_evidence(world: World, ann: Involvement) -> None:
    with pytest.raises(BadField):
        commitments.promise(world.session, world.now, ann, ours=True, text="x", due_on=None, by="usr_1")
    made = commitments.promise(
        world.session, world.now, ann, ours=True, text="Send it", due_on=world.now.date(), by="usr_1"
    )
    assert len(world.session.execute(commitments.still_open()).all()) == 1
    with pytest.raises(BadField) as refused:
        commitments.end(world.session, world.now, made, outcome="kept", evidence=" ", by="usr_1")
    assert refused.value.pointer == "/evidence"
    with pytest.raises(BadField):
        commitments.end(world.session, world.now, made, outcome="forgotten", evidence="x", by="usr_1")
    seen = met(world, ann).id
    commitments.end(
        world.session, world.now, made, outcome="dropped", evidence="", evidence_id=seen, by="usr_1"
    )
    assert made.outcome == "dropped" and world.session.execute(commitments.still_open()).all() == []
    with pytest.raises(AlreadyDone):
        commitments.end(world.session, world.now, made, outcome="kept", evidence="x", by="usr_1")


def test_open_promises_come_first_by_their_day(world: World, ann: Involvement) -> None:
    days = (3, 1, 2)
    made = [
        commitments.promise(
            world.session, world.now, ann, ours=True, text=str(day), by="usr_1",
            due_on=world.now.date() + timedelta(days=day),
        )
        for day in days
    ]  # fmt: skip
    commitments.end(world.session, world.now, made[1], outcome="kept", evidence="x", by="usr_1")
    found = commitments.of(world.session, ann.stakeholder_id, ann.programme_id)
    assert [one.text for one in found] == ["2", "3", "1"]


def test_the_record_shows_them_and_one_kind_alone(world: World, ann: Involvement) -> None:
    contact = met(world, ann)
    state(world, ann, "exploring", interaction_id=contact.id)
    commitments.promise(
        world.session, world.now, ann, ours=False, text="A room", due_on=world.now.date(), by="usr_1"
    )
    entries = record.timeline(world.session, ann.stakeholder_id)
    assert {one.kind for one in entries} == {"interaction", "intent", "commitment"}
    [promised] = record.timeline(world.session, ann.stakeholder_id, kinds=["commitment"])
    assert promised.evidence["what"] == "theirs" and promised.evidence["due_on"] == world.now.date()
    [intent] = record.timeline(world.session, ann.stakeholder_id, kinds=["intent"])
    assert intent.evidence["interaction_id"] == contact.id
    assert record.timeline(world.session, ann.stakeholder_id, programme_ids=[]) == []
