"""Asking the practice provider what came back since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..api import Deferred, Polled
from .events import event
from .send import Wire


def poll(wire: Wire, cursor: Mapping[str, Any] | None) -> Polled:
    """One page of events after the cursor, which holds how many were read: {"after": n}."""
    after = int((cursor or {}).get("after", 0))
    told = wire.door.request("GET", f"{wire.root}/events?after={after}", headers=wire.headers).json()
    try:
        return Polled(tuple(event(raw) for raw in told["events"]), {"after": int(told["next"])})
    except (KeyError, TypeError, ValueError) as error:
        raise Deferred(f"an answer nobody foresaw: {error}", scope="account", phase="answer") from None
