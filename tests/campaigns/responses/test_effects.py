"""Effects: what came back changes what it should, once, in whatever order it is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.delivery.tables import Attempt, Delivery, DeliveryEvent
from campaigns.errors import NotFound
from campaigns.responses import effects, match, merges
from campaigns.responses.tables import RawEvent, Response
from campaigns.stakeholders import addresses, consent
from campaigns.stakeholders.tables import Consent, Stakeholder, Suppression

from .conftest import World


def suppressed(world: World) -> list[tuple[str, str | None, str | None]]:
    found = world.session.scalars(select(Suppression).order_by(Suppression.reason, Suppression.purpose))
    return [(one.reason, one.address_key, one.purpose) for one in found if one.lifted_at is None]


def told(world: World) -> list[str]:
    return list(world.session.scalars(select(DeliveryEvent.kind).order_by(DeliveryEvent.kind)))


def may(world: World, person: Stakeholder, key: str, purpose: str, answer: bool = False) -> bool:
    decided = consent.decide(
        world.session, world.now, purpose=purpose, channel="email", pairs=[(person.id, key)], answer=answer
    )
    return decided[person.id, key].reason is None


def agree(world: World, person: Stakeholder, purpose: str = "direct_marketing", **values: Any) -> Consent:
    facts = {"basis": "consent", "source": "form", "actor": "usr_1", **values}
    return consent.give(world.session, world.now - timedelta(days=1), person.id, purpose, "email", **facts)


def named(world: World, delivery: Delivery, **values: Any) -> dict[str, Any]:
    """An event that a provider proves to be about a delivery."""
    return {"provider_id": delivery.provider_id, "about": delivery.address_key, **values}


def test_a_hard_bounce_ends_the_delivery_and_stops_the_address(world: World) -> None:
    """F5, H15: only that address of hers."""
    ann = world.person("Ann", "ann@example.org")
    addresses.add(world.session, world.now, ann.id, "email", "ann@work.example")
    delivery = world.delivery(ann)
    response = world.response(world.event("bounce", hard=True, text="550 5.1.1", **named(world, delivery)))
    assert (delivery.state, delivery.reason) == ("bounced", "address_gone")
    assert (response.stakeholder_id, response.from_key) == (ann.id, "ann@example.org")
    assert suppressed(world) == [("hard_bounce", "ann@example.org", None)]
    assert told(world) == ["bounced"]
    assert not may(world, ann, "ann@example.org", "service", answer=True)
    assert may(world, ann, "ann@work.example", "service")


def test_a_soft_bounce_is_told_and_changes_nothing(world: World) -> None:
    delivery = world.delivery(world.person("Ann", "ann@example.org"))
    world.hear(world.event("bounce", hard=False, **named(world, delivery)))
    assert (delivery.state, suppressed(world), told(world)) == ("sent", [], ["bounced"])


def test_a_complaint_stops_the_address_and_leaves_the_delivery_sent(world: World) -> None:
    """F5."""
    ann = world.person("Ann", "ann@example.org")
    delivery = world.delivery(ann)
    world.hear(world.event("complaint", **named(world, delivery)))
    assert (delivery.state, told(world)) == ("sent", ["complained"])
    assert suppressed(world) == [("spam_complaint", "ann@example.org", None)]
    assert may(world, ann, "ann@example.org", "service", answer=True)


@pytest.mark.parametrize("place", range(3))
def test_a_complaint_stops_one_address_of_three(world: World, place: int) -> None:
    """H15: the one that the message went to, for all that is written to it; and nobody else's."""
    keys = ["ann@example.org", "ann@work.example", "ann@home.example"]
    ann, bob = world.person("Ann", keys[0]), world.person("Bob", "bob@example.org")
    for key in keys[1:]:
        addresses.add(world.session, world.now, ann.id, "email", key)
    agree(world, ann)
    delivery = world.delivery(ann, address_key=keys[place])
    world.hear(world.event("complaint", **named(world, delivery)))
    assert suppressed(world) == [("spam_complaint", keys[place], None)]
    for purpose in ("service", "direct_marketing"):
        assert [may(world, ann, key, purpose) for key in keys] == [key != keys[place] for key in keys]
    assert may(world, bob, "bob@example.org", "service")


