"""Asks Discord who answered or mentioned the bot since the last time, and who reacted to its posts.

Rules: the cursor is the newest message seen, and how many reactions each of the newest posts had; only where they grew
is asked whose they are. Pages are read from the cursor on upwards, so that nothing is passed over however much there
is, and what newer messages have moved off the newest page is looked at once more. A person's reactions to one post are
one like; what bots and webhooks do is nobody's doing. Discord does not tell when somebody reacted: it is the time of
the answer that shows it.
Source: docs.discord.com, "Get Channel Messages", "Get Reactions" (November 2026).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from ..api import Event, Polled
from ..http import Answer
from ..shapes import field, instant, objects
from .client import Client, rows

PAGE = 100
PAGES_MAX = 8
# Of each sign, the first so many hundreds of people: more have a figure, not names.
LIKERS_PAGES_MAX = 10
# Kinds of reactions: ordinary ones, and those that flash.
NORMAL, BURST = 0, 1
REPLY = 19
# The first millisecond of Discord's numbers (2015), whose upper bits are a time.
ID_EPOCH_MS = 1_420_070_400_000
DISLIKES = ("👎", "💩", "🤮", "🤬")


def poll(client: Client, cursor: Mapping[str, Any] | None) -> Polled:
    """What came after `cursor` ({after, likes}), oldest first; the first poll brings one page of what was there."""
    after, liked = str((cursor or {}).get("after") or ""), dict((cursor or {}).get("likes") or {})
    said, newest = _said(client, after)
    events = [event for one in said if (event := _event(client.own_id, one))]
    passed = [*_before(client, after), *said] if after and said else []
    answer = client.read(f"{client.channel}/messages", limit=PAGE)
    shown = _liked(client, rows(answer))
    for number, post in (_liked(client, passed) | shown).items():
        if reactions(post) > liked.get(number, 0):
            events += _likes(client, post, answer)
    likes = {number: reactions(post) for number, post in shown.items()}
    return Polled(tuple(events), {"after": newest, "likes": likes})


def reactions(post: dict[str, Any]) -> int:
    """How many reactions a message has that like it."""
    return sum(each["count"] for each in _liking(post))


def _said(client: Client, after: str) -> tuple[list[dict[str, Any]], str]:
    """Messages above a number, oldest first, and the newest of them."""
    found: dict[int, dict[str, Any]] = {}
    newest = after
    for _ in range(PAGES_MAX if after else 1):
        since: dict[str, Any] = {"after": newest} if newest else {}
        page = rows(client.read(f"{client.channel}/messages", limit=PAGE, **since))
        if not page:
            break
        found |= {int(message["id"]): message for message in page}
        newest = str(max(found))
    return [found[number] for number in sorted(found)], newest or "1"


def _before(client: Client, after: str) -> list[dict[str, Any]]:
    """What was on the newest page at the last reading."""
    return rows(client.read(f"{client.channel}/messages", limit=PAGE, before=str(int(after) + 1)))


def _liked(client: Client, messages: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The bot's own posts with reactions, by their numbers."""
    return {one["id"]: one for one in messages if _author(one).get("id") == client.own_id and reactions(one)}


def _event(own_id: str, message: dict[str, Any]) -> Event | None:
    author, parent = _author(message), message.get("referenced_message")
    if author.get("id") == own_id or author.get("bot") or message.get("webhook_id"):
        return None
    answers = message.get("type") == REPLY and field(parent, "author", "id") == own_id
    if not answers and own_id not in [each.get("id") for each in objects(message.get("mentions"))]:
        return None
    return Event(
        key=message["id"],
        kind="reply" if answers else "mention",
        at=_at(message),
        references=(str(field(parent, "id")),) if answers else (),
        sender=str(author.get("username") or author.get("id") or ""),
        sender_name=str(author.get("global_name") or ""),
        text=str(message.get("content") or ""),
        meta={"message_id": message["id"]},
        raw=_raw(message),
    )


def _likes(client: Client, post: dict[str, Any], answer: Answer) -> Iterator[Event]:
    """Everybody who likes a post; those of before come under the keys they had."""
    people: dict[str, tuple[str, dict[str, Any]]] = {}
    for each in _liking(post):
        for kind in (NORMAL, BURST) if field(each, "count_details", "burst") else (NORMAL,):
            for person in _people(client, post["id"], each["emoji"], kind):
                people.setdefault(person["id"], (str(each["emoji"].get("name")), person))
    for number, (name, person) in people.items():
        if person.get("bot"):
            continue
        yield Event(
            key=f"{post['id']}:like:{number}",
            kind="like",
            at=_seen(answer, post),
            provider_id=post["id"],
            sender=str(person.get("username") or number),
            sender_name=str(person.get("global_name") or ""),
            text=name,
            raw=_raw(person),
        )


def _people(client: Client, number: str, emoji: dict[str, Any], kind: int) -> Iterator[dict[str, Any]]:
    """Who reacted by this sign, page by page in the order of their numbers."""
    name = str(emoji.get("name"))
    sign = quote(f"{name}:{emoji['id']}" if emoji.get("id") else name, safe="")
    query: dict[str, Any] = {"limit": PAGE, "type": kind}
    for _ in range(LIKERS_PAGES_MAX):
        told = client.read(f"{client.channel}/messages/{number}/reactions/{sign}", show=(404,), **query)
        page = rows(told) if told.status == 200 else []
        yield from page
        if len(page) < PAGE:
            return
        query["after"] = page[-1]["id"]


def _liking(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        each
        for each in objects(message.get("reactions"))
        if isinstance(each.get("count"), int)
        and isinstance(each.get("emoji"), dict)
        and each["emoji"].get("name") not in DISLIKES
    ]


def _author(message: dict[str, Any]) -> dict[str, Any]:
    author = message.get("author")
    return author if isinstance(author, dict) else {}


def _at(message: dict[str, Any]) -> datetime:
    """When it was posted; where Discord does not say, the time inside its number."""
    if at := instant(message.get("timestamp")):
        return at
    seconds = min(((int(message["id"]) >> 22) + ID_EPOCH_MS) / 1000, 4_102_444_800)
    return datetime.fromtimestamp(seconds, UTC)


def _seen(answer: Answer, post: dict[str, Any]) -> datetime:
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).replace(tzinfo=UTC)
    except (ValueError, TypeError):
        return _at(post)


def _raw(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
