"""/v1/connectors and /v1/connector_accounts: which channels there are, and the accounts connected on them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import marshmallow as ma
from flask import g
from flask.views import MethodView

from campaigns.delivery import limits
from campaigns.delivery.accounts import ON_UNKNOWN
from campaigns.delivery.limits import MOST
from connectors.api import Provider

from ..acts import accounts
from ..door import this_door
from .resource import ETAG_HEADER, Resource, created, if_match, listed, outside, single, this_act
from .schemas import Amount, Choice, Id, Made, PageQuery, Schema, Text, Time, Whole, page_of

connectors = Resource("connectors", "Which networks and mail systems can be connected, and what each can do.")
resource = Resource(
    "connector_accounts", "The accounts that messages go out through. Secrets go in and never out."
)

Values = ma.fields.Dict(keys=Text(100), values=ma.fields.Raw(allow_none=True), load_default=dict)
Secrets = ma.fields.Dict(keys=Text(100), values=Text(20_000), load_default=dict)


class OwnLimits(Schema):
    """Limits chosen here. A number; null or left out for none."""

    per_second = Amount(allow_none=True)
    per_day = Whole(1, MOST, allow_none=True)
    per_month = Whole(1, MOST, allow_none=True)
    app_per_second = Amount(allow_none=True)
    app_per_day = Whole(1, MOST, allow_none=True)
    app_per_month = Whole(1, MOST, allow_none=True)
    domain_per_minute = Whole(1, MOST, allow_none=True)
    cost_per_month = Amount(
        allow_none=True, metadata={"description": "what posts may cost, in the currency of `limits.prices`"}
    )


OWN: dict[str, Any] = {
    "metadata": {"description": "narrower limits than the network's own: given as a whole, null for none"}
}


class SettingOut(Schema):
    name = ma.fields.String(required=True)
    about = ma.fields.String(required=True)
    required = ma.fields.Boolean(required=True)
    secret = ma.fields.Boolean(required=True)
    default = ma.fields.Raw(required=True, allow_none=True)
    where = ma.fields.Boolean(
        required=True,
        metadata={"description": "says where the secrets are sent: whoever changes it gives them anew"},
    )


class ConnectorOut(Schema):
    name = ma.fields.String(required=True)
    about = ma.fields.String(required=True)
    channels = ma.fields.List(ma.fields.String(), required=True)
    settings = ma.fields.List(ma.fields.Nested(SettingOut), required=True)


class ConnectorsOut(Schema):
    data = ma.fields.List(ma.fields.Nested(ConnectorOut), required=True)


class CapabilitiesOut(Schema):
    name = ma.fields.String(required=True)
    channels = ma.fields.List(ma.fields.String(), required=True)
    limits = ma.fields.Dict(required=True)
    repeats = ma.fields.String(required=True)
    faces = ma.fields.List(ma.fields.String(), required=True)
    events = ma.fields.List(ma.fields.String(), required=True)


class AccountNew(Schema):
    connector = Text(100, required=True)
    name = Text(required=True)
    settings = Values
    secrets = Secrets
    sender = Text(320, empty=True, load_default="", metadata={"description": "mail: the From address"})
    sender_name = Text(empty=True, load_default="")
    language = Text(35, load_default=None, allow_none=True)
    on_unknown = Choice(ON_UNKNOWN, load_default="hold")
    own_limits = ma.fields.Nested(OwnLimits, load_default=None, allow_none=True, **OWN)
    programme_id = Id("programme", load_default=None, allow_none=True)


class AccountChange(Schema):
    name = Text()
    settings = ma.fields.Dict(keys=Text(100), values=ma.fields.Raw(allow_none=True))
    secrets = ma.fields.Dict(keys=Text(100), values=Text(20_000))
    sender = Text(320, empty=True)
    sender_name = Text(empty=True)
    language = Text(35, allow_none=True)
    on_unknown = Choice(ON_UNKNOWN)
    own_limits = ma.fields.Nested(OwnLimits, allow_none=True, **OWN)
    state = Choice(("active", "disabled"))


class AccountOut(Made):
    id = Id("account", required=True)
    connector = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    channel = ma.fields.String(required=True)
    broadcast = ma.fields.Boolean(required=True)
    settings = ma.fields.Dict(required=True)
    secrets = ma.fields.Function(lambda row: {"set": row.secrets is not None}, metadata={"type": "object"})
    limits = ma.fields.Dict(required=True, metadata={"description": "what the connector declared"})
    own_limits = ma.fields.Dict(
        required=True, allow_none=True, metadata={"description": "what was chosen here"}
    )
    repeats = ma.fields.Dict(required=True)
    sender = ma.fields.String(required=True)
    sender_name = ma.fields.String(required=True)
    language = ma.fields.String(required=True, allow_none=True)
    on_unknown = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    state_reason = ma.fields.String(required=True)
    not_before_at = Time(
        required=True, allow_none=True, metadata={"description": "its provider asked to wait"}
    )
    limited_until_at = Time(required=True, allow_none=True, metadata={"description": "a limit is used up"})
    trouble_since_at = Time(
        required=True, allow_none=True,
        metadata={"description": "it failed again and again, and is tried by one hand-over at a time"},
    )  # fmt: skip
    trouble = ma.fields.String(required=True, allow_none=True)
    login_ends_at = Time(
        required=True, allow_none=True,
        metadata={"description": "somebody has to sign in at the provider anew before, unless it is renewed"},
    )  # fmt: skip
    test = ma.fields.Boolean(required=True)
    programme_id = Id("programme", required=True, allow_none=True)


class LimitOut(Schema):
    limit = ma.fields.String(
        required=True,
        attribute="key",
        validate=ma.validate.OneOf(limits.KEYS),
        metadata={"description": "its name"},
    )
    most = ma.fields.Float(required=True)
    used = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "of this day or month in UTC; null for a rate"},
    )


class LimitsOut(Schema):
    data = ma.fields.List(ma.fields.Nested(LimitOut), required=True)


class Verified(Schema):
    ok = ma.fields.Boolean(required=True)
    problem = ma.fields.String(required=True)
    state = ma.fields.String(required=True)


@connectors.route("")
class Connectors(MethodView):
    @connectors.response(200, ConnectorsOut)
    def get(self) -> Any:
        """List the connectors that are installed"""
        return {"data": accounts.providers(this_act())}


@connectors.route("/<string:name>/capabilities")
class Capabilities(MethodView):
    @connectors.response(200, CapabilitiesOut)
    def get(self, name: str) -> Any:
        """Read what a connector can do: limits, repeats, look-up, events"""
        return _capabilities(accounts.provider(this_act(), name))


@resource.route("")
class Accounts(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(AccountOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List the connected accounts"""
        return listed(accounts.listed(this_act(), **query))

    @resource.arguments(AccountNew)
    @resource.response(201, AccountOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any]) -> Any:
        """Connect an account"""
        return created(accounts.create(this_act(), **body), "account")


