"""/v1/relations: what stakeholders are to one another, dated, and the map of it on any day."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.stakeholders.relations import MEMBER, STEPS_MAX, TYPES
from campaigns.stakeholders.tables import KINDS

from ..acts import relations
from .resource import Resource, this_act
from .schemas import Choice, Day, Flag, Id, QueryWhole, Schema, Text, Time

resource = Resource("relations", "What stakeholders are to one another, from when to when, and how we know.")


class RelationNew(Schema):
    from_id = Id("stakeholder", required=True)
    to_id = Id("stakeholder", required=True)
    type = Choice(TYPES, required=True, metadata={"description": "what the first is to the second"})
    both_ways = Flag(load_default=False)
    from_on = Day(load_default=None, allow_none=True)
    to_on = Day(load_default=None, allow_none=True, metadata={"description": "its last day"})
    source = Text(required=True, metadata={"description": "how we know"})
    note = Text(empty=True, load_default="")


class RelationQuery(Schema):
    stakeholder_id = Id("stakeholder", required=True)


class RelationEnd(Schema):
    on = Day(load_default=None, metadata={"description": "the last day; today where it is not named"})


class RelationOut(Schema):
    id = Id("relation", required=True)
    from_id = Id("stakeholder", required=True)
    to_id = Id("stakeholder", required=True)
    type = Choice(TYPES, required=True)
    both_ways = ma.fields.Boolean(required=True)
    from_on = Day(required=True, allow_none=True)
    to_on = Day(required=True, allow_none=True)
    source = ma.fields.String(required=True)
    note = ma.fields.String(required=True)
    by = ma.fields.String(required=True)
    at = Time(required=True)


class RelationsOut(Schema):
    data = ma.fields.List(ma.fields.Nested(RelationOut), required=True)


class GraphQuery(Schema):
    around = Id("stakeholder", required=True)
    on = Day(load_default=None, metadata={"description": "the day; today where it is not named"})
    steps = QueryWhole(1, STEPS_MAX, load_default=1)


class Node(Schema):
    id = Id("stakeholder", required=True)
    name = ma.fields.String(required=True)
    kind = Choice(KINDS, required=True)


class Line(Schema):
    id = Id("relation", required=True, allow_none=True, metadata={"description": "null for a membership"})
    from_id = Id("stakeholder", required=True)
    to_id = Id("stakeholder", required=True)
    type = Choice((*TYPES, MEMBER), required=True)
    both_ways = ma.fields.Boolean(required=True)
    from_on = Day(required=True, allow_none=True)
    to_on = Day(required=True, allow_none=True)
    source = ma.fields.String(required=True, metadata={"description": "of a membership: the role"})


class GraphOut(Schema):
    on = Day(required=True)
    nodes = ma.fields.List(ma.fields.Nested(Node), required=True)
    edges = ma.fields.List(ma.fields.Nested(Line), required=True)
    whole = ma.fields.Boolean(required=True, metadata={"description": "false where there are more lines"})


@resource.route("")
class Relations(MethodView):
    @resource.arguments(RelationQuery, location="query")
    @resource.response(200, RelationsOut)
    def get(self, query: dict[str, Any]) -> Any:
        """List what somebody is or was to others, and they to them, what began last first"""
        return {"data": relations.of(this_act(), query["stakeholder_id"])}

    @resource.arguments(RelationNew)
    @resource.response(201, RelationOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Say what one stakeholder is to another"""
        return relations.create(this_act(), **body)


@resource.route("/graph")
class Graph(MethodView):
    @resource.arguments(GraphQuery, location="query")
    @resource.response(200, GraphOut)
    def get(self, query: dict[str, Any]) -> Any:
        """Show the map around somebody on a day: nodes and edges, memberships included"""
        return relations.graph(this_act(), **query)


@resource.route("/<rel:id>")
class Relation(MethodView):
    @resource.response(200, RelationOut)
    def get(self, id: int) -> Any:
        """Show a relation"""
        return relations.get(this_act(), id)

    @resource.response(204)
    def delete(self, id: int) -> None:
        """Take back a relation that never was"""
        relations.remove(this_act(), id)


@resource.route("/<rel:id>/end")
class End(MethodView):
    @resource.arguments(RelationEnd)
    @resource.response(200, RelationOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Say which day was its last"""
        return relations.end(this_act(), id, body["on"])
