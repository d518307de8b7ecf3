"""/v1/interactions/{id}/attachments: the files of a logged contact."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g, send_file
from flask.views import MethodView

from campaigns.errors import NotFound
from campaigns.responses import attachments

from ..acts import begin, responses
from ..door import this_door
from .imports import File
from .resource import Resource, outside, this_act
from .schemas import Id, Schema, Time

FORM_MAX = attachments.EACH_MAX + 1024 * 1024
BYTES: dict[str, Any] = {"type": "string", "format": "binary"}

resource = Resource("attachments", "The files of a logged contact.", prefix="/v1/interactions")


class AttachmentNew(Schema):
    file = File(required=True, metadata={"description": f"of any kind, at most {attachments.EACH_MAX_MB} MB"})


class AttachmentOut(Schema):
    id = Id("attachment", required=True)
    name = ma.fields.String(required=True)
    bytes = ma.fields.Integer(required=True)
    sha256 = ma.fields.String(required=True)
    by = ma.fields.String(required=True)
    created_at = Time(required=True)


class AttachmentsOut(Schema):
    data = ma.fields.List(ma.fields.Nested(AttachmentOut), required=True)


@resource.route("/<itr:id>/attachments")
class Attachments(MethodView):
    @resource.response(200, AttachmentsOut)
    def get(self, id: int) -> Any:
        """List the files of a contact"""
        return {"data": responses.attachments_of(this_act(), id)}

    @resource.arguments(AttachmentNew, location="multipart")
    @resource.response(201, AttachmentOut)
    @outside
    def post(self, parts: dict[str, Any], id: int) -> Any:
        """Attach a file to a contact"""
        wiring, upload = this_door().parts.wiring, parts["file"]
        folder = wiring.settings.folder
        (kept,) = attachments.keep(folder, [(upload.filename or "", upload.stream)])
        try:
            with begin(wiring, g.caller, request_id=g.get("request_id")) as act:
                return responses.attach(act, id, kept)
        except BaseException:
            attachments.drop(folder, [kept.key])
            raise


@resource.route("/<itr:id>/attachments/<att:attachment_id>")
class Attachment(MethodView):
    @resource.response(200, BYTES, content_type="application/octet-stream")
    def get(self, id: int, attachment_id: int) -> Any:
        """Read a file of a contact, as bytes of no kind"""
        found = responses.attachment_of(this_act(), id, attachment_id)
        where = attachments.place(this_door().parts.wiring.settings.folder, found.key)
        if not where.is_file():
            raise NotFound("there is no such file")
        return send_file(where, "application/octet-stream", as_attachment=True, download_name=found.name)
