"""Settle: what the network answered becomes what the ledger says, guarded by state, attempt and token.

Rules: an answer that comes after its batch was taken away resolves the `unknown` of its attempt; one that contradicts
a finished row is kept as evidence and changes nothing. What a repeat is refused proves nothing about the attempt that
it repeats. A refusal says its scope: this delivery, this domain or this account.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Text, bindparam, null, update
from sqlalchemy.orm import Session

from connectors.api import AccountGone, AddressGone, ConnectorError, Deferred, OptedOut, Receipt, Refused

from ..base import Instant, constant, keyed, micros
from ..messages import render
from ..messages.tables import Message
from ..prepared import Prepared, told
from ..stakeholders import addresses, consent
from . import domains, limits, states, tally, trouble
from .backoff import Pace
from .batch import note
from .gate import Taken
from .tables import Account, Delivery, HandWork
from .trouble import Verdict


class NotStarted:
    """The row's intent was committed and the network was certainly not touched."""


NOT_STARTED: Final = NotStarted()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row of a wave."""

    row: Taken
    answer: Receipt | ConnectorError | NotStarted


def settle(
    session: Session,
    now: datetime,
    account: Account,
    outcomes: Sequence[Outcome],
    pace: Pace,
    beside: Collection[int] = (),
) -> Verdict:
    """Write down every outcome; rows that were not ours any more are told in their attempts.

    `beside` are stakeholders to whom something is taken in the same transaction.
    """
    _hold_people(session, account, outcomes, beside)
    sent = [one for one in outcomes if _is_sent(one.answer)]
    _sent(session, now, sent)
    verdict = trouble.judge(session, now, account, [one.answer for one in outcomes], pace)
    waits: dict[str, datetime] = {}
    if len(sent) < len(outcomes):
        answered = [(one.row.address_key, one.answer) for one in outcomes]
        waits = domains.refused(session, now, account, answered, pace)
        for one in outcomes:
            if not _is_sent(one.answer):
                _other(session, now, account, one, pace, _waits_until(one, verdict, waits))
    if waits and verdict.wait_until is None:
        verdict.wait_until = now  # laid down: rows to these domains leave it when it is claimed again
    limits.give_back(session, now, account, sum(one.answer is NOT_STARTED for one in outcomes))
    tally.add(session, account.id, [one.answer for one in outcomes])
    return verdict


def _is_sent(answer: Receipt | ConnectorError | NotStarted) -> bool:
    """Whether the provider has it; what people have in hand has yet to be done."""
    return isinstance(answer, Receipt) and not answer.with_people


def _hold_people(
    session: Session, account: Account, outcomes: Sequence[Outcome], beside: Collection[int]
) -> None:
    """Lock whoever is suppressed and whoever is taken next at once: one by one, two waves would deadlock."""
    gone = {
        one.row.address_key
        for one in outcomes
        if isinstance(one.answer, AddressGone | OptedOut) and one.row.address_key
    }
    if gone:
        touched = {one for key in gone for one in addresses.holders(session, account.channel, key)}
        consent.lock(session, touched.union(beside))


def unmakeable(session: Session, now: datetime, delivery_id: int, error: Exception) -> None:
    """A row whose words cannot be made fails by itself; its neighbours go on."""
    reason = "data_missing" if isinstance(error, render.MissingData) else "content_refused"
    detail = (
        {"missing": error.names} if isinstance(error, render.MissingData) else {"words": str(error)[:500]}
    )
    session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state.in_((states.QUEUED, states.DEFERRED)))
        .values(state=states.FAILED, reason=reason, error=detail, batch_id=None, next_at=None, settled_at=now)
    )
    # An unknown row keeps what it is and waits for a person.
    session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == states.UNKNOWN)
        .values(error=detail, batch_id=None, next_at=None)
    )


def _sent(session: Session, now: datetime, sent: Sequence[Outcome]) -> None:
    """The plain case, in one statement for the whole wave; the rest row by row."""
    if not sent:
        return
    alike: dict[tuple[int, int], dict[str, str]] = defaultdict(dict)
    for one in sent:
        alike[one.row.attempt, one.row.token][str(one.row.delivery_id)] = _name(one)
    done = 0
    for (attempt, token), rows in alike.items():
        fence = {"attempt": attempt, "token": token}
        done += _SENT.run(session, rows=told(rows), now=micros(now), **fence).rowcount
    if done != len(sent):
        for one in sent:
            _late(session, now, one)


def _name(one: Outcome) -> str:
    assert isinstance(one.answer, Receipt)
    return one.answer.provider_id


def _late(session: Session, now: datetime, one: Outcome) -> None:
    """An acceptance that came after the batch was taken away: whoever was to get it again has got it."""
    row = session.get_one(
        Delivery, one.row.delivery_id, populate_existing=True, with_for_update={"key_share": True}
    )
    mine = row.attempt == one.row.attempt and row.token == one.row.token
    if mine and row.state == states.SENT and row.provider_id == _name(one):
        return  # the plain case, written a moment ago
    if row.state in states.TAKEABLE:
        row.state, row.provider_id, row.sent_at, row.settled_at = states.SENT, _name(one), now, now
        row.batch_id, row.next_at = None, None
    elif mine and row.provider_id is None:
        row.provider_id = _name(one)  # evidence had made it `sent` before the answer came
    note(session, now, row.id, one.row.attempt, one.row.token, "late_answer", provider_id=_name(one))


def _waits_until(one: Outcome, verdict: Verdict, waits: Mapping[str, datetime]) -> datetime | None:
    """When what refused a row takes something again, its account or its domain; None where it was the row alone."""
    if not isinstance(one.answer, Deferred):
        return None
    if one.answer.scope == "account":
        return verdict.wait_until
    return waits.get(limits.domain_of(one.row.address_key)) if one.answer.scope == "domain" else None


def _other(
    session: Session, now: datetime, account: Account, one: Outcome, pace: Pace, waits_until: datetime | None
) -> None:
    """Anything but acceptance."""
    answer = one.answer
    values = _values(session, now, account, one, pace, waits_until)
    if (
        one.row.repeat
        and not isinstance(answer, Receipt)
        and values["state"] in (states.DEFERRED, states.FAILED)
    ):
        values = {"state": states.UNKNOWN, "settled_at": now, **_but(values, "state", "reason", "settled_at")}
    row = one.row
    # Recovery may have called it unknown meanwhile; the answer to that very attempt says more.
    before = (states.SENDING,) if values["state"] == states.UNKNOWN else (states.SENDING, states.UNKNOWN)
    done = session.execute(
        update(Delivery)
        .where(
            Delivery.id == row.delivery_id, Delivery.state.in_(before), Delivery.attempt == row.attempt,
            Delivery.token == row.token,
        )
        .values({"batch_id": None, "settled_at": None, **values})
    )  # fmt: skip
    if not isinstance(answer, NotStarted):
        outcome = values["state"] if done.rowcount else "late_answer"  # type: ignore[attr-defined]
        phase = answer.phase if isinstance(answer, ConnectorError) else None
        note(
            session,
            now,
            row.delivery_id,
            row.attempt,
            row.token,
            outcome,
            phase=phase,
            error=values.get("error"),
        )


def _values(
    session: Session, now: datetime, account: Account, one: Outcome, pace: Pace, waits_until: datetime | None
) -> dict[str, Any]:
    """What the row becomes; `waits_until` is when its account or domain takes something again."""
    answer = one.answer
    if isinstance(answer, Receipt):
        _to_people(session, now, account, one.row.delivery_id)
        return {
            "state": states.DEFERRED,
            "reason": states.WITH_PEOPLE,
            "next_at": None,
            "provider_id": _name(one),
        }
    if not isinstance(answer, ConnectorError):
        return {"state": states.DEFERRED, "next_at": now}
    error = {"words": answer.words, "code": answer.code, "phase": answer.phase}
    if isinstance(answer, AddressGone):
        _suppress(session, now, account, one, error)
        return _final(now, states.BOUNCED, "address_gone", error)
    if isinstance(answer, OptedOut):
        _opt_out(session, now, account, one, error)
        return _final(now, states.FAILED, "opted_out", error)
    if isinstance(answer, Refused):
        reason = "needs_eai" if answer.code == "needs_eai" else "content_refused"
        return _final(now, states.FAILED, reason, error)
    if isinstance(answer, AccountGone):
        return {"state": states.DEFERRED, "next_at": now, "error": error}
    if isinstance(answer, Deferred):
        wait = timedelta(seconds=pace.delay_s(one.row.attempt, random.random(), answer.retry_after_s))
        return _again(session, now, account, one, waits_until or now + wait, pace, error)
    next_at = pace.unknown_next_at(
        account.repeats, account.on_unknown, now, one.row.intent_at, float(account.limits["deadline_s"])
    )
    return {"state": states.UNKNOWN, "next_at": next_at, "settled_at": now, "error": error}


def _to_people(session: Session, now: datetime, account: Account, delivery_id: int) -> None:
    """People have it in hand, maybe once more after somebody said that it was not done."""
    work = session.get(HandWork, delivery_id) or HandWork(delivery_id=delivery_id, account_id=account.id)
    work.handed_at, work.ended_at, work.ended_by, work.done = now, None, None, None
    work.where = work.photo_id = work.words = None
    work.partner, work.token_sha256, work.expires_at = "", None, None  # a link was for the time before
    session.add(work)
    session.flush()


def _but(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _final(now: datetime, state: str, reason: str, error: dict[str, Any]) -> dict[str, Any]:
    return {"state": state, "reason": reason, "next_at": None, "settled_at": now, "error": error}


def _again(
    session: Session,
    now: datetime,
    account: Account,
    one: Outcome,
    next_at: datetime,
    pace: Pace,
    error: dict[str, Any],
) -> dict[str, Any]:
    """Later, while it is still worth it.

    What is useful for a time counts from when it was due; other mail from when it was first tried, so that what a
    stop or a limit held back for days is not given up at its first "not now".
    """
    row = session.get_one(Delivery, one.row.delivery_id)
    message = session.get_one(Message, row.message_id)
    lifetime = timedelta(seconds=pace.lifetime_s(account.broadcast, message.useful_until_s))
    timed = account.broadcast or message.useful_until_s is not None
    since = row.due_at if timed else max(row.due_at, one.row.intent_at)
    if next_at > since + lifetime:
        return _final(now, states.FAILED, "too_late" if timed else "lifetime_over", error)
    return {"state": states.DEFERRED, "next_at": next_at, "error": error}


def _suppress(
    session: Session,
    now: datetime,
    account: Account,
    one: Outcome,
    error: dict[str, Any],
    reason: str = "hard_bounce",
    purpose: str | None = None,
) -> None:
    if one.row.address_key:
        consent.suppress(
            session, now, channel=account.channel, reason=reason, origin="recipient", purpose=purpose,
            address_key=one.row.address_key, evidence={"delivery_id": one.row.delivery_id, **error},
        )  # fmt: skip


def _opt_out(session: Session, now: datetime, account: Account, one: Outcome, error: dict[str, Any]) -> None:
    """It stops what an answer of theirs to this message would stop: its kind, and marketing in any case."""
    row = session.get_one(Delivery, one.row.delivery_id)
    meant = {"direct_marketing", session.get_one(Message, row.message_id).purpose}
    for purpose in sorted(meant):
        _suppress(session, now, account, one, error, "opt_out", purpose)


def _accepted() -> Any:
    table, row = Delivery.__table__, keyed("rows", Text)
    now = bindparam("now", type_=Instant)
    return (
        update(table)  # type: ignore[arg-type]
        .where(
            table.c.id == row.c.id,
            # no bare column: the rows are found by their ids, not by reading all that is being sent
            table.c.state.concat("") == states.SENDING,
            table.c.attempt == bindparam("attempt"),
            table.c.token == bindparam("token"),
        )
        .values(
            state=constant(states.SENT), provider_id=row.c.one, sent_at=now, settled_at=now, batch_id=null(),
            next_at=null(), error=null(),
        )
    )  # fmt: skip


_SENT = Prepared(_accepted())

__all__ = ["NOT_STARTED", "NotStarted", "Outcome", "settle", "unmakeable"]
