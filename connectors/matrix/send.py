"""Says something in the room: each picture as an event of its own, then the words, all under the delivery's key.

Rules: transaction ids are made of the key and the place, so a repeat gives the first events; they hold for one token.
All pictures are with the server before the first event is sent. The name of the post is that of its last event.
Source: spec.matrix.org/v1.16/client-server-api, §§ transaction identifiers, m.image, rich replies, threading, mentions
(November 2026).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlencode

from ..api import ConnectorError, Deferred, Medium, Outbound, Receipt, Refused, Uncertain
from .client import Client, is_event

_PEOPLE = re.compile(r"(?<![\w@/])@[a-z0-9._=/+-]+:[A-Za-z0-9.-]+(?::[0-9]+)?")


def send(client: Client, outbound: Outbound) -> Receipt:
    """Say it. `in_reply_to` names the event it answers, `options["thread"]` the first of its thread."""
    text = str(outbound.text)
    if not text.strip() and not outbound.media:
        raise Refused("a post needs a text", code="no_text", phase="build")
    relation, room, name = _relation(outbound), client.room_id(), ""
    events = [_image(client, medium) for medium in outbound.media]
    if text.strip():
        events.append(_words(text, str(outbound.html), _answered(client, room, outbound)))
    for place, content in enumerate(events, start=1):
        key = outbound.key if place == len(events) else f"{outbound.key}.{place}"
        try:
            name = _say(client, room, key, {**content, **relation})
        except ConnectorError as error:
            if place == 1:
                raise
            # A part has been said: the rest goes under the same keys or not at all, whatever stood in the way.
            raise Uncertain(error.words, code=error.code, phase=error.phase) from error
    return Receipt(name)


def _say(client: Client, room: str, key: str, content: dict[str, Any]) -> str:
    path = f"{client.at(room)}/send/m.room.message/{quote(key, safe='')}"
    name = client.write("PUT", path, json=content).get("event_id")
    if not is_event(name):
        raise Uncertain("the answer names no post", phase="answer")
    return str(name)


def _words(text: str, html: str, answered: list[str]) -> dict[str, Any]:
    people = sorted({*_PEOPLE.findall(text), *answered})
    formed = {"format": "org.matrix.custom.html", "formatted_body": html} if html else {}
    return {"msgtype": "m.text", "body": text, "m.mentions": {"user_ids": people} if people else {}, **formed}


def _answered(client: Client, room: str, outbound: Outbound) -> list[str]:
    """Whoever said what this answers: programs tell only those who are named. A thread's part above is our own."""
    if not is_event(outbound.in_reply_to) or "thread" in outbound.options:
        return []
    sender = client.event(room, outbound.in_reply_to).get("sender")
    return [sender] if isinstance(sender, str) else []


def _relation(outbound: Outbound) -> dict[str, Any]:
    """What it answers, and the thread it is a part of."""
    answered, first = outbound.in_reply_to, outbound.options.get("thread")
    if not is_event(answered):
        return {}
    relation: dict[str, Any] = {"m.in_reply_to": {"event_id": answered}}
    if is_event(first):
        relation |= {"rel_type": "m.thread", "event_id": first, "is_falling_back": True}
    return {"m.relates_to": relation}


def _image(client: Client, medium: Medium) -> dict[str, Any]:
    """A picture that is with the server, as an event: what it shows is its words."""
    path = f"/_matrix/media/v3/upload?{urlencode({'filename': medium.name})}"
    try:
        uri = client.write("POST", path, body=medium.load(), kind=medium.type).get("content_uri")
    except Uncertain as error:
        raise Deferred(error.words, code=error.code, phase="media") from None
    if not isinstance(uri, str):
        raise Deferred("the answer names no picture", phase="media")
    shape = {"w": medium.width, "h": medium.height} if medium.width and medium.height else {}
    info = {"mimetype": medium.type, "size": medium.size, **shape}
    alt = medium.alt or medium.name
    return {"msgtype": "m.image", "body": alt, "filename": medium.name, "url": uri, "info": info}
