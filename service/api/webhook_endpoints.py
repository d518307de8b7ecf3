"""/v1/webhook_endpoints: where other programs are told what happens here, signed, and what became of each call."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
import orjson
from flask.views import MethodView

from ..acts import webhooks
from ..webhook_facts import KIND
from .resource import ETAG_HEADER, Resource, created, if_match, listed, single, this_act
from .schemas import Choice, Id, Made, PageQuery, Schema, Text, Time, Whole, page_of

STATES = ("waiting", "sent", "failed")

resource = Resource("webhook_endpoints", "Where other programs are told what happens here.")


class Kinds(ma.fields.List):  # type: ignore[type-arg]
    """`message.created`, `message.*` or `*`, each once is enough."""

    def __init__(self, **kwargs: Any) -> None:
        word = ma.fields.String(
            validate=ma.validate.And(ma.validate.Length(max=81), _kind), metadata={"example": "message.*"}
        )
        super().__init__(word, validate=ma.validate.Length(min=1, max=100), **kwargs)


def _kind(value: str) -> None:
    if not KIND.fullmatch(value):
        raise ma.ValidationError("must be `*`, or a word, a dot, and a word or `*`")


class EndpointNew(Schema):
    url = Text(2000, required=True)
    kinds = Kinds(required=True)
    about = Text(200, empty=True, load_default="")
    programme_id = Id(
        "programme", load_default=None, allow_none=True, metadata={"description": "and what lies under it"}
    )


class EndpointChange(Schema):
    url = Text(2000)
    kinds = Kinds()
    about = Text(200, empty=True)
    state = Choice(("active", "disabled"))


class EndpointOut(Made):
    id = Id("webhook_endpoint", required=True)
    url = ma.fields.String(required=True)
    kinds = ma.fields.List(ma.fields.String(), required=True)
    about = ma.fields.String(required=True)
    programme_id = Id("programme", required=True, allow_none=True)
    state = Choice(("active", "disabled"), required=True)
    state_reason = ma.fields.String(required=True, metadata={"description": "why we gave it up"})
    disabled_at = Time(required=True, allow_none=True)


class EndpointShown(EndpointOut):
    secret = ma.fields.String(required=True, metadata={"description": "shown this once"})

    @ma.pre_dump
    def _with_secret(self, shown: webhooks.Shown, **kwargs: Any) -> dict[str, Any]:
        names = (name for name in self.fields if name != "secret")
        return {name: getattr(shown.row, name) for name in names} | {"secret": shown.secret}


class Overlap(Schema):
    overlap_s = Whole(
        0, 7 * 86_400, load_default=86_400, metadata={"description": "how long the old secret signs as well"}
    )


class Since(Schema):
    since = Time(required=True)


class Replayed(Schema):
    count = ma.fields.Integer(required=True)


class TryOut(Schema):
    at = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True, allow_none=True)
    error = ma.fields.String(required=True)


class ToldQuery(PageQuery):
    state = Choice(STATES, load_default=None)


class ToldOut(Schema):
    id = Id("webhook_delivery", required=True)
    key = ma.fields.String(required=True, metadata={"description": "its `webhook-id`"})
    kind = ma.fields.String(required=True)
    at = Time(required=True)
    body = ma.fields.Function(lambda row: orjson.loads(row.body), required=True, metadata={"type": "object"})
    state = Choice(STATES, required=True)
    tries = ma.fields.Integer(required=True)
    next_at = Time(required=True)
    settled_at = Time(required=True, allow_none=True)
    log = ma.fields.List(ma.fields.Nested(TryOut), required=True)


@resource.route("")
class Endpoints(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(EndpointOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List the endpoints of the programmes you administer"""
        return listed(webhooks.listed(this_act(), **query))

    @resource.arguments(EndpointNew)
    @resource.response(201, EndpointShown, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any]) -> Any:
        """Set up an endpoint; the answer shows its secret this once"""
        made = webhooks.create(this_act(), **body)
        _row, headers = created(made.row, "webhook_endpoint")
        return made, headers


@resource.route("/<whe:id>")
class Endpoint(MethodView):
    @resource.response(200, EndpointOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Show an endpoint"""
        return single(webhooks.get(this_act(), id))

    @resource.guarded
    @resource.arguments(EndpointChange)
    @resource.response(200, EndpointOut, headers=ETAG_HEADER)
    def patch(self, body: dict[str, Any], id: int) -> Any:
        """Change an endpoint, or set it active again: it is then told what happened meanwhile, a week back"""
        return single(webhooks.change(this_act(), id, if_match(), **body))

    @resource.response(204)
    def delete(self, id: int) -> None:
        """Remove an endpoint and its log"""
        webhooks.remove(this_act(), id)


@resource.route("/<whe:id>/rotate")
class EndpointRotation(MethodView):
    @resource.arguments(Overlap)
    @resource.response(201, EndpointShown)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Replace the secret; the answer shows the new one this once"""
        return webhooks.rotate(this_act(), id, **body)


@resource.route("/<whe:id>/test")
class EndpointTest(MethodView):
    @resource.response(202, ToldOut)
    def post(self, id: int) -> Any:
        """Tell it `webhook_endpoint.tested`, to see whether it hears"""
        return webhooks.test(this_act(), id)


@resource.route("/<whe:id>/replay")
class EndpointReplay(MethodView):
    @resource.arguments(Since)
    @resource.response(202, Replayed)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Tell it once more whatever failed since then"""
        return {"count": webhooks.replay_failed(this_act(), id, **body)}


@resource.route("/<whe:id>/deliveries")
class EndpointDeliveries(MethodView):
    @resource.arguments(ToldQuery, location="query")
    @resource.response(200, page_of(ToldOut))
    def get(self, query: dict[str, Any], id: int) -> Any:
        """List what it was told and is still to be told, newest first, with every try"""
        return listed(webhooks.deliveries(this_act(), id, **query))


@resource.route("/<whe:id>/deliveries/<whd:delivery_id>/replay")
class EndpointDeliveryReplay(MethodView):
    @resource.response(202, ToldOut)
    def post(self, id: int, delivery_id: int) -> Any:
        """Tell it this once more, under the same `webhook-id`"""
        return webhooks.replay(this_act(), id, delivery_id)
