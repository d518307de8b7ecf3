"""Segments: stakeholders of one programme who share what matters for engaging them, by rule or by hand.

Rules: one SELECT says who is in, and count, members and explanation all use it; only active stakeholders
involved in the segment's programme are ever in. `now` is the moment for which memberships and permissions are
asked; without it, the database's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from ..base import db_now
from ..canonical import digest
from ..errors import BadField, BadRule, NotFound, said
from . import fields, rules
from .consent import CHUNK
from .facts import INVOLVED, WHO, Condition, Fact, Scope
from .facts import register as register_fact
from .rows import insert_missing
from .tables import Involvement, Segment, SegmentMember, Stakeholder
from .text import clean

PICK_MAX = 10_000
# A number in a list is at most about this old.
RECOUNT = timedelta(minutes=10)
# In a programme of more people than this a group is counted by the clock, not by whoever looks at it.
COUNTED_AT_ONCE = 20_000

Changed = Callable[[Session, datetime, Segment], None]

_listeners: list[Changed] = []


def on_change(listener: Changed) -> None:
    """Have `listener(session, now, segment)` called where a rule changes or a segment is archived."""
    if listener not in _listeners:
        _listeners.append(listener)


def create(
    session: Session, now: datetime, *, programme_id: int, name: str, rule: dict[str, Any] | None = None
) -> Segment:
    """A new segment; without a rule its members are picked by hand. BadRule points into the rule."""
    segment = Segment(
        programme_id=programme_id, name=clean(name, "/name"), kind="picked" if rule is None else "rule",
        created_at=now, updated_at=now,
    )  # fmt: skip
    if rule is not None:
        _set_rule(session, now, segment, rule)
    session.add(segment)
    session.flush()
    return segment


def change(session: Session, segment: Segment, now: datetime, **values: Any) -> Segment:
    """Change `name` or `rule`."""
    before, rule_before = (segment.name, segment.rule), segment.rule_sha256
    for name, value in values.items():
        if name == "name":
            segment.name = clean(value, "/name")
        elif name == "rule":
            _set_rule(session, now, segment, value)
        else:
            raise BadField("this cannot be set", pointer=f"/{name}")
    if before != (segment.name, segment.rule):
        segment.touch(now)
        session.flush()
    if segment.rule_sha256 != rule_before:
        for listener in _listeners:
            listener(session, now, segment)
    return segment


def archive(session: Session, now: datetime, segment: Segment) -> None:
    """Take a segment out of use; what was sent to it stays."""
    if segment.state == "active":
        segment.state = "archived"
        segment.touch(now)
        session.flush()
        for listener in _listeners:
            listener(session, now, segment)


def pick(session: Session, segment: Segment, ids: Collection[int]) -> None:
    """Add members to a hand-picked segment; NotFound names the place of one who is not in its programme."""
    wanted = _picked_ids(segment, ids)
    for first in range(0, len(wanted), CHUNK):
        chunk = wanted[first : first + CHUNK]
        rows = select(Involvement.stakeholder_id).where(
            Involvement.programme_id == segment.programme_id, Involvement.stakeholder_id.in_(chunk)
        )
        known = set(session.scalars(rows))
        for place, number in enumerate(chunk, first):
            if number not in known:
                raise NotFound(
                    "there is no such stakeholder in this programme", pointer=f"/stakeholders/{place}"
                )
        members = [{"segment_id": segment.id, "stakeholder_id": number} for number in chunk]
        insert_missing(session, SegmentMember, members)


def unpick(session: Session, segment: Segment, ids: Collection[int]) -> None:
    """Take members out of a hand-picked segment; nothing happens where they were not in."""
    wanted = _picked_ids(segment, ids)
    for first in range(0, len(wanted), CHUNK):
        session.execute(
            delete(SegmentMember).where(
                SegmentMember.segment_id == segment.id,
                SegmentMember.stakeholder_id.in_(wanted[first : first + CHUNK]),
            ),
            execution_options={"synchronize_session": False},
        )


def select_ids(session: Session, segment: Segment, *, now: datetime | None = None) -> Select[int]:
    """The SELECT of the ids of everyone who is in."""
    return _ids(_scope(session, segment.programme_id, segment.rule, now), segment)


def count(session: Session, segment: Segment, *, now: datetime | None = None) -> int:
    """How many are in."""
    inside = select_ids(session, segment, now=now).subquery()
    return session.execute(select(func.count()).select_from(inside)).scalar_one()


def told(session: Session, now: datetime, segment: Segment) -> tuple[int, datetime | None]:
    """How many are in: counted now (None), or in a great programme by the clock at a moment that is told."""
    if (
        segment.counted is not None
        and segment.counted_at is not None
        and _great(session, segment.programme_id)
    ):
        return segment.counted, segment.counted_at
    return count(session, segment, now=now), None


def askable(session: Session, now: datetime, programme_id: int) -> dict[str, list[str]]:
    """What a rule may ask in this programme: each field with its operators."""
    return rules.askable(_scope(session, programme_id, {}, now))


def draft(session: Session, now: datetime, programme_id: int, rule: Any) -> Segment:
    """A segment that is not kept, to see what a rule would find; BadRule points into the rule."""
    found = Segment(programme_id=programme_id, name="", kind="rule", created_at=now, updated_at=now)
    with session.no_autoflush:
        _set_rule(session, now, found, rule)
    return found


def recount(session: Session, now: datetime, segment: Segment) -> int:
    """Count again and keep the number with the moment, for lists; the segment is not edited by it."""
    found = count(session, segment, now=now)
    keep = update(Segment).where(Segment.id == segment.id).values(counted=found, counted_at=now)
    session.execute(keep.execution_options(synchronize_session=False))
    return found


def recount_oldest(session: Session, now: datetime) -> None:
    """Count the segment again whose number is oldest, once it is older than RECOUNT."""
    old = or_(Segment.counted_at.is_(None), Segment.counted_at < now - RECOUNT)
    stale = select(Segment).where(Segment.state == "active", old)
    found = session.scalar(
        stale.order_by(Segment.counted_at.is_not(None), Segment.counted_at, Segment.id).limit(1)
    )
    if found is None:
        return
    try:
        recount(session, now, found)
    except BadRule:  # it asks what nobody knows any more; the others must not wait behind it
        found.counted, found.counted_at = None, now


def overlap(session: Session, one: Segment, other: Segment, *, now: datetime | None = None) -> int:
    """How many are in both."""
    if one.programme_id == other.programme_id:
        asked, _ = _asked(_scope(session, other.programme_id, other.rule, now), other)
        both = select_ids(session, one, now=now).where(asked).subquery()
    else:
        both = inside(session, one, now=now).where(_is_in(session, other, now)).subquery()
    return session.execute(select(func.count()).select_from(both)).scalar_one()


def holding(
    session: Session, several: Sequence[Segment], stakeholder_id: int, *, now: datetime | None = None
) -> list[Segment]:
    """Those of the segments that somebody is in, by one statement."""
    if not several:
        return []
    now, known = now or db_now(session), fields.every(session)
    scopes = {one.programme_id: Scope(session, one.programme_id, now, known) for one in several}
    asked = [_ids(scopes[one.programme_id], one).where(WHO.id == stakeholder_id).exists() for one in several]
    return [one for one, held in zip(several, session.execute(select(*asked)).one(), strict=True) if held]


def members(
    session: Session, segment: Segment, after_id: int = 0, limit: int = 50, *, now: datetime | None = None
) -> list[Stakeholder]:
    """The next members after an id, in the order of ids."""
    page = inside(session, segment, now=now).where(Stakeholder.id > after_id)
    return list(session.scalars(page.order_by(Stakeholder.id).limit(limit)))


def inside(session: Session, segment: Segment, *, now: datetime | None = None) -> Select[Stakeholder]:
    """The SELECT of everyone who is in, asked one by one, so that a page of them costs a page."""
    return select(Stakeholder).where(_is_in(session, segment, now))


def explain(
    session: Session, segment: Segment, stakeholder_id: int, *, now: datetime | None = None
) -> dict[str, Any]:
    """Why somebody is in or out: `member`, `active`, `involved`, and `picked` or the `rule` part by part.

    NotFound where there is no such stakeholder.
    """
    scope = _scope(session, segment.programme_id, segment.rule, now)
    asked, involved = _asked(scope, segment)
    leaves = [rules.where(scope, leaf) for leaf in rules.leaves(segment.rule or {})]
    row = session.execute(
        select(WHO.state == "active", INVOLVED.programme_id.is_not(None), asked, *leaves)
        .join(INVOLVED, involved, isouter=True)
        .where(WHO.id == stakeholder_id)
    ).first()
    if row is None:
        raise NotFound("there is no such stakeholder")
    active, is_involved, held, *answers = (bool(value) for value in row)
    told = {"member": active and is_involved and held, "active": active, "involved": is_involved}
    if segment.rule is None:
        return told | {"picked": held}
    return told | {"rule": rules.explained(scope, segment.rule, stakeholder_id, iter(answers))}


def _ids(scope: Scope, segment: Segment) -> Select[int]:
    asked, involved = _asked(scope, segment)
    return select(WHO.id).join(INVOLVED, involved).where(WHO.state == "active", asked)


def _great(session: Session, programme_id: int) -> bool:
    involved = select(Involvement.stakeholder_id).where(Involvement.programme_id == programme_id)
    return session.scalars(involved.offset(COUNTED_AT_ONCE).limit(1)).first() is not None


def _is_in(session: Session, segment: Segment, now: datetime | None) -> Condition:
    """Whether the stakeholder of the query around it is in."""
    asked = select_ids(session, segment, now=now).where(WHO.id == Stakeholder.id)
    # The offset keeps PostgreSQL from asking about everybody first, which it may think wise while a table is new.
    return asked.offset(0).correlate(Stakeholder).exists()


def _asked(scope: Scope, segment: Segment) -> tuple[Condition, Condition]:
    """What is asked of a stakeholder, and how their involvement is found."""
    involved = and_(INVOLVED.stakeholder_id == WHO.id, INVOLVED.programme_id == segment.programme_id)
    if segment.rule is not None:
        return rules.where(scope, segment.rule), involved
    picked = exists().where(SegmentMember.segment_id == segment.id, SegmentMember.stakeholder_id == WHO.id)
    return picked.correlate(WHO), involved


def _scope(session: Session, programme_id: int, rule: Any, now: datetime | None) -> Scope:
    known = {} if rule is None else fields.every(session)
    return Scope(session, programme_id, now or db_now(session), known)


def _set_rule(session: Session, now: datetime, segment: Segment, rule: Any) -> None:
    if segment.kind != "rule":
        raise BadRule("the members of this segment are picked by hand", pointer="/rule")
    segment.rule = rules.parse(_scope(session, segment.programme_id, rule, now), rule)
    segment.rule_sha256 = digest(segment.rule)


def _picked_ids(segment: Segment, ids: Collection[int]) -> list[int]:
    if segment.kind != "picked":
        raise BadField(
            "the members of this segment follow its rule; change the rule", pointer="/stakeholders"
        )
    if len(ids) > PICK_MAX:
        raise BadField(said("pick at most {pick_max} at a time", pick_max=PICK_MAX), pointer="/stakeholders")
    return list(dict.fromkeys(ids))


__all__ = [
    "Fact",
    "archive",
    "askable",
    "change",
    "count",
    "create",
    "draft",
    "explain",
    "holding",
    "inside",
    "members",
    "on_change",
    "overlap",
    "pick",
    "recount",
    "recount_oldest",
    "register_fact",
    "select_ids",
    "told",
    "unpick",
]
