"""Asks LinkedIn what happened at the page since the last time; it keeps that for 60 days.

Rules: the cursor is the instant of the newest notification read and those of that instant, so that none of the same
millisecond is lost; it moves with a whole reading. The first poll brings one page of what was there before.
Source: learn.microsoft.com/linkedin/marketing/community-management/organizations/
organization-social-action-notifications (July 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..api import Event, Polled
from .client import Client, coded, rows
from .events import KINDS, event

PAGE = 100
PAGES_MAX = 50
# LinkedIn wants an end to the time asked about; a connector has no clock.
FAR_OFF_MS = 4_102_444_800_000


def poll(client: Client, cursor: Mapping[str, Any] | None) -> Polled:
    """What came after `cursor` ({at_ms, seen}), oldest first."""
    known = cursor or {}
    at_ms, seen = int(known.get("at_ms") or 0), set(known.get("seen") or ())
    found: dict[str, tuple[int, Event]] = {}
    start = 0
    for _ in range(PAGES_MAX if cursor else 1):
        page = rows(
            client.read(f"organizationalEntityNotifications?{_query(client, at_ms, start)}", finder=True)
        )
        found |= {one.key: (int(told["lastModifiedAt"]), one) for told in page if (one := _event(told))}
        start += len(page)
        if not page:
            break
    last = max((at for at, _one in found.values()), default=at_ms)
    at_last = {key for key, (at, _one) in found.items() if at == last} | (seen if last == at_ms else set())
    new = sorted((at, key) for key, (at, _one) in found.items() if at >= at_ms and key not in seen)
    return Polled(tuple(found[key][1] for _at, key in new), {"at_ms": last, "seen": sorted(at_last)})


def _query(client: Client, at_ms: int, start: int) -> str:
    asked = (
        f"q=criteria&organizationalEntity={coded(client.organisation)}&actions=List({','.join(KINDS)})"
        f"&start={start}&count={PAGE}"
    )
    return f"{asked}&timeRange=(start:{at_ms},end:{FAR_OFF_MS})" if at_ms else asked


def _event(told: dict[str, Any]) -> Event | None:
    try:
        return event(told)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None  # the rest is read all the same
