"""What may be done with relations between stakeholders: say, end and take back, and the map of them on a day.

Rules: only who the caller reaches is named, on both ends; nobody learns from the map whom they may not see.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import select

from campaigns.stakeholders import kin, relations
from campaigns.stakeholders.tables import Relation, Stakeholder

from ..access import involved
from . import Act
from .stakeholders import READ, WRITE, reached


def create(act: Act, *, from_id: int, to_id: int, **said: Any) -> Relation:
    """Say what one is to another: `type`, `both_ways`, `from_on`, `to_on`, `source`, `note`."""
    one, other = reached(act, from_id, WRITE), reached(act, to_id, READ)
    made = relations.create(act.session, act.now, one.id, other.id, by=act.caller.actor, **said)
    act.note("relation.created", "relation", made.id, after={"type": made.type})
    return made


def get(act: Act, relation_id: int, scope: str = READ) -> Relation:
    """One relation, for whoever reaches both ends."""
    found = relations.get(act.session, relation_id)
    reached(act, found.from_id, scope)
    reached(act, found.to_id, READ)
    return found


def end(act: Act, relation_id: int, on: date | None) -> Relation:
    """It ended on a day; today where none is named."""
    found = relations.end(act.session, get(act, relation_id, WRITE), on or act.now.date())
    act.note("relation.ended", "relation", found.id, after={"to_on": found.to_on and found.to_on.isoformat()})
    return found


def remove(act: Act, relation_id: int) -> None:
    """It was never so."""
    found = get(act, relation_id, WRITE)
    act.note("relation.removed", "relation", found.id, before={"type": found.type})
    relations.remove(act.session, found)


def of(act: Act, stakeholder_id: int) -> list[Relation]:
    """Everything that somebody is or was to others whom the caller reaches, what began last first."""
    found = relations.of(act.session, reached(act, stakeholder_id, READ).id)
    ends = {one for row in found for one in (row.from_id, row.to_id)}
    roots = {one: kin.root(act.session, one) for one in ends}
    seen = _visible(act)(set(roots.values()))
    return [row for row in found if {roots[row.from_id], roots[row.to_id]} <= seen]


def graph(act: Act, *, around: int, on: date | None, steps: int) -> relations.Graph:
    """The map on a day, today where none is named."""
    person = reached(act, around, READ)
    return relations.graph(act.session, on or act.now.date(), person.id, steps, _visible(act))


def _visible(act: Act) -> relations.Visible:
    def among(ids: Collection[int]) -> set[int]:
        wanted = select(Stakeholder.id).where(Stakeholder.id.in_(ids), Stakeholder.state != "erased")
        return set(act.session.scalars(involved(wanted, Stakeholder.id, act.caller, READ)))

    return among
