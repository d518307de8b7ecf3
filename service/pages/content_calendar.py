"""A content calendar from a spreadsheet: look at what each row would become, then make the drafts."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import Response, g, request

from campaigns.errors import BadImport, DomainError
from campaigns.messages import content_calendar as spreadsheet
from campaigns.stakeholders import files

from .. import acts
from ..acts import content_calendar
from . import frame, typed
from .people import programme_names
from .write import OFFERED

pages = frame.Pages("content_calendar")
# The file comes twice: as it was chosen, and once it was looked at, inside the form that takes it in.
FORM_MAX = 2 * spreadsheet.BYTES_MAX
SAMPLE_MAX = 60


@pages.page("/calendar/file")
def choose() -> Response:
    """Choose a file."""
    return _choose()


@pages.page("/calendar/file/start.csv")
def start() -> Response:
    """A file to start from: the titles of its columns."""
    titles = spreadsheet.beginning(frame.reader_language())
    answer = Response(files.spreadsheet([titles]), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="content-calendar.csv"'
    return answer


@pages.page("/calendar/file", "POST", outside=True, form_max=FORM_MAX)
def taken() -> Response:
    """Look at what would come of it, or make the drafts of what was looked at."""
    body, name = b"", ""
    try:
        body, name = _file()
        table = spreadsheet.read(body, name, typed.text("sheet") or None)
    except DomainError as error:
        frame.refuse(error)
        with frame.looking():
            return _choose(422)
    held, planned = _held(table), []
    of: dict[str, Any] = {
        "programme_id": typed.number("prg", "programme_id"),
        "zone": str(frame.reader_zone()),
    }
    try:
        sheet = spreadsheet.laid_out(table, held)
        if typed.text("act") == "make":
            return frame.doing_once(lambda: _made(sheet, **of))
        planned = content_calendar.propose(partial(acts.trying, frame.wiring(), frame.caller()), sheet, **of)
    except DomainError as error:
        frame.refuse(error)
    with frame.looking():
        return frame.show(
            "content_calendar_look", 422 if g.get("said") else 200, planned=planned, table=table, held=held,
            file=b64encode(body).decode(), name=name, programme_id=typed.text("programme_id"), tags=_tags(held),
            wrong=sum(1 for one in planned if one.problems), samples=_samples(table),
            left=sum(1 for title, one in zip(table.header, held, strict=True) if title.strip() and not one),
        )  # fmt: skip


def _held(table: spreadsheet.Table) -> list[str]:
    """What each column holds: as the form says where it tells of this sheet, else what its title is known to mean."""
    if "column0" in request.form and typed.text("of") == (table.sheet or ""):
        return [typed.text(f"column{number}") for number in range(len(table.header))]
    return [" ".join(filter(None, spreadsheet.place(title) or ())) for title in table.header]


def _tags(held: Sequence[str]) -> list[str]:
    """The languages to choose from, and those of the file."""
    return list(dict.fromkeys((*OFFERED, *(tag for one in held if (tag := one.partition(" ")[2])))))


def _samples(table: spreadsheet.Table) -> list[str]:
    """The first that stands in each column."""
    return [
        next((cell for row in table.rows for cell in row.cells[number : number + 1] if cell), "")[:SAMPLE_MAX]
        for number in range(len(table.header))
    ]


def _made(sheet: spreadsheet.Sheet, **of: Any) -> Response:
    content_calendar.take_in(frame.act(), sheet, **of)
    return frame.see("/messages?state=draft&done=added")


def _choose(status: int = 200) -> Response:
    return frame.show(
        "content_calendar", status, programmes=programme_names(content_calendar.WRITE), names=spreadsheet.NAMES,
        most=spreadsheet.ROWS_MAX,
    )  # fmt: skip


def _file() -> tuple[bytes, str]:
    """The file that was chosen, or that was looked at before."""
    upload = request.files.get("file")
    if upload is not None and upload.filename:
        return upload.read(), upload.filename
    try:
        body = b64decode(request.form.get("body", ""), validate=True)
    except (NoBase64, ValueError):
        body = b""
    if not body:
        raise BadImport("choose a file", pointer="/file")
    return body, typed.text("name")
