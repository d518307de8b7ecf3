"""Posts on X, and looks for it on the account's own timeline where nobody knows whether it went.

Rules: X keeps no key of ours, so a post is found by its words since the first intent: never exact. X
refuses words that it has already from this account; that is a sign that an earlier try had gone.
Source: docs.x.com/x-api/x-api-v2/tweets/timelines (November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from html import unescape
from typing import Any

from ..api import Outbound, Receipt, Refused, Uncertain
from ..by_words import comparable, since, went_before
from . import pictures
from .client import Client, Duplicate

PAGE = 100
PAGES_MAX = 8
_PICTURE = re.compile(r"/status/[0-9]+/photo/[0-9]+$")


def send(client: Client, outbound: Outbound) -> Receipt:
    """Post it. `in_reply_to` is the id of a post to answer. Uncertain with code `duplicate`: it may have gone
    before."""
    text = str(outbound.text)
    if not text.strip():
        raise Refused("a post needs a text", code="no_text", phase="build")
    more: dict[str, Any] = (
        {"in_reply_to_tweet_id": outbound.in_reply_to} if is_id(outbound.in_reply_to) else {}
    )
    if outbound.media:
        more["media_ids"] = [pictures.give(client, one) for one in outbound.media]
    try:
        answer = client.write(client.api.create_tweet, text=text, **more)
    except Duplicate as error:
        return went_before(partial(find, client), outbound, error)
    data = answer.get("data")
    if not isinstance(data, dict) or not is_id(data.get("id")):
        raise Uncertain("the answer names no post", phase="answer")
    return Receipt(str(data["id"]), wait_s=client.used_up_s)


def find(client: Client, outbound: Outbound) -> Receipt | None:
    """The newest post with the same words on the account's own timeline since the first intent."""
    wanted = same(str(outbound.text), outbound.in_reply_to)
    for post in _own_posts(client, outbound):
        if is_id(post.get("id")) and same(_as_written(post), outbound.in_reply_to) == wanted:
            return Receipt(post["id"])
    return None


def _own_posts(client: Client, outbound: Outbound) -> Iterator[dict[str, Any]]:
    values: dict[str, Any] = {"max_results": PAGE, "tweet_fields": ["created_at", "entities"]}
    if least := since(outbound):
        values["start_time"] = least.strftime("%Y-%m-%dT%H:%M:%SZ")
    for answer in pages(client, values, PAGES_MAX):
        yield from rows(answer, "data")


def pages(client: Client, values: dict[str, Any], most: int) -> Iterator[dict[str, Any]]:
    """The account's own timeline, newest first, a page at a time."""
    for _ in range(most):
        answer = client.read(client.api.get_users_tweets, client.user_id, **values)
        yield answer
        meta = answer.get("meta")
        following = meta.get("next_token") if isinstance(meta, dict) else None
        if not following:
            return
        values = {**values, "pagination_token": str(following)}


def is_id(value: Any) -> bool:
    """Whether this is the id of a post."""
    return isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value) is not None


def rows(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a list in an answer; nothing else of it."""
    found = answer.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def same(text: str, in_reply_to: str = "") -> str:
    """Words as X may give them back, made comparable: entities, spaces, links, the names a reply begins with."""
    text = comparable(unescape(text))
    text = re.sub(r"^(@\w{1,15} )+", "", text) if in_reply_to else text
    return re.sub(r"https?://(\S+?)/?(?=\s|$)", r"\1", text)


def _as_written(post: dict[str, Any]) -> str:
    """A post's text with X's own short links undone, and without those that stand for its pictures."""
    text = str(post.get("text", ""))
    entities = post.get("entities")
    for link in rows(entities, "urls") if isinstance(entities, dict) else []:
        if link.get("url") and link.get("expanded_url"):
            meant = str(link["expanded_url"])
            text = text.replace(str(link["url"]), "" if _PICTURE.search(meant) else meant)
    return text
