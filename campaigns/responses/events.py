"""How an Event is kept: as JSON that both databases take, and back again.

Rules: what a provider sent may be wrong in every way; here it becomes plain text, finite numbers and bounded
size. The provider's own bytes are kept beside it, untouched.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from connectors.api import Event

from ..base import instant, micros

KEY_MAX = 400  # bytes; a PostgreSQL index row holds 2,704
LINE_MAX = 2_000
TEXT_MAX = 200_000
REFERENCES_MAX = 50
DEPTH_MAX = 12
ITEMS_MAX = 200
# A date further back than this in a new event is a wrong clock, not an old letter.
OLDEST = timedelta(days=3650)
_LINES = ("kind", "provider_id", "recipient_token", "sender", "sender_name", "about", "subject", "language")


def encode(event: Event, received_at: datetime) -> str:
    """The event as JSON; a date that cannot be true becomes the time of receipt."""
    lines = [
        event.kind, event.provider_id, event.recipient_token, event.sender, event.sender_name, event.about,
        event.subject, event.language,
    ]  # fmt: skip
    if not _is_plain(lines):
        lines = [_text(line, LINE_MAX) for line in lines]
    kept: dict[str, Any] = dict(zip(_LINES, lines, strict=True))
    kept["at"] = micros(_moment(event.at, received_at))
    kept["references"] = [_text(one, LINE_MAX) for one in event.references[-REFERENCES_MAX:]]
    kept["text"] = _text(event.text, TEXT_MAX)
    kept["hard"] = bool(event.hard)
    kept["verified"] = bool(event.verified)
    kept["meta"] = _plain(dict(event.meta)) if event.meta else {}
    return orjson.dumps(kept).decode()


def decode(key: str, kept: Mapping[str, Any]) -> Event:
    """The event again, without the provider's bytes."""
    values = dict(kept)
    return Event(
        key=key, at=instant(values.pop("at")), references=tuple(values.pop("references")), **values
    )  # fmt: skip


def key(event: Event) -> str:
    """What makes the event unique on its account: the provider's key, or a digest for none or a long one."""
    given = _text(event.key, TEXT_MAX)
    if given and len(given.encode()) <= KEY_MAX:
        return given
    return "sha256:" + hashlib.sha256(given.encode() or event.raw or repr(event).encode()).hexdigest()


def _moment(at: datetime, received_at: datetime) -> datetime:
    if at.tzinfo is None or not received_at - OLDEST <= at <= received_at:
        return received_at
    return at


def _is_plain(lines: list[str]) -> bool:
    """Whether short lines can be kept as they are, as nearly always; asked of all in one."""
    try:
        text = "".join(lines)
        return len(text) <= LINE_MAX and "\0" not in text and (text.isascii() or bool(text.encode()))
    except (TypeError, UnicodeEncodeError):
        return False


def _text(value: object, most: int) -> str:
    """Text without NUL and half characters, which PostgreSQL cannot hold."""
    text = str(value)[:most].replace("\0", "\ufffd")
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def _plain(value: Any, depth: int = 0) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 1 << 63:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if depth < DEPTH_MAX and isinstance(value, Mapping):
        items = list(value.items())[:ITEMS_MAX]
        return {_text(name, LINE_MAX): _plain(one, depth + 1) for name, one in items}
    if depth < DEPTH_MAX and isinstance(value, (list, tuple)):
        return [_plain(one, depth + 1) for one in value[:ITEMS_MAX]]
    return _text(value, LINE_MAX)
