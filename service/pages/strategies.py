"""Strategies: documents that are agreed in versions, and policies that messages stand under."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from typing import Any

from flask import Response, g, request

from campaigns.base import public_id
from campaigns.errors import BadField, Invalid
from campaigns.strategies import differences
from campaigns.strategies import strategies as domain
from campaigns.strategies.tables import PARTS, Party, Strategy, StrategyVersion

from .. import ids
from ..acts import listing, names, programmes, segments, strategies
from ..permissions import ROLES
from . import frame
from . import tasks as todo

pages = frame.Pages("strategies")
READ, WRITE = strategies.READ, strategies.WRITE
# Roles that can be a party: whoever may agree.
PARTY_ROLES = tuple(role for role, scopes in ROLES.items() if strategies.AGREE in scopes)


@pages.page("/strategies")
def listed() -> Response:
    """Every strategy, by programme, and how far it is."""
    act = frame.act()
    page = strategies.listed(
        act, limit=100, after=request.args.get("after"), before=request.args.get("before"),
        programme_id=ids.number("programme", request.args.get("programme")),
        state="archived" if request.args.get("state") == "archived" else "active",
    )  # fmt: skip
    return frame.show(
        "strategies", page=page, standings=strategies.standings(act, page.rows),
        programmes=programmes.choices(act, READ), segments=segments.names(act, [one.segment_id for one in page.rows]),
    )  # fmt: skip


@pages.page("/strategies/new", "GET", "POST")
def new() -> Response:
    """Begin a strategy: for which programme, then for whom."""
    if request.method == "POST" and (made := frame.trying(_created)):
        return made
    act = frame.act()
    choices = programmes.choices(act, WRITE)
    place = request.values.get("programme") or (choices[0][0] if len(choices) == 1 else "")
    groups = segments.choices(act, ids.number("programme", place)) if place else []
    return frame.show(
        "strategy_new", 422 if g.get("said") else 200, programmes=choices, place=place, groups=groups
    )


@pages.page("/strategies/<str:number>", "GET", "POST")
def one(number: int) -> Response:
    """One version as a document, who agreed, what was said about it; and what can be done with it."""
    if request.method == "POST":
        done = frame.trying(lambda: _acts().get(request.form.get("act", ""), _nothing)(number))
        if done is not None:
            return done
    return _document(number)


@pages.page("/strategies/<str:number>/edit", "GET", "POST")
def edit(number: int) -> Response:
    """The next version: a field for each section, beginning with the newest or with one's own draft."""
    if request.method == "POST" and (done := frame.trying(lambda: _written(number))):
        return done
    act = frame.act()
    found = strategies.get(act, number, WRITE)
    newest, draft = next(iter(strategies.versions(act, number)), None), strategies.draft(act, number)
    body = draft.body if draft else newest.body if newest else {}
    return frame.show(
        "strategy_edit", 422 if g.get("said") else 200, found=found, body=body, draft=draft, newest=newest,
        texts=domain.TEXTS, lists=domain.LISTS, sections=domain.SECTIONS,
    )  # fmt: skip


@pages.page("/strategies/<str:number>/compare")
def compare(number: int) -> Response:
    """Two versions side by side, with what was taken out and what is new."""
    act = frame.act()
    found, versions = strategies.get(act, number), strategies.versions(act, number)
    numbers = [one.n for one in versions]
    new = _version_asked("b", numbers, numbers[:1])
    old = _version_asked("a", numbers, [n for n in numbers if new is None or n < new][:1] or numbers[-1:])
    by_n = {one.n: one for one in versions}
    changes = differences.bodies(by_n[old].body, by_n[new].body) if old and new else []
    return frame.show("strategy_compare", found=found, versions=versions, old=old, new=new, changes=changes)


@pages.page("/strategies/<str:number>/parties", "GET", "POST")
def parties(number: int) -> Response:
    """Who must agree, who is asked and who is told."""
    if request.method == "POST" and (done := frame.trying(lambda: _set_parties(number))):
        return done
    act = frame.act()
    found = strategies.get(act, number, WRITE)
    return frame.show(
        "strategy_parties", 422 if g.get("said") else 200, found=found, parties=strategies.parties(act, number),
        colleagues=programmes.colleagues(act, found.programme_id), roles=PARTY_ROLES, all_parts=PARTS,
        outside=names.called(act, request.args.get("find", "")),
    )  # fmt: skip


