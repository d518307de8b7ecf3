"""Who is left out of a message because of what they chose: topics they do not want, a pause, a frequency.

Rules: an answer to somebody goes whatever they chose, and so does a service message without a topic: it is about them,
not about what we have to say. Only what was chosen is asked here; consent is decided elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ..messages.tables import Message
from ..stakeholders import topics
from . import states
from .tables import Delivery


def apply_to(message: Message) -> bool:
    """Whether people's choices count for this message."""
    return message.kind != "answer" and (message.topic_id is not None or message.purpose != "service")


def left_out(
    session: Session, now: datetime, message: Message, channel: str, stakeholder_ids: Collection[int]
) -> dict[int, str]:
    """Why each of those who are not to get it now is left out. A fixed number of statements for each 500 people."""
    if not apply_to(message) or not stakeholder_ids:
        return {}
    chosen = topics.wishes(
        session, now, topic_id=message.topic_id, channel=channel, stakeholder_ids=stakeholder_ids
    )
    found = {number: wish.reason for number, wish in chosen.items() if wish.reason is not None}
    capped: dict[timedelta, list[int]] = defaultdict(list)
    for number, wish in chosen.items():
        if wish.reason is None and wish.every is not None:
            capped[wish.every].append(number)
    for every, numbers in capped.items():
        for number in _had_one(session, message, channel, numbers, now - every):
            found[number] = "frequency_cap"
    return found


def _had_one(
    session: Session, message: Message, channel: str, numbers: list[int], since: datetime
) -> set[int]:
    """Who has got another message of the same kind since then, or is getting it in this moment."""
    same = (
        Message.topic_id == message.topic_id
        if message.topic_id is not None
        else Message.topic_id.is_(None) & (Message.purpose != "service")
    )
    going = Delivery.sent_at.is_(None) & Delivery.state.in_((states.SENDING, states.UNKNOWN))
    got = (
        select(Delivery.stakeholder_id)
        .join(Message, Message.id == Delivery.message_id)
        .where(
            Delivery.stakeholder_id.in_(numbers), Delivery.channel == channel,
            or_(Delivery.sent_at > since, going & (Delivery.intent_at > since)),
            Delivery.message_id != message.id, Message.kind != "answer", same,
        )
        .distinct()
    )  # fmt: skip
    return {number for number in session.scalars(got) if number is not None}
