"""Who is left out of a message because of what they chose, or because they had enough of the programme already.

Rules: people choose topics, a pause, a frequency; a programme has caps. An answer to somebody goes in any case, and so
does a service message without a topic: it is about them, not about what we have to say. Consent is decided elsewhere.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, bindparam, select
from sqlalchemy.orm import Session

from ..base import Instant, listed
from ..messages.tables import Message
from ..stakeholders import kin, topics
from . import caps, follow_up
from .tables import Delivery


def apply_to(message: Message) -> bool:
    """Whether people's choices and a programme's caps count for this message."""
    return message.kind != "answer" and (message.topic_id is not None or message.purpose != "service")


def left_out(
    session: Session,
    now: datetime,
    message: Message,
    occurrence_id: int,
    channel: str,
    stakeholder_ids: Collection[int],
    same: kin.Kin,
) -> dict[int, str]:
    """Why each of those who are not to get it now is left out. A fixed number of statements for each 500 people.

    `occurrence_id` is the time of the message that is asked about; its other times count like other messages.
    `same` are the records of those who have several: what went to one, and what they said by one, counts for all.
    """
    reminded = kin.among(same, stakeholder_ids) if same else stakeholder_ids
    done = follow_up.left_out(session, message, reminded)
    if same:
        done = dict.fromkeys(kin.touched(same, stakeholder_ids, done), "answered")
    if not apply_to(message) or not stakeholder_ids:
        return done
    chosen = topics.wishes(
        session, now, topic_id=message.topic_id, channel=channel, stakeholder_ids=stakeholder_ids, same=same
    )
    found = {number: wish.reason for number, wish in chosen.items() if wish.reason is not None}
    capped: dict[timedelta, list[int]] = defaultdict(list)
    for number, wish in chosen.items():
        if wish.reason is None and wish.every is not None:
            capped[wish.every].append(number)
    for every, numbers in capped.items():
        asked = list(kin.among(same, numbers)) if same else numbers
        had = _had_one(session, message, occurrence_id, channel, asked, now - every)
        found |= dict.fromkeys(kin.touched(same, numbers, had), "frequency_cap")
    left = [number for number in stakeholder_ids if number not in found]
    return (
        found
        | dict.fromkeys(caps.over(session, now, message, occurrence_id, left, same), "frequency_cap")
        | done
    )


def _had_one(
    session: Session,
    message: Message,
    occurrence_id: int,
    channel: str,
    numbers: list[int],
    since: datetime,
) -> set[int]:
    """Who has got another of the same kind since then, or is getting it in this moment."""
    told = {"people": json.dumps(numbers), "channel": channel, "since": since}
    same = {"occurrence": occurrence_id, "topic": message.topic_id}
    return set(session.connection().scalars(_GOT[message.topic_id is not None], {**told, **same}))


def _got(by_topic: bool) -> Any:
    who, row, other = listed("people", BigInteger), Delivery.__table__.c, Message.__table__.c
    since = bindparam("since", type_=Instant)
    same = (
        other.topic_id == bindparam("topic")
        if by_topic
        else other.topic_id.is_(None) & (other.purpose != "service")
    )
    return (
        select(row.stakeholder_id)
        .join(who, who.c.one == row.stakeholder_id)
        .join(Message.__table__, other.id == row.message_id + 0)  # by person: a message has a great many
        .where(
            row.channel == bindparam("channel"), caps.lately(since), other.kind != "answer", same,
            row.occurrence_id != bindparam("occurrence"),
        )
        .distinct()
    )  # fmt: skip


_GOT = {by_topic: _got(by_topic) for by_topic in (True, False)}
