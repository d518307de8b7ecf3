"""The search page: one box, and nobody finds what they may not see."""

from __future__ import annotations

import pytest

from campaigns.messages.tables import Message
from campaigns.responses.tables import Response
from campaigns.stakeholders.tables import Stakeholder
from service.wiring import Wiring

from ..samples import programme, world
from .conftest import Browser, Browsers


@pytest.fixture
def ids(wiring: Wiring, general: int) -> dict[str, int]:
    """One of everything, with words of their own."""
    with wiring.database.write() as session:
        made = world(session, wiring.now(), programme(session, wiring.now(), "River"))
        session.get_one(Stakeholder, made["stk"]).name = "Rhiannon Testwell"
        session.get_one(Message, made["msg"]).name = "Testwell bulletin"
        session.get_one(Response, made["rsp"]).text = "Is the testwell open on Sunday?"
    return made


def test_people_messages_and_answers_are_found_by_one_box(browser: Browser, ids: dict[str, int]) -> None:
    """L11."""
    page = browser.get("/search", q="testw")
    assert "Rhiannon Testwell" in page and "Testwell bulletin" in page and "open on Sunday" in page


def test_an_address_finds_whose_it_is(browser: Browser, ids: dict[str, int]) -> None:
    assert "Rhiannon Testwell" in browser.get("/search", q="ann@exam")


def test_what_has_no_words_is_explained(browser: Browser, ids: dict[str, int]) -> None:
    assert "The beginning of a word is enough" in browser.get("/search")
    assert "Nothing has these words" in browser.get("/search", q="zzzz")


def test_nobody_finds_what_they_may_not_see(wiring: Wiring, browsers: Browsers, ids: dict[str, int]) -> None:
    with wiring.database.write() as session:
        elsewhere = programme(session, wiring.now(), "Hills")
    for stranger in (browsers("administrator", elsewhere), browsers(None)):
        assert "Testwell" not in stranger.get("/search", q="testwell").replace("testwell", "")
