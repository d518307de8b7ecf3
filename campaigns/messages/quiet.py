"""Quiet periods: named times in which messages wait, such as before an election, and go by themselves afterwards.

Rules: a period holds what would go in it, whole programmes with all that lies under them; an answer to somebody who
wrote to us is never held. Nothing here leaves out a person.
Source: the gates; C6.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from ..errors import AlreadyDone, BadField, BadTime, NotFound, said
from ..stakeholders.text import TEXT_MAX, clean
from ..strategies import programmes
from . import messages
from .tables import Message, QuietPeriod

KIND = "quiet_period"


def begin(
    session: Session,
    now: datetime,
    *,
    name: str,
    reason: str,
    from_at: datetime,
    until_at: datetime,
    by: str,
    programme_id: int | None = None,
    except_service: bool = False,
    except_urgent: bool = False,
) -> QuietPeriod:
    """Let messages wait from one instant until another; what would go in it is on hold at once.

    `except_service` lets messages of the purpose `service` go, `except_urgent` those of the lane `urgent`.
    """
    if until_at <= from_at:
        raise BadTime("a quiet period ends after it begins", pointer="/until")
    if until_at <= now:
        raise BadTime("this quiet period would be over already", pointer="/until")
    if programme_id is not None:
        programmes.get(session, programme_id)
    made = QuietPeriod(
        programme_id=programme_id, name=clean(name, "/name"), reason=_reason(reason, "/reason"), from_at=from_at,
        until_at=until_at, except_service=except_service, except_urgent=except_urgent, by=by, made_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    _settle(session, now, made, ("scheduled", "sending"))
    return made


def end(session: Session, now: datetime, period: QuietPeriod, *, by: str, why: str) -> None:
    """End a period before its time; what it held goes."""
    if period.ended_at is not None or period.until_at <= now:
        raise AlreadyDone("this quiet period is over already")
    period.ended_at, period.ended_by, period.ended_why = now, by, _reason(why, "/why")
    session.flush()
    _settle(session, now, period, ("held",))


def get(session: Session, period_id: int) -> QuietPeriod:
    """The period, or NotFound."""
    found = session.get(QuietPeriod, period_id)
    if found is None:
        raise NotFound("there is no such quiet period")
    return found


def obstacles(session: Session, message: Message, now: datetime) -> list[dict[str, Any]]:
    """The periods that hold a message, as obstacles of it."""
    return [
        {
            "kind": KIND,
            "detail": said("The quiet period {name} holds it: it goes by itself afterwards", name=one.name),
            "name": one.name,
            "until": one.until_at.isoformat(),
        }
        for one in holding(session, message, max(now, message.at or now))
    ]


def holding(session: Session, message: Message, at: datetime) -> list[QuietPeriod]:
    """The periods that would hold this message at an instant."""
    if message.kind == "answer":
        return []
    found = [
        one
        for one in session.scalars(standing(at))
        if not (one.except_service and message.purpose == "service")
        and not (one.except_urgent and message.lane == "urgent")
    ]
    if any(one.programme_id is not None for one in found):
        over = {None, *programmes.lineage(session, message.programme_id)}
        found = [one for one in found if one.programme_id in over]
    return found


def standing(at: datetime, until: datetime | None = None) -> Select[QuietPeriod]:
    """The SELECT of periods in force at an instant, or at any time between two."""
    return (
        select(QuietPeriod)
        .where(
            QuietPeriod.ended_at.is_(None), QuietPeriod.from_at <= (until or at), QuietPeriod.until_at > at
        )
        .order_by(QuietPeriod.from_at, QuietPeriod.id)
    )


def _settle(session: Session, now: datetime, period: QuietPeriod, states: tuple[str, ...]) -> None:
    """Ask again about every message in these states that the period reaches."""
    found = select(Message).where(
        Message.state.in_(states),
        or_(Message.at.is_(None), Message.at < period.until_at),
    )
    locked = found.order_by(Message.id).with_for_update().execution_options(populate_existing=True)
    over: dict[int, bool] = {}
    for message in session.scalars(locked):
        number = message.programme_id
        if number not in over:
            over[number] = period.programme_id is None or period.programme_id in programmes.lineage(
                session, number
            )
        if over[number]:
            messages.settle(session, now, message)


def _reason(text: str, pointer: str) -> str:
    if not text.strip():
        raise BadField("say why: it stays with the quiet period", pointer=pointer)
    return clean(text.strip(), pointer, length_max=TEXT_MAX, lines=True)
