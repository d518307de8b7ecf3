"""Taking many people in: paste or upload, look at what would happen, confirm, and see what became of each row."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from flask import Response, g, request

from campaigns.errors import BadField, DomainError
from campaigns.stakeholders import columns, fields, files
from campaigns.stakeholders.tables import BASES, PURPOSES

from .. import acts, ids
from ..acts import imports
from ..acts import stakeholders as people
from . import frame, typed
from .people import programme_names, refused, spoken

pages = frame.Pages("imports")
FORM_MAX = files.BYTES_MAX + 1024 * 1024
OUTCOMES = ("created", "updated", "unchanged", "held", "refused")


@pages.page("/people/import")
def new(status: int = 200) -> Response:
    """Paste addresses or choose a file, with one declaration for all."""
    return frame.show(
        "import_new", status, programmes=programme_names(people.WRITE), purposes=PURPOSES, bases=BASES,
        languages_known=spoken(), latest=imports.listed(frame.act()), today=frame.wiring().now().date(),
    )  # fmt: skip


@pages.page("/people/import/check", "POST", outside=True, form_max=FORM_MAX)
def check() -> Response:
    """Read the file and say what it would do; nobody is written yet."""
    try:
        name, body = _file()
        made = imports.check(
            frame.wiring(), frame.caller(), g.get("request_id"), filename=name, body=body,
            programme_id=typed.number("prg", "programme_id"), declaration=_declaration(),
        )  # fmt: skip
    except DomainError as error:
        frame.refuse(error)
        with acts.begin(frame.wiring(), frame.caller()) as g.act:
            answer: Response = new(422)
            return answer
    return frame.go("pages_imports.one", number=made.id)


@pages.page("/people/imports/<imp:number>", "GET", "POST")
def one(number: int) -> Response:
    """What would happen, how far it is, or what happened."""
    act = frame.act()
    imports.get(act, number)
    if request.method == "POST":
        done = _confirm if typed.text("do") == "confirm" else _again
        if (answer := frame.trying(lambda: done(number))) is not None:
            return answer
    outcome = request.args.get("outcome")
    page = imports.rows(
        act, number, limit=25, after=request.args.get("after"), before=request.args.get("before"),
        outcome=outcome if outcome in OUTCOMES else None,
    )  # fmt: skip
    targets = [*columns.PLAIN, "address.email", "address.sms", "address.phone", "address.post"]
    return frame.show(
        "import", refused(), found=imports.get(act, number), page=page, outcomes=OUTCOMES, outcome=outcome,
        targets=targets + [f"attrs.{name}" for name in fields.every(act.session)], encodings=files.ENCODINGS,
        delimiters=files.DELIMITERS, programmes=programme_names(),
    )  # fmt: skip


@pages.page("/people/imports/<imp:number>/refused.csv")
def refused_rows(number: int) -> Response:
    """The rows that were not taken in, as they came, each with the reason: to mend and import again."""
    found, rows = imports.refused(frame.act(), number)
    header = list(found.detected["header"])
    lines = [
        [*(row.cells or [""] * len(header)), str(row.line), "; ".join(one["detail"] for one in row.problems)]
        for row in rows
    ]
    answer = Response(
        files.spreadsheet([[*header, "line", "reason"], *lines]), content_type="text/csv; charset=utf-8"
    )
    name = f"{ids.shown('import', number)}-refused.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _file() -> tuple[str, bytes]:
    upload = request.files.get("file")
    if upload is not None and upload.filename:
        return upload.filename, upload.read()
    pasted = request.form.get("pasted", "")
    if not pasted.strip():
        raise BadField("paste some addresses, or choose a file", pointer="/pasted")
    body = files.pasted(pasted, typed.text("language"), ",".join(typed.words("tags")))
    return "pasted.csv", body


def _declaration() -> dict[str, Any] | None:
    """One permission for everybody in the file; None where the form claims none."""
    if not typed.text("basis"):
        return None
    on = typed.day("given_on")
    if on is None:
        raise BadField("say since when this holds", pointer="/given_on")
    said = {name: typed.text(name) for name in ("purpose", "basis", "source")}
    said["wording_version"] = typed.text("wording") or "-"
    if said["basis"] == "consent" and said["wording_version"] == "-":
        raise BadField("consent needs the wording that they were shown", pointer="/wording")
    if not said["source"]:
        raise BadField("say where these addresses come from", pointer="/source")
    at = datetime.combine(on, time(), tzinfo=UTC)
    return said | {"channel": typed.text("channel") or "email", "at": at}


def _confirm(number: int) -> Response:
    imports.confirm(frame.act(), number)
    return frame.go("pages_imports.one", number=number)


def _again(number: int) -> Response:
    found = imports.get(frame.act(), number)
    header = found.detected["header"]
    encoding = typed.text("encoding") or found.detected["encoding"]
    delimiter = request.form.get("delimiter") or found.detected["delimiter"]
    same = (encoding, delimiter) == (found.detected["encoding"], found.detected["delimiter"])
    mapping = {column: typed.text(f"column{place}") or "ignore" for place, column in enumerate(header)}
    imports.again(
        frame.act(), number, encoding=encoding, delimiter=delimiter, mapping=mapping if same else None
    )  # fmt: skip
    return frame.go("pages_imports.one", number=number)
