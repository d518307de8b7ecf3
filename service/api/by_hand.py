"""/v1/by_hand: what people put up, print or read out; what became of it, and links for partner organisations."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g
from flask.views import MethodView

from campaigns.delivery.by_hand import LINK_DAYS_MAX, WORDS_MAX, Work
from campaigns.messages import pictures

from ..acts import begin, by_hand
from ..door import this_door
from .imports import File
from .resource import Resource, outside, this_act
from .schemas import Id, Schema, Text, Time, Whole

FORM_MAX = pictures.BYTES_MAX + 1024 * 1024

resource = Resource(
    "by_hand",
    "What people carry out by hand, each piece by the id of its delivery; its words are the delivery's.",
)


class WorkOut(Schema):
    delivery_id = Id("delivery", required=True, attribute="row.id")
    message_id = Id("message", required=True, attribute="message.id")
    account_id = Id("account", required=True, attribute="account.id")
    standing = ma.fields.String(
        required=True, metadata={"enum": ["waiting", "done", "not_done", "withdrawn"]}
    )
    handed_at = Time(required=True, attribute="hand.handed_at")
    partner = ma.fields.String(required=True, attribute="hand.partner")
    link_ends_at = Time(required=True, allow_none=True, attribute="hand.expires_at")
    ended_at = Time(required=True, allow_none=True, attribute="hand.ended_at")
    ended_by = ma.fields.String(required=True, allow_none=True, attribute="hand.ended_by")
    where = ma.fields.String(required=True, allow_none=True, attribute="hand.where")
    words = ma.fields.String(required=True, allow_none=True, attribute="hand.words")
    photo_id = Id("media", required=True, allow_none=True, attribute="hand.photo_id")


class WorksOut(Schema):
    data = ma.fields.List(ma.fields.Nested(WorkOut), required=True)


class Done(Schema):
    where = Text(2000, empty=True, load_default="", metadata={"description": "the address where it is seen"})
    words = Text(WORDS_MAX, empty=True, load_default="")
    photo = File(load_default=None, metadata={"description": "a picture of it; or say where"})


class NotDone(Schema):
    words = Text(WORDS_MAX, required=True, metadata={"description": "why"})


class PartnerLinkNew(Schema):
    partner = Text(required=True)
    days = Whole(1, LINK_DAYS_MAX, load_default=30)


class PartnerLinkOut(Schema):
    url = ma.fields.String(required=True, metadata={"description": "to be read now and never again"})


@resource.route("")
class ByHand(MethodView):
    @resource.response(200, WorksOut)
    def get(self) -> Any:
        """List what is still to be done by hand, longest waiting first, at most 200"""
        return {"data": [_told(work) for work in by_hand.waiting(this_act())]}


@resource.route("/<dlv:id>/done")
class WorkDone(MethodView):
    @resource.arguments(Done, location="multipart")
    @resource.response(200, WorkOut)
    @outside
    def post(self, parts: dict[str, Any], id: int) -> Any:
        """Say that it was done and show it, by an address or a photo"""
        upload = parts.pop("photo")
        # Drawn before the transaction: it may take seconds, in which nobody else could write.
        picture = pictures.read(upload.read(FORM_MAX)) if upload else None
        with begin(this_door().parts.wiring, g.caller, request_id=g.get("request_id")) as act:
            by_hand.end(act, id, done=True, picture=picture, **parts)
            return _told(by_hand.get(act, id))


@resource.route("/<dlv:id>/not_done")
class WorkNotDone(MethodView):
    @resource.arguments(NotDone)
    @resource.response(200, WorkOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Say that it was not done, and why"""
        by_hand.end(this_act(), id, done=False, where="", picture=None, **body)
        return _told(by_hand.get(this_act(), id))


@resource.route("/<dlv:id>/link")
class WorkLink(MethodView):
    @resource.arguments(PartnerLinkNew)
    @resource.response(200, PartnerLinkOut)
    def put(self, body: dict[str, Any], id: int) -> Any:
        """Hand it on: a link for a partner organisation; an earlier one works no more"""
        return {"url": by_hand.give_link(this_act(), id, **body)}

    @resource.response(204)
    def delete(self, id: int) -> None:
        """Take the link back"""
        by_hand.take_link_back(this_act(), id)


def _told(work: Work) -> dict[str, Any]:
    return {"standing": work.standing, **work._asdict()}
