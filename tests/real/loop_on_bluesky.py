"""The loop on a real Bluesky network: what goes out, what comes of it there, and on whose record that lands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from connectors import registry
from connectors.api import Connector, Outbound, Refused
from connectors.testing import pictures

from . import bluesky
from .bluesky import POST, Somebody
from .dolen import Loop, until

numbers = count(1)
NOTICES = "app.bsky.notification.listNotifications"


def at() -> str:
    """Now, as records say it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture
def cyngor(bluesky_server: str) -> Somebody:
    """The account that posts."""
    return bluesky.join(bluesky_server, f"cyngor{next(numbers)}.test")


@pytest.fixture
def sian(bluesky_server: str) -> Somebody:
    """Somebody who reads it."""
    return bluesky.join(bluesky_server, f"sian{next(numbers)}.test")


@pytest.fixture
def connector(cyngor: Somebody) -> Connector:
    """The account as connected, without the rest of Dolen."""
    settings, secrets = ways(cyngor)
    login = registry.connect("bluesky", settings, secrets).refresh
    assert login is not None
    return registry.connect("bluesky", settings, {**secrets, **login().secrets})


def ways(account: Somebody) -> tuple[dict[str, Any], dict[str, str]]:
    """Settings and secrets, with an app password as people make one."""
    password = account.ask("com.atproto.server.createAppPassword", name="Dolen")["password"]
    return {"server": account.server, "handle": account.handle}, {"app_password": password}


def seen(reader: Somebody, uri: str) -> Mapping[str, Any]:
    """A post as the AppView shows it to readers, once it does."""
    (found,) = until(lambda: reader.reads("app.bsky.feed.getPosts", uris=uri)["posts"])
    assert isinstance(found, dict)
    return found


def test_what_comes_of_a_post_lands_on_the_right_record_within_one_poll(
    loop: Loop, cyngor: Somebody, sian: Somebody
) -> None:
    """DC3, CS7"""
    account = loop.connect("bluesky", *ways(cyngor))
    known, other = (
        loop.person("Siân", "bluesky", f"@{sian.handle}"),
        loop.person("Nia", "bluesky", "nia.test"),
    )
    text = f"Dewch draw nos Fercher · تعالوا https://cyngor.example/ŵyl #Môn @{sian.handle}"
    sent = loop.post(account, text)
    post = seen(sian, sent["provider_id"])
    assert post["record"]["text"] == text
    kinds = [one["features"][0]["$type"].rpartition("#")[2] for one in post["record"]["facets"]]
    assert kinds == ["link", "tag", "mention"]

    about = {"uri": post["uri"], "cid": post["cid"]}
    sian.make(POST, at(), text="Byddaf yno!", langs=["cy"], reply={"root": about, "parent": about})
    sian.make("app.bsky.feed.like", at(), subject=about)
    sian.make("app.bsky.feed.repost", at(), subject=about)
    sian.make(POST, at(), text=f"@{cyngor.handle} helo", facets=[_mention(cyngor)])
    until(lambda: len(cyngor.reads(NOTICES)["notifications"]) == 4)

    assert loop.poll() == 4
    came = {one["what"]: one for one in loop.responses(known)}
    assert set(came) == {"reply", "like", "boost", "mention"}
    assert {came[kind].get("delivery_id") for kind in ("reply", "like", "boost")} == {sent["id"]}
    assert came["reply"]["text"] == "Byddaf yno!" and came["reply"]["meta"]["language"] == "cy"
    assert loop.responses(other) == [] and loop.poll() == 0


