"""/v1/deliveries: the ledger, one row for every intended recipient, the excluded included."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.delivery import states

from ..acts import messages
from .resource import Resource, listed, this_act
from .schemas import Choice, Id, PageQuery, Schema, Text, Time, page_of

resource = Resource(
    "deliveries", "Who got it: one row for every intended recipient, with state, time and reason."
)


class RowsQuery(PageQuery):
    state = Choice(states.STATES, load_default=None)


class LedgerQuery(RowsQuery):
    message = Id("message", load_default=None)
    stakeholder = Id("stakeholder", load_default=None)


class DeliveryOut(Schema):
    id = Id("delivery", required=True)
    message_id = Id("message", required=True)
    occurrence_id = Id("occurrence", required=True)
    stakeholder_id = Id("stakeholder", required=True, allow_none=True)
    account_id = Id("account", required=True)
    variant_id = Id("variant", required=True, allow_none=True)
    channel = ma.fields.String(required=True)
    part = ma.fields.Integer(required=True, metadata={"description": "of a thread, from 0"})
    address = ma.fields.String(required=True, attribute="address_key")
    state = Choice(states.STATES, required=True)
    reason = ma.fields.String(required=True, allow_none=True)
    due_at = Time(required=True)
    next_at = Time(required=True, allow_none=True)
    attempt = ma.fields.Integer(required=True)
    basis = ma.fields.String(required=True, allow_none=True)
    consent_id = Id("consent", required=True, allow_none=True)
    provider_id = ma.fields.String(required=True, allow_none=True)
    sent_at = Time(required=True, allow_none=True)
    settled_at = Time(required=True, allow_none=True)
    error = ma.fields.Dict(required=True, allow_none=True)


class ShownOut(Schema):
    url = ma.fields.String(required=True)
    type = ma.fields.String(required=True)
    alt = ma.fields.String(
        required=True, metadata={"description": "what it is said to show; empty: decoration"}
    )


class WordsOut(Schema):
    language = ma.fields.String(required=True)
    subject = ma.fields.String(required=True)
    text = ma.fields.String(required=True)
    html = ma.fields.String(required=True)
    media = ma.fields.List(ma.fields.Nested(ShownOut), required=True)


class DecideNew(Schema):
    outcome = Choice((states.SENT, states.FAILED, states.QUEUED), required=True)
    evidence = Text(2000, required=True, metadata={"description": "how you know; it stays with the delivery"})


@resource.route("")
class Deliveries(MethodView):
    @resource.arguments(LedgerQuery, location="query")
    @resource.response(200, page_of(DeliveryOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List deliveries by message, stakeholder or state"""
        message_id = query.pop("message")
        return listed(messages.deliveries(this_act(), message_id=message_id, **query))


@resource.route("/<dlv:id>")
class OneDelivery(MethodView):
    @resource.response(200, DeliveryOut)
    def get(self, id: int) -> Any:
        """Read one row of the ledger"""
        return messages.delivery(this_act(), id)


@resource.route("/<dlv:id>/words")
class Words(MethodView):
    @resource.response(200, WordsOut)
    def get(self, id: int) -> Any:
        """Read exactly what this recipient was sent, or would be"""
        return messages.words_of_delivery(this_act(), id)


@resource.route("/<dlv:id>/decide")
class Decide(MethodView):
    @resource.arguments(DecideNew)
    @resource.response(200, DeliveryOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Say what became of a row whose outcome nobody learnt"""
        return messages.decide_delivery(this_act(), id, **body)