@pytest.mark.parametrize("kind", ["bounce", "complaint", "delivered", "opened"])
def test_a_report_that_anybody_could_have_written_is_only_logged(world: World, kind: str) -> None:
    """M8: a Message-ID guessed from a neighbour's does not silence the neighbour."""
    ann = world.person("Ann", "ann@example.org")
    delivery = world.delivery(ann, state="unknown")
    forged = {"references": world.thread(delivery), "hard": True, "verified": False}
    world.hear(world.event(kind, **forged))
    world.hear(world.event(kind, about="mallory@example.org", **forged))
    assert (delivery.state, suppressed(world), told(world)) == ("unknown", [], [])
    for response in world.session.scalars(select(Response)):
        assert response.stakeholder_id is None and response.delivery_id is None
    assert world.session.scalars(select(RawEvent.error)).all() == ["not proven to be about this delivery"] * 2


@pytest.mark.parametrize("proof", ["address", "token"])
def test_a_mail_servers_report_counts_when_it_names_the_address_or_our_token(
    world: World, proof: str
) -> None:
    """M6, M7."""
    delivery = world.delivery(world.person("Ann", "ann@example.org"))
    facts: dict[str, Any] = {"references": world.thread(delivery), "about": "Ann@example.org"}
    if proof == "token":
        facts = {"recipient_token": world.token(delivery), "about": "forwarded@elsewhere.example"}
    world.hear(world.event("bounce", hard=True, verified=False, **facts))
    assert delivery.state == "bounced"
    assert suppressed(world) == [("hard_bounce", "ann@example.org", None)]


@pytest.mark.parametrize("kind", ["bounce", "complaint"])
def test_where_mail_has_a_return_address_of_its_own_only_its_token_proves_a_report(
    world: World, kind: str
) -> None:
    """M8: whoever knows an address and guesses a Message-ID silences nobody."""
    account = world.account("council", "email", settings={"inbox_domain": "mail.example"})
    ann = world.person("Ann", "ann@example.org")
    delivery = world.delivery(ann, account)
    facts: dict[str, Any] = {"hard": True, "verified": False, "about": "ann@example.org"}
    world.hear(world.event(kind, references=world.thread(delivery), **facts), account=account)
    other = world.delivery(world.person("Mallory", "mallory@example.org"), account)
    stolen = {"references": world.thread(delivery), "recipient_token": world.token(other)}
    world.hear(world.event(kind, **stolen, **facts), account=account)
    assert (delivery.state, suppressed(world), told(world)) == ("sent", [], [])
    world.hear(world.event(kind, recipient_token=world.token(delivery), **facts), account=account)
    assert [key for _, key, _ in suppressed(world)] == ["ann@example.org"]


def guess(world: World, delivery: Delivery) -> None:
    facts = {"recipient_token": world.token(delivery), "verified": False, "meta": {"suspected": True}}
    world.hear(world.event("bounce", **facts))


def test_three_mails_that_seem_to_have_bounced_stop_an_address_and_two_do_not(world: World) -> None:
    """M9"""
    ann = world.person("Ann", "ann@example.org")
    first, second, third = (world.delivery(ann) for _ in range(3))
    for one in (first, second, first, second):
        guess(world, one)
    assert suppressed(world) == []
    guess(world, third)
    assert suppressed(world) == [("hard_bounce", "ann@example.org", None)]
    assert {one.state for one in (first, second, third)} == {"sent"}, "a guess settles no delivery"


def test_guesses_about_other_addresses_and_long_ago_are_no_strikes(world: World) -> None:
    """M9"""
    ann = world.person("Ann", "ann@example.org")
    addresses.add(world.session, world.now, ann.id, "email", "ann@work.example")
    guess(world, world.delivery(ann))
    guess(world, world.delivery(ann, address_key="ann@work.example"))
    world.later(days=91)
    guess(world, world.delivery(ann))
    guess(world, world.delivery(ann))
    assert suppressed(world) == []


def test_a_complaint_that_nothing_ties_to_a_mail_is_kept_and_stops_nobody(world: World) -> None:
    """M10"""
    world.person("Ann", "ann@example.org")
    response = world.response(world.event("complaint", about="ann@example.org", verified=False))
    assert (response.kind, response.from_key, response.stakeholder_id) == (
        "complaint",
        "ann@example.org",
        None,
    )
    assert suppressed(world) == []


def test_a_bounce_says_what_became_of_an_unknown_delivery(world: World) -> None:
    delivery = world.delivery(world.person("Ann", "ann@example.org"), state="unknown", next_at=world.now)
    world.hear(world.event("bounce", hard=True, **named(world, delivery)))
    assert (delivery.state, delivery.next_at, delivery.settled_at) == ("bounced", None, world.now)
    attempt = world.session.scalars(select(Attempt)).one()
    assert (attempt.outcome, attempt.phase) == ("evidence_bounced", "bounce")


