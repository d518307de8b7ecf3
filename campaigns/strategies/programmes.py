"""Programmes: the tree of programmes, campaigns and plans, and how sure each must be before it sends.

Rules: the horizon is computed from the dates and never refused; a child lies within its parent's dates;
raising the assurance counts for what is not yet approved and for the programmes below, lowering it needs a reason.
Source: B1, SM13.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..base import Base
from ..canonical import digest
from ..errors import BadField, Conflict, NotFound, said
from ..stakeholders.rows import insert_missing
from ..stakeholders.text import TEXT_MAX, clean
from .tables import ASSURANCES, Agreement, Party, Programme, Strategy, StrategyVersion

# What every installation has from its first start. Its fixed id keeps two first starts from making it twice.
GENERAL = 1
GENERAL_NAME = "General"
DEPTH_MAX = 20
PLAN = ("vision", "mission", "held_values", "approach")
CHANGEABLE = ("name", "starts_on", "ends_on", "parent_id", *PLAN)
LEVEL_WORDS = {
    "light": "Sent by its author, checked by nobody else",
    "reviewed": "Checked by a second person",
    "agreed": "Under a strategy agreed by everybody it needs, checked by a second person",
}
EVERYDAY_BODY = {
    "aims": "Everyday communication: answers, appointments and notices.",
    "default_language": "en",
    "purpose": "service",
}


def general(session: Session, now: datetime) -> Programme:
    """The built-in programme General, made with its strategy Everyday communication at first use."""
    found = session.get(Programme, GENERAL)
    if found is None:
        for table, row in _built_in(now):
            insert_missing(session, table, [{"id": GENERAL, **row}])
        found = session.get_one(Programme, GENERAL)
    return found


def get(session: Session, programme_id: int) -> Programme:
    """The programme, or NotFound."""
    found = session.get(Programme, programme_id)
    if found is None:
        raise NotFound("there is no such programme")
    return found


def create(
    session: Session,
    now: datetime,
    *,
    name: str,
    starts_on: date,
    ends_on: date | None = None,
    parent_id: int | None = None,
    assurance: str = "light",
) -> Programme:
    """A programme, campaign or plan; which of them follows from its dates."""
    made = Programme(
        name=clean(name, "/name"),
        starts_on=starts_on,
        ends_on=ends_on,
        parent_id=parent_id,
        assurance=_level(assurance),
        created_at=now,
        updated_at=now,
    )
    _check_dates(session, made)
    session.add(made)
    session.flush()
    return made


def change(session: Session, now: datetime, programme: Programme, **values: Any) -> None:
    """Change `name`, `starts_on`, `ends_on` or `parent_id`; assurance has a verb of its own."""
    for field in values:
        if field not in CHANGEABLE:
            raise BadField(said("{field} cannot be changed here", field=field), pointer=f"/{field}")
    if "name" in values:
        values["name"] = clean(values["name"], "/name")
    for field in set(values) & set(PLAN):
        values[field] = clean(values[field], f"/{field}", length_max=TEXT_MAX, lines=True, empty=True).strip()
    now_is = {field: getattr(programme, field) for field in CHANGEABLE}
    _check_dates(session, Programme(id=programme.id, **now_is | values))
    for field, value in values.items():
        setattr(programme, field, value)
    programme.touch(now)
    session.flush()


def set_assurance(
    session: Session, now: datetime, programme: Programme, level: str, reason: str = ""
) -> list[tuple[Programme, str]]:
    """Raise or lower the assurance; lowering needs a reason, and what is approved stays approved.

    Whatever stands below and is checked less rises with it, so that nobody gets round the checks there: these
    programmes, each with the level it had.
    """
    if ASSURANCES.index(_level(level)) < ASSURANCES.index(programme.assurance) and not reason.strip():
        raise BadField("lowering the assurance needs a reason: say why", pointer="/reason")
    raises = ASSURANCES.index(level) > ASSURANCES.index(programme.assurance)
    laxer = ASSURANCES[: ASSURANCES.index(level)]
    risen = (
        [(one, one.assurance) for one in _below(session, programme) if one.assurance in laxer]
        if raises
        else []
    )
    for one in (programme, *(below for below, _ in risen)):
        if one.assurance != level:
            one.assurance = level
            one.touch(now)
    return risen


def horizon(programme: Programme) -> str:
    """`plan` under one year, `campaign` from one to three, `programme` from three years or without an end."""
    if programme.ends_on is None:
        return "programme"
    after = programme.ends_on + timedelta(days=1)
    if after >= _years_after(programme.starts_on, 3):
        return "programme"
    return "campaign" if after >= _years_after(programme.starts_on, 1) else "plan"


def lineage(session: Session, programme_id: int) -> list[int]:
    """The programme's id and those above it, nearest first."""
    found: list[int] = []
    step: int | None = programme_id
    while step is not None and step not in found:
        found.append(step)
        step = session.scalar(select(Programme.parent_id).where(Programme.id == step))
    return found


