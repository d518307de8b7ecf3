"""What LinkedIn tells of an organisation's page, pushed or asked for, in our words.

Source: learn.microsoft.com/linkedin/marketing/community-management/organizations/
organization-social-action-notifications (July 2026).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import orjson

from ..api import Event
from .client import is_thread, obj

KINDS = {"COMMENT": "reply", "SHARE_MENTION": "mention", "LIKE": "like", "SHARE": "boost"}
# What the page itself wrote, and what was changed.
PASSED_OVER = ("ADMIN_COMMENT", "COMMENT_EDIT", "COMMENT_DELETE", "PHOTO_MENTION")
_PERSON = re.compile(r"urn:li:(?:person|organization):[A-Za-z0-9_-]{1,64}")


def event(told: dict[str, Any]) -> Event | None:
    """One notification; None for a kind that is not ours to hear. ValueError and its like: unreadable."""
    action = str(told.get("action"))
    if action in PASSED_OVER:
        return None
    kind = KINDS[action]
    made = _made(told)
    name, about = str(made.get("entity") or told.get("generatedActivity") or ""), _about(told, made)
    return Event(
        key=str(int(told["notificationId"])),
        kind=kind,
        at=datetime.fromtimestamp(int(told["lastModifiedAt"]) / 1000, UTC),
        references=about,
        sender=str(made.get("owner") or _person(name)),
        text=str(made.get("text") or ""),
        # A like cannot be answered, but what was liked can.
        meta={"message_id": name if is_thread(name) else "".join(about[-1:])},
        raw=orjson.dumps(told),
    )


def _made(told: dict[str, Any]) -> dict[str, Any]:
    """The comment or post that somebody wrote."""
    around = obj(told, "decoratedGeneratedActivity")
    return obj(around, "comment") or obj(around, "share")


def _about(told: dict[str, Any], made: dict[str, Any]) -> tuple[str, ...]:
    """What it is about, farthest first: the post as an activity, the post as we know it, the comment above it."""
    post = obj(told, "decoratedSourcePost")
    named = (told.get("sourcePost"), post.get("entity"), made.get("parentComment"))
    return tuple(one for one in named if isinstance(one, str) and one)


def _person(name: str) -> str:
    """Who liked it: a like is named by who and what."""
    found = _PERSON.search(name)
    return found[0] if found else ""