@pytest.mark.parametrize("kind", ["delivered", "opened", "clicked", "complaint", "reply", "auto_reply"])
def test_what_only_a_recipient_can_cause_proves_that_an_unknown_delivery_arrived(
    world: World, kind: str
) -> None:
    delivery = world.delivery(world.person("Ann", "ann@example.org"), state="unknown", sent_at=None)
    world.hear(world.event(kind, sender="ann@example.org", **named(world, delivery)))
    assert (delivery.state, delivery.sent_at) == ("sent", world.now)


@pytest.mark.parametrize("state", ["queued", "deferred", "failed", "cancelled", "excluded", "bounced"])
@pytest.mark.parametrize("kind", ["bounce", "delivered"])
def test_evidence_moves_nothing_backward(world: World, state: str, kind: str) -> None:
    delivery = world.delivery(world.person("Ann", "ann@example.org"), state=state)
    world.hear(world.event(kind, hard=True, **named(world, delivery)))
    assert delivery.state == state and len(told(world)) == 1


def test_an_event_about_a_delivery_in_flight_waits_for_its_outcome(world: World) -> None:
    delivery = world.delivery(world.person("Ann", "ann@example.org"), state="sending")
    event = world.event("delivered", references=world.thread(delivery))
    raw = world.hear(event)[0]
    assert (raw.state, told(world)) == ("new", []) and raw.next_at > world.now
    delivery.state = "unknown"
    world.hear(event)
    assert (raw.state, delivery.state, told(world)) == ("done", "sent", ["delivered"])


@pytest.mark.parametrize("event", ["reply", "auto_reply"])
def test_an_automatic_answer_is_never_a_reply(world: World, event: str) -> None:
    """M1."""
    delivery = world.delivery(world.person("Ann", "ann@example.org"))
    response = world.response(
        world.event(event, sender="ann@example.org", references=world.thread(delivery), text="Nôl dydd Llun")
    )
    assert response.kind == event and response.stakeholder_id is not None
    assert told(world) == (["replied"] if event == "reply" else [])


def test_opting_out_by_mail_withdraws_and_stops_marketing_on_that_channel(world: World) -> None:
    """F5, H3, M19."""
    ann = world.person("Ann", "ann@example.org")
    agree(world, ann)
    delivery = world.delivery(ann)
    assert may(world, ann, "ann@example.org", "direct_marketing")
    event = world.event(
        "opt_out", sender="someone@forwarded.example", recipient_token=world.token(delivery, "unsubscribe")
    )
    world.hear(event)
    world.hear(event)
    assert suppressed(world) == [("opt_out", "ann@example.org", "direct_marketing")]
    acts = world.session.scalars(select(Consent.act).order_by(Consent.at)).all()
    assert acts == ["given", "withdrawn"]
    assert not may(world, ann, "ann@example.org", "direct_marketing")
    assert may(world, ann, "ann@example.org", "service")


def test_an_opt_out_by_another_account_is_the_recipients_or_stops_nobody(world: World) -> None:
    """I3: whoever may call an account of theirs could name any mail and stop it to its reader."""
    ann = world.person("Ann", "ann@example.org")
    delivery, other = world.delivery(ann), world.account("elsewhere", "email")
    names = {"references": world.thread(delivery)}
    world.hear(world.event("opt_out", sender="mallory@example.org", **names), account=other)
    assert "ann@example.org" not in {address for _, address, _ in suppressed(world)}
    world.hear(world.event("opt_out", sender="ann@example.org", **names), account=other)
    assert ("opt_out", "ann@example.org", "direct_marketing") in suppressed(world)


def test_an_opt_out_without_a_thread_is_honoured_for_the_address_that_sent_it(world: World) -> None:
    ann = world.person("Ann", "home@example.org")
    world.person("Bob", "home@example.org")
    agree(world, ann)
    world.hear(world.event("opt_out", sender="home@example.org"))
    assert sorted(suppressed(world)) == [
        ("opt_out", "home@example.org", "direct_marketing"),
        ("opt_out", "home@example.org", "survey"),
    ]
    assert not may(world, ann, "home@example.org", "direct_marketing")
    assert not may(world, ann, "home@example.org", "survey") and may(
        world, ann, "home@example.org", "service"
    )