def _document(number: int, link: dict[str, Any] | None = None) -> Response:
    act = frame.act()
    found, versions = strategies.get(act, number), strategies.versions(act, number)
    asked = _version_asked("n", [one.n for one in versions], [one.n for one in versions[:1]])
    read = next((one for one in versions if one.n == asked), None)
    said = strategies.comments(act, number, read.n) if read else []
    positions = strategies.positions(act, number, read.n) if read else []
    uses = strategies.uses(act, number) if frame.may("messages:read", found.programme_id) else []
    who: list[str | None] = [one.author for one in versions]
    summons = strategies.summons(act, said)
    who += [name for one in said for name in (one.by, one.answered_by, *summons[one.id])]
    who += [name for one in positions if (a := one.agreement) for name in (a.by, a.recorded_by)]
    return frame.show(
        "strategy", 422 if g.get("said") else 200, found=found, versions=versions, read=read, comments=said,
        positions=positions, standing=strategies.standings(act, [found])[found.id], link=link,
        plays={one.party.id for one in positions if _plays(found, one.party, read)},
        place=programmes.name_of(act, found.programme_id), sections=domain.SECTIONS, names=names.of(act, who),
        group=segments.names(act, [found.segment_id]).get(found.segment_id, ""), me=frame.caller().actor,
        summons=summons, colleagues=programmes.colleagues(act, found.programme_id),
        asked=[one for one in said if one.asks and one.settled_at is None],
        **todo.beside("strategy", number),
        uses=uses, calls=listing.called(act, [one.id for one in uses]),
    )  # fmt: skip


def _plays(found: Strategy, party: Party, read: StrategyVersion | None) -> bool:
    """Whether the reader can decide this part here; an author does not for a role."""
    mine = read is not None and (party.kind != "role" or read.author != frame.caller().actor)
    return mine and strategies.plays(frame.act(), found, party)


def _version_asked(name: str, numbers: list[int], usual: list[int]) -> int | None:
    text = request.values.get(name, "")
    wanted = int(text) if text.isdecimal() and len(text) < 10 else 0
    return wanted if wanted in numbers else next(iter(usual), None)


def _created() -> Response:
    act, form = frame.act(), request.form
    made = strategies.create(
        act, name=form.get("name", ""), segment_id=ids.number("segment", form.get("segment_id")),
        programme_id=ids.number("programme", form.get("programme")),
    )  # fmt: skip
    return frame.go("pages_strategies.edit", number=made.id, done="added")


def _acts() -> dict[str, Callable[[int], Response]]:
    return {
        "decide": _decided,
        "record": _recorded,
        "invite": _invited,
        "comment": _commented,
        "answer": _answered,
        "settle": _settled,
        "archive": _archived,
    }


def _nothing(number: int) -> Response:
    """A form that asks for nothing we know."""
    return frame.go("pages_strategies.one", number=strategies.get(frame.act(), number).id)


def _decided(number: int) -> Response:
    return _decision(number, None, "")


def _recorded(number: int) -> Response:
    return _decision(number, request.form.get("evidence", ""), request.form.get("by", ""))


def _decision(number: int, evidence: str | None, by: str) -> Response:
    form = request.form
    strategies.decide(
        frame.act(), number, _n(), party=ids.number("party", form.get("party")) or 0,
        decision=form.get("decision", ""), digest=form.get("digest", ""), reason=form.get("reason", ""),
        evidence=evidence, by=by,
    )  # fmt: skip
    return _back(number, "decided")


def _invited(number: int) -> Response:
    """Shows the link on the page that answers: it is not kept, so there is no other time."""
    act, days = frame.act(), request.form.get("days", "")
    party = ids.number("party", request.form.get("party")) or 0
    link = strategies.invite(act, number, _n(), party=party, days=int(days) if days.isdecimal() else 0)
    asked = next(one for one in strategies.parties(act, number) if one.id == party)
    return _document(number, link | {"label": asked.label, "email": strategies.mail_of(act, asked)})


