"""/v1/stakeholders: people, groups, communities and organisations, and what belongs to each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import g
from flask.views import MethodView

from campaigns.errors import Invalid
from campaigns.stakeholders import addresses as domain_addresses
from campaigns.stakeholders.people import EXTERNAL_ID_MAX, LANGUAGES_MAX, TAG_MAX
from campaigns.stakeholders.tables import CONNECTIONS, KINDS, RANKS
from campaigns.stakeholders.text import NAME_MAX, TEXT_MAX, clean, flags

from ..acts import stakeholders
from ..door import this_door
from .resource import ETAG_HEADER, Resource, created, if_match, listed, outside, single, this_act
from .schemas import Choice, Day, Flag, Id, Made, PageQuery, Schema, Text, Time, page_of

resource = Resource("stakeholders", "People, groups, communities and organisations.")

STATES = ("active", "archived")
CHANNEL = r"[a-z][a-z0-9_]{0,31}"
ADDRESSES_MAX, TAGS_MAX = 50, 100


class QueryText(Text):
    """Text in the query; what no database can hold is refused."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        try:
            return clean(super()._deserialize(value, attr, data, **kwargs), "")
        except Invalid as error:
            raise ma.ValidationError(error.detail) from error


class Channel(ma.fields.String):
    """The name of a channel, such as `email`."""

    def __init__(self, *, every: bool = False, **kwargs: Any) -> None:
        pattern = rf"({CHANNEL}|\*)" if every else CHANNEL
        words = "lower-case letters, digits and _, such as email" + ("; * is every channel" if every else "")
        super().__init__(
            validate=ma.validate.Regexp(rf"{pattern}\Z", error=words),
            metadata={"pattern": f"^{pattern}$"} | kwargs.pop("metadata", {}),  # JSON Schema has no \Z
            **kwargs,
        )


class AddressNew(Schema):
    channel = Channel(required=True)
    value = Text(NAME_MAX, required=True)
    corporate = Flag(load_default=False, metadata={"description": "an organisation's own, such as info@"})


class AddressOut(Schema):
    id = Id("address", required=True)
    channel = ma.fields.String(required=True)
    value = ma.fields.String(required=True)
    key = ma.fields.String(required=True, metadata={"description": "equal keys are one address"})
    corporate = ma.fields.Boolean(required=True)
    state = Choice(("active", "retired"), required=True)
    created_at = Time(required=True)
    verified_at = Time(required=True, allow_none=True)


class StakeholderChange(Schema):
    kind = Choice(KINDS)
    name = Text(NAME_MAX)
    external_id = Text(EXTERNAL_ID_MAX, allow_none=True)
    languages = ma.fields.List(Text(35), validate=ma.validate.Length(max=LANGUAGES_MAX))
    zone = Text(64, allow_none=True, metadata={"description": "such as Europe/London"})
    attrs = ma.fields.Dict(
        keys=ma.fields.String(),
        metadata={"description": "values of custom fields; null takes one away, what is not named stays"},
    )


class StakeholderUpsert(StakeholderChange):
    class Meta(Schema.Meta):
        exclude = ("external_id",)

    programme_id = Id(
        "programme", metadata={"description": "involved here; else the token's programme, else General"}
    )
    addresses = ma.fields.List(
        ma.fields.Nested(AddressNew),
        validate=ma.validate.Length(max=ADDRESSES_MAX),
        metadata={"description": "added; none is taken away"},
    )
    tags = ma.fields.List(
        Text(TAG_MAX),
        validate=ma.validate.Length(max=TAGS_MAX),
        metadata={"description": "added; none is taken away"},
    )


class StakeholderNew(StakeholderUpsert):
    class Meta(Schema.Meta):
        exclude = ()

    kind = Choice(KINDS, load_default="person")
    name = Text(NAME_MAX, required=True)


