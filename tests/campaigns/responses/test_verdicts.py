"""Verdicts: what machines open and press is told apart from what people do, in whatever order it is told."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from campaigns.delivery import follow_up
from campaigns.delivery.tables import Delivery, DeliveryEvent
from campaigns.messages.tables import Timing
from campaigns.responses import verdicts
from connectors.api import Event

from .conftest import World
from .test_effects import named

BROWSER = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4 Safari/605.1.15"
)
LATER = timedelta(hours=3)


def told(world: World, delivery: Delivery, kind: str, after: timedelta = LATER, **meta: Any) -> Event:
    """An event about a delivery, so long after it was sent."""
    assert delivery.sent_at is not None
    facts = named(world, delivery) | {"at": delivery.sent_at + after, "meta": {"user_agent": BROWSER, **meta}}
    return world.event(kind, **facts)


def judged(world: World) -> list[tuple[str, str | None, str | None]]:
    rows = world.session.scalars(select(DeliveryEvent).order_by(DeliveryEvent.at, DeliveryEvent.event_key))
    return [(one.kind, one.verdict, one.verdict_why) for one in rows]


def mailed(world: World) -> Delivery:
    delivery = world.delivery(world.person("Ann", "ann@example.org"))
    world.later(days=1)
    return delivery


@pytest.mark.parametrize(
    ("after", "meta", "verdict"),
    [
        (LATER, {}, ("person", None)),
        (LATER, {"machine": True}, ("machine", "told")),
        (LATER, {"method": "HEAD"}, ("machine", "head")),
        (LATER, {"user_agent": "Mozilla/5.0"}, ("machine", "agent")),
        (LATER, {"user_agent": verdicts.PREFETCH[1]}, ("machine", "agent")),
        (LATER, {"user_agent": "Mozilla/5.0 (compatible; BitlyBot/3.0)"}, ("machine", "agent")),
        (LATER, {"user_agent": "python-requests/2.32"}, ("machine", "agent")),
        (LATER, {"user_agent": "Mozilla/5.0 (Linux; Android 11; CUBOT X50)"}, ("person", None)),
        (LATER, {"user_agent": "Mozilla/5.0 Firefox/11.0 (via ggpht.com GoogleImageProxy)"}, ("unsure", "proxy")),
        (LATER, {"user_agent": ""}, ("unsure", "no_agent")),
        (timedelta(seconds=-1), {}, ("machine", "at_once")),
        (timedelta(seconds=5), {}, ("machine", "at_once")),
        (timedelta(seconds=6), {}, ("unsure", "soon")),
        (timedelta(minutes=15), {}, ("unsure", "soon")),
        (timedelta(minutes=15, seconds=1), {}, ("person", None)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["opened", "clicked"])
def test_only_what_nothing_speaks_against_is_a_persons(
    world: World, kind: str, after: timedelta, meta: dict[str, Any], verdict: tuple[str, str | None]
) -> None:
    """F6"""
    world.hear(told(world, mailed(world), kind, after, **meta))
    assert judged(world) == [(kind, *verdict)]


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        (timedelta(hours=-1), ("person", None)),  # told of late: the mail was there before
        (timedelta(seconds=-61), ("person", None)),
        (timedelta(seconds=-60), ("unsure", "soon")),
        (timedelta(seconds=-6), ("unsure", "soon")),
        (timedelta(seconds=-5), ("machine", "at_once")),
        (timedelta(seconds=5), ("machine", "at_once")),
        (timedelta(seconds=60), ("unsure", "soon")),
        (timedelta(seconds=61), ("person", None)),
    ],
)
@pytest.mark.parametrize("first", ["delivered", "clicked"])
def test_the_providers_time_of_arrival_may_be_late_and_by_another_clock(
    world: World, first: str, after: timedelta, verdict: tuple[str, str | None]
) -> None:
    """F4, F6: the arrival is said three hours after the handing over, before or after the press is told."""
    delivery = mailed(world)
    events = {"delivered": told(world, delivery, "delivered", LATER)}
    events["clicked"] = told(world, delivery, "clicked", LATER + after)
    for kind in sorted(events, key=lambda kind: kind != first):
        world.hear(events[kind])
    assert [row[1:] for row in judged(world) if row[0] == "clicked"] == [verdict]


def test_what_scans_a_mail_that_was_told_to_have_arrived_late_is_no_person(world: World) -> None:
    """F6: so long before the arrival that is said, the handing over counts, and a mail may have waited since."""
    delivery = mailed(world)
    scans = [told(world, delivery, "clicked", timedelta(minutes=n)) for n in (0, 10, 20)]
    world.hear(told(world, delivery, "delivered", timedelta(minutes=40)), *scans)
    verdict_of = [row[1:] for row in judged(world) if row[0] == "clicked"]
    assert verdict_of == [("machine", "at_once"), ("unsure", "soon"), ("person", None)]


def test_on_a_telephone_nothing_waits_for_a_server(world: World) -> None:
    phone = world.account("phone", "sms")
    delivery = world.delivery(world.person("Ann", "+447700900123", "sms"), phone)
    world.later(days=1)
    world.hear(told(world, delivery, "clicked", timedelta(seconds=61)), account=phone)
    assert judged(world) == [("clicked", "person", None)]


def test_a_receipt_of_reading_by_an_app_is_a_persons(world: World) -> None:
    """WhatsApp tells of reading: nothing was fetched, and people do read at once."""
    phone = world.account("phone", "whatsapp")
    delivery = world.delivery(world.person("Ann", "+447700900123", "whatsapp"), phone)
    world.hear(world.event("opened", **named(world, delivery)), account=phone)
    assert judged(world) == [("opened", "person", None)]


def test_links_pressed_faster_than_fingers_are_a_machines_and_one_pressed_twice_is_not(world: World) -> None:
    """F6: each press alone could be a person's; the one pressed long after is."""
    delivery = mailed(world)
    links = [
        told(world, delivery, "clicked", LATER + timedelta(seconds=n), url=f"https://a.example/{n}")
        for n in range(3)
    ]
    twice = [told(world, delivery, "clicked", 2 * LATER, url="https://a.example/1") for _ in range(2)]
    for event in (*links, *twice):
        world.hear(event)
    machine, person = ("clicked", "machine", "burst"), ("clicked", "person", None)
    assert judged(world) == [machine] * 3 + [person] * 2


