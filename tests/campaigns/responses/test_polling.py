"""When an account is asked again what came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery import accounts
from campaigns.delivery.tables import Account
from campaigns.responses import polling
from campaigns.responses.tables import RawEvent
from connectors.api import Connector, Polled

from ..delivery.world import World


@pytest.mark.parametrize(("every_s", "after_s"), [(None, polling.PERIOD_S), (600.0, 600.0)])
def test_a_provider_that_counts_the_asking_is_asked_no_oftener_than_it_says(
    database: Database, now: datetime, every_s: float | None, after_s: float
) -> None:
    world, asked = World(database, now), list[datetime]()

    def poll(_cursor: Mapping[str, Any] | None) -> Polled:
        asked.append(world.now())
        return Polled((), {})

    def connect(_session: Session, _account: Account) -> Connector:
        limits = replace(world.connector.limits, poll_every_s=every_s)
        return replace(world.connector, limits=limits, poll=poll)

    with database.write() as session:
        account = session.get_one(Account, world.account_id)
        accounts.declare(account, connect(session, account))
    polling.poll_due(database, connect, world.now)
    world.later(seconds=after_s - 1)
    polling.poll_due(database, connect, world.now)
    assert asked == [now]
    world.later(seconds=1)
    polling.poll_due(database, connect, world.now)
    assert asked == [now, now + timedelta(seconds=after_s)]


def test_what_a_poll_could_not_read_is_kept_for_a_person(database: Database, now: datetime) -> None:
    """H9: the cursor is past it, so nobody would see it again."""
    world = World(database, now)

    def connect(_session: Session, _account: Account) -> Connector:
        return replace(world.connector, poll=lambda _cursor: Polled((), {}, ("{odd}",)))

    polling.poll_due(database, connect, world.now)
    with database.read() as session:
        (raw,) = session.scalars(select(RawEvent))
    assert (raw.state, raw.via, raw.body) == ("parked", "poll", b"{odd}")


@pytest.mark.parametrize("moved", [True, False])
def test_how_far_was_read_is_not_written_down_of_an_account_that_was_changed_meanwhile(
    database: Database, now: datetime, moved: bool
) -> None:
    """The poll was under way while somebody moved the account to another server."""
    world = World(database, now)

    def poll(_cursor: Mapping[str, Any] | None) -> Polled:
        if moved:
            with database.write() as session:
                accounts.change(session, session.get_one(Account, world.account_id), now, settings={"a": "b"})
        return Polled((), {"after": 7})

    polling.poll_due(database, lambda _session, _account: replace(world.connector, poll=poll), world.now)
    with database.read() as session:
        assert session.get_one(Account, world.account_id).poll_cursor == (None if moved else {"after": 7})
