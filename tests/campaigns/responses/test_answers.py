"""Answers: back to the person, in their thread and language, stopped by nothing but what must stop them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from campaigns.delivery import audience, release
from campaigns.errors import AlreadyDone, CannotAnswer
from campaigns.messages import content, render
from campaigns.messages.tables import Message, MessageRecipient, Occurrence, Variant
from campaigns.responses import answers, effects, match
from campaigns.responses.tables import RESPONSE_KINDS, Response
from campaigns.stakeholders import addresses, consent
from campaigns.stakeholders.tables import Stakeholder

from .conftest import World


def wrote(world: World, person: Stakeholder, **values: Any) -> Response:
    """A reply of this person to a mail of ours."""
    delivery = world.delivery(person)
    facts = {
        "sender": addresses.of(world.session, person.id)[0].value, "references": world.thread(delivery),
        "subject": "RE: Newyddion", "text": "Pryd?", "language": "cy",
        "meta": {"message_id": "<abc@example.org>"},
    }  # fmt: skip
    return world.response(world.event("reply", **facts | values))


def reply(world: World, response: Response, text: str = "Dydd Mawrth.", **values: Any) -> Message:
    return answers.answer(world.session, world.now, response, text=text, author="usr_1", **values)


def words(world: World, message: Message) -> Variant:
    return content.current(world.session, message.content_id)[0]


def going(world: World, message: Message) -> list[dict[str, Any]]:
    return release.rehearse(world.session, message, world.now)


def test_an_answer_goes_to_who_wrote_in_their_language_and_thread(world: World) -> None:
    """L3."""
    ann = world.person("Ann", "ann@example.org", languages=["en"])
    response = wrote(world, ann)
    message = reply(world, response)
    assert (message.kind, message.purpose, message.state) == ("answer", "service", "scheduled")
    assert (message.answers_id, response.answer_message_id) == (response.id, message.id)
    assert response.answered_at == world.now
    variant = words(world, message)
    assert (variant.language, variant.subject, variant.text) == ("cy", "Re: Newyddion", "Dydd Mawrth.")
    assert variant.options == {"in_reply_to": "<abc@example.org>"}
    recipient = world.session.scalars(
        select(MessageRecipient).where(MessageRecipient.message_id == message.id)
    ).one()
    assert recipient.address_id == addresses.of(world.session, ann.id)[0].id
    due = world.session.scalars(select(Occurrence).where(Occurrence.message_id == message.id)).one()
    assert due.due_at == world.now
    rows = going(world, message)
    assert [(row["state"], row["address_key"], row["variant_id"]) for row in rows] == [
        ("queued", "ann@example.org", variant.id)
    ]


def test_it_goes_to_the_address_that_wrote(world: World) -> None:
    ann = world.person("Ann", "old@example.org")
    addresses.add(world.session, world.now, ann.id, "email", "new@example.org")
    message = reply(world, wrote(world, ann, sender="new@example.org"))
    assert [row["address_key"] for row in going(world, message)] == ["new@example.org"]


def test_an_address_a_person_has_recognised_can_be_answered(world: World) -> None:
    """M17."""
    ann = world.person("Ann", "ann@example.org")
    response = wrote(world, ann, sender="ann@work.example")
    with pytest.raises(CannotAnswer):
        reply(world, response)
    match.match_by_hand(world.session, world.now, response, ann.id, "usr_1")
    message = reply(world, response)
    assert [row["address_key"] for row in going(world, message)] == ["ann@work.example"]


def test_somebody_who_opted_out_and_writes_in_is_answered(world: World) -> None:
    """L3."""
    ann = world.person("Ann", "ann@example.org")
    response = wrote(world, ann)
    assert response.delivery_id is not None
    effects.unsubscribe(world.session, world.now, response.delivery_id, how="page")
    world.hear(world.event("complaint", recipient_token=world.token(world.delivery(ann))))
    assert [row["state"] for row in going(world, reply(world, response))] == ["queued"]


@pytest.mark.parametrize("reason", ["no_contact", "hard_bounce"])
@pytest.mark.parametrize("scope", ["address", "person"])
def test_no_contact_at_all_and_a_dead_address_stop_an_answer(world: World, reason: str, scope: str) -> None:
    """L3."""
    ann = world.person("Ann", "ann@example.org")
    response = wrote(world, ann)
    about: dict[str, Any] = {"stakeholder_id": ann.id}
    if scope == "address":
        about = {"address_key": "ann@example.org"}
    consent.suppress(world.session, world.now, channel="email", reason=reason, origin="admin", **about)
    with pytest.raises(CannotAnswer) as refused:
        reply(world, response)
    assert refused.value.facts["reason"] == "suppressed"
    assert response.answered_at is None
    assert world.session.scalars(select(Message).where(Message.kind == "answer")).all() == []


@pytest.mark.parametrize("kind", [kind for kind in RESPONSE_KINDS if kind not in ("reply", "mention")])
def test_what_no_person_wrote_is_never_answered(world: World, kind: str) -> None:
    """M1, M2: two machines cannot write to each other without end."""
    delivery = world.delivery(world.person("Ann", "ann@example.org"))
    event = world.event(kind, sender="ann@example.org", recipient_token=world.token(delivery))
    with pytest.raises(CannotAnswer):
        reply(world, world.response(event))


def test_a_letter_without_a_sender_is_never_answered(world: World) -> None:
    """M2."""
    delivery = world.delivery(world.person("Ann", "ann@example.org"))
    response = world.response(world.event("reply", references=world.thread(delivery)))
    assert response.stakeholder_id is not None
    with pytest.raises(CannotAnswer):
        reply(world, response)


def test_of_two_answers_the_second_is_told(world: World) -> None:
    response = wrote(world, world.person("Ann", "ann@example.org"))
    reply(world, response)
    with pytest.raises(AlreadyDone):
        reply(world, response, "Dydd Mercher.")
    assert len(world.session.scalars(select(Message).where(Message.kind == "answer")).all()) == 1


@pytest.mark.parametrize("text", ["Use {{ name }} here", "{% if %}", "{# hidden #}", "{{ 7*7 }}"])
def test_an_answer_is_sent_as_it_was_typed(world: World, text: str) -> None:
    message = reply(world, wrote(world, world.person("Ann", "ann@example.org"), subject="{{ x }}"), text)
    plan = audience.open_plan(world.session, message)
    row = going(world, message)[0]
    sent = render.render(plan.variants[0], row["slots"])
    assert (str(sent.text), str(sent.subject)) == (text, "Re: {{ x }}")


@pytest.mark.parametrize(
    ("subject", "answered"),
    [
        ("Hello", "Re: Hello"),
        ("re: AW: Hello", "Re: AW: Hello"),
        ("", "Re:"),
        ("Two\r\nBcc: x@y.example", "Re: Two Bcc: x@y.example"),
        ("رد: موعد", "Re: موعد"),
    ],
)
def test_the_subject_is_theirs_on_one_line(world: World, subject: str, answered: str) -> None:
    """T13."""
    response = wrote(world, world.person("Ann", "ann@example.org"), subject=subject)
    assert words(world, reply(world, response)).subject == answered


def test_without_a_language_of_the_letter_the_persons_own_is_taken(world: World) -> None:
    ann = world.person("Ann", "ann@example.org", languages=["ar", "en"])
    assert words(world, reply(world, wrote(world, ann, language="not a language!"))).language == "ar"
    bob = world.person("Bob", "bob@example.org")
    assert words(world, reply(world, wrote(world, bob, language=""))).language == "en"


def test_a_mention_is_answered_in_public_under_what_it_said(world: World) -> None:
    account = world.account("x", "x", broadcast=True)
    ann = world.person("Ann", "@ann", channel="x")
    asked = world.response(world.event("mention", sender="@ann", text="When?", key="1900"), account=account)
    message = reply(world, asked)
    assert asked.stakeholder_id == ann.id and message.state == "scheduled"
    variant = words(world, message)
    assert (variant.channel, variant.subject, variant.options) == ("x", "", {"in_reply_to": "1900"})
    rows = going(world, message)
    assert [(row["target"], row["state"]) for row in rows] == [(account.id, "queued")]


@pytest.mark.parametrize(("length", "held"), [(494, []), (495, ["content_over_limit"])])
def test_an_answer_on_mastodon_leaves_room_for_whom_it_names(
    world: World, length: int, held: list[str]
) -> None:
    """C3, L3: Mastodon would refuse it, or tell nobody of it."""
    limits = {"text_max": 500, "counting": "mastodon"}
    account = world.account("toot", "mastodon", broadcast=True, limits=limits)
    event = world.event("mention", sender="sian@toot.wales", text="Pryd?", key="1900")
    message = reply(world, world.response(event, account=account), "ŵ" * length)
    assert [one["kind"] for one in message.held_by] == held


def test_an_answer_needs_no_picture_where_every_post_does(world: World) -> None:
    """Instagram takes no post without one; a comment stands under a post that has it."""
    limits = {"media_min": 1, "media_max": 10}
    account = world.account("pictures", "instagram", broadcast=True, limits=limits)
    world.person("Ann", "ann", channel="instagram")
    asked = world.response(world.event("reply", sender="ann", text="When?", key="1900"), account=account)
    message = reply(world, asked)
    assert (message.state, message.held_by) == ("scheduled", [])


def test_an_answer_needs_no_agreement_and_no_approval(world: World) -> None:
    """L3, gates: an answer is not a campaign message."""
    world.programme.assurance = "agreed"
    message = reply(world, wrote(world, world.person("Ann", "ann@example.org")))
    assert (message.state, message.held_by) == ("scheduled", [])
