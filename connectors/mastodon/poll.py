"""Asks a server of Mastodon's kind who answered, mentioned, liked or boosted since the last time.

Rules: the cursor is the newest notification read, and pages are read from there on upwards, so that nothing is
passed over however much there is; the first poll brings one page of what was there before. Who we are and what the
server's people are called by stands in the cursor, so that it is asked once of each login. No kinds are asked for: a
server may refuse those that it does not know. What the server set aside for its owner to look at is asked for as well.
Of accounts that call themselves robots what they say is told, as a machine's, and nothing else.
Source: docs.joinmastodon.org/methods/notifications, /entities/Status (November 2026).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..api import Event, Polled, app_of
from ..shapes import field, instant, objects
from ..wording import text_of_html
from .client import Server, is_id

PAGE = 40
PAGES_MAX = 10
KINDS = {"mention": "mention", "quote": "mention", "favourite": "like", "reblog": "boost"}
SAID = ("mention", "quote")
# Below every id there is, in numbers and in words.
FIRST_ID = "0"


def poll(server: Server, cursor: Mapping[str, Any] | None) -> Polled:
    """What came after `cursor` ({min_id, login, me, domain}), oldest first."""
    known, login = dict(cursor or {}), app_of(server.token)
    newest, events = str(known.get("min_id") or ""), {}
    if known.get("login", login) != login:
        known = {}
    me, domain = str(known.get("me") or server.me()), str(known.get("domain") or server.domain())
    for _ in range(PAGES_MAX if newest else 1):
        found = [one for one in _page(server, newest) if is_id(one.get("id"))]
        for one in reversed(found):
            if event := _event(one, me, domain):
                events[event.key] = event
        if not found or found[0]["id"] == newest:
            break
        newest = found[0]["id"]
    reached = {"min_id": newest or FIRST_ID, "login": login, "me": me, "domain": domain}
    return Polled(tuple(events.values()), reached)


def _page(server: Server, newest: str) -> list[dict[str, Any]]:
    """The notifications next above one, newest first."""
    query = [("limit", str(PAGE)), ("include_filtered", "true")]
    answer = server.read("/api/v1/notifications", [*query, ("min_id", newest)] if newest else query)
    return objects(answer.json())


def _event(told: dict[str, Any], me: str, domain: str) -> Event | None:
    kind, post = KINDS.get(str(told.get("type"))), told.get("status")
    if kind is None or not isinstance(post, dict) or not is_id(post.get("id")):
        return None
    said, robot = told["type"] in SAID, field(told, "account", "bot") is True
    if said and str(post.get("in_reply_to_account_id")) == me:
        kind = "reply"
    if robot and not said:
        return None
    about = _about(post) if said else post["id"]
    return Event(
        key=told["id"],
        kind="auto_reply" if robot else kind,
        at=instant(told.get("created_at")) or datetime.now(UTC),
        references=(str(about),) if is_id(about) else (),
        sender=_handle(str(field(told, "account", "acct") or ""), domain),
        sender_name=str(field(told, "account", "display_name") or ""),
        subject=str(post.get("spoiler_text") or "") if said else "",
        text=text_of_html(str(post.get("content") or "")) if said else "",
        language=str(post.get("language") or "") if said else "",
        meta={
            "message_id": post["id"],
            "url": str(post.get("url") or ""),
            "visibility": str(post.get("visibility") or ""),
        },
        raw=json.dumps(told, ensure_ascii=False).encode("utf-8", "replace"),
    )


def _about(post: dict[str, Any]) -> Any:
    """What somebody's words are about: the post they answer, else the one they quote."""
    return post.get("in_reply_to_id") or field(post, "quote", "quoted_status", "id")


def _handle(acct: str, domain: str) -> str:
    """A name with its server, which servers leave out of their own people's."""
    return acct if "@" in acct or not acct else f"{acct}@{domain}"
