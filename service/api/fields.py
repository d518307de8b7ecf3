"""/v1/fields: the typed custom fields of stakeholders, shared by all programmes."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.stakeholders.fields import CHOICES_MAX
from campaigns.stakeholders.tables import FIELD_TYPES
from campaigns.stakeholders.text import NAME_MAX

from ..acts import fields
from .resource import Resource, listed, this_act
from .schemas import Choice, Id, PageQuery, Schema, Text, Time, page_of

resource = Resource("fields", "The typed custom fields of stakeholders; a field's type never changes.")


class FieldNew(Schema):
    name = Text(
        63, required=True, metadata={"description": "as in rules `attrs.NAME`, in words `fields.NAME`"}
    )
    type = Choice(FIELD_TYPES, required=True)
    choices = ma.fields.List(
        Text(NAME_MAX), load_default=list, validate=ma.validate.Length(max=CHOICES_MAX),
        metadata={"description": "of choice and multi fields"},
    )  # fmt: skip


class FieldOut(Schema):
    id = Id("field", required=True)
    name = ma.fields.String(required=True)
    type = Choice(FIELD_TYPES, required=True)
    choices = ma.fields.List(ma.fields.String(), required=True)
    created_at = Time(required=True)


@resource.route("")
class Fields(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(FieldOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List the custom fields"""
        return listed(fields.listed(this_act(), **query))

    @resource.arguments(FieldNew)
    @resource.response(201, FieldOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Define a field; an equal one that is there is returned"""
        return fields.define(this_act(), **body)


@resource.route("/<fld:id>")
class Field(MethodView):
    @resource.response(200, FieldOut)
    def get(self, id: int) -> Any:
        """Read one field"""
        return fields.get(this_act(), id)
