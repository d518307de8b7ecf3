"""/v1/responses, /v1/interactions and the engagement record: what came back, on whose record, and what we answered."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.base import public_id
from campaigns.responses import desk, record
from campaigns.responses.desk import LABEL_MAX
from campaigns.responses.record import Entry
from campaigns.responses.tables import CLOSED_WHY, INTERACTION_KINDS, NO_ANSWER, RESPONSE_KINDS, SENTIMENTS

from .. import ids
from ..acts import conversations, inbox, responses
from .resource import Resource, listed, this_act
from .schemas import Choice, Flag, Id, PageQuery, QueryFlag, QueryWhole, Schema, Text, Time, page_of

resource = Resource(
    "responses", "What came back: replies, mentions, bounces, complaints, opt-outs, and from whom."
)
interactions = Resource("interactions", "Contacts that no connector saw: meetings, calls, letters, visits.")
engagement = Resource(
    "engagement", "The engagement record: everything between us and one stakeholder, in one order.",
    prefix="/v1/stakeholders",
)  # fmt: skip

# Evidence that names another row, by the kind of its id.
REFERENCES = {
    "message_id": "message", "delivery_id": "delivery", "consent_id": "consent", "corrects_id": "interaction",
    "interaction_id": "interaction", "answer_message_id": "message", "programme_id": "programme",
}  # fmt: skip


# What an act on many takes besides which ones.
NEEDS = {"assign": ("user_id",), "close": ("why",), "snooze": ("until",), "label": ("name",)}


class DeskQuery(PageQuery):
    folder = Choice(desk.FOLDERS, load_default=desk.FOLDERS[0])
    language = Text(35, load_default="")
    label = Text(LABEL_MAX, load_default="")
    channel = Text(35, load_default="")
    newest = QueryFlag(load_default=False, metadata={"description": "newest first; else who waits longest"})


class ResponsesQuery(PageQuery):
    unmatched = QueryFlag(load_default=None)
    kind = Choice(RESPONSE_KINDS, load_default=None)
    stakeholder = Id("stakeholder", load_default=None)
    message = Id("message", load_default=None)


class CandidateOut(Schema):
    stakeholder_id = Id("stakeholder", required=True)
    reason = ma.fields.String(required=True)
    score = ma.fields.Integer(required=True)


class ResponseOut(Schema):
    id = Id("response", required=True)
    account_id = Id("account", required=True)
    channel = ma.fields.String(required=True)
    kind = Choice(RESPONSE_KINDS, required=True)
    at = Time(required=True)
    sender = ma.fields.String(required=True, attribute="from_key")
    sender_name = ma.fields.String(required=True, attribute="from_name")
    stakeholder_id = Id("stakeholder", required=True, allow_none=True)
    delivery_id = Id("delivery", required=True, allow_none=True)
    message_id = Id("message", required=True, allow_none=True)
    programme_id = Id("programme", required=True, allow_none=True)
    matched_by = ma.fields.String(required=True, allow_none=True)
    subject = ma.fields.String(required=True)
    text = ma.fields.String(required=True)
    answered_at = Time(required=True, allow_none=True)
    answer_message_id = Id("message", required=True, allow_none=True)
    assignee = ma.fields.String(required=True, allow_none=True)
    snoozed_until_at = Time(required=True, allow_none=True)
    closed_at = Time(required=True, allow_none=True)
    closed_why = Choice(CLOSED_WHY, required=True, allow_none=True)
    urgent_at = Time(required=True, allow_none=True)
    verified = ma.fields.Function(
        lambda row: row.meta.get("verified", True),
        metadata={"type": "boolean", "description": "the provider vouches for the sender"},
    )
    asks_to_stop = ma.fields.Function(
        lambda row: conversations.asks(this_act(), row),
        metadata={"type": "string", "enum": ["", "asked", "stopped"]},
    )
    sentiment = Choice(SENTIMENTS, required=True, allow_none=True)
    candidates = ma.fields.Function(
        lambda row: (
            [] if row.matched_by else CandidateOut(many=True).dump(responses.candidates(this_act(), row))
        ),
        metadata={"type": "array", "items": {"type": "object"}},
    )


class MatchNew(Schema):
    stakeholder = Id("stakeholder", required=True)


class PersonNew(Schema):
    name = Text(required=True)


class AnswerNew(Schema):
    text = Text(100_000, required=True)
    subject = Text(998, empty=True, load_default="")
    again = Flag(load_default=False, metadata={"description": "although it has been answered already"})
    keep_open = Flag(load_default=False)


class DraftNew(Schema):
    text = Text(100_000, empty=True, required=True)


class CheckNew(Schema):
    text = Text(100_000, required=True)
    user_id = Id("user", required=True)


class FeelNew(Schema):
    sentiment = Choice(SENTIMENTS, required=True, allow_none=True)


class ManyNew(Schema):
    """One act on many responses; what it needs besides is as in the act on one."""

    responses = ma.fields.List(Id("response"), required=True, validate=ma.validate.Length(1, inbox.BULK_MAX))
    act = Choice(tuple(inbox.BULK), required=True)
    user_id = Id("user", load_default=None, allow_none=True, metadata={"description": "with assign"})
    why = Choice(("done", *NO_ANSWER), load_default="done", metadata={"description": "with close"})
    until = Time(load_default=None, metadata={"description": "with snooze"})
    name = Text(LABEL_MAX, load_default="", metadata={"description": "with label"})

    @ma.validates_schema
    def _until_when(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("act") == "snooze" and data.get("until") is None:
            raise ma.ValidationError("choose until when", "until")


class LeftOut(Schema):
    code = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)


class ManyOut(Schema):
    done = ma.fields.Integer(required=True)
    refused = ma.fields.List(ma.fields.Nested(LeftOut), required=True)


class AssignNew(Schema):
    user_id = Id("user", required=True, allow_none=True)


class CloseNew(Schema):
    why = Choice(("done", *NO_ANSWER), load_default="done")


class SnoozeNew(Schema):
    until = Time(required=True)


class NoteNew(Schema):
    text = Text(10_000, required=True)
    call = Id("user", load_default=None)


class NoteOut(Schema):
    text = ma.fields.String(required=True)
    by = ma.fields.String(required=True)
    at = Time(required=True)


class LabelNew(Schema):
    name = Text(LABEL_MAX, required=True)


class CalledOut(Schema):
    called = ma.fields.List(ma.fields.String(), required=True)


class AnsweredOut(Schema):
    message_id = Id("message", required=True, attribute="id")
    state = ma.fields.String(required=True)
    deliveries = ma.fields.Function(
        lambda row: f"/v1/messages/{public_id('msg', row.id)}/deliveries", metadata={"type": "string"}
    )


class InteractionsQuery(PageQuery):
    stakeholder = Id("stakeholder", load_default=None)


class InteractionNew(Schema):
    stakeholder = Id("stakeholder", required=True)
    programme_id = Id("programme", load_default=None)
    kind = Choice(INTERACTION_KINDS, required=True)
    at = Time(required=True)
    place = Text(500, empty=True, load_default="")
    notes = Text(20_000, empty=True, load_default="")
    participants = Text(20_000, empty=True, load_default="")


class InteractionChange(Schema):
    kind = Choice(INTERACTION_KINDS)
    at = Time()
    place = Text(500, empty=True)
    notes = Text(20_000, empty=True)
    participants = Text(20_000, empty=True)


class InteractionOut(Schema):
    id = Id("interaction", required=True)
    stakeholder_id = Id("stakeholder", required=True)
    programme_id = Id("programme", required=True)
    kind = ma.fields.String(required=True)
    at = Time(required=True)
    place = ma.fields.String(required=True)
    notes = ma.fields.String(required=True)
    participants = ma.fields.String(required=True)
    by = ma.fields.String(required=True)
    corrects = Id("interaction", required=True, allow_none=True, attribute="corrects_id")
    created_at = Time(required=True)


class EngagementQuery(Schema):
    limit = QueryWhole(1, 200, load_default=50)
    after = ma.fields.String(load_default=None, metadata={"description": "the `next` of an earlier answer"})


class EntryOut(Schema):
    kind = Choice(record.KINDS, required=True)
    at = Time(required=True)
    id = ma.fields.Function(lambda row: ids.shown(row.kind, row.id), metadata={"type": "string"})
    source = ma.fields.String(required=True)
    evidence = ma.fields.Function(lambda row: _evidence(row), metadata={"type": "object"})


@resource.route("")
class Responses(MethodView):
    @resource.arguments(ResponsesQuery, location="query")
    @resource.response(200, page_of(ResponseOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List what came back, newest first; `unmatched=true` is the tray of who-is-this"""
        return listed(responses.listed(this_act(), **query))


