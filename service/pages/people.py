"""People and organisations: find them, add somebody, the lists of what is missing, and a contact with several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import Response, g, request

from campaigns.errors import BadField
from campaigns.responses.attachments import Kept
from campaigns.responses.tables import INTERACTION_KINDS
from campaigns.stakeholders import calling
from campaigns.stakeholders.tables import KINDS, ROLES

from .. import ids, paging
from ..acts import consents, people_list, programmes, relationships, responses, segments, stakeholders
from ..acts.imports import home_country
from . import attached, frame, typed

pages = frame.Pages("people")
# Reviews are shown this long before they are due.
SOON = timedelta(days=14)
GATHER_MAX = 200
ALIKE_MAX = 5  # as many who may be somebody already are shown
# Languages to choose from; any other tag comes in by a file or the API.
OFFERED = (
    "cy",
    "en",
    "ar",
    "bn",
    "bfi",
    "fa",
    "fr",
    "ku",
    "pa",
    "pl",
    "pt",
    "ro",
    "so",
    "ti",
    "tr",
    "uk",
    "ur",
    "zh",
)


@pages.page("/people")
def everybody() -> Response:
    """The list, with a filter by how the name begins."""
    act, args = frame.act(), request.args
    filters = {name: args.get(name, "").strip() for name in ("begins", "kind", "tag", "speaks", "role")}
    programme_id = typed.number("prg", "programme", held=args.get("programme", ""))
    state = "archived" if args.get("state") == "archived" else "active"
    page = people_list.by_name(
        act, programme_id=programme_id, state=state, after=args.get("after"), before=args.get("before"),
        **{name: value for name, value in filters.items() if value},
    )  # fmt: skip
    return frame.show(
        "people", page=page, kinds=KINDS, roles=ROLES, programmes=programme_names(), programme_id=programme_id,
        colleagues=relationships.colleagues(act), languages_known=spoken(), filtered=any(filters.values()),
    )  # fmt: skip


@pages.page("/people/new", "GET", "POST")
def new() -> Response:
    """Somebody new, with an address and why we may write to them."""
    return (frame.trying(_add) if request.method == "POST" else None) or frame.show(
        "people_new", refused(), kinds=KINDS, programmes=programme_names(stakeholders.WRITE), languages_known=spoken(),
        alike=g.get("alike", ()),
    )  # fmt: skip


@pages.page("/people/owners")
def without_owner() -> Response:
    """Relationships that nobody answers for."""
    role = request.args.get("role") or None
    return _missing("owners", lambda **page: relationships.without_owner(frame.act(), role=role, **page))


@pages.page("/people/reviews")
def reviews() -> Response:
    """Relationships to be looked at, the longest overdue first."""
    until = frame.wiring().now().date() + SOON
    mine = request.args.get("mine") == "1"
    return _missing(
        "reviews", lambda **page: relationships.reviews_due(frame.act(), until, mine=mine, **page)
    )


@pages.page("/people/undelivered")
def undelivered() -> Response:
    """Committed, and nothing delivered yet."""
    return _missing("undelivered", lambda **page: relationships.undelivered(frame.act(), **page))


@pages.page("/people/promises")
def promises() -> Response:
    """Promises still open, ours and theirs."""
    return _missing("promises", lambda **page: relationships.open_promises(frame.act(), **page))


@pages.page("/people/contact", "GET", "POST", outside=True, form_max=attached.FORM_MAX)
def contact() -> Response:
    """The same meeting, call or event on the records of several people."""
    done = attached.doing(_log_several) if request.method == "POST" else None
    if done is not None:
        return done
    with frame.looking():
        return _contact_form()


def _contact_form() -> Response:
    chosen = request.values.getlist("who")
    group = typed.number("seg", "group", held=request.values.get("group", ""))
    if group is not None and request.method == "GET":
        members = segments.members(frame.act(), group, limit=GATHER_MAX, after=None, before=None)
        chosen += [str(ids.shown("stakeholder", one.id)) for one in members.rows]
    known, _ = people_list.named(frame.act(), list(dict.fromkeys(chosen))[:GATHER_MAX])
    return frame.show(
        "people_contact", refused(), chosen=known, kinds=INTERACTION_KINDS,
        programmes=programme_names(responses.WRITE), groups=group_names(),
    )  # fmt: skip


def refused() -> int:
    """The status of a form that is shown again."""
    return 422 if g.get("said") and request.method == "POST" else 200


def programme_names(scope: str = stakeholders.READ) -> dict[str, str]:
    """The programmes where the reader has this scope, by their public id."""
    return dict(programmes.choices(frame.act(), scope))


def group_names(kind: str | None = None) -> list[tuple[str, str]]:
    """The groups the reader sees, as choices; `kind` picked or rule."""
    rows = segments.listed(frame.act(), limit=paging.LIMIT_MAX, after=None, before=None, state="active").rows
    return [(str(ids.shown("segment", row.id)), row.name) for row in rows if kind in (None, row.kind)]


def spoken(known: Sequence[str] = ()) -> list[str]:
    """Languages that are offered to choose from: those somebody has, then those met most."""
    return list(dict.fromkeys([*known, *OFFERED]))


def _missing(which: str, read: Callable[..., paging.Page]) -> Response:
    act, args = frame.act(), request.args
    programme_id = typed.number("prg", "programme", held=args.get("programme", ""))
    page = read(programme_id=programme_id, after=args.get("after"))
    return frame.show(
        "people_missing", which=which, page=page, programmes=programme_names(), roles=ROLES,
        programme_id=programme_id, colleagues=relationships.colleagues(act), today=act.now.date(),
    )  # fmt: skip


def _add() -> Response:
    act, address = frame.act(), typed.text("address")
    with stakeholders.within("/mobile", whole=True):
        mobile = calling.international(typed.text("mobile"), home_country(act.wiring))
    if typed.text("anyway") != "1":
        _look_first(typed.text("name"), address, mobile)
    made = stakeholders.create(
        act, programme_id=typed.number("prg", "programme_id"), kind=typed.text("kind") or "person",
        name=typed.text("name") or address or mobile, languages=typed.several("languages"), source="page",
        tags=typed.words("tags"), addresses=[],
    )  # fmt: skip
    if address:
        corporate = typed.text("corporate") == "1"
        with stakeholders.within("/address", whole=True):
            stakeholders.add_address(act, made.id, channel="email", value=address, corporate=corporate)
    if mobile:
        with stakeholders.within("/mobile", whole=True):
            stakeholders.add_address(act, made.id, channel="sms", value=mobile)
    if typed.text("basis"):
        give(act, made.id, request.form)
    return frame.go("pages_record.one", done="added", number=made.id)


def _look_first(*typed_in: str) -> None:
    """Stop where somebody has this name or address already, and show who."""
    act = frame.act()
    known = {one.id: one for text in typed_in if text for one in people_list.fitting(act, text, ALIKE_MAX)}
    if known:
        g.alike = people_list.beside(act, known.values())
        raise BadField(
            "somebody on record has this name or address already: look, or say that this is somebody else",
            pointer="/anyway",
        )


def give(act: Any, stakeholder_id: int, form: Mapping[str, str]) -> None:
    """Record why we may write to somebody, as the fields of `permission_fields` say it."""
    consents.give(
        act, stakeholder_id=stakeholder_id, purpose=form.get("purpose", "direct_marketing"),
        channel=form.get("channel") or "email", basis=form.get("basis", ""), source=form.get("source", ""),
        wording_version=form.get("wording", "").strip() or None,
    )  # fmt: skip


def _log_several(files: Sequence[Kept]) -> Response:
    act = frame.act()
    found, unknown = people_list.named(act, [*typed.several("who"), *typed.words("others")])
    g.unknown = unknown
    logged = responses.log_several(
        act, [one.id for one in found], unknown=unknown, programme_id=typed.number("prg", "programme_id"),
        kind=typed.text("kind"), at=typed.moment("at"), place=typed.text("place"), notes=typed.text("notes"),
        participants=typed.text("participants"), files=files,
    )  # fmt: skip
    if typed.text("promise"):
        for one in logged:
            relationships.promise(
                act, one.stakeholder_id, one.programme_id, ours=True, text=typed.text("promise"),
                due_on=typed.day("due_on"), interaction_id=one.id,
            )  # fmt: skip
    return frame.go("pages_people.everybody", done="logged")
