"""Unknown rows: learn what became of them by key or by looking, or leave them to a person.

Rules: KEYED repeats under the same key while it lives (the gate is asked again); FINDABLE looks back to the intent,
and an exact *no* counts only after the provider's delay and the send deadline, and no longer than the provider
remembers; an inexact match decides nothing.
BLIND does what the account says: hold, retry or assume_sent.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from connectors.api import Connector, ConnectorError, Outbound, Receipt

from ..errors import DomainError
from ..messages import media, render
from ..messages.tables import LANES, Message, Variant
from ..stakeholders.tables import Address
from . import batch, begun, states, threads
from .compose import Composer, Letter, written_to
from .send import Desk
from .tables import Account, Delivery


def resolve(desk: Desk, limit: int = 200) -> int:
    """Work unknown rows whose time has come; how many were looked at."""
    with desk.database.write() as session:
        rows = _claim(session, desk.now(), desk.lease_s, limit)
    for row in rows:
        with desk.database.read() as session:
            account = session.get_one(Account, row.account_id)
            cancelled = session.get_one(Message, row.message_id).state == "cancelled"
        if not cancelled and _key_lives(desk, row, account):
            _requeue(desk, row, states.UNKNOWN, "repeat_with_key")
        elif account.repeats["kind"] == "findable":
            _look(desk, row, account)
        else:
            _blind(desk, row, "hold" if cancelled and account.on_unknown == "retry" else account.on_unknown)
    return len(rows)


def _key_lives(desk: Desk, row: Delivery, account: Account) -> bool:
    return row.intent_at is not None and desk.pace.key_lives(account.repeats, desk.now(), row.intent_at)


def _claim(session: Session, now: datetime, lease_s: float, limit: int) -> list[Delivery]:
    """Take due unknown rows by moving their next look ahead by a lease; whoever moved it looks."""
    due = session.scalars(
        select(Delivery)
        .where(Delivery.state == states.UNKNOWN, Delivery.next_at <= now, Delivery.batch_id.is_(None))
        .order_by(Delivery.next_at, Delivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in due:
        row.next_at = now + timedelta(seconds=lease_s)
    return list(due)


def _requeue(desk: Desk, row: Delivery, state: str, why: str) -> None:
    """Back into a batch: still `unknown` for a repeat under its key, `queued` when it surely did not go.

    What surely did not go of a message that was cancelled meanwhile is withdrawn like the rest of it.
    """
    with desk.database.write() as session:
        now, message = desk.now(), session.get_one(Message, row.message_id, with_for_update=True)
        if message.state == "cancelled":
            if state == states.UNKNOWN:
                return  # cancelled a moment ago: the next look finds it so
            state = states.CANCELLED
        done = session.execute(
            update(Delivery)
            .where(Delivery.id == row.id, Delivery.state == states.UNKNOWN, Delivery.attempt == row.attempt)
            .values(state=state, next_at=None)
        )
        if not done.rowcount:  # type: ignore[attr-defined]
            return
        batch.note(session, now, row.id, row.attempt, row.token, why)
        if state != states.CANCELLED:
            threads.resume(session, now, row.id)
            lane = LANES.index(message.lane)
            batch.make(session, row.occurrence_id, row.account_id, lane, now, [row.id])


def _look(desk: Desk, row: Delivery, account: Account) -> None:
    """Ask the provider whether it went."""
    try:
        with desk.database.read() as session:
            connector = desk.connect(session, account)
            outbound = _outbound(session, desk, row, account)
        found = _find(connector, outbound)
    except SQLAlchemyError:
        raise
    except Exception as error:  # the connector broke its contract, or cannot be opened: the other rows go on
        _again(desk, row, ConnectorError(str(error) or type(error).__name__).words)
        return
    if not account.repeats["exact"]:
        _leave(desk, row, found)
    elif found is not None:
        _write_sent(desk, row, "found", found.provider_id)
    elif _forgotten(desk, row, account):
        _hold(desk, row, {"words": "not found, but by now the provider may have forgotten it"})
    else:
        _requeue(desk, row, states.QUEUED, "not_found")


def _forgotten(desk: Desk, row: Delivery, account: Account) -> bool:
    """Whether the provider may know it no more, though it went."""
    known_for_s = account.repeats.get("known_for_s")
    if known_for_s is None or row.intent_at is None:
        return False
    return desk.now() >= row.intent_at + timedelta(seconds=known_for_s)


def _find(connector: Connector, outbound: Outbound) -> Receipt | None:
    if connector.find is None or outbound.since is None:
        raise DomainError("this account cannot look up what it sent")
    return connector.find(outbound)


def _outbound(session: Session, desk: Desk, row: Delivery, account: Account) -> Outbound:
    variant = threads.worded(session, account, row.id, session.get_one(Variant, row.variant_id))
    address = session.get(Address, row.address_id) if row.address_id else None
    below = session.get(Variant, row.below_id) if row.below_id else None
    to = written_to(address.value if address else None, row.slots)
    message = session.get_one(Message, row.message_id)
    attached = media.attached(session, message.content_id, desk.folder, desk.links.base_url)
    composer = Composer(message, account, desk.links, attached)
    try:
        return composer.compose(
            Letter(row.id, row.slots, variant, to, below, begun.of(session, row.id)), row.intent_at
        )
    except render.MissingData as missing:
        raise DomainError(str(missing)) from missing


def _blind(desk: Desk, row: Delivery, choice: str) -> None:
    """Nobody can know: do what was chosen for this account, in plain words, beforehand."""
    if choice == "retry":
        _requeue(desk, row, states.QUEUED, "sent_again_by_choice")
    elif choice == "assume_sent":
        _write_sent(desk, row, "assumed_by_choice", None)
    else:
        _hold(desk, row, None)


def _write_sent(desk: Desk, row: Delivery, how: str, provider_id: str | None) -> None:
    with desk.database.write() as session:
        now = desk.now()
        done = session.execute(
            update(Delivery)
            .where(Delivery.id == row.id, Delivery.state == states.UNKNOWN, Delivery.attempt == row.attempt)
            .values(state=states.SENT, provider_id=provider_id, sent_at=now, settled_at=now, next_at=None)
        )
        if done.rowcount:  # type: ignore[attr-defined]
            threads.resume(session, now, row.id)
            batch.note(session, now, row.id, row.attempt, row.token, how, provider_id=provider_id)


def _leave(desk: Desk, row: Delivery, found: Receipt | None) -> None:
    """An inexact match is shown to the person who decides, never acted on."""
    if found is None:
        _hold(desk, row, {"words": "nothing like it was found"})
    else:
        words = f"looks like {found.provider_id}"
        _hold(desk, row, {"words": words, "looks_like": found.provider_id})


def _hold(desk: Desk, row: Delivery, error: dict[str, Any] | None) -> None:
    values: dict[str, Any] = {"next_at": None, **({"error": error} if error else {})}
    with desk.database.write() as session:
        session.execute(
            update(Delivery)
            .where(Delivery.id == row.id, Delivery.state == states.UNKNOWN, Delivery.attempt == row.attempt)
            .values(values)
        )


def _again(desk: Desk, row: Delivery, words: str) -> None:
    """The look-up itself failed: look again later, at most for a day, then a person is asked."""
    now = desk.now()
    asked_for = now - (row.intent_at or now)
    if asked_for > timedelta(days=1):
        _hold(desk, row, {"words": f"could not be looked up: {words}"[:500]})
        return
    wait = timedelta(seconds=60 * desk.pace.scale)
    with desk.database.write() as session:
        session.execute(
            update(Delivery)
            .where(Delivery.id == row.id, Delivery.state == states.UNKNOWN, Delivery.attempt == row.attempt)
            .values(next_at=now + wait)
        )
