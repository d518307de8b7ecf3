"""/v1/sending_hours: the hours of the week in which people may be written to."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.holidays import KNOWN
from campaigns.messages.hours import OUTSIDE

from ..acts import hours
from .resource import Resource, this_act
from .schemas import Choice, Id, Schema, Text, Whole

resource = Resource(
    "sending_hours", "Hours of everybody, of a programme or of one person; all that stand hold at once."
)


class HoursNew(Schema):
    programme_id = Id("programme", load_default=None, allow_none=True)
    stakeholder_id = Id("stakeholder", load_default=None, allow_none=True, data_key="stakeholder")
    weekdays = ma.fields.List(
        Whole(0, 6), required=True, validate=ma.validate.Length(1, 7), metadata={"description": "0 is Monday"}
    )
    opens = Whole(0, 1439, required=True, metadata={"description": "minutes after midnight"})
    closes = Whole(1, 1440, required=True)
    zone = Text(64, required=True, metadata={"description": "of whoever has none of their own"})
    bank_holidays = Choice(KNOWN, load_default="")
    outside = Choice(OUTSIDE, load_default="wait")


class HoursOut(Schema):
    id = Id("sending_hours", required=True)
    programme_id = Id("programme", required=True, allow_none=True)
    stakeholder = Id("stakeholder", required=True, allow_none=True, attribute="stakeholder_id")
    weekdays = ma.fields.List(ma.fields.Integer(), required=True)
    opens = ma.fields.Integer(required=True)
    closes = ma.fields.Integer(required=True)
    zone = ma.fields.String(required=True)
    bank_holidays = ma.fields.String(required=True)
    outside = ma.fields.String(required=True)


class AllHours(Schema):
    data = ma.fields.List(ma.fields.Nested(HoursOut), required=True)


@resource.route("")
class SendingHours(MethodView):
    @resource.response(200, AllHours)
    def get(self) -> Any:
        """List the hours that stand"""
        return {"data": hours.listed(this_act())}

    @resource.arguments(HoursNew)
    @resource.response(201, HoursOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Set the hours of everybody, of a programme or of one person"""
        return hours.keep(this_act(), **body)


@resource.route("/<shr:id>")
class OneHours(MethodView):
    @resource.response(204)
    def delete(self, id: int) -> None:
        """Take hours away"""
        hours.remove(this_act(), id)
