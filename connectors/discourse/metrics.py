"""What a forum counts of our posts: how often a topic was viewed, its likes and its answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..api import Reading
from .client import PLACE, Client, number, one, rows

LIKE = 2  # the number of this action in `actions_summary`


def metrics(client: Client, names: Sequence[str]) -> list[Reading]:
    """Figures of these posts; one that is gone is left out."""
    return [reading for name in names for reading in _of(client, name)]


def _of(client: Client, name: str) -> Iterator[Reading]:
    if (found := PLACE.fullmatch(name)) is None:
        return  # it waits for a moderator
    answer = client.get(f"t/{found[1]}/{found[2]}.json", show=(404, 410))
    if answer.status != 200:
        return
    topic, wanted = one(answer), int(found[2])
    post = next(
        (each for each in rows(topic, "post_stream", "posts") if number(each, "post_number") == wanted), None
    )
    if post is None:
        return
    counted: dict[str, Any] = {"likes": _likes(post)}
    if wanted == 1:
        answers = topic.get("posts_count")
        counted |= {"views": topic.get("views"), "replies": answers - 1 if isinstance(answers, int) else None}
    else:
        counted["replies"] = post.get("reply_count")
    for figure, value in counted.items():
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            yield Reading(name, figure, value)


def _likes(post: Mapping[str, Any]) -> int:
    """Discourse leaves the action out where nobody has done it."""
    return sum(number(each, "count") for each in rows(post, "actions_summary") if each.get("id") == LIKE)
