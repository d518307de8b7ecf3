"""A content calendar in the browser: chosen, looked at, and made drafts of."""

from __future__ import annotations

import io
import re
from typing import Any

from sqlalchemy import func, select

from campaigns.messages.tables import Message
from service.ids import shown
from service.wiring import Wiring
from tests.service.test_content_calendar import GOOD, HEADER, here  # noqa: F401  the same programme

from .conftest import Browser


def upload(text: str) -> dict[str, Any]:
    return {"file": (io.BytesIO(text.encode()), "plan.csv")}


def drafts(wiring: Wiring) -> int:
    with wiring.database.read() as session:
        return session.scalar(select(func.count()).where(Message.state == "draft")) or 0


def held_by(page: str) -> dict[str, str]:
    """What the form that makes the drafts holds."""
    return dict(
        re.findall(r'<input type="hidden" name="(body|name|programme_id|press)" value="([^"]*)"', page)
    )


def test_a_file_is_looked_at_and_then_made_drafts_of(
    browser: Browser,
    wiring: Wiring,
    here: dict[str, int],  # noqa: F811
) -> None:
    """L12"""
    assert "/calendar/file" in browser.get("/calendar") and "text cy" in browser.get("/calendar/file")
    programme = shown("programme", here["prg"])
    looked = browser.post(
        "/calendar/file", status=200, act="look", programme_id=programme, files=upload(GOOD)
    ).text
    assert "Make 3 drafts" in looked and "Launch" in looked and drafts(wiring) == 0
    page = browser.done("/calendar/file", act="make", **held_by(looked))
    assert drafts(wiring) == 3 and "Launch" in page


def test_drafts_are_made_once_however_often_it_is_pressed(
    browser: Browser,
    wiring: Wiring,
    here: dict[str, int],  # noqa: F811
) -> None:
    """L12"""
    form = {"programme_id": shown("programme", here["prg"]), "act": "look"}
    held = held_by(browser.post("/calendar/file", status=200, **form, files=upload(GOOD)).text)
    for _ in range(2):
        browser.done("/calendar/file", act="make", **held)
    assert drafts(wiring) == 3
    anew = held_by(browser.post("/calendar/file", status=200, **form, files=upload(GOOD)).text)
    browser.done("/calendar/file", act="make", **anew)
    assert drafts(wiring) == 6, "whoever looks at the file again may want it again"


def test_what_is_wrong_is_shown_by_its_cell_and_there_is_nothing_to_press(
    browser: Browser,
    wiring: Wiring,
    here: dict[str, int],  # noqa: F811
) -> None:
    programme = shown("programme", here["prg"])
    body = f"{HEADER}03/04/2031,09:00,,mail,Rowers,A,Hello,,\n"
    looked = browser.post(
        "/calendar/file", status=200, act="look", programme_id=programme, files=upload(body)
    ).text
    assert "A2" in looked and "this could be two days" in looked and 'value="make"' not in looked
    refused = browser.post(
        "/calendar/file", status=422, act="make", programme_id=programme, files=upload(body)
    )
    assert "A2: this could be two days" in refused.text and drafts(wiring) == 0


def test_no_file_or_one_that_is_none_is_said(browser: Browser, here: dict[str, int]) -> None:  # noqa: F811
    programme = shown("programme", here["prg"])
    assert (
        "choose a file" in browser.post("/calendar/file", status=422, act="look", programme_id=programme).text
    )
    for body in ("not base64!", ""):
        answer = browser.post("/calendar/file", status=422, act="make", programme_id=programme, body=body)
        assert "choose a file" in answer.text
