"""What is asked of the people a wave is for, and how long an answer holds.

Rules: people are asked in the transaction that commits the intent, after their rows are locked: whoever withdraws,
suppresses, chooses or retires an address locks the same rows first. An answer serves later waves of its batch only
while certainly nobody else has committed anything, nothing but acceptance was written down, and AGAIN has not passed.
Records that were merged are one person, who gets a message once.
Source: docs/decisions/0012.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, or_, select
from sqlalchemy.orm import Session

from ..base import listed
from ..messages.tables import Message
from ..prepared import Prepared, told
from ..stakeholders import consent, kin
from ..stakeholders.tables import Address
from . import states, wishes
from .batch import Claim
from .tables import Account, Delivery

AGAIN = timedelta(milliseconds=250)
# What is said of a row that is about nobody.
FREE = consent.Decision(None)
RETIRED = consent.Decision("no_address")
DOUBLE = consent.Decision("duplicate_address")
# They may get it by another of their records: asked again when that is known.
LATER = consent.Decision(None)
# What has gone to somebody, or may have (what came back has not); and what is still to go.
GONE = (states.SENDING, states.SENT, states.UNKNOWN)
TO_GO = (states.QUEUED, states.DEFERRED)


class Waiting(NamedTuple):
    """A row of a batch as it was read when a worker took that up; whether it is so still is asked with its intent."""

    id: int
    state: str
    attempt: int
    stakeholder_id: int | None
    address_id: int | None
    address_key: str
    due_at: datetime
    intent_at: datetime | None
    settled_at: datetime | None


class Readers:
    """Whoever the rows of one batch are for, and what was said of them.

    `ahead`: ask about those of the next waves too, before it has shown that this is of use.
    """

    def __init__(self, held: Claim, account: Account, ahead: bool) -> None:
        self._held, self._account = held, account
        self._said: dict[int, consent.Decision] = {}
        self._at: datetime | None = None
        self._of_use = ahead

    def ask(
        self,
        session: Session,
        now: datetime,
        message: Message,
        rows: Sequence[Waiting],
        coming: Iterable[Waiting],
        still: Callable[[], bool],
    ) -> Mapping[int, consent.Decision]:
        """What is said of each of `rows`, by its id; those `coming` next are asked about too where that is of use.

        `still` is asked when people are locked: whether all is as it was when this was asked last.
        """
        consent.lock(session, [row.stakeholder_id for row in rows if row.stakeholder_id is not None])
        holds = still()
        self._of_use = holds or (self._of_use and self._at is None)
        if not (holds and self._at is not None and timedelta(0) <= now - self._at < AGAIN):
            self._said, self._at = {}, now
        if any(row.id not in self._said for row in rows):
            asked = [*chain(rows, coming)] if self._of_use else rows
            self._said |= _ask(session, now, self._held, message, self._account, asked)
        return self._said


def _ask(
    session: Session, now: datetime, held: Claim, message: Message, account: Account, rows: Sequence[Waiting]
) -> dict[int, consent.Decision]:
    pairs = [(row.stakeholder_id, row.address_key) for row in rows if row.stakeholder_id is not None]
    if not pairs:
        return _ask_addresses(session, now, account, rows)
    decided = consent.decide(
        session,
        now,
        purpose=message.purpose,
        channel=account.channel,
        pairs=pairs,
        answer=message.kind == "answer",
    )
    may = {number for (number, _), found in decided.items() if found.reason is None}
    same = {number: found.records for (number, _), found in decided.items() if found.records}
    chosen = wishes.left_out(session, now, message, held.occurrence_id, account.channel, may, same)
    retired = _retired(session, rows)
    said = _doubles(session, held, rows, same) if same else {}
    for row in rows:
        if row.id in said:
            continue
        found = FREE if row.stakeholder_id is None else decided[row.stakeholder_id, row.address_key]
        if found.reason is None and row.stakeholder_id in chosen:
            found = consent.Decision(chosen[row.stakeholder_id])
        said[row.id] = RETIRED if found.reason is None and row.address_id in retired else found
    return said


def _doubles(
    session: Session, held: Claim, rows: Sequence[Waiting], same: kin.Kin
) -> dict[int, consent.Decision]:
    """The rows of those who have got this on another of their records, or may get it there; the first goes first."""
    others = session.execute(
        select(Delivery.stakeholder_id, Delivery.state).where(
            Delivery.stakeholder_id.in_(kin.among(same, same)), Delivery.account_id == held.account_id,
            Delivery.occurrence_id == held.occurrence_id, Delivery.state.in_((*GONE, *TO_GO)),
        )
    ).all()  # fmt: skip
    found = {}
    for row in rows:
        if row.stakeholder_id is None or row.stakeholder_id not in same or row.state == states.UNKNOWN:
            continue
        records = same[row.stakeholder_id]
        before = records[: records.index(row.stakeholder_id)]
        elsewhere = {*records} - {row.stakeholder_id}
        if any(number in elsewhere and state in GONE for number, state in others):
            found[row.id] = DOUBLE
        elif any(number in before for number, _ in others):
            found[row.id] = LATER
    return found


def _ask_addresses(
    session: Session, now: datetime, account: Account, rows: Sequence[Waiting]
) -> dict[int, consent.Decision]:
    """Tests go to addresses and not to stakeholders (0 is nobody's id): what stops the address stops them too."""
    pairs = [(0, row.address_key) for row in rows if row.address_key]
    stopped = {key for _, key in consent.suppressed(session, now, account.channel, pairs)}
    no = consent.Decision("suppressed")
    return {row.id: no if row.address_key in stopped else FREE for row in rows}


def _retired(session: Session, rows: Sequence[Waiting]) -> set[int | None]:
    """Those of the rows' addresses that are not in use any more."""
    wanted = told([row.address_id for row in rows if row.address_id is not None])
    return set(_RETIRED.run(session, wanted=wanted).scalars())


def _addresses() -> Any:
    wanted, address = listed("wanted", BigInteger), Address.__table__.c
    found = wanted.outerjoin(Address.__table__, address.id == wanted.c.one)
    return select(wanted.c.one).select_from(found).where(or_(address.id.is_(None), address.state != "active"))


_RETIRED = Prepared(_addresses())
