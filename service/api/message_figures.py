"""/v1/messages/{id}/figures: who opened it, who pressed a link in it, and what networks count of its posts."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.responses.post_figures import Post
from connectors.api import FIGURES

from ..acts import figures
from .resource import Resource, listed, this_act
from .schemas import Choice, Id, PageQuery, Schema, Time, page_of

resource = Resource("message_figures", "What came of a message, in figures.", prefix="/v1/messages")


class ByWhom(Schema):
    """Each delivery counts once, by a person where it can."""

    person = ma.fields.Integer(required=True)
    unsure = ma.fields.Integer(required=True, metadata={"description": "a person or a machine"})
    machine = ma.fields.Integer(required=True, metadata={"description": "nobody read it because of that"})


class FigureOut(Schema):
    figure = Choice(FIGURES, required=True)
    value = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "null: not told, which is not zero"}
    )
    told_at = Time(required=True, allow_none=True)


class PostOut(Schema):
    delivery_id = Id("delivery", required=True)
    account_id = Id("account", required=True)
    source = ma.fields.String(required=True, metadata={"description": "the connector"})
    part = ma.fields.Integer(required=True, metadata={"description": "of a thread, from 0"})
    sent_at = Time(required=True, allow_none=True)
    looked_at = Time(required=True, allow_none=True, metadata={"description": "when it was asked about last"})
    figures = ma.fields.List(ma.fields.Nested(FigureOut), required=True)


class FiguresOut(Schema):
    opened = ma.fields.Nested(ByWhom, required=True)
    clicked = ma.fields.Nested(ByWhom, required=True)
    posts = ma.fields.List(ma.fields.Nested(PostOut), required=True)


class FigureToldOut(Schema):
    delivery_id = Id("delivery", required=True)
    figure = Choice(FIGURES, required=True)
    value = ma.fields.Integer(required=True)
    told_at = Time(required=True, attribute="at")
    source = ma.fields.String(required=True, metadata={"description": "the connector"})
    api = ma.fields.String(
        required=True,
        metadata={"description": "the version of the provider's interface, where it has versions"},
    )


@resource.route("/<msg:id>/figures")
class FiguresOf(MethodView):
    @resource.response(200, FiguresOut)
    def get(self, id: int) -> Any:
        """Count who opened it and pressed its links, machines apart, and what networks tell of its posts"""
        came = figures.came(this_act(), id)
        return {"opened": came.opened, "clicked": came.clicked, "posts": [_post(one) for one in came.posts]}


@resource.route("/<msg:id>/figures/history")
class HistoryOf(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(FigureToldOut))
    def get(self, query: dict[str, Any], id: int) -> Any:
        """List everything that networks told of its posts, oldest first"""
        return listed(figures.history(this_act(), id, **query))


def _post(one: Post) -> dict[str, Any]:
    """Every figure, those that were not told with null."""
    told = [(name, one.figures.get(name)) for name in FIGURES]
    return {
        "delivery_id": one.delivery_id, "account_id": one.account_id, "source": one.connector, "part": one.part,
        "sent_at": one.sent_at, "looked_at": one.looked_at,
        "figures": [
            {"figure": name, "value": found and found.value, "told_at": found and found.at} for name, found in told
        ],
    }  # fmt: skip
