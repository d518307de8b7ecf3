"""What is kept of a relationship: role, owner, reviews, intention and promises, and the lists of what is missing."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.responses.tables import INTENTS, OUTCOMES
from campaigns.stakeholders.tables import RANKS, RATINGS, ROLES

from .. import paging
from ..acts import relationships
from .resource import Resource, listed, this_act
from .schemas import Choice, Day, Flag, Id, QueryFlag, Schema, Text, Time, page_of

WORDS_MAX = 20_000

resource = Resource(
    "relationship",
    "The relationship with a stakeholder in a programme they are involved in.",
    prefix="/v1/stakeholders",
)
lists = Resource("relationships", "Relationships that want something: an owner, a review, what was agreed.")
commitments = Resource("commitments", "What was promised, by us or by them, for a day; what became of it.")


class RoleNew(Schema):
    role = Choice(ROLES, required=True)
    rank = Choice(RANKS, required=True)
    rationale = Text(WORDS_MAX, required=True)


class RoleOut(RoleNew):
    by = ma.fields.String(required=True)
    at = Time(required=True)


class OwnersNew(Schema):
    owner_id = Id("user", required=True, allow_none=True)
    deputy_id = Id("user", required=True, allow_none=True)


class RelationshipOut(Schema):
    stakeholder_id = Id("stakeholder", required=True)
    programme_id = Id("programme", required=True)
    connection = ma.fields.String(required=True)
    role = Choice(ROLES, required=True, allow_none=True)
    rank = Choice(RANKS, required=True, allow_none=True)
    owner_id = Id("user", required=True, allow_none=True)
    deputy_id = Id("user", required=True, allow_none=True)
    review_on = Day(required=True, allow_none=True)


class AssessmentNew(Schema):
    findings = Text(WORDS_MAX, required=True)
    rating = Choice(RATINGS, required=True)
    decision = Text(WORDS_MAX, required=True)
    next_on = Day(required=True)


class AssessmentOut(AssessmentNew):
    by = ma.fields.String(required=True)
    at = Time(required=True)


class IntentNew(Schema):
    intent = Choice(INTENTS, required=True)
    contribution = Text(WORDS_MAX, empty=True, load_default="", metadata={"description": "what they bring"})
    interaction_id = Id("interaction", load_default=None, metadata={"description": "how we know"})


class IntentOut(Schema):
    stakeholder_id = Id("stakeholder", required=True)
    programme_id = Id("programme", required=True)
    intent = Choice(INTENTS, required=True, attribute="state")
    contribution = ma.fields.String(required=True)
    interaction_id = Id("interaction", required=True, allow_none=True)
    by = ma.fields.String(required=True)
    at = Time(required=True)


class CommitmentNew(Schema):
    ours = Flag(required=True, metadata={"description": "false: they promised it"})
    text = Text(WORDS_MAX, required=True)
    due_on = Day(required=True)
    interaction_id = Id("interaction", load_default=None, metadata={"description": "where it was made"})


class CommitmentEnd(Schema):
    outcome = Choice(OUTCOMES, required=True)
    evidence = Text(WORDS_MAX, empty=True, load_default="")
    evidence_id = Id("interaction", load_default=None)


class CommitmentOut(Schema):
    id = Id("commitment", required=True)
    stakeholder_id = Id("stakeholder", required=True)
    programme_id = Id("programme", required=True)
    ours = ma.fields.Boolean(required=True)
    text = ma.fields.String(required=True)
    due_on = Day(required=True)
    interaction_id = Id("interaction", required=True, allow_none=True)
    by = ma.fields.String(required=True)
    at = Time(required=True)
    outcome = Choice(OUTCOMES, required=True, allow_none=True)
    evidence = ma.fields.String(required=True, allow_none=True)
    evidence_id = Id("interaction", required=True, allow_none=True)
    ended_by = ma.fields.String(required=True, allow_none=True)
    ended_at = Time(required=True, allow_none=True)


class CommitmentsOut(Schema):
    data = ma.fields.List(ma.fields.Nested(CommitmentOut), required=True)


class WithinQuery(Schema):
    programme = Id("programme", load_default=None, data_key="programme", attribute="programme_id")
    after = ma.fields.String(load_default=None, metadata={"description": "the `next` of an earlier answer"})


class OwnerlessQuery(WithinQuery):
    role = Choice(ROLES, load_default=None)


class DueQuery(WithinQuery):
    until = Day(required=True)
    mine = QueryFlag(load_default=False)


@resource.route("/<stk:id>/involvements/<prg:programme_id>/roles")
class Roles(MethodView):
    @resource.arguments(RoleNew)
    @resource.response(201, RoleOut)
    def post(self, body: dict[str, Any], id: int, programme_id: int) -> Any:
        """Say which part they play and why; what was said before stays on the record"""
        return relationships.set_role(this_act(), id, programme_id, **body)


@resource.route("/<stk:id>/involvements/<prg:programme_id>/owners")
class Owners(MethodView):
    @resource.arguments(OwnersNew)
    @resource.response(200, RelationshipOut)
    def put(self, body: dict[str, Any], id: int, programme_id: int) -> Any:
        """Say which colleague answers for the relationship, and who stands for them"""
        return relationships.set_owners(this_act(), id, programme_id, **body)


@resource.route("/<stk:id>/involvements/<prg:programme_id>/reviews")
class Reviews(MethodView):
    @resource.arguments(AssessmentNew)
    @resource.response(201, AssessmentOut)
    def post(self, body: dict[str, Any], id: int, programme_id: int) -> Any:
        """Assess the relationship: what was found, what was decided, when it is looked at next"""
        return relationships.review(this_act(), id, programme_id, **body)


@resource.route("/<stk:id>/involvements/<prg:programme_id>/intents")
class Intents(MethodView):
    @resource.arguments(IntentNew)
    @resource.response(201, IntentOut)
    def post(self, body: dict[str, Any], id: int, programme_id: int) -> Any:
        """Say how willing they are to work with us, and what they bring"""
        return relationships.state_intent(this_act(), id, programme_id, **body)


@resource.route("/<stk:id>/involvements/<prg:programme_id>/commitments")
class Commitments(MethodView):
    @resource.response(200, CommitmentsOut)
    def get(self, id: int, programme_id: int) -> Any:
        """List what was promised to and by somebody, the open ones first"""
        act = this_act()
        relationships.get(act, id, programme_id)
        return {"data": relationships.promises(act, id, programme_id)}

    @resource.arguments(CommitmentNew)
    @resource.response(201, CommitmentOut)
    def post(self, body: dict[str, Any], id: int, programme_id: int) -> Any:
        """Write a promise down, ours or theirs"""
        return relationships.promise(this_act(), id, programme_id, **body)


@commitments.route("")
class OpenCommitments(MethodView):
    @commitments.arguments(WithinQuery, location="query")
    @commitments.response(200, page_of(CommitmentOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List the promises that are still open, the earliest day first"""
        return _firsts(relationships.open_promises(this_act(), **query))