def test_an_account_of_one_programme_stops_mail_to_those_it_has_written_to(world: World) -> None:
    """I3: whoever has one programme connects any system to it, and that could say of anybody what it likes."""
    ann, account = world.person("Ann", "ann@example.org"), world.account(
        "theirs", "email", programme_id=world.programme.id
    )  # fmt: skip
    claim = world.event("opt_out", sender="ann@example.org")
    world.hear(claim, account=account)
    assert suppressed(world) == [] and may(world, ann, "ann@example.org", "service")
    world.delivery(ann, account)
    world.hear(replace(claim, key="again"), account=account)
    assert ("opt_out", "ann@example.org", "direct_marketing") in suppressed(world)


@pytest.mark.parametrize(
    "wrote_to", ["before they were merged", "while they were one", "somebody else meanwhile"]
)
@pytest.mark.parametrize("undone", [False, True])
def test_an_account_of_one_programme_is_believed_about_whom_it_wrote_to_on_another_record(
    world: World, wrote_to: str, undone: bool
) -> None:
    """I3: an opt-out counts however often the records of who says it were made one and two again."""
    account = world.account("theirs", "email", programme_id=world.programme.id)
    ann, twin = world.person("Ann", "ann@example.org"), world.person("Ann", "anne@example.org")
    if wrote_to == "before they were merged":
        world.delivery(twin, account)
    made = merges.merge(world.session, world.now, ann.id, twin.id, take={}, reason="", by="usr_1")
    if wrote_to == "while they were one":
        world.delivery(ann, account, address_key="anne@example.org")
    if wrote_to == "somebody else meanwhile":
        world.delivery(world.person("Bob", "bob@example.org"), account)
    if undone:
        merges.undo(world.session, world.now, made, "usr_1")
    world.hear(world.event("opt_out", sender="anne@example.org"), account=account)
    believed = ("opt_out", "anne@example.org", "direct_marketing") in suppressed(world)
    assert believed is (wrote_to != "somebody else meanwhile")


def test_an_opt_out_that_may_be_forged_waits_for_a_person(world: World) -> None:
    ann = world.person("Ann", "ann@example.org")
    response = world.response(world.event("opt_out", sender="ann@example.org", verified=False))
    assert suppressed(world) == []
    match.match_by_hand(world.session, world.now, response, ann.id, "usr_1")
    assert ("opt_out", "ann@example.org", "direct_marketing") in suppressed(world)


def test_the_link_stops_marketing_and_what_it_came_with(world: World) -> None:
    """H4: the promise in the mail, "stop these messages", holds for its purpose too; answers still go."""
    ann = world.person("Ann", "ann@example.org")
    delivery = world.delivery(ann, message=world.message(purpose="service"))
    assert effects.unsubscribe(world.session, world.now, delivery.id, how="one_click") is True
    assert effects.unsubscribe(world.session, world.later(minutes=1), delivery.id, how="page") is False
    assert suppressed(world) == [
        ("opt_out", "ann@example.org", "direct_marketing"),
        ("opt_out", "ann@example.org", "service"),
    ]
    assert not may(world, ann, "ann@example.org", "service")
    assert may(world, ann, "ann@example.org", "survey")
    assert may(world, ann, "ann@example.org", "service", answer=True)
    with pytest.raises(NotFound):
        effects.unsubscribe(world.session, world.now, 1, how="page")


def test_the_same_link_undoes_what_it_did(world: World) -> None:
    """U13."""
    ann = world.person("Ann", "ann@example.org")
    ends = world.now + timedelta(days=90)
    agree(world, ann, expires_at=ends)
    delivery = world.delivery(ann, message=world.message(purpose="survey"))
    effects.unsubscribe(world.session, world.now, delivery.id, how="page")
    assert effects.is_unsubscribed(world.session, world.now, delivery.id)
    world.later(days=2)
    assert effects.resubscribe(world.session, world.now, delivery.id) is True
    assert effects.resubscribe(world.session, world.now, delivery.id) is False
    assert not effects.is_unsubscribed(world.session, world.now, delivery.id)
    assert suppressed(world) == []
    assert may(world, ann, "ann@example.org", "direct_marketing")
    assert may(world, ann, "ann@example.org", "survey")
    restored = consent.latest(world.session, [ann.id], "direct_marketing", "email")[ann.id]
    assert (restored.act, restored.basis, restored.expires_at) == ("given", "consent", ends)


