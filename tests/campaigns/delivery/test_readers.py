"""How long an answer about somebody holds: until anybody else has committed anything, and no longer than a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from sqlalchemy import event

from campaigns.database import Database
from campaigns.delivery import control, readers, send
from campaigns.delivery.backoff import Pace
from campaigns.messages.tables import Message
from campaigns.stakeholders import consent
from connectors.api import AddressGone, Outbound

from .world import World

NAMES = [f"p{number:02}" for number in range(12)]


@contextmanager
def asked(database: Database) -> Iterator[list[str]]:
    """The statements by which suppressions are asked about."""
    found: list[str] = []

    def look(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith("SELECT suppressions."):
            found.append(statement)

    event.listen(database.write_engine, "before_cursor_execute", look)
    yield found
    event.remove(database.write_engine, "before_cursor_execute", look)


def test_nobody_is_asked_about_twice_while_nobody_changes_anything(database: Database, now: datetime) -> None:
    world = World(database, now)
    message_id = world.message(NAMES)
    world.tick()
    with asked(database) as statements:
        send.work(world.desk(pace=Pace(wave_max=2)))
    assert set(world.states(message_id).values()) == {"sent"}
    # PostgreSQL: at the first wave, and at the second, when it has turned out that nobody does.
    assert len(statements) == 1 if database.is_sqlite else 2 <= len(statements) <= 4


def test_an_address_that_is_suppressed_between_two_waves_is_left_out_of_the_second(
    database: Database, now: datetime
) -> None:
    world = World(database, now)

    def suppresses(_outbound: Outbound) -> None:
        with database.write() as session:
            consent.suppress(
                session, now, channel="email", reason="hard_bounce", origin="recipient",
                address_key="p11@example.org",
            )  # fmt: skip

    world.wire.answers = {"p00@example.org": suppresses}
    message_id = world.message(NAMES)
    world.tick()
    send.work(world.desk(pace=Pace(wave_max=1)))
    assert world.states(message_id)["p11"] == "excluded:suppressed"
    assert len(world.wire.accepted) == 11


@pytest.mark.parametrize("what", ["a bounce", "time"])
def test_people_are_asked_about_again(database: Database, now: datetime, what: str) -> None:
    world = World(database, now)

    def bounces(_outbound: Outbound) -> None:
        raise AddressGone("no such mailbox")

    def takes_long(_outbound: Outbound) -> None:
        world.later(seconds=readers.AGAIN.total_seconds())

    world.wire.answers = {"p00@example.org": bounces if what == "a bounce" else takes_long}
    message_id = world.message(NAMES)
    world.tick()
    with asked(database) as statements:
        send.work(world.desk(pace=Pace(wave_max=4)))
    assert list(world.states(message_id).values()).count("sent") == (11 if what == "a bounce" else 12)
    assert len(statements) >= 2


def test_a_pause_between_two_waves_stops_the_second(database: Database, now: datetime) -> None:
    """What is `still` as it was is not asked again; what is not is."""
    world = World(database, now)
    message_id = world.message(NAMES)

    def pauses(_outbound: Outbound) -> None:
        with database.write() as session:
            control.pause(session, now, session.get_one(Message, message_id))

    world.wire.answers = {"p00@example.org": pauses}
    world.tick()
    send.work(world.desk(pace=Pace(wave_max=1)))
    assert len(world.wire.accepted) < 12 and "queued" in world.states(message_id).values()
