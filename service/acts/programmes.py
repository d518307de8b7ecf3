"""What may be done with programmes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from campaigns.base import public_id
from campaigns.errors import Forbidden
from campaigns.strategies import programmes
from campaigns.strategies.tables import ASSURANCES, Programme

from .. import paging
from ..access import scoped
from ..ids import shown
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


def name_of(act: Act, programme_id: int | None) -> str:
    """What a programme is called; "" for what all share."""
    return "" if programme_id is None else act.one(Programme, programme_id).name


def create(act: Act, **values: Any) -> Programme:
    """A new programme under one the caller may change, or at the top by whoever may change all."""
    act.need("programmes:write", values.get("parent_id"))
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
    if values:
        programmes.change(act.session, act.now, found, **values)
    if assurance is not None:
        _set_assurance(act, found, assurance, reason)
    act.note(
        "programme.changed", "programme", found.id,
        programme_id=found.id, before=before, after=_facts(found) | ({"reason": reason} if reason else {}),
    )  # fmt: skip
    return found


def _set_assurance(act: Act, programme: Programme, level: str, reason: str) -> None:
    lowers = ASSURANCES.index(level) < ASSURANCES.index(programme.assurance)
    if lowers and not act.caller.may("users:admin", programme.id):
        raise Forbidden("lowering the assurance needs an administrator")
    programmes.set_assurance(act.session, act.now, programme, level, reason)


def _facts(programme: Programme) -> dict[str, Any]:
    facts = {name: None if (value := getattr(programme, name)) is None else str(value) for name in SHOWN}
    return facts | {"parent_id": shown("programme", programme.parent_id)}
