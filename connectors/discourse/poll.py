"""Asks a forum for new posts in our topics, for those that answer or name us elsewhere, and for likes of ours.

Rules: the cursor is the number of the newest post and the names of the newest likes. Posts come newest first: what one
poll does not get to stands in the cursor for the next. The first poll begins from what is there now.
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
    """What happened after `cursor` ({post, liked, unread}), oldest first; a like that nobody can read is left."""
    if not cursor:
        posts, likes = _posts(client, 0, None, 1)[0], _likes(client, None)
        return Polled(
            (), {"post": _newest(posts), "liked": [each.key for each in likes][:SEEN_MAX], "unread": []}
        )
    known = list(cursor["liked"])
    posts, unread = _new(client, int(cursor["post"]), [*cursor.get("unread", ())])
    likes = _likes(client, known)
    before = [each for each in known if each not in {one.key for one in likes}]
    events, parked = _told(client, posts)
    events += [each for each in likes if each.key not in known]
    after = {
        "post": max(int(cursor["post"]), _newest(posts)),
        "liked": [*(each.key for each in likes), *before][:SEEN_MAX],
        "unread": unread,
    }
    return Polled(tuple(sorted(events, key=lambda each: each.at)), after, parked)


def _new(client: Client, since: int, unread: list[list[int]]) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """Posts after a number, then some that earlier polls left; and what is left now: above one, below another."""
    posts, stopped = _posts(client, since, None, PAGES_MAX)
    if stopped:
        return posts, [*unread, [since, stopped]]
    if unread:
        above, below = unread.pop()
        older, stopped = _posts(client, above, below, PAGES_MAX)
        posts = [*older, *posts]
        unread += [[above, stopped]] if stopped else []
    return posts, unread


def _newest(posts: list[dict[str, Any]]) -> int:
    return max((number(each, "id") for each in posts), default=0)


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


def _posts(client: Client, above: int, below: int | None, pages: int) -> tuple[list[dict[str, Any]], int]:
    """Posts of the whole forum between two numbers that this member sees; and where it stopped, 0: nowhere."""
    found: dict[int, dict[str, Any]] = {}
    before = {"before": below} if below else {}
    for _ in range(pages):
        page = [
            each for each in rows(one(client.get("posts.json", before)), "latest_posts") if number(each, "id")
        ]
        fresh = {number(each, "id"): each for each in page if above < number(each, "id")}
        whole = len(fresh) < len(page) or not fresh.keys() - found.keys()
        found |= fresh
        if whole:
            return [found[each] for each in sorted(found)], 0
        before = {"before": min(fresh)}
    return [found[each] for each in sorted(found)], min(found)


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
