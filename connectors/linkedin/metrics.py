"""What LinkedIn counts of an organisation's posts.

Source: learn.microsoft.com/linkedin/marketing/community-management/organizations/share-statistics (March 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..api import Reading
from .client import Client, coded, is_post, obj, rows

AT_ONCE = 20
FIGURES = {
    "impressionCount": "impressions",
    "uniqueImpressionsCount": "reach",
    "likeCount": "likes",
    "shareCount": "boosts",
    "commentCount": "replies",
    "clickCount": "clicks",
}
# How each kind of post is asked for, and named in the answer.
KINDS = {"share": ("shares", "share"), "ugcPost": ("ugcPosts", "ugcPost")}


def metrics(client: Client, names: Sequence[str]) -> list[Reading]:
    """The lifetime figures of these posts; nothing of one that LinkedIn does not know."""
    found: list[Reading] = []
    for kind, (asked, told) in KINDS.items():
        those = [name for name in names if is_post(name) and name.startswith(f"urn:li:{kind}:")]
        for first in range(0, len(those), AT_ONCE):
            listed = ",".join(coded(name) for name in those[first : first + AT_ONCE])
            query = f"q=organizationalEntity&organizationalEntity={coded(client.organisation)}&{asked}=List({listed})"
            for row in rows(client.read(f"organizationalEntityShareStatistics?{query}", finder=True)):
                if row.get(told) in those:
                    found += _readings(row[told], obj(row, "totalShareStatistics"))
    return found


def _readings(name: str, counted: dict[str, Any]) -> Iterator[Reading]:
    for theirs, ours in FIGURES.items():
        value = counted.get(theirs)
        # LinkedIn says itself that a count of likes may fall below zero.
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            yield Reading(name, ours, value)