@resource.route("/<acc:id>")
class Account(MethodView):
    @resource.response(200, AccountOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Read one account"""
        return single(accounts.get(this_act(), id))

    @resource.guarded
    @resource.arguments(AccountChange)
    @resource.response(200, AccountOut, headers=ETAG_HEADER)
    def patch(self, body: dict[str, Any], id: int) -> Any:
        """Change an account; secrets that are given replace the old ones

        A setting that says where they are sent changes only together with them.
        """
        return single(accounts.change(this_act(), id, if_match(), **body))

    @resource.response(204)
    def delete(self, id: int) -> None:
        """Take away an account that never carried anything; any other is switched off"""
        accounts.delete(this_act(), id)


@resource.route("/<acc:id>/limits")
class Limits(MethodView):
    @resource.response(200, LimitsOut)
    def get(self, id: int) -> Any:
        """Read the limits that hold for an account and its app, and what of them is used today and this month"""
        return {"data": accounts.usage(this_act(), id)}


@resource.route("/<acc:id>/verify")
class Verify(MethodView):
    @resource.response(200, Verified)
    @outside
    def post(self, id: int) -> Any:
        """Prove the login; an account that was out of service comes back"""
        return accounts.verify(this_door().parts.wiring, g.caller, id, g.get("request_id"))


def _capabilities(found: Provider) -> dict[str, Any]:
    return {
        "name": found.name, "channels": found.channels, "limits": asdict(found.limits), "repeats": found.repeats,
        "faces": found.faces, "events": found.events,
    }  # fmt: skip
