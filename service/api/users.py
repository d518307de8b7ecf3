"""/v1/users and /v1/grants: who works here, and what they may do where."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from ..acts import users
from ..permissions import ROLES
from .resource import ETAG_HEADER, Resource, created, if_match, listed, single, this_act
from .schemas import Choice, Id, Made, PageQuery, Schema, Text, Time, page_of

resource = Resource("users", "The people who work with this installation.")
grants = Resource("grants", "Which role a user or a machine has, and in which programme.")

STATES = ("active", "disabled")


class UserNew(Schema):
    name = Text(required=True)
    email = Text(320, load_default=None, allow_none=True)
    language = Text(35, load_default="en")


class UserChange(Schema):
    name = Text()
    email = Text(320, allow_none=True)
    language = Text(35)
    state = Choice(STATES)


class UserOut(Made):
    id = Id("user", required=True)
    name = ma.fields.String(required=True)
    email = ma.fields.String(attribute="email_key", required=True, allow_none=True)
    language = ma.fields.String(required=True)
    state = Choice(STATES, required=True)


class GrantQuery(PageQuery):
    user_id = Id("user")
    token_id = Id("token")


class GrantNew(Schema):
    role = Choice(list(ROLES), required=True)
    user_id = Id("user", load_default=None, allow_none=True)
    token_id = Id("token", load_default=None, allow_none=True)
    programme_id = Id(
        "programme", required=True, allow_none=True, metadata={"description": "null: in all programmes"}
    )


class GrantOut(Schema):
    id = Id("grant", required=True)
    role = Choice(list(ROLES), required=True)
    user_id = Id("user", required=True, allow_none=True)
    token_id = Id("token", required=True, allow_none=True)
    programme_id = Id("programme", required=True, allow_none=True)
    created_at = Time(required=True)


@resource.route("")
class Users(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(UserOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List the users"""
        return listed(users.listed(this_act(), **query))

    @resource.arguments(UserNew)
    @resource.response(201, UserOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any]) -> Any:
        """Make a user, who can do nothing until granted"""
        return created(users.create(this_act(), **body), "user")


@resource.route("/<usr:id>")
class User(MethodView):
    @resource.response(200, UserOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Read one user"""
        return single(users.get(this_act(), id))

    @resource.guarded
    @resource.arguments(UserChange)
    @resource.response(200, UserOut, headers=ETAG_HEADER)
    def patch(self, body: dict[str, Any], id: int) -> Any:
        """Change a user; a disabled one is out at once"""
        return single(users.change(this_act(), id, if_match(), **body))


@grants.route("")
class Grants(MethodView):
    @grants.arguments(GrantQuery, location="query")
    @grants.response(200, page_of(GrantOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List the grants in the programmes you administer"""
        return listed(users.grants(this_act(), **query))

    @grants.arguments(GrantNew)
    @grants.response(201, GrantOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Give a role; giving it twice changes nothing"""
        return users.grant(this_act(), **body)


@grants.route("/<grt:id>")
class Grant(MethodView):
    @grants.response(204)
    def delete(self, id: int) -> None:
        """Take a grant back"""
        users.take(this_act(), id)
