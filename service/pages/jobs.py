"""Imports and exports: how far each is, and files to take away: of one person, of a programme, or of everything."""

from __future__ import annotations

from flask import Response, g, request, send_file

from campaigns.errors import DomainError

from .. import acts, ids
from ..acts import exports, jobs, media, names, stakeholders
from ..tables import Export
from . import frame, typed
from .imports import PASTED
from .people import programme_names, refused

pages = frame.Pages("jobs")


@pages.page("/settings/jobs")
def every() -> Response:
    """The latest imports and exports, and a way to take everything out."""
    found = jobs.listed(frame.act(), limit=50)
    can = frame.may(exports.EXPORT)
    return frame.show(
        "jobs", refused(), jobs=found, pasted=PASTED, names=names.of(frame.act(), [job.actor for job in found]),
        programmes=programme_names(exports.EXPORT) if can else {}, all_of_it=can and exports.everywhere(frame.caller()),
    )  # fmt: skip


@pages.page("/settings/jobs", "POST")
def ask() -> Response:
    """Ask for everything of a programme, or of the installation."""

    def done() -> Response:
        number = typed.number("prg", "programme_id")
        act = frame.act()
        made = exports.of_everything(act) if number is None else exports.of_programme(act, number)
        return frame.go("pages_jobs.one", number=made.id)

    return frame.trying(done) or every()


@pages.page("/settings/jobs/<exp:number>", "GET", "POST")
def one(number: int) -> Response:
    """How far an export is; its file, once it is made."""
    act = frame.act()
    found = exports.get(act, number)
    if request.method == "POST":

        def stopped() -> Response:
            exports.cancel(act, number)
            return frame.go("pages_jobs.one", number=number)

        if (answer := frame.trying(stopped)) is not None:
            return answer
    return frame.show(
        "job", refused(), found=found, about=_about(found), fingerprint=exports.fingerprint(act)
    )


@pages.page("/settings/jobs/<exp:number>/file")
def file(number: int) -> Response:
    """The file, to be saved."""
    act = frame.act()
    name = exports.file_name(act, exports.get(act, number))
    return send_file(exports.file(act, number), "application/zip", as_attachment=True, download_name=name)


@pages.page("/people/<stk:number>/export")
def of_person(number: int) -> Response:
    """What is in a file of all that is held on somebody, before it is made."""
    person = stakeholders.reached(frame.act(), number, exports.EXPORT)
    return frame.show("record_export", refused(), person=person, ours=media.house(frame.act(), None))


@pages.page("/people/<stk:number>/export", "POST", outside=True)
def make_of_person(number: int) -> Response:
    """Make it; a small one is there at once."""
    try:
        made = exports.of_person(
            frame.wiring(),
            frame.caller(),
            number,
            withheld=typed.text("withheld"),
            request_id=g.get("request_id"),
        )
    except DomainError as error:
        frame.refuse(error)
        with acts.begin(frame.wiring(), frame.caller()) as g.act:
            answer: Response = of_person(number)
            return answer
    return frame.go("pages_jobs.one", number=made.id)


def _about(found: Export) -> tuple[str, str]:
    """What it is about: its name, and the address of its page."""
    if found.kind == "installation":
        return "", ""
    kind = "stakeholder" if found.kind == "person" else "programme"
    name = exports.names(frame.act(), [found])[found.id]
    return name, f"{frame.ROOMS[kind]}/{ids.shown(kind, found.ref_id)}"
