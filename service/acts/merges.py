"""What may be done about records of one person: propose, compare, merge and undo, or say that they are two.

Rules: whoever merges must be able to write on both records; the audit names what was decided, never the values.
What is shown of the two side by side is what the caller may read of either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from campaigns.delivery.tables import Delivery
from campaigns.messages.tables import Message
from campaigns.responses import merges
from campaigns.responses.tables import Response
from campaigns.stakeholders import duplicates, kin
from campaigns.stakeholders.duplicates import Pair
from campaigns.stakeholders.tables import Merge, Segment, Stakeholder

from .. import exports, paging
from ..access import involved, scoped
from ..ids import shown
from . import Act, people_list, permissions_view, responses, segments
from .stakeholders import READ, WRITE, reached

LOOKS = 5  # as many pieces are looked through at once where nothing is found


@dataclass(frozen=True, slots=True)
class Proposal:
    """Two records that may be one, with what speaks for it."""

    one: Stakeholder
    other: Stakeholder
    score: int
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two records: what is on it, as far as the caller reads that. `permissions`: where something was said."""

    listed: people_list.Listed
    groups: list[Segment]
    permissions: list[permissions_view.Permission]
    sent: int
    heard: int
    last_at: datetime | None


def proposed(act: Act, *, by: str, after: str | None) -> paging.Page:
    """Proposals among the caller's people, the likeliest of a piece first; `next` leads to the next piece."""
    place: int | None = None if after is None else paging.read_cursor(after, (int,))[0]
    found: list[Proposal] = []
    for _ in range(LOOKS):
        pairs, place = duplicates.look(act.session, by, place)
        found += _proposals(act, pairs)
        if found or place is None:
            break
    return paging.Page(found, next=None if place is None else paging.cursor(place), previous=None)


def proposed_for(act: Act, stakeholder_id: int) -> list[Proposal]:
    """Who one stakeholder may be as well."""
    return _proposals(act, duplicates.of(act.session, reached(act, stakeholder_id, READ)))


def say_distinct(act: Act, one_id: int, other_id: int) -> None:
    """These are two people: not proposed again."""
    one, other = reached(act, one_id, WRITE), reached(act, other_id, WRITE)
    duplicates.say_distinct(act.session, act.now, one.id, other.id, act.caller.actor)
    act.note(
        "stakeholder.told_apart", "stakeholder", one.id, after={"other_id": shown("stakeholder", other.id)}
    )


def compared(
    act: Act, kept_id: int, gone_id: int
) -> tuple[Stakeholder, Stakeholder, dict[str, tuple[Any, Any]]]:
    """Both records, and where they say different things."""
    kept, gone = reached(act, kept_id, WRITE), reached(act, gone_id, WRITE)
    return kept, gone, merges.differences(kept, gone)


def side(act: Act, person: Stakeholder) -> Side:
    """What there is on one record, to see whether it is the same person's as another."""
    records = kin.records(act.session, person.id)
    sent = select(func.count()).select_from(Delivery).join(Message, Message.id == Delivery.message_id)
    sent = sent.where(Delivery.stakeholder_id.in_(records), Delivery.state == "sent")
    heard = select(func.count()).select_from(Response).where(Response.stakeholder_id.in_(records))
    (listed,) = people_list.beside(act, [person])
    last = responses.engagement(act, person.id, limit=1, after=None).rows
    return Side(
        listed,
        segments.of(act, person.id) if act.caller.has(segments.READ) else [],
        [
            one
            for one in permissions_view.of(act, person.id)
            if one.act is not None or one.reason == "suppressed"
        ],
        act.session.scalar(scoped(sent, Message.programme_id, act.caller, "messages:read")) or 0,
        act.session.scalar(scoped(heard, Response.programme_id, act.caller, responses.READ)) or 0,
        last[0].at if last else None,
    )


def merge(act: Act, *, kept_id: int, gone_id: int, take: Mapping[str, str], reason: str) -> Merge:
    """Let the first stand for both."""
    kept, gone = reached(act, kept_id, WRITE), reached(act, gone_id, WRITE)
    made = merges.merge(act.session, act.now, kept.id, gone.id, take=take, reason=reason, by=act.caller.actor)
    _drop_files(act, kept.id)
    act.note("stakeholder.merged", "stakeholder", kept.id, after=_told(made))
    return made


def undo(act: Act, merge_id: int, reason: str = "") -> Merge:
    """Two records again."""
    made = merges.get(act.session, merge_id)
    reached(act, made.kept_id, WRITE)
    _drop_files(act, made.kept_id)
    merges.undo(act.session, act.now, made, act.caller.actor, reason)
    act.note("stakeholder.merge_undone", "stakeholder", made.kept_id, after=_told(made))
    return made


def get(act: Act, merge_id: int) -> Merge:
    """One merge."""
    made = merges.get(act.session, merge_id)
    reached(act, made.kept_id, READ)
    return made


def of(act: Act, stakeholder_id: int) -> list[Merge]:
    """The merges of somebody's records that stand, the last first: that one can be undone."""
    return merges.of(act.session, reached(act, stakeholder_id, READ).id)


def _told(made: Merge) -> dict[str, str | None]:
    return {"merge_id": shown("merge", made.id), "gone_id": shown("stakeholder", made.gone_id)}


def _drop_files(act: Act, stakeholder_id: int) -> None:
    """What was taken out about either: it holds two people, or half a person, and nobody must find it there."""
    exports.drop(act.wiring, exports.forget_person(act.session, stakeholder_id))


def _proposals(act: Act, pairs: Sequence[Pair]) -> list[Proposal]:
    ids = {one for pair in pairs for one in (pair.low_id, pair.high_id)}
    visible = involved(select(Stakeholder).where(Stakeholder.id.in_(ids)), Stakeholder.id, act.caller, READ)
    known = {one.id: one for one in act.session.scalars(visible)}
    found = [
        Proposal(known[pair.low_id], known[pair.high_id], pair.score, pair.shared)
        for pair in pairs
        if pair.low_id in known and pair.high_id in known
    ]
    return sorted(found, key=lambda one: -one.score)