def test_undoing_restores_no_permission_that_was_not_there(world: World) -> None:
    ann = world.person("Ann", "ann@example.org")
    agree(world, ann, expires_at=world.now + timedelta(hours=1))
    delivery = world.delivery(ann)
    effects.unsubscribe(world.session, world.now, delivery.id, how="page")
    assert effects.resubscribe(world.session, world.later(hours=2), delivery.id) is True
    assert not may(world, ann, "ann@example.org", "direct_marketing")


def test_undoing_is_for_thirty_days_and_for_the_links_own_doing(world: World) -> None:
    """U13."""
    ann = world.person("Ann", "ann@example.org")
    agree(world, ann)
    first, second = world.delivery(ann), world.delivery(ann)
    effects.unsubscribe(world.session, world.now, first.id, how="page")
    assert effects.unsubscribe(world.session, world.now, second.id, how="page") is False
    assert effects.resubscribe(world.session, world.later(days=1), second.id) is False
    assert effects.resubscribe(world.session, world.later(days=29), first.id) is False
    assert not may(world, ann, "ann@example.org", "direct_marketing")


def test_undoing_leaves_what_was_stopped_in_another_way(world: World) -> None:
    ann = world.person("Ann", "ann@example.org")
    agree(world, ann)
    consent.withdraw(
        world.session, world.now, ann.id, "direct_marketing", "email", source="telephone", actor="usr_1"
    )
    delivery = world.delivery(ann)
    effects.unsubscribe(world.session, world.now, delivery.id, how="page")
    effects.resubscribe(world.session, world.later(days=1), delivery.id)
    assert not may(world, ann, "ann@example.org", "direct_marketing")


def test_a_test_sent_to_an_address_nobody_checked_can_bounce_and_opt_out(world: World) -> None:
    delivery = world.delivery(None, address_key="me@localhost")
    world.hear(world.event("bounce", hard=True, **named(world, delivery)))
    effects.unsubscribe(world.session, world.now, delivery.id, how="page")
    assert (delivery.state, suppressed(world)) == ("bounced", [])


STORY = ("sent", "delivered", "clicked", "bounce", "complaint", "reply")


ORDERS = list(permutations(STORY))


@pytest.mark.parametrize("some", [ORDERS[start : start + 120] for start in range(0, 720, 120)])
def test_all_720_orders_of_six_events_end_the_same(world: World, some: list[tuple[str, ...]]) -> None:
    """H6: our own settling is one of the six; the others may be told before it."""
    message, ends = world.message(), []
    told_by: list[dict[str, Any]] = []
    for place, order in enumerate(some):
        key = f"p{place}@example.org"
        person = world.person(f"P{place}", key)
        delivery = world.delivery(person, message=message, state="sending", provider_id=None, sent_at=None)
        name = f"name-{place}"
        events = {
            kind: world.event(
                kind, provider_id=name, about=key, hard=True, sender=key if kind == "reply" else ""
            )
            for kind in STORY
        }
        for kind in order:
            if kind == "sent":
                delivery.state, delivery.provider_id, delivery.sent_at = "sent", name, world.now
                world.session.flush()
            else:
                world.hear(events[kind])
        waiting = [events[kind] for kind in STORY[1:]]
        world.hear(*waiting)  # what had to wait is looked at again
        ends.append(delivery.state)
        told_by.append(_end(world, delivery, key))
    assert ends == ["bounced"] * len(some)
    assert told_by == [
        {
            "reason": "address_gone",
            "told": ["bounced", "clicked", "complained", "delivered", "replied"],
            "stopped": ["hard_bounce", "spam_complaint"],
            "responses": [("bounce", "provider_id"), ("complaint", "provider_id"), ("reply", "provider_id")],
            "open": 0,
        }
    ] * len(some)


def _end(world: World, delivery: Delivery, key: str) -> dict[str, Any]:
    session = world.session
    stopped = select(Suppression.reason).where(Suppression.address_key == key).order_by(Suppression.reason)
    kinds = select(DeliveryEvent.kind).where(DeliveryEvent.delivery_id == delivery.id)
    back = select(Response.kind, Response.matched_by).where(Response.delivery_id == delivery.id)
    return {
        "reason": delivery.reason,
        "told": list(session.scalars(kinds.order_by(DeliveryEvent.kind))),
        "stopped": list(session.scalars(stopped)),
        "responses": [tuple(row) for row in session.execute(back.order_by(Response.kind))],
        "open": len(session.scalars(select(RawEvent.id).where(RawEvent.state != "done")).all()),
    }
