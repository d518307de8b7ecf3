"""Intake: told often, stored once; bad events stand in nobody's way; early ones are looked at again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery.tables import Delivery, DeliveryEvent
from campaigns.messages.tables import Message
from campaigns.responses import intake
from campaigns.responses.tables import RawEvent, Response
from campaigns.stakeholders.tables import Suppression
from connectors.api import Event

from .conftest import LINKS, World

MakeWorld = Callable[[Session, datetime], World]


def count(session: Session, model: Any) -> int:
    return session.scalars(select(func.count()).select_from(model)).one()


def test_an_event_told_a_thousand_times_is_one_row(world: World) -> None:
    """H5, H4: a replay has no effect."""
    event = world.event("mention", sender="ann", text="Helo", raw=b'{"id": 1}')
    assert intake.store(world.session, world.now, world.mail.id, [event] * 1000, "push") == 1
    assert intake.store(world.session, world.now, world.mail.id, [event], "poll") == 0
    raw = world.session.scalars(select(RawEvent)).one()
    assert (raw.body, raw.via, raw.state) == (b'{"id": 1}', "push", "new")
    world.hear(event)
    world.hear(event)
    assert count(world.session, Response) == 1


def test_the_same_key_on_another_account_is_another_event(world: World) -> None:
    other = world.account("other", "email")
    event = world.event("mention")
    assert intake.store(world.session, world.now, world.mail.id, [event], "push") == 1
    assert intake.store(world.session, world.now, other.id, [event], "push") == 1


def test_a_batch_keeps_the_good_and_parks_what_could_not_be_read(world: World) -> None:
    """H9."""
    events = [world.event("delivered") for _ in range(450)]
    assert intake.store(world.session, world.now, world.mail.id, events, "push") == 450
    assert intake.park(world.session, world.now, world.mail.id, ["{broken \ud800"], "push") == 1
    assert intake.park(world.session, world.now, world.mail.id, ["{broken \ud800"], "push") == 0
    parked = world.session.scalars(select(RawEvent).where(RawEvent.state == "parked")).one()
    assert parked.body == b"{broken ?"


def test_an_event_without_a_key_is_known_by_its_bytes(world: World) -> None:
    """M20: a mail without a Message-ID."""
    event = replace(world.event("reply"), key="", raw=b"From: ann\n\nHelo")
    assert intake.store(world.session, world.now, world.mail.id, [event, event], "poll") == 1
    assert intake.store(world.session, world.now, world.mail.id, [replace(event, raw=b"other")], "poll") == 1


def test_a_key_too_long_for_an_index_still_tells_events_apart(world: World) -> None:
    first, second = world.event("reply", key="k" * 5000), world.event("reply", key="k" * 4999)
    assert intake.store(world.session, world.now, world.mail.id, [first, second, first], "poll") == 2


@pytest.mark.parametrize(
    "values",
    [
        {"text": "NUL \0 and half \ud83d a letter"},
        {"sender": "\0", "subject": "\ud800", "sender_name": "\udfff" * 3},
        {"meta": {"nan": float("nan"), "deep": [[[[[[[[[[[[[[1]]]]]]]]]]]]]], "bytes": b"\0", "big": 10**40}},
        {"references": tuple(f"<{n}@x>" for n in range(10_000))},
        {"text": "ŵ" * 1_000_000},
        {"kind": "a kind nobody has seen"},
        {"recipient_token": "not a token", "provider_id": "<dlv_zzzzzzzzzzzzz@mail.example>"},
    ],
)
def test_odd_input_is_kept_and_breaks_nothing(world: World, values: dict[str, Any]) -> None:
    """H13, M12."""
    raw = world.hear(world.event(**{"kind": "reply", **values}))[0]
    world.session.expire_all()
    assert raw.event["kind"] == values.get("kind", "reply")
    assert len(raw.event["text"]) <= 200_000 and len(raw.event["references"]) <= 50


@pytest.mark.parametrize(
    "at", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC), datetime(2026, 11, 1)]
)
def test_a_date_that_cannot_be_true_becomes_the_time_of_receipt(world: World, at: datetime) -> None:
    """M21."""
    assert world.response(world.event("reply", at=at)).at == world.now


def test_a_true_date_stays(world: World) -> None:
    at = world.now - timedelta(days=3)
    assert world.response(world.event("reply", at=at)).at == at


def test_a_bad_event_is_parked_after_three_tries_and_blocks_nobody(
    database: Database, now: datetime, make_world: MakeWorld
) -> None:
    with database.write() as session:
        world = make_world(session, now)
        person = world.person("Ann", "ann@example.org")
        account_id, person_id = world.mail.id, person.id
        bad, good = world.event("reply"), world.event("reply", sender="ann@example.org")
        intake.store(session, now, account_id, [bad, good], "push")
        raw = session.scalars(select(RawEvent).where(RawEvent.event_key == bad.key)).one()
        raw.event = {"kind": "reply"}  # as if an older version had written something else
    seen = [intake.process(database.sessions, now + timedelta(hours=hour), LINKS) for hour in range(5)]
    assert seen == [2, 1, 1, 0, 0]
    with database.read() as session:
        states = dict(session.execute(select(RawEvent.event_key, RawEvent.state)).all())
        assert states == {bad.key: "parked", good.key: "done"}
        parked = session.scalars(select(RawEvent).where(RawEvent.event_key == bad.key)).one()
        assert parked.tries == 3 and parked.error is not None and "KeyError" in parked.error
        assert session.scalars(select(Response)).one().stakeholder_id == person_id


def test_processing_takes_no_more_than_it_was_asked_and_goes_on_later(
    database: Database, now: datetime, make_world: MakeWorld
) -> None:
    with database.write() as session:
        world = make_world(session, now)
        intake.store(session, now, world.mail.id, [world.event("mention") for _ in range(5)], "poll")
    assert [intake.process(database.sessions, now, LINKS, limit=3) for _ in range(3)] == [3, 2, 0]


def test_two_workers_share_the_work_and_do_nothing_twice(
    database: Database, now: datetime, make_world: MakeWorld
) -> None:
    with database.write() as session:
        world = make_world(session, now)
        for place in range(20):
            key = f"p{place}@example.org"
            delivery = world.delivery(world.person(f"P{place}", key))
            facts = {"provider_id": delivery.provider_id, "about": key, "hard": True}
            told = [world.event("bounce", **facts), world.event("complaint", **facts)]
            intake.store(session, now, world.mail.id, told, "push")
    with ThreadPoolExecutor(2) as workers:
        done = list(workers.map(lambda _: intake.process(database.sessions, now, LINKS), range(2)))
    assert sum(done) == 40
    with database.read() as session:
        assert set(session.scalars(select(RawEvent.state))) == {"done"}
        assert count(session, Response) == count(session, DeliveryEvent) == count(session, Suppression) == 40


def test_what_names_something_unknown_is_looked_at_again_for_seven_days(
    database: Database, now: datetime, make_world: MakeWorld
) -> None:
    """H7: a hook may be faster than our own commit."""
    with database.write() as session:
        world = make_world(session, now)
        intake.store(session, now, world.mail.id, [world.event("delivered", provider_id="soon")], "push")
    at, looks = now, 0
    while at < now + timedelta(days=9):
        looks += intake.process(database.sessions, at, LINKS)
        at += timedelta(seconds=1) if at < now + timedelta(minutes=5) else timedelta(hours=1)
    with database.read() as session:
        assert session.scalars(select(RawEvent.state)).one() == "done"
    assert 10 <= looks <= 40


def test_what_is_known_on_the_seventh_day_is_told_of_it(
    database: Database, now: datetime, make_world: MakeWorld
) -> None:
    """H7: an outcome that a person found out late, and what was told of it meanwhile."""
    with database.write() as session:
        world = make_world(session, now)
        number = world.delivery(world.person("Ann", "ann@example.org"), provider_id=None).id
        told = [world.event(kind, provider_id="late", key=kind) for kind in ("delivered", "clicked")]
        intake.store(session, now, world.mail.id, told, "push")
    for hours in range(0, 7 * 24 + 1, 6):
        if hours == 6 * 24:
            with database.write() as session:
                assert session.scalars(select(DeliveryEvent)).all() == []
                session.get_one(Delivery, number).provider_id = "late"
        intake.process(database.sessions, now + timedelta(hours=hours), LINKS)
    with database.read() as session:
        found = session.execute(select(DeliveryEvent.delivery_id, DeliveryEvent.kind))
        assert {tuple(one) for one in found} == {(number, "delivered"), (number, "clicked")}
        assert set(session.scalars(select(RawEvent.state))) == {"done"}


def test_a_letter_to_a_colleague_that_comes_to_a_mailbox_we_read_is_no_response_and_is_not_kept(
    world: World,
) -> None:
    """A8: it may hold a link that lets somebody in."""
    meta = {"message_id": LINKS.letter_id(7)}
    raw = world.hear(world.event("auto_reply", sender="us@example.org", text="/let-in/secret", meta=meta))[0]
    assert raw.state == "done" and "secret" not in str(raw.event) and raw.body is None
    assert count(world.session, Response) == 0


def test_a_forged_name_of_a_letter_hides_nothing(world: World) -> None:
    meta = {"message_id": f"<letter.{'a' * 37}@example.org>"}
    world.hear(world.event("reply", sender="ann@example.org", text="Hello", meta=meta))
    assert count(world.session, Response) == 1


def test_the_third_message_of_ours_that_comes_back_in_a_day_is_an_alarm_once(
    database: Database, now: datetime, make_world: MakeWorld
) -> None:
    """M4"""
    heard: list[tuple[str, str]] = []
    with database.write() as session:
        world = make_world(session, now)
        names = [
            world.thread(world.delivery(world.person(f"P{n}", f"p{n}@example.org")))[1] for n in range(5)
        ]
        account = world.mail.id
    for n, name in enumerate(names):
        event = Event(
            key=f"own-{n}", kind="reply", at=now, sender="us@example.org", meta={"message_id": name}
        )
        with database.write() as session:
            intake.store(session, now, account, [event], "poll")
        intake.process(database.sessions, now, LINKS, alarm=lambda *told: heard.append(told))
        assert heard == ([] if n < 2 else [("mail_loop", "mail")])
    with database.read() as session:
        assert count(session, Response) == 0


def test_whoever_tells_of_another_accounts_deliveries_is_an_alarm_once_a_day(
    database: Database, now: datetime, make_world: MakeWorld
) -> None:
    """H8: a call that is genuine and names what is not its account's has no effect, and somebody looks at it."""
    heard: list[tuple[str, str]] = []
    with database.write() as session:
        world = make_world(session, now)
        delivery = world.delivery(world.person("Ann", "ann@example.org"))
        names, other = world.thread(delivery), world.account("elsewhere", "email").id
    for n in range(3):
        event = Event(key=f"theirs-{n}", kind="complaint", at=now, references=names, about="ann@example.org")
        with database.write() as session:
            intake.store(session, now, other, [event], "push")
        intake.process(database.sessions, now, LINKS, alarm=lambda *told: heard.append(told))
    assert heard == [("anothers_delivery", "elsewhere")]
    with database.read() as session:
        assert count(session, Suppression) == count(session, DeliveryEvent) == 0


