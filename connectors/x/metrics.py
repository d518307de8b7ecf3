"""What X counts of our posts, read from the account's own timeline: that costs less than asking for posts by their ids.

Source: docs.x.com/x-api/fundamentals/metrics, docs.x.com/x-api/getting-started/pricing (November 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..api import Reading
from .client import Client
from .send import PAGE, PAGES_MAX, is_id, pages, rows

FIGURES = {
    "impression_count": "impressions",
    "like_count": "likes",
    "retweet_count": "boosts",
    "reply_count": "replies",
    "bookmark_count": "saves",
}


def metrics(client: Client, names: Sequence[str]) -> list[Reading]:
    """The figures of those of these posts that X still shows."""
    wanted = {name for name in names if is_id(name)}
    if not wanted:
        return []
    numbers = [int(name) for name in wanted]
    span = {"since_id": str(min(numbers) - 1), "until_id": str(max(numbers) + 1)}
    values = {"max_results": PAGE, "tweet_fields": ["public_metrics"], **span}
    found: list[Reading] = []
    for answer in pages(client, values, PAGES_MAX):
        for post in rows(answer, "data"):
            if post.get("id") in wanted:
                wanted.remove(post["id"])
                found += _readings(post)
        if not wanted:
            break
    return found


def _readings(post: Mapping[str, Any]) -> Iterator[Reading]:
    counted: Any = post.get("public_metrics")
    for theirs, ours in FIGURES.items() if isinstance(counted, dict) else ():
        value = counted.get(theirs)
        if type(value) is int and value >= 0:
            yield Reading(str(post["id"]), ours, value)
