"""What a person may do with a message on its way: pause, resume, cancel, move, retry, test, decide.

Rules: every verb is one transaction, may be repeated, and answers with counts; after cancel returns nobody is sent
to but those already in flight, who are counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from ..errors import AlreadyDone, BadField, Conflict, said
from ..messages import messages
from ..messages.tables import LANES, STATE_WORDS, Message, Occurrence
from . import batch, reconcile, release, states, threads
from .tables import Account, Batch, Delivery


def pause(session: Session, now: datetime, message: Message) -> dict[str, int]:
    """Take no new rows, whether it has begun or only stands ready; what is in flight ends."""
    if message.state in ("draft", "waiting"):
        raise Conflict(
            said(
                "a message that is {state} goes to nobody yet: leave it, or cancel it",
                state=STATE_WORDS[message.state],
            )
        )
    if message.state != "paused":
        messages.move(session, message, "paused", now)
    return reconcile.counts(session, message.id)


def resume(session: Session, now: datetime, message: Message) -> dict[str, int]:
    """Go on from where it was; obstacles are asked again."""
    if message.state == "paused":
        messages.move(session, message, "scheduled" if message.started_at is None else "sending", now)
    messages.settle(session, now, message)
    return reconcile.counts(session, message.id)


def cancel(session: Session, now: datetime, message: Message) -> dict[str, int]:
    """Withdraw everything not yet in flight."""
    if message.state == "finished":
        raise AlreadyDone("it has finished: there is nothing left to cancel")
    if message.state != "cancelled":
        messages.move(session, message, "cancelled", now)
    # Before the rows: a clock that is writing some is waited for, and then writes no more.
    session.execute(
        update(Occurrence)
        .where(Occurrence.message_id == message.id, Occurrence.state == "planned")
        .values(state="cancelled")
    )
    session.execute(
        update(Delivery)
        .where(Delivery.message_id == message.id, Delivery.state.in_((states.QUEUED, states.DEFERRED)))
        .values(state=states.CANCELLED, reason=None, batch_id=None, next_at=None, settled_at=now)
    )
    # What was about to be repeated under its key goes back to the resolver, which repeats nothing of a cancelled one.
    session.execute(
        update(Delivery)
        .where(
            Delivery.message_id == message.id,
            Delivery.state == states.UNKNOWN,
            Delivery.batch_id.is_not(None),
        )
        .values(batch_id=None, next_at=now)
    )
    found = reconcile.counts(session, message.id)
    return {**found, "in_flight": found["sending"]}


def retry(session: Session, now: datetime, message: Message) -> dict[str, int]:
    """Queue again what failed for a passing reason; the gate is asked as for any other row."""
    session.refresh(message, with_for_update=True)  # the clock may be finishing it
    if message.state not in ("sending", "finished", "held", "paused", "scheduled"):
        raise Conflict(
            said("a message that is {state} has nothing to retry", state=STATE_WORDS[message.state])
        )
    failed = list(
        session.scalars(
            select(Delivery.id).where(
                Delivery.message_id == message.id,
                Delivery.state == states.FAILED,
                Delivery.reason.in_(states.RETRYABLE),
            )
        )
    )
    return {"requeued": _requeue(session, now, message, failed, states.FAILED)}


def test_send(
    session: Session,
    now: datetime,
    message: Message,
    rows: Sequence[dict[str, Any]],
    addresses: Sequence[str],
) -> Occurrence:
    """Send composed rows to confirmed addresses only, marked as a test in the ledger.

    `rows` are of `release.rehearse` for one person or post; each is sent once to every address. Posts go by practice
    accounts alone: everybody sees the others. Conflict where nothing is left to test.
    """
    written = [row for row in rows if row["variant_id"] is not None]
    if not written:
        raise Conflict("there are no words to test yet: write them first")
    through = {row["account_id"] for row in written}
    public = select(Account.id).where(Account.id.in_(through), Account.broadcast, Account.test.is_(False))
    seen = set(session.scalars(public))
    rows = [row for row in written if row["account_id"] not in seen]
    if not rows:
        raise Conflict(
            "everybody would see a test of a post: look at how it reads, or test it by a practice account"
        )
    occurrence = Occurrence(
        message_id=message.id, kind="test", wall=now.isoformat(), zone="UTC", due_at=now, state="released",
        released_at=now,
    )  # fmt: skip
    session.add(occurrence)
    session.flush()
    by_account: dict[int, list[int]] = defaultdict(list)
    # Numbered through: two accounts of one channel may send to the same address.
    for place, (row, address) in enumerate(product(rows, addresses), 1):
        made = Delivery(**_test_row(row, place, address), occurrence_id=occurrence.id, due_at=now)
        session.add(made)
        session.flush()
        by_account[made.account_id].append(made.id)
    for account_id, numbers in by_account.items():
        batch.make(session, occurrence.id, account_id, LANES.index("transactional"), now, numbers)
    return occurrence


def _test_row(row: dict[str, Any], place: int, address: str) -> dict[str, Any]:
    kept = {
        name: row[name] for name in ("message_id", "channel", "account_id", "variant_id", "below_id", "part")
    }
    slots = {**(row["slots"] or {}), "_to": address}
    return {**kept, "target": place, "state": states.QUEUED, "address_key": address.lower(), "slots": slots}


def decide(session: Session, now: datetime, row: Delivery, *, outcome: str, by: str, evidence: str) -> None:
    """A person says what became of a row that nobody has in hand: sent, failed, or to be sent again (queued)."""
    if outcome not in (states.SENT, states.FAILED, states.QUEUED):
        raise BadField("say sent, failed or queued (send it again)", pointer="/outcome")
    if not evidence.strip():
        raise BadField("say how you know: it stays with the delivery", pointer="/evidence")
    message = session.get_one(Message, row.message_id, with_for_update=True)
    if outcome == states.QUEUED and message.state == "cancelled":
        raise Conflict("its message was cancelled and is not sent again: say sent or failed")
    values: dict[str, Any] = {"state": outcome, "reason": None}
    values |= {"next_at": None, "batch_id": None, "settled_at": now}
    if outcome == states.SENT:
        values["sent_at"] = now
        # What was found that looks like it is it, then: responses are found by this name, and the parts of a thread.
        values["provider_id"] = row.provider_id or (row.error or {}).get("looks_like")
    if outcome == states.FAILED:
        values["reason"] = "marked_failed"
    # What waits surely goes by itself; to be sent again is said of what may have gone.
    open_to = (states.UNKNOWN,) if outcome == states.QUEUED else states.TAKEABLE
    in_hand = exists().where(Batch.id == Delivery.batch_id, Batch.owner.is_not(None))
    done = session.execute(
        update(Delivery).where(Delivery.id == row.id, Delivery.state.in_(open_to), ~in_hand).values(values)
    )
    if not done.rowcount:  # type: ignore[attr-defined]
        raise Conflict("this delivery is decided, or a worker has it in hand")
    batch.note(
        session,
        now,
        row.id,
        row.attempt,
        row.token,
        f"decided_{outcome}",
        error={"by": by, "evidence": evidence},
    )
    if outcome != states.FAILED:
        threads.resume(session, now, row.id)
    if outcome == states.QUEUED:
        _requeue(session, now, message, [row.id], states.QUEUED)


def undecided() -> ColumnElement[bool]:
    """Rows, joined with their message, that only a person can bring on: nobody looks after them any more.

    What would be repeated under its key counts where its message is paused, for then nobody repeats it.
    """
    resting = and_(Delivery.next_at.is_(None), Delivery.batch_id.is_(None))
    return and_(Delivery.state == states.UNKNOWN, or_(resting, Message.state == "paused"))


def take_back(session: Session, now: datetime, message: Message) -> None:
    """Undo a release before an edit; AlreadySending where something has gone."""
    if session.scalar(select(func.count()).where(Delivery.message_id == message.id)):
        release.take_back(session, message)


def _requeue(session: Session, now: datetime, message: Message, numbers: list[int], before: str) -> int:
    """Put rows back in the queue because a person says so; how long they are worth sending counts from now."""
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(numbers), Delivery.state == before)
        .values(state=states.QUEUED, reason=None, due_at=now, next_at=None, settled_at=None, deaths=0)
    )
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    rows = session.execute(
        select(Delivery.id, Delivery.occurrence_id, Delivery.account_id).where(Delivery.id.in_(numbers))
    )
    for row in rows:
        groups[row.occurrence_id, row.account_id].append(row.id)
    lane = LANES.index(message.lane)
    taken = sum(
        batch.make(session, occ, account, lane, now, found) for (occ, account), found in groups.items()
    )
    session.execute(
        update(Occurrence)
        .where(Occurrence.id.in_({occ for occ, _ in groups}), Occurrence.state == "finished")
        .values(state="released", finished_at=None)
    )
    if message.state == "finished" and numbers:
        messages.reopen(session, message, now)
    return taken
