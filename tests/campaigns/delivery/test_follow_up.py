"""Follow-ups: a message after another one, to those who did or did not do something about it, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from campaigns.base import new_id
from campaigns.database import Database
from campaigns.delivery import control, follow_up
from campaigns.delivery.tables import DeliveryEvent
from campaigns.errors import BadField
from campaigns.messages import approval, messages, timing
from campaigns.messages.tables import Message

from .world import World

NAMES = ["ann", "bo", "cai"]
WEEK = timedelta(days=7)


def after(world: World, message_id: int, asks: str = "not_answered", **more: Any) -> int:
    """A message that follows another one up after a week."""
    asked = {"after_id": message_id, "asks": asks, "after_s": int(WEEK.total_seconds())}
    return world.message([], at=None, zone=None, timing=asked, **more)


def did(
    world: World, message_id: int, name: str, kind: str, verdict: str | None = "person", **meta: Any
) -> None:
    """Somebody did something about a message."""
    row = next(one for one in world.rows(message_id) if one.address_key.startswith(name))
    with world.database.write() as session:
        session.add(
            DeliveryEvent(
                delivery_id=row.id,
                stakeholder_id=row.stakeholder_id,
                kind=kind,
                at=world.time,
                account_id=world.account_id,
                event_key=str(new_id()),
                verdict=verdict if kind == "clicked" else None,
                meta=meta,
            )  # fmt: skip
        )


def live(world: World, **span: float) -> None:
    """Let time pass, with everything the clock does."""
    world.later(**span)
    with world.database.write() as session:
        follow_up.plan(session, world.time)
    world.run()


@pytest.mark.parametrize(
    ("asks", "kind", "goes_to"),
    [
        ("not_answered", "replied", ["bo", "cai"]),
        ("answered", "replied", ["ann"]),
        ("not_clicked", "clicked", ["bo", "cai"]),
        ("clicked", "clicked", ["ann"]),
    ],
)
def test_it_goes_to_those_who_did_what_is_asked(
    database: Database, now: datetime, asks: str, kind: str, goes_to: list[str]
) -> None:
    """E14"""
    world = World(database, now)
    first = world.message(NAMES)
    second = after(world, first, asks)
    live(world, minutes=1)
    did(world, first, "ann", kind)
    if kind == "clicked":  # a scanner presses links before anybody reads
        did(world, first, "bo", kind, "machine")
        did(world, first, "bo", kind, "unsure")
    world.wire.accepted.clear()
    live(world, days=6)
    assert not world.wire.accepted
    live(world, days=1)
    assert world.wire.accepted == [f"{name}@example.org" for name in goes_to]
    assert world.state(second) == "finished"
    if asks.startswith("not_"):
        assert world.states(second)["ann"] == "excluded:answered"


@pytest.mark.parametrize(("asks", "goes_to"), [("not_clicked", ["bo", "cai"]), ("clicked", ["ann"])])
def test_a_press_from_before_presses_were_judged_counts_as_it_did(
    database: Database, now: datetime, asks: str, goes_to: list[str]
) -> None:
    """F34: the step of the upgrade rewrites no row, and a reminder planned before it goes to nobody who had pressed."""
    world = World(database, now)
    first = world.message(NAMES)
    after(world, first, asks)
    live(world, minutes=1)
    did(world, first, "ann", "clicked", None)
    did(world, first, "bo", "clicked", None, machine=True)
    did(world, first, "cai", "opened", None)
    world.wire.accepted.clear()
    live(world, days=7)
    assert world.wire.accepted == [f"{name}@example.org" for name in goes_to]


def test_whoever_answers_until_the_moment_it_would_go_is_left_out(database: Database, now: datetime) -> None:
    """E14"""
    world = World(database, now)
    first = world.message(NAMES)
    second = after(world, first)
    live(world, minutes=1)
    live(world, days=6, hours=23, minutes=55)
    assert world.states(second) == dict.fromkeys(NAMES, "queued")
    did(world, first, "bo", "replied")
    live(world, minutes=10)
    assert world.states(second) == {"ann": "sent", "bo": "excluded:answered", "cai": "sent"}


def test_who_did_not_get_the_first_gets_no_second_and_nobody_gets_it_twice(
    database: Database, now: datetime
) -> None:
    """E14"""
    world = World(database, now)
    first = world.message(NAMES)
    second = after(world, first)
    with database.write() as session:
        control.cancel(session, now, session.get_one(Message, world.message(["dai"])))
    for _ in range(30):
        live(world, days=1)
    assert sorted(world.wire.accepted) == sorted(f"{name}@example.org" for name in NAMES * 2)
    assert set(world.states(second)) == set(NAMES)


def test_a_sequence_runs_from_one_to_the_next(database: Database, now: datetime) -> None:
    """E14"""
    world = World(database, now)
    first = world.message(["ann"])
    second = after(world, first)
    third = after(world, second)
    for _ in range(20):
        live(world, days=1)
    assert len(world.wire.accepted) == 3
    assert [world.state(one) for one in (first, second, third)] == ["finished"] * 3


def test_messages_never_follow_each_other_in_a_ring_and_have_no_time_of_their_own(
    database: Database, now: datetime
) -> None:
    """E14"""
    world = World(database, now)
    first = world.message(["ann"], at=None, zone=None)
    second = after(world, first)
    with database.write() as session:
        message = session.get_one(Message, first)
        for ring in (first, second):
            with pytest.raises(BadField, match="for ever"):
                timing.choose(session, message, {"after_id": ring})
            session.expire_all()
    with pytest.raises(BadField, match="leave its own time out"):
        world.message(["bo"], timing={"after_id": second})
    with database.write() as session, pytest.raises(BadField, match="asks is one of"):
        timing.choose(session, session.get_one(Message, second), {"asks": "nothing"})


def test_what_it_follows_and_what_it_asks_is_part_of_what_is_approved(
    database: Database, now: datetime
) -> None:
    """B5"""
    world = World(database, now)
    first = world.message(["ann"])
    second = after(world, first)
    with database.write() as session:
        message = session.get_one(Message, second)
        before = approval.digest(session, message)
        messages.edit(session, now, message, timing={"asks": "clicked"})
        assert approval.digest(session, message) != before
