"""The search page: one box, and nobody finds what they may not see."""

from __future__ import annotations

import pytest

from campaigns.messages.tables import Message
from campaigns.responses.tables import Response
from campaigns.stakeholders import addresses
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


@pytest.mark.parametrize(
    "typed",
    [
        "+447700900123",
        "+44 7700 900123",
        "+44 (0)7700 900",
        "07700 900123",
        "7700900123",
        "447700900123",
        "٠٧٧٠٠ ٩٠٠١٢٣",
    ],
)
def test_whoever_rings_is_found_by_their_number(
    browser: Browser, wiring: Wiring, ids: dict[str, int], typed: str
) -> None:
    """L11."""
    with wiring.database.write() as session:
        addresses.add(session, wiring.now(), ids["stk"], "sms", "+44 7700 900123")
    assert "Rhiannon Testwell" in browser.get("/search", q=typed)
    assert "Rhiannon Testwell" not in browser.get("/search", q="07700 900124")


@pytest.mark.parametrize("typed", ["rhitest", "@rhitest", "rhitest@social.exam"])
def test_a_handle_is_found_by_how_it_begins(
    browser: Browser, wiring: Wiring, ids: dict[str, int], typed: str
) -> None:
    with wiring.database.write() as session:
        addresses.add(session, wiring.now(), ids["stk"], "mastodon", "@rhitest@social.example")
    assert "Rhiannon Testwell" in browser.get("/search", q=typed)


def test_what_has_no_words_is_explained(browser: Browser, ids: dict[str, int]) -> None:
    assert "The beginning of a word is enough" in browser.get("/search")
    assert "Nothing has these words" in browser.get("/search", q="zzzz")


def test_nobody_finds_what_they_may_not_see(wiring: Wiring, browsers: Browsers, ids: dict[str, int]) -> None:
    with wiring.database.write() as session:
        elsewhere = programme(session, wiring.now(), "Hills")
    for stranger in (browsers("administrator", elsewhere), browsers(None)):
        for typed in ("testwell", "ann@example.org"):
            assert "Testwell" not in stranger.get("/search", q=typed).replace("testwell", "")
