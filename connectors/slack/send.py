"""Posts on Slack with our key as metadata, finds posts by it, and tells how many reacted.

Rules: words are posted as they are written; what Slack would read as markup is escaped, or stands in a block that knows
none. Pictures are given to Slack first and seen by nobody, so whatever goes wrong with them may be tried again.
Source: docs.slack.dev, chat.postMessage, message metadata, files.getUploadURLExternal, image block,
conversations.history (November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from html import escape
from typing import Any

from ..api import Deferred, Medium, Outbound, Reading, Receipt, Refused, Uncertain
from ..shapes import field, objects
from .client import Client, unclear

KIND = "dolen_delivery"
PAGE = 100
PAGES_MAX = 8
# Slack looks at a picture before it shows it; that takes about as long as some questions about it.
ASKS_MAX = 10
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
        told["blocks"] = [*_words(text), *_pictures(client, outbound.media)]
    said = client.write("chat.postMessage", told)
    if not NAME.fullmatch(str(said.get("ts"))):
        raise unclear(True, "the answer names no post")
    return Receipt(said["ts"])


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


def _pictures(client: Client, media: Sequence[Medium]) -> list[dict[str, Any]]:
    """A block for each picture, given to Slack. Deferred where that fails."""
    try:
        files = [_given(client, one) for one in media]
        ids = [{"id": file, "title": one.name} for file, one in zip(files, media, strict=True)]
        client.write("files.completeUploadExternal", {"files": ids})
        for file in files:
            _await(client, file)
    except Uncertain as error:
        raise Deferred(error.words, code=error.code, phase="answer") from None
    # Slack shows no picture without words for it.
    return [
        {"type": "image", "slack_file": {"id": file}, "alt_text": one.alt or one.name}
        for file, one in zip(files, media, strict=True)
    ]


def _given(client: Client, picture: Medium) -> str:
    query = {"filename": picture.name, "length": picture.size, "alt_txt": picture.alt}
    place = client.read("files.getUploadURLExternal", **query)
    client.put(str(place.get("upload_url")), picture.load())
    return str(place.get("file_id"))


def _await(client: Client, file: str) -> None:
    """Slack has looked at the picture; Deferred where it has not yet."""
    for _ in range(ASKS_MAX):
        if field(client.read("files.info", file=file), "file", "mimetype"):
            return
    raise Deferred("Slack has not looked at the picture yet", phase="media", retry_after_s=5.0)


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
