"""What stakeholders are to one another: dated, with where we know it from; and the map of it on any day.

Rules: a relation that is over keeps its days; membership of a body stands on the map as well. A record that was merged
is shown as the one that stands for it.
Source: A3.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from ..errors import BadField, NotFound
from . import kin, people
from .tables import Membership, Relation, Stakeholder
from .text import TEXT_MAX, clean

# What the first is to the second; of some it goes both ways.
TYPES = (
    "influences",
    "advises",
    "funds",
    "reports_to",
    "works_with",
    "partner",
    "opposes",
    "family",
    "other",
)
MEMBER = "member"
STEPS_MAX = 3
EDGES_MAX = 2000

Visible = Callable[[Collection[int]], set[int]]


@dataclass(frozen=True, slots=True)
class Edge:
    """One line of the map; `id` is the relation's, None for a membership."""

    id: int | None
    from_id: int
    to_id: int
    type: str
    both_ways: bool
    from_on: date | None
    to_on: date | None
    source: str


@dataclass
class Graph:
    """The map on one day; `whole` is False where it had more lines than are shown."""

    on: date
    nodes: list[Stakeholder] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    whole: bool = True


def create(
    session: Session,
    now: datetime,
    from_id: int,
    to_id: int,
    *,
    type: str,
    both_ways: bool,
    from_on: date | None,
    to_on: date | None,
    source: str,
    note: str,
    by: str,
) -> Relation:
    """What the first is to the second, from and to a day (both inside; None: open)."""
    if kin.root(session, from_id) == kin.root(session, to_id):
        raise BadField("name somebody else: nobody has a relation to themselves", pointer="/to_id")
    if from_on and to_on and to_on < from_on:
        raise BadField("a relation cannot end before it begins", pointer="/to_on")
    made = Relation(
        from_id=from_id, to_id=to_id, type=people.one_of(type, TYPES, "/type"), both_ways=both_ways, from_on=from_on,
        to_on=to_on, source=clean(source, "/source"), by=by, at=now,
        note=clean(note, "/note", length_max=TEXT_MAX, lines=True, empty=True),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def get(session: Session, relation_id: int) -> Relation:
    """A relation; NotFound."""
    found = session.get(Relation, relation_id)
    if found is None:
        raise NotFound("there is no such relation")
    return found


def end(session: Session, relation: Relation, on: date) -> Relation:
    """A relation's last day is `on`."""
    if relation.from_on and on < relation.from_on:
        raise BadField("a relation cannot end before it begins", pointer="/to_on")
    relation.to_on = on
    session.flush()
    return relation


def remove(session: Session, relation: Relation) -> None:
    """Take away what was never so."""
    session.delete(relation)
    session.flush()


def of(session: Session, stakeholder_id: int) -> list[Relation]:
    """Everything that somebody is or was to others, and they to them, what began last first."""
    mine = kin.records(session, stakeholder_id)
    about = or_(Relation.from_id.in_(mine), Relation.to_id.in_(mine))
    begun = func.coalesce(Relation.from_on, date.min)
    return list(
        session.scalars(select(Relation).where(about).order_by(begun.desc(), Relation.id.desc()).limit(200))
    )


def graph(session: Session, on: date, around: int, steps: int, visible: Visible) -> Graph:
    """Whoever is reached from somebody in so many steps on a day; `visible` says which of them may be shown."""
    found = Graph(on)
    seen = {kin.root(session, around)}
    edges: dict[Any, Edge] = {}
    wanted = set(seen)
    for _ in range(min(steps, STEPS_MAX)):
        near = _edges(session, on, wanted)
        may = visible({one for edge in near for one in (edge.from_id, edge.to_id)}) | seen
        for edge in near:
            if edge.from_id in may and edge.to_id in may and edge.from_id != edge.to_id:
                edges.setdefault((edge.from_id, edge.to_id, edge.type), edge)
        wanted = {one for edge in edges.values() for one in (edge.from_id, edge.to_id)} - seen
        seen |= wanted
    found.edges, found.whole = list(edges.values())[:EDGES_MAX], len(edges) <= EDGES_MAX
    shown = {one for edge in found.edges for one in (edge.from_id, edge.to_id)} | {kin.root(session, around)}
    people_shown = (
        select(Stakeholder).where(Stakeholder.id.in_(shown)).order_by(Stakeholder.name_fold, Stakeholder.id)
    )
    found.nodes = list(session.scalars(people_shown))
    return found


def _edges(session: Session, on: date, numbers: Collection[int]) -> list[Edge]:
    """Every line from or to these on a day, between the records that stand for whoever is meant."""
    if not numbers:
        return []
    records = kin.among(kin.of(session, numbers), numbers)
    row, belongs = Relation, Membership
    related = select(row).where(or_(row.from_id.in_(records), row.to_id.in_(records)), _lasts(row, on))
    member = select(belongs).where(
        or_(belongs.person_id.in_(records), belongs.body_id.in_(records)), _lasts(belongs, on)
    )
    lines = [
        Edge(one.id, one.from_id, one.to_id, one.type, one.both_ways, one.from_on, one.to_on, one.source)
        for one in session.scalars(related.order_by(row.id).limit(EDGES_MAX + 1))
    ]
    lines += [
        Edge(None, one.person_id, one.body_id, MEMBER, False, one.from_on, one.to_on, one.role)
        for one in session.scalars(member.order_by(belongs.id).limit(EDGES_MAX + 1))
    ]
    return _standing(session, lines)


def _standing(session: Session, lines: Iterable[Edge]) -> list[Edge]:
    lines = list(lines)
    ends = {one for edge in lines for one in (edge.from_id, edge.to_id)}
    same = kin.of(session, ends)
    root = {one: same[one][0] if one in same else one for one in ends}
    return [
        Edge(
            one.id, root[one.from_id], root[one.to_id], one.type, one.both_ways, one.from_on, one.to_on, one.source
        )
        for one in lines
    ]  # fmt: skip


def _lasts(row: Any, on: date) -> ColumnElement[bool]:
    return or_(row.from_on.is_(None), row.from_on <= on) & or_(row.to_on.is_(None), row.to_on >= on)
