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

from ..api import Event, Polled
from ..meta import Graph, events_of, is_id, listed, may_follow, newer, obj, rows, since
from .events import comment, mention

POSTS = 25
COMMENTS = 25
WANTED = "id,from,message,created_time"
ORDER = {"filter": "stream", "order": "reverse_chronological"}
NESTED = f"id,comments.filter(stream).order(reverse_chronological).limit({COMMENTS}){{{WANTED},parent{{id}}}}"


def poll(graph: Graph, page_id: str, cursor: Mapping[str, Any] | None) -> Polled:
    """Comments and mentions after `cursor`, oldest first."""
    return newer(_pages(graph, page_id, since(cursor)), cursor)


def _pages(graph: Graph, page_id: str, least: int | None) -> Iterator[list[Event]]:
    for post in rows(graph.read(f"{page_id}/published_posts", fields=NESTED, limit=POSTS)):
        if is_id(post.get("id")):
            event = partial(comment, page_id, post["id"])
            first = rows(obj(post, "comments"))
            yield events_of(first, event)
            if first and _goes_on(least, first[-1]):
                path, fields = f"{post['id']}/comments", f"{WANTED},parent{{id}}"
                yield events_of(listed(graph, path, partial(_goes_on, least), fields=fields, **ORDER), event)
    tagged = listed(graph, f"{page_id}/tagged", partial(_goes_on, least), fields=WANTED)
    yield events_of(tagged, partial(mention, page_id))


def _goes_on(least: int | None, told: dict[str, Any]) -> bool:
    return may_follow(told, "created_time", least)
