"""/v1/objectives, and what a programme has beside them: readings, risks and priorities."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.strategies.tables import PRIORITY_REACHES, RISK_KINDS

from ..acts import plans, programmes
from .resource import ETAG_HEADER, Resource, if_match, single, this_act
from .schemas import Choice, Day, Flag, Id, Made, Schema, Text, Time, Whole

LONG = 20_000

resource = Resource("objectives", "What a programme wants to have reached, by when, as a number.")
plan = Resource("plan", "What stands in the plan of a programme.", prefix="/v1/programmes")


class Number(ma.fields.Float):
    """A JSON number; "1" and true are none."""

    def _deserialize(self, value: Any, *place: Any, **kwargs: Any) -> Any:
        if type(value) not in (int, float):
            raise self.make_error("invalid")
        return value


class ObjectiveChange(Schema):
    name = Text()
    metric = Text(LONG, empty=True)
    unit = Text(LONG, empty=True)
    baseline = Number(allow_none=True)
    target = Number(allow_none=True)
    deadline_on = Day(allow_none=True)
    owner = Text(LONG, empty=True)
    goal = Text(LONG, empty=True)
    achievable = Text(LONG, empty=True)


class ObjectiveNew(ObjectiveChange):
    name = Text(required=True)


class ObjectiveOut(Made):
    id = Id("objective", required=True)
    programme_id = Id("programme", required=True)
    name = ma.fields.String(required=True)
    metric = ma.fields.String(required=True)
    unit = ma.fields.String(required=True)
    baseline = ma.fields.Float(required=True, allow_none=True)
    target = ma.fields.Float(required=True, allow_none=True)
    deadline_on = Day(required=True, allow_none=True)
    owner = ma.fields.String(required=True)
    goal = ma.fields.String(required=True)
    achievable = ma.fields.String(required=True)
    state = ma.fields.String(required=True)


class ReadingNew(Schema):
    on = Day(required=True)
    value = Number(required=True)
    note = Text(LONG, empty=True, load_default="")


class ReadingOut(Schema):
    on = Day(required=True)
    value = ma.fields.Float(required=True)
    note = ma.fields.String(required=True)
    by = ma.fields.String(required=True)
    at = Time(required=True)


class ReadingsOut(Schema):
    data = ma.fields.List(ma.fields.Nested(ReadingOut), required=True)


class AimOut(Schema):
    """An objective with what its check misses and how far it is."""

    objective = ma.fields.Nested(ObjectiveOut, required=True)
    missing = ma.fields.List(ma.fields.String(), required=True)
    reading = ma.fields.Nested(ReadingOut, required=True, allow_none=True)
    share = ma.fields.Float(required=True, allow_none=True, metadata={"description": "0.5 is half the way"})


class RiskNew(Schema):
    kind = Choice(RISK_KINDS, required=True)
    name = Text(required=True)
    likelihood = Whole(1, 5, required=True)
    severity = Whole(1, 5, required=True)
    mitigation = Text(LONG, empty=True, load_default="")
    owner = Text(40, empty=True, load_default="")
    due_on = Day(load_default=None, allow_none=True)


class RiskOut(Made):
    id = Id("risk", required=True)
    kind = Choice(RISK_KINDS, required=True)
    name = ma.fields.String(required=True)
    likelihood = ma.fields.Integer(required=True)
    severity = ma.fields.Integer(required=True)
    mitigation = ma.fields.String(required=True)
    owner = ma.fields.String(required=True)
    due_on = Day(required=True, allow_none=True)
    state = Choice(("open", "closed"), required=True)


class RiskState(Schema):
    state = Choice(("open", "closed"), required=True)


class PriorityNew(Schema):
    name = Text(required=True)
    reach = Choice(PRIORITY_REACHES, required=True)
    raised_by = Text(LONG, empty=True, load_default="")
    evidence = Text(LONG, empty=True, load_default="")
    suits = Flag(load_default=None, allow_none=True)
    reason = Text(LONG, empty=True, load_default="")


class PriorityOut(Made):
    id = Id("priority", required=True)
    name = ma.fields.String(required=True)
    reach = Choice(PRIORITY_REACHES, required=True)
    raised_by = ma.fields.String(required=True)
    evidence = ma.fields.String(required=True)
    suits = ma.fields.Boolean(required=True, allow_none=True)
    reason = ma.fields.String(required=True)


class PlanOut(Schema):
    objectives = ma.fields.List(ma.fields.Nested(AimOut), required=True, attribute="aims")
    risks = ma.fields.List(ma.fields.Nested(RiskOut), required=True)
    priorities = ma.fields.List(ma.fields.Nested(PriorityOut), required=True)
    missing = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "what it still needs"}
    )


@plan.route("/<prg:id>/plan")
class ThePlan(MethodView):
    @plan.response(200, PlanOut)
    def get(self, id: int) -> Any:
        """Read the plan of a programme: objectives with how far they are, risks, priorities, what is missing"""
        act = this_act()
        return plans.of(act, programmes.get(act, id))


@plan.route("/<prg:id>/objectives")
class Objectives(MethodView):
    @plan.arguments(ObjectiveNew)
    @plan.response(201, ObjectiveOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Add an objective to a programme"""
        return single(plans.add_objective(this_act(), id, **body))


@plan.route("/<prg:id>/risks")
class Risks(MethodView):
    @plan.arguments(RiskNew)
    @plan.response(201, RiskOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Note a threat, an opportunity or a barrier"""
        return plans.add_risk(this_act(), id, **body)


@plan.route("/<prg:id>/risks/<rsk:risk_id>")
class Risk(MethodView):
    @plan.arguments(RiskState)
    @plan.response(200, RiskOut)
    def put(self, body: dict[str, Any], id: int, risk_id: int) -> Any:
        """Close a risk, or open it again"""
        return plans.set_risk(this_act(), id, risk_id, body["state"])


@plan.route("/<prg:id>/priorities")
class Priorities(MethodView):
    @plan.arguments(PriorityNew)
    @plan.response(201, PriorityOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Note an issue, and whether social marketing suits it"""
        return plans.add_priority(this_act(), id, **body)


@plan.route("/<prg:id>/priorities/<pri:priority_id>")
class Priority(MethodView):
    @plan.response(204)
    def delete(self, id: int, priority_id: int) -> None:
        """Take an issue off the register"""
        plans.remove_priority(this_act(), id, priority_id)


@resource.route("/<obj:id>")
class Objective(MethodView):
    @resource.response(200, ObjectiveOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Show an objective"""
        return single(plans.objective(this_act(), id))

    @resource.guarded
    @resource.arguments(ObjectiveChange)
    @resource.response(200, ObjectiveOut, headers=ETAG_HEADER)
    def patch(self, body: dict[str, Any], id: int) -> Any:
        """Say an objective better; what was read stays"""
        return single(plans.change_objective(this_act(), id, if_match(), **body))

    @resource.response(204)
    def delete(self, id: int) -> None:
        """Archive an objective: it is pursued no more and stays on record"""
        plans.archive_objective(this_act(), id)


@resource.route("/<obj:id>/readings")
class Readings(MethodView):
    @resource.response(200, ReadingsOut)
    def get(self, id: int) -> Any:
        """List what was read of it, the newest day first"""
        act = this_act()
        return {"data": plans.readings(act, plans.objective(act, id))}

    @resource.arguments(ReadingNew)
    @resource.response(201, ReadingOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Write down how far it is; a second reading of a day replaces the first"""
        return plans.read(this_act(), id, **body)
