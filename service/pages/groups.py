"""Groups: by a rule that is put together from rows, or picked by hand; who is in, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from flask import Response, g, request
from sqlalchemy import exists, select

from campaigns.errors import BadField, DomainError
from campaigns.stakeholders import fields
from campaigns.stakeholders.tables import PURPOSES, Involvement, Segment, Stakeholder, StakeholderTag, Tag

from .. import channels, ids
from ..acts import Act, begin, people_list, relationships, segments
from . import frame, rule_form, typed
from .people import group_names, programme_names, refused, spoken

pages = frame.Pages("groups")
BODIES_MAX = 200
SAMPLE = 8
BODIES = ("group", "community", "organisation")
TAGS_MAX = 500


@pages.page("/groups")
def every() -> Response:
    """The groups with how many are in each."""
    act, args = frame.act(), request.args
    page = segments.listed(
        act, limit=50, after=args.get("after"), before=args.get("before"),
        state="archived" if args.get("state") == "archived" else "active",
        programme_id=typed.number("prg", "programme", held=args.get("programme", "")),
    )  # fmt: skip
    return frame.show("groups", page=page, programmes=programme_names(segments.READ))


@pages.page("/groups/new", "GET", "POST", outside=True)
def new() -> Response:
    """A new group, by rule or by hand."""
    return _build(None)


@pages.page("/groups/<seg:number>/edit", "GET", "POST", outside=True)
def edit(number: int) -> Response:
    """Another name or another rule."""
    return _build(number)


@pages.page("/groups/<seg:number>", "GET", "POST")
def one(number: int) -> Response:
    """Who is in, how many are also in another group, and why somebody is in or out."""
    act = frame.act()
    segments.get(act, number)
    if request.method == "POST":
        do = {"add": _add, "drop": _drop, "archive": _archive}.get(typed.text("do"), _unknown)
        if (done := frame.trying(lambda: do(number))) is not None:
            return done
    found, args = segments.get(act, number), request.args
    other = typed.number("seg", "with", held=args.get("with", ""))
    who, why = _explained(number, args.get("who", "").strip())
    count, counted_at = segments.told(act, number)
    return frame.show(
        "group", refused(), group=found, count=count, counted_at=counted_at, asked=who, why=why,
        page=segments.members(act, number, limit=25, after=args.get("after"), before=args.get("before")),
        
        rule=None if found.rule is None else rule_form.shown(found.rule), programmes=programme_names(segments.READ),
        other=segments.get(act, other) if other else None, both=segments.overlap(act, number, other) if other else 0,
        
        groups=[pair for pair in group_names() if pair[0] != ids.shown("segment", number)],
        **_named(found.programme_id),
    )  # fmt: skip


@pages.page("/groups/gather", "GET", "POST")
def gather() -> Response:
    """Put people who were chosen in a list into a group that is picked by hand."""
    if request.method == "POST" and (done := frame.trying(_gathered)) is not None:
        return done
    chosen, _ = people_list.named(frame.act(), request.values.getlist("who"))
    return frame.show(
        "group_gather", refused(), chosen=chosen, groups=group_names("picked"),
        programmes=programme_names(segments.WRITE),
    )  # fmt: skip


def _build(number: int | None) -> Response:
    save = request.method == "POST" and typed.text("do") in ("save", "picked")
    with _transaction(writes=save):
        act = frame.act()
        held = segments.get(act, number, segments.WRITE) if number is not None else None
        if save and (done := frame.trying(lambda: _saved(held))) is not None:
            return done
        return _builder(act, held)


def _builder(act: Act, held: Segment | None) -> Response:
    programmes = programme_names(segments.WRITE)
    programme_id = held.programme_id if held else _programme(programmes)
    known = fields.every(act.session)
    askable = segments.askable(act, programme_id) if programme_id is not None else {}
    tree = rule_form.tidy(_tree(held), askable) if askable else rule_form.empty()
    count, counted_at, sample = _found(act, held, programme_id, tree, known)
    said = g.get("said")
    return frame.show(
        "group_edit", refused(), group=held, tree=tree, askable=askable, count=count, sample=sample,
        counted_at=counted_at,
        programmes=programmes, programme_id=programme_id, wrong_at=rule_form.path_of(said["pointer"]) if said else "",
        widget=lambda part: rule_form.widget(part, known), root=rule_form.ROOT, **_named(programme_id),
    )  # fmt: skip


def _tree(held: Segment | None) -> rule_form.Part:
    if request.method == "POST" and f"{rule_form.ROOT}.join" in request.form:
        return rule_form.changed(rule_form.read(request.form), typed.text("do"))
    return rule_form.shown(held.rule) if held is not None and held.rule is not None else rule_form.empty()


def _found(
    act: Act, held: Segment | None, programme_id: int | None, tree: rule_form.Part, known: Any
) -> tuple[int | None, datetime | None, list[Stakeholder]]:
    """How many are found, when that was counted (None: now), and some of them."""
    if held is not None and request.method == "GET":
        return *segments.told(act, held.id), list(segments.members(act, held.id, limit=SAMPLE).rows)
    count, sample = _looked(act, programme_id, tree, known)
    return count, None, sample


def _looked(
    act: Act, programme_id: int | None, tree: rule_form.Part, known: Any
) -> tuple[int | None, list[Stakeholder]]:
    """How many the rule finds and some of them; None while it is not complete."""
    if programme_id is None or not rule_form.complete(tree):
        return None, []
    try:
        return segments.draft(act, programme_id, rule_form.rule(tree, known))
    except DomainError as error:
        if not g.get("said"):
            frame.refuse(error)
        return None, []


def _saved(held: Segment | None) -> Response:
    act = frame.act()
    rule = None
    if typed.text("do") == "save" and (held is None or held.kind == "rule"):
        rule = rule_form.rule(rule_form.read(request.form), fields.every(act.session))
    if held is None:
        programme_id = typed.number("prg", "programme_id")
        made = segments.create(act, name=typed.text("name"), programme_id=programme_id, rule=rule)
    else:
        values = {"name": typed.text("name")} | ({} if rule is None else {"rule": rule})
        made = segments.change(act, held.id, int(typed.text("version") or 0) or None, **values)
    segments.recount(act, made.id)
    return frame.go("pages_groups.one", done="saved", number=made.id)


def _programme(programmes: dict[str, str]) -> int | None:
    """The programme a new group is for: the one chosen, else the first there is."""
    chosen = request.values.get("programme_id", "")
    return typed.number(
        "prg", "programme_id", held=chosen if chosen in programmes else next(iter(programmes), "")
    )


def _add(number: int) -> Response:
    act = frame.act()
    found, unknown = people_list.named(act, typed.words("names"))
    if unknown or not found:
        raise BadField(
            "nobody, or more than one, is known by one of these: write whole names, addresses or numbers stk_…",
            pointer="/names",
        )
    segments.pick(act, number, stakeholders=[person.id for person in found])
    segments.recount(act, number)
    return frame.go("pages_groups.one", done="added", number=number)


def _drop(number: int) -> Response:
    segments.unpick(frame.act(), number, typed.number("stk", "person") or 0)
    segments.recount(frame.act(), number)
    return frame.go("pages_groups.one", done="removed", number=number)


def _archive(number: int) -> Response:
    segments.archive(frame.act(), number)
    return frame.go("pages_groups.every", done="removed")


def _unknown(number: int) -> Response:
    raise BadField("this form is not known", pointer="/do")


def _gathered() -> Response:
    act, number = frame.act(), typed.number("seg", "group")
    if number is None:
        programme_id = typed.number("prg", "programme_id")
        number = segments.create(act, name=typed.text("name"), programme_id=programme_id).id
    found, _ = people_list.named(act, typed.several("who"))
    segments.pick(act, number, stakeholders=[person.id for person in found])
    segments.recount(act, number)
    return frame.go("pages_groups.one", done="added", number=number)


def _explained(number: int, text: str) -> tuple[Stakeholder | None, dict[str, Any] | None]:
    """Somebody who was asked about, and why they are in or out."""
    if not text:
        return None, None
    try:
        who = relationships.somebody(frame.act(), text, "/who")
    except DomainError as error:
        frame.refuse(error)
        return None, None
    return who, segments.explain(frame.act(), number, who.id)


def _named(programme_id: int | None) -> dict[str, Any]:
    """What rows are chosen from, and the names of what they name."""
    act = frame.act()
    member = exists().where(
        Involvement.stakeholder_id == Stakeholder.id, Involvement.programme_id == programme_id
    )
    bodies = select(Stakeholder.id, Stakeholder.name).where(
        Stakeholder.kind.in_(BODIES), Stakeholder.state == "active", member
    )
    rows = act.session.execute(bodies.order_by(Stakeholder.name_fold).limit(BODIES_MAX))
    here = (
        StakeholderTag.stakeholder_id == Involvement.stakeholder_id,
        Involvement.programme_id == programme_id,
    )
    used = exists().where(StakeholderTag.tag_id == Tag.id, *here)
    tags = select(Tag.name).where(used).order_by(Tag.name_fold).limit(TAGS_MAX)
    return {
        "bodies": {str(ids.shown("stakeholder", number)): name for number, name in rows},
        "colleagues": {str(ids.shown("user", key)): name for key, name in relationships.colleagues(act).items()},
        "tags": list(act.session.scalars(tags)), "languages_known": spoken(), "channels": channels.of_people(),
        "purposes": PURPOSES,
    }  # fmt: skip


@contextmanager
def _transaction(*, writes: bool) -> Iterator[None]:
    """Looking at a rule reads only, so that nobody who writes waits while it is counted."""
    wiring, request_id = frame.wiring(), g.get("request_id")
    if writes:
        with begin(wiring, frame.caller(), request_id=request_id) as g.act:
            yield
    else:
        with wiring.database.read() as session:
            g.act = Act(wiring, frame.caller(), session, wiring.now(), request_id)
            yield
