"""/v1/content_calendar: drafts of messages from a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import marshmallow as ma
from flask import Response, g, jsonify, request
from flask.views import MethodView
from sqlalchemy.orm import Session

from campaigns.messages import content_calendar as spreadsheet

from .. import idempotency
from ..acts import Act, content_calendar, trying
from ..door import this_door
from .imports import File, JsonText
from .resource import Resource, outside
from .schemas import Id, Schema, Text

resource = Resource(
    "content_calendar", "Drafts of messages from a spreadsheet; nothing is scheduled or sent by it."
)
FORM_MAX = spreadsheet.BYTES_MAX + 64 * 1024


class ContentCalendarNew(Schema):
    file = File(required=True, metadata={"description": "CSV, XLSX or ODS; see docs/content-calendar.md"})
    programme_id = Id("programme", load_default=None)
    zone = Text(
        64, load_default=None, metadata={"description": "of times without one; else that of the workspace"}
    )
    columns = JsonText(
        load_default=None,
        metadata={
            "description": "what columns hold whose titles nobody knows: title to a name of docs/content-calendar.md, "
            'such as "text cy", or "" for one that is not taken in'
        },
    )
    sheet = ma.fields.String(
        load_default=None, metadata={"description": "of a workbook; else its first with anything"}
    )
    make = ma.fields.String(
        load_default="no",
        validate=ma.validate.OneOf(("yes", "no")),
        metadata={"description": "no: only say what each row would become"},
    )


class CellProblem(Schema):
    cell = ma.fields.String(required=True, metadata={"description": "as spreadsheets call it: C7"})
    column = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)


class CalendarRowOut(Schema):
    line = ma.fields.Integer(
        required=True, metadata={"description": "the row in the file; the header's is 1"}
    )
    name = ma.fields.String(required=True)
    languages = ma.fields.List(ma.fields.String(), required=True)
    accounts = ma.fields.List(ma.fields.String(), required=True)
    purpose = ma.fields.String(
        required=True, metadata={"description": "what it counts as, where it goes to a group; else empty"}
    )
    message_id = Id(
        "message", required=True, allow_none=True, metadata={"description": "the draft, once made"}
    )
    problems = ma.fields.List(ma.fields.Nested(CellProblem), required=True)


class ContentCalendarOut(Schema):
    data = ma.fields.List(ma.fields.Nested(CalendarRowOut), required=True)


@resource.route("")
class ContentCalendar(MethodView):
    @resource.arguments(ContentCalendarNew, location="multipart")
    @resource.response(200, ContentCalendarOut)
    @outside
    def post(self, parts: dict[str, Any]) -> Any:
        """Say what each row of a content calendar would become, or make the drafts: all of them or none"""
        wiring, upload = this_door().parts.wiring, parts["file"]
        call = idempotency.call_of(request, g.caller.token_id)  # reads the file from its beginning
        table = spreadsheet.read(upload.read(), upload.filename or "", parts["sheet"])
        named = parts["columns"] or {}
        sheet = spreadsheet.laid_out(table, [str(named.get(title, title)) for title in table.header])
        of: dict[str, Any] = {
            "programme_id": parts["programme_id"],
            "zone": parts["zone"] or wiring.settings.workspace.zone,
        }
        if parts["make"] == "no":
            return {"data": content_calendar.propose(partial(trying, wiring, g.caller), sheet, **of)}
        make: Callable[[Session], Response] = partial(_made, sheet=sheet, **of)
        if call is None:
            with wiring.database.write() as session:
                return make(session)
        return idempotency.once(wiring.database, wiring.keyring, wiring.now(), call, make)


def _made(session: Session, sheet: spreadsheet.Sheet, **of: Any) -> Response:
    """The drafts as an answer that can be kept with them: two calls at once under one key make them once."""
    wiring = this_door().parts.wiring
    act = Act(wiring, g.caller, session, wiring.now(), g.get("request_id"))
    return jsonify(ContentCalendarOut().dump({"data": content_calendar.take_in(act, sheet, **of)}))
