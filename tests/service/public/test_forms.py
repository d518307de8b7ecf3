"""Signing up needs a press from one's own mailbox; a survey needs no name; and forms tell nobody who is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from campaigns.base import EPOCH
from campaigns.delivery import accounts
from campaigns.delivery.tables import Account, Delivery
from campaigns.messages import render
from campaigns.messages.tables import ContentItem, Message, Variant
from campaigns.responses import confirming
from campaigns.responses.tables import Interaction, SurveyAnswer
from campaigns.stakeholders import addresses, consent, forms, people, topics
from campaigns.stakeholders.tables import Address, Consent, Form, Involvement, Signup, Stakeholder
from campaigns.strategies import programmes
from service.wiring import Wiring

from .conftest import Sent

TEXTS = {
    "en": {
        "title": "Our newsletter",
        "notice": "We keep your address.",
        "agree": "I agree",
        "thanks": "Welcome!",
    },
    "ar": {"title": "نشرتنا", "notice": "نحتفظ بعنوانك.", "agree": "أوافق"},
}
QUESTION = {
    "en": {"title": "How was it?", "question": "Did it help?", "choices": ["Yes", "No"], "thanks": "Ta"}
}


@dataclass
class Town:
    """An installation with a mail account, two topics, a newsletter form and surveys."""

    wiring: Wiring
    browser: FlaskClient
    walks: int
    buses: int

    def stamp(self, seconds: float = 30) -> str:
        at = self.wiring.now() - EPOCH - timedelta(seconds=seconds)
        return self.wiring.links.token("form", int(at.total_seconds()))

    def send(self, path: str = "/f/news", **form: Any) -> Any:
        usual = {
            "stamp": self.stamp(),
            "email": "new@example.org",
            "agree": "yes",
            "topic": [str(self.walks)],
        }
        return self.browser.post(path, data={**usual, **form})

    def rows(self, table: Any) -> list[Any]:
        with self.wiring.database.read() as session:
            return list(session.scalars(select(table).order_by(table.id)))

    def link(self) -> str:
        """The way in the newest mail that asks to confirm."""
        with self.wiring.database.read() as session:
            row = session.scalars(select(Delivery).order_by(Delivery.id.desc())).first()
            assert row is not None
            words = render.render(session.get_one(Variant, row.variant_id), row.slots or {})
        found = re.search(r"/f/confirm/\w+", words.text)
        assert found is not None
        return found.group()

    def may(self, address: str, topic: int | None = None, purpose: str = "direct_marketing") -> str | None:
        with self.wiring.database.read() as session:
            person = addresses.holders(session, "email", address)[0]
            pair = (person, address)
            now = self.wiring.now()
            said = consent.decide(session, now, purpose=purpose, channel="email", pairs=[pair])[pair].reason
            wish = topics.wishes(session, now, topic_id=topic, channel="email", stakeholder_ids=[person])
            return said or wish.get(person, topics.Wish()).reason


@pytest.fixture
def town(wiring: Wiring, browser: FlaskClient) -> Iterator[Town]:
    """Somewhere with a newsletter."""
    with wiring.database.write() as session:
        now = wiring.now()
        general = programmes.general(session, now).id
        made = accounts.create(session, now, name="post", connector="simulator", channel="email")
        made.sender = "us@example.org"
        walks, buses = (
            topics.create(session, now, programme_id=general, names={"en": name}).id
            for name in ("Walks", "Buses")
        )
        about: dict[str, Any] = {"programme_id": general, "author": "usr_1"}
        forms.create(
            session, now, kind="signup", slug="news", name="News", texts=TEXTS, topics=[walks, buses],
            sites=["https://www.example.org"], **about,
        )  # fmt: skip
        forms.create(
            session, now, kind="survey", slug="choice", name="C", texts=QUESTION, answers="choice", **about
        )
        for answers in ("rating", "text"):
            forms.create(
                session,
                now,
                kind="survey",
                slug=answers,
                name=answers,
                texts=QUESTION,
                answers=answers,
                **about,
            )
    yield Town(wiring, browser, walks, buses)


def test_nobody_is_signed_up_before_they_confirm(town: Town) -> None:
    """L7: double opt-in."""
    answer = town.send(name="Nia")
    assert answer.status_code == 200 and "Please look into your mailbox" in answer.text
    (delivery,) = town.rows(Delivery)
    assert (delivery.state, delivery.address_key) == ("queued", "new@example.org")
    assert town.rows(Consent) == [] and town.rows(Message)[0].state == "scheduled"
    with town.wiring.database.read() as session:
        assert session.scalars(select(Involvement)).all() == []
    assert town.may("new@example.org") == "no_lawful_basis"
    assert town.browser.post(town.link(), data={"act": "confirm"}).status_code == 200
    assert town.may("new@example.org", town.walks) is None
    assert town.may("new@example.org", town.buses) == "topic_opt_out"
    assert town.may("new@example.org") == "topic_opt_out"
    (given,) = town.rows(Consent)
    assert (given.basis, given.source, given.wording_version) == ("consent", "form:news", "news/1/en")
    assert given.evidence["wording_sha256"].startswith("sha256:") and given.evidence["confirmed_at"]
    assert town.rows(Address)[0].verified_at is not None and town.rows(Stakeholder)[0].name == "Nia"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_scanner_that_opens_the_link_confirms_nothing(town: Town, method: str) -> None:
    """U12."""
    town.send()
    for query in ("", "?act=confirm"):
        assert town.browser.open(town.link() + query, method=method).status_code == 200
    assert town.browser.post(town.link(), data={}).status_code == 400
    assert town.rows(Consent) == []


def test_pressing_twice_signs_up_once(town: Town) -> None:
    town.send()
    for _ in range(2):
        answer = town.browser.post(town.link(), data={"act": "confirm"})
        assert answer.status_code == 200 and "You are signed up" in answer.text and "Welcome!" in answer.text
    assert len(town.rows(Consent)) == 1
    way = re.search(r'href="(/p/\w+)', answer.text)
    assert way is not None and town.browser.get(way.group(1)).status_code == 200


def test_a_link_that_is_too_old_or_not_ours_confirms_nothing(town: Town) -> None:
    town.send()
    link = town.link()
    with town.wiring.database.write() as session:
        session.scalars(select(Signup)).one().expires_at = town.wiring.now()
    for path in (link, "/f/confirm/x", "/f/confirm/" + town.wiring.links.token("reply", 1)):
        assert town.browser.post(path, data={"act": "confirm"}).status_code == 404
    assert town.rows(Consent) == []


def test_whoever_is_known_gets_the_same_answer_and_keeps_their_record(town: Town) -> None:
    """L7: no disclosure."""
    with town.wiring.database.write() as session:
        person = people.create(session, town.wiring.now(), kind="person", name="Known", languages=["cy"])
        addresses.add(session, town.wiring.now(), person.id, "email", "known@example.org")
    strip = re.compile(r'value="\w{37}"')
    answers = [
        strip.sub("", town.send(email=one, name="X").text) for one in ("known@example.org", "who@example.org")
    ]
    assert answers[0] == answers[1]
    assert [(one.name, one.languages) for one in town.rows(Stakeholder)] == [("Known", ["cy"]), ("X", ["en"])]


def test_their_own_opt_out_is_over_once_they_sign_up_again(town: Town) -> None:
    town.send()
    town.browser.post(town.link(), data={"act": "confirm"})
    with town.wiring.database.write() as session:
        person = addresses.holders(session, "email", "new@example.org")[0]
        now = town.wiring.now()
        consent.suppress(
            session, now, channel="email", reason="opt_out", origin="recipient", address_key="new@example.org",
            purpose="direct_marketing",
        )  # fmt: skip
        consent.withdraw(session, now, person, "direct_marketing", "email", source="page", actor="recipient")
    assert town.may("new@example.org", town.walks) == "suppressed"
    town.send()
    assert town.may("new@example.org", town.walks) == "suppressed"
    town.browser.post(town.link(), data={"act": "confirm"})
    assert town.may("new@example.org", town.walks) is None


@pytest.mark.parametrize("reason", ["spam_complaint", "hard_bounce", "no_contact", "manual"])
def test_typing_an_address_opens_nothing_that_others_closed(town: Town, reason: str) -> None:
    with town.wiring.database.write() as session:
        consent.suppress(
            session,
            town.wiring.now(),
            channel="email",
            reason=reason,
            origin="admin",
            address_key="new@example.org",
        )
    assert "Please look into your mailbox" in town.send().text
    assert town.rows(Signup) == [] and town.rows(Delivery) == [] and town.rows(Stakeholder) == []


def test_one_address_is_asked_three_times_a_day_at_most(town: Town) -> None:
    answers = {town.send(email="NEW@example.org").status_code for _ in range(5)}
    assert answers == {200} and len(town.rows(Delivery)) == 3 and len(town.rows(Stakeholder)) == 1


@pytest.mark.parametrize(
    ("form", "status", "says"),
    [
        ({"email": "nobody"}, 422, "it should look like name@example.org"),
        ({"agree": ""}, 422, "Please tick that you agree."),
        ({"topic": []}, 422, "Please choose at least one topic."),
        ({"topic": ["7", "x"]}, 200, "mailbox"),
        ({"name": "x\0"}, 422, "Please check what you wrote"),
        ({"stamp": ""}, 200, "Please check what you wrote"),
        ({"stamp": "a" * 37}, 200, "Please check what you wrote"),
        ({"website": "https://spam.example"}, 200, "mailbox"),
    ],
)
def test_what_is_wrong_is_told_and_what_programs_do_is_not(
    town: Town, form: dict[str, Any], status: int, says: str
) -> None:
    answer = town.send(**form)
    assert (answer.status_code, says in answer.text) == (status, True)
    if form.get("topic") != ["7", "x"]:
        assert town.rows(Signup) == [] and town.rows(Stakeholder) == []
    if "stamp" in form:
        assert 'value="new@example.org"' in answer.text


@pytest.mark.parametrize("seconds", [0, 25 * 3600])
def test_a_page_that_nobody_read_is_shown_again(town: Town, seconds: float) -> None:
    """U13: time to click."""
    assert "Please check what you wrote" in town.send(stamp=town.stamp(seconds)).text
    assert town.rows(Signup) == []


def test_what_was_typed_does_not_stand_in_the_mail(town: Town) -> None:
    town.send(name="Buy now https://spam.example {{ 7*7 }}")
    with town.wiring.database.read() as session:
        item = session.scalars(select(ContentItem)).one()
    assert "spam" not in str(item.data) and item.data["subject"] == "Please confirm: Our newsletter"


def test_the_form_and_its_mail_speak_the_readers_language(town: Town) -> None:
    shown = town.browser.get("/f/news?language=ar")
    assert '<html lang="ar" dir="rtl">' in shown.text and "نشرتنا" in shown.text
    town.send("/f/news?language=ar")
    (signup,), (variant,) = town.rows(Signup), town.rows(Variant)
    assert (signup.language, variant.language) == ("ar", "ar")
    with town.wiring.database.read() as session:
        assert "نشرتنا" in session.scalars(select(ContentItem)).one().data["subject"]
    welsh = town.browser.get(
        "/f/news?language=cy"
    )  # not written in Welsh: its words stay English, and are marked
    assert '<html lang="en"' in welsh.text or '<div lang="en" dir="ltr">' in welsh.text


def test_a_site_that_is_named_may_frame_it_and_no_other(town: Town) -> None:
    policy = town.browser.get("/f/news").headers["Content-Security-Policy"]
    assert (
        "frame-ancestors 'self' https://www.example.org" in policy
        and "'none'" not in policy.split("frame-")[1]
    )
    assert "frame-ancestors 'none'" in town.browser.get("/f/rating").headers["Content-Security-Policy"]


def test_a_closed_form_says_so_and_takes_nothing(town: Town) -> None:
    with town.wiring.database.write() as session:
        for form in session.scalars(select(Form)):
            form.state = "closed"
    assert "This form is closed." in town.browser.get("/f/news").text
    assert town.send().status_code == 409
    assert town.send("/f/rating", value="3").status_code == 409
    assert town.rows(Signup) == [] and town.rows(SurveyAnswer) == []


def test_without_a_mail_account_nobody_can_sign_up(town: Town) -> None:
    with town.wiring.database.write() as session:
        session.scalars(select(Account)).one().state = "disabled"
    assert "This form is closed." in town.browser.get("/f/news").text and town.send().status_code == 409
    assert town.rows(Stakeholder) == []


@pytest.mark.parametrize("path", ["/f/nothing", "/f/", "/f/news/x", "/f/%00", "/f/rating/" + "a" * 37])
def test_a_form_that_is_not_there_is_not_told_apart(town: Town, path: str) -> None:
    assert town.browser.get(path).status_code == 404
    assert town.browser.post(path, data={}).status_code in (404, 405)


def test_who_never_confirms_is_forgotten(town: Town) -> None:
    town.send()
    with town.wiring.database.write() as session:
        assert confirming.forget(session, town.wiring.now()) == 0
        assert confirming.forget(session, town.wiring.now() + forms.CONFIRM_WITHIN) == 1
    (person,), (delivery,) = town.rows(Stakeholder), town.rows(Delivery)
    assert (person.state, person.name, delivery.address_key) == ("erased", "—", "")
    assert town.rows(Signup) == [] and town.rows(Address) == []


def test_forgetting_leaves_alone_who_is_known_otherwise(town: Town) -> None:
    town.send()
    with town.wiring.database.write() as session:
        (person,) = session.scalars(select(Stakeholder.id))
        people.involve(session, town.wiring.now(), person, programmes.GENERAL)
        confirming.forget(session, town.wiring.now() + forms.CONFIRM_WITHIN)
    assert town.rows(Stakeholder)[0].state == "active" and len(town.rows(Address)) == 1


# --- surveys ------------------------------------------------------------------------------------------------------


@pytest.fixture
def personal(town: Town, sent: Sent) -> Callable[[str], str]:
    """Ann's own link to a survey."""
    return lambda slug: f"/f/{slug}/{town.wiring.links.token('reader', sent.delivery_id)}"


