"""Commitments: promises of ours and of theirs, each with a day, and what became of it with evidence.

Rules: a promise is never edited; it ends once, kept or dropped, by words that say how we know or an interaction.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from ..errors import AlreadyDone, BadField
from ..stakeholders import kin, people
from ..stakeholders.tables import Involvement, Stakeholder
from ..stakeholders.text import TEXT_MAX, clean
from .interactions import on_record
from .tables import OUTCOMES, Commitment


def promise(
    session: Session,
    now: datetime,
    relation: Involvement,
    *,
    ours: bool,
    text: str,
    due_on: date | None,
    interaction_id: int | None = None,
    by: str,
) -> Commitment:
    """Write down what was promised, by us (`ours`) or by them, and for which day."""
    if due_on is None:
        raise BadField("say by which day this was promised", pointer="/due_on")
    on_record(session, interaction_id, relation.stakeholder_id, "/interaction")
    made = Commitment(
        stakeholder_id=relation.stakeholder_id, programme_id=relation.programme_id, ours=ours,
        text=clean(text, "/promise", length_max=TEXT_MAX, lines=True).strip(), due_on=due_on,
        interaction_id=interaction_id, by=by, at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def end(
    session: Session,
    now: datetime,
    made: Commitment,
    *,
    outcome: str,
    evidence: str,
    evidence_id: int | None = None,
    by: str,
) -> Commitment:
    """Kept or dropped, and how we know; AlreadyDone where somebody said so before."""
    people.one_of(outcome, OUTCOMES, "/outcome")
    words = clean(evidence, "/evidence", length_max=TEXT_MAX, lines=True, empty=True).strip()
    if not words and evidence_id is None:
        raise BadField("say how we know, or name the contact that shows it", pointer="/evidence")
    on_record(session, evidence_id, made.stakeholder_id, "/interaction")
    ended = session.execute(
        update(Commitment)
        .where(Commitment.id == made.id, Commitment.outcome.is_(None))
        .values(outcome=outcome, evidence=words, evidence_id=evidence_id, ended_by=by, ended_at=now)
        .execution_options(synchronize_session=False)
    )
    if not ended.rowcount:  # type: ignore[attr-defined]
        raise AlreadyDone("somebody has already said what became of this promise")
    session.refresh(made)
    return made


def of(session: Session, stakeholder_id: int, programme_id: int | None = None) -> list[Commitment]:
    """A stakeholder's promises and ours to them, the open ones first, by their day."""
    mine = select(Commitment).where(Commitment.stakeholder_id.in_(kin.records(session, stakeholder_id)))
    if programme_id is not None:
        mine = mine.where(Commitment.programme_id == programme_id)
    order = (Commitment.outcome.is_not(None), Commitment.due_on, Commitment.id)
    return list(session.scalars(mine.order_by(*order).limit(100)))


def still_open() -> Select[Commitment, Stakeholder]:
    """Promises that nobody has said anything more about."""
    return (
        select(Commitment, Stakeholder)
        .join(Stakeholder, Stakeholder.id == Commitment.stakeholder_id)
        .where(Commitment.outcome.is_(None), Stakeholder.state == "active")
    )
