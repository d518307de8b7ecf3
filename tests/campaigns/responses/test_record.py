"""The record: everything about one person in one order, page by page, from the facts themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event as listen
from sqlalchemy.orm import Session

from campaigns.responses import effects, interactions, record
from campaigns.responses.record import Entry
from campaigns.stakeholders import consent
from campaigns.stakeholders.tables import Stakeholder
from campaigns.strategies.tables import Agreement, Party, Programme

from .conftest import World


def a_life(world: World) -> Stakeholder:
    """One of everything that a record can show."""
    ann = world.person("Ann", "ann@example.org")
    facts: dict[str, Any] = {"purpose": "direct_marketing", "channel": "email"}
    consent.give(world.session, world.now, ann.id, **facts, basis="consent", source="form", actor="usr_1")
    world.later(hours=1)
    sent = world.delivery(ann)
    world.later(hours=1)
    world.hear(world.event("opened", provider_id=sent.provider_id))
    world.later(hours=1)
    world.hear(world.event("reply", sender="ann@example.org", text="Diolch", references=world.thread(sent)))
    world.later(hours=1)
    interactions.log(
        world.session, world.now, stakeholder_id=ann.id, programme_id=world.programme.id, kind="meeting",
        at=world.now, by="usr_1", place="Bangor", notes="Wants a clinic on Tuesdays",
    )  # fmt: skip
    world.later(hours=1)
    _agreed(world, ann)
    world.later(hours=1)
    world.delivery(ann, state="excluded", reason="frequency_cap", sent_at=None)
    world.later(hours=1)
    world.delivery(ann, state="queued", sent_at=None, settled_at=None)
    world.later(hours=1)
    effects.unsubscribe(world.session, world.now, sent.id, how="page")
    world.later(hours=1)
    consent.suppress(
        world.session,
        world.now,
        channel="email",
        reason="manual",
        origin="admin",
        address_key="ann@example.org",
    )
    return ann


def _agreed(world: World, ann: Stakeholder) -> None:
    party = Party(strategy_id=world.version.strategy_id, kind="stakeholder", ref=str(ann.id), label="Ann")
    world.session.add(party)
    world.session.flush()
    world.session.add(
        Agreement(
            version_id=world.version.id, party_id=party.id, stakeholder_id=ann.id, decision="agreed", by="Ann",
            digest=world.version.digest, shown_text_sha256="0", at=world.now,
        )
    )  # fmt: skip
    world.session.flush()


def shown(entries: list[Entry]) -> list[tuple[str, str]]:
    return [(entry.kind, entry.evidence["what"]) for entry in entries]


def test_everything_between_us_and_one_person_is_there_newest_first(world: World) -> None:
    """F1, SM16."""
    ann = a_life(world)
    neighbour = world.person("Bob", "bob@example.org")
    world.delivery(neighbour)
    entries = record.timeline(world.session, ann.id)
    assert shown(entries) == [
        ("suppression", "manual"),
        ("suppression", "opt_out"),
        ("consent", "withdrawn"),
        ("delivery", "queued"),
        ("delivery", "excluded"),
        ("agreement", "agreed"),
        ("interaction", "meeting"),
        ("response", "reply"),
        ("delivery_event", "opened"),
        ("delivery", "sent"),
        ("consent", "given"),
    ]
    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)
    found = {entry.kind: entry for entry in entries}
    assert found["response"].evidence["text"] == "Diolch"
    assert found["response"].evidence["origin"] == "references"
    assert found["response"].evidence["programme_id"] == world.programme.id
    assert found["response"].source == "responses"
    assert found["interaction"].evidence["text"] == "Wants a clinic on Tuesdays"
    assert found["agreement"].evidence["subject"] == "Everyday"
    assert found["consent"].evidence["basis"] == "consent"
    assert entries[4].evidence["reason"] == "frequency_cap"
    assert found["delivery"].evidence["sent_at"] == found["delivery"].at
    assert record.timeline(world.session, neighbour.id)[0].kind == "delivery"


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_put_together_are_the_whole_record(world: World, size: int) -> None:
    """F1: also where facts share an instant."""
    ann = a_life(world)
    for _ in range(4):
        world.delivery(ann)
    whole = record.timeline(world.session, ann.id)
    read: list[Entry] = []
    while page := record.timeline(world.session, ann.id, after=read[-1].cursor if read else None, limit=size):
        assert len(page) <= size
        read += page
    assert read == whole and len({entry.id for entry in read}) == len(whole) == 15


def test_a_page_is_one_statement_after_who_it_is_about(world: World, session: Session) -> None:
    ann = a_life(world)
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    session.flush()
    listen.listen(session.get_bind(), "before_cursor_execute", note)
    try:
        record.timeline(session, ann.id, limit=5)
    finally:
        listen.remove(session.get_bind(), "before_cursor_execute", note)
    assert ["UNION" in one for one in statements] == [False, True]  # whose records are read, then all of them


def test_another_programme_sees_what_is_its_own_and_what_belongs_to_none(world: World) -> None:
    ann = a_life(world)
    other = Programme(name="Other", starts_on=world.programme.starts_on, **world._edited())
    world.session.add(other)
    world.session.flush()
    facts: dict[str, Any] = {"stakeholder_id": ann.id, "kind": "call", "at": world.now, "by": "usr_2"}
    interactions.log(world.session, world.now, programme_id=other.id, **facts)
    here = record.timeline(world.session, ann.id, programme_ids=[world.programme.id])
    there = record.timeline(world.session, ann.id, programme_ids=[other.id])
    assert ("interaction", "call") not in shown(here) and len(here) == 11
    assert shown(there) == [
        ("interaction", "call"), ("suppression", "manual"), ("suppression", "opt_out"),
        ("consent", "withdrawn"), ("consent", "given"),
    ]  # fmt: skip


def test_a_bounce_is_on_the_record_once(world: World) -> None:
    ann = world.person("Ann", "ann@example.org")
    delivery = world.delivery(ann)
    world.hear(world.event("bounce", hard=True, provider_id=delivery.provider_id))
    kinds = sorted(entry.kind for entry in record.timeline(world.session, ann.id))
    assert kinds == ["delivery", "response", "suppression"]


def test_a_public_answer_is_on_the_record_of_whoever_is_answered(world: World) -> None:
    ann = world.person("Ann", "@ann", channel="x")
    account = world.account("x", "x", broadcast=True)
    asked = world.response(world.event("mention", sender="@ann", text="When?"), account=account)
    message = world.message(kind="answer", answers_id=asked.id, purpose="service")
    asked.answer_message_id = message.id
    world.later(minutes=5)
    delivery = world.delivery(None, account, message=message)
    entries = record.timeline(world.session, ann.id)
    assert [(entry.kind, entry.id) for entry in entries] == [
        ("delivery", delivery.id),
        ("response", asked.id),
    ]


def test_what_does_not_belong_to_anybody_is_on_no_record(world: World) -> None:
    ann = world.person("Ann", "home@example.org")
    world.person("Bob", "home@example.org")
    world.hear(world.event("reply", sender="home@example.org"))
    assert record.timeline(world.session, ann.id) == []


def test_a_lifted_suppression_says_so(world: World) -> None:
    ann = world.person("Ann", "ann@example.org")
    facts: dict[str, Any] = {"channel": "email", "reason": "manual", "origin": "admin"}
    made = consent.suppress(world.session, world.now, stakeholder_id=ann.id, **facts)
    consent.lift(world.session, world.now + timedelta(days=1), made.id, "usr_1", "a mistake")
    entry = record.timeline(world.session, ann.id)[0]
    assert entry.evidence["ended_at"] == world.now + timedelta(days=1)
    assert (entry.evidence["by"], entry.evidence["reason"]) == ("usr_1", "a mistake")