def test_an_answer_without_a_personal_link_is_nobodys(town: Town) -> None:
    for value in ("5", "5", "2"):
        assert "Ta" in town.send("/f/rating", value=value, text="").text
    rows = town.rows(SurveyAnswer)
    assert [(one.value, one.stakeholder_id) for one in rows] == [("5", None), ("5", None), ("2", None)]
    assert town.rows(Interaction) == []


def test_an_answer_by_a_personal_link_lands_on_the_record_and_may_be_changed(
    town: Town, sent: Sent, personal: Callable[[str], str]
) -> None:
    for value, text in (("0", "It did"), ("0", "It did"), ("1", "")):
        assert town.send(personal("choice"), value=value, text=text).status_code == 200
    (answer,), entries = town.rows(SurveyAnswer), town.rows(Interaction)
    assert (answer.stakeholder_id, answer.value) == (sent.person_id, "1")
    assert [one.notes for one in entries] == ["Did it help?\nYes\nIt did", "Did it help?\nNo"]
    assert entries[1].corrects_id == entries[0].id and answer.interaction_id == entries[1].id


def test_two_presses_at_once_are_one_answer(town: Town, sent: Sent, personal: Callable[[str], str]) -> None:
    path, stamp = personal("choice"), town.stamp()
    app = town.browser.application

    def press(_: int) -> int:
        return app.test_client().post(path, data={"stamp": stamp, "value": "0"}).status_code

    with ThreadPoolExecutor(4) as hands:
        assert list(hands.map(press, range(4))) == [200] * 4
    assert len(town.rows(SurveyAnswer)) == 1


