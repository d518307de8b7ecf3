"""What may be done with programmes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from campaigns.base import public_id
from campaigns.errors import Forbidden
from campaigns.strategies import programmes
from campaigns.strategies.tables import ASSURANCES, Programme

from .. import paging
from ..access import scoped
from ..ids import shown
from ..permissions import ROLES
from ..tables import Grant, User
from . import Act

SHOWN = ("name", "starts_on", "ends_on", "assurance")


def listed(act: Act, *, limit: int, after: str | None, before: str | None) -> paging.Page:
    """The programmes the caller sees, oldest first."""
    statement = scoped(select(Programme), Programme.id, act.caller, "programmes:read")
    return paging.cut(act.session, statement, Programme.id, limit=limit, after=after, before=before)


def get(act: Act, programme_id: int) -> Programme:
    """One programme; NotFound where the caller has no grant."""
    act.need("programmes:read", programme_id)
    return act.one(Programme, programme_id)


def choices(act: Act, scope: str, limit: int = 500) -> list[tuple[str, str]]:
    """The programmes in which the caller has a scope, as (public id, name) by name: for choosing one of them."""
    statement = scoped(select(Programme.id, Programme.name), Programme.id, act.caller, scope)
    rows = act.session.execute(statement.order_by(Programme.name, Programme.id).limit(limit))
    return [(public_id("prg", number), name) for number, name in rows]


def tree(act: Act, limit: int = 1000) -> list[tuple[int, Programme]]:
    """The programmes the caller sees in the order of their tree, each with its depth; one statement."""
    statement = scoped(select(Programme), Programme.id, act.caller, "programmes:read")
    rows = list(act.session.scalars(statement.order_by(Programme.starts_on, Programme.id).limit(limit)))
    known = {one.id for one in rows}
    below: dict[int | None, list[Programme]] = {}
    for one in rows:
        below.setdefault(one.parent_id if one.parent_id in known else None, []).append(one)
    found: list[tuple[int, Programme]] = []
    waiting = [(0, one) for one in reversed(below.get(None, []))]
    while waiting:
        depth, one = waiting.pop()
        found.append((depth, one))
        waiting.extend((depth + 1, child) for child in reversed(below.get(one.id, [])))
    return found


def colleagues(act: Act, programme_id: int, scope: str | None = None) -> list[tuple[str, str]]:
    """Who works in a programme, or has this scope in it, as (public id, name) by name."""
    act.need("programmes:read", programme_id)
    places = programmes.lineage(act.session, programme_id)
    here = select(Grant.user_id).where(or_(Grant.programme_id.is_(None), Grant.programme_id.in_(places)))
    if scope is not None:
        here = here.where(Grant.role.in_([role for role, scopes in ROLES.items() if scope in scopes]))
    people = select(User.id, User.name).where(User.id.in_(here), User.state == "active").order_by(User.name)
    return [(public_id("usr", number), name) for number, name in act.session.execute(people)]


def name_of(act: Act, programme_id: int | None) -> str:
    """What a programme is called; "" for what all share."""
    return "" if programme_id is None else act.one(Programme, programme_id).name


def create(act: Act, **values: Any) -> Programme:
    """A new programme under one the caller may change, or at the top by whoever may change all."""
    act.need("programmes:write", values.get("parent_id"))
    _not_laxer(act, values.get("parent_id"), values.get("assurance", ASSURANCES[0]))
    made = programmes.create(act.session, act.now, **values)
    act.note("programme.created", "programme", made.id, programme_id=made.id, after=_facts(made))
    return made


def change(act: Act, programme_id: int, version: int | None, *, reason: str = "", **values: Any) -> Programme:
    """Change a programme; a lower assurance needs an administrator and a reason."""
    act.need("programmes:write", programme_id)
    found = act.one(Programme, programme_id, lock=True)
    act.unchanged(found, version)
    before = _facts(found)
    assurance = values.pop("assurance", None)
    if "parent_id" in values and values["parent_id"] != found.parent_id:
        act.need("programmes:write", values["parent_id"])
        _not_laxer(act, values["parent_id"], assurance or found.assurance)
    if values:
        programmes.change(act.session, act.now, found, **values)
    if assurance is not None:
        set_assurance(act, found, assurance, reason)
    act.note(
        "programme.changed", "programme", found.id,
        programme_id=found.id, before=before, after=_facts(found) | ({"reason": reason} if reason else {}),
    )  # fmt: skip
    return found


def set_assurance(act: Act, programme: Programme, level: str, reason: str) -> None:
    """A programme's assurance, told of each programme below that rises with it; to lower it needs an administrator."""
    known = level in ASSURANCES  # the domain refuses what is not
    lowers = known and ASSURANCES.index(level) < ASSURANCES.index(programme.assurance)
    if lowers and not act.caller.may("users:admin", programme.id):
        raise Forbidden("lowering the assurance needs an administrator")
    for below, before in programmes.set_assurance(act.session, act.now, programme, level, reason):
        act.note(
            "programme.changed", "programme", below.id, programme_id=below.id, before={"assurance": before},
            after={"assurance": level, "with": shown("programme", programme.id)},
        )  # fmt: skip


def _not_laxer(act: Act, parent_id: int | None, level: str) -> None:
    """Nobody gets round the checks of a programme by one of their own below it, which may write to its groups."""
    above = programmes.lineage(act.session, parent_id) if parent_id is not None else []
    rows = select(Programme.assurance).where(Programme.id.in_(above))
    levels = act.session.scalars(rows.with_for_update(read=True))  # none of them is raised meanwhile
    asked = max((ASSURANCES.index(one) for one in levels), default=0)
    known = level in ASSURANCES  # the domain refuses what is not
    if known and ASSURANCES.index(level) < asked and not act.caller.may("users:admin", parent_id):
        raise Forbidden("lowering the assurance needs an administrator", pointer="/assurance")


def _facts(programme: Programme) -> dict[str, Any]:
    facts = {name: None if (value := getattr(programme, name)) is None else str(value) for name in SHOWN}
    return facts | {"parent_id": shown("programme", programme.parent_id)}
