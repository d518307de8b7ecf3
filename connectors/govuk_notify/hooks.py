"""What GOV.UK Notify calls us for: receipts, text messages people wrote, letters that came back.

Rules: a call is proven by the token that Notify was given for it, and signs nothing else. The template tells whose of a
service's receipts it is; what people write tells none, so it is taken by whichever account is called.
Source: docs.notifications.service.gov.uk/rest-api, "Callbacks" (June 2026).
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Any

import orjson

from .. import shapes, wording
from ..api import Call, Event, Heard, NotAuthentic
from ..shapes import instant

# What became of a message: a kind of event, and whether it is for good.
STATES = {
    "delivered": ("delivered", False),
    "permanent-failure": ("bounce", True),
    "temporary-failure": ("bounce", False),
    "technical-failure": ("bounce", False),
}
# What it says of one that is under way.
NO_NEWS = ("created", "sending", "pending", "sent", "accepted", "received", "cancelled")


def hear(tokens: str, template_id: str, call: Call) -> Heard:
    """The event of a call that one of the tokens proves."""
    given = call.headers.get("authorization", "").encode()
    if not any([hmac.compare_digest(given, b"Bearer " + one.encode()) for one in tokens.split()]):
        raise NotAuthentic("the hook does not bring the secret")
    return _heard(template_id, call.at, call.body, shapes.dated(call.at, call.body))


def read(template_id: str, words: bytes) -> Heard:
    """The event of a body that was parked."""
    return _heard(template_id, *shapes.undated(words), words.decode("utf-8", "replace"))


def _heard(template_id: str, at: datetime, body: bytes, parked: str) -> Heard:
    try:
        event = _event(orjson.loads(body), template_id, at, body)
    except shapes.UNREADABLE:
        return Heard(parked=(parked,))
    return Heard((event,) if event else ())


def _event(told: dict[str, Any], template_id: str, at: datetime, raw: bytes) -> Event | None:
    if "source_number" in told:
        return _written(told, raw)
    if told["template_id"] != template_id:
        return None
    if "notification_id" in told:
        return _returned(told, at, raw)
    if told["status"] in NO_NEWS:
        return None
    kind, hard = STATES[told["status"]]
    return Event(
        key=f"{_text(told['id'])}:{told['status']}",
        kind=kind,
        at=_at(told.get("completed_at") or told["created_at"]),
        provider_id=told["id"],
        about=_address(_text(told["to"])),
        hard=hard,
        text=told["status"],
        raw=raw,
    )


def _returned(told: dict[str, Any], at: datetime, raw: bytes) -> Event:
    """A letter that the post brought back."""
    return Event(
        key=f"{_text(told['notification_id'])}:returned",
        kind="bounce",
        at=at,
        provider_id=told["notification_id"],
        hard=True,
        text="returned",
        raw=raw,
    )


def _written(told: dict[str, Any], raw: bytes) -> Event:
    """What somebody wrote to the service's number."""
    text = _text(told["message"])
    return Event(
        key=f"{_text(told['id'])}:received",
        kind="opt_out" if wording.is_stop_message(text) else "reply",
        at=_at(told["date_received"]),
        sender=_address(_text(told["source_number"])),
        text=text,
        raw=raw,
    )


def _address(told: str) -> str:
    """A number with its country; Notify writes British ones as at home, and leaves out the plus of others."""
    if not told.isascii() or not told.isdecimal():
        return told
    return f"+44{told[1:]}" if told.startswith("0") else f"+{told}"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _at(told: Any) -> datetime:
    at = instant(told)
    if at is None:
        raise ValueError("not a time")
    return at
