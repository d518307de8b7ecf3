"""The first visit: who comes in first, the steps that follow, and how Today leads back until something has gone."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.audit import AuditEntry
from campaigns.delivery.tables import Account
from campaigns.messages.tables import Message
from campaigns.stakeholders import people
from campaigns.strategies.tables import Programme
from service import epoch, logins
from service.access import CONSOLE
from service.acts import begin, first
from service.app import create_app
from service.demo import loading, year
from service.ids import shown
from service.tables import Installation, User
from service.wiring import Wiring

from .. import samples
from .conftest import Browser, Browsers


@pytest.fixture
def link(wiring: Wiring) -> str:
    """The link on the console."""
    with wiring.database.write() as session:
        return logins.make_key(session, wiring.now(), None)


@pytest.mark.parametrize("how, level", [("alone", "light"), ("team", "reviewed"), ("public", "agreed")])
def test_the_first_person_administers_everything_and_says_how_sure_to_be(
    wiring: Wiring, link: str, how: str, level: str
) -> None:
    client = create_app(wiring=wiring).test_client()
    form = {"name": "Ffion", "email": "ffion@example.org", "password": "twelve words or so", "how": how}
    answer = client.post(link, data=form)
    assert answer.status_code == 303 and answer.headers["Location"] == "/first"
    assert "0 of 3 steps" in client.get("/first").text
    assert client.post(link, data=form).status_code == 404
    with wiring.database.read() as session:
        general = session.scalars(select(Programme).where(Programme.builtin)).one()
        assert general.assurance == level
        came_in = select(AuditEntry.actor, AuditEntry.ref).where(AuditEntry.act == "user.let_in")
        ((actor, person),) = session.execute(came_in)
        assert actor == shown("user", person), "whoever came in did that, not the console"


def test_what_is_there_from_the_beginning_is_called_as_whoever_begins_would(
    wiring: Wiring, link: str
) -> None:
    """I1: a Welsh council has no programme called General, and no account called Practice."""
    client = create_app(wiring=wiring).test_client()
    client.get("/sign-in?language=cy")
    form = {"name": "Ffion", "email": "ffion@example.org", "password": "twelve words or so", "how": "team"}
    assert client.post(f"{link}?language=cy", data=form).status_code == 303
    key = re.search(r'name="form_key" value="([^"]+)"', client.get("/first").text)
    assert key is not None
    assert client.post("/first/practice", data={"form_key": key[1]}).status_code == 303
    with wiring.database.read() as session:
        assert session.scalars(select(Programme.name).where(Programme.builtin)).one() == "Cyffredinol"
        assert session.scalars(select(Account.name)).one() == "Ymarfer"
    assert (
        "Cyfathrebu" in client.get("/strategies").text
        and "Everyday communication" not in client.get("/strategies").text
    )


def test_whatever_can_be_connected_is_offered_at_once(browser: Browser) -> None:
    page = browser.get("/first")
    for name in ("x", "mastodon", "postmark", "webhook", "telegram"):
        assert f"/settings/accounts/new?connector={name}&next=/first" in unescape(page)
    assert page.index("connector=postmark") < page.index("connector=mastodon"), "mail stands together"


def test_a_password_that_is_too_short_is_told_and_the_name_comes_back(wiring: Wiring, link: str) -> None:
    client = create_app(wiring=wiring).test_client()
    form = {"name": "Ffion", "email": "ffion@example.org", "password": "short"}
    answer = client.post(link, data=form)
    assert answer.status_code == 422 and 'value="Ffion"' in answer.text and "short" not in answer.text
    with wiring.database.read() as session:
        assert not session.scalars(select(User)).all()


def test_looking_at_the_link_uses_nothing_up(wiring: Wiring, link: str) -> None:
    """U12."""
    client = create_app(wiring=wiring).test_client()
    assert [client.get(link).status_code, client.head(link).status_code, client.get(link).status_code] == [
        200
    ] * 3


def test_each_step_is_ticked_when_it_is_done_and_today_leads_to_the_next(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    assert "0 of 3 steps" in browser.get("/") and "Connect something" in browser.get("/")
    page = browser.done("/first/practice")
    assert "Practice is connected" in page and "1 of 3 steps is done" in page
    with wiring.database.write() as session:
        someone = people.create(session, wiring.now(), kind="person", name="Bo")
        people.involve(session, wiring.now(), someone.id, general)
    assert "2 of 3 steps are done" in browser.get("/") and "Write your first message" in browser.get("/")
    with wiring.database.write() as session:
        one = samples.world(session, wiring.now(), samples.programme(session, wiring.now(), "Here"))["msg"]
        session.get_one(Message, one).state = "sending"
    assert "of 3 steps" not in browser.get("/") and "3 of 3 steps are done" in browser.get("/first")


def test_a_link_that_has_let_somebody_in_leads_to_signing_in(wiring: Wiring, link: str) -> None:
    client = create_app(wiring=wiring).test_client()
    form = {"name": "Ffion", "email": "f@example.org", "password": "twelve words or so", "how": "alone"}
    client.post(link, data=form)
    used = create_app(wiring=wiring).test_client().get(link)
    assert used.status_code == 404 and "you are set up" in used.text and 'href="/sign-in"' in used.text


def test_the_language_is_chosen_from_any_page(browser: Browser, wiring: Wiring) -> None:
    answer = browser.post("/me/language", language="cy", next="/first")
    assert answer.headers["Location"] == "/first" and 'lang="cy"' in browser.get("/first")
    with wiring.database.read() as session:
        assert session.get_one(User, browser.user_id).language == "cy"


def test_write_takes_the_account_that_works_and_then_the_one_used_last(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    with wiring.database.write() as session:
        values = {
            "connector": "smtp",
            "channel": "email",
            "created_at": wiring.now(),
            "updated_at": wiring.now(),
        }
        session.add(Account(name="A broken one", state="out_of_service", state_reason="no", **values))
        session.add(Account(name="B never checked", **values))
        session.add(Account(name="Works", verified_at=wiring.now(), **values))
    page = browser.get("/write")
    boxes = {
        name: tag
        for tag, name in re.findall(
            r'<input type="checkbox" name="account"([^>]*)> <span>(?:<bdi>)?([^<]+)', page
        )
    }
    assert "checked" in boxes["Works"] and "checked" not in boxes["B never checked"]
    assert "disabled" in boxes["A broken one"] and "checked" not in boxes["A broken one"]
    assert "People outside cannot open the links" in page
    number = shown("account", _named(wiring, "B never checked"))
    sent = {"account": number, "text": "Helo", "subject": "x", "to": "a@example.org", "act": "draft"}
    page = browser.done("/write", **sent, programme=shown("programme", general), language="en")
    assert "People outside cannot open the links" in page
    ticked = re.findall(r'value="(acc_\w+)" checked', browser.get("/write"))
    assert ticked == [number]


def _named(wiring: Wiring, name: str) -> int:
    with wiring.database.read() as session:
        return session.scalars(select(Account.id).where(Account.name == name)).one()


def test_practice_is_connected_once(browser: Browser, wiring: Wiring) -> None:
    for _ in range(2):
        browser.post("/first/practice")
    with wiring.database.read() as session:
        (account,) = session.scalars(select(Account)).all()
    assert account.test and account.connector == "simulator"


def test_connecting_from_here_leads_back_here(browser: Browser) -> None:
    page = browser.get("/first")
    assert "/settings/accounts/new?connector=smtp&preset=gmail&next=/first" in page
    assert 'name="next" value="/first"' in browser.get(
        "/settings/accounts/new", connector="smtp", preset="gmail", next="/first"
    )


def test_somebody_who_connects_nothing_is_not_sent_there(browsers: Browsers) -> None:
    author: Any = browsers("author")
    assert "of 3 steps" not in author.get("/")
    author.get("/first", status=403)


def test_the_sample_year_is_loaded_by_a_worker_and_removed_by_one_button(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    with wiring.database.write() as session:
        epoch.begin(session)
    page = browser.done("/first/year", do="load")
    assert "is being loaded" in page and "data-every" in page and "Load the sample year" not in page
    assert "yn cael ei llwytho" in browser.get("/first?language=cy")
    assert "يجري تحميل" in browser.get("/first?language=ar")
    assert "being loaded already" in browser.post("/first/year", do="load", status=422).text
    assert loading.run_pending(wiring) and not loading.run_pending(wiring)
    page = browser.get("/first")
    assert "Everything in it is invented" in page and "Remove the sample year" in page
    assert "data-every" not in page
    with begin(wiring, CONSOLE) as act:
        assert first.progress(act).steps == 0, "what is sample is not one's own first step"
    browser.post("/first/year", do="load", status=422)
    assert "Load the sample year" in browser.done("/first/year", do="remove")
    with wiring.database.read() as session:
        assert [one.id for one in session.scalars(select(Programme))] == [general]


class Pulled(BaseException):
    """The plug."""


def test_a_year_that_was_broken_off_is_begun_anew_or_removed(
    browser: Browser, wiring: Wiring, general: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wiring.database.write() as session:
        epoch.begin(session)
    browser.done("/first/year", do="load")
    whole = year.STEPS
    monkeypatch.setattr(year, "STEPS", (*whole[:3], _pull, *whole[3:]))
    with pytest.raises(Pulled):
        loading.run_pending(wiring)
    assert 'value="3"' in browser.get("/first")
    assert not loading.run_pending(wiring)  # for all that others know, somebody is at it
    assert "wait until it is there" in browser.post("/first/year", do="remove", status=422).text
    with wiring.database.write() as session:
        session.scalars(select(Installation)).one().sample_until_at = wiring.now()
    page = browser.get("/first")
    assert "broken off in the middle" in page and "Begin it anew" in page
    assert "Load the sample year" in browser.done("/first/year", do="remove")
    with wiring.database.read() as session:
        assert [one.id for one in session.scalars(select(Programme))] == [general]


def test_a_year_that_another_worker_lost_or_could_not_load_is_begun_anew(
    browser: Browser, wiring: Wiring, general: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wiring.database.write() as session:
        epoch.begin(session)
    browser.done("/first/year", do="load")
    short = year.STEPS[:4]
    monkeypatch.setattr(year, "STEPS", (*short, _fail))
    with pytest.raises(RuntimeError):
        loading.run_pending(wiring)
    assert "Torrwyd ar draws" in browser.get("/first?language=cy")
    assert "انقطع تحميل" in browser.get("/first?language=ar")
    assert not loading.run_pending(wiring)
    browser.done("/first/year", do="load")
    monkeypatch.setattr(year, "STEPS", (*short, _pull))
    with pytest.raises(Pulled):
        loading.run_pending(wiring)
    with wiring.database.write() as session:
        session.scalars(select(Installation)).one().sample_until_at = wiring.now()
    monkeypatch.setattr(year, "STEPS", short)
    assert loading.run_pending(wiring)
    assert "Everything in it is invented" in browser.get("/first")
    with wiring.database.read() as session:
        assert len(session.scalars(select(Programme)).all()) == 3


def _pull(_year: year.Year) -> None:
    raise Pulled


def _fail(_year: year.Year) -> None:
    raise RuntimeError("the disk is full")
