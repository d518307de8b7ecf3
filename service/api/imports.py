"""/v1/imports: files of stakeholders, checked first, then confirmed and taken in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import g, request, send_file
from flask.views import MethodView
from flask_smorest.fields import Upload
from werkzeug.datastructures import FileStorage

from campaigns.stakeholders.calling import COUNTRIES
from campaigns.stakeholders.columns import PLAIN
from campaigns.stakeholders.exporters import EXPORTERS
from campaigns.stakeholders.files import BYTES_MAX, DELIMITERS, ENCODINGS
from campaigns.stakeholders.opening import KINDS
from campaigns.stakeholders.tables import PURPOSES

from .. import strict_json
from ..acts import imports
from ..door import this_door
from ..ids import shown
from ..problems import Refusal
from .resource import Resource, listed, outside, this_act
from .schemas import Choice, Id, Made, PageQuery, Schema, Text, page_of

resource = Resource(
    "imports",
    "Files of stakeholders (CSV, XLSX, ODS, a ZIP of CSV files, JSON): checked without writing anyone, then confirmed.",
)

CSV_FILE: dict[str, Any] = {"type": "string", "format": "binary"}
# The file, and room for the other parts of the form.
FORM_MAX = BYTES_MAX + 1024 * 1024
STATES = ("checking", "checked", "running", "finished", "cancelled")
OUTCOMES = ("created", "updated", "unchanged", "refused", "held")


class JsonText(ma.fields.String):
    """A JSON object as the text of a form part, read as strictly as a body."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        try:
            found = strict_json.loads(super()._deserialize(value, attr, data, **kwargs).encode())
        except Refusal as refusal:
            raise ma.ValidationError(refusal.detail) from refusal
        if not isinstance(found, dict):
            raise ma.ValidationError("this must be a JSON object")
        return found


class File(Upload):  # type: ignore[misc]
    """A form part that is a file; a text part of that name is none."""

    def _deserialize(self, value: Any, *place: Any, **kwargs: Any) -> FileStorage:
        if not isinstance(value, FileStorage):
            raise ma.ValidationError("must be a file, with a file name")
        return value


class ImportNew(Schema):
    file = File(required=True)
    programme_id = Id(
        "programme", load_default=None, metadata={"description": "else the token's programme, else General"}
    )
    mapping = JsonText(
        load_default=None,
        metadata={
            "description": f"column to {', '.join(PLAIN)}, address.CHANNEL or attrs.FIELD; without it the names of the "
            "columns are understood, those of exports of Mailchimp, listmonk and Mautic too"
        },
    )
    declaration = JsonText(
        load_default=None,
        metadata={
            "description": f"one permission for the file: purpose ({', '.join(PURPOSES)}), channel, basis, source, "
            "wording_version, at (may be left out where a column is consent_at)"
        },
    )
    encoding = Choice(ENCODINGS, load_default=None)
    delimiter = Choice(DELIMITERS, load_default=None)
    sheet = ma.fields.String(
        load_default=None, metadata={"description": "of a workbook; else its first with anything"}
    )
    country = Choice(
        COUNTRIES,
        load_default=None,
        metadata={
            "description": "whose numbers stand without a country's code; else that of the workspace's zone"
        },
    )


class Detected(Schema):
    """How the file is read. Look at `candidates` where `doubts` names something."""

    encoding = ma.fields.String(required=True)
    delimiter = ma.fields.String(required=True)
    header = ma.fields.List(ma.fields.String(), required=True)
    doubts = ma.fields.List(ma.fields.String(), required=True)
    candidates = ma.fields.List(ma.fields.Dict(), required=True)
    kind = Choice(KINDS, metadata={"description": "what the file is, as its content says"})
    sheets = ma.fields.List(
        ma.fields.String(), metadata={"description": "of a workbook, those that can be seen"}
    )
    sheet = ma.fields.String(allow_none=True, metadata={"description": "the one that is read"})
    country = Choice(
        COUNTRIES, allow_none=True, metadata={"description": "whose numbers stand without a country's code"}
    )
    exporter = Choice(EXPORTERS, allow_none=True, metadata={"description": "the system whose export this is"})


