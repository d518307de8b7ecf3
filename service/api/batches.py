"""/v1/batches: work that waits or is in a worker's hands, and how it is put right."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.delivery import states
from campaigns.delivery.repair import KINDS
from campaigns.messages.tables import LANES

from ..acts import work
from .resource import Resource, listed, this_act
from .schemas import Choice, Id, PageQuery, Schema, Text, Time, page_of

resource = Resource(
    "batches", "Work that waits or is in hand: rows of one message and one account, up to 500 at a time."
)


class BatchesQuery(PageQuery):
    kind = Choice(
        KINDS,
        load_default="due",
        metadata={
            "description": "`due`: may be taken; `late`: for more than two minutes; `leased`: a worker has it; "
            "`dead`: workers died with it"
        },
    )


class BatchOut(Schema):
    id = Id("batch", required=True)
    message_id = Id("message", required=True)
    account_id = Id("account", required=True)
    lane = Choice(LANES, required=True)
    rows = ma.fields.Integer(required=True)
    due_at = Time(required=True)
    owner = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "the worker that has it"}
    )
    until = Time(required=True, allow_none=True, metadata={"description": "unless it is renewed"})
    deaths = ma.fields.Integer(required=True, metadata={"description": "workers that died with it"})


class BatchRequeue(Schema):
    why = Text(2000, required=True)


class BatchMark(Schema):
    outcome = Choice((states.SENT, states.FAILED), required=True)
    evidence = Text(
        2000, required=True, metadata={"description": "how you know; it stays with each delivery"}
    )


class MarkedOut(Schema):
    rows = ma.fields.Integer(required=True)


@resource.route("")
class Batches(MethodView):
    @resource.arguments(BatchesQuery, location="query")
    @resource.response(200, page_of(BatchOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List work that is due, late, in a worker's hands, or lost workers"""
        return listed(work.listed(this_act(), **query))


@resource.route("/<bat:id>/requeue")
class Requeue(MethodView):
    @resource.arguments(BatchRequeue)
    @resource.response(200, BatchOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Give it to the next worker; what is being handed over becomes unknown, and nothing goes twice"""
        return work.requeue(this_act(), id, **body)


@resource.route("/<bat:id>/mark")
class Mark(MethodView):
    @resource.arguments(BatchMark)
    @resource.response(200, MarkedOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Say that its rows have gone, or leave them out"""
        return work.mark(this_act(), id, **body)