@pytest.mark.parametrize(
    ("seconds", "links", "burst"),
    [
        ((0, 3, 6, 9), "abcd", {0, 3, 6, 9}),  # about a link in three seconds
        ((0.0, 0.2, 0.4, 0.6, 0.8), "aaaaa", {0.0, 0.2, 0.4, 0.6, 0.8}),  # one link, again and again
        ((0, 5, 10), "aba", {0, 5, 10}),
        ((0, 5, 11), "aba", set()),
        ((0, 1), "aa", set()),  # pressed twice
        ((0, 3), "ab", set()),
        ((0, 2), "ab", {0, 2}),
        ((0, 2, 20, 21), "abaa", {0, 2}),
    ],
)  # fmt: skip
def test_a_run_of_presses_is_a_machines_in_whatever_order_it_is_told(
    world: World, seconds: tuple[float, ...], links: str, burst: set[float]
) -> None:
    """F4, F6"""
    for place, order in enumerate(permutations(range(len(links)))):
        delivery = world.delivery(world.person(f"P{place}", f"p{place}@example.org"))
        world.later(days=1)
        for n in order:
            at = LATER + timedelta(seconds=seconds[n])
            world.hear(told(world, delivery, "clicked", at, url=f"https://a.example/{links[n]}"))
        rows = world.session.scalars(select(DeliveryEvent).where(DeliveryEvent.delivery_id == delivery.id))
        sent = delivery.sent_at
        assert sent is not None
        why = {(row.at - sent - LATER).total_seconds(): row.verdict_why for row in rows}
        assert why == {second: "burst" if second in burst else None for second in seconds}


def test_how_soon_is_counted_from_when_the_provider_delivered_it(world: World) -> None:
    """A mail may wait for minutes at the provider."""
    delivery = mailed(world)
    waited = timedelta(minutes=40)
    events = [
        told(world, delivery, "clicked", waited + timedelta(seconds=3), url="https://a.example/1"),
        told(world, delivery, "clicked", waited + timedelta(seconds=90), url="https://a.example/1"),
        told(world, delivery, "delivered", waited),
    ]
    world.hear(*events)
    assert judged(world) == [
        ("delivered", None, None), ("clicked", "machine", "at_once"), ("clicked", "person", None),
    ]  # fmt: skip


def test_every_order_ends_the_same(world: World) -> None:
    """F4: 120 orders of one story about as many people."""
    after = timedelta(minutes=5)
    ends = set()
    for place, order in enumerate(permutations(range(5))):
        delivery = world.delivery(world.person(f"P{place}", f"p{place}@example.org"))
        world.now = delivery.sent_at + timedelta(days=1) if delivery.sent_at else world.now
        story = [
            told(world, delivery, "delivered", after),
            told(world, delivery, "opened", after + timedelta(seconds=4)),
            told(world, delivery, "clicked", after + timedelta(minutes=2), url="https://a.example/1"),
            told(
                world, delivery, "clicked", after + timedelta(minutes=2, seconds=1), url="https://a.example/2"
            ),
            told(world, delivery, "clicked", after + LATER, url="https://a.example/2"),
        ]
        for n in order:
            world.hear(story[n])
        rows = world.session.execute(
            select(DeliveryEvent.kind, DeliveryEvent.verdict, DeliveryEvent.verdict_why)
            .where(DeliveryEvent.delivery_id == delivery.id)
            .order_by(DeliveryEvent.at)
        )
        ends.add(tuple(tuple(row) for row in rows))
    assert ends == {
        (
            ("delivered", None, None), ("opened", "machine", "at_once"), ("clicked", "machine", "burst"),
            ("clicked", "machine", "burst"), ("clicked", "person", None),
        )
    }  # fmt: skip


