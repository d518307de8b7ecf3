"""What any system may tell us of a message: Standard Webhooks, one event a call or a list of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from .. import shapes, signatures
from ..api import Call, Event, Heard, NotAuthentic

KINDS = (
    "reply", "mention", "like", "boost", "bounce", "complaint", "opt_out", "auto_reply", "delivered", "opened",
    "clicked",
)  # fmt: skip


def hear(secrets: Sequence[str], call: Call) -> Heard:
    """The events of a call that one of the secrets proves; what cannot be read is parked, the rest is kept."""
    if call.method != "POST":
        raise NotAuthentic("a hook is a POST")
    return _read(call.body, signatures.verify(secrets, call.headers, call.body, call.at))


def read(body: bytes) -> Heard:
    """The same of a body that was proven before; what has no name of its own is named by all that is said."""
    return _read(body, sha256(body).hexdigest())


def _read(body: bytes, name: str) -> Heard:
    try:
        told = orjson.loads(body)
    except ValueError:
        return Heard(parked=(body.decode("utf-8", "replace"),))
    if isinstance(told, dict) and told.get("type") == "ping":
        return Heard()
    events: list[Event] = []
    parked: list[str] = []
    for place, one in enumerate(told if isinstance(told, list) else [told]):
        try:
            events.append(event(one, f"{name}/{place}"))
        except shapes.UNREADABLE:
            parked.append(shapes.raw([one], body).decode("utf-8", "replace"))
    return Heard(tuple(events), tuple(parked))


def event(told: Any, name: str) -> Event:
    """One event, under its own id or else this name; KeyError, TypeError or ValueError for something that is none."""
    data, kind = told["data"], _text(told, "type", needed=True)
    at = datetime.fromisoformat(_text(told, "timestamp", needed=True))
    if kind not in KINDS or at.tzinfo is None or not isinstance(data, dict):
        raise ValueError("no kind of ours, a time without its zone, or nothing that is told")
    references = tuple(value for value in (_text(data, "in_reply_to"), _text(data, "thread")) if value)
    return Event(
        key=_text(data, "id") or name,
        kind=kind,
        at=at,
        provider_id=_text(data, "message"),
        references=references,
        recipient_token=_text(data, "token"),
        sender=_text(data, "sender"),
        sender_name=_text(data, "sender_name"),
        about=_text(data, "about"),
        subject=_text(data, "subject"),
        text=_text(data, "text"),
        language=_text(data, "language"),
        hard=data.get("hard") is True,
        meta=_beside(data, kind),
        raw=orjson.dumps(told),
    )


def _beside(data: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What a reply is answered by, and by what it can be told whether a person opened or pressed something."""
    if kind in ("reply", "mention"):
        return {"message_id": _text(data, "id")}
    if kind not in ("opened", "clicked"):
        return {}
    known = {name: _text(data, name) for name in ("url", "user_agent", "method")}
    machine = {"machine": True} if data.get("machine") is True else {}
    return {name: value for name, value in known.items() if value} | machine


def _text(data: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
    value = data[name] if needed else data.get(name, "")
    if not isinstance(value, str) or (needed and not value):
        raise TypeError(f"{name} is no text")
    return value
