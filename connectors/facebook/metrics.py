"""What Facebook counts of a page's posts.

Rules: what everybody sees and what only the page sees are asked for apart, since Facebook refuses the whole question
where it has renamed one figure; what it refuses to tell is left out.
Source: developers.facebook.com/docs/graph-api/reference/{post,insights} as of June 2026, when the older names of views
and reach ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..api import Reading
from ..meta import Graph, if_told, insights, is_id, obj, reading

SEEN = "shares,comments.filter(stream).limit(0).summary(true),reactions.limit(0).summary(true)"
INSIGHTS = {
    "post_media_view": "impressions",
    "post_total_media_view_unique": "reach",
    "post_clicks": "clicks",
}


def metrics(graph: Graph, names: Sequence[str]) -> list[Reading]:
    """The figures of these posts; nothing of one that is gone."""
    return [figure for name in names if is_id(name) for figure in _of_one(graph, name)]


def _of_one(graph: Graph, name: str) -> Iterator[Reading]:
    seen = if_told(graph, name, fields=SEEN)
    yield from reading(name, "boosts", obj(seen, "shares").get("count"))
    yield from reading(name, "replies", obj(obj(seen, "comments"), "summary").get("total_count"))
    yield from reading(name, "likes", obj(obj(seen, "reactions"), "summary").get("total_count"))
    if seen:
        yield from insights(graph, name, INSIGHTS, period="lifetime")
