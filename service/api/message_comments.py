"""/v1/messages/{id}/comments: what colleagues say about a message, pinned to the form that they read."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from ..acts import message_comments
from .resource import Resource, this_act
from .schemas import Flag, Id, Schema, Text, Time

resource = Resource("message_comments", "What colleagues say about a message.", prefix="/v1/messages")


class MessageCommentNew(Schema):
    digest = Text(100, required=True, metadata={"description": "of the form that was read; see blockers"})
    text = Text(20_000, required=True, metadata={"description": "@ and a name calls a colleague"})
    asks = Flag(
        load_default=False, metadata={"description": "for a change: nothing is approved until it is settled"}
    )


class MessageCommentOut(Schema):
    id = Id("comment", required=True)
    digest = ma.fields.String(required=True)
    text = ma.fields.String(required=True)
    by = ma.fields.String(required=True)
    at = Time(required=True)
    asks = ma.fields.Boolean(required=True)
    settled_by = ma.fields.String(required=True, allow_none=True)
    settled_at = Time(required=True, allow_none=True)


class MessageCommentsOut(Schema):
    data = ma.fields.List(ma.fields.Nested(MessageCommentOut), required=True)


@resource.route("/<msg:id>/comments")
class Comments(MethodView):
    @resource.response(200, MessageCommentsOut)
    def get(self, id: int) -> Any:
        """List what was said about a message, oldest first"""
        return {"data": message_comments.said_of(this_act(), id)}

    @resource.arguments(MessageCommentNew)
    @resource.response(201, MessageCommentOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Say something about a message, or ask for a change"""
        return message_comments.comment(this_act(), id, **body)


@resource.route("/<msg:id>/comments/<cmt:comment_id>/settle")
class Settled(MethodView):
    @resource.response(200, MessageCommentOut)
    def post(self, id: int, comment_id: int) -> Any:
        """Say that what was asked for is done, or is not needed"""
        return message_comments.settle(this_act(), id, comment_id)
