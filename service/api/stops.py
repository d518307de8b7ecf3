"""/v1/stops: stop everything, one account, one programme or one segment."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.base import parse_id
from campaigns.delivery.stops import SCOPES
from campaigns.errors import BadId

from .. import ids
from ..acts import stops
from .resource import Resource, listed, this_act
from .schemas import Choice, Id, PageQuery, Schema, Text, Time, page_of

resource = Resource(
    "stops", "Emergency stops: no intent to send is committed after one, until somebody lifts it."
)

PLACES = ("account", "programme", "segment")


class StopNew(Schema):
    scope = Choice(SCOPES, required=True)
    ref = Text(40, load_default=None, allow_none=True, metadata={"description": "the id; none with `all`"})
    reason = Text(2000, required=True)

    @ma.validates_schema
    def _ref_fits(self, data: dict[str, Any], **kwargs: Any) -> None:
        if (data.get("scope") == "all") != (data.get("ref") is None):
            raise ma.ValidationError("an account, programme or segment needs its id; `all` has none", "ref")

    @ma.post_load
    def _number(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        try:
            return {**data, "ref": parse_id(ids.PREFIXES[data["scope"]], data["ref"]) if data["ref"] else 0}
        except BadId as error:
            raise ma.ValidationError(error.detail, "ref") from error


class StopLift(Schema):
    why = Text(2000, required=True)


class StopOut(Schema):
    id = Id("stop", required=True)
    scope = Choice(SCOPES, required=True)
    ref = ma.fields.Function(
        lambda row: ids.shown(row.scope, row.ref_id) if row.scope in PLACES else None,
        metadata={"type": ["string", "null"]},
    )
    reason = ma.fields.String(required=True)
    by = ma.fields.String(required=True)
    at = Time(required=True)
    lifted_at = Time(required=True, allow_none=True)
    lifted_by = ma.fields.String(required=True, allow_none=True)
    lifted_why = ma.fields.String(required=True, allow_none=True)


@resource.route("")
class Stops(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(StopOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List all stops, standing and lifted"""
        return listed(stops.listed(this_act(), **query))

    @resource.arguments(StopNew)
    @resource.response(201, StopOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Stop sending, with a reason"""
        return stops.stop(this_act(), **body)


@resource.route("/<stp:id>/lift")
class Lift(MethodView):
    @resource.arguments(StopLift)
    @resource.response(200, StopOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Lift a stop; what it held goes by itself"""
        return stops.lift(this_act(), id, **body)
