"""An account that fails as a whole waits as a whole, is tried carefully, and is told of once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from campaigns.database import Database
from campaigns.delivery import send, trouble
from campaigns.delivery.backoff import Pace
from campaigns.delivery.tables import Account
from campaigns.stakeholders import consent
from connectors.api import ConnectorError, Deferred, Outbound, Receipt, Refused

from .world import World

NAMES = [f"p{number}" for number in range(8)]


def everybody(world: World, error: ConnectorError | None) -> list[datetime]:
    """How the provider answers from now on, whoever it is for; when it was asked."""

    def fail(_outbound: Outbound) -> None:
        tried.append(world.time)
        if error is not None:
            raise error

    tried: list[datetime] = []
    for number in range(40):
        world.wire.answers[f"p{number}@example.org"] = fail
    return tried


def account_of(world: World) -> Account:
    with world.database.read() as session:
        return session.get_one(Account, world.account_id)


def listening(alarms: list[str]) -> Callable[[str, str], None]:
    return lambda name, _account: alarms.append(name)


DOWN = Deferred("no connection", scope="account", phase="connect")


def test_one_outage_raises_one_alarm_and_fails_nobody(database: Database, now: datetime) -> None:
    """Rule 8: after five failures in a row one row at a time is tried, until one goes; then all go."""
    world, alarms = World(database, now), list[str]()
    everybody(world, DOWN)
    message_id = world.message(NAMES)
    for _ in range(12):
        world.run(alarm=listening(alarms))
        world.later(minutes=15)
    account = account_of(world)
    assert alarms == ["account_in_trouble"]
    assert account.failures == 12 and account.trouble == "no connection"
    assert account.trouble_since_at == now + timedelta(hours=1) and account.state == "active"
    assert set(world.states(message_id).values()) <= {"queued", "deferred"}
    everybody(world, None)
    world.run(alarm=listening(alarms))
    assert set(world.states(message_id).values()) == {"sent"}
    account = account_of(world)
    assert (account.failures, account.trouble, account.trouble_since_at) == (0, None, None)
    everybody(world, DOWN)
    world.message([f"p{number}" for number in range(10, 20)])
    for _ in range(6):
        world.run(alarm=listening(alarms))
        world.later(minutes=15)
    assert alarms == ["account_in_trouble"] * 2


def test_an_account_in_trouble_is_tried_by_one_row_alone(database: Database, now: datetime) -> None:
    world = World(database, now)
    everybody(world, DOWN)
    world.message(NAMES)
    for _ in range(trouble.IN_TROUBLE_AT):
        world.run()
        world.later(minutes=15)
    tried = everybody(world, DOWN)
    world.run()
    assert len(tried) == 1


def test_a_trial_that_tries_nothing_keeps_a_recovered_account_from_nobody(
    database: Database, now: datetime
) -> None:
    """The rows it takes up are left out, one after the other; the one that may go goes at once."""
    world = World(database, now)
    everybody(world, DOWN)
    message_id = world.message(NAMES)
    for _ in range(trouble.IN_TROUBLE_AT):
        world.run()
        world.later(minutes=15)
    assert account_of(world).trouble_since_at is not None
    everybody(world, None)
    with database.write() as session:
        for row in world.rows(message_id)[:-1]:
            consent.suppress(
                session, world.time, channel="email", reason="no_contact", origin="recipient",
                stakeholder_id=row.stakeholder_id,
            )  # fmt: skip
    world.run()
    assert world.states(message_id) == {name: "excluded:suppressed" for name in NAMES[:-1]} | {"p7": "sent"}


def test_while_one_worker_tries_an_account_in_trouble_no_other_does(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    everybody(world, DOWN)
    world.message(NAMES)
    world.message([f"p{number}" for number in range(10, 14)])
    for _ in range(trouble.IN_TROUBLE_AT):
        world.run()
        world.later(minutes=15)
    world.tick()
    others: list[bool] = []
    for number in range(40):
        world.wire.answers[f"p{number}@example.org"] = lambda _outbound: others.append(
            send.work(world.desk(owner="another"))
        )
    send.work(world.desk())
    assert others == [False]
    world.run()
    assert len(world.wire.accepted) == 12


def test_a_worker_in_the_middle_of_a_batch_waits_when_another_was_told_to(
    database: Database, now: datetime
) -> None:
    """F24: the whole account, not only the worker that heard it."""
    world = World(database, now, in_flight=1)
    world.message([f"p{number}" for number in range(30)])
    message_id = world.message(["slow"])
    world.tick()

    def slow(_outbound: Outbound) -> None:
        raise Deferred("429", scope="account", retry_after_s=600)

    heard: list[bool] = []
    world.wire.answers["slow@example.org"] = slow
    world.wire.answers["p3@example.org"] = lambda _outbound: heard.append(
        send.work(world.desk(owner="other"))
    )
    send.work(world.desk())
    assert heard == [True] and world.states(message_id) == {"slow": "deferred"}
    assert 3 < len(world.wire.accepted) < 30
    world.wire.answers = {}
    world.later(minutes=10)
    world.run()
    assert len(world.wire.accepted) == 31


def test_a_trial_whose_worker_died_is_made_again(database: Database, now: datetime) -> None:
    from .world import Died

    world = World(database, now)
    everybody(world, DOWN)
    message_id = world.message(NAMES)
    for _ in range(trouble.IN_TROUBLE_AT):
        world.run()
        world.later(minutes=15)
    world.tick()

    def die(name: str) -> None:
        if name == "render.after":
            raise Died

    with pytest.raises(Died):
        send.work(world.desk(failpoint=die))
    world.recover()
    everybody(world, None)
    world.run()
    assert world.wire.accepted == []
    world.later(minutes=3)
    world.run()
    assert set(world.states(message_id).values()) == {"sent"}


def test_a_provider_that_slows_us_down_in_every_wave_is_no_outage(database: Database, now: datetime) -> None:
    """Some go, then it says: later. That is how fast it is, and nobody is woken."""
    world, alarms = World(database, now, in_flight=1), list[str]()
    answers = Counter[datetime]()

    def two_at_a_time(_outbound: Outbound) -> None:
        answers[world.time] += 1
        if answers[world.time] > 2:
            raise Deferred("429", scope="account", retry_after_s=60)

    message_id = world.message([f"p{number}" for number in range(20)])
    for number in range(20):
        world.wire.answers[f"p{number}@example.org"] = two_at_a_time
    for _ in range(12):
        world.run(alarm=listening(alarms))
        world.later(minutes=2)
    assert alarms == [] and set(world.states(message_id).values()) == {"sent"}


def test_a_refusal_of_one_row_shows_that_the_account_works(database: Database, now: datetime) -> None:
    world = World(database, now)
    everybody(world, DOWN)
    world.message(["p1"])
    for _ in range(4):
        world.run()
        world.later(minutes=15)
    everybody(world, Refused("too large"))
    world.run()
    assert account_of(world).failures == 0


def test_what_a_provider_says_beside_its_yes_stops_the_account_in_time(
    database: Database, now: datetime
) -> None:
    """F24: nothing is left of what it counts, so nothing more is tried; other accounts go on."""
    world, other = World(database, now, in_flight=1), World(database, now, name="other")
    plain = world.connector.send
    world.connector = replace(
        world.connector, send=lambda outbound: Receipt(plain(outbound).provider_id, wait_s=120)
    )
    message_id = world.message(NAMES)
    other.message([f"q{number}" for number in range(3)])
    both = {world.account_id: world, other.account_id: other}
    world.run(connect=lambda _session, account: both[account.id].connector)
    assert len(other.wire.accepted) == 3
    gone = len(world.wire.accepted)
    assert 0 < gone <= 8 and account_of(world).not_before_at == now + timedelta(seconds=120)
    world.later(seconds=119)
    world.run()
    assert len(world.wire.accepted) == gone
    assert set(world.states(message_id).values()) <= {"queued", "sent"}


@pytest.mark.parametrize(
    ("failures", "asked_s", "least", "most"),
    [
        (1, None, 0.0, 30.0),
        (3, None, 0.0, 120.0),
        (30, None, 0.0, 900.0),
        (1, 0.0, 0.0, 1.0),
        (1, 600.0, 600.0, 600.0),
        (2, 1e9, 3600.0, 3600.0),
        (30, 5.0, 5.0, 900.0),
        (1, -7.0, 0.0, 1.0),
    ],
)
def test_an_account_waits_as_long_as_it_is_told_and_longer_each_time(
    failures: int, asked_s: float | None, least: float, most: float
) -> None:
    """F24: what the provider says counts, up to an hour; never nothing again and again."""
    pace = Pace()
    waits = [pace.account_wait_s(failures, jitter, asked_s) for jitter in (0.0, 0.5, 0.999)]
    assert waits == sorted(waits) and waits[0] == least and waits[-1] <= most
