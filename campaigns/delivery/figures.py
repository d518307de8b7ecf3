"""Figures for whoever watches an installation: what waits, in which state, for how long.

Rules: nothing here reads the ledger from end to end; what is open is counted by indexes, no further than MOST.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..messages.tables import Message, Occurrence
from . import control, reconcile, repair, states
from .tables import IN_TROUBLE, Account, Batch, Delivery

MOST = 100_000


def open_rows(session: Session) -> dict[str, int]:
    """Rows that are not over by state, and the unknown ones that a person must decide; each at most MOST."""
    counted = select(
        *(func.coalesce(func.sum(reconcile.some(state, MOST)), 0) for state in states.OPEN)
    ).where(Occurrence.state == "released")
    found = dict(zip(states.OPEN, session.execute(counted).one(), strict=True))
    undecided = (
        select(Delivery.id)
        .join(Message, Message.id == Delivery.message_id)
        .where(control.undecided(), IN_TROUBLE)
        .limit(MOST)
    )
    found[states.UNKNOWN] = session.scalar(select(func.count()).select_from(undecided.subquery()))
    return {state: min(int(number or 0), MOST) for state, number in found.items()}


def batches(session: Session, now: datetime) -> dict[str, int]:
    """Batches of each kind of `repair.KINDS`."""
    return {
        kind: session.scalar(select(func.count()).where(repair.of_kind(kind, now))) or 0
        for kind in repair.KINDS
    }


def oldest_due_s(session: Session, now: datetime) -> float:
    """For how many seconds the work that waits longest could have been taken."""
    due = session.scalar(select(func.min(Batch.due_at)).where(repair.of_kind("due", now)))
    return (now - due).total_seconds() if due else 0.0


def accounts(session: Session) -> list[Account]:
    """Every account that is connected."""
    return list(session.scalars(select(Account).where(Account.state != "disabled").order_by(Account.id)))
