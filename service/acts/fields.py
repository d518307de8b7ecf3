"""What may be done with custom fields; all programmes share them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from campaigns.stakeholders import fields
from campaigns.stakeholders.tables import Field

from .. import paging
from . import Act
from .stakeholders import READ, WRITE


def listed(act: Act, *, limit: int, after: str | None, before: str | None) -> paging.Page:
    """Every field, oldest first."""
    return paging.cut(act.session, select(Field), Field.id, limit=limit, after=after, before=before)


def get(act: Act, field_id: int) -> Field:
    """One field."""
    found = act.one(Field, field_id)
    act.need(READ, None)
    return found


def define(act: Act, *, name: str, type: str, choices: Sequence[str] = ()) -> Field:
    """A new field, or the equal one that is there; its type never changes."""
    act.need(WRITE, None)
    made = fields.define(act.session, act.now, name, type, choices)
    act.note("field.defined", "field", made.id, after={"name": name, "type": type})
    return made
