"""What people chose is honoured on the very next send, and never stops what they need to know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.database import Database
from campaigns.delivery import release
from campaigns.messages.tables import Message
from campaigns.stakeholders import addresses, consent, topics
from campaigns.stakeholders.tables import Address

from .world import World

NEWS: dict[str, Any] = {"purpose": "survey"}


def topic(world: World, name: str) -> int:
    with world.database.write() as session:
        return topics.create(session, world.time, programme_id=None, names={"en": name}).id


def choose(world: World, name: str, topic_id: int, frequency: str, **more: Any) -> None:
    with world.database.write() as session:
        (person,) = addresses.holders(session, "email", f"{name}@example.org")
        topics.choose(
            session, world.time, person, topic_id, "email", frequency=frequency, source="preferences",
            actor="recipient", **more,
        )  # fmt: skip


def again(world: World, message_id: int, **values: Any) -> int:
    """Another message to the same people."""
    with world.database.read() as session:
        held = session.query(Address).order_by(Address.id)
        recipients = [(one.stakeholder_id, one.id) for one in held]
    return world.message([], **{**NEWS, "recipients": recipients, "at": world.time, **values})


def test_a_topic_nobody_wants_leaves_out_those_who_said_so(database: Database, now: datetime) -> None:
    """A13."""
    world = World(database, now)
    walks, buses = topic(world, "Walks"), topic(world, "Buses")
    later = now + timedelta(hours=1)
    first = world.message(["ann", "ben"], topic_id=walks, at=later, **NEWS)
    world.tick()
    choose(world, "ann", walks, "none")  # after it was released: the gate asks again
    world.later(hours=1)
    world.run()
    assert world.states(first) == {"ann": "excluded:topic_opt_out", "ben": "sent"}
    second = again(world, first, topic_id=buses)
    world.run()
    assert world.states(second) == {"ann": "sent", "ben": "sent"}


def test_a_weekly_choice_lets_one_of_a_topic_through_in_seven_days(database: Database, now: datetime) -> None:
    world = World(database, now)
    walks, buses = topic(world, "Walks"), topic(world, "Buses")
    first = world.message(["ann"], topic_id=walks, **NEWS)
    choose(world, "ann", walks, "weekly")
    world.run()
    world.later(days=6)
    second, other = again(world, first, topic_id=walks), again(world, first, topic_id=buses)
    world.run()
    world.later(days=2)
    third = again(world, first, topic_id=walks)
    world.run()
    states = [world.states(one)["ann"] for one in (first, second, other, third)]
    assert states == ["sent", "excluded:frequency_cap", "sent", "sent"]


@pytest.mark.parametrize(
    ("rule", "frequency", "start", "days"),
    [
        ("FREQ=WEEKLY", "weekly", datetime(2027, 3, 17, 9, tzinfo=UTC), 14),  # the clocks go on in between
        ("FREQ=MONTHLY", "monthly", datetime(2027, 2, 1, 9, tzinfo=UTC), 28),
    ],
)
def test_one_a_week_or_month_lets_each_letter_of_the_week_or_month_through(
    database: Database, rule: str, frequency: str, start: datetime, days: int
) -> None:
    """A13: also where one goes out a little earlier after its time than the one before."""
    world = World(database, start)
    walks = topic(world, "Walks")
    wall: dict[str, Any] = {"at": None, "wall": f"{start:%Y-%m-%d}T09:00:00", "zone": "Europe/London"}
    world.message(["ann"], topic_id=walks, timing={"rule": rule}, **wall, **NEWS)
    choose(world, "ann", walks, frequency)
    world.later(seconds=30)
    world.run()
    world.later(seconds=-30)
    for _ in range(days):
        world.later(days=1)
        world.run()
    assert len(world.wire.accepted) == {"weekly": 3, "monthly": 2}[frequency]


def test_a_weekly_choice_holds_for_the_times_of_a_message_that_recurs(
    database: Database, now: datetime
) -> None:
    """A13, C12: its earlier times count, and the rehearsal of the next one says so; a retry of one does not."""
    world = World(database, now)
    walks = topic(world, "Walks")
    daily = world.message(["ann", "ben"], topic_id=walks, timing={"rule": "FREQ=DAILY"}, **NEWS)
    choose(world, "ann", walks, "weekly")
    world.run()
    with database.read() as session:
        rows = release.rehearse(session, session.get_one(Message, daily), now)
        assert [row["reason"] for row in rows] == ["frequency_cap", None]
    for _ in range(28):
        world.later(hours=6)
        world.run()
    assert [world.wire.accepted.count(f"{name}@example.org") for name in ("ann", "ben")] == [2, 8]


def test_two_messages_of_one_topic_at_the_same_moment_do_not_both_go(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    walks = topic(world, "Walks")
    first = world.message(["ann"], topic_id=walks, **NEWS)
    choose(world, "ann", walks, "monthly")
    second = again(world, first, topic_id=walks)
    world.run()
    assert sorted([world.states(first)["ann"], world.states(second)["ann"]]) == [
        "excluded:frequency_cap",
        "sent",
    ]


def test_a_pause_ends_by_itself_and_is_asked_of_the_day_it_goes(database: Database, now: datetime) -> None:
    world = World(database, now)
    first = world.message(["ann"], at=now + timedelta(days=9), **NEWS)
    choose(world, "ann", topics.EVERYTHING, "all", pause_until=now + timedelta(days=7))
    with database.read() as session:
        rows = release.rehearse(session, session.get_one(Message, first), now)
    assert [row["reason"] for row in rows] == [None]
    second = again(world, first)
    world.run()
    assert world.states(second) == {"ann": "excluded:person_paused"}
    world.later(days=9)
    world.run()
    assert world.states(first) == {"ann": "sent"}


def test_what_is_over_when_their_own_time_comes_leaves_nobody_out(database: Database, now: datetime) -> None:
    """A13, E10: a pause and a suppression until tomorrow, and a part that gets it the day after."""
    world = World(database, now)
    names = [f"p{number:02}" for number in range(20)]
    timing = {"first_share": 50, "then_s": 2 * 86_400}
    message_id = world.message(names, at=now + timedelta(minutes=5), timing=timing, **NEWS)
    tomorrow = now + timedelta(days=1)
    for name in names[:10]:
        choose(world, name, topics.EVERYTHING, "all", pause_until=tomorrow)
    with database.write() as session:
        for name in names[10:]:
            consent.suppress(
                session, now, channel="email", reason="no_contact", origin="admin", until_at=tomorrow,
                address_key=f"{name}@example.org",
            )  # fmt: skip
    world.tick()
    rows = world.rows(message_id)
    assert {(row.state, row.due_at > tomorrow) for row in rows} == {("excluded", False), ("queued", True)}


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"purpose": "service"}, "sent"),
        ({"purpose": "survey", "kind": "answer"}, "sent"),
        ({"purpose": "survey"}, "excluded:topic_opt_out"),
    ],
)
def test_an_answer_and_what_they_need_to_know_goes_whatever_they_chose(
    database: Database, now: datetime, values: dict[str, Any], state: str
) -> None:
    """gates.md, "Purposes and answers"."""
    world = World(database, now)
    first = world.message(["ann"], at=now + timedelta(days=30))
    choose(world, "ann", topics.EVERYTHING, "none")
    second = again(world, first, **values)
    world.run()
    assert world.states(second) == {"ann": state}


def test_a_service_message_with_a_topic_was_offered_as_a_choice(database: Database, now: datetime) -> None:
    world = World(database, now)
    walks = topic(world, "Walks")
    first = world.message(["ann"], at=now + timedelta(days=30))
    choose(world, "ann", walks, "none")
    second = again(world, first, purpose="service", topic_id=walks)
    world.run()
    assert world.states(second) == {"ann": "excluded:topic_opt_out"}
