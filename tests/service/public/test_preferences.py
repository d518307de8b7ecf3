"""What somebody wants from us, chosen behind their link: reading changes nothing, saving counts at once, undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from campaigns.audit import AuditEntry
from campaigns.delivery.tables import Delivery
from campaigns.responses import merges, record
from campaigns.stakeholders import addresses, consent, people, topics
from campaigns.stakeholders.tables import Preference, Stakeholder, Suppression
from service.wiring import Wiring

from .conftest import Sent

NAMES = {"en": "Walks", "cy": "Teithiau cerdded", "ar": "نزهات"}


@pytest.fixture
def path(wiring: Wiring, sent: Sent) -> str:
    """Ann's link to her choices."""
    return f"/p/{wiring.links.token('preferences', sent.delivery_id)}"


@pytest.fixture
def walks(wiring: Wiring) -> Iterator[int]:
    """A topic of all programmes."""
    with wiring.database.write() as session:
        number = topics.create(session, wiring.now(), programme_id=None, names=NAMES).id
    yield number


def wish(wiring: Wiring, sent: Sent, topic: int | None) -> topics.Wish:
    with wiring.database.read() as session:
        found = topics.wishes(
            session, wiring.now(), topic_id=topic, channel="email", stakeholder_ids=[sent.person_id]
        )
        return found.get(sent.person_id, topics.Wish())


def count(wiring: Wiring) -> int:
    with wiring.database.read() as session:
        return session.scalars(select(func.count()).select_from(Preference)).one()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_the_link_changes_nothing(
    browser: FlaskClient, wiring: Wiring, sent: Sent, path: str, walks: int, method: str
) -> None:
    """U12, A13."""
    for query in ("", "?act=stop", f"?act=save&email.{walks}=none", "?language=ar"):
        assert browser.open(path + query, method=method).status_code == 200
    assert count(wiring) == 0 and wish(wiring, sent, walks) == topics.Wish()


def test_a_choice_counts_at_once_and_saying_it_again_writes_nothing(
    browser: FlaskClient, wiring: Wiring, sent: Sent, path: str, walks: int
) -> None:
    for _ in range(2):
        answer = browser.post(path, data={"act": "save", f"email.{walks}": "weekly", "email.0": "all"})
        assert answer.status_code == 200
        assert wish(wiring, sent, walks).every == topics.EVERY["weekly"]
        assert wish(wiring, sent, None) == topics.Wish() and count(wiring) == 1
    with wiring.database.read() as session:
        row = session.scalars(select(Preference)).one()
        acts = session.scalars(select(AuditEntry.act)).all()
    assert (row.actor, row.source) == ("recipient", "preferences") and row.evidence["delivery_id"].startswith(
        "dlv_"
    )
    assert acts == ["stakeholder.preferences_changed"]


def test_a_topic_that_stays_as_it_was_does_not_follow_everything_else(
    browser: FlaskClient, wiring: Wiring, sent: Sent, path: str, walks: int
) -> None:
    browser.post(path, data={"act": "save", f"email.{walks}": "all", "email.0": "none"})
    assert wish(wiring, sent, walks).reason is None
    assert wish(wiring, sent, None).reason == "topic_opt_out"


def test_a_pause_has_a_day_and_can_be_taken_back(
    browser: FlaskClient, wiring: Wiring, sent: Sent, path: str, walks: int
) -> None:
    on = (wiring.now() + timedelta(days=20)).date().isoformat()
    answer = browser.post(path, data={"act": "save", "pause": on})
    assert wish(wiring, sent, walks).reason == "person_paused" and f'value="{on}"' in answer.text
    browser.post(path, data={"act": "save", "pause": ""})
    assert wish(wiring, sent, walks).reason is None


