"""/v1/consents: permission given or withdrawn for one purpose on one channel; nothing is ever edited."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.stakeholders.tables import BASES, PURPOSES
from campaigns.stakeholders.text import NAME_MAX

from ..acts import consents
from .resource import Resource, listed, this_act
from .schemas import Choice, Id, PageQuery, Schema, Text, Time, page_of
from .stakeholders import Channel

resource = Resource("consents", "Permission given and withdrawn, with its evidence; the latest act counts.")


class ConsentQuery(PageQuery):
    stakeholder_id = Id("stakeholder")
    purpose = Choice(PURPOSES)
    channel = Channel()


class Subject(Schema):
    stakeholder_id = Id("stakeholder", required=True)
    purpose = Choice(PURPOSES, required=True)
    channel = Channel(required=True)
    source = Text(NAME_MAX, required=True, metadata={"description": "where this is known from"})
    evidence = ma.fields.Dict(keys=ma.fields.String(), load_default=dict)


class ConsentNew(Subject):
    basis = Choice(BASES, required=True)
    wording_version = Text(
        load_default=None, allow_none=True, metadata={"description": "what was shown; consent needs it"}
    )
    at = Time(
        load_default=None, allow_none=True, metadata={"description": "when it was given; now if not said"}
    )
    expires_at = Time(load_default=None, allow_none=True)


class ConsentOut(Schema):
    id = Id("consent", required=True)
    stakeholder_id = Id("stakeholder", required=True)
    purpose = Choice(PURPOSES, required=True)
    channel = ma.fields.String(required=True)
    act = Choice(("given", "withdrawn"), required=True)
    basis = ma.fields.String(required=True)
    at = Time(required=True)
    expires_at = Time(required=True, allow_none=True)
    source = ma.fields.String(required=True)
    wording_version = ma.fields.String(required=True, allow_none=True)
    evidence = ma.fields.Dict(required=True)
    actor = ma.fields.String(required=True)


@resource.route("")
class Consents(MethodView):
    @resource.arguments(ConsentQuery, location="query")
    @resource.response(200, page_of(ConsentOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List every permission given and withdrawn"""
        return listed(consents.listed(this_act(), **query))

    @resource.arguments(ConsentNew)
    @resource.response(201, ConsentOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Record a permission; after a withdrawal only the person's own newer consent counts"""
        return consents.give(this_act(), **body)


@resource.route("/withdraw")
class Withdrawal(MethodView):
    @resource.arguments(Subject)
    @resource.response(201, ConsentOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Record that a permission is withdrawn, or was never wanted"""
        return consents.withdraw(this_act(), **body)
