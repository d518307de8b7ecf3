"""What somebody is to others: from when to when, how we know, and who was linked with whom on any day."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, request

from campaigns.errors import BadField
from campaigns.stakeholders import kin
from campaigns.stakeholders.relations import TYPES

from ..acts import people_list, relations, relationships, stakeholders
from . import frame, typed
from .people import refused

pages = frame.Pages("relations")
STEPS = 2


@pages.page("/people/<stk:number>/relations", "GET", "POST")
def of(number: int) -> Response:
    """All relations of somebody, and the map around them on a day."""
    act, person = frame.act(), stakeholders.get(frame.act(), number)
    if request.method == "POST":
        do = _DO.get(typed.text("do"), _unknown)
        if (done := frame.trying(lambda: do(person.id))) is not None:
            return done
    held = relations.of(act, person.id)
    graph = relations.graph(act, around=person.id, on=_day(request.args.get("on", "")), steps=STEPS)
    known = people_list.by_ids(act, [one for row in held for one in (row.from_id, row.to_id)])
    return frame.show(
        "record_relations", refused(), person=person, held=held, graph=graph, types=TYPES,
        known=known | {one.id: one for one in graph.nodes}, records=kin.records(act.session, person.id),
        names=relationships.names(act, [one.by for one in held]), today=act.now.date(),
    )  # fmt: skip


def _day(text: str) -> date | None:
    """What an address of a page says of a day; anything else is today."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _added(number: int) -> Response:
    other = relationships.somebody(frame.act(), typed.text("other"), "/other")
    way = typed.text("way")
    from_id, to_id = (other.id, number) if way == "in" else (number, other.id)
    relations.create(
        frame.act(), from_id=from_id, to_id=to_id, type=typed.text("type"), both_ways=way == "both",
        from_on=typed.day("from_on"), to_on=typed.day("to_on"), source=typed.text("source"), note=typed.text("note"),
    )  # fmt: skip
    return frame.go("pages_relations.of", done="saved", number=number)


def _ended(number: int) -> Response:
    relations.end(frame.act(), _named(), typed.day("ended_on"))
    return frame.go("pages_relations.of", done="saved", number=number)


def _removed(number: int) -> Response:
    relations.remove(frame.act(), _named())
    return frame.go("pages_relations.of", done="removed", number=number)


def _named() -> int:
    found = typed.number("rel", "relation")
    if found is None:
        raise BadField("choose one of the list", pointer="/relation")
    return found


def _unknown(number: int) -> Response:
    raise BadField("this form is not known", pointer="/do")


_DO: dict[str, Any] = {"add": _added, "end": _ended, "remove": _removed}