@pytest.mark.parametrize("pause", ["2020-01-01", "9999-12-31", "soon", "2026-13-40"])
def test_a_pause_that_cannot_be_changes_nothing_and_loses_nothing(
    browser: FlaskClient, wiring: Wiring, path: str, walks: int, pause: str
) -> None:
    answer = browser.post(path, data={"act": "save", "pause": pause, f"email.{walks}": "monthly"})
    assert answer.status_code == 422 and count(wiring) == 0
    assert re.search(r'value="monthly" selected', answer.text)


def test_what_was_saved_is_undone_by_one_press(
    browser: FlaskClient, wiring: Wiring, sent: Sent, path: str, walks: int
) -> None:
    """U13."""
    answer = browser.post(path, data={"act": "save", f"email.{walks}": "none", "language0": "ar"})
    undo = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
    assert undo[f"email.{walks}"] == "all" and undo["language0"] == "cy"
    browser.post(path, data={**undo, "act": "save"})
    assert wish(wiring, sent, walks).reason is None
    with wiring.database.read() as session:
        assert session.get_one(Stakeholder, sent.person_id).languages == ["cy", "en"]


def test_stopping_everything_stops_every_channel_and_is_undone(
    browser: FlaskClient, wiring: Wiring, sent: Sent, path: str
) -> None:
    with wiring.database.write() as session:
        addresses.add(session, wiring.now(), sent.person_id, "sms", "+44 7700 900123")
        addresses.add(session, wiring.now(), sent.person_id, "email", "ann@work.example.org")

    def reasons() -> list[str | None]:
        found = []
        with wiring.database.read() as session:
            for purpose in ("direct_marketing", "survey", "service"):
                for channel, key in (("email", "ann@work.example.org"), ("sms", "+447700900123")):
                    pair = (sent.person_id, key)
                    said = consent.decide(
                        session, wiring.now(), purpose=purpose, channel=channel, pairs=[pair]
                    )
                    found.append(said[pair].reason)
        return found

    before = reasons()
    assert before[2:] == [None, None, None, None]
    for _ in range(2):
        assert browser.post(path, data={"act": "stop"}).status_code == 200
        assert reasons() == ["suppressed"] * 4 + [None, None]
    browser.post(path, data={"act": "undo"})
    assert reasons() == before
    with wiring.database.read() as session:
        assert all(session.scalars(select(Suppression.lifted_at)))


def test_a_wrong_choice_or_act_changes_nothing(
    browser: FlaskClient, wiring: Wiring, path: str, walks: int
) -> None:
    for form in ({"act": "save", f"email.{walks}": "hourly"}, {"act": "save", "language0": "../etc"}):
        assert browser.post(path, data=form).status_code == 422
    for form in ({}, {"act": "delete"}):
        assert browser.post(path, data=form).status_code == 400
    assert count(wiring) == 0


@pytest.mark.parametrize("bad", ["x", "a" * 37, "../../etc", "%00"])
def test_a_link_that_is_not_ours_says_so_and_no_more(browser: FlaskClient, sent: Sent, bad: str) -> None:
    """U11."""
    for method in ("GET", "POST"):
        answer = browser.open(f"/p/{bad}", method=method, data={"act": "stop"} if method == "POST" else None)
        assert answer.status_code == 404 and "example.org" not in answer.text


def test_a_token_for_another_use_opens_nothing(browser: FlaskClient, wiring: Wiring, sent: Sent) -> None:
    for use in ("unsubscribe", "reply", "reader"):
        assert browser.get(f"/p/{wiring.links.token(use, sent.delivery_id)}").status_code == 404


def test_whoever_was_erased_has_nothing_to_choose(
    browser: FlaskClient, wiring: Wiring, sent: Sent, path: str
) -> None:
    with wiring.database.write() as session:
        session.get_one(Stakeholder, sent.person_id).state = "erased"
    assert browser.get(path).status_code == 404


