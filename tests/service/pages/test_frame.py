"""The frame of the pages: who may come in, forged forms, and the way back after a refusal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from service import logins
from service.pages import frame
from service.tables import Login
from service.wiring import Wiring

from .conftest import Browser, Browsers


def test_a_stranger_is_shown_the_way_in_and_comes_back_to_where_they_wanted(browser: Browser) -> None:
    browser.client.delete_cookie("dolen")
    answer = browser.client.get("/?a=b")
    assert answer.status_code == 303 and answer.headers["Location"] == "/sign-in?next=/?a%3Db"


def test_a_form_without_the_key_of_its_login_changes_nothing(browser: Browser) -> None:
    """A5."""
    browser.post("/sign-out", form_key="forged", status=403)
    assert "Today" in browser.get("/")


def test_signing_out_ends_the_login_for_good(browser: Browser) -> None:
    browser.post("/sign-out")
    assert browser.client.get("/").status_code == 303


def test_a_login_ends_after_eight_hours_without_use(browser: Browser, wiring: Wiring) -> None:
    with wiring.database.write() as session:
        login = session.query(Login).one()
        login.seen_at -= logins.IDLE + timedelta(seconds=1)
    assert browser.client.get("/").status_code == 303


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "",
        "x",
        "//[",
        "/\t\\evil.example",
        "/\n/evil.example",
    ],
)
def test_after_signing_in_nobody_is_led_elsewhere(target: str) -> None:
    """U10."""
    assert frame.inside(target) == "/"


def test_the_page_of_a_problem_is_a_page_for_a_browser_and_json_for_a_program(browser: Browser) -> None:
    assert "There is nothing here" in browser.get("/nothing", status=404)
    answer: Any = browser.client.get("/nothing")
    assert answer.json["code"] == "not_found"


def test_somebody_without_a_role_sees_no_room_but_their_own_account(browsers: Browsers) -> None:
    page = browsers(None).get("/")
    assert 'href="/inbox"' not in page and 'href="/me"' in page
