"""People as a list shows them: by name, a page at a time, with what stands beside each in few statements."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, literal, select, tuple_

from campaigns.base import parse_id
from campaigns.errors import BadField, Invalid
from campaigns.stakeholders import addresses, people
from campaigns.stakeholders.json_values import array_has_word
from campaigns.stakeholders.tables import Address, Involvement, Stakeholder, StakeholderTag, Tag

from .. import channels, paging
from ..access import involved, scoped
from . import Act
from .stakeholders import READ

LIMIT = 50
NAMED_MAX = 200
# Above every letter: names that begin with a text lie between it and the text with this behind it.
LAST = "\U0010ffff"


@dataclass
class Listed:
    """One person with their addresses in use, tags, and involvements that the caller sees."""

    person: Stakeholder
    addresses: list[Address] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    involved: list[Involvement] = field(default_factory=list)


def by_name(act: Act, *, after: str | None = None, before: str | None = None, **filters: Any) -> paging.Page:
    """A page of `Listed`, in the order of names; filters are those of `_filtered`."""
    statement = involved(select(Stakeholder), Stakeholder.id, act.caller, READ)
    statement = _filtered(act, statement, **filters)
    key, backwards = tuple_(Stakeholder.name_fold, Stakeholder.id), before is not None
    if (edge := before or after) is not None:
        name, number = paging.read_cursor(edge, (str, int))
        there = tuple_(literal(name), literal(number))
        # Said twice: a database that cannot seek by a pair still seeks by the name.
        near = Stakeholder.name_fold <= name if backwards else Stakeholder.name_fold >= name
        statement = statement.where(near, key < there if backwards else key > there)
    order = [
        column.desc() if backwards else column.asc() for column in (Stakeholder.name_fold, Stakeholder.id)
    ]
    rows = list(act.session.scalars(statement.order_by(*order).limit(LIMIT + 1)))
    further, rows = len(rows) > LIMIT, rows[:LIMIT]
    if backwards:
        rows.reverse()
    first, last = (_edge(rows[0]), _edge(rows[-1])) if rows else (None, None)
    return paging.Page(
        beside(act, rows),
        next=last if (backwards or further) else None,
        previous=first if (further if backwards else after is not None) else None,
    )


def named(act: Act, texts: list[str]) -> tuple[list[Stakeholder], list[str]]:
    """Who is meant by ids (`stk_…`), addresses or whole names, each once; and the texts that fit nobody or several."""
    wanted = [text.strip() for text in texts if text.strip()]
    if len(wanted) > NAMED_MAX:
        raise BadField("name at most 200 people at a time", pointer="/who")
    found: dict[int, Stakeholder] = {}
    unknown = []
    for text in wanted:
        fits = fitting(act, text, 2)
        if len(fits) == 1:
            found[fits[0].id] = fits[0]
        else:
            unknown.append(text)
    return list(found.values()), unknown


def fitting(act: Act, text: str, most: int) -> list[Stakeholder]:
    """Who may be meant by a text, by name: by their id; by their whole name; where nobody has it, by an address."""
    statement = involved(select(Stakeholder), Stakeholder.id, act.caller, READ)
    statement = statement.where(Stakeholder.state == "active").order_by(Stakeholder.name_fold, Stakeholder.id)
    if text.startswith("stk_"):
        try:
            return list(act.session.scalars(statement.where(Stakeholder.id == parse_id("stk", text))))
        except Invalid:
            return []
    called = statement.where(Stakeholder.name_fold == people.fold(text)).limit(most)
    if found := list(act.session.scalars(called)):
        return found
    held = select(Address.stakeholder_id).where(
        addresses.meant(text, channels.of_people()), Address.state == "active"
    )
    return list(act.session.scalars(statement.where(Stakeholder.id.in_(held)).limit(most)))


def by_ids(act: Act, numbers: Collection[int]) -> dict[int, Stakeholder]:
    """Those of these whom the caller reaches; merged records as they are, with the name they had."""
    wanted = select(Stakeholder).where(Stakeholder.id.in_(numbers), Stakeholder.state != "erased")
    return {one.id: one for one in act.session.scalars(involved(wanted, Stakeholder.id, act.caller, READ))}


def _filtered(
    act: Act,
    statement: Select[Any],
    *,
    state: str = "active",
    begins: str = "",
    kind: str = "",
    tag: str = "",
    speaks: str = "",
    role: str = "",
    programme_id: int | None = None,
) -> Select[Any]:
    """`begins` is how the name begins, in any capitals."""
    statement = statement.where(Stakeholder.state == state)
    if begins:
        statement = statement.where(_begins(act, people.fold(begins)))
    if kind:
        statement = statement.where(Stakeholder.kind == kind)
    if speaks:
        statement = statement.where(array_has_word(Stakeholder.languages, speaks))
    if tag:
        tagged = select(StakeholderTag.stakeholder_id).join(Tag, Tag.id == StakeholderTag.tag_id)
        statement = statement.where(Stakeholder.id.in_(tagged.where(Tag.name_fold == people.fold(tag))))
    return _in_programme(act, statement, programme_id, role)


def _in_programme(act: Act, statement: Select[Any], programme_id: int | None, role: str) -> Select[Any]:
    if programme_id is not None:
        act.need(READ, programme_id)
    if role:  # few have one, so the list begins from them
        playing = scoped(select(Involvement.stakeholder_id), Involvement.programme_id, act.caller, READ)
        playing = playing.where(Involvement.role == role)
        if programme_id is not None:
            playing = playing.where(Involvement.programme_id == programme_id)
        return statement.where(Stakeholder.id.in_(playing))
    if programme_id is None:
        return statement
    return statement.where(
        exists().where(Involvement.stakeholder_id == Stakeholder.id, Involvement.programme_id == programme_id)
    )


def _begins(act: Act, text: str) -> ColumnElement[bool]:
    name = Stakeholder.name_fold
    if act.session.get_bind().dialect.name == "sqlite":  # LIKE does not use the index there
        return and_(name >= text, name < text + LAST)
    return name.startswith(text, autoescape=True)


def beside(act: Act, rows: Collection[Stakeholder]) -> list[Listed]:
    """These people with what a list shows of them, in the same order."""
    listed = {row.id: Listed(row) for row in rows}
    held = select(Address).where(Address.stakeholder_id.in_(listed), Address.state == "active")
    for address in act.session.scalars(held.order_by(Address.id)):
        listed[address.stakeholder_id].addresses.append(address)
    tagged = select(StakeholderTag.stakeholder_id, Tag.name).join(Tag, Tag.id == StakeholderTag.tag_id)
    tagged = tagged.where(StakeholderTag.stakeholder_id.in_(listed)).order_by(Tag.name_fold)
    for number, name in act.session.execute(tagged):
        listed[number].tags.append(name)
    involvements = select(Involvement).where(Involvement.stakeholder_id.in_(listed))
    involvements = scoped(involvements, Involvement.programme_id, act.caller, READ)
    for one in act.session.scalars(involvements.order_by(Involvement.programme_id)):
        listed[one.stakeholder_id].involved.append(one)
    return list(listed.values())


def _edge(row: Stakeholder) -> str:
    return paging.cursor(row.name_fold, row.id)
