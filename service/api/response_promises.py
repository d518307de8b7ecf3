"""/v1/response_promises and /v1/saved_replies: how soon a programme answers, and words that are needed often."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.holidays import KNOWN

from ..acts import inbox
from .resource import Resource, this_act
from .schemas import Choice, Day, Id, Schema, Text, Whole

resource = Resource(
    "response_promises", "How soon people are answered, in which hours, and how often that was so."
)
replies = Resource("saved_replies", "Words for answers that are needed often, each in one language.")


class KeptQuery(Schema):
    programme = Id("programme", load_default=None, metadata={"description": "left out: everywhere"})


class KeptWeekOut(Schema):
    begins = Day(required=True)
    n = ma.fields.Integer(required=True, metadata={"description": "answers that were due"})
    kept = ma.fields.Integer(required=True)


class AnsweredInTimeOut(Schema):
    weeks = ma.fields.List(ma.fields.Nested(KeptWeekOut), required=True)
    n = ma.fields.Integer(required=True)
    kept = ma.fields.Integer(required=True)
    capped = ma.fields.Boolean(required=True, metadata={"description": "only the newest were looked at"})


class ResponsePromiseNew(Schema):
    programme_id = Id(
        "programme", required=True, allow_none=True, metadata={"description": "null: where none is set"}
    )
    rules = Text(
        20_000, required=True, metadata={"description": "a line each", "example": "email reply: 4 h / 2 d"}
    )
    zone = Text(64, required=True)
    opens = Whole(0, 1439, required=True, metadata={"description": "minutes after midnight"})
    closes = Whole(1, 1440, required=True)
    weekdays = ma.fields.List(Whole(0, 6), required=True, metadata={"description": "0 is Monday"})
    bank_holidays = Choice(KNOWN, load_default="")
    days_off = ma.fields.List(Text(10), load_default=[], metadata={"example": ["2026-12-29"]})
    urgent_to = ma.fields.List(
        Text(40), load_default=[], metadata={"description": "colleagues who are told of urgent harm, usr_…"}
    )


class ResponsePromiseOut(Schema):
    rules = ma.fields.String(required=True)
    zone = ma.fields.String(required=True)
    opens = ma.fields.Integer(required=True)
    closes = ma.fields.Integer(required=True)
    weekdays = ma.fields.List(ma.fields.Integer(), required=True)
    bank_holidays = ma.fields.String(required=True)
    days_off = ma.fields.List(ma.fields.String(), required=True)
    urgent_to = ma.fields.List(ma.fields.String(), required=True)


class ReplyChange(Schema):
    name = Text(required=True)
    language = Text(35, required=True)
    text = Text(required=True, longest=100_000)


class ReplyNew(ReplyChange):
    programme_id = Id(
        "programme", load_default=None, allow_none=True, metadata={"description": "null: for all"}
    )


class ReplyOut(Schema):
    id = Id("saved_reply", required=True)
    programme_id = Id("programme", required=True, allow_none=True)
    name = ma.fields.String(required=True)
    language = ma.fields.String(required=True)
    text = ma.fields.String(required=True)


class RepliesOut(Schema):
    data = ma.fields.List(ma.fields.Nested(ReplyOut), required=True)


@resource.route("")
class ResponsePromises(MethodView):
    @resource.arguments(KeptQuery, location="query")
    @resource.response(200, AnsweredInTimeOut)
    def get(self, query: dict[str, Any]) -> Any:
        """Tell week by week how often the first answer came in time"""
        return inbox.report(this_act(), query["programme"])

    @resource.arguments(ResponsePromiseNew)
    @resource.response(200, ResponsePromiseOut)
    def put(self, body: dict[str, Any]) -> Any:
        """Set what a programme promises, in which hours, and who is told of urgent harm"""
        return inbox.set_promise(this_act(), **body)


@replies.route("")
class SavedReplies(MethodView):
    @replies.response(200, RepliesOut)
    def get(self) -> Any:
        """List the saved replies of your programmes and those of all, by language, at most 200"""
        return {"data": inbox.saved_replies(this_act())}

    @replies.arguments(ReplyNew)
    @replies.response(201, ReplyOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Keep words for later; {name} becomes the name of who is answered"""
        return inbox.save_reply(this_act(), **body)


@replies.route("/<rpl:id>")
class OneReply(MethodView):
    @replies.arguments(ReplyChange)
    @replies.response(200, ReplyOut)
    def put(self, body: dict[str, Any], id: int) -> Any:
        """Change the words of a saved reply"""
        return inbox.change_reply(this_act(), id, **body)

    @replies.response(204)
    def delete(self, id: int) -> None:
        """Offer a saved reply no longer"""
        inbox.remove_reply(this_act(), id)
