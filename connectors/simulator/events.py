"""The practice provider's words for what came back, in ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from ..api import Event

KINDS = {
    "reply": "reply",
    "mention": "mention",
    "like": "like",
    "boost": "boost",
    "bounce": "bounce",
    "complaint": "complaint",
    "unsubscribe": "opt_out",
    "auto_reply": "auto_reply",
    "delivered": "delivered",
    "opened": "opened",
    "clicked": "clicked",
}
PLUS = re.compile(r"[^@+]*\+([^@]+)@")


def event(raw: Mapping[str, Any]) -> Event:
    """One event; KeyError, TypeError or ValueError for something that is none."""
    kind, sender = KINDS[raw["type"]], _text(raw, "from")
    plus = PLUS.match(_text(raw, "to"))
    return Event(
        key=_text(raw, "id", needed=True),
        kind=kind,
        at=datetime.fromtimestamp(float(raw["at"]), UTC),
        provider_id=_text(raw, "message"),
        references=(_text(raw, "in_reply_to"),) if raw.get("in_reply_to") else (),
        recipient_token=plus[1] if plus else "",
        sender=sender,
        sender_name=_text(raw, "from_name"),
        about=(_text(raw, "about") or sender) if kind in ("bounce", "complaint") else "",
        subject=_text(raw, "subject"),
        text=_text(raw, "text"),
        language=_text(raw, "language"),
        hard=raw.get("permanent") is True,
        raw=orjson.dumps(raw),
    )


def _text(raw: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
    value = raw[name] if needed else raw.get(name, "")
    if not isinstance(value, str) or (needed and not value):
        raise TypeError(f"{name} is no text")
    return value
