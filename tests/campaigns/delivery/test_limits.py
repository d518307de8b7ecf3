"""No limit of an account, an app or a domain is exceeded; what waits for one is neither lost nor an attempt."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from campaigns.database import Database
from campaigns.delivery import accounts, limits, send
from campaigns.delivery.tables import Account, Attempt, Budget, Delivery
from campaigns.errors import BadField
from connectors.api import Deferred, Outbound

from .world import BLIND, Died, World

NAMES = [f"p{number}" for number in range(12)]
NUMBERS = itertools.count()  # names of accounts: all examples share a database
START = datetime(2026, 11, 30, 23, 59, 40, tzinfo=UTC)  # twenty seconds before a day and a month end


def limited(world: World, **own: float) -> None:
    with world.database.write() as session:
        account = session.get_one(Account, world.account_id)
        accounts.change(session, account, world.time, own_limits=own)


def account_of(world: World) -> Account:
    with world.database.read() as session:
        return session.get_one(Account, world.account_id)


def left(world: World, message_id: int) -> int:
    return Counter(row.state for row in world.rows(message_id))["queued"]


Step = tuple[float, int, int]  # seconds that pass, how far a worker's clock is off, rows that it wants


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rate=st.sampled_from([0.2, 1.0, 3.0, 40.0]),
    day=st.integers(1, 30),
    steps=st.lists(
        st.tuples(st.floats(0.0, 9.0), st.integers(0, 2), st.integers(1, 20)), min_size=5, max_size=30
    ),
)
def test_whatever_workers_ask_for_no_more_goes_than_the_limits_say(
    database: Database, rate: float, day: int, steps: list[Step]
) -> None:
    """Rule 9: over any stretch of time at most what the rate carries in it and in one second; and never over a day."""
    world = World(database, START, name=f"mail {next(NUMBERS)}")
    limited(world, per_second=rate, per_day=day)
    went: list[tuple[float, int]] = []
    clock = 0.0
    for passes, _worker, wanted in steps:
        clock += passes
        at = START + timedelta(seconds=clock)
        with database.write() as session:
            rows = [(number, "") for number in range(wanted)]
            went.append(
                (clock, len(limits.admit(session, at, session.get_one(Account, world.account_id), rows)))
            )
    for first, (begin, _) in enumerate(went):
        for end, _ in went[first:]:
            between = sum(number for at, number in went if begin <= at <= end)
            assert between <= rate * (end - begin) + max(1.0, rate) + 1e-6
    midnight = 20.0
    assert sum(number for at, number in went if at < midnight) <= day
    assert sum(number for at, number in went if at >= midnight) <= day


def test_a_day_that_is_used_up_waits_for_the_next_and_fails_nobody(database: Database, now: datetime) -> None:
    """E9, D5."""
    world = World(database, now)
    limited(world, per_day=5)
    message_id = world.message(NAMES)
    world.run()
    assert len(world.wire.accepted) == 5 and left(world, message_id) == 7
    assert account_of(world).limited_until_at == datetime(2026, 11, 3, tzinfo=UTC)
    world.later(hours=6)
    world.run()
    assert len(world.wire.accepted) == 5
    for _ in range(2):
        world.later(days=1)
        world.run()
    assert sorted(world.wire.accepted) == sorted(f"{name}@example.org" for name in NAMES)
    assert world.state(message_id) == "finished"
    assert {row.attempt for row in world.rows(message_id)} == {1}


@pytest.mark.parametrize("passes_s", [0, 1], ids=["asked a moment ago", "asked anew"])
def test_a_limit_that_is_set_while_a_batch_goes_out_counts_from_its_next_wave(
    database: Database, now: datetime, passes_s: int
) -> None:
    """Rule 9: a wave of eight is under way; of what follows, no more goes than the new limit says."""
    world = World(database, now, in_flight=1)
    message_id = world.message([f"p{number}" for number in range(30)])

    def narrow(_outbound: Outbound) -> None:
        limited(world, per_day=10)
        world.later(seconds=passes_s)

    world.wire.answers["p3@example.org"] = narrow
    world.run()
    assert len(world.wire.accepted) <= 8 + 10 and left(world, message_id) >= 12


def test_a_limit_that_is_widened_counts_at_once(database: Database, now: datetime) -> None:
    world = World(database, now)
    limited(world, per_month=5)
    world.message(NAMES)
    world.run()
    limited(world, per_month=8)
    world.run()
    assert len(world.wire.accepted) == 8
    limited(world)
    world.run()
    assert len(world.wire.accepted) == 12


def test_a_rate_lets_through_a_second_of_it_at_once_and_the_rest_in_time(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    limited(world, per_second=4)
    world.message(NAMES)
    world.run()
    assert len(world.wire.accepted) == 4
    world.later(seconds=0.4)
    world.run()  # there is room for one, and it waits until it is worth a wave
    assert len(world.wire.accepted) == 4
    world.later(seconds=0.6)
    world.run()
    assert len(world.wire.accepted) == 8
    world.later(seconds=1)
    world.run()
    assert len(world.wire.accepted) == 12


def test_accounts_of_one_app_share_its_limit_and_those_of_another_do_not(
    database: Database, now: datetime
) -> None:
    worlds = [World(database, now, name=name) for name in ("a", "b", "c")]
    with database.write() as session:
        for world, app in zip(worlds, ("one", "one", "two"), strict=True):
            session.get_one(Account, world.account_id).app = app
    limited(worlds[0], app_per_day=7)
    limited(worlds[2], app_per_day=9)
    for number, world in enumerate(worlds):
        world.message([f"{name}of{number}" for name in NAMES])
        # a worker that serves every account by its own wire
    desks = {world.account_id: world.connector for world in worlds}
    worlds[0].run(connect=lambda _session, account: desks[account.id])
    sent = [len(world.wire.accepted) for world in worlds]
    assert sent[0] + sent[1] == 7 and sent[2] == 9
    limited(worlds[0], app_per_day=20)
    worlds[0].run(connect=lambda _session, account: desks[account.id])
    assert len(worlds[0].wire.accepted) + len(worlds[1].wire.accepted) == 20


def test_what_is_over_its_domains_limit_waits_by_itself_and_the_others_go(
    database: Database, now: datetime
) -> None:
    """Rule 9: it stays queued with a later instant, and that is no attempt."""
    world = World(database, now)
    limited(world, domain_per_minute=24)  # two at once, and one each 2.5 seconds
    message_id = world.message(NAMES)
    world.tick()
    with database.write() as session:
        other = [row.id for row in world.rows(message_id)][:3]
        session.execute(update(Delivery).where(Delivery.id.in_(other)).values(address_key="x@other.example"))
    world.run()
    waiting = [row for row in world.rows(message_id) if row.state == "queued"]
    assert len(world.wire.accepted) == 4 and len(waiting) == 8
    assert all(row.attempt == 0 and row.batch_id is None and row.due_at == now for row in waiting)
    places = Counter((row.next_at - now).total_seconds() for row in waiting if row.next_at)
    assert places == {2.5: 2} | {
        2.5 * place: 1 for place in range(2, 8)
    }  # one of them is of the other domain
    gone = [len(world.wire.accepted)]
    for _ in range(20):
        world.later(seconds=2.5)
        world.run()
        gone.append(len(world.wire.accepted))
    assert gone[-1] == 12 and world.state(message_id) == "finished"
    assert all(after - before <= 3 for before, after in zip(gone, gone[1:], strict=False))
    with database.read() as session:
        assert session.query(Attempt).count() == 0


def test_a_row_that_waits_for_its_domain_is_withdrawn_with_its_message(
    database: Database, now: datetime
) -> None:
    from campaigns.delivery import control
    from campaigns.messages.tables import Message

    world = World(database, now)
    limited(world, domain_per_minute=12)
    message_id = world.message(NAMES)
    world.run()
    with database.write() as session:
        control.cancel(session, world.time, session.get_one(Message, message_id))
    world.later(hours=1)
    world.run()
    assert Counter(world.states(message_id).values()) == {"sent": 1, "cancelled": 11}


def test_what_was_withdrawn_in_the_same_moment_waits_for_nothing(database: Database, now: datetime) -> None:
    world = World(database, now)
    message_id = world.message(["ann"])
    world.tick()
    (row,) = world.rows(message_id)
    with database.write() as session:
        session.execute(update(Delivery).where(Delivery.id == row.id).values(state="cancelled"))
        limits.lay_aside(session, [(row.id, now + timedelta(hours=1))])
    (row,) = world.rows(message_id)
    assert (row.state, row.next_at) == ("cancelled", None)


def test_what_was_certainly_not_handed_over_is_given_back(database: Database, now: datetime) -> None:
    world = World(database, now, BLIND, in_flight=1)
    limited(world, per_day=8)
    world.message(NAMES)
    world.tick()
    told = threading.Event()
    world.wire.answers = {"p1@example.org": lambda _outbound: told.set()}
    send.work(world.desk(stopping=told.is_set))
    assert len(world.wire.accepted) == 2
    with database.read() as session:
        assert [row.used for row in session.query(Budget)] == [2.0]
        (used,) = limits.usage(session, now, account_of(world))
        assert (used.key, used.most, used.used) == ("per_day", 8, 2)


@pytest.mark.parametrize(("point", "counted"), [("intent.before_commit", 0), ("intent.after_commit", 6)])
def test_a_worker_that_dies_has_used_what_it_had_committed_to_and_no_more(
    database: Database, now: datetime, point: str, counted: int
) -> None:
    world = World(database, now, BLIND)
    limited(world, per_day=6)
    world.message(NAMES)
    world.tick()

    def die(name: str) -> None:
        if name == point:
            raise Died

    with pytest.raises(Died):
        send.work(world.desk(failpoint=die))
    with database.read() as session:
        assert sum(used.used or 0 for used in limits.usage(session, now, account_of(world))) == counted
    world.recover()
    world.run()
    assert len(world.wire.accepted) == 6 - counted


def test_what_was_refused_for_now_has_used_the_limit(database: Database, now: datetime) -> None:
    world = World(database, now)

    def busy(_outbound: Outbound) -> None:
        raise Deferred("busy")

    world.wire.answers = {"p0@example.org": busy}
    limited(world, per_day=4)
    world.message(NAMES)
    world.run()
    assert len(world.wire.accepted) == 3


def test_two_workers_at_once_send_no_more_than_the_limit(database: Database, now: datetime) -> None:
    """Rule 9: each has a batch of its own, of one account."""
    world = World(database, now, in_flight=2)
    limited(world, per_day=15, domain_per_minute=120)
    for start in range(0, 60, 20):
        world.message([f"p{number}" for number in range(start, start + 20)])
    world.tick()
    together = threading.Barrier(3)

    def work(name: str) -> None:
        together.wait()
        while send.work(world.desk(owner=name)):
            pass

    workers = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(3)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert len(world.wire.accepted) == len(set(world.wire.accepted)) <= 15
    for _ in range(12):
        world.later(seconds=5)
        world.run()
    assert len(world.wire.accepted) == 15


def test_the_narrower_of_what_is_declared_and_what_is_chosen_holds(database: Database, now: datetime) -> None:
    account = Account(limits={"per_day": 100, "per_second": 2.0, "text_max": 5}, own_limits={"per_day": 200})
    assert limits.of(account) == {"per_day": 100, "per_second": 2.0}
    account.own_limits = {"per_day": 50, "domain_per_minute": 10}
    assert limits.of(account) == {"per_day": 50, "per_second": 2.0, "domain_per_minute": 10}


@pytest.mark.parametrize(
    ("own", "stored"),
    [
        (None, None),
        ({}, None),
        ({"per_day": None}, None),
        ({"per_day": 3, "per_month": None}, {"per_day": 3}),
        ({"per_second": 0.25}, {"per_second": 0.25}),
    ],
)
def test_an_empty_limit_is_none(own: Any, stored: Any) -> None:
    assert limits.check(own) == stored


@pytest.mark.parametrize(
    "own", [{"per_day": 0}, {"per_day": -1}, {"per_day": 1.5}, {"per_day": True}, {"per_day": "3"}, {"per_hour": 3},
            {"per_second": float("nan")}, {"per_month": 1e12}],
)  # fmt: skip
def test_a_limit_that_cannot_be_is_refused_by_name(own: Any) -> None:
    with pytest.raises(BadField) as refused:
        limits.check(own)
    assert refused.value.pointer == f"/own_limits/{next(iter(own))}"


def test_domains_that_nothing_goes_to_are_forgotten(database: Database, now: datetime) -> None:
    world = World(database, now)
    limited(world, domain_per_minute=120, per_month=50)
    world.message(["ann"])
    world.run()
    with database.write() as session:
        assert limits.forget(session, now + timedelta(days=1)) == 0
        assert limits.forget(session, now + timedelta(days=3)) == 1
        assert [row.key for row in session.query(Budget)] == [f"account:{world.account_id}:month"]