def under(session: Session, programme_id: int) -> set[int]:
    """The programme's id and those of all below it, with a statement for each level of the tree."""
    found, step = {programme_id}, {programme_id}
    while step:
        step = set(session.scalars(select(Programme.id).where(Programme.parent_id.in_(step)))) - found
        found |= step
    return found


def lineages(session: Session, programme_ids: Collection[int]) -> dict[int, list[int]]:
    """`lineage` of several programmes, with a statement for each level of the tree."""
    parents: dict[int, int | None] = {}
    asked = set(programme_ids)
    while asked:
        rows = session.execute(select(Programme.id, Programme.parent_id).where(Programme.id.in_(asked)))
        parents |= dict.fromkeys(asked) | {number: parent for number, parent in rows}
        asked = {parent for parent in parents.values() if parent is not None} - parents.keys()
    return {number: _upwards(number, parents) for number in programme_ids}


def _upwards(programme_id: int, parents: Mapping[int, int | None]) -> list[int]:
    found: list[int] = []
    step: int | None = programme_id
    while step is not None and step not in found:
        found.append(step)
        step = parents[step]
    return found


def _below(session: Session, programme: Programme) -> list[Programme]:
    """Everything below, locked, with a statement for each level of the tree."""
    found: list[Programme] = []
    above = [programme.id]
    while above:
        children = select(Programme).where(Programme.parent_id.in_(above)).order_by(Programme.id)
        rows = session.scalars(children.with_for_update()).all()
        found += rows
        above = [one.id for one in rows]
    return found


def _level(level: str) -> str:
    if level not in ASSURANCES:
        raise BadField(said("assurance is one of {assurances}", assurances=ASSURANCES), pointer="/assurance")
    return level


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February: its year is over on 1 March
        return date(day.year + years, 3, 1)


def _check_dates(session: Session, programme: Programme) -> None:
    if programme.ends_on is not None and programme.ends_on < programme.starts_on:
        raise BadField("the end lies before the start", pointer="/ends_on")
    if programme.parent_id is not None:
        parent = session.get(Programme, programme.parent_id)
        if parent is None:
            raise BadField("there is no such programme", pointer="/parent_id")
        above = lineage(session, parent.id)
        if programme.id in above:
            raise BadField("a programme cannot stand below itself", pointer="/parent_id")
        if len(above) >= DEPTH_MAX:
            raise BadField(
                said("programmes nest at most {depth_max} deep", depth_max=DEPTH_MAX), pointer="/parent_id"
            )
        _check_within(programme, parent)
    if programme.id is not None:
        for child in session.scalars(select(Programme).where(Programme.parent_id == programme.id)):
            _check_holds(programme, child)


def _check_within(child: Programme, parent: Programme) -> None:
    if child.starts_on < parent.starts_on:
        raise BadField(
            said("it starts before {name} does ({starts_on})", name=parent.name, starts_on=parent.starts_on),
            pointer="/starts_on",
        )
    if parent.ends_on is not None and (child.ends_on is None or child.ends_on > parent.ends_on):
        raise BadField(
            said("it ends after {name} does ({ends_on})", name=parent.name, ends_on=parent.ends_on),
            pointer="/ends_on",
        )


def _check_holds(parent: Programme, child: Programme) -> None:
    try:
        _check_within(child, parent)
    except BadField as outside:
        raise Conflict(
            said("{name} would lie outside these dates", name=child.name), pointer=outside.pointer
        ) from None


def _built_in(now: datetime) -> list[tuple[type[Base], dict[str, Any]]]:
    """General and Everyday communication, version 1, agreed by whoever administers this installation."""
    edited = {"created_at": now, "updated_at": now}
    words = digest(EVERYDAY_BODY)
    general = {"name": GENERAL_NAME, "starts_on": now.date(), "assurance": "light", "builtin": True}
    strategy = {"programme_id": GENERAL, "name": "Everyday communication", "builtin": True}
    version = {
        "strategy_id": GENERAL,
        "n": 1,
        "body": EVERYDAY_BODY,
        "digest": words,
        "author": "dolen",
        "at": now,
    }
    party = {"strategy_id": GENERAL, "kind": "role", "ref": "administrator", "label": "Administrator"}
    agreement = {
        "version_id": GENERAL,
        "party_id": GENERAL,
        "decision": "agreed",
        "by": "administrator",
        "evidence": "Agreed by setting up this installation",
        "digest": words,
        "shown_text_sha256": words.removeprefix("sha256:"),
        "at": now,
    }
    return [
        (Programme, general | edited),
        (Strategy, strategy | edited),
        (StrategyVersion, version),
        (Party, party),
        (Agreement, agreement),
    ]
