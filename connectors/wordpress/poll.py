"""Asks a site for the comments that are new, or that somebody has let through since.

Rules: a comment that waited for a moderator appears late, with an older number: so among the newest hundred each that
was not seen is new. What is older than these is new no more.
Source: developer.wordpress.org/rest-api/reference/comments (November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from ..api import Deferred, Event, Polled
from ..wording import text_of_html
from .client import Client, number, one, rows, words
from .send import COMMENT

PAGE = 100
PAGES_MAX = 20


def poll(client: Client, cursor: Mapping[str, Any] | None) -> Polled:
    """Comments after `cursor` ({floor, seen}), oldest first; the first time those of one page."""
    floor, seen = int((cursor or {}).get("floor") or 0), set((cursor or {}).get("seen") or ())
    me = number(one(client.get("users/me")))
    found: dict[int, dict[str, Any]] = {}
    newest: list[int] = []
    for page in range(1, (PAGES_MAX if cursor else 1) + 1):
        answer = client.get(
            "comments", orderby="id", order="desc", per_page=PAGE, page=page, status="approve"
        )
        comments = [each for each in rows(answer) if number(each)]
        newest = newest or [number(each) for each in comments]
        found |= {number(each): each for each in comments if number(each) >= floor}
        pages = answer.headers.get("x-wp-totalpages", "")
        if not comments or number(comments[-1]) <= floor or not pages.isdecimal() or page >= int(pages):
            break
    new = [found[each] for each in sorted(found) if each not in seen]
    events = tuple(_event(each) for each in new if number(each, "author") != me)
    low = max(floor, min(newest, default=0))
    return Polled(events, {"floor": low, "seen": sorted(each for each in {*seen, *found} if each >= low)})


def _event(comment: dict[str, Any]) -> Event:
    name, parent = f"{COMMENT}{number(comment)}", number(comment, "parent")
    about = (f"{COMMENT}{parent}",) if parent else ()
    return Event(
        key=name,
        kind="reply",
        at=_at(comment),
        references=(str(number(comment, "post")), *about),
        sender=str(
            comment.get("author_email") or comment.get("author_url") or comment.get("author_name") or ""
        ),
        sender_name=str(comment.get("author_name") or ""),
        text=text_of_html(words(comment, "content", "rendered")),
        meta={"message_id": name, "url": str(comment.get("link") or "")},
        verified=bool(number(comment, "author")),  # of others the site knows only what they typed
        raw=orjson.dumps(comment),
    )


def _at(comment: Mapping[str, Any]) -> datetime:
    """When it was written; WordPress tells it in UTC, without saying so."""
    try:
        at = datetime.fromisoformat(str(comment.get("date_gmt")))
    except ValueError:
        raise Deferred("a comment without a time", phase="answer", scope="account") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
