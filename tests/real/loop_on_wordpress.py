"""The loop on a real WordPress: what is posted, with pictures; comments land on the right record and are answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest

from connectors import registry
from connectors.api import Connector, Medium, Outbound, Receipt
from connectors.testing import PIXEL, SCRIPTS

from . import wordpress
from .dolen import Loop
from .install import installed


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[wordpress.Site]:
    """A site for the whole file."""
    if not installed("wordpress"):
        pytest.skip("WordPress is not installed: `make test-real` says why")
    folder: Path = tmp_path_factory.mktemp("wordpress")
    with wordpress.site(folder) as found:
        yield found


def account(site: wordpress.Site) -> Connector:
    settings = {"url": site.address, "username": wordpress.POSTS}
    return registry.connect("wordpress", settings, {"application_password": site.passwords[wordpress.POSTS]})


def test_a_comment_lands_on_the_right_record_within_one_poll_and_is_answered(
    loop: Loop, site: wordpress.Site
) -> None:
    """DC3, L3"""
    secrets = {"application_password": site.passwords[wordpress.POSTS]}
    connected = loop.connect("wordpress", {"url": site.address, "username": wordpress.POSTS}, secrets)
    loop.poll()  # what is there from the beginning
    known, other = loop.person("Siân", "wordpress", "sian"), loop.person("Nia", "wordpress", "nia")
    sent = loop.post(connected, "Dewch draw nos Fercher · تعالوا مساء الأربعاء")
    shown = site.ask(f"posts/{sent['provider_id']}")
    assert "Dewch draw nos Fercher · تعالوا مساء الأربعاء" in shown["content"]["rendered"]

    site.ask("comments", {"post": int(sent["provider_id"]), "content": "A fydd lifft? & bws?"})
    assert loop.poll() == 1 and loop.poll() == 0
    # What she wrote when the other database was tried is hers as well, as soon as it is looked at again.
    assert {one["what"] for one in loop.responses(known)} == {"reply"} and loop.responses(other) == []
    loop.answer("Bydd, & croeso")
    comments = site.ask(f"comments?post={sent['provider_id']}&order=asc")
    assert [one["parent"] for one in comments] == [0, comments[0]["id"]]
    assert "Bydd, & croeso" in unescape(comments[1]["content"]["rendered"])


@pytest.mark.parametrize("text", SCRIPTS)
def test_what_went_is_found_again_and_shown_as_it_was_written(site: wordpress.Site, text: str) -> None:
    connector = account(site)
    one = Outbound(key=f"dlv_{hash(text)}", text=text, subject="Pwnc ŵ", since=datetime.now(UTC))
    assert connector.find is not None and connector.find(one) is None
    receipt = connector.send(one)
    assert connector.find(one) == receipt and connector.find(replace(one, key="dlv_other")) is None


def test_a_picture_goes_with_what_it_shows(site: wordpress.Site) -> None:
    """C5"""
    (kind, name), alt = ("image/png", "pont ŵ.png"), 'Pont "Llanfair"'
    picture = Medium(name, kind, alt, len(PIXEL), "https://dolen.example/m/1.png", lambda: PIXEL, 1, 1)
    one = Outbound(key="dlv_picture", text="Gyda llun", media=(picture,), since=datetime.now(UTC))
    receipt = account(site).send(one)
    shown = site.ask(f"posts/{receipt.provider_id}")
    assert site.ask(f"media/{shown['featured_media']}")["alt_text"] == alt
    assert 'alt="Pont &quot;Llanfair&quot;"' in shown["content"]["rendered"]


def test_words_in_brackets_are_shown_and_not_obeyed(site: wordpress.Site) -> None:
    one = Outbound(key="dlv_brackets", text="[gallery] [audio]", since=datetime.now(UTC))
    shown = site.ask(f"posts/{account(site).send(one).provider_id}")["content"]["rendered"]
    assert shown == "<p>&#091;gallery] &#091;audio]</p>\n"


def test_the_same_answer_twice_is_one_comment(site: wordpress.Site) -> None:
    connector = account(site)
    post = connector.send(Outbound(key="dlv_asked", text="Cwestiwn?", since=datetime.now(UTC)))
    asked = site.ask("comments", {"post": int(post.provider_id), "content": "A fydd lifft yno?"})
    answer = Outbound(
        key="dlv_answer", text="Bydd", in_reply_to=f"comment-{asked['id']}", since=datetime.now(UTC)
    )
    first = connector.send(answer)
    assert first == connector.send(answer) == Receipt(first.provider_id)
    assert connector.find is not None and connector.find(answer) == first
