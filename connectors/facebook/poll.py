"""Asks Facebook who commented on the page's newest posts or named the page since the last time.

Rules: Facebook lists comments by post, so the newest posts are asked for with their newest comments, and further where
a page of them is all new. Reactions have no time there, and come by calls alone.
Source: developers.facebook.com/docs/graph-api/reference/{object/comments,page/published_posts,page/tagged}
(November 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from ..api import Polled
from ..meta import Change, Graph, listed, may_follow, newer, of_posts, rows, since
from .events import read

POSTS = 25
COMMENTS = 25
AT = "created_time"
WANTED = f"id,from,message,{AT}"
WITH_PARENT = f"{WANTED},parent{{id}}"
MORE = {"fields": WITH_PARENT, "filter": "stream", "order": "reverse_chronological"}
NESTED = f"id,comments.filter(stream).order(reverse_chronological).limit({COMMENTS}){{{WITH_PARENT}}}"


def poll(graph: Graph, page_id: str, cursor: Mapping[str, Any] | None) -> Polled:
    """Comments and mentions after `cursor`, oldest first."""
    return newer(page_id, partial(read, page_id), _pages(graph, page_id, since(cursor)), cursor)


def _pages(graph: Graph, page_id: str, least: int | None) -> Iterator[list[Change]]:
    posts = rows(graph.read(f"{page_id}/published_posts", fields=NESTED, limit=POSTS))
    yield from of_posts(graph, posts, least, _comment, AT, MORE)
    tagged = listed(graph, f"{page_id}/tagged", lambda told: may_follow(told, AT, least), fields=WANTED)
    yield [{"field": "mention", "value": {"verb": "add", "post_id": one.get("id"), **one}} for one in tagged]


def _comment(post_id: str, told: dict[str, Any]) -> Change:
    named = {"comment_id": told.get("id"), "post_id": post_id}
    return {"field": "feed", "value": {"verb": "add", "item": "comment", **named, **told}}
