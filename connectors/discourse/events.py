"""What a forum tells of a post or a like, in our words.

Rules: people have numbers above 0. What the forum's own accounts and its robots say is told as a machine's; whom they
like is nobody's doing.
Source: discourse/discourse on GitHub, app/models/user.rb (human users), app/serializers/post_serializer.rb.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from ..api import Event
from ..wording import text_of_html
from .client import number, place


def of_post(post: Mapping[str, Any], kind: str) -> Event:
    """Somebody wrote; ValueError for a post without a place or a time."""
    here, topic, answers = place(post), number(post, "topic_id"), number(post, "reply_to_post_number")
    if not here or not number(post, "id"):
        raise ValueError("a post without a place")
    about = (f"{topic}/1", *((f"{topic}/{answers}",) if answers > 1 else ()))
    return Event(
        key=f"post/{number(post, 'id')}",
        kind="auto_reply" if is_robot(post.get("user_id")) else kind,
        at=_at(post.get("created_at")),
        references=about,
        sender=str(post.get("username") or ""),
        sender_name=str(post.get("name") or ""),
        text=text_of_html(str(post.get("cooked") or "")) or str(post.get("raw") or ""),
        meta={"message_id": here},
        raw=orjson.dumps(dict(post)),
    )


def of_like(told: Mapping[str, Any], post: Mapping[str, Any], who: Mapping[str, Any], at: object) -> Event:
    """Somebody likes a post; ValueError where it does not say which."""
    here, name = place(post), str(who.get("username") or "")
    if not here or not name:
        raise ValueError("a like of nothing, or of nobody")
    return Event(
        key=f"like/{here}/{name}",
        kind="like",
        at=_at(at),
        provider_id=here,
        sender=name,
        sender_name=str(who.get("name") or ""),
        raw=orjson.dumps(dict(told)),
    )


def is_robot(number: object) -> bool:
    """Whether this is the number of no person."""
    return isinstance(number, int) and number < 0


def names(post: Mapping[str, Any], username: str) -> bool:
    """Whether a post names this member."""
    said = str(post.get("raw") or "") or text_of_html(str(post.get("cooked") or ""))
    return re.search(rf"(?<![\w@])@{re.escape(username)}(?![\w-])", said, re.IGNORECASE) is not None


def is_from(post: Mapping[str, Any], username: str) -> bool:
    """Whether this member wrote it."""
    return str(post.get("username") or "").lower() == username.lower()


def answers(post: Mapping[str, Any], username: str) -> bool:
    """Whether it answers a post of this member."""
    who = post.get("reply_to_user")
    return isinstance(who, dict) and is_from(who, username)


def _at(told: object) -> datetime:
    at = datetime.fromisoformat(str(told))
    return at if at.tzinfo else at.replace(tzinfo=UTC)