class ImportOut(Made):
    id = Id("import", required=True)
    programme_id = Id("programme", required=True)
    filename = ma.fields.String(required=True)
    sha256 = ma.fields.String(required=True)
    state = Choice(STATES, required=True)
    detected = ma.fields.Nested(Detected, required=True)
    mapping = ma.fields.Dict(required=True)
    declaration = ma.fields.Dict(required=True, allow_none=True)
    total = ma.fields.Integer(required=True, metadata={"description": "rows in the file"})
    done = ma.fields.Integer(required=True, metadata={"description": "rows handled"})
    counts = ma.fields.Dict(
        required=True, metadata={"description": "rows by outcome, and by what was not done for them"}
    )
    actor = ma.fields.String(required=True)


class LiftStops(Schema):
    why = Text(2000, required=True)


class StopsLifted(Schema):
    lifted = ma.fields.Integer(required=True, metadata={"description": "suppressions that ended"})


class ImportRowQuery(PageQuery):
    outcome = Choice(OUTCOMES)


class RowProblem(Schema):
    column = ma.fields.String(required=True, allow_none=True)
    code = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)


class ImportRowOut(Schema):
    line = ma.fields.Integer(required=True, metadata={"description": "in the file; the header's is 1"})
    outcome = Choice(OUTCOMES, required=True)
    stakeholder_id = Id("stakeholder", required=True, allow_none=True)
    problems = ma.fields.List(ma.fields.Nested(RowProblem), required=True)
    changes = ma.fields.List(
        ma.fields.String(),
        allow_none=True,
        metadata={
            "description": "what is new on a record that was there: name, address.email, tags, permission …"
        },
    )


@resource.route("")
class Imports(MethodView):
    @resource.arguments(ImportNew, location="multipart")
    @resource.response(201, ImportOut)
    @outside
    def post(self, parts: dict[str, Any]) -> Any:
        """Check a file: what importing it would do, row by row; nobody is written yet"""
        upload = parts.pop("file")
        row = imports.check(
            this_door().parts.wiring, g.caller, g.get("request_id"),
            filename=upload.filename, body=upload.stream, **parts,
        )  # fmt: skip
        return row, {"Location": f"{request.path}/{shown('import', row.id)}"}


@resource.route("/<imp:id>")
class Import(MethodView):
    @resource.response(200, ImportOut)
    def get(self, id: int) -> Any:
        """Read how far an import is"""
        return imports.get(this_act(), id)


@resource.route("/<imp:id>/confirm")
class Confirm(MethodView):
    @resource.response(202, ImportOut)
    def post(self, id: int) -> Any:
        """Take a checked file in; a worker does it, and survives a stop in the middle"""
        return imports.confirm(this_act(), id)


@resource.route("/<imp:id>/cancel")
class Cancel(MethodView):
    @resource.response(200, ImportOut)
    def post(self, id: int) -> Any:
        """Stop a check or an import after the rows in hand; who has been taken in stays"""
        return imports.cancel(this_act(), id)


@resource.route("/<imp:id>/lift_stops")
class Lifting(MethodView):
    @resource.arguments(LiftStops)
    @resource.response(200, StopsLifted)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Lift everything that this file stopped, with a reason"""
        return {"lifted": imports.lift_stops(this_act(), id, **body)}


@resource.route("/<imp:id>/rows")
class Rows(MethodView):
    @resource.arguments(ImportRowQuery, location="query")
    @resource.response(200, page_of(ImportRowOut))
    def get(self, query: dict[str, Any], id: int) -> Any:
        """List what became, or would become, of each row"""
        return listed(imports.rows(this_act(), id, **query))


@resource.route("/<imp:id>/refused")
class Refused(MethodView):
    @resource.response(200, CSV_FILE, content_type="text/csv")
    def get(self, id: int) -> Any:
        """Read the rows that were not taken in, or without a cell, each with the reason, as a CSV file to mend"""
        name = f"{shown('import', id)}-refused.csv"
        return send_file(imports.refused(this_act(), id), "text/csv", as_attachment=True, download_name=name)
