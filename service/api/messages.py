"""/v1/messages: one call sends; the others plan, check, approve, hold back and look at who got it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import request
from flask.views import MethodView

from campaigns.base import public_id
from campaigns.messages import timing
from campaigns.messages.calendar import GAPS, OVERLAPS
from campaigns.messages.content import MEDIA_MAX
from campaigns.messages.tables import LANES, STATES
from campaigns.stakeholders.tables import PURPOSES
from campaigns.strategies.programmes import LEVEL_WORDS

from .. import idempotency
from ..acts import messages, times
from .deliveries import DeliveryOut, RowsQuery
from .resource import ETAG_HEADER, Resource, if_match, listed, this_act
from .schemas import Choice, Flag, Id, Made, PageQuery, Schema, Text, Time, Whole, page_of

resource = Resource(
    "messages", "What goes out: one call sends it, holds it with what is missing, or drafts it."
)

TO_MAX = messages.TO_MAX
YEAR_S = 366 * 86_400


class SendAt(ma.fields.Raw):
    """An instant with its offset, or a wall time in a zone: `calendar.parse_when` reads both."""

    def __init__(self, **kwargs: Any) -> None:
        local = {"local": {"type": "string"}, "zone": {"type": "string"}}
        choices = {"gap": {"enum": list(GAPS)}, "overlap": {"enum": list(OVERLAPS)}}
        wall = {"type": "object", "properties": {**local, **choices}, "required": ["local", "zone"]}
        either = [{"type": "string", "format": "date-time"}, wall]
        super().__init__(metadata={"oneOf": either, "description": "absent: now"}, **kwargs)


class To(ma.fields.Raw):
    """One address, or up to 100."""

    def __init__(self, **kwargs: Any) -> None:
        one = {"type": "string", "minLength": 1, "maxLength": 320}
        many = {"type": "array", "items": one, "maxItems": TO_MAX, "minItems": 1}
        super().__init__(metadata={"oneOf": [one, many]}, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if isinstance(value, str):
            value = [value]
        return ma.fields.List(Text(320), validate=ma.validate.Length(1, TO_MAX)).deserialize(value)


class TimingIn(Schema):
    """How it goes out over time, where that is more than one instant."""

    rule = Text(
        300,
        allow_none=True,
        metadata={"description": "RFC 5545, such as FREQ=WEEKLY;BYDAY=TU; starts at send_at"},
    )

    own_zone = Flag(metadata={"description": "at the time of day of send_at in each recipient's own zone"})
    passed = Choice(
        timing.CHOICES["passed"],
        metadata={"description": "what becomes of those whose time of day has passed"},
    )
    missed = Choice(
        timing.CHOICES["missed"],
        metadata={"description": "what becomes of it where nobody was there to send it"},
    )
    late_s = Whole(60, YEAR_S, metadata={"description": "`late` is so late at most; a day, unless you say"})
    first_share = Whole(1, 99, allow_none=True, metadata={"description": "so many per cent get it first"})
    then_s = Whole(60, 30 * 86_400, metadata={"description": "the rest gets it so much later"})
    bounced_pm = Whole(0, 1000, metadata={"description": "unless more thousandths of the first part bounced"})
    complained_pm = Whole(0, 1000, metadata={"description": "or complained"})
    after_id = Id(
        "message", data_key="after", allow_none=True, metadata={"description": "it follows this message up"}
    )
    asks = Choice(
        timing.CHOICES["asks"], metadata={"description": "what those who get it did about that one"}
    )
    after_s = Whole(60, YEAR_S, metadata={"description": "so long after that one is finished; a week"})


class TimingOut(Schema):
    rule = ma.fields.String(required=True, allow_none=True)
    own_zone = ma.fields.Boolean(required=True)
    passed = Choice(timing.CHOICES["passed"], required=True)
    missed = Choice(timing.CHOICES["missed"], required=True)
    late_s = ma.fields.Integer(required=True)
    first_share = ma.fields.Integer(required=True, allow_none=True)
    then_s = ma.fields.Integer(required=True)
    bounced_pm = ma.fields.Integer(required=True)
    complained_pm = ma.fields.Integer(required=True)
    after_id = Id("message", data_key="after", required=True, allow_none=True)
    asks = Choice(timing.CHOICES["asks"], required=True)
    after_s = ma.fields.Integer(required=True)


class MessageNew(Schema):
    to = To(load_default=())
    stakeholders = ma.fields.List(Id("stakeholder"), load_default=(), validate=ma.validate.Length(0, TO_MAX))
    segment = Id("segment", load_default=None, allow_none=True)
    accounts = ma.fields.List(Id("account"), load_default=(), validate=ma.validate.Length(0, 20))
    subject = Text(998, load_default=None)
    text = Text(100_000, load_default=None)
    html = Text(1_000_000, load_default=None)
    language = Text(35, load_default=None)
    media = ma.fields.List(
        Id("media"), load_default=(), validate=ma.validate.Length(0, MEDIA_MAX),
        metadata={"description": "Pictures for the accounts that take some with a post, in their order."},
    )  # fmt: skip
    content_item = Id("content_item", load_default=None)
    template = Id("template", load_default=None)
    data = ma.fields.Dict(keys=Text(100), load_default=None)
    name = Text(load_default="", empty=True)
    programme_id = Id("programme", load_default=None)
    strategy_id = Id("strategy", load_default=None)
    purpose = Choice(
        PURPOSES,
        load_default=None,
        metadata={
            "description": "What it counts as; left out: what its strategy says, service in Everyday communication. "
            "Say it where it goes to a group: service also goes to those who want no news."
        },
    )
    lane = Choice(LANES, load_default="normal")
    send_at = SendAt(load_default=None)
    timing = ma.fields.Nested(TimingIn, load_default=None, allow_none=True)
    useful_until_s = Whole(60, YEAR_S, load_default=None, allow_none=True)
    ceiling = Whole(1, 100_000_000, load_default=None, allow_none=True)
    draft = Flag(load_default=False)
    on_blocked = Choice(("hold", "refuse"), load_default="hold")


class MessageChange(Schema):
    name = Text(empty=True)
    purpose = Choice(PURPOSES)
    topic_id = Id("topic", allow_none=True)
    send_at = SendAt()
    timing = ma.fields.Nested(TimingIn)
    lane = Choice(LANES)
    useful_until_s = Whole(60, YEAR_S, allow_none=True)
    ceiling = Whole(1, 100_000_000, allow_none=True)


class ScheduleNew(Schema):
    send_at = SendAt(required=True)


class CostOut(Schema):
    account_id = Id("account", required=True)
    account = ma.fields.String(required=True)
    currency = ma.fields.String(required=True)
    amount = ma.fields.Float(required=True)
    source = ma.fields.String(required=True)


class MessageOut(Made):
    """The row and what is known of it now; made from `messages.Shown`."""

    id = Id("message", required=True)
    state = Choice(STATES, required=True)
    name = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    programme_id = Id("programme", required=True)
    content_item = Id("content_item", required=True, attribute="content_id")
    segment = Id("segment", required=True, allow_none=True, attribute="segment_id")
    purpose = ma.fields.String(required=True)
    lane = ma.fields.String(required=True)
    author = ma.fields.String(required=True)
    test = ma.fields.Boolean(required=True)
    send_at = Time(required=True, allow_none=True, attribute="at")
    local = ma.fields.String(required=True, allow_none=True, attribute="wall")
    zone = ma.fields.String(required=True, allow_none=True)
    timing = ma.fields.Nested(TimingOut, required=True, allow_none=True)
    useful_until_s = ma.fields.Integer(required=True, allow_none=True)
    ceiling = ma.fields.Integer(required=True, allow_none=True)
    held_by = ma.fields.List(ma.fields.Dict(), required=True)
    digest = ma.fields.String(required=True)
    assurance = ma.fields.String(required=True)
    assurance_words = ma.fields.String(required=True)
    counts = ma.fields.Dict(values=ma.fields.Integer(), required=True)
    reasons = ma.fields.Dict(values=ma.fields.Integer(), required=True)
    deliveries = ma.fields.String(required=True)
    costs = ma.fields.List(
        ma.fields.Nested(CostOut), required=True,
        metadata={"description": "What one time of it costs, by each account that charges for posts."},
    )  # fmt: skip


class Counts(Schema):
    counts = ma.fields.Dict(values=ma.fields.Integer(), required=True)


class DecisionNew(Schema):
    digest = Text(80, required=True)
    decision = Choice(("approved", "refused"), required=True)
    reason = Text(2000, empty=True, load_default="")


class DecisionOut(Schema):
    id = Id("approval", required=True)
    decision = ma.fields.String(required=True)
    digest = ma.fields.String(required=True)
    by = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)
    at = Time(required=True)


class Decisions(Schema):
    data = ma.fields.List(ma.fields.Nested(DecisionOut), required=True)


class UrgentNew(Schema):
    digest = Text(80, required=True)
    reason = Text(2000, required=True)


class UrgentOut(Schema):
    by = ma.fields.String(required=True)
    at = Time(required=True)
    review_due_at = Time(required=True)


class Blockers(Schema):
    blockers = ma.fields.List(ma.fields.Dict(), required=True)


class RehearsedRow(Schema):
    stakeholder_id = Id("stakeholder", required=True, allow_none=True)
    account_id = Id("account", required=True)
    channel = ma.fields.String(required=True)
    part = ma.fields.Integer(required=True, metadata={"description": "of a thread, from 0"})
    address = ma.fields.String(required=True, attribute="address_key")
    variant_id = Id("variant", required=True, allow_none=True)
    state = ma.fields.String(required=True)
    reason = ma.fields.String(required=True, allow_none=True)
    due_at = Time(required=True, allow_none=True, metadata={"description": "null: as soon as it may"})


class Rehearsed(Schema):
    data = ma.fields.List(ma.fields.Nested(RehearsedRow), required=True)


class ForWhom(Schema):
    stakeholder = Id("stakeholder", load_default=None, allow_none=True)


class TestNew(ForWhom):
    to = ma.fields.List(Text(320), load_default=(), validate=ma.validate.Length(0, 5))


class PreviewOut(Schema):
    channel = ma.fields.String(required=True)
    language = ma.fields.String(required=True)
    subject = ma.fields.String(required=True)
    text = ma.fields.String(required=True)
    html = ma.fields.String(required=True)
    missing = ma.fields.List(ma.fields.String(), required=True)
    wrong = ma.fields.String(required=True)


class Previews(Schema):
    data = ma.fields.List(ma.fields.Nested(PreviewOut), required=True)


class OccurrenceOut(Schema):
    id = Id("occurrence", required=True)
    kind = ma.fields.String(required=True)
    local = ma.fields.String(required=True, attribute="wall")
    zone = ma.fields.String(required=True)
    due_at = Time(required=True)
    state = ma.fields.String(required=True)
    released_at = Time(required=True, allow_none=True)
    finished_at = Time(required=True, allow_none=True)


class RollOutOut(Schema):
    decide_at = Time(required=True)
    done = Choice(("going", "stopped"), required=True, allow_none=True)
    tried = ma.fields.Integer(required=True)
    bounced = ma.fields.Integer(required=True)
    complained = ma.fields.Integer(required=True)
    overruled_by = ma.fields.String(required=True, allow_none=True)


class CountedOccurrence(OccurrenceOut):
    moved_by = ma.fields.String(required=True, allow_none=True)
    roll_out = ma.fields.Nested(RollOutOut, required=True, allow_none=True)
    counts = ma.fields.Dict(values=ma.fields.Integer(), required=True)


class Occurrences(Schema):
    data = ma.fields.List(ma.fields.Nested(CountedOccurrence), required=True)


class MessageQuery(PageQuery):
    state = Choice(STATES, load_default=None)


@resource.route("")
class Messages(MethodView):
    @resource.arguments(MessageQuery, location="query")
    @resource.response(200, page_of(MessageOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List messages"""
        page = messages.listed(this_act(), **query)
        body, headers = listed(page)
        return {**body, "data": [_told(message) for message in page.rows]}, headers

    @resource.arguments(MessageNew)
    @resource.response(201, MessageOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any]) -> Any:
        """Write a message and send it: now, at an instant, or when nothing stands in its way any more"""
        _needs_a_key(body)
        message = messages.create(this_act(), **body)
        told, headers = _single(message)
        return told, {**headers, "Location": f"/v1/messages/{public_id('msg', message.id)}"}