@commitments.route("/<cmm:id>/end")
class EndCommitment(MethodView):
    @commitments.arguments(CommitmentEnd)
    @commitments.response(200, CommitmentOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Say what became of a promise, with evidence"""
        return relationships.end_promise(this_act(), id, **body)


@lists.route("/without_owner")
class WithoutOwner(MethodView):
    @lists.arguments(OwnerlessQuery, location="query")
    @lists.response(200, page_of(RelationshipOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List the relationships that nobody answers for"""
        return _firsts(relationships.without_owner(this_act(), **query))


@lists.route("/reviews_due")
class ReviewsDue(MethodView):
    @lists.arguments(DueQuery, location="query")
    @lists.response(200, page_of(RelationshipOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List the relationships whose review is due up to a day, the longest due first"""
        return _firsts(relationships.reviews_due(this_act(), query.pop("until"), **query))


@lists.route("/undelivered")
class Undelivered(MethodView):
    @lists.arguments(WithinQuery, location="query")
    @lists.response(200, page_of(IntentOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List who is committed and has delivered nothing"""
        return _firsts(relationships.undelivered(this_act(), **query))


def _firsts(page: paging.Page) -> tuple[dict[str, Any], dict[str, str]]:
    """A page of (row, stakeholder) as one of rows: the stakeholder is known by their id."""
    return listed(paging.Page([row for row, _stakeholder in page.rows], page.next, page.previous))
