"""The gate: what is asked of every row of a wave in the transaction that commits its intent.

Rules: the message is asked first (state, approval, agreement, stops), then each person (suppression, basis). People's
rows are locked in id order before they are asked, and whoever withdraws or suppresses locks the same rows first, so
no intent is committed after an opt-out. Nothing about the message ever excludes a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from connectors.api import Outbound

from ..base import parse_id
from ..messages import messages
from ..messages.tables import Message, Occurrence
from ..stakeholders import consent
from . import states, stops
from .backoff import Pace
from .batch import Claim
from .tables import Account, Delivery


@dataclass(frozen=True, slots=True)
class Taken:
    """A row with its intent committed: attempt and token guard what is written about it later."""

    delivery_id: int
    attempt: int
    token: int
    outbound: Outbound
    intent_at: datetime
    stakeholder_id: int | None
    address_key: str


def take(
    session: Session, now: datetime, held: Claim, account: Account, ready: Sequence[Outbound], pace: Pace
) -> list[Taken]:
    """Commit intent for the rows of a wave that may go; the others are excluded, held or left as they are."""
    outbound = {parse_id("dlv", one.key): one for one in ready}
    if not outbound or not _message_may_go(session, now, held):
        return []
    rows = _rows(session, held, list(outbound))
    decisions = _ask(session, now, held, account, rows)
    going = []
    for row in rows:
        decision = decisions.get((row.stakeholder_id, row.address_key))
        if decision is not None and decision.reason is not None:
            _leave_out(session, now, row, decision.reason)
        elif row.state == states.UNKNOWN and not _repeatable(row, account, now, pace):
            _let_go(session, row)
        else:
            going.append((row, decision))
    return _commit_intent(session, now, held, going, outbound)


def _message_may_go(session: Session, now: datetime, held: Claim) -> bool:
    """Ask the message's own obstacles; one that appeared since puts the message on hold."""
    stops.hold_still(session)
    message = session.get_one(Message, held.message_id)
    if session.get_one(Occurrence, held.occurrence_id).kind == "test":
        return not stops.standing(session, message)
    messages.settle(session, now, message)
    if message.state == "scheduled":
        messages.move(session, message, "sending", now)
    return message.state == "sending"


def _rows(session: Session, held: Claim, wanted: list[int]) -> list[Delivery]:
    query = select(Delivery).where(
        Delivery.id.in_(wanted), Delivery.batch_id == held.batch_id, Delivery.state.in_(states.TAKEABLE)
    )
    return list(session.scalars(query.order_by(Delivery.id)))


def _ask(
    session: Session, now: datetime, held: Claim, account: Account, rows: Sequence[Delivery]
) -> dict[tuple[int | None, str], consent.Decision]:
    pairs = [(row.stakeholder_id, row.address_key) for row in rows if row.stakeholder_id is not None]
    if not pairs:
        return {}
    consent.lock(session, [stakeholder_id for stakeholder_id, _ in pairs])
    message = session.get_one(Message, held.message_id)
    decided = consent.decide(
        session,
        now,
        purpose=message.purpose,
        channel=account.channel,
        pairs=pairs,
        answer=message.kind == "answer",
    )
    return {(stakeholder_id, key): found for (stakeholder_id, key), found in decided.items()}


def _repeatable(row: Delivery, account: Account, now: datetime, pace: Pace) -> bool:
    return row.intent_at is not None and pace.key_lives(account.repeats, now, row.intent_at)


def _leave_out(session: Session, now: datetime, row: Delivery, reason: str) -> None:
    """Exclude the row; one that may have gone before stays `unknown`, for a person to decide."""
    if row.state == states.UNKNOWN:
        error = {"not_repeated": reason}
        values: dict[str, Any] = {"next_at": None, "batch_id": None, "error": error}
    else:
        values = {
            "state": states.EXCLUDED,
            "reason": reason,
            "next_at": None,
            "batch_id": None,
            "settled_at": now,
        }
    session.execute(update(Delivery).where(Delivery.id == row.id, Delivery.state == row.state).values(values))


def _let_go(session: Session, row: Delivery) -> None:
    """The key died while the row waited in its batch: the resolver looks at it again."""
    session.execute(
        update(Delivery)
        .where(Delivery.id == row.id, Delivery.state == states.UNKNOWN)
        .values(batch_id=None, next_at=row.settled_at)
    )


def _commit_intent(
    session: Session,
    now: datetime,
    held: Claim,
    going: Sequence[tuple[Delivery, consent.Decision | None]],
    outbound: dict[int, Outbound],
) -> list[Taken]:
    """Write `sending`, attempt and token; a row that changed hands meanwhile is not returned and not sent."""
    if not going:
        return []
    won = session.execute(
        update(Delivery)
        .where(
            Delivery.id.in_([row.id for row, _ in going]),
            Delivery.batch_id == held.batch_id,
            Delivery.state.in_(states.TAKEABLE),
        )
        .values(
            state=states.SENDING, attempt=Delivery.attempt + 1, token=held.token, next_at=None, settled_at=None,
            intent_at=func.coalesce(Delivery.intent_at, bindparam("first", now, type_=Delivery.intent_at.type)),
        )
        .returning(Delivery.id, Delivery.attempt, Delivery.intent_at)
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    _write_basis(session, {row.id for row in won}, going)
    people = {row.id: row for row, _ in going}
    return [
        Taken(
            row.id, row.attempt, held.token, replace(outbound[row.id], since=row.intent_at), row.intent_at,
            people[row.id].stakeholder_id, people[row.id].address_key,
        )
        for row in sorted(won)
    ]  # fmt: skip


def _write_basis(
    session: Session, won: set[int], going: Sequence[tuple[Delivery, consent.Decision | None]]
) -> None:
    """Keep on the row what made it lawful, as it stood when the intent was committed."""
    groups: dict[tuple[int | None, str | None], list[int]] = defaultdict(list)
    for row, decision in going:
        if decision is not None and row.id in won:
            groups[decision.consent_id, decision.basis].append(row.id)
    for (consent_id, basis), numbers in groups.items():
        session.execute(
            update(Delivery)
            .where(Delivery.id.in_(numbers))
            .values(consent_id=consent_id, basis=basis)
            .execution_options(synchronize_session=False)
        )
