"""What may be done with segments: by rule or by hand, who is in, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from campaigns.base import public_id
from campaigns.stakeholders import segments
from campaigns.stakeholders.tables import Involvement, Segment, Stakeholder

from .. import paging
from ..access import scoped
from . import Act
from .stakeholders import READ as PEOPLE_READ
from .stakeholders import home, reached

READ, WRITE = "segments:read", "segments:write"
# Groups that are asked whether somebody is in them.
OF_MAX = 100


def listed(
    act: Act,
    *,
    limit: int,
    after: str | None,
    before: str | None,
    state: str,
    programme_id: int | None = None,
) -> paging.Page:
    """The segments of the caller's programmes, oldest first."""
    statement = scoped(select(Segment), Segment.programme_id, act.caller, READ).where(Segment.state == state)
    if programme_id is not None:
        act.need(READ, programme_id)
        statement = statement.where(Segment.programme_id == programme_id)
    return paging.cut(act.session, statement, Segment.id, limit=limit, after=after, before=before)


def get(act: Act, segment_id: int, scope: str = READ, *, lock: bool = False) -> Segment:
    """One segment, for what this scope allows."""
    found = act.one(Segment, segment_id, lock=lock)
    act.need(scope, found.programme_id)
    return found


def create(
    act: Act, *, name: str, programme_id: int | None = None, rule: dict[str, Any] | None = None
) -> Segment:
    """A new segment; without a rule its members are picked by hand."""
    programme_id = home(act, WRITE, programme_id)
    made = segments.create(act.session, act.now, programme_id=programme_id, name=name, rule=rule)
    act.note("segment.created", "segment", made.id, programme_id=programme_id, after=_facts(made))
    return made


def change(act: Act, segment_id: int, version: int | None, **values: Any) -> Segment:
    """Change the name or the rule."""
    found = get(act, segment_id, WRITE, lock=True)
    act.unchanged(found, version)
    before = _facts(found)
    segments.change(act.session, found, act.now, **values)
    act.note(
        "segment.changed", "segment", found.id,
        programme_id=found.programme_id, before=before, after=_facts(found),
    )  # fmt: skip
    return found


def archive(act: Act, segment_id: int) -> None:
    """Take a segment out of use."""
    found = get(act, segment_id, WRITE, lock=True)
    segments.archive(act.session, act.now, found)
    act.note("segment.archived", "segment", found.id, programme_id=found.programme_id)


def of(act: Act, stakeholder_id: int) -> list[Segment]:
    """The groups somebody is in now, of the programmes the caller reads."""
    person = reached(act, stakeholder_id, PEOPLE_READ)
    mine = select(Involvement.programme_id).where(Involvement.stakeholder_id == person.id)
    statement = scoped(select(Segment), Segment.programme_id, act.caller, READ)
    statement = statement.where(Segment.state == "active", Segment.programme_id.in_(mine))
    found = list(act.session.scalars(statement.order_by(Segment.name, Segment.id).limit(OF_MAX)))
    return segments.holding(act.session, found, person.id, now=act.now)


def askable(act: Act, programme_id: int) -> dict[str, list[str]]:
    """What a rule may ask in a programme."""
    act.need(READ, programme_id)
    return segments.askable(act.session, act.now, programme_id)


def draft(
    act: Act, programme_id: int, rule: dict[str, Any], sample: int = 8
) -> tuple[int, list[Stakeholder]]:
    """How many a rule would find, and some of them; nothing is kept."""
    act.need(PEOPLE_READ, programme_id)
    found = segments.draft(act.session, act.now, programme_id, rule)
    return segments.count(act.session, found, now=act.now), segments.members(
        act.session, found, limit=sample, now=act.now
    )


def recount(act: Act, segment_id: int) -> int:
    """Count again, and keep the number for lists."""
    return segments.recount(act.session, act.now, get(act, segment_id))


def overlap(act: Act, segment_id: int, other_id: int) -> int:
    """How many are in both."""
    return segments.overlap(act.session, get(act, segment_id), get(act, other_id), now=act.now)


def members(act: Act, segment_id: int, **page: Any) -> paging.Page:
    """Who is in now."""
    found = get(act, segment_id, PEOPLE_READ)
    return paging.cut(act.session, segments.inside(act.session, found, now=act.now), Stakeholder.id, **page)


def count(act: Act, segment_id: int) -> int:
    """How many are in now."""
    return segments.count(act.session, get(act, segment_id), now=act.now)


def told(act: Act, segment_id: int) -> tuple[int, datetime | None]:
    """How many are in, and when that was counted where it was not now."""
    return segments.told(act.session, act.now, get(act, segment_id))


def pick(act: Act, segment_id: int, *, stakeholders: Sequence[int]) -> None:
    """Add members to a hand-picked segment, from its own programme."""
    found = get(act, segment_id, WRITE, lock=True)
    segments.pick(act.session, found, stakeholders)
    act.note(
        "segment.picked", "segment", found.id,
        programme_id=found.programme_id, after={"stakeholders": len(stakeholders)},
    )  # fmt: skip


def unpick(act: Act, segment_id: int, stakeholder_id: int) -> None:
    """Take a member out of a hand-picked segment."""
    found = get(act, segment_id, WRITE, lock=True)
    segments.unpick(act.session, found, [reached(act, stakeholder_id, PEOPLE_READ).id])
    act.note("segment.unpicked", "segment", found.id, programme_id=found.programme_id)


def explain(act: Act, segment_id: int, stakeholder_id: int) -> dict[str, Any]:
    """Why somebody is in or out, part by part."""
    found = get(act, segment_id, PEOPLE_READ)
    person = reached(act, stakeholder_id, PEOPLE_READ)
    return segments.explain(act.session, found, person.id, now=act.now)


def _facts(segment: Segment) -> dict[str, Any]:
    return {"name": segment.name, "kind": segment.kind, "rule_sha256": segment.rule_sha256}


def names(act: Act, numbers: Sequence[int]) -> dict[int, str]:
    """What these segments are called, of those the caller sees."""
    wanted = scoped(
        select(Segment.id, Segment.name).where(Segment.id.in_(set(numbers))),
        Segment.programme_id,
        act.caller,
        READ,
    )
    return {number: name for number, name in act.session.execute(wanted)}


def choices(act: Act, programme_id: int | None, limit: int = 500) -> list[tuple[str, str]]:
    """The active segments of one programme as (public id, name) by name: for choosing one of them."""
    act.need(READ, programme_id)
    mine = select(Segment.id, Segment.name).where(
        Segment.programme_id == programme_id, Segment.state == "active"
    )
    rows = act.session.execute(mine.order_by(Segment.name, Segment.id).limit(limit))
    return [(public_id("seg", number), name) for number, name in rows]
