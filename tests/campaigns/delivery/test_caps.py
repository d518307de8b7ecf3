"""Nobody gets more from a programme than it allows itself, whatever the channel; and what is needed goes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from campaigns.database import Database
from campaigns.delivery import release
from campaigns.errors import BadField
from campaigns.messages.tables import Message
from campaigns.strategies import policies, programmes
from connectors.api import Uncertain

from .test_wishes import again, topic
from .world import BLIND, World

NEWS: dict[str, Any] = {"purpose": "survey"}


def capped(world: World, messages: int, days: int, programme_id: int | None = None) -> None:
    with world.database.write() as session:
        policies.set_own(
            session, world.time, programme_id or world.programme_id, languages=[], formats=False, by="user:ann",
            cap=(messages, days),
        )  # fmt: skip


def test_at_most_so_many_in_so_many_days(database: Database, now: datetime) -> None:
    """E8: of all topics together; the row says why, and after the days the next one goes."""
    world = World(database, now)
    walks, buses = topic(world, "Walks"), topic(world, "Buses")
    capped(world, 2, 7)
    first = world.message(["ann"], topic_id=walks, **NEWS)
    world.run()
    sent = [first]
    for days, topic_id in ((1, buses), (1, walks), (1, None), (5, buses)):
        world.later(days=days)
        sent.append(again(world, first, topic_id=topic_id))
        world.run()
    cap = "excluded:frequency_cap"
    assert [world.states(one)["ann"] for one in sent] == ["sent", "sent", cap, cap, "sent"]


def test_a_cap_of_one_a_week_lets_a_weekly_letter_through_each_week(
    database: Database, now: datetime
) -> None:
    """E8: also where one goes out a little earlier after its time than the one before."""
    world = World(database, now)
    capped(world, 1, 7)
    world.message(["ann"], timing={"rule": "FREQ=WEEKLY"}, **NEWS)
    world.later(seconds=30)
    world.run()
    world.later(days=7, seconds=-30)
    world.run()
    assert len(world.wire.accepted) == 2


def test_each_time_of_a_message_that_recurs_counts(database: Database, now: datetime) -> None:
    """E8, C12"""
    world = World(database, now)
    capped(world, 2, 7)
    first = world.message(["ann"], timing={"rule": "FREQ=DAILY"}, **NEWS)
    world.run()
    for _ in range(24):
        world.later(hours=6)
        world.run()
    assert world.wire.accepted == ["ann@example.org"] * 2
    other = again(world, first)
    world.run()
    assert world.states(other) == {"ann": "excluded:frequency_cap"}


def test_all_channels_count_together(database: Database, now: datetime) -> None:
    """E8."""
    world = World(database, now)
    capped(world, 1, 7)
    first = world.message(["ann"], **NEWS)
    world.run()
    with database.write() as session:
        session.connection().exec_driver_sql("UPDATE deliveries SET channel = 'post'")
    second = again(world, first)
    world.run()
    assert world.states(second) == {"ann": "excluded:frequency_cap"}


@pytest.mark.parametrize("values", [{"lane": "urgent"}, {"purpose": "service"}, {"kind": "answer"}])
def test_what_is_needed_goes_beyond_the_cap_and_does_not_use_it(
    database: Database, now: datetime, values: dict[str, Any]
) -> None:
    """E8: exemption for what is critical."""
    world = World(database, now)
    capped(world, 1, 7)
    first = world.message(["ann"], purpose="service")
    second = again(world, first)
    world.run()
    third = again(world, first, **values)
    world.run()
    assert [world.states(one)["ann"] for one in (first, second, third)] == ["sent"] * 3


def test_two_at_the_same_moment_do_not_both_pass(database: Database, now: datetime) -> None:
    world = World(database, now)
    capped(world, 1, 7)
    first = world.message(["ann"], **NEWS)
    second = again(world, first)
    world.run()
    assert sorted(world.states(one)["ann"] for one in (first, second)) == ["excluded:frequency_cap", "sent"]


def test_what_may_have_gone_counts(database: Database, now: datetime) -> None:
    world = World(database, now, BLIND)
    capped(world, 1, 7)

    def lost(_outbound: object) -> None:
        raise Uncertain("dropped")

    world.wire.answers = {"ann@example.org": lost}
    first = world.message(["ann"], **NEWS)
    world.run()
    world.wire.answers = {}
    second = again(world, first)
    world.run()
    assert world.states(second) == {"ann": "excluded:frequency_cap"}


def test_the_rehearsal_says_who_has_had_enough(database: Database, now: datetime) -> None:
    """Rule 14: as of the day it goes."""
    world = World(database, now)
    capped(world, 1, 7)
    first = world.message(["ann", "ben"], **NEWS)
    world.run()
    soon, later = (again(world, first, at=now + timedelta(days=days)) for days in (6, 8))
    with database.read() as session:
        rows = {
            one: release.rehearse(session, session.get_one(Message, one), world.time) for one in (soon, later)
        }
    assert [row["reason"] for row in rows[soon]] == ["frequency_cap"] * 2
    assert [row["reason"] for row in rows[later]] == [None] * 2


def test_a_cap_holds_for_everything_below_its_programme_and_for_nothing_beside_it(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    with database.write() as session:
        top = programmes.create(session, now, name="Top", starts_on=date(2026, 1, 1)).id
        below = programmes.create(session, now, name="Below", starts_on=date(2026, 1, 1), parent_id=top).id
        assert programmes.under(session, top) == {top, below}
    capped(world, 1, 7, top)
    capped(world, 5, 30, below)
    with database.read() as session:
        assert [(cap.messages, cap.days) for cap in policies.of(session, below).caps] == [(5, 30), (1, 7)]
        assert len(policies.caps(session, below)) == 2 and policies.caps(session, world.programme_id) == []
    first = world.message(["ann"], **NEWS)
    second = again(world, first)
    third = again(world, first)
    with database.write() as session:
        session.get_one(Message, second).programme_id = below
        session.get_one(Message, third).programme_id = top
    world.run()
    found = [world.states(one)["ann"] for one in (first, second, third)]
    assert found[0] == "sent" and sorted(found[1:]) == ["excluded:frequency_cap", "sent"]


def test_the_pack_for_wales_keeps_the_cap(database: Database, now: datetime) -> None:
    world = World(database, now)
    capped(world, 3, 7)
    with database.write() as session:
        programme = programmes.get(session, world.programme_id)
        made = policies.adopt_wales(session, now, programme, "user:ann")
        assert (made.cap_messages, made.cap_days) == (3, 7)


@pytest.mark.parametrize("cap", [(0, 7), (3, 0), (3, 367), (1001, 7), (-1, 7)])
def test_a_cap_that_cannot_be_is_refused(database: Database, now: datetime, cap: tuple[int, int]) -> None:
    world = World(database, now)
    with pytest.raises(BadField) as refused:
        capped(world, *cap)
    assert refused.value.pointer == f"/cap_{'messages' if not 1 <= cap[0] <= 1000 else 'days'}"
    with database.read() as session:
        assert policies.caps(session, world.programme_id) == []
