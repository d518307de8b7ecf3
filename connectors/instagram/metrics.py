"""What Instagram counts of an account's posts.

Source: developers.facebook.com/docs/instagram-platform/reference/instagram-media, /docs/instagram-platform/reference/
instagram-media/insights (November 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..api import Reading
from ..meta import Graph, if_told, insights, is_id, reading

INSIGHTS = {"views": "impressions", "reach": "reach", "saved": "saves", "shares": "boosts"}


def metrics(graph: Graph, names: Sequence[str]) -> list[Reading]:
    """The figures of these posts; nothing of one that is gone."""
    return [figure for name in names if is_id(name) for figure in _of_one(graph, name)]


def _of_one(graph: Graph, name: str) -> Iterator[Reading]:
    seen = if_told(graph, name, fields="like_count,comments_count")
    yield from reading(name, "likes", seen.get("like_count"))
    yield from reading(name, "replies", seen.get("comments_count"))
    if seen:
        yield from insights(graph, name, INSIGHTS)