def _commented(number: int) -> Response:
    section = request.form.get("section", "")
    strategies.comment(
        frame.act(), number, _n(), section=section, text=request.form.get("text", ""),
        asks=bool(request.form.get("asks")), call=request.form.get("call", ""),
    )  # fmt: skip
    return _back(number, "added", section)


def _answered(number: int) -> Response:
    comment = ids.number("comment", request.form.get("comment")) or 0
    found = strategies.answer(frame.act(), number, _n(), comment, text=request.form.get("text", ""))
    return _back(number, "saved", found.section)


def _settled(number: int) -> Response:
    comment = ids.number("comment", request.form.get("comment")) or 0
    found = strategies.settle(frame.act(), number, _n(), comment)
    return _back(number, "saved", found.section)


def _archived(number: int) -> Response:
    strategies.archive(frame.act(), number)
    return frame.go("pages_strategies.listed", done="archived")


def _n() -> int:
    text = request.form.get("n", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _back(number: int, done: str, section: str = "") -> Response:
    return frame.go("pages_strategies.one", number=number, n=_n(), done=done, _anchor=section or None)


def _written(number: int) -> Response:
    act, chosen = frame.act(), request.form.get("act", "")
    if chosen == "drop":
        strategies.drop_draft(act, number)
        return frame.go("pages_strategies.one", number=number, done="removed")
    try:
        if chosen == "draft":
            strategies.keep_draft(act, number, _body())
            return frame.go("pages_strategies.edit", number=number, done="saved")
        made = strategies.new_version(act, number, _body())
    except Invalid as error:
        error.pointer = (error.pointer or "").removeprefix("/body")
        raise
    return frame.go("pages_strategies.one", number=number, n=made.n, done="saved")


def _body() -> dict[str, Any]:
    """The sections as a form has them: a list has one item on each line, and what is empty is left out."""
    form = request.form
    body: dict[str, Any] = {}
    for section in domain.SECTIONS:
        text = form.get(section, "").strip()
        if text:
            body[section] = (
                [line.strip() for line in text.split("\n") if line.strip()]
                if section in domain.LISTS
                else text
            )
    return body


def _set_parties(number: int) -> Response:
    act, form = frame.act(), request.form
    wanted = [
        _party(one)
        for one in strategies.parties(act, number)
        if f"remove-{ids.shown('party', one.id)}" not in form
    ]
    added = form.get("add", "")
    if added:
        kind, _colon, ref = added.partition(":")
        labels = dict(programmes.colleagues(act, strategies.get(act, number).programme_id))
        wanted.append(
            {"kind": kind, "ref": ref, "part": form.get("add-part", PARTS[0]),
             "label": form.get("add-label", "").strip() or labels.get(ref), "answer_by_at": _until("add-answer")}
        )  # fmt: skip
    strategies.set_parties(act, number, wanted)
    return frame.go("pages_strategies.parties", number=number, done="saved")


def _party(party: Party) -> dict[str, Any]:
    """A party as its row of the form says; one that has no row stays as it is."""
    key, form = ids.shown("party", party.id), request.form
    kept = f"part-{key}" not in form
    return {
        "kind": party.kind,
        "ref": public_id("stk", int(party.ref)) if party.kind == "stakeholder" else party.ref,
        "part": party.part if kept else form[f"part-{key}"],
        "label": party.label,
        "answer_by_at": party.answer_by_at if kept else _until(f"answer-{key}"),
        "deputy": party.deputy if kept else form.get(f"deputy-{key}") or None,
    }


def _until(name: str) -> datetime | None:
    """The end of a day as the reader's zone has it."""
    text = request.form.get(name, "")
    if not text:
        return None
    try:
        return datetime.combine(datetime.fromisoformat(text).date(), time(23, 59), frame.reader_zone())
    except ValueError:
        raise BadField("this is no date: choose a day", pointer=f"/{name}") from None
