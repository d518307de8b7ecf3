"""What came of hand-overs, counted for each account as it is written down.

Rules: rows are only ever added by workers, so that none waits for another, and are added up by the clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.orm import Session

from connectors.api import AccountGone, AddressGone, ConnectorError, Deferred, Receipt, Refused

from ..base import new_id
from ..prepared import Prepared
from . import states
from .tables import Tally

# Made once, for every wave adds a row.
_ADD = Prepared(insert(cast(Table, Tally.__table__)))
OUTCOMES = (states.SENT, states.DEFERRED, states.BOUNCED, states.FAILED, states.UNKNOWN)


def add(session: Session, account_id: int, answers: Iterable[object]) -> None:
    """Count what came of these hand-overs; what was not begun is none."""
    counted = Counter(_outcome(one) for one in answers if isinstance(one, (Receipt, ConnectorError)))
    _insert(session, {(account_id, outcome): number for outcome, number in counted.items()})


def fold(session: Session, now: datetime) -> None:
    """Add up the rows of each account and outcome; the clock does so again and again, any number of clocks."""
    if session.scalar(select(func.count()).select_from(Tally)) == len(handovers(session)):
        return
    gone = session.execute(delete(Tally).returning(Tally.account_id, Tally.outcome, Tally.number)).all()
    sums: Counter[tuple[int, str]] = Counter()
    for row in gone:
        sums[row.account_id, row.outcome] += row.number
    _insert(session, sums)


def handovers(session: Session) -> dict[tuple[int, str], int]:
    """How many hand-overs by each account ended how, since the beginning."""
    found = select(Tally.account_id, Tally.outcome, func.sum(Tally.number)).group_by(
        Tally.account_id, Tally.outcome
    )
    return {(account, outcome): int(number) for account, outcome, number in session.execute(found)}


def _insert(session: Session, sums: Mapping[tuple[int, str], int]) -> None:
    for (account, outcome), number in sums.items():
        _ADD.run(session, id=new_id(), account_id=account, outcome=outcome, number=number)


def _outcome(answer: object) -> str:
    if isinstance(answer, Receipt):
        return states.DEFERRED if answer.with_people else states.SENT
    if isinstance(answer, AddressGone):
        return states.BOUNCED
    if isinstance(answer, Refused):
        return states.FAILED
    return states.DEFERRED if isinstance(answer, (Deferred, AccountGone)) else states.UNKNOWN
