"""Asks a forum for new posts in our topics, for those that answer or name us elsewhere, and for likes of ours.

Rules: the cursor is the number of the newest post and the time of the newest like; both move only past a whole reading.
The first poll begins from what is there now.
Source: docs.discourse.org (listPosts, listUserActions, listTopicsByUser), November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson

from ..api import Event, Polled
from ..shapes import field
from .client import Client, number, one, rows
from .events import answers, is_from, is_robot, names, of_like, of_post

WAS_LIKED = 2
LIKES = 60
PAGES_MAX = 20
TOPIC_PAGES_MAX = 5
SEEN_MAX = 200


def poll(client: Client, cursor: Mapping[str, Any] | None) -> Polled:
    """What happened after `cursor` ({post, liked}), oldest first; a like that nobody can read is passed over."""
    since, known = (int(cursor["post"]), list(cursor["liked"])) if cursor else (0, None)
    posts, likes = _posts(client, since, PAGES_MAX if cursor else 1), _likes(client, known)
    before = [each for each in known or () if each not in {one.key for one in likes}]
    after = {
        "post": max([since, *(number(each, "id") for each in posts)]),
        "liked": [*(each.key for each in likes), *before][:SEEN_MAX],
    }
    if known is None:
        return Polled((), after)
    events, parked = _told(client, posts)
    events += [each for each in likes if each.key not in known]
    return Polled(tuple(sorted(events, key=lambda each: each.at)), after, parked)


def _told(client: Client, posts: list[dict[str, Any]]) -> tuple[list[Event], tuple[str, ...]]:
    """The events of posts, and those that cannot be read, as they would have been pushed."""
    ours = _topics(client) if posts else frozenset()
    events: list[Event] = []
    parked: list[str] = []
    for post in posts:
        try:
            if found := _event(client, post, ours):
                events.append(found)
        except ValueError:
            parked.append(orjson.dumps({"post": post}).decode())
    return events, tuple(parked)


def _posts(client: Client, since: int, pages: int) -> list[dict[str, Any]]:
    """Posts of the whole forum after a number, as far as this member sees them."""
    found: dict[int, dict[str, Any]] = {}
    before: dict[str, int] = {}
    for _ in range(pages):
        page = [
            each for each in rows(one(client.get("posts.json", before)), "latest_posts") if number(each, "id")
        ]
        fresh = {number(each, "id"): each for each in page if since < number(each, "id")}
        if not fresh.keys() - found.keys():
            break
        found |= fresh
        if len(fresh) < len(page):
            break
        before = {"before": min(fresh)}
    return [found[each] for each in sorted(found)]


def _event(client: Client, post: dict[str, Any], ours: frozenset[int]) -> Event | None:
    if is_from(post, client.username):
        return None
    in_ours = number(post, "topic_id") in ours and number(post, "post_number") > 1
    if in_ours or answers(post, client.username):
        return of_post(post, "reply")
    return of_post(post, "mention") if names(post, client.username) else None


def _topics(client: Client) -> frozenset[int]:
    """The topics that this member opened, the newest pages of them."""
    found: set[int] = set()
    for page in range(TOPIC_PAGES_MAX):
        answer = one(client.get(f"topics/created-by/{client.username}.json", {"page": page}))
        found.update(number(each, "id") for each in rows(answer, "topic_list", "topics"))
        if not field(answer, "topic_list", "more_topics_url"):
            break
    return frozenset(found)


def _likes(client: Client, known: list[str] | None) -> list[Event]:
    """The newest likes of our posts, newest first, as far as one that is known."""
    found: list[Event] = []
    for page in range(1 if known is None else PAGES_MAX):
        query = {"username": client.username, "filter": WAS_LIKED, "offset": page * LIKES, "limit": LIKES}
        told = rows(one(client.get("user_actions.json", query)), "user_actions")
        found += [each for one_told in told if (each := _like(one_told))]
        if len(told) < LIKES or any(each.key in (known or ()) for each in found):
            break
    return found


def _like(told: dict[str, Any]) -> Event | None:
    who = {"username": told.get("acting_username"), "name": told.get("acting_name")}
    if is_robot(told.get("acting_user_id")):
        return None
    with suppress(ValueError):
        return of_like(told, told, who, told.get("created_at"))
    return None
