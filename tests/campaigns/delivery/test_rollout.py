"""Roll-out: a part goes first, the rest later, and not at all where the first part went badly."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.base import new_id
from campaigns.database import Database
from campaigns.delivery import release, rollout
from campaigns.delivery.tables import DeliveryEvent, Rollout
from campaigns.errors import AlreadyDone, BadField, NotFound
from campaigns.messages import approval, messages, timing
from campaigns.messages.tables import Message, Occurrence, Timing
from connectors.api import AddressGone, Deferred, Outbound

from .world import World

MANY = [f"p{n:03}" for n in range(60)]
TENTH: dict[str, Any] = {"first_share": 20, "then_s": 3600}


def decide(world: World) -> int:
    with world.database.write() as session:
        return rollout.decide(session, world.time)


def written(world: World) -> Rollout:
    with world.database.read() as session:
        return session.scalars(select(Rollout)).one()


def occurrence(world: World, message_id: int) -> int:
    with world.database.read() as session:
        return session.scalars(select(Occurrence.id).where(Occurrence.message_id == message_id)).one()


def first_of(world: World, message_id: int, now: datetime) -> list[str]:
    return [row.address_key for row in world.rows(message_id) if row.due_at == now]


def gone(_outbound: Outbound) -> None:
    raise AddressGone("no such user", code="5.1.1")


def busy(_outbound: Outbound) -> None:
    raise Deferred("busy")


def bounces(world: World, message_id: int, now: datetime) -> None:
    """Two of the first part have addresses that do not work."""
    for name in first_of(world, message_id, now)[:2]:
        world.wire.answers[name] = gone


def test_a_part_goes_first_and_the_rest_later(database: Database, now: datetime) -> None:
    """E10"""
    world = World(database, now)
    message_id = world.message(MANY, timing=TENTH)
    world.tick()
    first = first_of(world, message_id, now)
    assert 3 <= len(first) <= 24
    assert {row.due_at for row in world.rows(message_id)} == {now, now + timedelta(hours=1)}
    world.run()
    assert sorted(world.wire.accepted) == sorted(first) and world.state(message_id) == "sending"
    assert decide(world) == 0
    world.later(hours=1)
    assert decide(world) == 1
    world.run()
    assert len(world.wire.accepted) == len(MANY) and world.state(message_id) == "finished"
    told = written(world)
    assert (told.done, told.tried, told.bounced, told.decided_at) == ("going", len(first), 0, world.time)


def test_it_stops_by_itself_where_too_many_of_the_first_bounced_and_the_numbers_are_written_down(
    database: Database, now: datetime
) -> None:
    """E10"""
    world = World(database, now)
    message_id = world.message(MANY, timing=TENTH)
    world.tick()
    first = first_of(world, message_id, now)
    bounces(world, message_id, now)
    world.run()
    world.later(hours=1)
    decide(world)
    world.run()
    assert len(world.wire.accepted) == len(first) - 2 and world.state(message_id) == "held"
    with database.read() as session:
        (held,) = session.get_one(Message, message_id).held_by
    assert held["kind"] == rollout.KIND and "2 bounced" in str(held["detail"])
    told = written(world)
    assert (told.done, told.bounced, told.tried) == ("stopped", 2, len(first))


def test_even_without_a_clock_nothing_of_the_rest_goes(database: Database, now: datetime) -> None:
    """E10"""
    world = World(database, now)
    message_id = world.message(MANY, timing=TENTH)
    world.tick()
    bounces(world, message_id, now)
    world.run()
    world.later(hours=2)
    world.run()
    assert world.state(message_id) == "held" and written(world).done is None


def test_the_rest_waits_from_when_the_first_part_really_began(database: Database, now: datetime) -> None:
    """E10: nobody was there to send until the rest was due too."""
    world = World(database, now)
    message_id = world.message(MANY, timing=TENTH)
    world.tick()
    first = first_of(world, message_id, now)
    world.later(hours=30)
    assert decide(world) == 0
    world.run()
    assert sorted(world.wire.accepted) == sorted(first) and decide(world) == 0
    world.later(minutes=59)
    world.run()
    assert len(world.wire.accepted) == len(first) and decide(world) == 0
    world.later(minutes=1)
    assert decide(world) == 1
    world.run()
    assert len(world.wire.accepted) == len(MANY) and world.state(message_id) == "finished"


def test_a_late_message_whose_first_part_goes_badly_stops_too(database: Database, now: datetime) -> None:
    """E10"""
    world = World(database, now)
    message_id = world.message(MANY, timing=TENTH)
    world.tick()
    first = first_of(world, message_id, now)
    bounces(world, message_id, now)
    world.later(hours=30)
    world.run()
    world.later(hours=1)
    decide(world)
    world.run()
    assert world.state(message_id) == "held" and set(world.wire.accepted) < set(first)


def test_the_first_bounce_of_a_part_that_may_have_some_stops_nothing(
    database: Database, now: datetime
) -> None:
    """E10: what is allowed is measured by the whole part, until it is done."""
    world = World(database, now)
    message_id = world.message(MANY, timing=TENTH | {"bounced_pm": 400})
    world.tick()
    first = first_of(world, message_id, now)
    world.wire.answers[first[0]] = gone
    rest = {name: busy for name in first[1:]}
    world.wire.answers |= rest
    world.run()
    assert world.state(message_id) == "sending"
    for name in rest:
        del world.wire.answers[name]
    for minutes in (30, 30):
        world.later(minutes=minutes)
        world.run()
    assert decide(world) == 1
    world.run()
    assert len(world.wire.accepted) == len(MANY) - 1 and world.state(message_id) == "finished"


def test_a_person_lets_the_rest_go_all_the_same_once(database: Database, now: datetime) -> None:
    """E10"""
    world = World(database, now)
    message_id = world.message(MANY, timing=TENTH)
    world.tick()
    bounces(world, message_id, now)
    world.run()
    world.later(hours=1)
    decide(world)
    number = occurrence(world, message_id)
    with database.write() as session:
        message = session.get_one(Message, message_id)
        rollout.overrule(session, world.time, message, number, by="user:ann")
        with pytest.raises(AlreadyDone):
            rollout.overrule(session, world.time, message, number, by="user:bo")
        with pytest.raises(NotFound):
            rollout.overrule(session, world.time, message, 1, by="user:bo")
    world.run()
    assert len(world.wire.accepted) == len(MANY) - 2 and world.state(message_id) == "finished"
    assert written(world).overruled_by == "user:ann"


def test_complaints_stop_it_too(database: Database, now: datetime) -> None:
    """E10"""
    world = World(database, now)
    message_id = world.message(MANY, timing=TENTH)
    world.run()
    sent = next(row for row in world.rows(message_id) if row.state == "sent")
    with database.write() as session:
        session.add(
            DeliveryEvent(
                delivery_id=sent.id,
                stakeholder_id=sent.stakeholder_id,
                kind="complained",
                at=now,
                account_id=world.account_id,
                event_key=str(new_id()),
            )  # fmt: skip
        )
    world.later(hours=1)
    decide(world)
    world.run()
    assert world.state(message_id) == "held" and written(world).complained == 1


def test_who_goes_first_is_the_same_at_every_look(database: Database, now: datetime) -> None:
    """E10, E11"""
    world = World(database, now)
    message_id = world.message(MANY, timing=TENTH)
    with database.write() as session:
        told = release.rehearse(session, session.get_one(Message, message_id), now)
    world.tick()
    assert {row["address_key"]: row["due_at"] for row in told} == {
        row.address_key: row.due_at for row in world.rows(message_id)
    }


def test_how_it_is_rolled_out_is_part_of_what_is_approved_and_checked(
    database: Database, now: datetime
) -> None:
    """B5"""
    world = World(database, now)
    message_id = world.message(["ann"], at=now + timedelta(days=1))
    with database.write() as session:
        message = session.get_one(Message, message_id)
        before = approval.digest(session, message)
        messages.edit(session, now, message, timing=TENTH)
        assert approval.digest(session, message) != before
        with pytest.raises(BadField, match="from 1 to 99"):
            timing.choose(session, message, {"first_share": 100})


def test_the_share_is_about_what_was_asked_for() -> None:
    chosen = Timing(message_id=7, first_share=10, then_s=60)
    first = sum(not rollout.delay(chosen, new_id()) for _ in range(5_000))
    assert 400 < first < 600
