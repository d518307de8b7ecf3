"""A content calendar in the browser: chosen, looked at, and made drafts of."""

from __future__ import annotations

import io
import re
from typing import Any

from sqlalchemy import func, select

from campaigns.messages.tables import Message, Variant
from service.ids import shown
from service.wiring import Wiring
from tests.campaigns.stakeholders.test_opening import row, workbook
from tests.service.test_content_calendar import GOOD, HEADER, here  # noqa: F401  the same programme

from .conftest import Browser


def upload(text: str) -> dict[str, Any]:
    return {"file": (io.BytesIO(text.encode()), "plan.csv")}


def drafts(wiring: Wiring) -> int:
    with wiring.database.read() as session:
        return session.scalar(select(func.count()).where(Message.state == "draft")) or 0


def held_by(page: str) -> dict[str, str]:
    """What the form that makes the drafts holds."""
    form = page.split('<button name="act" value="make">')[0].rsplit("<form", 1)[1]
    return dict(re.findall(r'<input type="hidden" name="(?!form_key)(\w+)" value="([^"]*)"', form))


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


ODD = "Where from,Who,Words we say,Owner\nmail,Rowers,Helo,Ann\n"


def test_columns_that_nobody_knows_are_asked_about_and_those_left_out_are_told(
    browser: Browser,
    wiring: Wiring,
    here: dict[str, int],  # noqa: F811
) -> None:
    form = {"programme_id": shown("programme", here["prg"]), "act": "look"}
    page = browser.post("/calendar/file", status=422, **form, files=upload(ODD)).text
    assert "there is no column called account" in page and "4 columns are not taken in." in page
    assert "<bdi>Where from</bdi>" in page and "<bdi>Rowers</bdi>" in page and 'value="make"' not in page
    held = dict(re.findall(r'<input type="hidden" name="(body|name|programme_id|of)" value="([^"]*)"', page))
    named = {"column0": "account", "column1": "group", "column2": "text cy", "column3": ""}
    page = browser.post("/calendar/file", status=200, act="look", **held, **named).text
    assert "1 column is not taken in." in page and "Make 1 draft" in page and "News and invitations" in page
    assert '<option value="text cy" selected>' in page
    browser.done("/calendar/file", act="make", **held_by(page))
    assert drafts(wiring) == 1


def test_of_a_workbook_with_several_sheets_one_is_chosen(
    browser: Browser,
    wiring: Wiring,
    here: dict[str, int],  # noqa: F811
) -> None:
    body = workbook(
        row(1, "account", "group", "text") + row(2, "mail", "Rowers", "Hello"),
        row(1, "text", "account", "group") + row(2, "Later", "mail", "Rowers"),
    )
    form = {"programme_id": shown("programme", here["prg"]), "act": "look"}
    page = browser.post(
        "/calendar/file", status=200, **form, files={"file": (io.BytesIO(body), "plan.xlsx")}
    ).text
    assert '<option value="Sheet 2">' in page
    held = held_by(page) | {"sheet": "Sheet 2"}
    page = browser.post("/calendar/file", status=200, act="look", **held).text
    assert '<option value="Sheet 2" selected>' in page and "Make 1 draft" in page
    browser.done("/calendar/file", act="make", **held_by(page))
    with wiring.database.read() as session:
        (draft,) = session.scalars(select(Message).where(Message.state == "draft"))
        (words,) = session.scalars(select(Variant).where(Variant.content_id == draft.content_id))
        assert words.text == "Later"


def test_a_file_to_start_from_has_the_titles_in_the_readers_language(browser: Browser) -> None:
    assert "/calendar/file/start.csv" in browser.get("/calendar/file")
    answer = browser.client.get("/calendar/file/start.csv?language=cy")
    assert "dyddiad,amser,cyfrif,grŵp,diben,enw,pwnc cy,testun cy,pwnc en,testun en" in answer.text
