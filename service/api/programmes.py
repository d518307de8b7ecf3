"""/v1/programmes: the tree of programmes, campaigns and plans."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.strategies.programmes import LEVEL_WORDS, horizon
from campaigns.strategies.tables import ASSURANCES

from ..acts import programmes
from .resource import ETAG_HEADER, Resource, created, if_match, listed, single, this_act
from .schemas import Choice, Day, Id, Made, PageQuery, Schema, Text, page_of

resource = Resource(
    "programmes", "The tree of programmes, campaigns and plans; the horizon follows from the dates."
)


class ProgrammeNew(Schema):
    name = Text(required=True)
    starts_on = Day(required=True)
    ends_on = Day(load_default=None, allow_none=True)
    parent_id = Id("programme", load_default=None, allow_none=True)
    assurance = Choice(ASSURANCES, load_default="light")


class ProgrammeChange(Schema):
    name = Text()
    starts_on = Day()
    ends_on = Day(allow_none=True)
    parent_id = Id("programme", allow_none=True)
    assurance = Choice(ASSURANCES)
    reason = Text(2000, metadata={"description": "why the assurance is lowered"})


class ProgrammeOut(Made):
    id = Id("programme", required=True)
    name = ma.fields.String(required=True)
    starts_on = Day(required=True)
    ends_on = Day(required=True, allow_none=True)
    parent_id = Id("programme", required=True, allow_none=True)
    assurance = Choice(ASSURANCES, required=True)
    assurance_words = ma.fields.Function(lambda row: LEVEL_WORDS[row.assurance], metadata={"type": "string"})
    horizon = ma.fields.Function(
        horizon, metadata={"type": "string", "enum": ["plan", "campaign", "programme"]}
    )
    builtin = ma.fields.Boolean(required=True)


@resource.route("")
class Programmes(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(ProgrammeOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List the programmes you have a grant on"""
        return listed(programmes.listed(this_act(), **query))

    @resource.arguments(ProgrammeNew)
    @resource.response(201, ProgrammeOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any]) -> Any:
        """Make a programme, campaign or plan"""
        return created(programmes.create(this_act(), **body), "programme")


@resource.route("/<prg:id>")
class Programme(MethodView):
    @resource.response(200, ProgrammeOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Read one programme"""
        return single(programmes.get(this_act(), id))

    @resource.guarded
    @resource.arguments(ProgrammeChange)
    @resource.response(200, ProgrammeOut, headers=ETAG_HEADER)
    def patch(self, body: dict[str, Any], id: int) -> Any:
        """Change a programme; lowering its assurance needs an administrator and a reason"""
        return single(programmes.change(this_act(), id, if_match(), **body))
