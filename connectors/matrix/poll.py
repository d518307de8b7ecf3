"""Asks the homeserver what was said in the room since the last time.

Rules: the cursor is the server's own place in time. Where more was said than it tells at once, the rest is read
backwards to where we were; one that takes more pages than a poll asks for goes on at the next, before what is new.
Where the server tells of that stretch no more, it is parked as one that was not read. An answer or a reaction is ours
where what it is about was said by the account; what people react to among themselves is nobody's business here. Robots
(m.notice), edits and thumbs down are left out.
Source: spec.matrix.org/v1.16/client-server-api, §§ syncing, m.reaction, rich replies (November 2026).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..api import Event, Polled, Refused, app_of
from ..shapes import field, objects
from .client import API, Client, is_event

PAGE = 100
PAGES_MAX = 30
KINDS = ("m.room.message", "m.reaction")
NO = "👎"


def poll(client: Client, cursor: Mapping[str, Any] | None) -> Polled:
    """What came after `cursor` ({since, login, me, room}; and {rest} that is still to be read), oldest first."""
    known, login = dict(cursor or {}), app_of(client.token)
    since = str(known.get("since") or "")
    if known.get("login", login) != login:
        known = {}
    me, room = str(known.get("me") or client.me()), str(known.get("room") or client.room_id())
    rest, parked = known.get("rest"), list[str]()
    said: list[dict[str, Any]] = []
    if not rest:
        said, since, rest = _newest(client, room, me, since)
    if rest:
        try:
            earlier, rest = _before(client, room, me, *rest)
            said = earlier + said
        except Refused as error:
            parked, rest = [json.dumps({"not_read": rest, "why": error.words}, ensure_ascii=False)], None
    names = _names(said)
    events = {event.key: event for one in said if (event := _event(client, room, me, names, one))}
    reached = {"since": since, "login": login, "me": me, "room": room, **({"rest": rest} if rest else {})}
    return Polled(tuple(events.values()), reached, tuple(parked))


def _newest(
    client: Client, room: str, me: str, since: str
) -> tuple[list[dict[str, Any]], str, list[str] | None]:
    """What the server tells at once, oldest first; its place by then; and from where to where there is more."""
    query = {"timeout": "0", "filter": _filter(room, me), **({"since": since} if since else {})}
    told = client.read(f"{API}/sync", query)
    joined = field(told, "rooms", "join", room)
    said = [*objects(field(joined, "state", "events")), *objects(field(joined, "timeline", "events"))]
    until, before = told.get("next_batch"), field(joined, "timeline", "prev_batch")
    more = since and field(joined, "timeline", "limited") is True and isinstance(before, str)
    return said, until if isinstance(until, str) else since, [before, since] if more else None


def _filter(room: str, me: str) -> str:
    nothing: dict[str, Any] = {"types": []}
    timeline = {"types": [*KINDS], "not_senders": [me], "limit": PAGE}
    people = {"types": ["m.room.member"], "lazy_load_members": True, "include_redundant_members": True}
    inside = {
        "rooms": [room],
        "timeline": timeline,
        "state": people,
        "ephemeral": nothing,
        "account_data": nothing,
    }
    return json.dumps({"room": inside, "presence": nothing, "account_data": nothing})


def _before(
    client: Client, room: str, me: str, start: str, since: str
) -> tuple[list[dict[str, Any]], list[str] | None]:
    """What was said between two places, oldest first, with who said it; and between which there is still more."""
    found: list[dict[str, Any]] = []
    query = {"dir": "b", "to": since, "limit": str(PAGE)}
    query["filter"] = json.dumps({"types": [*KINDS], "not_senders": [me], "lazy_load_members": True})
    for _ in range(PAGES_MAX):
        told = client.read(f"{client.at(room)}/messages", {**query, "from": start})
        found += [*objects(told.get("chunk")), *objects(told.get("state"))]
        following = told.get("end")
        if not isinstance(following, str) or following == start:
            return found[::-1], None
        start = following
    return found[::-1], [start, since]


def _names(events: list[dict[str, Any]]) -> dict[str, str]:
    """What people in the room call themselves."""
    members = [one for one in events if one.get("type") == "m.room.member"]
    return {str(one.get("state_key")): str(field(one, "content", "displayname") or "") for one in members}


def _event(client: Client, room: str, me: str, names: dict[str, str], one: dict[str, Any]) -> Event | None:
    name, sender = one.get("event_id"), str(one.get("sender") or "")
    found = _kind(client, room, me, one) if is_event(name) and sender not in ("", me) else None
    if found is None:
        return None
    kind, about = found
    said = kind != "like"
    return Event(
        key=str(name),
        kind=kind,
        at=_at(one),
        references=(about,) if about else (),
        sender=sender,
        sender_name=names.get(sender, ""),
        text=_body(one, about) if said else "",
        meta={
            "message_id": str(name),
            **({} if said else {"reaction": str(_relation(one).get("key") or "")}),
        },
        raw=json.dumps(one, ensure_ascii=False).encode("utf-8", "replace"),
    )


def _kind(client: Client, room: str, me: str, one: dict[str, Any]) -> tuple[str, str] | None:
    """What an event is to us, and which event it is about; None where it is nothing."""
    relation = _relation(one)
    if one.get("type") == "m.reaction":
        about = relation.get("event_id")
        liked = not str(relation.get("key") or NO).startswith(NO)
        return ("like", str(about)) if liked and _is_ours(client, room, me, about) else None
    if one.get("type") != KINDS[0] or field(one, "content", "msgtype") in (None, "m.notice"):
        return None
    if relation.get("rel_type") == "m.replace":
        return None
    for about in (
        field(relation, "m.in_reply_to", "event_id"),
        relation.get("event_id"),
    ):  # the latter: its thread's
        if _is_ours(client, room, me, about):
            return "reply", str(about)
    return "mention", ""


def _is_ours(client: Client, room: str, me: str, name: Any) -> bool:
    """Whether the account said this."""
    return is_event(name) and client.event(room, name).get("sender") == me


def _relation(one: dict[str, Any]) -> dict[str, Any]:
    found = field(one, "content", "m.relates_to")
    return found if isinstance(found, dict) else {}


def _body(one: dict[str, Any], about: str) -> str:
    """The words, without the lines of what they answer that older programs put in front."""
    text = str(field(one, "content", "body") or "")
    lines = text.split("\n")
    if about and lines[0].startswith("> "):
        while lines and lines[0].startswith(">"):
            lines.pop(0)
        return "\n".join(lines).strip()
    return text


def _at(one: dict[str, Any]) -> datetime:
    """When it was said, by the writer's server; where that is no time, when it was read."""
    try:
        return datetime.fromtimestamp(one["origin_server_ts"] / 1000, UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return datetime.now(UTC)
