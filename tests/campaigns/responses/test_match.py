"""Match: in order, never guessed, and by a person where it is not certain."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from campaigns.delivery.tables import DeliveryEvent
from campaigns.errors import NotFound
from campaigns.links import Links
from campaigns.responses import match, merges
from campaigns.responses.tables import Identity, Response, ResponseCandidate
from campaigns.stakeholders import addresses

from .conftest import World


def candidates(world: World, response: Response) -> dict[int, tuple[str, int]]:
    found = world.session.scalars(
        select(ResponseCandidate).where(ResponseCandidate.response_id == response.id)
    )
    return {one.stakeholder_id: (one.reason, one.score) for one in found}


@pytest.mark.parametrize("way", ["provider_id", "references", "token"])
def test_a_reply_finds_its_delivery_and_its_sender(world: World, way: str) -> None:
    """F2."""
    ann = world.person("Ann", "ann@example.org")
    delivery = world.delivery(ann)
    ways: dict[str, dict[str, Any]] = {
        "provider_id": {"provider_id": delivery.provider_id},
        "references": {"references": world.thread(delivery)},
        "token": {"recipient_token": world.token(delivery)},
    }
    response = world.response(world.event("reply", sender="Ann@Example.org", text="Diolch", **ways[way]))
    assert (response.stakeholder_id, response.delivery_id, response.matched_by) == (ann.id, delivery.id, way)
    assert (response.message_id, response.programme_id) == (delivery.message_id, world.programme.id)


def test_the_provider_id_comes_before_references_and_these_before_the_token(world: World) -> None:
    ann = world.person("Ann", "ann@example.org")
    first, second, third = (world.delivery(ann) for _ in range(3))
    everything = {
        "provider_id": first.provider_id, "references": world.thread(second),
        "recipient_token": world.token(third), "sender": "ann@example.org",
    }  # fmt: skip
    assert world.response(world.event("reply", **everything)).delivery_id == first.id
    everything["provider_id"] = ""
    assert world.response(world.event("reply", **everything)).delivery_id == second.id
    everything["references"] = ()
    assert world.response(world.event("reply", **everything)).delivery_id == third.id


@pytest.mark.parametrize(
    "reference", ["<dlv_0000000000000@mail.example>", "<dlv_x@mail.example>", "dlv_", "<>", "<a@b>"]
)
def test_a_reference_that_is_nobodys_matches_nothing(world: World, reference: str) -> None:
    response = world.response(world.event("reply", references=(reference,)))
    assert response.delivery_id is None and response.matched_by is None


def test_a_message_id_of_another_installation_is_not_ours(world: World) -> None:
    delivery = world.delivery(world.person("Ann", "ann@example.org"))
    foreign = world.thread(delivery)[1].replace("mail.example", "other.example")
    assert world.response(world.event("reply", references=(foreign,))).delivery_id is None


def test_a_forged_token_matches_nothing(world: World) -> None:
    delivery = world.delivery(world.person("Ann", "ann@example.org"))
    forged = Links("https://dolen.example", (b"x" * 32,), "mail.example").token("reply", delivery.id)
    assert world.response(world.event("reply", recipient_token=forged)).delivery_id is None


def test_without_a_thread_the_one_holder_of_the_address_is_the_sender(world: World) -> None:
    ann = world.person("Ann", "ann@münchen.de")
    response = world.response(world.event("reply", sender="ANN@xn--mnchen-3ya.de"))
    assert (response.stakeholder_id, response.matched_by) == (ann.id, "address")


def test_an_address_of_several_is_never_guessed(world: World) -> None:
    ann, bob = world.person("Ann", "home@example.org"), world.person("Bob", "home@example.org")
    response = world.response(world.event("reply", sender="home@example.org"))
    assert (response.stakeholder_id, response.matched_by) == (None, None)
    assert candidates(world, response) == {ann.id: ("address", 60), bob.id: ("address", 60)}


def test_a_sender_who_may_be_forged_is_a_candidate_only(world: World) -> None:
    """M16."""
    ann = world.person("Ann", "ann@example.org")
    response = world.response(world.event("reply", sender="ann@example.org", verified=False))
    assert response.matched_by is None and response.meta["verified"] is False
    assert candidates(world, response) == {ann.id: ("address", 60)}


@pytest.mark.parametrize("sender", ["bob@example.org", "ann+shop@example.org", "stranger@example.org"])
def test_a_forwarded_letter_is_not_put_on_the_first_readers_record(world: World, sender: str) -> None:
    """M17: a person confirms; nobody is recorded as having answered who did not."""
    ann, _ = world.person("Ann", "ann@example.org"), world.person("Bob", "bob@example.org")
    delivery = world.delivery(ann)
    response = world.response(world.event("reply", sender=sender, references=world.thread(delivery)))
    assert response.stakeholder_id is None and response.delivery_id == delivery.id
    assert candidates(world, response)[ann.id] == ("thread", 80)
    assert world.session.scalars(select(DeliveryEvent)).all() == []


def test_a_machines_answer_to_our_signed_address_belongs_to_the_letter_it_answers(world: World) -> None:
    """M1: a delay notice or an out-of-office from another address is nobody's answer and no riddle either."""
    ann = world.person("Ann", "ann@example.org")
    facts = {"sender": "mailer-daemon@relay.example", "recipient_token": world.token(world.delivery(ann))}
    assert world.response(world.event("auto_reply", **facts)).stakeholder_id == ann.id
    assert world.response(world.event("reply", **facts)).stakeholder_id is None


