"""Asks Telegram what was said since the last time.

Rules: Telegram forgets what lies before the update that is asked for, so the last one that was stored is asked for
once more: what a poll brings is forgotten only when a later one shows that it was stored. Numbers of updates may begin
anew elsewhere after a quiet week, so none is passed over for being low.
Source: core.telegram.org/bots/api, getUpdates (November 2026). Updates are kept for a day.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..api import Event, Polled
from .client import Client
from .events import KINDS, MALFORMED, Us, event

PAGE = 100


def poll(client: Client, us: Us, cursor: Mapping[str, Any] | None) -> Polled:
    """What came in after `cursor` ({update_id})."""
    last = (cursor or {}).get("update_id") or 0
    told = client.read("getUpdates", offset=last, limit=PAGE, timeout=0, allowed_updates=json.dumps(KINDS))
    events: list[Event] = []
    parked: list[str] = []
    newest = last
    for update in told if isinstance(told, list) else ():
        number = update.get("update_id") if isinstance(update, dict) else None
        if not isinstance(number, int) or number == last:
            continue
        newest = number
        try:
            found = event(us, update)
        except MALFORMED:
            parked.append(json.dumps(update, ensure_ascii=False))
            continue
        if found:
            events.append(found)
    return Polled(tuple(events), {"update_id": newest}, tuple(parked))