@resource.route("/desk")
class AtDesk(MethodView):
    @resource.arguments(DeskQuery, location="query")
    @resource.response(200, page_of(ResponseOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List one folder of the inbox, whoever waits longest first; what is urgent stands on top"""
        return listed(inbox.listed(this_act(), **query))


@resource.route("/many")
class Many(MethodView):
    @resource.arguments(ManyNew)
    @resource.response(200, ManyOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Do one thing to many; what cannot be done to some is told, and done to the others"""
        values = {name: body[name] for name in NEEDS.get(body["act"], ())}
        done, refused = inbox.bulk(this_act(), body["responses"], body["act"], **values)
        return {"done": done, "refused": refused}


@resource.route("/<rsp:id>")
class OneResponse(MethodView):
    @resource.response(200, ResponseOut)
    def get(self, id: int) -> Any:
        """Read one response"""
        return responses.get(this_act(), id)


@resource.route("/<rsp:id>/match")
class Match(MethodView):
    @resource.arguments(MatchNew)
    @resource.response(200, ResponseOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Say who it is from"""
        return responses.match_by_hand(this_act(), id, **body)


@resource.route("/<rsp:id>/match_new")
class MatchNewPerson(MethodView):
    @resource.arguments(PersonNew)
    @resource.response(200, ResponseOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Say that it is from somebody we did not know, and put them on the record"""
        return inbox.match_new(this_act(), id, **body)


@resource.route("/<rsp:id>/match/undo")
class UndoMatch(MethodView):
    @resource.response(200, ResponseOut)
    def post(self, id: int) -> Any:
        """Take the last decision who this is back, with everything it moved"""
        inbox.undo_match(this_act(), id)
        return responses.get(this_act(), id)


@resource.route("/<rsp:id>/draft")
class Draft(MethodView):
    @resource.arguments(DraftNew)
    @resource.response(204)
    def put(self, body: dict[str, Any], id: int) -> None:
        """Keep what you are writing; colleagues see that you are at it"""
        inbox.keep_draft(this_act(), id, **body)


@resource.route("/<rsp:id>/check")
class Check(MethodView):
    @resource.arguments(CheckNew)
    @resource.response(204)
    def post(self, body: dict[str, Any], id: int) -> None:
        """Ask a colleague to look at an answer before it goes"""
        inbox.ask_check(this_act(), id, **body)


@resource.route("/<rsp:id>/take")
class Take(MethodView):
    @resource.response(200, ResponseOut)
    def post(self, id: int) -> Any:
        """Take it yourself; 409 where a colleague was faster"""
        return inbox.take(this_act(), id)


@resource.route("/<rsp:id>/answer")
class Answer(MethodView):
    @resource.arguments(AnswerNew)
    @resource.response(201, AnsweredOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Answer somebody who wrote to us"""
        return responses.answer(this_act(), id, **body)


@resource.route("/<rsp:id>/assign")
class Assign(MethodView):
    @resource.arguments(AssignNew)
    @resource.response(200, ResponseOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Give it to a colleague who may answer there, or back to everybody"""
        return inbox.assign(this_act(), id, **body)


@resource.route("/<rsp:id>/close")
class Close(MethodView):
    @resource.arguments(CloseNew)
    @resource.response(200, ResponseOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Say that it needs nothing more, and why"""
        return inbox.close(this_act(), id, **body)


@resource.route("/<rsp:id>/reopen")
class Reopen(MethodView):
    @resource.response(200, ResponseOut)
    def post(self, id: int) -> Any:
        """Say that it needs something after all"""
        return inbox.reopen(this_act(), id)


@resource.route("/<rsp:id>/snooze")
class Snooze(MethodView):
    @resource.arguments(SnoozeNew)
    @resource.response(200, ResponseOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Put it out of sight until then, or until they write again"""
        return inbox.snooze(this_act(), id, **body)


@resource.route("/<rsp:id>/wake")
class Wake(MethodView):
    @resource.response(200, ResponseOut)
    def post(self, id: int) -> Any:
        """Put it back in sight"""
        return inbox.wake(this_act(), id)


@resource.route("/<rsp:id>/sentiment")
class Sentiment(MethodView):
    @resource.arguments(FeelNew)
    @resource.response(200, ResponseOut)
    def put(self, body: dict[str, Any], id: int) -> Any:
        """Say how they feel, as you read it; null takes it back"""
        return inbox.feel(this_act(), id, sentiment=body["sentiment"] or "")


@resource.route("/<rsp:id>/stop_as_asked")
class StopAsAsked(MethodView):
    @resource.response(200, ResponseOut)
    def post(self, id: int) -> Any:
        """Whoever wrote asks for no more of it, and gets no more"""
        return inbox.stop_as_asked(this_act(), id)


@resource.route("/<rsp:id>/notes")
class Notes(MethodView):
    @resource.arguments(NoteNew)
    @resource.response(201, NoteOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Add a note that only colleagues see; @ and a name calls one of them"""
        return inbox.note(this_act(), id, **body)


@resource.route("/<rsp:id>/labels")
class Labels(MethodView):
    @resource.arguments(LabelNew)
    @resource.response(200, ResponseOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Say what it is about"""
        return inbox.label(this_act(), id, **body)


@resource.route("/<rsp:id>/labels/<tag>")
class OneLabel(MethodView):
    @resource.response(204)
    def delete(self, id: int, tag: str) -> None:
        """Take a label off"""
        inbox.unlabel(this_act(), id, name=tag)


@resource.route("/<rsp:id>/urgent")
class Urgent(MethodView):
    @resource.response(200, CalledOut)
    def post(self, id: int) -> Any:
        """Mark that somebody may come to harm: it stands on top, and whoever is named is called"""
        return {"called": inbox.urgent(this_act(), id)}

    @resource.response(204)
    def delete(self, id: int) -> None:
        """Say that the danger is over"""
        inbox.not_urgent(this_act(), id)


@interactions.route("")
class Interactions(MethodView):
    @interactions.arguments(InteractionsQuery, location="query")
    @interactions.response(200, page_of(InteractionOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List logged contacts, newest first"""
        return listed(responses.contacts(this_act(), **query))

    @interactions.arguments(InteractionNew)
    @interactions.response(201, InteractionOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Log a meeting, a call, a letter or a visit"""
        return responses.log_contact(this_act(), **body)


@interactions.route("/<itr:id>/correct")
class Correct(MethodView):
    @interactions.arguments(InteractionChange)
    @interactions.response(201, InteractionOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Correct a logged contact by a new entry; the old one stays"""
        return responses.correct_contact(this_act(), id, **body)


@engagement.route("/<stk:id>/engagement")
class Engagement(MethodView):
    @engagement.arguments(EngagementQuery, location="query")
    @engagement.response(200, page_of(EntryOut))
    def get(self, query: dict[str, Any], id: int) -> Any:
        """Read a stakeholder's record, newest first"""
        return listed(responses.engagement(this_act(), id, **query))


def _evidence(entry: Entry) -> dict[str, Any]:
    """What is known of a fact, with public ids and times as text; what is not known is left out."""
    known = {name: value for name, value in entry.evidence.items() if value is not None}
    for name, kind in REFERENCES.items():
        if name in known:
            known[name] = ids.shown(kind, known[name])
    for name, value in known.items():
        if name.endswith("_at"):
            known[name] = Time().serialize(name, {name: value})
        if name.endswith("_on"):
            known[name] = value.isoformat()
    return known
