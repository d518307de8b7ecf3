"""Frequency caps: how much people get from a programme and from what lies under it, over all channels together.

Rules: every cap on the way up holds. What counts is what went, or may have gone, to them by another message or at
another time of one that recurs; answers and what they need to know neither count nor are capped, and what is urgent
goes. Source: E8.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, func, or_, select
from sqlalchemy.orm import Session

from ..base import Instant, listed
from ..messages.tables import Message
from ..stakeholders import kin, topics
from ..strategies import policies, programmes
from . import states
from .tables import Delivery


def over(
    session: Session, now: datetime, message: Message, occurrence_id: int, stakeholder_ids: Collection[int],
    same: kin.Kin,
) -> set[int]:  # fmt: skip
    """Who of these has had as much as a cap allows, this time of the message not counted.

    What went to any of somebody's records (`same`) counts together.
    """
    found: set[int] = set()
    if message.lane == "urgent" or not stakeholder_ids:
        return found
    for cap in policies.caps(session, message.programme_id):
        told = {
            "people": json.dumps([*stakeholder_ids]),
            "inside": json.dumps([*programmes.under(session, cap.programme_id)]),
            "since": now - timedelta(days=cap.days) + topics.SLACK, "occurrence": occurrence_id, "most": cap.messages,
        }  # fmt: skip
        found.update(session.scalars(_ENOUGH, told))
        for number in same.keys() & stakeholder_ids:
            if session.scalar(_HAD, told | {"people": json.dumps(same[number])}) >= cap.messages:
                found.add(number)
    return found


def lately(since: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a delivery has gone since then, or is going in this moment."""
    row = Delivery.__table__.c
    going = row.sent_at.is_(None) & row.state.in_((states.SENDING, states.UNKNOWN)) & (row.intent_at > since)
    return or_(row.sent_at > since, going)


def _had() -> Any:
    """How many times went to these people together."""
    who, inside = listed("people", BigInteger), listed("inside", BigInteger)
    row, other = Delivery.__table__.c, Message.__table__.c
    return (
        select(func.count(row.occurrence_id.distinct()))
        .select_from(Delivery.__table__)
        .join(who, who.c.one == row.stakeholder_id)
        .join(Message.__table__, other.id == row.message_id + 0)  # by person: a message has a great many
        .join(inside, inside.c.one == other.programme_id)
        .where(
            lately(bindparam("since", type_=Instant)), row.occurrence_id != bindparam("occurrence"),
            other.kind != "answer", or_(other.topic_id.is_not(None), other.purpose != "service"),
        )
    )  # fmt: skip


def _enough() -> Any:
    """Which of these people had so many or more."""
    person, most = Delivery.__table__.c.stakeholder_id, bindparam("most", type_=BigInteger)
    counted = func.count(Delivery.__table__.c.occurrence_id.distinct())
    return _had().with_only_columns(person).group_by(person).having(counted >= most)


_HAD, _ENOUGH = _had(), _enough()