class StakeholderOut(Made):
    id = Id("stakeholder", required=True)
    kind = Choice(KINDS, required=True)
    name = ma.fields.String(required=True)
    name_flags = ma.fields.Function(
        lambda row: flags(row.name),
        metadata={"type": "array", "items": {"type": "string"}, "description": "what a reader is warned of"},
    )
    external_id = ma.fields.String(required=True, allow_none=True)
    languages = ma.fields.List(ma.fields.String(), required=True)
    zone = ma.fields.String(required=True, allow_none=True)
    attrs = ma.fields.Dict(required=True)
    source = ma.fields.String(required=True)
    state = Choice(STATES, required=True)


class StakeholderQuery(PageQuery):
    state = Choice(STATES, load_default="active")
    kind = Choice(KINDS)
    programme_id = Id("programme")
    external_id = QueryText(EXTERNAL_ID_MAX)
    name = QueryText(metadata={"description": "a part of the name, in any capitals"})
    tag = QueryText(TAG_MAX)
    channel = Channel(metadata={"description": "of `address`; email where it is not named"})
    address = QueryText(NAME_MAX)

    @ma.post_load
    def _address(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        channel = data.pop("channel", None)
        if "address" in data:
            channel = channel or "email"
            try:
                data["address"] = (channel, domain_addresses.key(channel, data["address"]))
            except Invalid as error:
                raise ma.ValidationError(error.detail, "address") from error
        elif channel is not None:
            raise ma.ValidationError("give the `address` too", "channel")
        return data


class MembershipNew(Schema):
    """The person or the body; the other one stands in the path."""

    person_id = Id("stakeholder")
    body_id = Id("stakeholder")
    role = Text(NAME_MAX, empty=True, load_default="")
    from_on = Day(load_default=None, allow_none=True)
    to_on = Day(load_default=None, allow_none=True)

    @ma.validates_schema
    def _one_side(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        if ("person_id" in data) == ("body_id" in data):
            raise ma.ValidationError("give `body_id` for a person, `person_id` for a body", "body_id")


class MembershipEnd(Schema):
    on = Day(load_default=None, metadata={"description": "the last day; today where it is not named"})


class MembershipOut(Schema):
    id = Id("membership", required=True)
    person_id = Id("stakeholder", required=True)
    body_id = Id("stakeholder", required=True)
    role = ma.fields.String(required=True)
    from_on = Day(required=True, allow_none=True)
    to_on = Day(required=True, allow_none=True)


class TagOut(Schema):
    name = ma.fields.String(required=True)


class InvolvementSet(Schema):
    connection = Choice(CONNECTIONS, load_default="involved")
    rank = Choice(RANKS, load_default=None, allow_none=True)
    note = Text(TEXT_MAX, empty=True, load_default="")


class InvolvementOut(Schema):
    stakeholder_id = Id("stakeholder", required=True)
    programme_id = Id("programme", required=True)
    connection = Choice(CONNECTIONS, required=True)
    rank = Choice(RANKS, required=True, allow_none=True)
    note = ma.fields.String(required=True)
    since_at = Time(attribute="at", required=True)


@resource.route("")
class Stakeholders(MethodView):
    @resource.arguments(StakeholderQuery, location="query")
    @resource.response(200, page_of(StakeholderOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List stakeholders involved in your programmes"""
        return listed(stakeholders.listed(this_act(), **query))

    @resource.arguments(StakeholderNew)
    @resource.response(201, StakeholderOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any]) -> Any:
        """Make a stakeholder, involved in a programme"""
        return created(stakeholders.create(this_act(), **body), "stakeholder")


@resource.route("/by-external-id/<path:external_id>")
class ByExternalId(MethodView):
    @resource.arguments(StakeholderUpsert)
    @resource.response(200, StakeholderOut, headers=ETAG_HEADER)
    @resource.alt_response(201, schema=StakeholderOut, headers=ETAG_HEADER, description="made")
    def put(self, body: dict[str, Any], external_id: str) -> Any:
        """Make or change the stakeholder that another system knows by this id; a new one needs a name"""
        row, made = stakeholders.upsert(this_act(), external_id, **body)
        answer, headers = single(row)
        return answer, 201 if made else 200, headers


@resource.route("/<stk:id>")
class Stakeholder(MethodView):
    @resource.response(200, StakeholderOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Read one stakeholder"""
        return single(stakeholders.get(this_act(), id))

    @resource.guarded
    @resource.arguments(StakeholderChange)
    @resource.response(200, StakeholderOut, headers=ETAG_HEADER)
    def patch(self, body: dict[str, Any], id: int) -> Any:
        """Change a stakeholder"""
        return single(stakeholders.change(this_act(), id, if_match(), **body))

    @resource.response(204)
    def delete(self, id: int) -> None:
        """Archive a stakeholder: kept on the record, in no segment, written to no more"""
        stakeholders.archive(this_act(), id)


class EraseNew(Schema):
    reason = Text(2000, required=True, metadata={"description": "it stays in the audit entries: name nobody"})


@resource.route("/<stk:id>/erase")
class Erase(MethodView):
    @resource.arguments(EraseNew)
    @resource.response(204)
    @outside
    def post(self, body: dict[str, Any], id: int) -> None:
        """Erase somebody at their own wish; what was sent stays counted, without them"""
        stakeholders.erase(this_door().parts.wiring, g.caller, id, **body, request_id=g.get("request_id"))


@resource.route("/<stk:id>/addresses")
class Addresses(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(AddressOut))
    def get(self, query: dict[str, Any], id: int) -> Any:
        """List a stakeholder's addresses, retired ones too"""
        return listed(stakeholders.list_addresses(this_act(), id, **query))

    @resource.arguments(AddressNew)
    @resource.response(201, AddressOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Add an address; one that is there already is used again"""
        return stakeholders.add_address(this_act(), id, **body)


@resource.route("/<stk:id>/addresses/<adr:address_id>")
class Address(MethodView):
    @resource.response(204)
    def delete(self, id: int, address_id: int) -> None:
        """Retire an address; it stays on the record"""
        stakeholders.retire_address(this_act(), id, address_id)


@resource.route("/<stk:id>/memberships")
class Memberships(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(MembershipOut))
    def get(self, query: dict[str, Any], id: int) -> Any:
        """List what a person belongs to, or who belongs to a body"""
        return listed(stakeholders.list_memberships(this_act(), id, **query))

    @resource.arguments(MembershipNew)
    @resource.response(201, MembershipOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Make a person a member of a group, community or organisation"""
        return stakeholders.join(this_act(), **({"person_id": id, "body_id": id} | body))


@resource.route("/<stk:id>/memberships/<mbr:membership_id>")
class Membership(MethodView):
    @resource.arguments(MembershipEnd, location="query")
    @resource.response(204)
    def delete(self, query: dict[str, Any], id: int, membership_id: int) -> None:
        """End a membership; it stays on the record"""
        stakeholders.leave(this_act(), id, membership_id, **query)


@resource.route("/<stk:id>/tags")
class Tags(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(TagOut))
    def get(self, query: dict[str, Any], id: int) -> Any:
        """List a stakeholder's tags"""
        return listed(stakeholders.list_tags(this_act(), id, **query))


@resource.route("/<stk:id>/tags/<path:name>")
class Tag(MethodView):
    @resource.response(200, TagOut)
    def put(self, id: int, name: str) -> Any:
        """Give a stakeholder a tag; capitals make no difference"""
        return stakeholders.tag(this_act(), id, name)

    @resource.response(204)
    def delete(self, id: int, name: str) -> None:
        """Take a tag away"""
        stakeholders.untag(this_act(), id, name)


@resource.route("/<stk:id>/involvements")
class Involvements(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(InvolvementOut))
    def get(self, query: dict[str, Any], id: int) -> Any:
        """List the programmes a stakeholder is involved in, among yours"""
        return listed(stakeholders.list_involvements(this_act(), id, **query))


@resource.route("/<stk:id>/involvements/<prg:programme_id>")
class Involvement(MethodView):
    @resource.arguments(InvolvementSet)
    @resource.response(200, InvolvementOut)
    def put(self, body: dict[str, Any], id: int, programme_id: int) -> Any:
        """Say how a stakeholder is connected with a programme, and how much it matters"""
        return stakeholders.involve(this_act(), id, programme_id, **body)
