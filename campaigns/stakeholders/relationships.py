"""The relationship with a stakeholder in one programme: their role, who answers for it, and when it is looked at.

Rules: roles and reviews are append-only and the newest counts; a role brings the period after which the relationship
is reviewed; a review cannot be closed empty and always names the day of the next one.
Source: A4, A17, G9.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ..errors import BadField, NotFound, said
from . import kin, people
from .tables import RANKS, RATINGS, ROLES, Involvement, Review, Role, Stakeholder
from .text import TEXT_MAX, clean

# How often a relationship is looked at, in days; a secondary one half as often.
REVIEW_DAYS = {
    "partner": 91,
    "gatekeeper": 91,
    "intermediary": 182,
    "critic": 182,
    "other": 182,
    "target": 365,
}
NEXT_MAX = timedelta(days=5 * 366)


def get(session: Session, stakeholder_id: int, programme_id: int) -> Involvement:
    """How they are connected with the programme; NotFound where they are not."""
    found = session.get(Involvement, (stakeholder_id, programme_id))
    if found is None:
        raise NotFound("they are not involved in this programme")
    return found


def set_role(
    session: Session, now: datetime, relation: Involvement, *, role: str, rank: str, rationale: str, by: str
) -> Role:
    """Say which part they play, how important it is and why; the next review moves nearer where it needs to."""
    decided = Role(
        stakeholder_id=relation.stakeholder_id, programme_id=relation.programme_id,
        role=people.one_of(role, ROLES, "/role"), rank=people.one_of(rank, RANKS, "/rank"),
        rationale=_text(rationale, "/rationale"), by=by, at=now,
    )  # fmt: skip
    session.add(decided)
    due = now.date() + period(role, rank)
    relation.role, relation.rank = role, rank
    relation.review_on = due if relation.review_on is None else min(relation.review_on, due)
    session.flush()
    return decided


def period(role: str | None, rank: str | None) -> timedelta:
    """How long a relationship goes without a review."""
    return timedelta(days=REVIEW_DAYS[role or "other"] * (2 if rank == "secondary" else 1))


def set_owners(
    session: Session, relation: Involvement, *, owner_id: int | None, deputy_id: int | None
) -> Involvement:
    """Say which colleague answers for the relationship, and who stands in for them."""
    if deputy_id is not None and owner_id is None:
        raise BadField("name an owner first: a deputy stands in for somebody", pointer="/deputy")
    if deputy_id is not None and deputy_id == owner_id:
        raise BadField("the deputy must be somebody else than the owner", pointer="/deputy")
    relation.owner_id, relation.deputy_id = owner_id, deputy_id
    session.flush()
    return relation


def review(
    session: Session,
    now: datetime,
    relation: Involvement,
    *,
    findings: str,
    rating: str,
    decision: str,
    next_on: date | None,
    by: str,
) -> Review:
    """Close a review: what was found, how the relationship is, what was decided, and the day of the next one."""
    made = Review(
        stakeholder_id=relation.stakeholder_id, programme_id=relation.programme_id,
        findings=_text(findings, "/findings"), rating=people.one_of(rating, RATINGS, "/rating"),
        decision=_text(decision, "/decision"), next_on=_next(next_on, now.date()), by=by, at=now,
    )  # fmt: skip
    session.add(made)
    relation.review_on = made.next_on
    session.flush()
    return made


def roles(session: Session, stakeholder_id: int, programme_id: int) -> list[Role]:
    """What was said about their role, newest first."""
    whose = Role.stakeholder_id.in_(kin.records(session, stakeholder_id))
    mine = select(Role).where(whose, Role.programme_id == programme_id)
    return list(session.scalars(mine.order_by(Role.at.desc(), Role.id.desc()).limit(50)))


def reviews(session: Session, stakeholder_id: int, programme_id: int) -> list[Review]:
    """What was found, newest first."""
    whose = Review.stakeholder_id.in_(kin.records(session, stakeholder_id))
    mine = select(Review).where(whose, Review.programme_id == programme_id)
    return list(session.scalars(mine.order_by(Review.at.desc(), Review.id.desc()).limit(50)))


def without_owner() -> Select[Involvement, Stakeholder]:
    """Relationships that nobody answers for."""
    return _active().where(Involvement.owner_id.is_(None))


def due(until: date) -> Select[Involvement, Stakeholder]:
    """Relationships whose review is due up to this day."""
    return _active().where(Involvement.review_on <= until)


def _active() -> Select[Involvement, Stakeholder]:
    return (
        select(Involvement, Stakeholder)
        .join(Stakeholder, Stakeholder.id == Involvement.stakeholder_id)
        .where(Stakeholder.state == "active")
    )


def _next(next_on: date | None, today: date) -> date:
    if next_on is None:
        raise BadField("say when this relationship is looked at next", pointer="/next_on")
    if not today < next_on <= today + NEXT_MAX:
        raise BadField(
            said("the next review is after today and before {last}", last=today + NEXT_MAX),
            pointer="/next_on",
        )
    return next_on


def _text(value: str, pointer: str) -> str:
    return clean(value, pointer, length_max=TEXT_MAX, lines=True).strip()
