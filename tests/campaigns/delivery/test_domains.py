"""A domain that takes nothing for now waits as a whole, and everything else of the account goes on."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from campaigns.database import Database
from campaigns.delivery import domains, limits, send
from campaigns.delivery.tables import Account, Budget
from connectors.api import ConnectorError, Deferred, Outbound

from .world import World

BIG = [f"b{number}@big.example" for number in range(9)]
SMALL = [f"s{number}@small.example" for number in range(9)]
# To both, by turns.
MIXED = [name for pair in zip(BIG, SMALL, strict=True) for name in pair]


def slow(asked_s: float | None = 600.0) -> Deferred:
    return Deferred("4.7.28 too many for this domain", scope="domain", retry_after_s=asked_s)


def answering(world: World, error: ConnectorError | None, names: list[str] = BIG) -> list[str]:
    """How the provider answers for these addresses from now on; whom it was asked for."""

    def answer(outbound: Outbound) -> None:
        asked.append(outbound.to)
        if error is not None:
            raise error

    asked: list[str] = []
    for name in names:
        world.wire.answers[name] = answer
    return asked


def sent(world: World, message_id: int) -> set[str]:
    return {name for name, state in world.states(message_id).items() if state == "sent"}


def waits_until(world: World, name: str = "big.example") -> datetime | None:
    with world.database.read() as session:
        row = session.get(Budget, f"domain:{world.account_id}:{name}:wait")
        return row.planned if row else None


def test_what_goes_to_a_domain_that_refuses_waits_and_the_rest_goes(
    database: Database, now: datetime
) -> None:
    """Rule 9: those of the first wave were tried; the others wait beside them as long, untried."""
    world = World(database, now, in_flight=1)
    asked = answering(world, slow())
    message_id = world.message(MIXED)
    world.run()
    assert sent(world, message_id) == {f"s{number}" for number in range(9)} and len(asked) == 4
    rows = [row for row in world.rows(message_id) if row.address_key.endswith("@big.example")]
    assert {row.next_at for row in rows} == {now + timedelta(seconds=600)}
    assert sorted((row.state, row.attempt) for row in rows) == [("deferred", 1)] * 4 + [("queued", 0)] * 5
    answering(world, None)
    world.later(seconds=599)
    world.run()
    assert len(sent(world, message_id)) == 9
    world.later(seconds=1)
    world.run()
    assert len(sent(world, message_id)) == 18 and world.state(message_id) == "finished"
    assert {row.attempt for row in world.rows(message_id) if row.address_key in BIG} == {1, 2}


def test_a_message_that_is_due_meanwhile_leaves_the_domain_alone_too(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    answering(world, slow())
    world.message(BIG[:1])
    world.run()
    asked = answering(world, None)
    later = world.message([*BIG[1:5], *SMALL[:3]])
    world.run()
    assert asked == [] and sent(world, later) == {"s0", "s1", "s2"}
    assert {row.next_at for row in world.rows(later) if row.state == "queued"} == {
        now + timedelta(seconds=600)
    }


def test_what_one_worker_was_told_another_keeps_to(database: Database, now: datetime) -> None:
    """One hears the refusal while another has a batch in hand: what that one takes up next leaves the domain out."""
    world = World(database, now, in_flight=1)
    world.message(SMALL)
    many = [f"b{number}@big.example" for number in range(12)]
    refused = world.message(many)
    asked = answering(world, slow(), many)
    heard: list[bool] = []
    world.wire.answers[SMALL[0]] = lambda _outbound: heard.append(send.work(world.desk(owner="other")))
    world.tick()
    send.work(world.desk())
    assert heard == [True] and len(asked) == 8
    world.run()
    assert len(asked) == 8 and sorted(world.wire.accepted) == SMALL
    assert sorted(world.states(refused).values()) == ["deferred"] * 8 + ["queued"] * 4


def test_another_account_is_not_kept_waiting(database: Database, now: datetime) -> None:
    world, other = World(database, now), World(database, now, name="other")
    answering(world, slow())
    world.message(BIG[:2])
    other_id = other.message([f"o{number}@big.example" for number in range(2)])
    both = {world.account_id: world, other.account_id: other}
    world.run(connect=lambda _session, account: both[account.id].connector)
    assert sent(other, other_id) == {"o0", "o1"} and world.wire.accepted == []


def test_it_waits_longer_each_time_and_what_goes_through_ends_that(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(database, now)
    monkeypatch.setattr("campaigns.delivery.domains.random.random", lambda: 0.999)
    answering(world, slow(None))
    world.message(BIG)
    waited = []
    for _ in range(4):
        world.run()
        until = waits_until(world)
        assert until is not None
        waited.append(round((until - world.time).total_seconds()))
        world.time = until
    assert waited == [300, 599, 1199, 2398]
    answering(world, None, BIG[:8])
    world.run()
    assert waits_until(world) == world.time + timedelta(seconds=299.7)


def test_so_does_an_hour_in_which_nobody_refuses(database: Database, now: datetime) -> None:
    world = World(database, now)
    answers = [(BIG[0], slow(60.0))]
    with database.write() as session:
        account = session.get_one(Account, world.account_id)

        def failures(at: datetime) -> float:
            domains.refused(session, at, account, answers, world.desk().pace)
            return session.get_one(Budget, f"domain:{account.id}:big.example:wait").used

        assert failures(now) == 1.0
        assert failures(now + timedelta(seconds=1)) == 1.0  # it waits: this one was on its way
        until = session.get_one(Budget, f"domain:{account.id}:big.example:wait").planned
        assert until is not None and until >= now + timedelta(seconds=61)
        assert failures(until) == 2.0
        until = session.get_one(Budget, f"domain:{account.id}:big.example:wait").planned
        assert until is not None
        assert failures(until + timedelta(hours=1)) == 1.0


def test_a_daily_limit_is_not_used_up_by_what_waits(database: Database, now: datetime) -> None:
    world = World(database, now, in_flight=1)
    with database.write() as session:
        session.get_one(Account, world.account_id).own_limits = {"per_day": 100}
    answering(world, slow())
    world.message(MIXED)
    world.run()
    with database.read() as session:
        used = [one.used for one in limits.usage(session, now, session.get_one(Account, world.account_id))]
    assert used == [13]  # nine that went and four that were refused


def test_where_all_goes_well_nothing_is_asked(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of receipts alone cost no statement for domains."""

    def never(*_: object) -> None:
        raise AssertionError("asked about domains")

    world = World(database, now)
    monkeypatch.setattr("campaigns.delivery.domains._locked", never)
    monkeypatch.setattr("campaigns.delivery.domains.lay_aside", never)
    message_id = world.message(MIXED)
    world.run()
    assert len(sent(world, message_id)) == 18


def test_a_refusal_where_there_is_no_domain_is_that_of_a_row(database: Database, now: datetime) -> None:
    world = World(database, now, broadcast=True)
    with database.write() as session:
        account = session.get_one(Account, world.account_id)
        assert domains.refused(session, now, account, [("", slow())], world.desk().pace) == {}


def test_a_domain_that_waited_is_forgotten_in_time(database: Database, now: datetime) -> None:
    world = World(database, now)
    answering(world, slow())
    world.message(BIG[:1])
    world.run()
    with database.write() as session:
        assert limits.forget(session, now + timedelta(days=3)) == 1
    assert waits_until(world) is None
    answering(world, None)
    world.later(days=1)
    world.run()
    assert world.wire.accepted == BIG[:1]


@pytest.mark.parametrize(
    ("key", "name"), [("ann@big.example", "big.example"), ("a@b@c.example", "c.example"), ("", ""), ("x", "")]
)
def test_the_domain_of_an_address(key: str, name: str) -> None:
    assert limits.domain_of(key) == name
