"""Posts on a server of Mastodon's kind, and looks for a post where the server keeps no keys.

Rules: the delivery's key goes along always; who relies on it is the account's choice.
Source: docs.joinmastodon.org/methods/statuses (November 2026).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ..api import AccountGone, Outbound, Receipt, Refused
from ..http import Answer
from ..shapes import field, instant, objects
from ..wording import text_of_html
from .client import Server, is_id, named
from .media import upload

PAGE = 40
PAGES_MAX = 5
# Our clock and the server's may differ.
SKEW = timedelta(seconds=60)
# From everybody to those who are named.
SEEN_BY = ("public", "unlisted", "private", "direct")
# There was no Mastodon before.
BEGAN = datetime(2016, 1, 1, tzinfo=UTC)


def send(server: Server, visibility: str, outbound: Outbound) -> Receipt:
    """Post it. `in_reply_to` is the id of the post it answers, or of the part before."""
    text = str(outbound.text)
    if not text.strip() and not outbound.media:
        raise Refused("a post needs a text", code="no_text", phase="build")
    post: dict[str, Any] = {"status": text, "visibility": visibility}
    if is_id(outbound.in_reply_to):
        post = _answer(server, outbound.in_reply_to, "thread" in outbound.options, post)
    if outbound.media:
        post["media_ids"] = [upload(server, medium) for medium in outbound.media]
    if re.fullmatch("[a-z]{2,3}", outbound.language):
        post["language"] = outbound.language
    answer = _posted(server, post, outbound.key)
    return Receipt(named(answer), wait_s=answer.used_up_s)


def _posted(server: Server, post: dict[str, Any], key: str) -> Answer:
    try:
        return server.write("/api/v1/statuses", json=post, headers={"Idempotency-Key": key})
    except AccountGone as error:
        if error.code != "403" or "in_reply_to_id" not in post or "scope" in error.words.lower():
            raise
        server.me()  # raises where it is the account; otherwise it is this conversation that is closed to us
        raise Refused(error.words, code=error.code, phase=error.phase) from None


def find(server: Server, outbound: Outbound) -> Receipt | None:
    """The newest post of the account with the same words since the first intent."""
    wanted = same(str(outbound.text), outbound.in_reply_to)
    since = (outbound.since or BEGAN) - SKEW
    for post in _own_posts(server, since):
        shown = text_of_html(str(post.get("content") or ""))
        if is_id(post.get("id")) and same(shown, outbound.in_reply_to) == wanted:
            return Receipt(post["id"])
    return None


def same(text: str, in_reply_to: str = "") -> str:
    """Words as servers may give them back, made comparable: spaces, mentions without the server, and in an answer
    those that it begins with."""
    text = " ".join(unicodedata.normalize("NFC", text).split())
    text = re.sub(r"(?<![\w/])@(\w+)@[\w.-]+\w", r"@\1", text)
    return re.sub(r"^(@\w+ )+", "", text) if in_reply_to else text


def _answer(server: Server, above: str, own: bool, post: dict[str, Any]) -> dict[str, Any]:
    """The post under another: never seen by more people than that, whose writer is told only where the words name
    them. `own`: the one above is ours. Where it is gone the server decides: it may know the post by its key."""
    answer = server.read(f"/api/v1/statuses/{above}", show=(404,))
    parent = answer.json() if answer.status == 200 else {}
    acct, seen_by = field(parent, "account", "acct"), str(field(parent, "visibility"))
    if isinstance(acct, str) and acct and not own and f"@{acct}" not in post["status"]:
        post["status"] = f"@{acct} {post['status']}"
    narrower = max(post["visibility"], seen_by, key=lambda one: SEEN_BY.index(one) if one in SEEN_BY else 0)
    return {**post, "visibility": narrower, "in_reply_to_id": above}


def _own_posts(server: Server, since: datetime) -> Iterator[dict[str, Any]]:
    """Newest first, back to an instant."""
    path = f"/api/v1/accounts/{server.me()}/statuses"
    query = {"limit": str(PAGE), "exclude_reblogs": "true"}
    for _ in range(PAGES_MAX):
        posts = objects(server.read(path, query).json())
        for post in posts:
            at = instant(post.get("created_at"))
            if at is not None and at < since:
                return
            yield post
        if not posts or not is_id(posts[-1].get("id")):
            return
        query["max_id"] = posts[-1]["id"]