@pytest.mark.parametrize(
    ("slug", "form"),
    [
        ("rating", {"value": "6"}), ("rating", {"value": ""}), ("choice", {"value": "2"}), ("choice", {"value": "-1"}),
        ("text", {"text": " "}), ("text", {"text": "x" * 2001}), ("text", {"value": "1", "text": "x"}),
    ],
)  # fmt: skip
def test_an_answer_that_was_not_offered_is_refused(town: Town, slug: str, form: dict[str, str]) -> None:
    assert town.send(f"/f/{slug}", **{"value": "", **form}).status_code == 422
    assert town.rows(SurveyAnswer) == []


def test_opening_a_survey_changes_nothing(town: Town, sent: Sent, personal: Callable[[str], str]) -> None:
    assert town.browser.get(personal("rating") + "?value=5").status_code == 200
    assert town.rows(SurveyAnswer) == []


def test_somebody_elses_kind_of_link_is_refused(town: Town, sent: Sent) -> None:
    """U11."""
    token = town.wiring.links.token("unsubscribe", sent.delivery_id)
    assert town.send(f"/f/rating/{token}", value="3").status_code == 404
    assert town.send(f"/f/news/{town.wiring.links.token('reader', sent.delivery_id)}").status_code == 404


@pytest.mark.parametrize("state", ["erased", "archived"])
def test_whoever_has_left_meanwhile_is_not_told_that_they_are_signed_up(town: Town, state: str) -> None:
    """Accepted is never lost: what cannot be kept is not taken."""
    town.send()
    with town.wiring.database.write() as session:
        session.scalars(select(Stakeholder)).one().state = state
    link = town.link()
    assert town.browser.get(link).status_code == 404
    assert town.browser.post(link, data={"act": "confirm"}).status_code == 404
    assert town.rows(Consent) == []


def test_an_address_that_was_taken_out_of_use_works_again_once_it_is_confirmed(town: Town) -> None:
    town.send()
    with town.wiring.database.write() as session:
        addresses.retire(session, session.scalars(select(Address)).one())
    assert town.browser.post(town.link(), data={"act": "confirm"}).status_code == 200
    assert town.may("new@example.org", town.walks) is None


def test_a_number_that_nobody_typed_is_no_topic(town: Town) -> None:
    for odd in ("9" * 5000, "9" * 30, "-1", "٣", "²"):
        assert town.send(topic=[odd, str(town.walks)], email=f"n{len(odd)}@example.org").status_code == 200
        assert town.rows(Signup)[-1].topics == [town.walks]


def test_a_flood_from_one_place_is_turned_away(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from service import knocks
    from service.public import forms as door

    monkeypatch.setattr(door, "NEAR", knocks.Limit("form_near", 3))
    answers = [town.send("/f/rating", value="3").status_code for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]
    with town.wiring.database.read() as session:
        assert session.scalar(select(func.count()).select_from(SurveyAnswer)) == 3
