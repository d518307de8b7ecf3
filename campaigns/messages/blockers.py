"""What stands between a message and its going out: the one list that every path to sending asks for.

Rules: only facts about the message; nothing here ever excludes a person. A later room adds what it knows with
`register`. An answer to somebody who wrote to us needs no strategy and no approval.
Source: B4, B5, SM13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..errors import said
from ..stakeholders import segments
from ..stakeholders.tables import Segment
from ..strategies import agreements, programmes
from ..strategies.tables import Strategy, StrategyVersion
from . import approval, comments, content
from .tables import Message, MessageAccount, MessageRecipient, Occurrence

Asked = Callable[[Session, Message, datetime], Iterable[dict[str, Any]]]
# Obstacles that a signature clears: while one stands the message is `waiting`, with any other it is `held`.
SIGNATURES = ("approval_missing", "approval_stale")

_asked: list[Asked] = []


def register(ask: Asked) -> None:
    """Have `ask(session, message, now)` add its obstacles, each {"kind", "detail", …}."""
    if ask not in _asked:
        _asked.append(ask)


def blockers(
    session: Session, message: Message, now: datetime, stands: str | None = None
) -> list[dict[str, Any]]:
    """Every obstacle of a message, [] when it may go; `detail` says in plain words what would clear it.

    `stands` is what `approval.standing` has just said, where the caller has asked it.
    """
    found: list[dict[str, Any]] = []
    if message.kind != "answer":
        found += _strategy(session, message) + _approval(session, message, stands)
    found += _archived(session, message)
    found += _variants(session, message) + _ceiling(session, message, now) + _changes(session, message)
    for ask in _asked:
        found += ask(session, message, now)
    return found


def audience_size(session: Session, message: Message, now: datetime) -> int:
    """How many stakeholders the audience definition names today."""
    if message.segment_id is not None:
        return segments.count(session, session.get_one(Segment, message.segment_id), now=now)
    people = select(func.count(MessageRecipient.stakeholder_id.distinct()))
    return session.scalar(people.where(MessageRecipient.message_id == message.id)) or 0


def _strategy(session: Session, message: Message) -> list[dict[str, Any]]:
    """At `agreed`: a strategy of the programme's own, agreed by everybody it needs, or an urgent go."""
    if approval.assurance(session, message) != "agreed":
        return []
    version = session.get_one(StrategyVersion, message.strategy_version_id)
    strategy = session.get_one(Strategy, version.strategy_id)
    if strategy.builtin or strategy.programme_id not in programmes.lineage(session, message.programme_id):
        words = said("This programme needs an agreed strategy of its own: choose one for this message")
        found = [{"kind": "strategy_missing", "detail": words}]
    else:
        found = agreements.obstacles(session, version)
    if found and agreements.has_urgent_go(session, message.id, approval.digest(session, message)):
        return []
    return found


def _approval(session: Session, message: Message, stands: str | None) -> list[dict[str, Any]]:
    stands = stands or approval.standing(session, message)
    if stands == "approved":
        return []
    if stands == "stale":
        words = said("Something was changed after the approval: a second person has to check it again")
        return [{"kind": "approval_stale", "detail": words}]
    last = next(reversed(approval.history(session, message)), None)
    if last is not None and last.decision == "refused":
        words = said("{by} refused it: {reason}", by=last.by, reason=last.reason)
        return [{"kind": "approval_missing", "detail": words, "refused_by": last.by, "reason": last.reason}]
    return [{"kind": "approval_missing", "detail": said("A second person has to check it")}]


def _archived(session: Session, message: Message) -> list[dict[str, Any]]:
    """Nothing new goes to a group that is out of use; what has begun to go to it ends."""
    segment = session.get(Segment, message.segment_id) if message.segment_id is not None else None
    if segment is None or segment.state == "active":
        return []
    planned = select(Occurrence.id).where(
        Occurrence.message_id == message.id, Occurrence.kind == "real", Occurrence.state == "planned"
    )
    if message.started_at is not None and session.scalar(planned.limit(1)) is None:
        return []
    words = said("The group {name} is archived: choose another one", name=segment.name)
    return [{"kind": "segment_archived", "detail": words, "segment": segment.name}]


def _variants(session: Session, message: Message) -> list[dict[str, Any]]:
    written = {one.channel for one in content.names(session, message.content_id)}
    wanted = select(MessageAccount.channel).where(MessageAccount.message_id == message.id).distinct()
    return [
        {
            "kind": "variant_missing",
            "detail": said("There are no words for {channel}: write them", channel=channel),
            "channel": channel,
        }
        for channel in sorted(session.scalars(wanted))
        if channel not in written
    ]


def _changes(session: Session, message: Message) -> list[dict[str, Any]]:
    words = said("A change is asked for: make it or say why not, then settle it")
    return [
        {"kind": "change_asked", "detail": words, "by": one.by, "text": one.text}
        for one in comments.asked(session, message.id)
    ]


def _ceiling(session: Session, message: Message, now: datetime) -> list[dict[str, Any]]:
    if message.ceiling is None:
        return []
    size = audience_size(session, message, now)
    if size <= message.ceiling:
        return []
    words = said(
        "The approval covers {ceiling} recipients and there are {size}: raise the ceiling",
        ceiling=message.ceiling,
        size=size,
    )
    return [{"kind": "ceiling_exceeded", "detail": words, "ceiling": message.ceiling, "recipients": size}]
