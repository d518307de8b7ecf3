"""/v1/exports: files to take away with all that is held on one person, in a programme, or here."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g, request, send_file
from flask.views import MethodView

from ..acts import exports
from ..door import this_door
from ..exports import KINDS, STATES
from ..ids import shown
from .resource import Resource, outside, this_act
from .schemas import Choice, Id, Schema, Text, Time

BYTES: dict[str, Any] = {"type": "string", "format": "binary"}

resource = Resource("exports", "Files to take away: what is held on one person, in a programme, or here.")
of_person = Resource("subject_access", "All that is held on somebody, for them.", prefix="/v1/stakeholders")


class ExportNew(Schema):
    programme_id = Id(
        "programme",
        load_default=None,
        metadata={"description": "with all that lies under it; without it, everything of the installation"},
    )


class PersonExportNew(Schema):
    withheld = Text(
        exports.WHY_MAX,
        empty=True,
        load_default="",
        metadata={"description": "why notes of colleagues are left out; they are in it where this is empty"},
    )


class ExportOut(Schema):
    id = Id("export", required=True)
    kind = Choice(KINDS, required=True)
    programmes = ma.fields.List(
        Id("programme"),
        attribute="within",
        required=True,
        allow_none=True,
        metadata={"description": "the only ones that are told of; null: all"},
    )
    withheld = ma.fields.String(required=True)
    state = Choice(STATES, required=True)
    total = ma.fields.Integer(required=True, metadata={"description": "parts of the file"})
    done = ma.fields.Integer(required=True, metadata={"description": "parts that are made"})
    error = ma.fields.String(required=True, allow_none=True)
    bytes = ma.fields.Integer(required=True, allow_none=True)
    sha256 = ma.fields.String(required=True, allow_none=True, metadata={"description": "of the file"})
    actor = ma.fields.String(required=True)
    created_at = Time(required=True)
    finished_at = Time(required=True, allow_none=True)
    expires_at = Time(required=True, allow_none=True, metadata={"description": "the file is kept until then"})


@resource.route("")
class Exports(MethodView):
    @resource.arguments(ExportNew)
    @resource.response(202, ExportOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Ask for everything of a programme, or of the installation; a worker makes the file"""
        programme_id = body["programme_id"]
        made = (
            exports.of_everything(this_act())
            if programme_id is None
            else exports.of_programme(this_act(), programme_id)
        )
        return made, {"Location": f"{request.path}/{shown('export', made.id)}"}


@resource.route("/<exp:id>")
class Export(MethodView):
    @resource.response(200, ExportOut)
    def get(self, id: int) -> Any:
        """Read how far an export is"""
        return exports.get(this_act(), id)


@resource.route("/<exp:id>/file")
class File(MethodView):
    @resource.response(200, BYTES, content_type="application/zip")
    def get(self, id: int) -> Any:
        """Take the finished file away: a signed ZIP"""
        act = this_act()
        name = exports.file_name(act, exports.get(act, id))
        return send_file(exports.file(act, id), "application/zip", as_attachment=True, download_name=name)


@of_person.route("/<stk:id>/export")
class OfPerson(MethodView):
    @resource.arguments(PersonExportNew)
    @resource.response(202, ExportOut)
    @outside
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Ask for all that is held on somebody; a small record is finished with the answer"""
        wiring = this_door().parts.wiring
        made = exports.of_person(wiring, g.caller, id, **body, request_id=g.get("request_id"))
        return made, {"Location": f"/v1/exports/{shown('export', made.id)}"}
