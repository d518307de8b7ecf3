"""The gate: what is asked of every row of a wave in the transaction that commits its intent.

Rules: the message is asked first (state, approval, agreement, stops), then each person (suppression, basis, choices).
The message is locked so that nobody pauses or edits it under a wave; people's rows are locked in id order before they
are asked, and whoever withdraws, suppresses or chooses locks the same rows first, so nothing goes after it.
Nothing about the message ever excludes a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from connectors.api import Outbound

from ..base import parse_id
from ..errors import Stale
from ..messages import messages
from ..messages.tables import Message, Occurrence
from ..stakeholders import consent
from ..stakeholders.tables import Address
from . import limits, states, stops, wishes
from .backoff import Pace
from .batch import Claim
from .tables import Account, Batch, Delivery

# A test that a stop holds back is looked at again after this: nobody settles it as they do a message.
TEST_LOOK_S = 5.0


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
    repeat: bool  # of an attempt that may have gone: what this one is refused proves nothing about that one


def take(
    session: Session, now: datetime, held: Claim, account: Account, ready: Sequence[Outbound], pace: Pace
) -> list[Taken]:
    """Commit intent for the rows of a wave that may go; the others are excluded, too late, or left as they are.

    `may_go` has said yes in this transaction.
    """
    outbound = {parse_id("dlv", one.key): one for one in ready}
    message = session.get_one(Message, held.message_id)
    rows, retired = _rows(session, held, list(outbound))
    decisions = _ask(session, now, held, account, rows)
    going = []
    for row in rows:
        decision = decisions.get((row.stakeholder_id, row.address_key))
        reason = decision.reason if decision is not None else None
        if reason is None and row.id in retired:
            reason = "no_address"
        if reason is not None:
            _leave_out(session, now, row, reason)
        elif row.state == states.UNKNOWN and not _repeatable(row, account, now, pace):
            _let_go(session, row)
        elif _too_late(now, message, account, row, pace):
            _fail_late(session, now, row)
        else:
            going.append((row, decision))
    within = limits.admit(session, now, account, [(row.id, row.address_key) for row, _ in going])
    going = [one for one in going if one[0].id in within]
    return _commit_intent(session, now, held, going, outbound)


def may_go(session: Session, now: datetime, held: Claim) -> bool:
    """Ask the message's own obstacles; one that appeared since puts the message on hold."""
    stops.hold_still(session)
    message = session.get_one(Message, held.message_id)
    if session.get_one(Occurrence, held.occurrence_id).kind == "test":
        return _test_may_go(session, now, held, message)
    messages.settle(session, now, message)
    if message.state == "scheduled":
        with suppress(Stale):  # somebody moved it at this moment, and where they put it counts
            messages.move(session, message, "sending", now)
    return message.state == "sending" and _account_may_go(session, held) and _unchanged(session, message)


def _unchanged(session: Session, message: Message) -> bool:
    """Nobody has touched the message since it was asked, and nobody does until this transaction ends."""
    now = select(Message.state, Message.version).where(Message.id == message.id).with_for_update(read=True)
    return tuple(session.execute(now).one()) == (message.state, message.version)


def _test_may_go(session: Session, now: datetime, held: Claim, message: Message) -> bool:
    """A test goes whatever the state of its message, but not past a stop; then it is looked at again later."""
    if not _account_may_go(session, held):
        return False
    if stops.standing(session, message):
        later = now + timedelta(seconds=TEST_LOOK_S)
        session.execute(update(Batch).where(Batch.id == held.batch_id).values(due_at=later))
        return False
    return True


def _account_may_go(session: Session, held: Claim) -> bool:
    """Of a message with several accounts one may be stopped or broken in the middle of its batch."""
    in_service = select(Account.id).where(
        Account.id == held.account_id,
        Account.state == "active",
        Account.id.not_in(stops.stopped_accounts()),
    )
    return session.scalar(in_service) is not None


def _rows(session: Session, held: Claim, wanted: list[int]) -> tuple[list[Delivery], set[int]]:
    """The rows that are still ours to take, and which of them have lost their address since they were released."""
    query = (
        select(Delivery, Address.state)
        .outerjoin(Address, Address.id == Delivery.address_id)
        .where(
            Delivery.id.in_(wanted),
            Delivery.batch_id == held.batch_id,
            Delivery.state.in_(states.TAKEABLE),
        )
        .order_by(Delivery.id)
    )
    found = session.execute(query).all()
    retired = {row.id for row, state in found if row.address_id is not None and state != "active"}
    return [row for row, _ in found], retired


def _ask(
    session: Session, now: datetime, held: Claim, account: Account, rows: Sequence[Delivery]
) -> dict[tuple[int | None, str], consent.Decision]:
    pairs = [(row.stakeholder_id, row.address_key) for row in rows if row.stakeholder_id is not None]
    if not pairs:
        return _ask_addresses(session, now, account, rows)
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
    may = {number for (number, _), found in decided.items() if found.reason is None}
    chosen = wishes.left_out(session, now, message, account.channel, may)
    return {
        (number, key): consent.Decision(chosen[number])
        if found.reason is None and number in chosen
        else found
        for (number, key), found in decided.items()
    }


def _ask_addresses(
    session: Session, now: datetime, account: Account, rows: Sequence[Delivery]
) -> dict[tuple[int | None, str], consent.Decision]:
    """Tests go to addresses and not to stakeholders (0 is nobody's id): what stops the address stops them too."""
    pairs = [(0, row.address_key) for row in rows if row.address_key]
    stopped = consent.suppressed(session, now, account.channel, pairs)
    return {(None, key): consent.Decision("suppressed") for _, key in stopped}


def _repeatable(row: Delivery, account: Account, now: datetime, pace: Pace) -> bool:
    return row.intent_at is not None and pace.key_lives(account.repeats, now, row.intent_at)


def _too_late(now: datetime, message: Message, account: Account, row: Delivery, pace: Pace) -> bool:
    """Whether it is no longer useful; what may have gone already is learnt all the same."""
    if row.state == states.UNKNOWN or not (account.broadcast or message.useful_until_s):
        return False
    return now > row.due_at + timedelta(seconds=pace.lifetime_s(account.broadcast, message.useful_until_s))


def _fail_late(session: Session, now: datetime, row: Delivery) -> None:
    session.execute(
        update(Delivery)
        .where(Delivery.id == row.id, Delivery.state == row.state)
        .values(state=states.FAILED, reason="too_late", next_at=None, batch_id=None, settled_at=now)
    )


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
            people[row.id].stakeholder_id, people[row.id].address_key, people[row.id].state == states.UNKNOWN,
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
