"""What a server of Mastodon's kind counts of a post, as far as it has heard of it from other servers."""

from __future__ import annotations

from collections.abc import Sequence

from ..api import Reading
from .client import Server, is_id

COUNTS = {"favourites_count": "likes", "reblogs_count": "boosts", "replies_count": "replies"}


def metrics(server: Server, names: Sequence[str]) -> list[Reading]:
    """The figures of these posts; one that is gone has none."""
    return [reading for name in names if is_id(name) for reading in _of(server, name)]


def _of(server: Server, name: str) -> list[Reading]:
    answer = server.read(f"/api/v1/statuses/{name}", show=(404,))
    post = answer.json() if answer.status != 404 else None
    counted = post if isinstance(post, dict) else {}
    return [
        Reading(name, figure, counted[count])
        for count, figure in COUNTS.items()
        if type(counted.get(count)) is int
    ]
