"""Who gets a message, and its words: address it anew, both languages in one letter, still right, no time any more."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.stakeholders.tables import PURPOSES

from ..acts import messages, writing
from .messages import To
from .resource import Resource, this_act
from .schemas import Choice, Id, Schema, Text

resource = Resource(
    "message_words", "Who gets a message, and what its words say together.", prefix="/v1/messages"
)
# A message that goes when somebody says so.
NO_TIME: dict[str, Any] = {
    "at": None, "wall": None, "zone": None, "timing": {"rule": None, "own_zone": False, "after_id": None}
}  # fmt: skip


class AddressedAnew(Schema):
    to = To(load_default=())
    stakeholders = ma.fields.List(Id("stakeholder"), load_default=(), validate=ma.validate.Length(0, 100))
    segment = Id("segment", load_default=None, allow_none=True)
    accounts = ma.fields.List(Id("account"), load_default=(), validate=ma.validate.Length(0, 20))
    strategy_id = Id("strategy", load_default=None)
    purpose = Choice(PURPOSES, load_default=None)


class TogetherNew(Schema):
    languages = ma.fields.List(
        Text(35), required=True, allow_none=True, validate=ma.validate.Length(2, 2),
        metadata={"description": "the upper one first; null: one letter, one language"},
    )  # fmt: skip


class StillRightNew(Schema):
    channel = Text(35, required=True)
    language = Text(35, required=True)


class PlannedOut(Schema):
    id = Id("message", required=True)
    state = ma.fields.String(required=True)
    segment = Id("segment", required=True, allow_none=True, attribute="segment_id")


@resource.route("/<msg:id>/readdress")
class Readdress(MethodView):
    @resource.arguments(AddressedAnew)
    @resource.response(200, PlannedOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Choose anew who gets a message none of which has gone, and through which accounts"""
        return writing.readdress(this_act(), id, None, **body)


@resource.route("/<msg:id>/unschedule")
class Unschedule(MethodView):
    @resource.response(200, PlannedOut)
    def post(self, id: int) -> Any:
        """Take its time away: it goes when somebody says so"""
        return messages.change(this_act(), id, None, **NO_TIME)


@resource.route("/<msg:id>/together")
class Together(MethodView):
    @resource.arguments(TogetherNew)
    @resource.response(204)
    def put(self, body: dict[str, Any], id: int) -> None:
        """Send whoever has said no language one letter in two, or no longer"""
        writing.put_together(this_act(), id, body["languages"])


@resource.route("/<msg:id>/still_right")
class StillRight(MethodView):
    @resource.arguments(StillRightNew)
    @resource.response(204)
    def post(self, body: dict[str, Any], id: int) -> None:
        """Say that a version still says what its changed source says"""
        writing.still_right(this_act(), id, body["channel"], body["language"])
