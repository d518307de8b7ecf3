"""Webhooks in the browser: set up, called to try, told once more, given a new secret, switched off, removed."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from campaigns.errors import BadField
from service import webhooks
from service.ids import shown
from service.tables import WebhookDelivery, WebhookEndpoint
from service.wiring import Wiring
from tests.service import samples

from .conftest import Browser, Browsers

URL = "https://hooks.example.org/dolen"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{40,}")


@pytest.fixture
def one(browser: Browser, wiring: Wiring) -> str:
    """The page of an endpoint that was set up in the browser."""
    made = browser.post(
        "/settings/webhooks", status=200, url=URL, about="The lobby screen", kinds="message.*"
    )
    assert SECRET.search(made.text)
    with wiring.database.read() as session:
        return f"/settings/webhooks/{shown('webhook_endpoint', session.scalars(select(WebhookEndpoint.id)).one())}"


def row(wiring: Wiring) -> WebhookEndpoint:
    with wiring.database.read() as session:
        return session.scalars(select(WebhookEndpoint)).one()


def told(wiring: Wiring) -> list[str]:
    with wiring.database.read() as session:
        return list(session.scalars(select(WebhookDelivery.state).order_by(WebhookDelivery.id)))


def test_an_endpoint_is_listed_and_its_secret_shown_once(browser: Browser, one: str) -> None:
    page = browser.get("/settings/webhooks")
    assert one in page and "The lobby screen" in page and not SECRET.search(page)
    assert not SECRET.search(browser.get(one))


def test_what_it_is_told_is_chosen_or_typed(browser: Browser, wiring: Wiring, one: str) -> None:
    assert "choose what it is told" in browser.post(one, status=422, url=URL, other="").text
    assert "a word, a dot" in browser.post(one, status=422, url=URL, other="everything").text
    assert "Saved" in browser.done(one, url=URL, about="", kinds="response.*", other="task.given, message.*")
    assert row(wiring).kinds == ["response.*", "task.given", "message.*"]
    assert 'value="task.given"' in browser.get(one)


@pytest.mark.parametrize("url", ["", "ftp://hooks.example.org", "https://me:secret@hooks.example.org/x"])
def test_an_address_that_cannot_be_called_is_told_at_its_field(
    browser: Browser, wiring: Wiring, url: str
) -> None:
    """U1"""
    refused = browser.post("/settings/webhooks", status=422, url=url, kinds="*")
    assert re.search(r'<input id="f-url"[^>]*aria-invalid="true"', refused.text)


def test_this_machine_is_told_apart_from_an_address_that_is_none(browser: Browser) -> None:
    with pytest.raises(BadField, match=r"this machine: .* connectors\.local"):
        webhooks.check("http://127.0.0.1:9/x", local=False)
    assert (
        "must be a public address"
        in browser.post("/settings/webhooks", status=422, url="x:y", kinds="*").text
    )


def test_the_log_says_in_words_what_was_told_and_answered_and_looks_again_while_a_call_is_near(
    browser: Browser, wiring: Wiring, one: str
) -> None:
    browser.done(f"{one}/test")
    assert re.search(r'id="calls" data-live data-every="2"', browser.get(one))
    told = [{"at": "2026-11-22T15:22:30.399014Z", "status": None, "error": "no connection: refused"},
            {"at": "2026-11-22T15:22:36Z", "status": 500, "error": ""}]  # fmt: skip
    with wiring.database.write() as session:
        session.execute(update(WebhookDelivery).values(tries=2, log=told))
    page = browser.get(f"{one}?language=cy")
    assert "Gwe-fachyn: profwyd" in page and "atebodd â 500" in page and "dim ateb" in page
    assert "399014" not in page and "data-every" not in page, "the next try is minutes away"


def test_it_is_called_to_try_and_told_once_more(browser: Browser, wiring: Wiring, one: str) -> None:
    assert "called within seconds" in browser.done(f"{one}/test")
    page = browser.get(one)
    assert "webhook_endpoint.tested" in page and "Tell it once more</button>" in page
    with wiring.database.write() as session:
        session.execute(update(WebhookDelivery).values(state="failed", settled_at=wiring.now()))
        number = shown("webhook_delivery", session.scalars(select(WebhookDelivery.id)).one())
    assert "webhook_endpoint.tested" in browser.get(f"{one}?state=failed")
    assert "webhook_endpoint.tested" not in browser.get(f"{one}?state=sent")
    browser.done(f"{one}/replay", told=number)
    assert told(wiring) == ["waiting"]
    with wiring.database.write() as session:
        session.execute(update(WebhookDelivery).values(state="failed", settled_at=wiring.now()))
    assert "a date and a time" in browser.post(f"{one}/replay", status=422, since="").text
    browser.done(f"{one}/replay", since="2020-01-01T00:00")
    assert told(wiring) == ["waiting"]


def test_a_new_secret_is_shown_once(browser: Browser, wiring: Wiring, one: str) -> None:
    before = row(wiring).secrets
    assert SECRET.search(browser.post(f"{one}/secret", status=200, overlap="3600").text)
    after = row(wiring)
    assert after.secrets != before and after.old_until_at is not None


def test_it_is_switched_off_and_on_and_removed(browser: Browser, wiring: Wiring, one: str) -> None:
    assert "Switched off" in browser.done(f"{one}/state", state="disabled")
    assert row(wiring).state == "disabled"
    assert "In service" in browser.done(f"{one}/state", state="active")
    assert "Removed" in browser.done(f"{one}/remove")
    assert "No webhook yet" in browser.get("/settings/webhooks")


def test_who_administers_one_programme_sees_its_own(browsers: Browsers, wiring: Wiring, one: str) -> None:
    with wiring.database.write() as session:
        here = samples.programme(session, wiring.now(), "Here")
    mine = browsers("administrator", here)
    assert one not in mine.get("/settings/webhooks")
    mine.get(one, status=403)
    mine.post(
        "/settings/webhooks", status=200, url=URL, kinds="message.*", programme_id=shown("programme", here)
    )
    assert URL in mine.get("/settings/webhooks")
    browsers("author", here).get("/settings/webhooks", status=403)