@resource.route("/<msg:id>")
class OneMessage(MethodView):
    @resource.response(200, MessageOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Read one message with its counts and what holds it"""
        return _single(messages.get(this_act(), id))

    @resource.guarded
    @resource.arguments(MessageChange)
    @resource.response(200, MessageOut, headers=ETAG_HEADER)
    def patch(self, body: dict[str, Any], id: int) -> Any:
        """Edit a message none of which has gone"""
        return _single(messages.change(this_act(), id, if_match(), **body))


@resource.route("/<msg:id>/submit")
class Submit(MethodView):
    @resource.response(200, MessageOut, headers=ETAG_HEADER)
    def post(self, id: int) -> Any:
        """Ask for a draft to go"""
        return _single(messages.submit(this_act(), id))


@resource.route("/<msg:id>/schedule")
class Schedule(MethodView):
    @resource.arguments(ScheduleNew)
    @resource.response(200, MessageOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Move a message to another instant"""
        return _single(messages.reschedule(this_act(), id, **body))


@resource.route("/<msg:id>/approvals")
class Approvals(MethodView):
    @resource.response(200, Decisions)
    def get(self, id: int) -> Any:
        """List the decisions on a message"""
        return {"data": messages.approvals(this_act(), id)}

    @resource.arguments(DecisionNew)
    @resource.response(201, DecisionOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Approve or refuse what you read, by its digest"""
        return messages.decide(this_act(), id, **body)


@resource.route("/<msg:id>/urgent_go")
class UrgentGo(MethodView):
    @resource.arguments(UrgentNew)
    @resource.response(201, UrgentOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Send before everybody has signed; a review is due within a day"""
        return messages.urgent_go(this_act(), id, **body)


@resource.route("/<msg:id>/blockers")
class Standing(MethodView):
    @resource.response(200, Blockers)
    def get(self, id: int) -> Any:
        """List everything that stands in the way"""
        return {"blockers": messages.standing(this_act(), id)}


@resource.route("/<msg:id>/rehearse")
class Rehearse(MethodView):
    @resource.response(200, Rehearsed)
    def post(self, id: int) -> Any:
        """Show who would get it and who is left out, because…; sends nothing"""
        return {"data": messages.rehearse(this_act(), id)}


@resource.route("/<msg:id>/preview")
class Preview(MethodView):
    @resource.arguments(ForWhom)
    @resource.response(200, Previews)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Show what one recipient would read"""
        return {"data": messages.preview(this_act(), id, **body)}


@resource.route("/<msg:id>/test")
class TestSend(MethodView):
    @resource.arguments(TestNew)
    @resource.response(201, OccurrenceOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Send a test to people who work here"""
        return messages.test_send(this_act(), id, **body)


@resource.route("/<msg:id>/pause")
class Pause(MethodView):
    @resource.response(200, Counts)
    def post(self, id: int) -> Any:
        """Take nothing new"""
        return {"counts": messages.pause(this_act(), id)}


@resource.route("/<msg:id>/resume")
class Resume(MethodView):
    @resource.response(200, Counts)
    def post(self, id: int) -> Any:
        """Go on"""
        return {"counts": messages.resume(this_act(), id)}


@resource.route("/<msg:id>/cancel")
class Cancel(MethodView):
    @resource.response(200, Counts)
    def post(self, id: int) -> Any:
        """Withdraw what has not gone; what is in flight is counted"""
        return {"counts": messages.cancel(this_act(), id)}


@resource.route("/<msg:id>/retry")
class Retry(MethodView):
    @resource.response(200, Counts)
    def post(self, id: int) -> Any:
        """Queue again what failed for a passing reason"""
        return {"counts": messages.retry(this_act(), id)}


@resource.route("/<msg:id>/occurrences")
class OccurrencesOf(MethodView):
    @resource.response(200, Occurrences)
    def get(self, id: int) -> Any:
        """List the times it goes out, tests included"""
        act = this_act()
        counts, first = times.counts(act, id), times.roll_outs(act, id)
        return {
            "data": [
                {
                    **{name: getattr(one, name) for name in TIME},
                    "counts": counts.get(one.id, {}),
                    "roll_out": first.get(one.id),
                }
                for one in messages.occurrences(act, id)
            ]
        }


@resource.route("/<msg:id>/occurrences/<occ:occurrence_id>/move")
class MoveOccurrence(MethodView):
    @resource.arguments(ScheduleNew)
    @resource.response(200, OccurrenceOut)
    def post(self, body: dict[str, Any], id: int, occurrence_id: int) -> Any:
        """Move one time of a message that recurs"""
        return times.move(this_act(), id, occurrence_id, **body)


@resource.route("/<msg:id>/occurrences/<occ:occurrence_id>/go_on")
class GoOn(MethodView):
    @resource.response(200, RollOutOut)
    def post(self, id: int, occurrence_id: int) -> Any:
        """Let the rest go although the first part went badly"""
        return times.go_on(this_act(), id, occurrence_id)


@resource.route("/<msg:id>/occurrences/<occ:occurrence_id>/cancel")
class CancelOccurrence(MethodView):
    @resource.response(200, OccurrenceOut)
    def post(self, id: int, occurrence_id: int) -> Any:
        """Call off one time of a message that recurs"""
        return times.call_off(this_act(), id, occurrence_id)


@resource.route("/<msg:id>/deliveries")
class DeliveriesOf(MethodView):
    @resource.arguments(RowsQuery, location="query")
    @resource.response(200, page_of(DeliveryOut))
    def get(self, query: dict[str, Any], id: int) -> Any:
        """List who got it, who did not, and why"""
        return listed(messages.deliveries(this_act(), message_id=id, stakeholder=None, **query))


def _needs_a_key(body: Mapping[str, Any]) -> None:
    """More than one recipient needs an Idempotency-Key: a repeated call must not write to them again."""
    named = len(body["to"]) + len(body["stakeholders"])
    posts = messages.posts(this_act(), body["accounts"])
    letters = named * max(1, len(body["accounts"]) - posts)
    if letters + posts > 1 or body["segment"] is not None:
        idempotency.required(request)


def _told(message: Any) -> dict[str, Any]:
    found = messages.shown(this_act(), message)
    row = {name: getattr(message, name) for name in ROW}
    return {
        **row,
        "at": found.due_at,
        "timing": found.timing,
        "counts": found.counts,
        "reasons": found.reasons,
        "digest": found.digest,
        "assurance": found.assurance,
        "costs": found.costs,
        "assurance_words": LEVEL_WORDS[found.assurance],
        "deliveries": f"/v1/messages/{public_id('msg', message.id)}/deliveries",
    }


def _single(message: Any) -> tuple[dict[str, Any], dict[str, str]]:
    return _told(message), {"ETag": f'"{message.version}"'}


TIME = ("id", "kind", "wall", "zone", "due_at", "state", "released_at", "finished_at", "moved_by")
ROW = (
    "id", "state", "name", "kind", "programme_id", "content_id", "segment_id", "purpose", "lane", "author", "test",
    "at", "wall", "zone", "useful_until_s", "ceiling", "held_by", "created_at", "updated_at",
)  # fmt: skip
