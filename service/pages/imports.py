"""Taking many people in: paste or upload, look at what would happen, confirm, and see what became of each row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from difflib import get_close_matches
from itertools import compress
from operator import itemgetter
from typing import IO, Any

from flask import Response, g, request, send_file

from campaigns.errors import BadField, DomainError, NotFound, said
from campaigns.stakeholders import calling, columns, fields, files
from campaigns.stakeholders import imports as stakeholder_imports
from campaigns.stakeholders.tables import BASES, PURPOSES, Import

from .. import acts, ids, paging, words
from ..acts import imports, writing
from ..acts import stakeholders as people
from . import frame, typed
from .people import programme_names, refused, spoken

pages = frame.Pages("imports")
FORM_MAX = files.BYTES_MAX + 1024 * 1024
PASTED = "pasted.csv"
# Domains of so many addresses that a name which is nearly one of them is asked about.
COMMON = (
    "gmail.com", "googlemail.com", "hotmail.com", "hotmail.co.uk", "outlook.com", "yahoo.com", "yahoo.co.uk",
    "icloud.com", "live.co.uk", "btinternet.com",
)  # fmt: skip
OUTCOMES = ("created", "updated", "unchanged", "held", "refused")


@pages.page("/people/import")
def new(status: int = 200) -> Response:
    """Paste addresses or choose a file, with one declaration for all."""
    return frame.show(
        "import_new", status, programmes=programme_names(people.WRITE), purposes=PURPOSES, bases=BASES,
        languages_known=spoken(), latest=imports.listed(frame.act()), today=frame.wiring().now().date(),
        pasted=_pasted_before(), file_of_pasted=PASTED,
    )  # fmt: skip


@pages.page("/people/import/check", "POST", outside=True, form_max=FORM_MAX)
def check() -> Response:
    """Read the file and say what it would do; nobody is written yet."""
    try:
        name, body = _file()
        made = imports.check(
            frame.wiring(), frame.caller(), g.get("request_id"), filename=name, body=body,
            programme_id=typed.number("prg", "programme_id"), declaration=_declaration(),
            undated=bool(typed.text("own_time")),
        )  # fmt: skip
    except DomainError as error:
        frame.refuse(error)
        with acts.begin(frame.wiring(), frame.caller()) as g.act:
            answer: Response = new(422)
            return answer
    return frame.go("pages_imports.one", number=made.id)


@pages.page("/people/imports/<imp:number>", "GET", "POST", outside=True)
def one(number: int) -> Response:
    """What would happen, how far it is, or what happened."""
    if request.method == "POST":
        try:
            return _done(number)
        except NotFound:
            raise
        except DomainError as error:
            frame.refuse(error)
    with frame.looking():
        return _shown(number)


def _shown(number: int) -> Response:
    act, outcome = frame.act(), request.args.get("outcome")
    page = imports.rows(
        act, number, limit=25, after=request.args.get("after"), before=request.args.get("before"),
        outcome=outcome if outcome in OUTCOMES else None,
    )  # fmt: skip
    targets = [*columns.PLAIN, "address.email", "address.sms", "address.phone", "address.post"]
    found = imports.get(act, number)
    return frame.show(
        "import", refused(), found=found, page=page, outcomes=OUTCOMES, outcome=outcome,
        targets=targets + [f"attrs.{name}" for name in fields.every(act.session)], encodings=files.ENCODINGS,
        delimiters=files.DELIMITERS, countries=_countries(), programmes=programme_names(),
        names=_names(page), cells=_cells(found, page),
        ignored=[name for name, meant in found.mapping.items() if meant == "ignore"],
        today=frame.wiring().now().date(), lacks_time=stakeholder_imports.lacks_time(found),
        pasted=found.filename == PASTED,
        meant={row.line: near for row in page.rows if (near := _meant(row.cells or ()))},
    )  # fmt: skip


@pages.page("/people/imports/<imp:number>/refused.csv")
def refused_rows(number: int) -> Response:
    """The rows that were not taken in, as they came, each with the reason: to mend and import again."""
    name = f"{ids.shown('import', number)}-refused.csv"
    return send_file(imports.refused(frame.act(), number), "text/csv", as_attachment=True, download_name=name)


def _pasted_before() -> str:
    """What was pasted for the import that is gone back from."""
    number = ids.number("import", request.args.get("again"))
    return imports.pasted(frame.act(), number) if number else ""


def _cells(found: Import, page: paging.Page) -> dict[int, list[tuple[str, str]]]:
    """Of each row shown with its cells, those that are taken in, with their columns."""
    meant = [found.mapping[column] != "ignore" for column in found.detected["header"]]
    header = list(compress(found.detected["header"], meant))
    told = {row.line: zip(header, compress(row.cells, meant), strict=False) for row in page.rows if row.cells}
    return {line: [(name, cell) for name, cell in cells if cell.strip()] for line, cells in told.items()}


def _countries() -> list[tuple[str, str]]:
    language = frame.reader_language()
    return sorted(
        ((code, words.country_name(code, language)) for code in calling.COUNTRIES), key=itemgetter(1)
    )


def _names(page: paging.Page) -> dict[int, str]:
    known = [row.stakeholder_id for row in page.rows if row.stakeholder_id]
    return {one.id: one.name for one in writing.people_of(frame.act(), known)}


def _file() -> tuple[str, bytes | IO[bytes]]:
    upload = request.files.get("file")
    if upload is not None and upload.filename:
        return upload.filename, upload.stream
    pasted = request.form.get("pasted", "")
    if not pasted.strip():
        raise BadField("paste some addresses, or choose a file", pointer="/pasted")
    body = files.pasted(pasted, typed.text("language"), ",".join(typed.words("tags")))
    return PASTED, body


def _meant(cells: Sequence[str]) -> str:
    """The address that was probably meant by one at nearly a common domain; "" for none."""
    for cell in cells:
        local, at, domain = cell.strip().lower().rpartition("@")
        near = get_close_matches(domain, COMMON, 1, 0.85) if at and domain not in COMMON else []
        if near:
            return f"{local}@{near[0]}"
    return ""


def _declaration() -> dict[str, Any] | None:
    """One permission for everybody in the file; None where the form claims none."""
    if not typed.text("basis"):
        return None
    on = typed.day("given_on")
    declared = {name: typed.text(name) for name in ("purpose", "basis", "source")}
    declared["wording_version"] = typed.text("wording") or "-"
    wanting = []
    if not declared["source"]:
        wanting.append(("/source", said("where these addresses come from")))
    if declared["basis"] == "consent" and declared["wording_version"] == "-":
        wanting.append(("/wording", said("the wording that they were shown")))
    if on is None and not typed.text("own_time"):
        wanting.append(("/given_on", said("since when it holds")))
    if wanting:
        missing = [one for _, one in wanting]
        raise BadField(
            said("this declaration still needs: {missing}", missing=missing), pointer=wanting[0][0]
        )
    at = None if on is None else datetime.combine(on, time(), tzinfo=UTC)
    return declared | {"channel": typed.text("channel") or "email", "at": at}


def _confirm(number: int) -> Response:
    imports.confirm(frame.act(), number)
    return frame.go("pages_imports.one", number=number)


def _cancel(number: int) -> Response:
    imports.cancel(frame.act(), number)
    return frame.go("pages_imports.one", number=number)


def _lift(number: int) -> Response:
    imports.lift_stops(frame.act(), number, why=typed.text("why"))
    return frame.go("pages_imports.one", done="saved", number=number)


def _group(number: int) -> Response:
    """A group of everybody in it: to look at, or to write to."""
    act, language = frame.act(), frame.reader_language()
    on = words.day(imports.get(act, number).created_at.date(), language)
    made = imports.group_of(act, number, words.tell(said("Import of {day}", day=on), language))
    shown = ids.shown("segment", made.id)
    return frame.see(f"/write?group={shown}" if typed.text("do") == "write" else f"/groups/{shown}")


def _done(number: int) -> Response:
    """What a form asks for; others go on writing while the file is opened to be read in another way."""
    do = {"confirm": _confirm, "cancel": _cancel, "group": _group, "write": _group, "lift": _lift}.get(
        typed.text("do")
    )
    if do is not None:
        return frame.doing_once(lambda: do(number))
    with frame.looking():
        chosen = _chosen(number)
    imports.again(frame.wiring(), frame.caller(), g.get("request_id"), number, **chosen)
    return frame.go("pages_imports.one", number=number)


def _chosen(number: int) -> dict[str, Any]:
    """How it is to be read and what is in it; the columns, where it is otherwise read as before."""
    found = imports.get(frame.act(), number)
    header = found.detected["header"]
    encoding = typed.text("encoding") or found.detected["encoding"]
    delimiter = request.form.get("delimiter") or found.detected["delimiter"]
    sheet = typed.text("sheet") or found.detected.get("sheet")
    chosen = {"encoding": encoding, "delimiter": delimiter, "sheet": sheet}
    country = request.form.get("country", found.detected.get("country"))
    same = all(found.detected.get(name) == value for name, value in chosen.items())
    mapping = {column: typed.text(f"column{place}") or "ignore" for place, column in enumerate(header)}
    declared = _declaration() if "basis" in request.form else found.declaration
    meant = {"mapping": mapping if same else None, "declaration": declared, "country": country}
    return {**chosen, "meant": meant}
