"""/v1/programmes: the tree of programmes, campaigns and plans."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.strategies.policies import DAYS_MAX, MESSAGES_MAX
from campaigns.strategies.programmes import LEVEL_WORDS, horizon
from campaigns.strategies.tables import ASSURANCES

from ..acts import plans, programmes
from .resource import ETAG_HEADER, Resource, created, if_match, listed, single, this_act
from .schemas import Choice, Day, Id, Made, PageQuery, Schema, Text, Whole, page_of

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
    vision = Text(20_000, empty=True)
    mission = Text(20_000, empty=True)
    held_values = Text(20_000, empty=True)
    approach = Text(20_000, empty=True)


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
    vision = ma.fields.String(required=True)
    mission = ma.fields.String(required=True)
    held_values = ma.fields.String(required=True)
    approach = ma.fields.String(required=True)


class FrequencyCap(Schema):
    """To one person at most so many messages in so many days, over all channels."""

    messages = Whole(1, MESSAGES_MAX, required=True)
    days = Whole(1, DAYS_MAX, required=True)


class CapInForce(FrequencyCap):
    programme_id = Id("programme", required=True, metadata={"description": "whose cap it is"})


class PoliciesIn(Schema):
    languages = ma.fields.List(
        Text(35),
        required=True,
        metadata={"description": "every message waits until it is written in all of these"},
    )
    formats = ma.fields.Boolean(
        required=True, metadata={"description": "other formats are offered to whoever asks"}
    )
    frequency_cap = ma.fields.Nested(FrequencyCap, required=True, allow_none=True)


class InForce(Schema):
    languages = ma.fields.List(ma.fields.String(), required=True)
    formats = ma.fields.Boolean(required=True)
    frequency_caps = ma.fields.List(ma.fields.Nested(CapInForce), required=True)


class PoliciesOut(PoliciesIn):
    in_force = ma.fields.Nested(
        InForce, required=True, metadata={"description": "with what the programmes above it ask"}
    )


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


@resource.route("/<prg:id>/policies")
class Policies(MethodView):
    @resource.response(200, PoliciesOut)
    def get(self, id: int) -> Any:
        """Read what a programme asks of its messages beyond the law"""
        return plans.policy(this_act(), id)

    @resource.arguments(PoliciesIn)
    @resource.response(200, PoliciesOut)
    def put(self, body: dict[str, Any], id: int) -> Any:
        """Set what a programme asks of its messages; asking for less needs an administrator"""
        cap = body.pop("frequency_cap")
        plans.set_policy(this_act(), id, cap=(cap["messages"], cap["days"]) if cap else None, **body)
        return plans.policy(this_act(), id)


@resource.route("/<prg:id>/policies/wales")
class Wales(MethodView):
    @resource.response(200, PoliciesOut)
    def post(self, id: int) -> Any:
        """Turn on the pack for public bodies in Wales: two languages, other formats, agreed strategies"""
        plans.adopt_wales(this_act(), id, None)
        return plans.policy(this_act(), id)
