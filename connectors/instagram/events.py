"""What Instagram tells of an account, pushed or asked for, in our words; a comment has the same key by either way.

Source: developers.facebook.com/docs/instagram-platform/{webhooks,reference/instagram-comment} (November 2026).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from .. import meta
from ..api import Call, Event, Heard

# What else an app can be told of an account, and is nobody's word under a post.
PASSED_OVER = (
    "live_comments", "message_reactions", "messages", "messaging_handover", "messaging_optins", "messaging_postbacks",
    "messaging_policy_enforcement", "messaging_referral", "messaging_seen", "response_feedback", "standby",
    "story_insights",
)  # fmt: skip


def hear(app_secrets: Sequence[str], verify_token: str, user_id: str, call: Call) -> Heard:
    """What a call of Meta says of this account."""
    return meta.hear(app_secrets, verify_token, user_id, partial(_change, user_id), call)


def read(user_id: str, body: bytes) -> Heard:
    """What a body of Meta's says of this account."""
    return meta.read(user_id, partial(_change, user_id), body)


def _comment(user_id: str, media_id: str, told: dict[str, Any]) -> Event | None:
    """Somebody's comment on a post; None for the account's own. ValueError and its like: unreadable."""
    who = meta.obj(told, "from")
    if str(who.get("id")) == user_id:
        return None
    about = dict.fromkeys(str(one) for one in (media_id, told.get("parent_id")) if meta.is_id(one))
    return _event(
        told, kind="reply", key=str(told["id"]), references=tuple(about), text=str(told.get("text") or ""),
        sender=str(who.get("username") or told.get("username") or who.get("id") or ""), named=told["id"],
    )  # fmt: skip


def _change(user_id: str, field: str, value: dict[str, Any]) -> Event | None:
    """One change that Meta calls about; None for what is not ours to hear."""
    told = {"timestamp": value["time"], **value}
    if field == "comments":
        return _comment(user_id, str(meta.obj(value, "media").get("id")), told)
    if field == "mentions":
        # Who and in which words is not told; only what was written as a comment can be answered.
        name = value.get("comment_id") or value["media_id"]
        return _event(told, kind="mention", key=f"mention:{name}", named=value.get("comment_id") or "")
    if field not in PASSED_OVER:
        raise ValueError("nobody has seen such a change")
    return None


def _event(told: dict[str, Any], *, named: Any, key: str, kind: str, **values: Any) -> Event:
    if not meta.is_id(key.removeprefix("mention:")):
        raise ValueError("nothing is named")
    at = meta.instant(told["timestamp"])
    return Event(key=key, kind=kind, at=at, meta={"message_id": str(named)}, raw=orjson.dumps(told), **values)
