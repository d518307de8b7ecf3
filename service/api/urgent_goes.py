"""/v1/urgent_goes: what was let go before everybody had signed, and the review that each is owed."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from ..acts import messages
from .resource import Resource, listed, this_act
from .schemas import Id, PageQuery, QueryFlag, Schema, Text, Time, page_of

resource = Resource(
    "urgent_goes", "Messages let go before everybody had signed; each is reviewed within a day."
)


class UrgentQuery(PageQuery):
    due = QueryFlag(load_default=None)


class UrgentGoOut(Schema):
    id = Id("urgent_go", required=True)
    message_id = Id("message", required=True)
    digest = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)
    by = ma.fields.String(required=True)
    at = Time(required=True)
    passed_over = ma.fields.List(ma.fields.Dict(), required=True)
    review_due_at = Time(required=True)
    reviewed_at = Time(required=True, allow_none=True)
    reviewed_by = ma.fields.String(required=True, allow_none=True)
    review = ma.fields.String(required=True, allow_none=True)


class ReviewNew(Schema):
    review = Text(20_000, required=True)


@resource.route("")
class UrgentGoes(MethodView):
    @resource.arguments(UrgentQuery, location="query")
    @resource.response(200, page_of(UrgentGoOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List urgent goes; `due=true` are those nobody has reviewed"""
        return listed(messages.urgent_goes(this_act(), **query))


@resource.route("/<urg:id>/review")
class Review(MethodView):
    @resource.arguments(ReviewNew)
    @resource.response(200, UrgentGoOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Say afterwards whether it was right to send; not by who let it go"""
        return messages.review_urgent_go(this_act(), id, **body)
