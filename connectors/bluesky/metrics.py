"""What Bluesky counts of a post."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..api import Reading
from ..shapes import objects
from .client import Client, told
from .send import is_uri

AT_ONCE = 25
COUNTS = {"likeCount": "likes", "repostCount": "boosts", "replyCount": "replies"}


def metrics(client: Client, names: Sequence[str]) -> list[Reading]:
    """The figures of these posts; one that is gone has none."""
    known = [name for name in names if is_uri(name)]
    parts = [known[start : start + AT_ONCE] for start in range(0, len(known), AT_ONCE)]
    return [reading for part in parts for post in _posts(client, part) for reading in _of(post, part)]


def _posts(client: Client, names: Sequence[str]) -> list[dict[str, Any]]:
    answer = client.read("app.bsky.feed.getPosts", [("uris", name) for name in names])
    return objects(told(client.door.read(answer)).get("posts"))


def _of(post: dict[str, Any], asked: Sequence[str]) -> list[Reading]:
    return [
        Reading(post["uri"], figure, post[count])
        for count, figure in COUNTS.items()
        if post.get("uri") in asked and type(post.get(count)) is int
    ]
