"""/v1/strategies: one for each segment of a programme, in versions that are agreed by named parties."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.strategies.tables import DECISIONS, PARTS, PARTY_KINDS

from ..acts import strategies
from .resource import ETAG_HEADER, Resource, created, listed, single, this_act
from .schemas import Choice, Flag, Id, Made, PageQuery, Schema, Text, Time, Whole, page_of

resource = Resource(
    "strategies", "What was agreed: a strategy for each segment, in versions, and who has agreed."
)


class StrategyNew(Schema):
    name = Text(required=True)
    segment_id = Id("segment", load_default=None, allow_none=True)
    programme_id = Id("programme", load_default=None)


class StrategyOut(Made):
    id = Id("strategy", required=True)
    programme_id = Id("programme", required=True)
    segment_id = ma.fields.Function(
        lambda row: Id("segment")._serialize(row.segment_id or None, None, row),
        metadata={"type": ["string", "null"]},
    )
    name = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    builtin = ma.fields.Boolean(required=True)
    in_force = ma.fields.Function(
        lambda row: strategies.in_force(this_act(), row), metadata={"type": ["integer", "null"]}
    )


class VersionNew(Schema):
    aims = Text(20_000, empty=True)
    tone = Text(20_000, empty=True)
    cadence = Text(20_000, empty=True)
    response_rules = Text(20_000, empty=True)
    key_messages = ma.fields.List(Text(2000))
    channels = ma.fields.List(Text(100))
    calls_to_action = ma.fields.List(Text(2000))
    responsible = ma.fields.List(Text(200))
    purpose = Text(40)
    default_language = Text(35)


class VersionOut(Schema):
    id = Id("strategy_version", required=True)
    strategy_id = Id("strategy", required=True)
    n = ma.fields.Integer(required=True)
    body = ma.fields.Dict(required=True)
    digest = ma.fields.String(required=True)
    author = ma.fields.String(required=True)
    at = Time(required=True)


class Versions(Schema):
    data = ma.fields.List(ma.fields.Nested(VersionOut), required=True)


class StrategyDraftOut(Schema):
    body = ma.fields.Dict(required=True)
    at = Time(required=True)


class PartyNew(Schema):
    kind = Choice(PARTY_KINDS, required=True)
    ref = Text(required=True, metadata={"description": "a role, a user's id or a stakeholder's id"})
    part = Choice(PARTS, load_default="required")
    label = Text(empty=True, load_default="")
    answer_by_at = Time(load_default=None, allow_none=True)
    deputy = Text(load_default=None, allow_none=True)


class PartiesNew(Schema):
    parties = ma.fields.List(ma.fields.Nested(PartyNew), required=True, validate=ma.validate.Length(0, 50))


class PartyOut(Schema):
    id = Id("party", required=True)
    kind = ma.fields.String(required=True)
    ref = ma.fields.Function(strategies.shown_ref, metadata={"type": "string"})
    part = ma.fields.String(required=True)
    label = ma.fields.String(required=True)
    answer_by_at = Time(required=True, allow_none=True)
    deputy = ma.fields.String(required=True, allow_none=True)


class Parties(Schema):
    data = ma.fields.List(ma.fields.Nested(PartyOut), required=True)


class AgreementNew(Schema):
    party = Id("party", required=True)
    decision = Choice(DECISIONS, required=True)
    digest = Text(80, required=True)
    reason = Text(2000, empty=True, load_default="")
    evidence = Text(
        2000,
        load_default=None,
        metadata={"description": "records what was decided in a meeting or by letter"},
    )
    by = Text(empty=True, load_default="", metadata={"description": "with evidence: who decided"})


class AgreementOut(Schema):
    id = Id("agreement", required=True)
    party = Id("party", required=True, attribute="party_id")
    decision = ma.fields.String(required=True)
    by = ma.fields.String(required=True)
    recorded_by = ma.fields.String(required=True, allow_none=True)
    evidence = ma.fields.String(required=True, allow_none=True)
    reason = ma.fields.String(required=True)
    digest = ma.fields.String(required=True)
    at = Time(required=True)


class PositionOut(Schema):
    party = ma.fields.Nested(PartyOut, required=True)
    agreement = ma.fields.Nested(AgreementOut, required=True, allow_none=True)


class Positions(Schema):
    data = ma.fields.List(ma.fields.Nested(PositionOut), required=True)


class LinkNew(Schema):
    party = Id("party", required=True)
    days = Whole(1, 365, load_default=30)


class LinkOut(Schema):
    url = ma.fields.String(required=True)
    party = Id("party", required=True)
    expires_at = Time(required=True)


class CommentNew(Schema):
    section = Text(40, required=True)
    text = Text(20_000, required=True)
    asks = Flag(
        load_default=False, metadata={"description": "for a change; colleagues agree once it is settled"}
    )


class CommentAnswer(Schema):
    text = Text(20_000, required=True)


class CommentOut(Schema):
    id = Id("comment", required=True)
    section = ma.fields.String(required=True)
    text = ma.fields.String(required=True)
    by = ma.fields.String(required=True)
    at = Time(required=True)
    answer = ma.fields.String(required=True, allow_none=True)
    answered_by = ma.fields.String(required=True, allow_none=True)
    answered_at = Time(required=True, allow_none=True)
    asks = ma.fields.Boolean(required=True)
    settled_by = ma.fields.String(required=True, allow_none=True)
    settled_at = Time(required=True, allow_none=True)


class Comments(Schema):
    data = ma.fields.List(ma.fields.Nested(CommentOut), required=True)


@resource.route("")
class Strategies(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(StrategyOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List strategies"""
        return listed(strategies.listed(this_act(), **query))

    @resource.arguments(StrategyNew)
    @resource.response(201, StrategyOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any]) -> Any:
        """Open a strategy for a segment, or for everyone in a programme"""
        return created(strategies.create(this_act(), **body), "strategy")


