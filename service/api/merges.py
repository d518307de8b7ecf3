"""/v1/duplicates and /v1/merges: who may be on record twice, and two records made one and two again."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.responses import merges as of_merge
from campaigns.responses.merges import GONE, KEPT
from campaigns.stakeholders.duplicates import BY, SCORES
from campaigns.stakeholders.tables import Merge as Row

from ..acts import merges
from ..ids import shown
from .resource import Resource, listed, this_act
from .schemas import Choice, Id, Schema, Text, Time, page_of

duplicates = Resource("duplicates", "Proposals of who is on record twice, for a person to decide.")
resource = Resource("merges", "Two records of one stakeholder, made one; each merge can be undone exactly.")

TAKE = {
    "description": "whose word counts where the two differ: by `name`, `languages`, `zone` or `fields.…`",
    "example": {"name": "kept", "fields.town": "gone"},
}


class DuplicateQuery(Schema):
    by = Choice(
        BY, load_default="address", metadata={"description": "in which order people are looked through"}
    )
    after = ma.fields.String(load_default=None, metadata={"description": "the `next` of an earlier answer"})


class Known(Schema):
    id = Id("stakeholder", required=True)
    name = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)


class DuplicateOut(Schema):
    one = ma.fields.Nested(Known, required=True)
    other = ma.fields.Nested(Known, required=True)
    score = ma.fields.Integer(
        required=True, metadata={"description": "from 40 to 95: how much speaks for it"}
    )
    shared = ma.fields.List(Choice(tuple(SCORES)), required=True, metadata={"description": "what they share"})


class Distinct(Schema):
    one_id = Id("stakeholder", required=True)
    other_id = Id("stakeholder", required=True)


class MergeNew(Schema):
    kept_id = Id("stakeholder", required=True, metadata={"description": "the record that stands for both"})
    gone_id = Id("stakeholder", required=True, metadata={"description": "the record that points to it"})
    take = ma.fields.Dict(keys=Text(100), values=Choice((KEPT, GONE)), load_default=dict, metadata=TAKE)
    reason = Text(2000, empty=True, load_default="")


class MergeUndo(Schema):
    reason = Text(
        2000, empty=True, load_default="", metadata={"description": "how we know that they are two"}
    )


class MergeQuery(Schema):
    stakeholder_id = Id("stakeholder", required=True)


class MergeOut(Schema):
    id = Id("merge", required=True)
    kept_id = Id("stakeholder", required=True)
    gone_id = Id("stakeholder", required=True)
    changed = ma.fields.Method(
        "_changed",
        required=True,
        metadata={"type": "object", "description": "of the kept record: before and after"},
    )
    reason = ma.fields.String(required=True)
    by = ma.fields.String(required=True)
    at = Time(required=True)
    undone_at = Time(required=True, allow_none=True)
    undone_by = ma.fields.String(required=True, allow_none=True)
    undone_why = ma.fields.String(required=True)
    left = ma.fields.Function(
        lambda row: [shown("address", one) for one in of_merge.left(row)],
        required=True,
        metadata={
            "type": "array",
            "items": {"type": "string"},
            "description": "addresses that the undo left on the kept record, for they were changed there since",
        },
    )

    def _changed(self, row: Row) -> dict[str, Any]:
        return {name: {"before": before, "after": after} for name, (before, after) in row.values.items()}


class MergesOut(Schema):
    data = ma.fields.List(ma.fields.Nested(MergeOut), required=True)


@duplicates.route("")
class Duplicates(MethodView):
    @duplicates.arguments(DuplicateQuery, location="query")
    @duplicates.response(200, page_of(DuplicateOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Look through some thousand people for records that may be one; `next` goes on where this stopped"""
        return listed(merges.proposed(this_act(), **query))


@duplicates.route("/distinct")
class ToldApart(MethodView):
    @duplicates.arguments(Distinct)
    @duplicates.response(204)
    def post(self, body: dict[str, Any]) -> None:
        """Say that two records are two people: not proposed again"""
        merges.say_distinct(this_act(), **body)


@resource.route("")
class Merges(MethodView):
    @resource.arguments(MergeQuery, location="query")
    @resource.response(200, MergesOut)
    def get(self, query: dict[str, Any]) -> Any:
        """List the merges of somebody's records that stand, the last first"""
        return {"data": merges.of(this_act(), query["stakeholder_id"])}

    @resource.arguments(MergeNew)
    @resource.response(201, MergeOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Let one record stand for two; where they differ, `take` must say whose word counts"""
        return merges.merge(this_act(), **body)


@resource.route("/<mrg:id>")
class Merge(MethodView):
    @resource.response(200, MergeOut)
    def get(self, id: int) -> Any:
        """Show a merge"""
        return merges.get(this_act(), id)


@resource.route("/<mrg:id>/undo")
class Undo(MethodView):
    @resource.arguments(MergeUndo)
    @resource.response(200, MergeOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Make two records of them again, each as it was; the last merge of a record is undone first"""
        return merges.undo(this_act(), id, **body)
