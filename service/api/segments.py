"""/v1/segments: stakeholders of one programme who share what matters, by rule or picked by hand."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.stakeholders.segments import PICK_MAX
from campaigns.stakeholders.text import NAME_MAX

from ..acts import segments
from .resource import ETAG_HEADER, Resource, created, if_match, listed, single, this_act
from .schemas import Choice, Id, Made, PageQuery, Schema, Text, page_of
from .stakeholders import StakeholderOut

resource = Resource("segments", "Stakeholders of one programme, by rule or picked by hand.")

STATES = ("active", "archived")
KINDS = ("rule", "picked")
RULE = (
    'a tree of {"all": […]}, {"any": […]}, {"not": …} and {"field", "op", "value"}; '
    "at most 8 deep and 100 conditions"
)


class SegmentQuery(PageQuery):
    state = Choice(STATES, load_default="active")
    programme_id = Id("programme")


class SegmentNew(Schema):
    name = Text(NAME_MAX, required=True)
    programme_id = Id(
        "programme", load_default=None, metadata={"description": "else the token's programme, else General"}
    )
    rule = ma.fields.Dict(
        keys=ma.fields.String(), load_default=None, allow_none=True,
        metadata={"description": f"{RULE}; without one, members are picked by hand"},
    )  # fmt: skip


class SegmentChange(Schema):
    name = Text(NAME_MAX)
    rule = ma.fields.Dict(keys=ma.fields.String(), metadata={"description": RULE})


class SegmentOut(Made):
    id = Id("segment", required=True)
    programme_id = Id("programme", required=True)
    name = ma.fields.String(required=True)
    kind = Choice(KINDS, required=True)
    rule = ma.fields.Dict(required=True, allow_none=True)
    state = Choice(STATES, required=True)


class Pick(Schema):
    stakeholders = ma.fields.List(
        Id("stakeholder"), required=True, validate=ma.validate.Length(min=1, max=PICK_MAX)
    )


class Count(Schema):
    count = ma.fields.Integer(required=True)


class Explanation(Schema):
    member = ma.fields.Boolean(required=True)
    active = ma.fields.Boolean(required=True)
    involved = ma.fields.Boolean(required=True, metadata={"description": "in the segment's programme"})
    picked = ma.fields.Boolean(metadata={"description": "of segments picked by hand"})
    rule = ma.fields.Dict(metadata={"description": "the rule, with what holds and what does not"})


@resource.route("")
class Segments(MethodView):
    @resource.arguments(SegmentQuery, location="query")
    @resource.response(200, page_of(SegmentOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List the segments of your programmes"""
        return listed(segments.listed(this_act(), **query))

    @resource.arguments(SegmentNew)
    @resource.response(201, SegmentOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any]) -> Any:
        """Make a segment, by rule or to be picked by hand"""
        return created(segments.create(this_act(), **body), "segment")


@resource.route("/<seg:id>")
class Segment(MethodView):
    @resource.response(200, SegmentOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Read one segment"""
        return single(segments.get(this_act(), id))

    @resource.guarded
    @resource.arguments(SegmentChange)
    @resource.response(200, SegmentOut, headers=ETAG_HEADER)
    def patch(self, body: dict[str, Any], id: int) -> Any:
        """Change a segment's name or rule"""
        return single(segments.change(this_act(), id, if_match(), **body))

    @resource.response(204)
    def delete(self, id: int) -> None:
        """Archive a segment; what was sent to it stays"""
        segments.archive(this_act(), id)


@resource.route("/<seg:id>/members")
class Members(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(StakeholderOut))
    def get(self, query: dict[str, Any], id: int) -> Any:
        """List who is in now"""
        return listed(segments.members(this_act(), id, **query))

    @resource.arguments(Pick)
    @resource.response(204)
    def post(self, body: dict[str, Any], id: int) -> None:
        """Add members of the same programme to a hand-picked segment"""
        segments.pick(this_act(), id, **body)


@resource.route("/<seg:id>/members/<stk:stakeholder_id>")
class Member(MethodView):
    @resource.response(204)
    def delete(self, id: int, stakeholder_id: int) -> None:
        """Take a member out of a hand-picked segment"""
        segments.unpick(this_act(), id, stakeholder_id)


@resource.route("/<seg:id>/members/<stk:stakeholder_id>/explanation")
class Why(MethodView):
    @resource.response(200, Explanation)
    def get(self, id: int, stakeholder_id: int) -> Any:
        """Say why somebody is in or out"""
        return segments.explain(this_act(), id, stakeholder_id)


@resource.route("/<seg:id>/count")
class CountOf(MethodView):
    @resource.response(200, Count)
    def get(self, id: int) -> Any:
        """Count who is in now"""
        return {"count": segments.count(this_act(), id)}