@resource.route("/<str:id>")
class OneStrategy(MethodView):
    @resource.response(200, StrategyOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Read one strategy and which version is in force"""
        return single(strategies.get(this_act(), id))


@resource.route("/<str:id>/archive")
class Archive(MethodView):
    @resource.response(200, StrategyOut)
    def post(self, id: int) -> Any:
        """Write nothing new under it; what runs under it goes on"""
        return strategies.archive(this_act(), id)


@resource.route("/<str:id>/draft")
class Draft(MethodView):
    @resource.arguments(VersionNew)
    @resource.response(200, StrategyDraftOut)
    def put(self, body: dict[str, Any], id: int) -> Any:
        """Keep what you have written of the next version"""
        return strategies.keep_draft(this_act(), id, body)

    @resource.response(204)
    def delete(self, id: int) -> None:
        """Forget your draft"""
        strategies.drop_draft(this_act(), id)


@resource.route("/<str:id>/parties")
class PartiesOf(MethodView):
    @resource.response(200, Parties)
    def get(self, id: int) -> Any:
        """List who must agree, who is consulted and who is informed"""
        return {"data": strategies.parties(this_act(), id)}

    @resource.arguments(PartiesNew)
    @resource.response(200, Parties)
    def put(self, body: dict[str, Any], id: int) -> Any:
        """Name the parties anew"""
        return {"data": strategies.set_parties(this_act(), id, body["parties"])}


@resource.route("/<str:id>/versions")
class VersionsOf(MethodView):
    @resource.response(200, Versions)
    def get(self, id: int) -> Any:
        """List the versions, newest first"""
        return {"data": strategies.versions(this_act(), id)}

    @resource.arguments(VersionNew)
    @resource.response(201, VersionOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Write the next version; it never changes afterwards"""
        return strategies.new_version(this_act(), id, body)


@resource.route("/<str:id>/versions/<nth:n>")
class OneVersion(MethodView):
    @resource.response(200, VersionOut)
    def get(self, id: int, n: int) -> Any:
        """Read one version with its digest"""
        return strategies.version(this_act(), id, n)


@resource.route("/<str:id>/versions/<nth:n>/agreements")
class Agreements(MethodView):
    @resource.response(200, Positions)
    def get(self, id: int, n: int) -> Any:
        """List every party with what they decided"""
        return {"data": strategies.positions(this_act(), id, n)}

    @resource.arguments(AgreementNew)
    @resource.response(201, AgreementOut)
    def post(self, body: dict[str, Any], id: int, n: int) -> Any:
        """Agree or refuse for your part, or record what was decided elsewhere"""
        return strategies.decide(this_act(), id, n, **body)


@resource.route("/<str:id>/versions/<nth:n>/links")
class Links(MethodView):
    @resource.arguments(LinkNew)
    @resource.response(201, LinkOut)
    def post(self, body: dict[str, Any], id: int, n: int) -> Any:
        """Make a link for an outside party; it is shown this once"""
        return strategies.invite(this_act(), id, n, **body)


@resource.route("/<str:id>/versions/<nth:n>/comments")
class CommentsOf(MethodView):
    @resource.response(200, Comments)
    def get(self, id: int, n: int) -> Any:
        """List what was said and what was answered"""
        return {"data": strategies.comments(this_act(), id, n)}

    @resource.arguments(CommentNew)
    @resource.response(201, CommentOut)
    def post(self, body: dict[str, Any], id: int, n: int) -> Any:
        """Comment on a section"""
        return strategies.comment(this_act(), id, n, **body)


@resource.route("/<str:id>/versions/<nth:n>/comments/<cmt:comment_id>/answer")
class Answer(MethodView):
    @resource.arguments(CommentAnswer)
    @resource.response(200, CommentOut)
    def post(self, body: dict[str, Any], id: int, n: int, comment_id: int) -> Any:
        """Answer a comment: you said, we did"""
        return strategies.answer(this_act(), id, n, comment_id, **body)


@resource.route("/<str:id>/versions/<nth:n>/comments/<cmt:comment_id>/settle")
class Settle(MethodView):
    @resource.response(200, CommentOut)
    def post(self, id: int, n: int, comment_id: int) -> Any:
        """Say that the change that was asked for is made, or is not needed"""
        return strategies.settle(this_act(), id, n, comment_id)
