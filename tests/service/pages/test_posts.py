"""Posts at a browser: the pictures that go with one are chosen and looked at, a thread by its parts, what it costs."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from io import BytesIO
from typing import Any

import pytest

from campaigns.base import parse_id, public_id
from campaigns.delivery.tables import Account
from campaigns.messages import content
from campaigns.messages.tables import Message, Variant
from connectors import simulator, x
from service.wiring import Wiring

from ...campaigns.messages.test_media import drawn
from .conftest import Browser

LIMITS = replace(simulator.POSTS, media_max=3, prices=x.PRICES)


@pytest.fixture
def page(wiring: Wiring, general: int) -> str:
    """An account that posts to everyone, takes three pictures and charges."""
    now = wiring.now()
    with wiring.database.write() as session:
        made = Account(
            connector="simulator", name="Our page", channel="practice", broadcast=True, limits=asdict(LIMITS),
            repeats={"kind": "keyed"}, created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(made)
        session.flush()
        return public_id("acc", made.id)


@pytest.fixture
def post(browser: Browser, page: str) -> str:
    """The address of a post that is a draft."""
    answer = browser.post("/write", act="draft", account=page, text="Come along", language="en")
    return str(answer.headers["Location"]).split("?")[0]


def picture(browser: Browser, colour: str, **alts: str) -> str:
    """The public id of a new picture."""
    file = {"file": (BytesIO(drawn(colour=colour)), f"{colour}.png")}
    answer = browser.post("/media/new", files=file, **{f"alt-{tag}": words for tag, words in alts.items()})
    found = re.search(r"med_\w+", answer.headers["Location"])
    assert found is not None
    return found[0]


def save(browser: Browser, post: str, **form: Any) -> None:
    browser.post(f"{post}/words/practice/en", act="save", mode="text", text="Come along", **form)


def saved(wiring: Wiring, post: str) -> list[str]:
    with wiring.database.read() as session:
        message = session.get_one(Message, parse_id("msg", post.rpartition("/")[2]))
        (variant,) = content.current(session, message.content_id)
        return [public_id("med", one) for one in variant.media or ()]


def test_pictures_are_chosen_beside_the_words_and_stay_in_their_order(
    browser: Browser, wiring: Wiring, post: str
) -> None:
    """C5: with no script."""
    red, blue = picture(browser, "red", en="A red boat"), picture(browser, "blue", en="A blue boat")
    form = browser.get(f"{post}/words/practice/en")
    assert form.count('<select id="p') == 3 and "red.png" in form
    save(browser, post, p0=blue, p1="", p2=red)
    assert saved(wiring, post) == [blue, red]
    again = browser.get(f"{post}/words/practice/en")
    assert re.findall(r'<option value="(med_\w+)" selected', again) == [blue, red]
    save(browser, post)
    assert saved(wiring, post) == []


def test_a_post_is_seen_with_its_pictures_and_what_they_show(
    browser: Browser, wiring: Wiring, post: str
) -> None:
    red, bare = picture(browser, "red", en="A red <boat>"), picture(browser, "blue", cy="Cwch")
    asked = {"channel": "practice", "language": "en"}
    typed = browser.post(f"{post}/look", status=200, mode="text", text="Come", p0=red, **asked).text
    assert 'alt="A red &lt;boat&gt;"' in typed and "/m/" in typed
    save(browser, post, p0=red, p1=bare)
    shown = browser.get(f"{post}/look?channel=practice&language=en")
    assert shown.count("<figure>") == 2 and "Nobody has said yet what" in shown
    page = browser.get(post)
    assert "Say what the picture" in page and page.count('<figure class="picture">') == 2
    assert 'alt="A red <boat>"' in page  # entities are resolved here


def test_a_picture_that_may_not_be_used_is_told_where_it_was_chosen(browser: Browser, post: str) -> None:
    red = picture(browser, "red", en="A boat")
    answer = browser.post(
        f"{post}/words/practice/en", status=422, act="save", mode="text", text="Come", p0=red, p1=red
    )
    assert 'id="p1-why"' in answer.text and "once only" in answer.text
    assert re.findall(r'<option value="(med_\w+)" selected', answer.text) == [red, red]


def test_a_thread_is_seen_by_its_posts(browser: Browser, post: str) -> None:
    """C6"""
    assert "begins the next post" in browser.get(f"{post}/words/practice/en")
    browser.post(f"{post}/words/practice/en", act="save", mode="text", text="One\n---\nTwo")
    shown = browser.get(f"{post}/look?channel=practice&language=en")
    assert shown.count("<li>") == 2 and "---" not in shown
    browser.post(post, act="submit")
    ledger = browser.get(f"{post}/who")
    assert ledger.count("Everybody") == 2 and "part 2 of the thread" in ledger


def test_the_page_says_what_it_costs(browser: Browser, post: str) -> None:
    """D8"""
    assert "it costs about 0.015 USD" in browser.get(post)
    browser.post(f"{post}/words/practice/en", act="save", mode="text", text="See https://a.example")
    shown = browser.get(post)
    assert "it costs about 0.2 USD" in shown and x.PRICES.source in shown


def test_a_budget_is_asked_for_where_posts_cost_something(browser: Browser) -> None:
    """D8"""
    assert "What posts may cost in a month" in browser.get("/settings/accounts/new", connector="x")
    assert "What posts may cost in a month" not in browser.get(
        "/settings/accounts/new", connector="simulator"
    )


def test_letters_are_offered_no_pictures_beside_them(browser: Browser, wiring: Wiring, general: int) -> None:
    now = wiring.now()
    with wiring.database.write() as session:
        account = Account(
            connector="simulator", name="Post", channel="email", limits=asdict(simulator.MAIL),
            repeats={"kind": "keyed"}, created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(account)
        session.flush()
        number = public_id("acc", account.id)
    form = {"to": "ann@example.org", "account": number, "subject": "Walk", "text": "Come", "language": "en"}
    place = str(browser.post("/write", act="draft", **form).headers["Location"]).split("?")[0]
    words = browser.get(f"{place}/words/email/en")
    assert 'id="p0"' not in words and "begins the next post" not in words
    with wiring.database.read() as session:
        assert session.query(Variant).filter(Variant.media.is_not(None)).count() == 0
