"""Emergency stops: everything, one account, one programme or one segment, until somebody permitted lifts it.

Rules: a stop needs a reason and survives a restart. No intent is committed after the stop's commit: waves hold
`STOP_LOCK` shared while they commit intent, a stop takes it alone (SQLite has one writer anyway).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ..database import lock
from ..errors import AlreadyDone, BadField, NotFound, said
from ..messages.tables import Message, MessageAccount
from ..strategies import programmes
from .tables import Stop

SCOPES = ("all", "account", "programme", "segment")
STOP_LOCK = 0x444F4C01


def stop(
    session: Session,
    now: datetime,
    *,
    scope: str,
    reason: str,
    by: str,
    ref_id: int = 0,
    programme_id: int | None = None,
) -> Stop:
    """Stop sending in a scope. `ref_id` is the account, programme or segment; 0 with `all`.

    `programme_id` says who sees it: that programme's people, or with None everybody.
    """
    if scope not in SCOPES:
        raise BadField(said("scope is one of {scopes}", scopes=SCOPES), pointer="/scope")
    if not reason.strip():
        raise BadField("a stop needs a reason: say why, for whoever lifts it", pointer="/reason")
    lock(session, STOP_LOCK)
    made = Stop(
        scope=scope, ref_id=0 if scope == "all" else ref_id, programme_id=programme_id, reason=reason.strip(), by=by,
        at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def lift(session: Session, now: datetime, stop_id: int, *, by: str, why: str) -> Stop:
    """Lift a stop; what it held goes by itself."""
    found = session.get(Stop, stop_id)
    if found is None:
        raise NotFound("there is no such stop")
    if found.lifted_at is not None:
        raise AlreadyDone("this stop was lifted already")
    if not why.strip():
        raise BadField("lifting a stop needs a reason", pointer="/why")
    found.lifted_at, found.lifted_by, found.lifted_why = now, by, why.strip()
    return found


def standing(session: Session, message: Message) -> list[Stop]:
    """The stops in force that touch every way this message goes out; a programme's stop covers what lies under it."""
    in_force = list(session.scalars(select(Stop).where(Stop.lifted_at.is_(None)).order_by(Stop.id)))
    if not in_force:
        return []
    accounts = select(MessageAccount.account_id).where(MessageAccount.message_id == message.id)
    reached: dict[str, set[int | None]] = {
        "all": {0},
        "account": set(session.scalars(accounts)),
        "programme": set(programmes.lineage(session, message.programme_id)),
        "segment": {message.segment_id},
    }
    touching = [one for one in in_force if one.ref_id in reached[one.scope]]
    if {one.ref_id for one in touching if one.scope == "account"} >= reached["account"]:
        return touching
    return [one for one in touching if one.scope != "account"]


def stopped_accounts() -> Select[int]:
    """The SELECT of accounts under a stop of their own: nothing of theirs is claimed or taken into a wave."""
    return select(Stop.ref_id).where(Stop.scope == "account", Stop.lifted_at.is_(None))


def obstacles(session: Session, message: Message, now: datetime) -> list[dict[str, Any]]:
    """Stops as obstacles of a message."""
    return [
        {
            "kind": "stopped",
            "detail": said("Sending is stopped: {reason}", reason=found.reason),
            "scope": found.scope,
            "by": found.by,
        }
        for found in standing(session, message)
    ]


def hold_still(session: Session) -> None:
    """Keep stops from being made until this transaction ends."""
    lock(session, STOP_LOCK, shared=True)
