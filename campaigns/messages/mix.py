"""What content is for, and the mix of it in a quarter: as it was meant, and as it became.

Source: C10.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import regex
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..errors import BadField
from ..strategies import programmes
from . import calendar, planning
from .tables import ContentItem, Message, MixTarget

AIMS = ("informative", "educational", "entertaining", "recognition", "call_to_act")

_QUARTER = regex.compile(r"(20\d\d)-Q([1-4])")


@dataclass(frozen=True, slots=True)
class Share:
    """One aim in a quarter; `aim` None is what nobody has tagged. `target` is in per cent, None: none was set."""

    aim: str | None
    went: int
    planned: int
    target: int | None


def tag(session: Session, now: datetime, item: ContentItem, aim: str | None) -> None:
    """Say what a content item is for; this is no part of what is approved."""
    if aim is not None and aim not in AIMS:
        raise BadField("this is not one of the aims of content", pointer="/aim")
    item.aim = aim
    item.touch(now)
    session.flush()


def plan(
    session: Session, now: datetime, programme_id: int, quarter: str, shares: Mapping[str, int]
) -> MixTarget:
    """Say which shares the aims are meant to have in a quarter, in per cent; what is not named has none."""
    programmes.get(session, programme_id)
    days(quarter)
    for aim, share in shares.items():
        if aim not in AIMS or not 0 <= share <= 100:
            raise BadField("a share is a whole number from 0 to 100", pointer=f"/{aim}")
    if sum(shares.values()) != 100:
        raise BadField("the shares must make 100 together", pointer=f"/{AIMS[0]}")
    known = select(MixTarget).where(MixTarget.programme_id == programme_id, MixTarget.quarter == quarter)
    made = session.scalar(known)
    if made is None:
        made = MixTarget(programme_id=programme_id, quarter=quarter, created_at=now, updated_at=now)
        session.add(made)
    else:
        made.touch(now)
    made.shares = dict(shares)
    session.flush()
    return made


def mix(
    session: Session, quarter: str, zone: str, programme_id: int | None, seen: Collection[int] | None = None
) -> list[Share]:
    """The aims of a quarter in the order of AIMS, and at the end what has none.

    Of one programme, with its targets, or of all those that are `seen` (None: all).
    """
    first, after = days(quarter)
    start, end = (calendar.resolve(f"{day}T00:00", zone) for day in (first, after))
    when = planning.shown(start, end).order_by(None)
    counted = (
        when.join(ContentItem, ContentItem.id == Message.content_id)
        .where(Message.state.not_in(planning.OVER))
        .with_only_columns(ContentItem.aim, func.count(Message.started_at), func.count(Message.id))
        .group_by(ContentItem.aim)
    )
    if programme_id is not None:
        counted = counted.where(Message.programme_id == programme_id)
    if seen is not None:
        counted = counted.where(Message.programme_id.in_(seen))
    counts = {aim: (went, both - went) for aim, went, both in session.execute(counted)}
    target = target_of(session, programme_id, quarter)
    return [
        Share(aim, *counts.get(aim, (0, 0)), target.get(aim, 0) if target and aim else None)
        for aim in (*AIMS, None)
    ]


def target_of(session: Session, programme_id: int | None, quarter: str) -> dict[str, int]:
    """The shares that were meant; {} where none were."""
    known = select(MixTarget).where(MixTarget.programme_id == programme_id, MixTarget.quarter == quarter)
    found = session.scalar(known) if programme_id is not None else None
    return dict(found.shares) if found else {}


def quarter_of(day: date) -> str:
    """The quarter of a day, such as 2026-Q4."""
    return f"{day.year}-Q{(day.month - 1) // 3 + 1}"


def days(quarter: str) -> tuple[date, date]:
    """The first day of a quarter and that of the one after it."""
    match = _QUARTER.fullmatch(quarter)
    if match is None:
        raise BadField("write a quarter as 2026-Q4", pointer="/quarter")
    year, place = int(match[1]), int(match[2])
    return date(year, 3 * place - 2, 1), date(year + place // 4, 3 * place % 12 + 1, 1)
