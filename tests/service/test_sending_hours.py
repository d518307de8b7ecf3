"""Sending hours at the door and on the calendar's page: set, listed, taken away, by whoever may approve."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.base import parse_id
from campaigns.messages.tables import SendingHours
from service.wiring import Wiring

from .conftest import Api, People
from .pages.conftest import Browser, Browsers, browser, browsers  # noqa: F401  fixtures

PATH = "/v1/sending_hours"
HOURS: dict[str, Any] = {"weekdays": [0, 1, 2, 3, 4], "opens": 540, "closes": 1020, "zone": "Europe/London"}
FORM: dict[str, Any] = {
    "programme": "", "opens": "09:00", "closes": "00:00", "weekdays": ["0", "5"], "zone": "Europe/London",
    "bank_holidays": "england_and_wales", "outside": "leave_out",
}  # fmt: skip


def test_hours_are_set_once_for_each_listed_and_taken_away(api: Api, admin: str) -> None:
    """E9"""
    made = api.post(PATH, admin, json=HOURS)
    assert made.status_code == 201 and made.json["outside"] == "wait"
    again = api.post(PATH, admin, json=HOURS | {"closes": 1080})
    assert (again.json["id"], again.json["closes"]) == (made.json["id"], 1080)
    ann = api.post("/v1/stakeholders", admin, json={"kind": "person", "name": "Ann"}).json["id"]
    api.post(PATH, admin, json=HOURS | {"stakeholder": ann})
    listed = api.get(PATH, admin).json["data"]
    assert [one["stakeholder"] for one in listed] == [None, ann]
    assert api.delete(f"{PATH}/{made.json['id']}", admin).status_code == 204
    assert len(api.get(PATH, admin).json["data"]) == 1


def test_what_cannot_be_hours_is_pointed_at(api: Api, admin: str) -> None:
    answer = api.post(PATH, admin, json=HOURS | {"closes": 500})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/closes")


def test_whoever_may_not_approve_there_may_not_set_them(api: Api, people: People) -> None:
    assert api.post(PATH, people("author"), json=HOURS).status_code == 403


def test_the_page_sets_them_for_everybody_and_takes_them_away(
    browser: Browser,  # noqa: F811
    wiring: Wiring,
) -> None:
    """E9"""
    page = browser.done("/calendar/hours", **FORM)
    assert "Everybody" in page and "the person is left out" in page and "09:00–00:00" in page
    number = page.split('name="remove" value="')[1].split('"')[0]
    with wiring.database.read() as session:
        kept = session.get_one(SendingHours, parse_id("shr", number))
        assert (kept.weekdays, kept.opens, kept.closes) == ([0, 5], 540, 1440)
    assert "No hours are kept" in browser.done("/calendar/hours", remove=number)


def test_what_is_wrong_is_said_above_the_form(browser: Browser) -> None:  # noqa: F811
    answer = browser.post("/calendar/hours", status=422, **(FORM | {"weekdays": []}))
    assert "at least one day of the week" in answer.text


@pytest.mark.parametrize(("language", "word"), [("cy", "Oriau anfon"), ("ar", "ساعات الإرسال")])
def test_it_is_told_in_the_readers_language(browsers: Browsers, language: str, word: str) -> None:  # noqa: F811
    assert word in browsers(language=language).get("/calendar/hours")
