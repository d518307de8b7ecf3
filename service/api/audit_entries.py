"""/v1/audit_entries: who did what, newest first; read only."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.errors import BadId

from ..acts import audit_entries
from ..ids import PREFIXES, any_id, shown
from .resource import Resource, listed, this_act
from .schemas import Choice, Id, PageQuery, Schema, Text, Time, page_of

resource = Resource("audit_entries", "Who did what; written with the act itself, changed by nobody.")


class AuditQuery(PageQuery):
    actor = Text()
    kind = Choice(list(PREFIXES))
    ref = ma.fields.String(metadata={"description": "the id of what the entry is about"})
    programme_id = Id("programme")

    @ma.post_load
    def _ref(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if "ref" in data:
            try:
                data["kind"], data["ref"] = any_id(data["ref"])
            except BadId as error:
                raise ma.ValidationError(error.detail, "ref") from error
        return data


class AuditOut(Schema):
    id = Id("audit_entry", required=True)
    at = Time(required=True)
    actor = ma.fields.String(required=True)
    act = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    ref = ma.fields.Function(lambda row: shown(row.kind, row.ref), required=True, metadata={"type": "string"})
    programme_id = Id("programme", required=True, allow_none=True)
    before = ma.fields.Dict(required=True, allow_none=True)
    after = ma.fields.Dict(required=True, allow_none=True)
    request_id = ma.fields.String(required=True, allow_none=True)


@resource.route("")
class AuditEntries(MethodView):
    @resource.arguments(AuditQuery, location="query")
    @resource.response(200, page_of(AuditOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List who did what in the programmes you audit, newest first"""
        return listed(audit_entries.listed(this_act(), **query))
