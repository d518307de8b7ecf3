"""Objectives: what a programme wants to have reached, as a number by a day; and how far it is.

Rules: an objective may be written down unfinished; the check says which of specific, measurable, achievable,
relevant and timed is missing, and never refuses one.
Source: B2, CS1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..errors import BadField, NotFound, said
from ..stakeholders.text import TEXT_MAX, clean
from . import programmes
from .tables import Objective, Programme, Reading

TEXTS = ("metric", "unit", "goal", "achievable", "owner")
NUMBERS = ("baseline", "target")
FIELDS = ("name", *TEXTS, *NUMBERS, "deadline_on")
# What the check can miss, in the order in which people say it.
PARTS = ("specific", "measurable", "achievable", "relevant", "timed")


def create(session: Session, now: datetime, programme_id: int, **values: Any) -> Objective:
    """An objective of a programme; only its name must be known yet."""
    programmes.get(session, programme_id)
    checked = _checked({"name": "", **values})
    made = Objective(programme_id=programme_id, created_at=now, updated_at=now, **checked)
    session.add(made)
    session.flush()
    return made


def change(session: Session, now: datetime, objective: Objective, **values: Any) -> None:
    """Say it better; what was read stays."""
    for field, value in _checked(values).items():
        setattr(objective, field, value)
    objective.touch(now)
    session.flush()


def archive(session: Session, now: datetime, objective: Objective) -> None:
    """Pursue it no more; it stays on record."""
    objective.state = "archived"
    objective.touch(now)
    session.flush()


def get(session: Session, objective_id: int) -> Objective:
    """The objective, or NotFound."""
    found = session.get(Objective, objective_id)
    if found is None:
        raise NotFound("there is no such objective")
    return found


def of(session: Session, programme_id: int) -> list[Objective]:
    """What a programme pursues, the nearest deadline first."""
    mine = select(Objective).where(Objective.programme_id == programme_id, Objective.state == "active")
    return sorted(session.scalars(mine), key=lambda one: (one.deadline_on or date.max, one.id))


def check(objective: Objective, programme: Programme) -> list[str]:
    """Which of PARTS are missing."""
    deadline, ends = objective.deadline_on, programme.ends_on
    has = {
        "specific": bool(objective.metric and objective.owner),
        "measurable": objective.baseline is not None
        and objective.target is not None
        and bool(objective.unit),
        "achievable": bool(objective.achievable),
        "relevant": bool(objective.goal),
        "timed": deadline is not None
        and programme.starts_on <= deadline
        and (ends is None or deadline <= ends),
    }
    return [part for part in PARTS if not has[part]]


def read(
    session: Session, now: datetime, objective: Objective, *, on: date, value: float, by: str, note: str = ""
) -> Reading:
    """Write down the value of its metric on one day; a second reading of that day replaces the first."""
    if on > now.date():
        raise BadField("a value can be read up to today: choose an earlier day", pointer="/on")
    known = select(Reading).where(Reading.objective_id == objective.id, Reading.on == on)
    made = session.scalar(known) or Reading(objective_id=objective.id, on=on)
    made.value, made.by, made.at = _number(value, "/value"), by, now
    made.note = clean(note, "/note", length_max=TEXT_MAX, lines=True, empty=True)
    session.add(made)
    session.flush()
    return made


def readings(session: Session, objective: Objective, limit: int = 200) -> list[Reading]:
    """What was read, the newest day first."""
    mine = select(Reading).where(Reading.objective_id == objective.id)
    return list(session.scalars(mine.order_by(Reading.on.desc()).limit(limit)))


def newest(session: Session, found: Sequence[Objective]) -> dict[int, Reading]:
    """The newest reading of each of these objectives, in one statement."""
    numbers = [one.id for one in found]
    last = (
        select(Reading.objective_id, func.max(Reading.on).label("on"))
        .where(Reading.objective_id.in_(numbers))
        .group_by(Reading.objective_id)
        .subquery()
    )
    rows = session.scalars(
        select(Reading).join(last, (Reading.objective_id == last.c.objective_id) & (Reading.on == last.c.on))
    )
    return {row.objective_id: row for row in rows}


def share(objective: Objective, value: float | None) -> float | None:
    """How much of the way from baseline to target is done: 0.5 is half; None where that cannot be said."""
    start, goal = objective.baseline, objective.target
    if value is None or start is None or goal is None or start == goal:
        return None
    return (value - start) / (goal - start)


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for field, value in values.items():
        if field == "name":
            checked[field] = clean(value, "/name")
        elif field in TEXTS:
            checked[field] = clean(value, f"/{field}", length_max=TEXT_MAX, lines=True, empty=True).strip()
        elif field in NUMBERS:
            checked[field] = None if value is None else _number(value, f"/{field}")
        elif field == "deadline_on":
            checked[field] = value
        else:
            raise BadField(said("an objective has no field {field}", field=field), pointer=f"/{field}")
    return checked


def _number(value: float, pointer: str) -> float:
    if not math.isfinite(value) or abs(value) > 1e15:
        raise BadField("this must be a number", pointer=pointer)
    return float(value)
