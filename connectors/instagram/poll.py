"""Asks Instagram who commented on the account's newest posts since the last time.

Rules: Instagram lists comments by post, newest first, each with the answers to it; the newest posts are asked for with
their newest comments, and further where a page of them is all new.
Source: developers.facebook.com/docs/instagram-platform/reference/{instagram-user/media,instagram-media/comments}
(November 2026).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ..api import Event, Polled
from ..meta import Graph, events_of, is_id, listed, may_follow, newer, obj, rows, since
from .events import comment

POSTS = 25
COMMENTS = 25
WANTED = "id,text,timestamp,from,username,parent_id"
WITH_ANSWERS = f"{WANTED},replies.limit({COMMENTS}){{{WANTED}}}"
NESTED = f"id,comments.limit({COMMENTS}){{{WITH_ANSWERS}}}"


def poll(graph: Graph, user_id: str, cursor: Mapping[str, Any] | None) -> Polled:
    """Comments after `cursor`, oldest first."""
    return newer(_pages(graph, user_id, since(cursor)), cursor)


def _pages(graph: Graph, user_id: str, least: int | None) -> Iterator[list[Event]]:
    for post in rows(graph.read(f"{user_id}/media", fields=NESTED, limit=POSTS)):
        if is_id(post.get("id")):
            event = partial(comment, user_id, post["id"])
            first = rows(obj(post, "comments"))
            yield events_of(_flat(first), event)
            if first and _goes_on(least, first[-1]):
                found = listed(graph, f"{post['id']}/comments", partial(_goes_on, least), fields=WITH_ANSWERS)
                yield events_of(_flat(found), event)


def _flat(found: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Comments, each followed by the answers to it."""
    for one in found:
        yield one
        for answer in rows(obj(one, "replies")):
            yield {"parent_id": one.get("id"), **answer}


def _goes_on(least: int | None, told: dict[str, Any]) -> bool:
    return may_follow(told, "timestamp", least)