def test_a_plus_address_and_a_name_make_candidates(world: World) -> None:
    """M17."""
    ann, other = world.person("Ann", "ann@example.org"), world.person("Siân Ŵyn")
    event = world.event("reply", sender="ann+news@example.org", sender_name="SIÂN ŵyn")
    response = world.response(event)
    assert candidates(world, response) == {ann.id: ("plus_address", 40), other.id: ("name", 20)}


def test_a_public_answer_is_the_handles_and_on_the_posts_thread(world: World) -> None:
    ann = world.person("Ann", "@ann", channel="x")
    account = world.account("x", "x", broadcast=True)
    post = world.delivery(None, account, provider_id="1900")
    event = world.event("reply", provider_id="1900", sender="@Ann")
    known = world.response(event, account=account)
    assert (known.stakeholder_id, known.delivery_id) == (ann.id, post.id)
    unknown = world.response(world.event("reply", provider_id="1900", sender="@new"), account=account)
    assert (unknown.stakeholder_id, unknown.delivery_id) == (None, post.id)


def test_a_provider_id_of_another_account_means_nothing(world: World) -> None:
    """H8."""
    ann = world.person("Ann", "ann@example.org")
    other = world.account("other", "email")
    delivery = world.delivery(ann)
    world.hear(world.event("delivered", provider_id=delivery.provider_id), account=other)
    assert world.session.scalars(select(DeliveryEvent)).all() == []


def test_a_decision_holds_for_the_same_handle_before_and_after_it(world: World) -> None:
    """F13."""
    ann = world.person("Ann", "ann@example.org")
    delivery = world.delivery(ann)
    earlier = world.response(world.event("reply", sender="ann@work.example"))
    threaded = world.response(
        world.event("reply", sender="ann@work.example", references=world.thread(delivery))
    )
    stranger = world.response(world.event("reply", sender="other@work.example"))
    assert match.match_by_hand(world.session, world.now, threaded, ann.id, "usr_1") == 2
    later = world.response(world.event("reply", sender="Ann@work.example"))
    assert [one.stakeholder_id for one in (earlier, threaded, later)] == [ann.id] * 3
    assert [one.matched_by for one in (earlier, threaded, later)] == ["person"] * 3
    assert stranger.matched_by is None
    assert candidates(world, threaded) == {}
    replied = world.session.scalars(select(DeliveryEvent)).one()
    assert (replied.kind, replied.delivery_id, replied.stakeholder_id) == ("replied", delivery.id, ann.id)
    in_thread = world.response(
        world.event("reply", sender="ann@work.example", references=world.thread(delivery))
    )
    assert in_thread.matched_by == "references"


def test_a_better_decision_takes_the_earlier_one_back(world: World) -> None:
    """F13."""
    ann, bob = world.person("Ann", "ann@example.org"), world.person("Bob")
    delivery = world.delivery(ann)
    event = world.event("reply", sender="x@y.example", references=world.thread(delivery))
    first, second = world.response(event), world.response(world.event("reply", sender="x@y.example"))
    match.match_by_hand(world.session, world.now, first, ann.id, "usr_1")
    assert world.session.scalars(select(DeliveryEvent.kind)).all() == ["replied"]
    match.match_by_hand(world.session, world.later(hours=1), first, bob.id, "usr_2")
    assert (first.stakeholder_id, second.stakeholder_id) == (bob.id, bob.id)
    assert world.session.scalars(select(DeliveryEvent)).all() == []
    known = world.session.execute(select(Identity.stakeholder_id, Identity.confidence)).all()
    assert dict(known) == {ann.id: 0, bob.id: 100}
    assert world.response(world.event("reply", sender="x@y.example")).stakeholder_id == bob.id


def test_a_decision_about_a_shared_address_is_about_one_letter(world: World) -> None:
    ann, _ = world.person("Ann", "home@example.org"), world.person("Bob", "home@example.org")
    first, second = (world.response(world.event("reply", sender="home@example.org")) for _ in range(2))
    assert match.match_by_hand(world.session, world.now, first, ann.id, "usr_1") == 1
    assert (first.stakeholder_id, second.stakeholder_id) == (ann.id, None)
    assert world.response(world.event("reply", sender="home@example.org")).stakeholder_id is None


