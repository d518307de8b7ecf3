"""The pages of forms and topics, and everybody's own notices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.delivery import accounts
from campaigns.responses import merges, surveys
from campaigns.responses.tables import SurveyAnswer
from campaigns.stakeholders import forms
from campaigns.stakeholders.tables import Form, FormWording, Topic
from campaigns.strategies import programmes
from service import notices
from service.ids import shown
from service.wiring import Wiring

from .conftest import Browser, Browsers
from .test_people import somebody

WORDS: dict[str, Any] = {
    "title.en": "Newsletter", "notice.en": "We keep your address.", "agree.en": "I agree", "title.cy": "Cylchlythyr",
    "notice.cy": "Rydym yn cadw eich cyfeiriad.", "agree.cy": "Rwy'n cytuno",
}  # fmt: skip
ASKED: dict[str, Any] = {
    "title.en": "How was it?",
    "question.en": "Did it help?",
    "choices.en": "Yes\nNo\n\nPartly",
}


def named(programme: str = "", **names: str) -> dict[str, Any]:
    """What the form of a topic sends."""
    return {"programme": programme, **{f"name.{code}": name for code, name in names.items()}}


def one(wiring: Wiring, table: Any = Form) -> Any:
    with wiring.database.read() as session:
        return session.scalars(select(table).order_by(table.id.desc())).first()


def make(browser: Browser, **form: Any) -> str:
    """A form made at the page; its path."""
    usual = {
        "kind": "signup",
        "name": "News",
        "slug": "news",
        "programme": shown("programme", programmes.GENERAL),
    }
    return str(browser.post("/forms/new", **{**usual, **WORDS, **form}).headers["Location"]).split("?")[0]


def test_an_empty_list_offers_the_first_step(browser: Browser, general: int) -> None:
    page = browser.get("/forms")
    assert 'href="/forms/new"' in page and "Sign-up" in browser.get("/forms/new")
    for kind in ("signup", "survey"):
        assert "Privacy notice" in browser.get("/forms/new", kind=kind)


def test_a_sign_up_form_is_made_and_stands_at_its_address(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    browser.post("/topics", **named(en="Walks", cy="Teithiau"))
    topic = one(wiring, Topic)
    path = make(browser, topics=shown("topic", topic.id), sites="https://www.example.org/")
    form = one(wiring)
    assert (form.topics, form.sites, form.wording) == ([topic.id], ["https://www.example.org"], 1)
    page = browser.get(path)
    assert f"{wiring.links.base_url}/f/news" in page and "no mail account is chosen" in page
    with wiring.database.write() as session:
        accounts.create(session, wiring.now(), name="mail", connector="smtp", channel="email")
    assert "no mail account is chosen" not in browser.get(path)
    assert "Cylchlythyr" in browser.client.get("/f/news?language=cy").text
    assert "News" in browser.get("/forms")


def test_other_words_are_the_next_wording_and_the_old_ones_stay(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    path = make(browser)
    browser.post(path, name="News", **WORDS)
    assert one(wiring).wording == 1
    browser.post(path, name="News", **{**WORDS, "notice.en": "We keep it for a year."})
    with wiring.database.read() as session:
        kept = [
            row.texts["en"]["notice"] for row in session.scalars(select(FormWording).order_by(FormWording.n))
        ]
    assert kept == ["We keep your address.", "We keep it for a year."]


@pytest.mark.parametrize(
    "form",
    [
        {"slug": "News!"}, {"slug": "confirm"}, {"slug": ""}, {"name": " "}, {"title.en": "", "title.cy": ""},
        {"notice.cy": ""}, {"agree.en": ""}, {"sites": "javascript:alert(1)"},
        {"sites": "https://x.example; script-src *"}, {"sites": "https://*.example.org"},
        {"topics": "top_0000000000000"}, {"account_id": "acc_0000000000009"}, {"kind": "poll"},
        {"kind": "survey", "answers": "choice", "question.en": "", "choices.en": "1", "title.cy": "", "notice.cy": ""},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_what_was_typed_is_kept(
    browser: Browser, wiring: Wiring, general: int, form: dict[str, Any]
) -> None:
    usual: dict[str, Any] = {
        "kind": "signup",
        "name": "News",
        "slug": "news",
        "intro.en": "Kept words",
        **WORDS,
        **form,
    }
    answer = browser.post("/forms/new", status=422, **usual)
    assert one(wiring) is None
    assert "Kept words" in answer.text or form.get("kind") == "poll"


def test_a_name_in_the_address_is_taken_once(browser: Browser, wiring: Wiring, general: int) -> None:
    make(browser)
    answer = browser.post("/forms/new", status=422, kind="signup", name="Other", slug="news", **WORDS)
    assert "another form has this name" in answer.text


def test_a_form_is_closed_and_opened_again(browser: Browser, wiring: Wiring, general: int) -> None:
    path = make(browser)
    browser.post(path, do="close")
    assert one(wiring).state == "closed" and "Open it again" in browser.get(path)
    browser.post(path, do="open")
    assert one(wiring).state == "open"


def test_the_results_of_a_survey_are_a_picture_with_a_table_behind(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    path = make(browser, kind="survey", slug="how", answers="choice", **{**dict.fromkeys(WORDS, ""), **ASKED})
    assert "0 answers" in browser.get(path) and '<svg class="bars"' not in browser.get(path)
    with wiring.database.write() as session:
        form = forms.by_slug(session, "how")
        for value, text in (("0", "It <b>did</b>"), ("0", ""), ("2", "")):
            surveys.answer(session, wiring.now(), form, language="en", value=value, text=text)
    page = browser.get(path)
    assert "3 answers" in page and '<svg class="bars"' in page and "Partly" in page and "67" in page
    raw = browser.client.get(path, headers={"Accept": "text/html"}).text
    assert "It &lt;b&gt;did&lt;/b&gt;" in raw
    assert "{{ reader_token }}" in page


def test_whose_records_were_merged_counts_once_with_what_they_answered_last(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    """A15, L7: and when they are two again, each counts."""
    make(browser, kind="survey", slug="how", answers="choice", **{**dict.fromkeys(WORDS, ""), **ASKED})
    people = [somebody(wiring, general, name) for name in ("Ann", "Anne", "Ben")]
    with wiring.database.write() as session:
        form, now = forms.by_slug(session, "how"), wiring.now()
        for hours, (number, value) in enumerate(zip(people, "012", strict=True)):
            session.add(
                SurveyAnswer(
                    form_id=form.id, stakeholder_id=number, wording=1, language="en", value=value,
                    at=now + timedelta(hours=hours),
                )
            )  # fmt: skip
        made = merges.merge(session, now, *people[:2], take={"name": "kept"}, reason="", by="usr_1")
        assert surveys.results(session, form) == surveys.Results({"0": 0, "1": 1, "2": 1}, 2)
        merges.undo(session, now, made, "usr_1")
        assert surveys.results(session, form) == surveys.Results({"0": 1, "1": 1, "2": 1}, 3)


def test_another_programmes_form_and_topic_do_not_exist(
    browser: Browser, browsers: Browsers, wiring: Wiring, general: int
) -> None:
    with wiring.database.write() as session:
        other = programmes.create(session, wiring.now(), name="Other", starts_on=wiring.now().date()).id
    path = make(browser)
    browser.post("/topics", **named(str(shown("programme", general)), en="Walks"))
    topic = f"/topics/{shown('topic', one(wiring, Topic).id)}"
    stranger = browsers("author", other)
    for place in (path, topic):
        stranger.get(place, status=404)
        stranger.post(place, status=404, do="close")
    assert "News" not in stranger.get("/forms") and "Walks" not in stranger.get("/topics")


def test_whoever_only_reads_changes_nothing(
    browser: Browser, browsers: Browsers, wiring: Wiring, general: int
) -> None:
    path, viewer = make(browser), browsers("viewer")
    assert "Close the form" not in viewer.get(path)
    viewer.get("/forms/new", status=403)
    for place in ("/forms/new", "/topics", path):
        viewer.post(place, status=403, name="X")


def test_topics_are_named_changed_and_taken_out_of_use(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    assert "There are no topics yet" in browser.get("/topics")
    browser.post("/topics", status=422, **named(en=" "))
    assert "Walks" in browser.done("/topics", **named(en="Walks"))
    path = f"/topics/{shown('topic', one(wiring, Topic).id)}"
    browser.post(path, **named(en="Walks", ar="نزهات"))
    assert "نزهات" in browser.get("/topics?language=ar")
    browser.post(path, do="archive")
    assert one(wiring, Topic).state == "archived" and "Not offered" in browser.get("/topics")
    browser.post(path, do="use")
    assert one(wiring, Topic).state == "active"


def test_everybody_switches_their_own_notices(browser: Browser, browsers: Browsers, wiring: Wiring) -> None:
    """L9."""
    viewer = browsers("viewer", email_key="v@example.org")
    page = viewer.get("/me/notices")
    assert page.count(" checked") == sum(notices.KINDS.values())
    page = viewer.done("/me/notices", kinds=["digest", "send_failed"])
    assert page.count(" checked") == 2
    with wiring.database.read() as session:
        assert notices.wanted(session, browser.user_id) == notices.KINDS


@pytest.mark.parametrize("language", ["cy", "ar"])
def test_the_pages_speak_other_languages(
    browser: Browser, general: int, language: str, act: Callable[[], Any]
) -> None:
    path = make(browser)
    for place in ("/forms", "/forms/new?kind=survey", path, "/topics", "/me/notices"):
        assert f'<html lang="{language}"' in browser.get(
            f"{place}{'&' if '?' in place else '?'}language={language}"
        )
