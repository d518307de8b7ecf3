"""/v1/topics: what messages are about, as people choose it."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from ..acts import topics
from .resource import ETAG_HEADER, Resource, created, if_match, single, this_act
from .schemas import Choice, Id, Made, Schema, Text

STATES = ("active", "archived")
NAMES = {"description": "by language", "example": {"en": "River", "cy": "Afon"}}

resource = Resource("topics", "What messages are about, as people choose it.")


class TopicNew(Schema):
    programme_id = Id("programme", load_default=None, allow_none=True)
    names = ma.fields.Dict(keys=Text(35), values=Text(), required=True, metadata=NAMES)


class TopicChange(Schema):
    names = ma.fields.Dict(keys=Text(35), values=Text(), metadata=NAMES)
    state = Choice(STATES)


class TopicOut(Made):
    id = Id("topic", required=True)
    programme_id = Id("programme", required=True, allow_none=True)
    name = ma.fields.String(required=True)
    names = ma.fields.Dict(required=True)
    state = Choice(STATES, required=True)


class TopicsOut(Schema):
    data = ma.fields.List(ma.fields.Nested(TopicOut), required=True)


@resource.route("")
class Topics(MethodView):
    @resource.response(200, TopicsOut)
    def get(self) -> Any:
        """List the topics of your programmes and those all share, by name"""
        return {"data": topics.listed(this_act())}

    @resource.arguments(TopicNew)
    @resource.response(201, TopicOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any]) -> Any:
        """Make a topic"""
        return created(topics.create(this_act(), **body), "topic")


@resource.route("/<top:id>")
class Topic(MethodView):
    @resource.response(200, TopicOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Show a topic"""
        return single(topics.get(this_act(), id))

    @resource.guarded
    @resource.arguments(TopicChange)
    @resource.response(200, TopicOut, headers=ETAG_HEADER)
    def patch(self, body: dict[str, Any], id: int) -> Any:
        """Name a topic anew, or take it out of use and back"""
        return single(topics.change(this_act(), id, if_match(), **body))
