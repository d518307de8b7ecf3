"""What the practice provider pushes: Standard Webhooks, one call with one or more events."""

from __future__ import annotations

import orjson

from .. import shapes, signatures
from ..api import Call, Event, Heard
from .events import event


def hear(secret: str, call: Call) -> Heard:
    """The events of a call that the secret proves."""
    signatures.verify(secret.split(), call.headers, call.body, call.at)
    return read(call.body)


def read(body: bytes) -> Heard:
    """The events of a body; what cannot be read is parked, the rest is kept."""
    try:
        told = orjson.loads(body)
    except ValueError:
        return Heard(parked=(_shown(body),))
    events: list[Event] = []
    parked: list[str] = []
    for raw in told if isinstance(told, list) else [told]:
        try:
            events.append(event(raw))
        except shapes.UNREADABLE:
            parked.append(_shown(shapes.raw(raw, body)))
    return Heard(tuple(events), tuple(parked))


def _shown(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
