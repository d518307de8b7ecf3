"""When messages wait, how often they go and what for: quiet periods, cadence promises, queue slots, the mix."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.messages.mix import AIMS

from ..acts import planning, rhythm
from .resource import Resource, this_act
from .schemas import Choice, Day, Flag, Id, Schema, Text, Time, Whole

quiet_periods = Resource("quiet_periods", "Named times in which messages wait, such as before an election.")
promises = Resource("cadence_promises", "So many messages a week on a channel, promised by a strategy.")
queue_slots = Resource("queue_slots", "The times of the week at which an account usually publishes.")
planned = Resource("planning", "Where a message stands among the others.", prefix="/v1/messages")
mix = Resource("mix", "What content is for, in a quarter: as it was meant, and as it became.")


class QuietNew(Schema):
    programme_id = Id(
        "programme", load_default=None, allow_none=True, metadata={"description": "null: in all programmes"}
    )
    name = Text(required=True)
    reason = Text(2000, required=True)
    from_at = Time(required=True, data_key="from")
    until_at = Time(required=True, data_key="until")
    except_service = Flag(load_default=False, metadata={"description": "messages of the purpose service go"})
    except_urgent = Flag(load_default=False, metadata={"description": "messages of the lane urgent go"})


class QuietEnd(Schema):
    why = Text(2000, required=True)


class QuietOut(Schema):
    id = Id("quiet_period", required=True)
    programme_id = Id("programme", required=True, allow_none=True)
    name = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)
    from_at = Time(required=True, data_key="from")
    until_at = Time(required=True, data_key="until")
    except_service = ma.fields.Boolean(required=True)
    except_urgent = ma.fields.Boolean(required=True)
    by = ma.fields.String(required=True)
    made_at = Time(required=True)
    ended_at = Time(required=True, allow_none=True)
    ended_by = ma.fields.String(required=True, allow_none=True)
    ended_why = ma.fields.String(required=True, allow_none=True)


class QuietPeriodsOut(Schema):
    data = ma.fields.List(ma.fields.Nested(QuietOut), required=True)


class PromiseNew(Schema):
    strategy_id = Id("strategy", required=True)
    channel = Text(35, required=True)
    times = Whole(1, 1000, required=True, metadata={"description": "messages in each week"})
    warn_days = Whole(
        0, 365, required=True, metadata={"description": "a gap is told so long before its week"}
    )
    zone = Text(64, required=True, metadata={"description": "whose Monday begins the week"})


class PromiseOut(Schema):
    id = Id("promise", required=True)
    strategy_id = Id("strategy", required=True)
    channel = ma.fields.String(required=True)
    times = ma.fields.Integer(required=True)
    warn_days = ma.fields.Integer(required=True)
    zone = ma.fields.String(required=True)


class WeekOut(Schema):
    starts_on = Day(required=True)
    count = ma.fields.Integer(required=True)
    state = Choice(("kept", "missed", "gap", "open"), required=True)


class KeptOut(Schema):
    promise = ma.fields.Nested(PromiseOut, required=True)
    weeks = ma.fields.List(ma.fields.Nested(WeekOut), required=True)


class PromisesOut(Schema):
    data = ma.fields.List(ma.fields.Nested(KeptOut), required=True)


class SlotNew(Schema):
    account_id = Id("account", required=True)
    weekday = Whole(0, 6, required=True, metadata={"description": "0 is Monday"})
    wall = Text(5, required=True, metadata={"example": "09:00"})
    zone = Text(64, required=True)


class SlotOut(Schema):
    id = Id("slot", required=True)
    account_id = Id("account", required=True)
    weekday = ma.fields.Integer(required=True)
    wall = ma.fields.String(required=True)
    zone = ma.fields.String(required=True)


class SlotsOut(Schema):
    data = ma.fields.List(ma.fields.Nested(SlotOut), required=True)


class QueuedOut(Schema):
    id = Id("message", required=True)
    state = ma.fields.String(required=True)
    at = Time(required=True, metadata={"description": "the queue time it was put into"})


class PurposeNew(Schema):
    aim = Choice(AIMS, required=True, allow_none=True)


class PurposeOut(Schema):
    content_id = Id("content_item", required=True, attribute="id")
    aim = Choice(AIMS, required=True, allow_none=True)


class MixQuery(Schema):
    quarter = Text(7, required=True, metadata={"example": "2026-Q4"})
    programme = Id("programme", load_default=None, metadata={"description": "left out: all you may read"})
    zone = Text(64, load_default=None, metadata={"description": "whose days; left out: the workspace's"})


class MixNew(Schema):
    programme_id = Id("programme", required=True)
    quarter = Text(7, required=True, metadata={"example": "2026-Q4"})
    shares = ma.fields.Dict(
        keys=Choice(AIMS), values=Whole(0, 100), required=True,
        metadata={"description": "in per cent, 100 together", "example": {AIMS[0]: 60, AIMS[1]: 40}},
    )  # fmt: skip


class MixTargetOut(Schema):
    programme_id = Id("programme", required=True)
    quarter = ma.fields.String(required=True)
    shares = ma.fields.Dict(required=True)


class ShareOut(Schema):
    aim = Choice(AIMS, required=True, allow_none=True, metadata={"description": "null: nobody said"})
    went = ma.fields.Integer(required=True)
    planned = ma.fields.Integer(required=True)
    target = ma.fields.Integer(required=True, allow_none=True)


class MixOut(Schema):
    data = ma.fields.List(ma.fields.Nested(ShareOut), required=True)


@quiet_periods.route("")
class QuietPeriods(MethodView):
    @quiet_periods.response(200, QuietPeriodsOut)
    def get(self) -> Any:
        """List the newest quiet periods of your programmes and those of all, at most 200"""
        return {"data": rhythm.periods(this_act())}

    @quiet_periods.arguments(QuietNew)
    @quiet_periods.response(201, QuietOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Let messages of a programme, or of all, wait for a time"""
        return rhythm.begin_quiet(this_act(), **body)


