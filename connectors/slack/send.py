"""Posts on Slack with our key as metadata, finds posts by it, and tells how many reacted.

Rules: words are posted as they are written; what Slack would read as markup is escaped, or stands in a block that knows
none.
Source: docs.slack.dev, chat.postMessage, message metadata, conversations.history (November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from html import escape
from typing import Any

from ..api import Deferred, Outbound, Reading, Receipt, Refused
from ..shapes import field, objects
from . import pictures
from .client import Client, unclear

KIND = "dolen_delivery"
PAGE = 100
PAGES_MAX = 8
# Our clock and Slack's may differ.
SKEW = timedelta(seconds=60)
DISLIKES = ("-1", "thumbsdown")
NAME = re.compile(r"[0-9]{1,12}\.[0-9]{1,6}")
LINK = re.compile(r"(https?://[^\s<>]+)")


def send(client: Client, outbound: Outbound) -> Receipt:
    """Post it. `in_reply_to` is the name of a post to answer, in whose thread the answer stands."""
    text = str(outbound.text)
    if not text.strip() and not outbound.media:
        raise Refused("a post needs a text or a picture", code="no_text", phase="build")
    told: dict[str, Any] = {
        "channel": client.channel,
        "text": escape(text, quote=False),
        "mrkdwn": False,
        "metadata": {"event_type": KIND, "event_payload": {"key": outbound.key}},
    }
    if NAME.fullmatch(outbound.in_reply_to):
        told["thread_ts"] = outbound.in_reply_to
    if outbound.media:
        told["blocks"] = [*_words(text), *pictures.blocks(client, outbound)]
    said = _posted(client, told, bool(outbound.media))
    pictures.forget(client, outbound)
    if not NAME.fullmatch(str(said.get("ts"))):
        raise unclear(True, "the answer names no post")
    return Receipt(said["ts"])


def _posted(client: Client, told: dict[str, Any], pictured: bool) -> dict[str, Any]:
    try:
        return client.write("chat.postMessage", told)
    except Refused as error:
        if not pictured or error.code != "invalid_blocks":
            raise
        # Slack says so of a picture that it is not done with, though it has looked at it.
        raise Deferred(error.words, code=error.code, phase="media", retry_after_s=pictures.LATER_S) from None


def find(client: Client, outbound: Outbound) -> Receipt | None:
    """The post that carries the key of this one, in the channel or in the thread it answered in."""
    query: dict[str, Any] = {"channel": client.channel, "include_all_metadata": "true", "limit": PAGE}
    if outbound.since is not None:
        query["oldest"] = f"{(outbound.since - SKEW).timestamp():.6f}"
    method = "conversations.history"
    if NAME.fullmatch(outbound.in_reply_to):
        method, query["ts"] = "conversations.replies", outbound.in_reply_to
    for post in _posts(client, method, query):
        carried = field(post, "metadata", "event_payload", "key")
        if carried == outbound.key and NAME.fullmatch(str(post.get("ts"))):
            return Receipt(post["ts"])
    return None


def metrics(client: Client, names: Sequence[str]) -> list[Reading]:
    """The likes and answers of these posts; those that are gone are left out."""
    found = []
    for name in names:
        query = {"channel": client.channel, "oldest": name, "latest": name, "inclusive": "true", "limit": 1}
        for post in objects(client.read("conversations.history", **query).get("messages")):
            if post.get("ts") == name:
                found.append(Reading(name, "likes", _likes(post)))
                found.append(Reading(name, "replies", _count(post.get("reply_count"))))
    return found


def verify(client: Client) -> None:
    """The token works, and the bot is in the channel and may read it."""
    client.read("conversations.history", channel=client.channel, limit=1)


def _words(text: str) -> list[dict[str, Any]]:
    """A block of these words without any markup, links as links."""
    if not text.strip():
        return []
    pieces = [
        {"type": "link", "url": piece} if n % 2 else {"type": "text", "text": piece}
        for n, piece in enumerate(LINK.split(text))
        if piece
    ]
    return [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": pieces}]}]


def _posts(client: Client, method: str, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for _ in range(PAGES_MAX):
        said = client.read(method, **query)
        yield from objects(said.get("messages"))
        following = field(said, "response_metadata", "next_cursor")
        if not following:
            return
        query["cursor"] = str(following)
    raise Deferred("there is more in the channel than can be looked through", phase="answer")


def _likes(post: dict[str, Any]) -> int:
    return sum(
        _count(one.get("count")) for one in objects(post.get("reactions")) if one.get("name") not in DISLIKES
    )


def _count(value: Any) -> int:
    """Slack leaves out what is none."""
    return value if isinstance(value, int) else 0
