"""What may be done with work that waits or is in hand: look, give it to the next worker, leave it out, mark it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from campaigns.delivery import repair
from campaigns.delivery.tables import Account, Batch
from campaigns.messages.tables import LANES, Message, Occurrence

from .. import paging
from ..access import scoped
from ..ids import shown
from . import Act, messages


@dataclass(frozen=True, slots=True)
class Waiting:
    """A batch as it is told: of which message, by which account, how many rows, in whose hands."""

    id: int
    message_id: int
    account_id: int
    account: str
    lane: str
    rows: int
    due_at: datetime
    owner: str | None
    until: datetime | None
    deaths: int
    programme_id: int | None


def listed(act: Act, *, kind: str, limit: int, after: str | None, before: str | None) -> paging.Page:
    """Batches of one kind, as `Waiting`."""
    mine = scoped(
        select(Batch)
        .join(Occurrence, Occurrence.id == Batch.occurrence_id)
        .join(Message, Message.id == Occurrence.message_id),
        Message.programme_id,
        act.caller,
        "messages:read",
    )
    page = paging.cut(
        act.session,
        mine.where(repair.of_kind(kind, act.now)),
        Batch.id,
        limit=limit,
        after=after,
        before=before,
    )
    return paging.Page(_told(act, [one.id for one in page.rows]), page.next, page.previous)


def requeue(act: Act, batch_id: int, *, why: str) -> Waiting:
    """Give it to the next worker at once; what is being handed over at this moment becomes unknown."""
    found, message = _mine(act, batch_id)
    repair.requeue(act.session, act.now, found, act.wiring.pace)
    act.note("batch.requeued", "batch", batch_id, programme_id=message.programme_id, after={"why": why})
    return _told(act, [batch_id])[0]


def mark(act: Act, batch_id: int, *, outcome: str, evidence: str) -> dict[str, int]:
    """Say of all its rows that they have gone (`sent`), or leave them out (`failed`)."""
    found, message = _mine(act, batch_id)
    rows = repair.mark(act.session, act.now, found, outcome=outcome, by=act.caller.actor, evidence=evidence)
    act.note(
        "batch.marked", "batch", batch_id, programme_id=message.programme_id,
        after={"message": shown("message", message.id), "outcome": outcome, "evidence": evidence, "rows": rows},
    )  # fmt: skip
    return {"rows": rows}


def _mine(act: Act, batch_id: int) -> tuple[Batch, Message]:
    found = act.one(Batch, batch_id)
    occurrence = act.session.get_one(Occurrence, found.occurrence_id)
    return found, messages.get(act, occurrence.message_id, scope="messages:send", lock=True)


def _told(act: Act, numbers: list[int]) -> list[Waiting]:
    rows = repair.rows_of(act.session, numbers)
    found = act.session.execute(
        select(Batch, Account.name, Message)
        .join(Account, Account.id == Batch.account_id)
        .join(Occurrence, Occurrence.id == Batch.occurrence_id)
        .join(Message, Message.id == Occurrence.message_id)
        .where(Batch.id.in_(numbers))
        .order_by(Batch.id)
        .execution_options(populate_existing=True)
    )
    return [
        Waiting(
            one.id, message.id, one.account_id, account, LANES[one.lane], rows.get(one.id, 0), one.due_at,
            one.owner, one.until_db, one.deaths, message.programme_id,
        )
        for one, account, message in found
    ]  # fmt: skip
