"""What Facebook counts of a page's posts.

Rules: what everybody sees and what only the page sees are asked for apart, since Facebook refuses the whole question
where it has renamed one figure; what it refuses to tell is left out.
Source: developers.facebook.com/docs/graph-api/reference/{post,insights} as of June 2026, when the older names of views
and reach ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..api import Deferred, Reading
from ..meta import Graph, is_id, obj, rows

SEEN = "shares,comments.filter(stream).limit(0).summary(true),reactions.limit(0).summary(true)"
INSIGHTS = {
    "post_media_view": "impressions",
    "post_total_media_view_unique": "reach",
    "post_clicks": "clicks",
}
# Something is not there, or is not told by this name.
NOT_TOLD = ("100", "803")


def metrics(graph: Graph, names: Sequence[str]) -> list[Reading]:
    """The figures of these posts; nothing of one that is gone."""
    return [reading for name in names if is_id(name) for reading in _of_one(graph, name)]


def _of_one(graph: Graph, name: str) -> Iterator[Reading]:
    seen = _told(graph, name, fields=SEEN)
    for figure, counted in (
        ("boosts", obj(seen, "shares").get("count")),
        ("replies", obj(obj(seen, "comments"), "summary").get("total_count")),
        ("likes", obj(obj(seen, "reactions"), "summary").get("total_count")),
    ):
        yield from _reading(name, figure, counted)
    if not seen:
        return
    for row in rows(_told(graph, f"{name}/insights", metric=",".join(INSIGHTS), period="lifetime")):
        values = row.get("values")
        if (
            row.get("name") in INSIGHTS
            and isinstance(values, list)
            and values
            and isinstance(values[0], dict)
        ):
            yield from _reading(name, INSIGHTS[row["name"]], values[0].get("value"))


def _told(graph: Graph, path: str, **query: Any) -> dict[str, Any]:
    try:
        return graph.read(path, **query)
    except Deferred as error:
        if error.code in NOT_TOLD:
            return {}
        raise


def _reading(name: str, figure: str, value: Any) -> Iterator[Reading]:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        yield Reading(name, figure, value)
