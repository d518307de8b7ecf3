"""What may be done about missed runs: see what nobody was there to send, and say whether it still goes."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from campaigns.delivery import missed
from campaigns.delivery.tables import MissedRun
from campaigns.errors import NotFound
from campaigns.messages.tables import Message

from .. import paging
from ..access import scoped
from . import Act, messages

# Today tells of those that were found within this, and of all about which nobody has decided.
RECENT = timedelta(days=2)
SHOWN = 20


def listed(
    act: Act, *, waiting: bool | None, limit: int, after: str | None, before: str | None
) -> paging.Page:
    """The missed runs of the caller's programmes; `waiting` are those about which a person has to decide."""
    statement = scoped(
        select(MissedRun).join(Message, Message.id == MissedRun.message_id),
        Message.programme_id, act.caller, "messages:read",
    )  # fmt: skip
    if waiting is not None:
        statement = statement.where((MissedRun.done == "held") == waiting)
    return paging.cut(
        act.session, statement, MissedRun.occurrence_id, limit=limit, after=after, before=before
    )


def recent(act: Act) -> list[tuple[MissedRun, Message]]:
    """What was found of late, and what waits for somebody's word, oldest first."""
    told = (MissedRun.done == "held") | (MissedRun.found_at > act.now - RECENT)
    found = select(MissedRun, Message).join(Message, Message.id == MissedRun.message_id).where(told)
    rows = act.session.execute(
        scoped(found, Message.programme_id, act.caller, "messages:read")
        .order_by(MissedRun.due_at)
        .limit(SHOWN)
    )
    return [(row[0], row[1]) for row in rows]


def decide(act: Act, occurrence_id: int, *, go: bool) -> MissedRun:
    """Say whether it still goes."""
    run = act.session.get(MissedRun, occurrence_id)
    if run is None:
        raise NotFound("there is no such missed run")
    message = messages.get(act, run.message_id, scope="messages:send", lock=True)
    decided = missed.decide(act.session, act.now, occurrence_id, go=go, by=act.caller.actor)
    act.note(
        "message.missed_decided", "message", message.id, programme_id=message.programme_id, after={"go": go}
    )
    return decided
