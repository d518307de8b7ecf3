"""Tells a browser that something happened, by server-sent events; it then reads again what it shows.

Rules: an event says only that there is something new, so what a reader may see is decided where it is read. A server
has few threads, so only LISTENERS browsers are kept waiting; the others are told at once to come back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from flask import Response, request
from sqlalchemy import func, select, union_all

from campaigns.audit import AuditEntry
from campaigns.database import Database
from campaigns.delivery.tables import DeliveryEvent
from campaigns.responses.tables import RawEvent, ReplyDraft
from campaigns.responses.tables import Response as Answer

from . import frame

pages = frame.Pages("live")
LISTENERS = 8
KEPT_S = 25.0
LOOK_S = 1.0
# A browser that was not kept, or whose time is over, comes back after this.
BACK_MS = 4000

_free = threading.BoundedSemaphore(LISTENERS)


@pages.page("/live")
def live() -> Response:
    """A stream of `event: news`."""
    answer = Response(
        _stream(frame.wiring().database, request.headers.get("Last-Event-ID", "")),
        content_type="text/event-stream; charset=utf-8",
    )
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def _stream(database: Database, known: str) -> Iterator[str]:
    seen = _newest(database)
    what = "news" if known and known != seen else "here"
    yield f"retry: {BACK_MS}\nevent: {what}\nid: {seen}\ndata: {seen}\n\n"
    if not _free.acquire(blocking=False):
        return
    try:
        until = time.monotonic() + KEPT_S
        while time.monotonic() < until:
            time.sleep(LOOK_S)
            now = _newest(database)
            yield f"event: news\nid: {now}\ndata: {now}\n\n" if now != seen else ": nothing new\n\n"
            seen = now
    finally:
        _free.release()


def _newest(database: Database) -> str:
    """The last number of every table in which news is written; the indexes answer."""
    tables = (AuditEntry, Answer, RawEvent, DeliveryEvent, ReplyDraft)
    with database.read() as session:
        return "-".join(
            str(n or 0) for n in session.scalars(union_all(*(select(func.max(t.id)) for t in tables)))
        )
