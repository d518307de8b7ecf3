"""/v1/suppressions: addresses and stakeholders that are not contacted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.stakeholders.consent import EVERY_CHANNEL
from campaigns.stakeholders.tables import ORIGINS, PURPOSES, SUPPRESSION_REASONS
from campaigns.stakeholders.text import NAME_MAX

from ..acts import suppressions
from .resource import Resource, listed, this_act
from .schemas import Choice, Id, PageQuery, QueryFlag, Schema, Text, Time, page_of
from .stakeholders import Channel

resource = Resource("suppressions", "Addresses and stakeholders that are not contacted, until one is lifted.")


class SuppressionQuery(PageQuery):
    stakeholder_id = Id("stakeholder", metadata={"description": "what stops them, by their addresses too"})
    channel = Channel(every=True)
    reason = Choice(SUPPRESSION_REASONS)
    standing = QueryFlag(metadata={"description": "neither lifted nor over"})


class SuppressionNew(Schema):
    channel = Channel(every=True, required=True)
    address = Text(NAME_MAX, metadata={"description": "stops it whoever has it"})
    stakeholder_id = Id("stakeholder")
    purpose = Choice(
        PURPOSES, load_default=None, allow_none=True, metadata={"description": "null: every purpose"}
    )
    reason = Choice(SUPPRESSION_REASONS, load_default="manual")
    origin = Choice(ORIGINS, load_default="admin")
    until_at = Time(load_default=None, allow_none=True)
    evidence = ma.fields.Dict(keys=ma.fields.String(), load_default=dict)

    @ma.validates_schema
    def _somebody(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        if "address" not in data and "stakeholder_id" not in data:
            raise ma.ValidationError("name an address or a stakeholder", "address")
        if "address" in data and data.get("channel") == EVERY_CHANNEL:
            raise ma.ValidationError("an address belongs to one channel", "channel")


class Lift(Schema):
    why = Text(2000, required=True)


class SuppressionOut(Schema):
    id = Id("suppression", required=True)
    channel = ma.fields.String(required=True, metadata={"description": "* is every channel"})
    address_key = ma.fields.String(required=True, allow_none=True)
    stakeholder_id = Id("stakeholder", required=True, allow_none=True)
    purpose = Choice(PURPOSES, required=True, allow_none=True)
    reason = Choice(SUPPRESSION_REASONS, required=True)
    origin = Choice(ORIGINS, required=True)
    at = Time(required=True)
    until_at = Time(required=True, allow_none=True)
    lifted_at = Time(required=True, allow_none=True)
    lifted_by = ma.fields.String(required=True, allow_none=True)
    lifted_why = ma.fields.String(required=True, allow_none=True)
    evidence = ma.fields.Dict(required=True)
    import_id = Id("import", allow_none=True, metadata={"description": "the file that said so"})


@resource.route("")
class Suppressions(MethodView):
    @resource.arguments(SuppressionQuery, location="query")
    @resource.response(200, page_of(SuppressionOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List what stops the people of your programmes"""
        return listed(suppressions.listed(this_act(), **query))

    @resource.arguments(SuppressionNew)
    @resource.response(201, SuppressionOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Do not contact an address or a stakeholder any more"""
        return suppressions.suppress(this_act(), **body)


@resource.route("/<sup:id>/lift")
class Lifting(MethodView):
    @resource.arguments(Lift)
    @resource.response(200, SuppressionOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Lift a suppression, with a reason"""
        return suppressions.lift(this_act(), id, **body)
