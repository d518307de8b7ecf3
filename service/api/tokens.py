"""/v1/tokens: bearer tokens of people, machines and practice; the whole token is shown once."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.stakeholders.tables import PURPOSES

from ..acts import tokens
from ..permissions import ROLES, SCOPES
from ..tables import TOKEN_KINDS
from .resource import Resource, listed, this_act
from .schemas import Choice, Id, PageQuery, Schema, Text, Time, Whole, page_of

resource = Resource("tokens", "Bearer tokens of people, machines and practice.")


class TokenGrant(Schema):
    role = Choice(list(ROLES), required=True)
    programme_id = Id("programme", required=True, allow_none=True)


class TokenDefaults(Schema):
    """What a message takes that does not say otherwise."""

    programme_id = Id("programme", allow_none=True)
    account_id = Id("account", allow_none=True)
    purpose = Choice(PURPOSES, allow_none=True)


class TokenNew(Schema):
    name = Text(required=True)
    kind = Choice(TOKEN_KINDS, load_default="person")
    user_id = Id("user", load_default=None, allow_none=True)
    scopes = ma.fields.List(Choice(SCOPES), load_default=None, allow_none=True)
    expires_at = Time(load_default=None, allow_none=True, metadata={"description": "at most a year ahead"})
    grants = ma.fields.List(ma.fields.Nested(TokenGrant), validate=ma.validate.Length(max=100))
    defaults = ma.fields.Nested(TokenDefaults)


class Rotation(Schema):
    overlap_s = Whole(
        0, 7 * 86_400, load_default=0, metadata={"description": "how long the old one works on"}
    )


class TokenOut(Schema):
    id = Id("token", required=True)
    name = ma.fields.String(required=True)
    kind = Choice(TOKEN_KINDS, required=True)
    user_id = Id("user", required=True, allow_none=True)
    prefix = ma.fields.String(required=True)
    scopes = ma.fields.List(ma.fields.String(), required=True)
    defaults = ma.fields.Nested(TokenDefaults, required=True)
    created_at = Time(required=True)
    expires_at = Time(required=True)
    last_used_at = Time(required=True, allow_none=True)
    revoked_at = Time(required=True, allow_none=True)
    replaces_id = Id("token", required=True, allow_none=True)


class TokenShown(TokenOut):
    token = ma.fields.String(required=True, metadata={"description": "shown this once"})

    @ma.pre_dump
    def _with_text(self, shown: tokens.Shown, **kwargs: Any) -> dict[str, Any]:
        names = (name for name in self.fields if name != "token")
        return {name: getattr(shown.row, name) for name in names} | {"token": shown.text}


@resource.route("")
class Tokens(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(TokenOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List your tokens; administrators of everything see all"""
        return listed(tokens.listed(this_act(), **query))

    @resource.arguments(TokenNew)
    @resource.response(201, TokenShown)
    def post(self, body: dict[str, Any]) -> Any:
        """Make a token; the answer shows it this once"""
        return tokens.create(this_act(), **body)


@resource.route("/<tok:id>")
class Token(MethodView):
    @resource.response(204)
    def delete(self, id: int) -> None:
        """Revoke a token at once"""
        tokens.revoke(this_act(), id)


@resource.route("/<tok:id>/rotate")
class TokenRotation(MethodView):
    @resource.arguments(Rotation)
    @resource.response(201, TokenShown)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Replace a token; the answer shows the new one this once"""
        return tokens.rotate(this_act(), id, **body)
