"""/v1/missed_runs: times that came while nobody was there to send, and what became of each."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from ..acts import missed_runs
from .resource import Resource, listed, this_act
from .schemas import Choice, Flag, Id, PageQuery, QueryFlag, Schema, Time, page_of

resource = Resource(
    "missed_runs", "Times that came while no clock was there: sent late, skipped, or held for a person."
)


class MissedRunOut(Schema):
    occurrence = Id("occurrence", required=True, attribute="occurrence_id")
    message = Id("message", required=True, attribute="message_id")
    due_at = Time(required=True)
    found_at = Time(required=True)
    done = Choice(("late", "skipped", "held"), required=True)
    decided_by = ma.fields.String(required=True, allow_none=True)
    decided_at = Time(required=True, allow_none=True)


class MissedRunsQuery(PageQuery):
    waiting = QueryFlag(load_default=None)


class Verdict(Schema):
    go = Flag(required=True)


@resource.route("")
class MissedRuns(MethodView):
    @resource.arguments(MissedRunsQuery, location="query")
    @resource.response(200, page_of(MissedRunOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List what was missed"""
        return listed(missed_runs.listed(this_act(), **query))


@resource.route("/<occ:id>/decide")
class Decide(MethodView):
    @resource.arguments(Verdict)
    @resource.response(200, MissedRunOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Say whether a held one still goes"""
        return missed_runs.decide(this_act(), id, **body)