def test_a_letter_that_may_be_forged_is_not_moved_by_a_decision_about_another(world: World) -> None:
    """M16."""
    ann = world.person("Ann")
    forged = world.response(world.event("reply", sender="a@b.example", verified=False))
    true = world.response(world.event("reply", sender="a@b.example"))
    match.match_by_hand(world.session, world.now, true, ann.id, "usr_1")
    assert (true.stakeholder_id, forged.stakeholder_id) == (ann.id, None)


def test_a_decision_names_somebody_who_exists(world: World) -> None:
    response = world.response(world.event("reply", sender="a@b.example"))
    with pytest.raises(NotFound):
        match.match_by_hand(world.session, world.now, response, 1, "usr_1")
    assert response.matched_by is None


def test_a_thread_known_later_completes_what_the_address_had_matched(world: World) -> None:
    """H6: a reply that is faster than our own commit."""
    ann = world.person("Ann", "ann@example.org")
    delivery = world.delivery(ann, provider_id=None)
    event = world.event("reply", sender="ann@example.org", provider_id="late")
    early = world.response(event)
    assert (early.matched_by, early.delivery_id) == ("address", None)
    delivery.provider_id = "late"
    world.hear(event)
    assert (early.matched_by, early.delivery_id) == ("provider_id", delivery.id)
    assert world.session.scalars(select(DeliveryEvent.kind)).all() == ["replied"]


def test_a_retired_address_matches_nobody(world: World) -> None:
    ann = world.person("Ann", "ann@example.org")
    addresses.retire(world.session, addresses.of(world.session, ann.id)[0])
    assert world.response(world.event("reply", sender="ann@example.org")).matched_by is None


@pytest.mark.parametrize(
    ("channel", "first", "again"),
    [
        ("x", "@NewHandle", "newhandle"),
        ("mastodon", "@Ann@Social.Example", "ann@social.example"),
        ("bluesky", "ann.bsky.example", "Ann.bsky.example"),
        ("matrix", "@ann:matrix.example", "@Ann:matrix.example"),
        ("slack", "U024BE7LH", "U024BE7LH"),
        ("telegram", "@ann_rees", "Ann_Rees"),
    ],
)
def test_who_a_handle_of_a_network_is_has_to_be_said_once(
    world: World, channel: str, first: str, again: str
) -> None:
    """F13: what it wrote before is linked anew, likes and mentions included; what it writes later is known."""
    ann = world.person("Ann", "ann@example.org")
    account = world.account(channel, channel, broadcast=True)
    earlier = [
        world.response(world.event(kind, sender=again), account=account) for kind in ("mention", "like")
    ]
    said = world.response(world.event("reply", sender=first), account=account)
    other = world.response(world.event("reply", sender=f"{first}2"), account=account)
    assert {one.stakeholder_id for one in (*earlier, said, other)} == {None}
    assert match.match_by_hand(world.session, world.now, said, ann.id, "usr_1") == 3
    later = world.response(world.event("like", sender=again), account=account)
    assert [(one.stakeholder_id, one.matched_by) for one in (*earlier, said, later)] == [
        (ann.id, "person")
    ] * 4
    assert other.stakeholder_id is None
    assert world.session.scalars(select(Identity.confidence)).all() == [100]


def test_an_address_of_records_that_were_merged_is_one_persons(world: World) -> None:
    """A15, F3: whoever answers what went to either record is known, until they are two again."""
    ann, anne = world.person("Ann", "ann@example.org"), world.person("Anne", "ann@example.org")
    other = world.person("Anne B.", "anne.b@example.org")
    delivery = world.delivery(other)
    assert world.response(world.event("reply", sender="ann@example.org")).stakeholder_id is None
    take = {"name": "kept"}
    made = [
        merges.merge(world.session, world.now, ann.id, gone.id, take=take, reason="", by="usr_1")
        for gone in (anne, other)
    ]
    assert world.response(world.event("reply", sender="ann@example.org")).stakeholder_id == ann.id
    in_thread = world.response(
        world.event("reply", sender="ann@example.org", references=world.thread(delivery))
    )
    assert (in_thread.stakeholder_id, in_thread.matched_by) == (other.id, "references")
    assert world.session.scalars(select(DeliveryEvent.kind)).all() == ["replied"]
    for one in reversed(made):
        merges.undo(world.session, world.now, one, "usr_1")
    assert world.response(world.event("reply", sender="ann@example.org")).stakeholder_id is None


def test_a_decision_about_a_record_that_was_merged_is_about_the_one_that_stands_for_it(world: World) -> None:
    ann, anne = world.person("Ann"), world.person("Anne")
    said = world.response(world.event("reply", sender="a@b.example"))
    match.match_by_hand(world.session, world.now, said, anne.id, "usr_1")
    merges.merge(world.session, world.now, ann.id, anne.id, take={"name": "kept"}, reason="", by="usr_1")
    assert world.response(world.event("reply", sender="a@b.example")).stakeholder_id == ann.id
