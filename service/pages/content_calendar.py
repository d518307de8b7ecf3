"""A content calendar from a spreadsheet: look at what each row would become, then make the drafts."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from functools import partial
from typing import Any

from flask import Response, request

from campaigns.errors import BadImport, DomainError

from .. import acts
from ..acts import content_calendar
from . import frame, typed
from .people import programme_names

pages = frame.Pages("content_calendar")
# The file comes twice: as it was chosen, and once it was looked at, inside the form that takes it in.
FORM_MAX = 2 * content_calendar.BYTES_MAX


@pages.page("/calendar/file")
def choose() -> Response:
    """Choose a file."""
    return _choose()


@pages.page("/calendar/file", "POST", outside=True, form_max=FORM_MAX)
def taken() -> Response:
    """Look at what would come of it, or make the drafts of what was looked at."""
    body, name = b"", ""
    try:
        body, name = _file()
        sheet = content_calendar.read(body, name)
        of: dict[str, Any] = {
            "programme_id": typed.number("prg", "programme_id"),
            "zone": str(frame.reader_zone()),
        }
        if typed.text("act") == "make":
            return frame.doing_once(lambda: _made(sheet, **of))
        planned = content_calendar.propose(partial(acts.trying, frame.wiring(), frame.caller()), sheet, **of)
    except DomainError as error:
        frame.refuse(error)
        with frame.looking():
            return _choose(422)
    with frame.looking():
        return frame.show(
            "content_calendar_look", planned=planned, file=b64encode(body).decode(), name=name,
            wrong=sum(1 for one in planned if one.problems), programme_id=typed.text("programme_id"),
        )  # fmt: skip


def _made(sheet: content_calendar.Sheet, **of: Any) -> Response:
    content_calendar.take_in(frame.act(), sheet, **of)
    return frame.see("/messages?state=draft&done=added")


def _choose(status: int = 200) -> Response:
    return frame.show(
        "content_calendar", status, programmes=programme_names(content_calendar.WRITE), names=content_calendar.NAMES,
        most=content_calendar.ROWS_MAX,
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
