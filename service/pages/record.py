"""The record of one stakeholder: everything between us in one order, who they are, and what may be done about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Response, g, request
from sqlalchemy import select

from campaigns.errors import BadField, DomainError, NotFound
from campaigns.responses import attachments, intents, interactions, record
from campaigns.responses.answers import ANSWERABLE
from campaigns.responses.attachments import Kept
from campaigns.responses.tables import INTENTS, INTERACTION_KINDS
from campaigns.responses.tables import Response as Answer
from campaigns.stakeholders import addresses, fields, kin, people, relationships
from campaigns.stakeholders.tables import (
    BASES,
    CONNECTIONS,
    KINDS,
    PURPOSES,
    RANKS,
    RATINGS,
    ROLES,
    Stakeholder,
)

from .. import channels, ids
from ..acts import consents, listing, permissions_view, responses, segments, stakeholders, suppressions
from ..acts import relationships as relations
from . import attached, frame, typed
from . import tasks as todo
from .people import give, programme_names, refused, spoken

pages = frame.Pages("record")
PAGE = 30
# What the reader can choose to see alone, and the kinds of entries behind it.
FILTERS = {
    "sent": ("delivery", "delivery_event"),
    "heard": ("response",),
    "met": ("interaction",),
    "promised": ("commitment",),
    "agreed": ("agreement", "role", "intent", "review"),
    "consented": ("consent", "suppression"),
}


@pages.page("/people/<stk:number>")
def one(number: int, status: int = 200) -> Response:
    """The page a colleague reads five minutes before a meeting."""
    act, person = frame.act(), stakeholders.get(frame.act(), number)
    if person.id != number:  # merged into another record, which stands for both
        return frame.go("pages_record.one", number=person.id)
    shown = request.args.get("show", "")
    page = responses.engagement(
        act, number, limit=PAGE, after=request.args.get("after"), kinds=FILTERS.get(shown, record.KINDS)
    )
    involved = stakeholders.list_involvements(act, number, limit=50, after=None, before=None).rows
    return frame.show(
        "record", status, person=person, page=page, shown=shown, filters=list(FILTERS), involved=involved,
        programmes=programme_names(), intents=intents.latest(act.session, number),
        colleagues=relations.colleagues(act), promises=[p for p in relations.promises(act, number) if not p.outcome],
        addresses=addresses.of(act.session, number), tags=people.tags(act.session, number),
        memberships=_memberships(number), groups=segments.of(act, number), waiting=_waiting(number),
        permissions=permissions_view.of(act, number), stops=_stops(number),
        files=attachments.of(act.session, [one.id for one in page.rows if one.kind == "interaction"]),
        calls=listing.called(act, [entry.evidence.get("message_id") for entry in page.rows]),
        names=relations.names(act, [entry.evidence.get("by") for entry in page.rows]), today=act.now.date(),
        **todo.beside("stakeholder", number),
    )  # fmt: skip


@pages.page("/people/<stk:number>/answer/<rsp:response_id>", "POST")
def answer(number: int, response_id: int) -> Response:
    """Write back to something they sent."""
    act = frame.act()
    stakeholders.get(act, number)

    def done() -> Response:
        responses.answer(act, response_id, text=typed.text("answer"), subject="")
        return frame.go("pages_record.one", done="sent", number=number)

    return frame.trying(done) or one(number, 422)


@pages.page("/people/<stk:number>/contact", "GET", "POST", outside=True, form_max=attached.FORM_MAX)
def log(number: int) -> Response:
    """A meeting, a call, a letter: what no connector saw, and what was promised there."""
    done = attached.doing(lambda files: _logged(number, files)) if request.method == "POST" else None
    if done is not None:
        return done
    with frame.looking():
        hands = todo.hands(one.programme_id for one in _involved(number))
        return frame.show(
            "record_contact", refused(), person=stakeholders.get(frame.act(), number), kinds=INTERACTION_KINDS,
            old=None, programmes=_theirs(number, responses.WRITE), **hands,
        )  # fmt: skip


@pages.page(
    "/people/<stk:number>/contact/<itr:contact_id>", "GET", "POST", outside=True, form_max=attached.FORM_MAX
)
def correct(number: int, contact_id: int) -> Response:
    """Say better what was logged; the old entry stays."""

    def better(files: Sequence[Kept]) -> Response:
        stakeholders.get(frame.act(), number)
        old = responses.contact(frame.act(), contact_id, number)
        responses.correct_contact(frame.act(), old.id, files=files, **_contact())
        return frame.go("pages_record.one", done="saved", number=number)

    done = attached.doing(better) if request.method == "POST" else None
    if done is not None:
        return done
    with frame.looking():
        return frame.show(
            "record_contact", refused(), person=stakeholders.get(frame.act(), number), kinds=INTERACTION_KINDS,
            old=responses.contact(frame.act(), contact_id, number), programmes={},
        )  # fmt: skip


@pages.page("/people/<stk:number>/contact/<itr:contact_id>/files/<att:file_id>")
def file(number: int, contact_id: int, file_id: int) -> Response:
    """A file that belongs to a contact, to be saved: never shown in place."""
    stakeholders.get(frame.act(), number)
    return attached.served(responses.attachment(frame.act(), file_id, contact_id, number))


@pages.page("/people/<stk:number>/in/<prg:programme_id>", "GET", "POST")
def relationship(number: int, programme_id: int) -> Response:
    """Role, intention, owner, reviews and promises in one programme."""
    act, person = frame.act(), stakeholders.get(frame.act(), number)
    relation = relations.get(act, number, programme_id)
    if request.method == "POST":
        do = _RELATION.get(typed.text("do"), _unknown)
        if (done := frame.trying(lambda: do(number, programme_id))) is not None:
            return done
    due = act.now.date() + relationships.period(relation.role, relation.rank)
    return frame.show(
        "record_relation", refused(), person=person, relation=relation, programme_id=programme_id, next_on=due,
        programmes=programme_names(), roles=ROLES, ranks=RANKS, ratings=RATINGS, intents=INTENTS,
        said_roles=relationships.roles(act.session, number, programme_id),
        said_intents=intents.history(act.session, number, programme_id),
        reviews=relationships.reviews(act.session, number, programme_id),
        contacts=interactions.of(act.session, number, programme_id),
        promises=relations.promises(act, number, programme_id), colleagues=relations.colleagues(act),
        names=relations.names(act, []), today=act.now.date(),
    )  # fmt: skip


@pages.page("/people/<stk:number>/edit", "GET", "POST")
def edit(number: int) -> Response:
    """Who they are: name, addresses, languages, tags, what they belong to and take part in."""
    stakeholders.reached(frame.act(), number, stakeholders.WRITE)
    if request.method == "POST":
        do = _EDIT.get(typed.text("do"), _unknown_edit)
        if (done := frame.trying(lambda: do(number))) is not None:
            return done
    return _edited(number)


def _edited(number: int) -> Response:
    act, person = frame.act(), stakeholders.reached(frame.act(), number, stakeholders.WRITE)
    involved = stakeholders.list_involvements(act, number, limit=50, after=None, before=None).rows
    return frame.show(
        "record_edit", refused(), person=person, channels=channels.of_people(), kinds=KINDS,
        languages_known=spoken(person.languages),
        fields=fields.every(act.session), addresses=addresses.of(act.session, number),
        tags=people.tags(act.session, number), memberships=_memberships(number), involved=involved,
        programmes=programme_names(stakeholders.WRITE), connections=CONNECTIONS,
    )  # fmt: skip


@pages.page("/people/<stk:number>/erase", "POST", outside=True)
def erase(number: int) -> Response:
    """Erase them at their own wish; there is no way back."""
    try:
        stakeholders.erase(
            frame.wiring(),
            frame.caller(),
            number,
            reason=typed.text("reason"),
            request_id=g.get("request_id"),
        )
    except NotFound:
        raise
    except DomainError as error:
        frame.refuse(error)
        with frame.looking():
            return _edited(number)
    return frame.go("pages_people.everybody", done="erased")


@pages.page("/people/<stk:number>/permissions", "GET", "POST")
def permissions(number: int) -> Response:
    """Why we may write to them, for each purpose and channel; and where we do not contact them."""
    act, person = frame.act(), stakeholders.get(frame.act(), number)
    if request.method == "POST":
        do = _PERMISSIONS.get(typed.text("do"), _unknown_edit)
        if (done := frame.trying(lambda: do(number))) is not None:
            return done
    return frame.show(
        "record_permissions", refused(), person=person, permissions=permissions_view.of(act, number),
        stops=_stops(number), purposes=PURPOSES, bases=BASES, channels=permissions_view.channels(act, number),
        names=relations.names(act, []),
    )  # fmt: skip


# What the forms do.


def _logged(number: int, files: Sequence[Kept]) -> Response:
    act, programme_id = frame.act(), typed.number("prg", "programme_id")
    made = responses.log_contact(
        act, stakeholder=number, programme_id=programme_id, files=files, **_contact()
    )
    if typed.text("promise"):
        relations.promise(
            act, number, made.programme_id, ours=typed.text("who") != "theirs", text=typed.text("promise"),
            due_on=typed.day("due_on"), interaction_id=made.id,
        )  # fmt: skip
    if typed.text("title"):
        todo.given_with(made.programme_id, str(ids.shown("stakeholder", number)))
    return frame.go("pages_record.one", done="logged", number=number)


def _contact() -> dict[str, Any]:
    return {
        "kind": typed.text("kind"), "at": typed.moment("at"), "place": typed.text("place"),
        "notes": typed.text("notes"), "participants": typed.text("participants"),
    }  # fmt: skip


def _relation_page(number: int, programme_id: int, done: str = "saved") -> Response:
    return frame.go("pages_record.relationship", done=done, number=number, programme_id=programme_id)


def _role(number: int, programme_id: int) -> Response:
    said = {name: typed.text(name) for name in ("role", "rank", "rationale")}
    relations.set_role(frame.act(), number, programme_id, **said)
    return _relation_page(number, programme_id)


def _owners(number: int, programme_id: int) -> Response:
    owner, deputy = typed.number("usr", "owner"), typed.number("usr", "deputy")
    relations.set_owners(frame.act(), number, programme_id, owner_id=owner, deputy_id=deputy)
    return _relation_page(number, programme_id)


def _intent(number: int, programme_id: int) -> Response:
    relations.state_intent(
        frame.act(), number, programme_id, intent=typed.text("intent"), contribution=typed.text("contribution"),
        interaction_id=typed.number("itr", "interaction"),
    )  # fmt: skip
    return _relation_page(number, programme_id)


def _review(number: int, programme_id: int) -> Response:
    said = {name: typed.text(name) for name in ("findings", "rating", "decision")}
    relations.review(frame.act(), number, programme_id, next_on=typed.day("next_on"), **said)
    return _relation_page(number, programme_id)


def _promise(number: int, programme_id: int) -> Response:
    relations.promise(
        frame.act(), number, programme_id, ours=typed.text("who") != "theirs", text=typed.text("promise"),
        due_on=typed.day("due_on"), interaction_id=typed.number("itr", "interaction"),
    )  # fmt: skip
    return _relation_page(number, programme_id, "added")


def _end(number: int, programme_id: int) -> Response:
    made = typed.number("cmm", "promise_id") or 0
    relations.end_promise(
        frame.act(), made, outcome=typed.text("outcome"), evidence=typed.text("evidence"),
        evidence_id=typed.number("itr", "interaction"),
    )  # fmt: skip
    return _relation_page(number, programme_id)


def _unknown(number: int, programme_id: int) -> Response:
    raise BadField("this form is not known", pointer="/do")


_RELATION: dict[str, Callable[[int, int], Response]] = {
    "role": _role, "owners": _owners, "intent": _intent, "review": _review, "promise": _promise, "end": _end,
}  # fmt: skip


def _edit_page(number: int, done: str = "saved") -> Response:
    return frame.go("pages_record.edit", done=done, number=number)


def _details(number: int) -> Response:
    act = frame.act()
    values = {name: typed.text(name) for name in ("kind", "name")}
    stakeholders.change(
        act, number, int(typed.text("version") or 0) or None, languages=typed.several("languages"),
        zone=typed.text("zone") or None, attrs=_attrs(fields.every(act.session)), **values,
    )  # fmt: skip
    return frame.go("pages_record.one", done="saved", number=number)


def _attrs(known: dict[str, Any]) -> dict[str, Any]:
    """What the fields of the form say, each as its type is read; an empty one takes the value away."""
    found: dict[str, Any] = {}
    for name, field in known.items():
        given = typed.text(f"attrs/{name}")
        match field.type:
            case "multi":
                found[name] = typed.several(f"attrs/{name}") or None
            case "bool":
                found[name] = {"yes": True, "no": False}.get(given)
            case "number" if given:
                found[name] = _number(given, f"/attrs/{name}")
            case _:
                found[name] = given or None
    return found


def _number(given: str, pointer: str) -> int | float:
    try:
        return float(given) if "." in given else int(given)
    except ValueError as error:
        raise BadField("this must be a number", pointer=pointer) from error


def _add_address(number: int) -> Response:
    stakeholders.add_address(
        frame.act(), number, channel=typed.text("channel"), value=typed.text("value"),
        corporate=typed.text("corporate") == "1",
    )  # fmt: skip
    return _edit_page(number, "added")


def _retire_address(number: int) -> Response:
    stakeholders.retire_address(frame.act(), number, typed.number("adr", "address") or 0)
    return _edit_page(number)


def _tag(number: int) -> Response:
    for name in typed.words("tag"):
        stakeholders.tag(frame.act(), number, name)
    return _edit_page(number, "added")


def _untag(number: int) -> Response:
    stakeholders.untag(frame.act(), number, typed.text("name"))
    return _edit_page(number, "removed")


def _join(number: int) -> Response:
    person, other = (
        stakeholders.get(frame.act(), number),
        relations.somebody(frame.act(), typed.text("body"), "/body"),
    )
    pair = (number, other.id) if person.kind == "person" else (other.id, number)
    stakeholders.join(frame.act(), *pair, role=typed.text("body_role"), from_on=typed.day("from_on"))
    return _edit_page(number, "added")


def _leave(number: int) -> Response:
    stakeholders.leave(frame.act(), number, typed.number("mbr", "membership") or 0, None)
    return _edit_page(number)


def _involve(number: int) -> Response:
    programme_id = typed.number("prg", "programme_id")
    if programme_id is None:
        raise BadField("choose a programme", pointer="/programme_id")
    held = {one.programme_id: one for one in _involved(number)}.get(programme_id)
    stakeholders.involve(
        frame.act(), number, programme_id, connection=typed.text("connection") or "involved",
        rank=held.rank if held else None, note=held.note if held else "",
    )  # fmt: skip
    return _edit_page(number)


def _archive(number: int) -> Response:
    stakeholders.archive(frame.act(), number)
    return frame.go("pages_record.one", done="saved", number=number)


def _unknown_edit(number: int) -> Response:
    raise BadField("this form is not known", pointer="/do")


_EDIT: dict[str, Callable[[int], Response]] = {
    "details": _details, "add_address": _add_address, "retire_address": _retire_address, "tag": _tag,
    "untag": _untag, "join": _join, "leave": _leave, "involve": _involve, "archive": _archive,
}  # fmt: skip


def _permissions_page(number: int) -> Response:
    return frame.go("pages_record.permissions", done="saved", number=number)


def _give(number: int) -> Response:
    give(frame.act(), number, request.form)
    return _permissions_page(number)


def _withdraw(number: int) -> Response:
    consents.withdraw(
        frame.act(), stakeholder_id=number, purpose=typed.text("purpose"), channel=typed.text("channel"),
        source=typed.text("said_how"),
    )  # fmt: skip
    return _permissions_page(number)


def _stop(number: int) -> Response:
    suppressions.suppress(
        frame.act(), channel=typed.text("channel") or "*", stakeholder_id=number, reason=typed.text("reason"),
        origin="recipient" if typed.text("reason") in ("opt_out", "no_contact") else "customer",
        purpose=typed.text("purpose") or None, evidence={"note": typed.text("note")} if typed.text("note") else None,
    )  # fmt: skip
    return _permissions_page(number)


def _lift(number: int) -> Response:
    suppressions.lift(frame.act(), typed.number("sup", "suppression") or 0, why=typed.text("why"))
    return _permissions_page(number)


_PERMISSIONS: dict[str, Callable[[int], Response]] = {
    "give": _give, "withdraw": _withdraw, "stop": _stop, "lift": _lift,
}  # fmt: skip


# What the pages read.


def _involved(number: int) -> Any:
    return stakeholders.list_involvements(frame.act(), number, limit=50, after=None, before=None).rows


def _theirs(number: int, scope: str) -> dict[str, str]:
    """The programmes they are involved in where the reader has the scope, by public id."""
    mine = {ids.shown("programme", one.programme_id) for one in _involved(number)}
    known = programme_names(scope)
    return {key: name for key, name in known.items() if key in mine} or known


def _memberships(number: int) -> list[dict[str, Any]]:
    """What they belong to, or who belongs to them, each with the name of the other side."""
    act = frame.act()
    rows = stakeholders.list_memberships(act, number, limit=100, after=None, before=None).rows
    others = [row.body_id if row.person_id == number else row.person_id for row in rows]
    known = {
        one.id: one for one in act.session.scalars(select(Stakeholder).where(Stakeholder.id.in_(others)))
    }
    return [{"row": row, "other": known[other]} for row, other in zip(rows, others, strict=True)]


def _waiting(number: int) -> list[Answer]:
    """What they wrote that nobody has answered yet, as far as the reader may answer."""
    records = kin.records(frame.act().session, number)
    query = select(Answer).where(
        Answer.stakeholder_id.in_(records), Answer.kind.in_(ANSWERABLE), Answer.answered_at.is_(None),
        Answer.closed_at.is_(None),
    )  # fmt: skip
    rows = frame.act().session.scalars(query.order_by(Answer.at.desc()).limit(5))
    return [row for row in rows if frame.may(responses.WRITE, row.programme_id)]


def _stops(number: int) -> Any:
    if not frame.may(consents.READ):
        return []
    return suppressions.listed(
        frame.act(), limit=50, after=None, before=None, stakeholder_id=number, standing=True
    ).rows
