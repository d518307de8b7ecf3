"""Missed runs at the door and on Today: what nobody was there to send is told, and a person says whether it goes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from campaigns.base import parse_id, public_id
from campaigns.delivery import missed
from campaigns.messages.tables import Message
from service.wiring import Wiring

from .conftest import Api, People
from .pages.conftest import Browser, Browsers, browser, browsers  # noqa: F401  fixtures

ANN = {"to": "ann@example.org", "subject": "Walk", "text": "Come along", "timing": {"missed": "hold"}}


@pytest.fixture
def run(api: Api, people: People, wiring: Wiring) -> dict[str, Any]:
    """A message whose time came while no clock was there, on hold."""
    token, now = people("author", kind="test"), wiring.now()
    with wiring.database.write() as session:
        missed.beat(session, now)
    made = api.post(
        "/v1/messages", token, json={**ANN, "send_at": (now + timedelta(hours=1)).isoformat()}
    ).json
    with wiring.database.write() as session:
        assert missed.beat(session, now + timedelta(hours=2)) == 1
    (found,) = api.get("/v1/missed_runs", token).json["data"]
    assert found["message"] == made["id"] and found["done"] == "held"
    return {**found, "token": token}


def test_a_missed_run_is_listed_and_decided_once(api: Api, run: dict[str, Any]) -> None:
    """E7"""
    path, token = f"/v1/missed_runs/{run['occurrence']}/decide", run["token"]
    assert api.get(f"/v1/messages/{run['message']}", token).json["state"] == "held"
    told = api.post(path, token, json={"go": True})
    assert (told.status_code, told.json["done"]) == (200, "late") and told.json["decided_by"]
    assert api.get(f"/v1/messages/{run['message']}", token).json["state"] == "scheduled"
    assert api.post(path, token, json={"go": False}).json["code"] == "already_done"
    assert api.get("/v1/missed_runs", token, query_string={"waiting": "true"}).json["data"] == []


def test_what_was_not_missed_is_not_found(api: Api, run: dict[str, Any]) -> None:
    path = f"/v1/missed_runs/{public_id('occ', 1)}/decide"
    assert api.post(path, run["token"], json={"go": True}).status_code == 404


def test_today_tells_of_it_and_lets_it_be_left(
    browser: Browser,  # noqa: F811
    run: dict[str, Any],
    wiring: Wiring,
) -> None:
    """E7"""
    page = browser.get("/")
    assert "Nobody was there to send these" in page and "Send it now" in page
    page = browser.done(f"/missed/{run['occurrence']}", go="no")
    assert "Passed over" in page and "Send it now" not in page
    with wiring.database.read() as session:
        assert session.get_one(Message, parse_id("msg", run["message"])).state == "finished"


@pytest.mark.parametrize(("language", "word"), [("cy", "Anfon nawr"), ("ar", "إرسالها الآن")])
def test_it_is_told_in_the_readers_language(
    browsers: Browsers,  # noqa: F811
    run: dict[str, Any],
    language: str,
    word: str,
) -> None:
    assert word in browsers(language=language).get("/")