def test_a_test_mail_has_no_choices_of_its_own(
    browser: FlaskClient, wiring: Wiring, sent: Sent, path: str
) -> None:
    with wiring.database.write() as session:
        session.get_one(Delivery, sent.delivery_id).stakeholder_id = None
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize(("language", "name"), [("en", "Walks"), ("cy", "Teithiau cerdded"), ("ar", "نزهات")])
def test_it_speaks_the_readers_language_and_hides_the_address(
    browser: FlaskClient, path: str, walks: int, language: str, name: str
) -> None:
    answer = browser.get(path, query_string={"language": language})
    assert f"<bdi>{name}</bdi>" in answer.text and f'<html lang="{language}"' in answer.text
    assert "a…@example.org" in answer.text and "ann@example.org" not in answer.text
    assert (
        answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["Cache-Control"] == "no-store"
    )


def test_only_topics_of_their_own_programmes_are_shown(
    browser: FlaskClient, wiring: Wiring, sent: Sent, path: str
) -> None:
    from campaigns.strategies import programmes

    with wiring.database.write() as session:
        other = programmes.create(session, wiring.now(), name="Other", starts_on=wiring.now().date()).id
        topics.create(session, wiring.now(), programme_id=other, names={"en": "Secret"})
    assert "Secret" not in browser.get(path).text
    with wiring.database.write() as session:
        people.involve(session, wiring.now(), sent.person_id, other)
    assert "Secret" in browser.get(path).text


def test_the_way_out_leads_to_the_choices(browser: FlaskClient, sent: Sent, path: str) -> None:
    assert path in browser.get(sent.path).text


def test_every_choice_is_on_the_record(
    browser: FlaskClient, wiring: Wiring, sent: Sent, path: str, walks: int
) -> None:
    """A13: every change is an event."""
    for frequency in ("weekly", "none"):
        browser.post(path, data={"act": "save", f"email.{walks}": frequency})
    with wiring.database.read() as session:
        entries = [one for one in record.timeline(session, sent.person_id) if one.kind == "preference"]
    assert [(one.evidence["what"], one.evidence["subject"]) for one in entries] == [
        ("none", "Walks"),
        ("weekly", "Walks"),
    ]


def test_the_link_of_a_record_that_was_merged_works_for_the_one_that_stands_for_it(
    browser: FlaskClient, wiring: Wiring, sent: Sent, path: str, walks: int
) -> None:
    """A15: until they are two again, what is chosen by either counts for both."""
    with wiring.database.write() as session:
        kept = people.create(session, wiring.now(), kind="person", name="Anne", languages=["cy"]).id
        gone = people.get(session, sent.person_id)
        take = dict.fromkeys(merges.differences(people.get(session, kept), gone), "kept")
        merges.merge(session, wiring.now(), kept, gone.id, take=take, reason="", by="usr_1")
    assert (
        browser.post(path, data={"act": "save", f"email.{walks}": "weekly", "email.0": "all"}).status_code
        == 200
    )
    with wiring.database.read() as session:
        both = [kept, sent.person_id]
        found = topics.wishes(session, wiring.now(), topic_id=walks, channel="email", stakeholder_ids=both)
        assert {number: wish.every for number, wish in found.items()} == dict.fromkeys(
            both, topics.EVERY["weekly"]
        )


def test_what_was_chosen_by_a_link_stays_with_who_got_it_when_two_were_one_by_mistake(
    browser: FlaskClient, wiring: Wiring, sent: Sent, path: str
) -> None:
    """A15."""
    with wiring.database.write() as session:
        kept = people.create(session, wiring.now(), kind="person", name="Anne").id
        gone = people.get(session, sent.person_id)
        take = dict.fromkeys(merges.differences(people.get(session, kept), gone), "kept")
        made = merges.merge(session, wiring.now(), kept, gone.id, take=take, reason="", by="usr_1").id
    assert browser.post(path, data={"act": "save", "email.0": "none"}).status_code == 200
    with wiring.database.write() as session:
        merges.undo(session, wiring.now(), merges.get(session, made), "usr_1")
        both = [kept, sent.person_id]
        found = topics.wishes(session, wiring.now(), topic_id=None, channel="email", stakeholder_ids=both)
    assert {number: wish.reason for number, wish in found.items()} == {sent.person_id: "topic_opt_out"}
