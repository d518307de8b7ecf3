"""Replay: what providers told us is thought about again, after a mistake of ours was put right; as often as you like.

Rules: what nobody could read is read again from the bytes that are kept, what failed is due again; with a time, so is
all that came since. Effects are repeatable, so what was right stays as it is, and a person's decision stands. Of
somebody who was erased nothing is left to think about.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, Text, and_, cast, or_, select, update
from sqlalchemy.orm import Session

from connectors.api import Heard

from . import intake
from .tables import RawEvent

PAGE = 200


def again(session: Session, now: datetime, account_id: int, since: datetime | None = None) -> int:
    """Make due what failed, and all that came since a time; how many events that are."""
    wanted: ColumnElement[bool] = RawEvent.state == "parked"
    if since is not None:
        wanted = or_(wanted, and_(RawEvent.state == "done", RawEvent.at >= since))
    done = session.execute(
        update(RawEvent)
        .where(RawEvent.account_id == account_id, wanted, cast(RawEvent.event, Text) != "{}")
        .values(state="new", tries=0, next_at=now, error=None)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def unread(
    session: Session, now: datetime, account_id: int, read: Callable[[bytes], Heard] | None
) -> tuple[int, int]:
    """Read again what could not be read; how many could be now, and how many still cannot. None: it reads nothing."""
    could, left, last = 0, 0, 0
    while rows := _parked(session, account_id, last):
        for raw in rows:
            last = raw.id
            heard = read(raw.body or b"") if read is not None else None
            if heard is None or heard.parked:
                left += 1
                continue
            intake.store(session, now, account_id, heard.events, via=raw.via)
            could += 1
            raw.state, raw.error, raw.body = "done", "read again", None
    return could, left


def _parked(session: Session, account_id: int, after: int) -> list[RawEvent]:
    """The next of those that no connector could read."""
    return list(
        session.scalars(
            select(RawEvent)
            .where(
                RawEvent.account_id == account_id, RawEvent.state == "parked", RawEvent.id > after,
                RawEvent.event_key.startswith(intake.UNREAD),
            )
            .order_by(RawEvent.id)
            .limit(PAGE)
        )
    )  # fmt: skip
