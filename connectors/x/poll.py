"""Asks X who mentioned or answered the account since the last time.

Rules: the cursor is the newest id seen, and moves only past a whole reading; the first poll brings one page
of what was there before. X hands out the newest 800 mentions and no more.
Source: docs.x.com/x-api/posts/user-mention-timeline-by-user-id, docs.x.com/x-api/x-api-v2/tweets/timelines
(November 2026).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..api import Event, Polled
from .client import Client
from .send import is_id, rows

PAGE = 100
PAGES_MAX = 8
FIRST_ID = 1
# The first millisecond of X's ids (2010-11-04), whose upper bits are a time.
ID_EPOCH_MS = 1_288_834_974_657

FIELDS = {
    "tweet_fields": [
        "created_at",
        "author_id",
        "conversation_id",
        "in_reply_to_user_id",
        "referenced_tweets",
        "lang",
    ],
    "expansions": ["author_id"],
    "user_fields": ["username", "name"],
}


def poll(client: Client, cursor: Mapping[str, Any] | None) -> Polled:
    """Mentions and replies after `cursor` ({since_id}), oldest first."""
    since = str((cursor or {}).get("since_id") or "")
    values: dict[str, Any] = {**FIELDS, "max_results": PAGE, **({"since_id": since} if since else {})}
    events: dict[str, Event] = {}
    seen = {FIRST_ID}
    for _ in range(PAGES_MAX if since else 1):
        answer = client.read(client.api.get_users_mentions, client.user_id, **values)
        people = _people(answer)
        for post in rows(answer, "data"):
            if not is_id(post.get("id")):
                continue
            seen.add(int(post["id"]))
            if str(post.get("author_id")) != client.user_id:
                events[post["id"]] = _event(post, people, client.user_id)
        meta = answer.get("meta")
        following = meta.get("next_token") if isinstance(meta, dict) else None
        if not following:
            break
        values["pagination_token"] = str(following)
    # Never empty: where nobody has spoken yet, everything said from now on is new.
    newest = max(int(since or FIRST_ID), *seen)
    return Polled(tuple(events[one] for one in sorted(events, key=int)), {"since_id": str(newest)})


def _people(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    includes = answer.get("includes")
    users = rows(includes, "users") if isinstance(includes, dict) else []
    return {str(user.get("id")): user for user in users}


def _event(post: dict[str, Any], people: dict[str, dict[str, Any]], user_id: str) -> Event:
    name: str = post["id"]
    person = people.get(str(post.get("author_id")), {})
    referenced = rows(post, "referenced_tweets")
    return Event(
        key=name,
        kind=_kind(post, referenced, user_id),
        at=_at(post, int(name)),
        references=tuple(str(one["id"]) for one in referenced if one.get("id")),
        sender=str(person.get("username") or post.get("author_id") or ""),
        sender_name=str(person.get("name") or ""),
        text=str(post.get("text") or ""),
        language=str(post.get("lang") or "").replace("und", ""),
        meta={"message_id": name, "conversation_id": str(post.get("conversation_id") or "")},
        raw=json.dumps(post, ensure_ascii=False).encode("utf-8", "replace"),
    )


def _kind(post: dict[str, Any], referenced: list[dict[str, Any]], user_id: str) -> str:
    types = {one.get("type") for one in referenced}
    if "retweeted" in types:
        return "boost"
    return "reply" if "replied_to" in types and str(post.get("in_reply_to_user_id")) == user_id else "mention"


def _at(post: dict[str, Any], number: int) -> datetime:
    """When it was posted; where X does not say, the time inside its id."""
    try:
        at = datetime.fromisoformat(str(post.get("created_at")))
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except ValueError:
        seconds = min(((number >> 22) + ID_EPOCH_MS) / 1000, 4_102_444_800)
        return datetime.fromtimestamp(seconds, UTC)
