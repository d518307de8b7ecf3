"""Intention to work with us: what a stakeholder means to bring to a programme, and how we know.

Rules: append-only, the newest counts; whoever is committed or delivers has said what they bring, and what we claim to
know beyond *unknown* rests on an interaction or on words of ours.
Source: A5.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from ..errors import BadField
from ..stakeholders import facts, kin, people
from ..stakeholders.facts import WHO, Fact, Scope
from ..stakeholders.tables import Involvement, Stakeholder
from ..stakeholders.text import TEXT_MAX, clean
from .interactions import on_record
from .tables import INTENTS, Commitment, Intent

NEED_CONTRIBUTION = ("committed", "delivering")
LATER = aliased(Intent, name="later")


def state(
    session: Session,
    now: datetime,
    relation: Involvement,
    *,
    intent: str,
    contribution: str = "",
    interaction_id: int | None = None,
    by: str,
) -> Intent:
    """Say how willing they are; `interaction_id` is where they said so, on their own record."""
    people.one_of(intent, INTENTS, "/intent")
    brings = clean(contribution, "/contribution", length_max=TEXT_MAX, lines=True, empty=True).strip()
    if intent in NEED_CONTRIBUTION and not brings:
        raise BadField("say what was agreed that they bring", pointer="/contribution")
    on_record(session, interaction_id, relation.stakeholder_id, "/interaction")
    stated = Intent(
        stakeholder_id=relation.stakeholder_id, programme_id=relation.programme_id, state=intent,
        contribution=brings, interaction_id=interaction_id, by=by, at=now,
    )  # fmt: skip
    session.add(stated)
    session.flush()
    return stated


def history(session: Session, stakeholder_id: int, programme_id: int) -> list[Intent]:
    """What was said about their intention, newest first."""
    whose = Intent.stakeholder_id.in_(kin.records(session, stakeholder_id))
    mine = select(Intent).where(whose, Intent.programme_id == programme_id)
    return list(session.scalars(mine.order_by(Intent.at.desc(), Intent.id.desc()).limit(50)))


def latest(session: Session, stakeholder_id: int) -> dict[int, Intent]:
    """What counts now, by programme."""
    whose = Intent.stakeholder_id.in_(kin.records(session, stakeholder_id))
    mine = select(Intent).where(whose, ~_newer(Intent)).order_by(Intent.at, Intent.id)
    return {one.programme_id: one for one in session.scalars(mine)}


def undelivered() -> Select[Intent, Stakeholder]:
    """Who is committed, and has neither begun to deliver nor kept a promise since."""
    kept = exists().where(
        Commitment.stakeholder_id == Intent.stakeholder_id,
        Commitment.programme_id == Intent.programme_id,
        Commitment.ours.is_(False),
        Commitment.outcome == "kept",
        Commitment.ended_at >= Intent.at,
    )
    return (
        select(Intent, Stakeholder)
        .join(Stakeholder, Stakeholder.id == Intent.stakeholder_id)
        .where(Intent.state == "committed", Stakeholder.state == "active", ~_newer(Intent), ~kept)
    )


def _newer(intent: Any) -> ColumnElement[bool]:
    return exists().where(
        LATER.stakeholder_id == intent.stakeholder_id,
        LATER.programme_id == intent.programme_id,
        or_(LATER.at > intent.at, and_(LATER.at == intent.at, LATER.id > intent.id)),
    )


def _asked(scope: Scope, op: str, value: Any) -> ColumnElement[bool]:
    """`unknown` is also what nobody has said anything about."""
    wanted = value if op == "in" else [value]
    mine = and_(Intent.stakeholder_id == WHO.id, Intent.programme_id == scope.programme_id)
    said = exists().where(mine, Intent.state.in_(wanted), ~_newer(Intent)).correlate(WHO)
    return or_(said, ~exists().where(mine).correlate(WHO)) if "unknown" in wanted else said


def _shown(scope: Scope, stakeholder_id: int) -> str:
    newest = history(scope.session, stakeholder_id, scope.programme_id)
    return newest[0].state if newest else "unknown"


# What a segment's rule may ask, in the segment's own programme.
FACT = Fact({"is": facts.word(INTENTS), "in": facts.several(facts.word(INTENTS))}, _asked, _shown)
