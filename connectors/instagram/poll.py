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

from ..api import Polled
from ..meta import Change, Graph, newer, obj, of_posts, rows, since
from .events import read

POSTS = 25
COMMENTS = 25
AT = "timestamp"
WANTED = f"id,text,{AT},from,username,parent_id"
WITH_ANSWERS = f"{WANTED},replies.limit({COMMENTS}){{{WANTED}}}"
NESTED = f"id,comments.limit({COMMENTS}){{{WITH_ANSWERS}}}"


def poll(graph: Graph, user_id: str, cursor: Mapping[str, Any] | None) -> Polled:
    """Comments after `cursor`, oldest first."""
    return newer(user_id, partial(read, user_id), _pages(graph, user_id, since(cursor)), cursor)


def _pages(graph: Graph, user_id: str, least: int | None) -> Iterator[list[Change]]:
    posts = rows(graph.read(f"{user_id}/media", fields=NESTED, limit=POSTS))
    yield from of_posts(graph, posts, least, _comment, AT, {"fields": WITH_ANSWERS}, _flat)


def _comment(media_id: str, told: dict[str, Any]) -> Change:
    return {"field": "comments", "value": {"media": {"id": media_id}, **told}}


def _flat(found: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Comments, each followed by the answers to it."""
    for one in found:
        yield one
        for answer in rows(obj(one, "replies")):
            yield {"parent_id": one.get("id"), **answer}