def test_an_answer_stands_under_what_it_answers(loop: Loop, cyngor: Somebody, sian: Somebody) -> None:
    """L3"""
    loop.connect("bluesky", *ways(cyngor))
    asked = sian.make(POST, at(), text=f"@{cyngor.handle} pryd?", facets=[_mention(cyngor)])
    until(lambda: cyngor.reads(NOTICES)["notifications"])
    loop.poll()
    loop.answer("Nos Fercher am saith.")
    (thread,) = until(lambda: sian.reads("app.bsky.feed.getPostThread", uri=asked)["thread"]["replies"])
    assert thread["post"]["record"]["text"] == "Nos Fercher am saith."
    assert thread["post"]["author"]["did"] == cyngor.did


def test_a_repeat_makes_no_commit_pictures_and_links_included(connector: Connector, cyngor: Somebody) -> None:
    """DC2: what readers, relays and other servers see of a repeat is nothing at all."""
    given = pictures(2, replace(connector.limits, media_types=("image/png",)))
    post = Outbound(key="dlv_1", text="https://cyngor.example #Môn", since=datetime.now(UTC), media=given)
    first = connector.send(post)
    commit = cyngor.reads("com.atproto.sync.getLatestCommit", did=cyngor.did)
    assert connector.send(post) == first
    assert cyngor.reads("com.atproto.sync.getLatestCommit", did=cyngor.did) == commit
    images = seen(cyngor, first.provider_id)["embed"]["images"]
    assert [one["alt"] for one in images] == [one.alt for one in given]


def test_the_parts_of_a_thread_are_one(connector: Connector, cyngor: Somebody) -> None:
    above = first = connector.send(Outbound(key="dlv_0", text="0", since=datetime.now(UTC))).provider_id
    for part in "12":
        options = {"thread": first}
        told = Outbound(
            key=f"dlv_{part}", text=part, since=datetime.now(UTC), in_reply_to=above, options=options
        )
        above = connector.send(told).provider_id
    reply = seen(cyngor, above)["record"]["reply"]
    assert reply["root"]["uri"] == first and reply["parent"]["uri"] != first


def test_a_text_is_as_long_as_we_count_it(connector: Connector) -> None:
    """R43: a family is one; one more than 300 is refused by the server itself."""
    family = "👩‍👩‍👧"
    connector.send(Outbound(key="dlv_1", text=family * 30 + "ŵ" * 270, since=datetime.now(UTC)))
    with pytest.raises(Refused, match="grapheme too big"):
        connector.send(Outbound(key="dlv_2", text="ŵ" * 301, since=datetime.now(UTC)))


def test_figures_are_those_of_the_network(connector: Connector, sian: Somebody) -> None:
    name = connector.send(Outbound(key="dlv_1", text="Dewch draw", since=datetime.now(UTC))).provider_id
    post = seen(sian, name)
    sian.make("app.bsky.feed.like", at(), subject={"uri": name, "cid": post["cid"]})
    assert connector.metrics is not None
    gone = name[:-1] + ("2" if name[-1] != "2" else "3")
    until(lambda: seen(sian, name)["likeCount"] == 1)
    told = {one.figure: one.value for one in connector.metrics([gone, name])}
    assert told == {"likes": 1, "boosts": 0, "replies": 0}


def test_figures_come_to_stand_beside_the_message(loop: Loop, cyngor: Somebody, sian: Somebody) -> None:
    """G14: Bluesky tells three, and of the others nothing, which is not zero."""
    account = loop.connect("bluesky", *ways(cyngor))
    sent = loop.post(account, "Dewch draw")
    post = seen(sian, sent["provider_id"])
    sian.make("app.bsky.feed.like", at(), subject={"uri": post["uri"], "cid": post["cid"]})
    until(lambda: seen(sian, sent["provider_id"])["likeCount"] == 1)
    told = {name: value for name, value in loop.figures(sent["message_id"]).items() if value is not None}
    assert told == {"likes": 1, "boosts": 0, "replies": 0}


def _mention(account: Somebody) -> dict[str, Any]:
    named = {"$type": "app.bsky.richtext.facet#mention", "did": account.did}
    return {"index": {"byteStart": 0, "byteEnd": len(account.handle) + 1}, "features": [named]}