def test_an_arrival_that_is_told_twice_ends_the_same_in_every_order(world: World) -> None:
    """F4: of two arrivals the first counts, and what was judged by the other is judged again."""
    story: list[tuple[str, int]] = [("delivered", 10), ("delivered", 100), ("clicked", 130), ("opened", 12)]
    ends = set()
    for place, order in enumerate(permutations(story)):
        delivery = world.delivery(world.person(f"P{place}", f"p{place}@example.org"))
        world.later(minutes=10)
        for kind, seconds in order:
            world.hear(told(world, delivery, kind, timedelta(seconds=seconds)))
        rows = world.session.execute(
            select(DeliveryEvent.kind, DeliveryEvent.verdict_why)
            .where(DeliveryEvent.delivery_id == delivery.id, DeliveryEvent.verdict.is_not(None))
            .order_by(DeliveryEvent.at)
        )
        ends.add(tuple(tuple(row) for row in rows))
    assert ends == {(("opened", "at_once"), ("clicked", None))}


def test_each_delivery_counts_once_and_by_a_person_where_it_can(world: World) -> None:
    message = world.message()
    ann, bo, cai = (
        world.delivery(world.person(name, f"{name}@example.org"), message=message)
        for name in ("ann", "bo", "cai")
    )
    world.later(days=1)
    for delivery, agents in ((ann, (BROWSER, BROWSER, "curl/8")), (bo, ("curl/8", "")), (cai, ("curl/8",))):
        for n, agent in enumerate(agents):
            world.hear(told(world, delivery, "clicked", LATER + timedelta(hours=n), user_agent=agent))
    world.hear(told(world, cai, "opened"))
    assert verdicts.figures(world.session, message.id) == {
        "opened": {"person": 1, "unsure": 0, "machine": 0},
        "clicked": {"person": 1, "unsure": 1, "machine": 1},
    }


MACHINES = st.one_of(
    st.fixed_dictionaries({"machine": st.just(True), "user_agent": st.just(BROWSER)}),
    st.fixed_dictionaries({"method": st.just("HEAD"), "user_agent": st.just(BROWSER)}),
    st.fixed_dictionaries({"user_agent": st.sampled_from((*verdicts.PREFETCH, "curl/8.5", "SkypeUriPreview/0.5"))}),
)  # fmt: skip


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    doings=st.lists(
        st.tuples(
            st.sampled_from(("opened", "clicked")),
            st.integers(-5, 200_000),
            MACHINES,
            st.sampled_from(("https://a.example/1", "https://a.example/2", "")),
        ),
        max_size=8,
    ),
    rushed=st.lists(st.tuples(st.sampled_from(("opened", "clicked")), st.integers(-60, 60)), max_size=4),
)
def test_no_doings_of_machines_move_a_figure_of_people(
    world: World, doings: list[tuple[str, int, dict[str, Any], str]], rushed: list[tuple[str, int]]
) -> None:
    """F6, the third promise: whatever machines do, in any order, nobody is said to have done it."""
    message = world.message()
    delivery = world.delivery(world.person("Ann", f"ann{next(world.numbers)}@example.org"), message=message)
    world.later(days=3)
    for kind, seconds, meta, link in doings:
        world.hear(told(world, delivery, kind, timedelta(seconds=seconds), url=link, **meta))
    for kind, seconds in rushed:
        world.hear(told(world, delivery, kind, timedelta(seconds=seconds), url="https://a.example/1"))
    assert [counted["person"] for counted in verdicts.figures(world.session, message.id).values()] == [0, 0]
    after_it = follow_up.people(world.session, Timing(after_id=message.id, asks="clicked"))
    assert world.session.scalars(after_it).all() == []
    before = verdicts.figures(world.session, message.id)["clicked"]
    world.hear(told(world, delivery, "clicked", timedelta(days=2, hours=12)))
    after = verdicts.figures(world.session, message.id)["clicked"]
    assert after["person"] == 1 and sum(before.values()) <= 1
    assert [one.id for one in world.session.scalars(after_it)] == [delivery.stakeholder_id]
