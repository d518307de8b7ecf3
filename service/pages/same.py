"""The same person twice: proposals, two records side by side, merging them, and two again."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from campaigns.errors import BadField
from campaigns.responses.merges import GONE, KEPT, left
from campaigns.stakeholders.duplicates import BY

from ..acts import merges, people_list, relationships, stakeholders
from . import frame, typed
from .people import refused

pages = frame.Pages("same")
FOUND_MAX = 20  # as many are offered to choose from


@pages.page("/people/twice")
def twice() -> Response:
    """Who may be on record twice, a piece of everybody at a time."""
    by = request.args.get("by", BY[0])
    page = merges.proposed(frame.act(), by=by if by in BY else BY[0], after=request.args.get("after"))
    return frame.show("people_twice", page=page, by=by, ways=BY)


@pages.page("/people/<stk:number>/same", "GET", "POST")
def of(number: int) -> Response:
    """Who one stakeholder may be as well, and what was merged into their record; `other` looks for somebody."""
    act, person = frame.act(), stakeholders.get(frame.act(), number)
    if request.method == "POST":
        do = _DO.get(typed.text("do"), _unknown)
        if (done := frame.trying(lambda: do(person.id))) is not None:
            return done
    looked = request.args.get("other", "").strip()
    found = people_list.fitting(act, looked, FOUND_MAX) if looked else []
    others = [one for one in found if one.id != person.id]
    if len(others) == 1:
        return frame.go("pages_same.compare", number=person.id, other_id=others[0].id)
    held = merges.of(act, person.id)
    gone = people_list.by_ids(act, [one.gone_id for one in held])
    return frame.show(
        "record_same", refused(), person=person, proposals=merges.proposed_for(act, person.id), merges=held,
        gone=gone, names=relationships.names(act, [one.by for one in held]),
        looked=looked, itself=bool(found), found=people_list.beside(act, others),
    )  # fmt: skip


@pages.page("/people/<stk:number>/same/<stk:other_id>", "GET", "POST")
def compare(number: int, other_id: int) -> Response:
    """Two records side by side: which is kept, and whose word counts where they differ."""
    act = frame.act()
    one, other, differ = merges.compared(act, number, other_id)
    if one.id == other.id:
        return frame.go("pages_same.of", number=one.id)
    if request.method == "POST":
        done = frame.trying(lambda: _merged(one.id, other.id, list(differ)))
        if done is not None:
            return done
    return frame.show(
        "record_compare", refused(), person=one, other=other, differ=differ,
        sides=[merges.side(act, one), merges.side(act, other)],
    )  # fmt: skip


def _merged(one_id: int, other_id: int, asked: list[str]) -> Response:
    """`keep` and each `take/…` say `one` or `other`."""
    if (keep := typed.text("keep")) not in ("one", "other"):
        raise BadField("choose which record is kept", pointer="/keep")
    kept, gone = (one_id, other_id) if keep == "one" else (other_id, one_id)
    chosen = {name: typed.text(f"take/{name}") for name in asked}
    take = {name: KEPT if whose == keep else GONE for name, whose in chosen.items() if whose}
    merges.merge(frame.act(), kept_id=kept, gone_id=gone, take=take, reason=typed.text("reason"))
    return frame.go("pages_record.one", done="merged", number=kept)


def _distinct(number: int) -> Response:
    other = typed.number("stk", "other_id")
    if other is None:
        raise BadField("name two records", pointer="/other_id")
    merges.say_distinct(frame.act(), number, other)
    if typed.text("back") == "twice":
        return frame.go("pages_same.twice", done="decided")
    return frame.go("pages_same.of", done="decided", number=number)


def _undone(number: int) -> Response:
    merge_id = typed.number("mrg", "merge")
    if merge_id is None:
        raise BadField("choose one of the list", pointer="/merge")
    made = merges.undo(frame.act(), merge_id, typed.text("reason"))
    return frame.go("pages_same.of", done="unmerged-but" if left(made) else "unmerged", number=number)


def _unknown(number: int) -> Response:
    raise BadField("this form is not known", pointer="/do")


_DO: dict[str, Any] = {"distinct": _distinct, "undo": _undone}
