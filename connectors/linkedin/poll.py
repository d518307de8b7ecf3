"""Asks LinkedIn what happened at the page since the last time; it keeps that for 60 days.

Rules: the cursor is the instant of the newest notification read and those of that instant, so that none of the same
millisecond is lost; it moves with a whole reading. One that takes more pages than a poll asks for goes on at the next,
a page further back, since the list may have moved meanwhile. The first poll brings one page of what was there before.
Source: learn.microsoft.com/linkedin/marketing/community-management/organizations/
organization-social-action-notifications (July 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import shapes
from ..api import Event, Polled
from .client import Client, coded, rows
from .events import KINDS
from .hooks import read

PAGE = 100
PAGES_MAX = 50
# LinkedIn wants an end to the time asked about; a connector has no clock.
FAR_OFF_MS = 4_102_444_800_000


def poll(client: Client, cursor: Mapping[str, Any] | None) -> Polled:
    """What came after `cursor` ({at_ms, seen}; and {start, last_ms} of a reading that goes on), oldest first."""
    known = cursor or {}
    at_ms, seen = int(known.get("at_ms") or 0), set(known.get("seen") or ())
    start, before = int(known.get("start") or 0), int(known.get("last_ms") or at_ms)
    found: dict[str, Event] = {}
    parked: list[str] = []
    for _ in range(PAGES_MAX if cursor else 1):
        query = _query(client, at_ms, start)
        answer = client.read(f"organizationalEntityNotifications?{query}", finder=True)
        page = rows(answer)
        # Read as a call is, so that what cannot be read is read again like one.
        told = [{"organizationalEntity": client.organisation, **one} for one in page]
        heard = read(client.organisation, shapes.raw({"notifications": told}, answer.body))
        found |= {one.key: one for one in heard.events}
        parked += heard.parked
        start += len(page)
        if not page:
            break
    times = {key: round(one.at.timestamp() * 1000) for key, one in found.items()}
    last = max([before, *times.values()])
    at_last = {key for key, at in times.items() if at == last}
    new = sorted((at, key) for key, at in times.items() if at >= at_ms and key not in seen)
    events = tuple(found[key] for _at, key in new)
    reached: dict[str, Any] = {"at_ms": last, "seen": sorted(at_last | (seen if last == before else set()))}
    if cursor and page:
        again = {one.key for one in heard.events}
        place = {"start": start - len(page), "last_ms": last}
        reached = {"at_ms": at_ms, "seen": sorted(seen | at_last | again), **place}
    return Polled(events, reached, tuple(parked))


def _query(client: Client, at_ms: int, start: int) -> str:
    asked = (
        f"q=criteria&organizationalEntity={coded(client.organisation)}&actions=List({','.join(KINDS)})"
        f"&start={start}&count={PAGE}"
    )
    return f"{asked}&timeRange=(start:{at_ms},end:{FAR_OFF_MS})" if at_ms else asked
