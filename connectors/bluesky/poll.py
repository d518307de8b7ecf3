"""Asks Bluesky who answered, mentioned, quoted, liked or reposted since the last time.

Rules: the cursor is the time of the newest notification read. A notification has the time its writer gave it, so one
may come later than others that are newer: each poll looks back some minutes and leaves out what it has seen there.
A reading that takes more pages than a poll asks for goes on at the next; the cursor moves when it is whole.
The first poll brings one page of what was there before. Of accounts that call themselves automated what they say is
told, as a machine's, and nothing else.
Source: docs.bsky.app/docs/api/app-bsky-notification-list-notifications; the label "bot" that accounts give themselves
in their settings, bluesky-social/social-app (November 2026).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from ..api import Event, Polled
from ..shapes import field, instant, objects
from .client import Client
from .send import is_uri

LISTED = "app.bsky.notification.listNotifications"
PAGE = 100
PAGES_MAX = 30
BACK = timedelta(minutes=10)
BEGAN = datetime(2022, 1, 1, tzinfo=UTC)
KINDS = {"reply": "reply", "mention": "mention", "quote": "mention", "like": "like", "repost": "boost"}
SAID = ("reply", "mention", "quote")


def poll(client: Client, cursor: Mapping[str, Any] | None) -> Polled:
    """What came after `cursor` ({at, seen}; and {rest} of a reading that goes on), oldest first."""
    known = dict(cursor or {})
    before, seen = instant(known.get("at")) or BEGAN, set(known.get("seen") or ())
    rest = dict(known.get("rest") or {})
    told, place = _since(client, before - BACK, PAGES_MAX if known else 1, str(rest.get("place") or ""))
    newest = max([before, instant(rest.get("at")) or before, *(at for at, _ in told)])
    fresh = [(at, one) for at, one in told if _is_news(one)]
    events = {one["uri"]: _event(at, one) for at, one in reversed(fresh) if _mark(one) not in seen}
    near = [_mark(one) for at, one in fresh if at >= newest - BACK]
    reached = {"at": newest.isoformat(), "seen": [*rest.get("seen", ()), *near]}
    by_time = sorted(events.values(), key=lambda event: event.at)
    if known and place:
        return Polled(tuple(by_time), {**known, "rest": {**reached, "place": place}})
    return Polled(tuple(by_time), reached)


def _since(
    client: Client, since: datetime, pages: int, place: str
) -> tuple[list[tuple[datetime, dict[str, Any]]], str]:
    """Notifications of every kind with their times, newest first, from a place in the list back to an instant; and the
    place where it goes on, "" where that instant was reached.

    Kinds are not asked for: the server would look for them through years of others.
    """
    told: list[tuple[datetime, dict[str, Any]]] = []
    for _ in range(pages):
        query = {"limit": str(PAGE), "priority": "false"}  # not only of those whom the account follows
        answer = client.read(LISTED, {**query, "cursor": place} if place else query)
        found = client.door.read(answer).json()
        for one in objects(field(found, "notifications")):
            at = instant(one.get("indexedAt"))
            if at is not None and at < since:
                return told, ""
            if at is not None:
                told.append((at, one))
        following = field(found, "cursor")
        if not isinstance(following, str):
            return told, ""
        place = following
    return told, place


def _is_news(one: dict[str, Any]) -> bool:
    """Whether we have a word for what a notification tells."""
    known = SAID if _is_automated(one.get("author")) else KINDS
    return str(one.get("reason")) in known and is_uri(one.get("uri"))


def _is_automated(author: Any) -> bool:
    """Whether an account says of itself that a machine runs it."""
    own = [one for one in objects(field(author, "labels")) if one.get("src") == field(author, "did")]
    return any(one.get("val") == "bot" and not one.get("neg") for one in own)


def _event(at: datetime, one: dict[str, Any]) -> Event:
    record = one.get("record")
    reply = [field(record, "reply", which, "uri") for which in ("root", "parent")]
    about = reply if one["reason"] == "reply" else [one.get("reasonSubject")]
    languages = field(record, "langs")
    did = str(field(one, "author", "did") or "")
    return Event(
        key=one["uri"],
        kind="auto_reply" if _is_automated(one.get("author")) else KINDS[one["reason"]],
        at=at,
        references=tuple(str(uri) for uri in about if is_uri(uri)),
        sender=str(field(one, "author", "handle") or did),
        sender_name=str(field(one, "author", "displayName") or ""),
        text=str(field(record, "text") or ""),
        language=str(languages[0]) if isinstance(languages, list) and languages else "",
        meta={"message_id": one["uri"], "did": did},
        raw=json.dumps(one, ensure_ascii=False).encode("utf-8", "replace"),
    )


def _mark(one: dict[str, Any]) -> str:
    """A short sign of a notification, for the cursor."""
    return sha256(str(one["uri"]).encode()).hexdigest()[:12]
