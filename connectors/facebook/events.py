"""What Facebook tells of a page, pushed or asked for, in our words; the same thing has the same key by either way.

Source: developers.facebook.com/docs/graph-api/{webhooks/reference/page,reference/comment} (November 2026).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from .. import meta
from ..api import Call, Event, Heard

# What others put on the page's own wall.
WALL = ("post", "status", "photo", "video", "link")
# Reactions that are no like.
DISLIKES = ("angry",)
# What else happens on a page, and is nobody's word to it.
PASSED_OVER = (
    "album", "address", "connection", "coupon", "event", "experience", "group", "group_message", "interest", "like",
    "milestone", "note", "page", "picture", "platform-story", "photo-album", "profile", "profile_picture", "question",
    "rating", "reaction", "relationship-status", "story", "tag", "timeline cover", "cover_photo",
)  # fmt: skip


def hear(app_secrets: Sequence[str], verify_token: str, page_id: str, call: Call) -> Heard:
    """What a call of Meta says of this page."""
    return meta.hear(app_secrets, verify_token, page_id, partial(_change, page_id), call)


def read(page_id: str, body: bytes) -> Heard:
    """What a body of Meta's says of this page."""
    return meta.read(page_id, partial(_change, page_id), body)


def _comment(page_id: str, post_id: str, told: dict[str, Any]) -> Event | None:
    """Somebody's comment on a post; None for the page's own. ValueError and its like: unreadable."""
    parent = meta.obj(told, "parent").get("id") or told.get("parent_id")
    about = dict.fromkeys(str(one) for one in (post_id, parent) if meta.is_id(one))
    return _event(page_id, told, "reply", str(told["id"]), tuple(about))


def _mention(page_id: str, told: dict[str, Any]) -> Event | None:
    """Somebody else's post or comment that names the page."""
    return _event(page_id, told, "mention", str(told["id"]), ())


def _change(page_id: str, field: str, value: dict[str, Any]) -> Event | None:
    """One change that Meta calls about; None for what is not ours to hear."""
    if field not in ("feed", "mention"):
        raise ValueError("nobody has asked for this")
    if value.get("verb") != "add":
        return None
    item, about = value.get("item"), value.get("comment_id") or value.get("post_id")
    value = {**value, "id": about, "created_time": value.get("created_time") or value.get("time")}
    if field == "mention":
        who = {"id": value.get("sender_id"), "name": value.get("sender_name")}
        return _mention(page_id, {"from": who, **value})
    if item == "comment":
        return _comment(page_id, str(value.get("post_id")), value)
    if item in WALL:
        return _mention(page_id, value)
    if item == "reaction" and value.get("reaction_type") not in DISLIKES:
        return _without_words(page_id, value, "like", f"reaction:{about}")
    if item == "share":
        return _without_words(page_id, value, "boost", f"share:{value.get('share_id') or about}")
    if item not in PASSED_OVER:
        raise ValueError("nobody has seen such a thing")
    return None


def _without_words(page_id: str, told: dict[str, Any], kind: str, name: str) -> Event | None:
    """A like or a share: it has no name of its own, so it is known by what it is about and who did it."""
    who = meta.obj(told, "from").get("id")
    about = (str(told["id"]),) if meta.is_id(told["id"]) else ()
    return _event(page_id, {**told, "message": ""}, kind, f"{name}:{who}", about)


def _event(page_id: str, told: dict[str, Any], kind: str, key: str, about: tuple[str, ...]) -> Event | None:
    who = meta.obj(told, "from")
    if str(who.get("id")) == page_id:
        return None
    named = told["id"]
    if not meta.is_id(named):
        raise ValueError("nothing is named")
    return Event(
        key=key,
        kind=kind,
        at=meta.instant(told["created_time"]),
        references=about,
        sender=str(who.get("id") or ""),
        sender_name=str(who.get("name") or ""),
        text=str(told.get("message") or ""),
        meta={"message_id": named},
        raw=orjson.dumps(told),
    )
