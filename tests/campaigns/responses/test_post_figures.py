"""What providers count of posts: asked for at their ages, kept with its source, and never guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery.tables import Account, Delivery
from campaigns.responses import post_figures
from campaigns.responses.tables import PostFigure, PostLook
from connectors.api import AccountGone, Connector, ConnectorError, Deferred, Reading, Refused, Uncertain

from ..delivery.world import World

AGES = post_figures.AGES


@dataclass
class Network:
    """A network with a page of ours: what it counts, what it was asked, and what is in its way."""

    world: World
    counts: dict[str, int] = field(default_factory=lambda: {"likes": 3})
    asked: list[tuple[datetime, list[str]]] = field(default_factory=list)
    trouble: Exception | None = None
    extra: Sequence[Reading] = ()
    every_s: float | None = None

    def connect(self, _session: Session, account: Account) -> Connector:
        if account.id != self.world.account_id:
            return replace(self.world.connector, metrics=lambda names: [Reading(names[0], "likes", 1)])
        limits = replace(self.world.connector.limits, poll_every_s=self.every_s)
        return replace(self.world.connector, limits=limits, metrics=self.metrics, api="v7")

    def metrics(self, names: Sequence[str]) -> list[Reading]:
        self.asked.append((self.world.time, list(names)))
        if self.trouble is not None:
            raise self.trouble
        return [Reading(one, figure, value) for one in names for figure, value in self.counts.items()] + [
            *self.extra
        ]

    def look(self, **later: float) -> int:
        self.world.later(**later)
        return post_figures.ask_due(self.world.database, self.connect, self.world.now)


@pytest.fixture
def network(database: Database, now: datetime) -> Network:
    return Network(World(database, now, broadcast=True, name="page"))


def posted(world: World) -> int:
    """The message of a post that has gone."""
    number = world.message([], text="Hello")
    world.run()
    assert world.state(number) == "finished"
    return number


def told(world: World, number: int) -> list[tuple[str, int]]:
    with world.database.read() as session:
        (post,) = post_figures.of_message(session, number)
        return [(figure, one.value) for figure, one in post.figures.items()]


def test_a_post_is_asked_about_at_each_of_its_ages_for_a_month(network: Network) -> None:
    """G14"""
    world, start = network.world, network.world.time
    posted(world)
    for minutes in (*range(0, 1500, 17), *range(1500, 32 * 24 * 60, 400)):
        world.time = start + timedelta(minutes=minutes)
        network.look()
    ages = [at - start for at, _ in network.asked]
    assert len(ages) == len(AGES)
    assert all(age <= asked < age + timedelta(hours=7) for age, asked in zip(AGES, ages, strict=True))


def test_what_is_told_is_kept_with_who_told_it_and_how_it_grew(network: Network) -> None:
    """G14: the last of each counts; what is not told any more keeps its time."""
    number = posted(network.world)
    network.look(minutes=5)
    first = network.world.time
    network.counts = {"likes": 8, "reach": 90}
    network.look(hours=1)
    network.counts = {"reach": 0}
    network.look(hours=6)
    assert told(network.world, number) == [("likes", 8), ("reach", 0)]
    with network.world.database.read() as session:
        rows = session.scalars(post_figures.told_of(number).order_by(PostFigure.at)).all()
        assert [(one.figure, one.value) for one in rows] == [
            ("likes", 3),
            ("likes", 8),
            ("reach", 90),
            ("reach", 0),
        ]
        assert (rows[0].source, rows[0].api, rows[0].at) == ("scripted", "v7", first)
        (post,) = post_figures.of_message(session, number)
        assert post.figures["likes"].at < post.figures["reach"].at == post.looked_at


def test_what_is_not_told_is_not_zero(network: Network) -> None:
    """G14: a post that is gone, and figures that nobody asked for or can be."""
    number = posted(network.world)
    network.counts = {}
    network.extra = [Reading("somebody else's", "likes", 5)]
    assert network.look(minutes=5) == 1
    assert told(network.world, number) == []
    name = network.asked[0][1][0]
    network.extra = [Reading(name, "smiles", 5), Reading(name, "likes", -1), Reading(name, "reach", 2**70)]
    network.look(hours=1)
    assert told(network.world, number) == []


@pytest.mark.parametrize(
    ("trouble", "minutes"),
    [
        (Deferred("slow", scope="account"), 15),
        (Deferred("slow", scope="account", retry_after_s=7200.0), 120),
        (Uncertain("no answer"), 15),
        (Refused("no right to read"), 60),
        (AccountGone("no right to read"), 60),
    ],
)
def test_trouble_delays_the_account_and_takes_it_out_of_no_service(
    network: Network, trouble: ConnectorError, minutes: int
) -> None:
    number = posted(network.world)
    network.trouble = trouble
    assert network.look(minutes=5) == 0
    network.look(minutes=minutes - 1)
    assert len(network.asked) == 1
    network.trouble = None
    assert network.look(minutes=1) == 1 and told(network.world, number) == [("likes", 3)]
    with network.world.database.read() as session:
        assert session.get_one(Account, network.world.account_id).state == "active"


def test_posts_that_are_refused_keep_no_others_waiting(network: Network) -> None:
    """The provider may mean one of them; they are asked about again at their next age."""
    refused = posted(network.world)
    network.trouble = Refused("no such post")
    network.look(minutes=30)
    network.trouble = None
    later = posted(network.world)
    network.look(minutes=60)
    (_, first), (_, second) = network.asked
    assert set(first) < set(second) and told(network.world, later) == told(network.world, refused) == [
        ("likes", 3)
    ]
    network.trouble = Refused("no such post")
    network.look(hours=6)
    network.trouble = None
    network.look(hours=2)
    assert len(network.asked) == 3


def test_one_accounts_trouble_is_its_own(network: Network, database: Database) -> None:
    """Even one that no connector may have: it is told when the others were asked."""
    posted(network.world)
    other = World(database, network.world.time, broadcast=True, name="other")
    theirs = posted(other)
    network.trouble = ZeroDivisionError("a connector's own mistake")
    with pytest.raises(ZeroDivisionError):
        network.look(minutes=5)
    assert told(other, theirs) == [("likes", 1)]
    assert network.look(minutes=14) == 0 and len(network.asked) == 1


def test_letters_answers_and_old_posts_are_not_asked_about(network: Network, database: Database) -> None:
    """A question may cost: letters have no figures, and those of answers nobody reads."""
    number = posted(network.world)
    with database.write() as session:
        row = session.scalars(select(Delivery).where(Delivery.message_id == number)).one()
        row.sent_at = network.world.time - timedelta(days=40)
    letters = World(database, network.world.time, name="letters")
    letters.message(["ann"])
    letters.run()
    assert network.look(minutes=5) == 0 and network.asked == []
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(PostLook)) == 0


def test_a_provider_that_counts_the_asking_is_asked_no_oftener_than_it_says(network: Network) -> None:
    network.every_s = 900.0
    posted(network.world)
    network.look(minutes=5)
    posted(network.world)
    network.look(minutes=14)
    assert len(network.asked) == 1
    network.look(minutes=1)
    assert len(network.asked) == 2


def test_many_posts_are_asked_about_in_parts(network: Network) -> None:
    for _ in range(post_figures.AT_ONCE + 3):
        posted(network.world)
    assert network.look(minutes=5) == post_figures.AT_ONCE
    assert network.look() == 0
    assert network.look(minutes=1) == 3
    names = [name for _, some in network.asked for name in some]
    assert len(set(names)) == len(names)


def test_an_account_that_cannot_tell_is_left_for_a_day(network: Network) -> None:
    connects: list[int] = []

    def mute(_session: Session, account: Account) -> Connector:
        connects.append(account.id)
        return network.world.connector

    posted(network.world)
    for _ in range(20):
        network.world.later(hours=1)
        post_figures.ask_due(network.world.database, mute, network.world.now)
    assert len(connects) == 1


def test_two_workers_ask_once(network: Network) -> None:
    """The account is held while its provider is asked."""
    posted(network.world)
    inside: list[int] = []
    ask: Callable[[Sequence[str]], list[Reading]] = network.metrics

    def metrics(names: Sequence[str]) -> list[Reading]:
        inside.append(post_figures.ask_due(network.world.database, network.connect, network.world.now))
        return ask(names)

    network.metrics = metrics  # type: ignore[method-assign]
    network.look(minutes=5)
    assert inside == [0] and len(network.asked) == 1


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(waits=st.lists(st.integers(1, 5_000), max_size=12))
def test_however_often_somebody_looks_a_post_is_asked_about_once_an_age(
    network: Network, waits: list[int]
) -> None:
    """A worker may sleep: what is due meanwhile is one question."""
    number = posted(network.world)
    start = network.world.time
    for minutes in waits:
        network.look(minutes=minutes)
    with network.world.database.read() as session:
        told_at = session.scalars(select(PostFigure.at).where(PostFigure.message_id == number)).all()
    reached = [sum(1 for age in AGES if age <= at - start) for at in told_at]
    assert reached == sorted(set(reached)) and 0 not in reached