@quiet_periods.route("/<qtp:id>/end")
class QuietEnded(MethodView):
    @quiet_periods.arguments(QuietEnd)
    @quiet_periods.response(200, QuietOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """End a quiet period before its time; what it held goes"""
        return rhythm.end_quiet(this_act(), id, **body)


@promises.route("")
class Promises(MethodView):
    @promises.response(200, PromisesOut)
    def get(self) -> Any:
        """List what was promised a week, with the weeks around now: kept, missed, or a gap that is coming"""
        return {"data": rhythm.promises(this_act())}

    @promises.arguments(PromiseNew)
    @promises.response(200, PromiseOut)
    def put(self, body: dict[str, Any]) -> Any:
        """Promise so many messages a week on a channel, or change what was promised there"""
        return rhythm.promise(this_act(), **body)


@promises.route("/<pms:id>")
class Promise(MethodView):
    @promises.response(204)
    def delete(self, id: int) -> None:
        """Take a promise back"""
        rhythm.withdraw(this_act(), id)


@queue_slots.route("")
class QueueSlots(MethodView):
    @queue_slots.response(200, SlotsOut)
    def get(self) -> Any:
        """List the queue times of the accounts you see"""
        return {"data": [slot for _account, slots in planning.queues(this_act()) for slot in slots]}

    @queue_slots.arguments(SlotNew)
    @queue_slots.response(201, SlotOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Add a time of the week at which an account publishes"""
        return planning.add_slot(this_act(), **body)


@queue_slots.route("/<slt:id>")
class QueueSlot(MethodView):
    @queue_slots.response(204)
    def delete(self, id: int) -> None:
        """Take a queue time away; what was put into it stays where it is"""
        planning.remove_slot(this_act(), id)


@planned.route("/<msg:id>/enqueue")
class Enqueue(MethodView):
    @planned.response(200, QueuedOut)
    def post(self, id: int) -> Any:
        """Put a message into the next free queue time of its accounts; a draft is sent on its way with it"""
        return planning.enqueue(this_act(), id)


@planned.route("/<msg:id>/aim")
class Aim(MethodView):
    @planned.arguments(PurposeNew)
    @planned.response(200, PurposeOut)
    def put(self, body: dict[str, Any], id: int) -> Any:
        """Say what the content of a message is for; this is no part of what is approved"""
        return planning.tag(this_act(), id, body["aim"])


@mix.route("")
class Mix(MethodView):
    @mix.arguments(MixQuery, location="query")
    @mix.response(200, MixOut)
    def get(self, query: dict[str, Any]) -> Any:
        """Read what content was for in a quarter: what went, what is planned, and what was meant"""
        act = this_act()
        zone = query["zone"] or act.wiring.settings.workspace.zone
        return {"data": rhythm.mix(act, query["quarter"], zone, query["programme"])}

    @mix.arguments(MixNew)
    @mix.response(200, MixTargetOut)
    def put(self, body: dict[str, Any]) -> Any:
        """Say which mix a quarter of a programme is meant to have"""
        return rhythm.plan_mix(this_act(), body["programme_id"], body["quarter"], body["shares"])