def test_our_own_message_is_known_by_its_way_out_where_a_relay_renames_it(world: World) -> None:
    """M4"""
    delivery = world.delivery(world.person("Ann", "ann@example.org"))
    named = {"message_id": "<0100@relay.example>", "way_out": world.token(delivery, "unsubscribe")}
    forged = named | {"way_out": "a" * 37}
    world.hear(world.event("auto_reply", sender="us@example.org", meta=named))
    assert count(world.session, Response) == 0
    world.hear(world.event("auto_reply", sender="us@example.org", meta=forged))
    assert count(world.session, Response) == 1


@pytest.mark.parametrize("kind", ["reply", "auto_reply", "bounce", "opt_out"])
def test_nothing_is_answered_by_itself(world: World, kind: str) -> None:
    """M5: two machines that answer each other need two; Dolen sends nothing that no person wrote."""
    delivery = world.delivery(world.person("Ann", "ann@example.org"))
    before = count(world.session, Message), count(world.session, Delivery)
    for n in range(3):
        text = f"I am away, {n}"
        world.hear(world.event(kind, sender="ann@example.org", references=world.thread(delivery), text=text))
    assert (count(world.session, Message), count(world.session, Delivery)) == before


def test_our_own_message_that_comes_back_is_no_response(world: World) -> None:
    """M4."""
    delivery = world.delivery(world.person("Ann", "ann@example.org"))
    own = world.thread(delivery)[1]
    raw = world.hear(world.event("reply", sender="ann@example.org", meta={"message_id": own}))[0]
    assert raw.state == "done" and raw.error == "our own message came back"
    assert count(world.session, Response) == 0
