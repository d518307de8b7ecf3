"""/v1/content_items: one idea each, with its words for every channel and language."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.base import public_id
from campaigns.messages.blocks import KINDS as BLOCKS
from campaigns.messages.content import MEDIA_MAX

from ..acts import content, writing
from .resource import ETAG_HEADER, Resource, created, if_match, listed, single, this_act
from .schemas import Id, Made, PageQuery, Schema, Text, Time, id_pattern, page_of

resource = Resource("content_items", "What is said: one idea, with variants for each channel and language.")


class ContentNew(Schema):
    name = Text(required=True)
    data = ma.fields.Dict(keys=Text(100), load_default=dict)
    programme_id = Id("programme", load_default=None)


class ContentChange(Schema):
    name = Text()
    data = ma.fields.Dict(keys=Text(100))


class ContentOut(Made):
    id = Id("content_item", required=True)
    programme_id = Id("programme", required=True)
    name = ma.fields.String(required=True)
    data = ma.fields.Dict(required=True)
    state = ma.fields.String(required=True)


class VariantNew(Schema):
    subject = Text(998, empty=True, load_default="")
    text = Text(100_000, empty=True, load_default="")
    html = Text(1_000_000, empty=True, load_default="")
    template_version_id = Id("template_version", load_default=None, allow_none=True)
    options = ma.fields.Dict(keys=Text(100), load_default=dict)
    media = ma.fields.List(
        Id("media"), load_default=(), validate=ma.validate.Length(0, MEDIA_MAX),
        metadata={"description": "Pictures that go with a post, in their order."},
    )  # fmt: skip


class BlocksNew(Schema):
    subject = Text(998, empty=True, load_default="")
    blocks = ma.fields.List(
        ma.fields.Dict(keys=Text(20)),
        required=True,
        metadata={
            "description": "; ".join(f"kind {kind}: {', '.join(fields)}" for kind, fields in BLOCKS.items())
        },
    )


class VariantOut(Schema):
    id = Id("variant", required=True)
    channel = ma.fields.String(required=True)
    language = ma.fields.String(required=True)
    n = ma.fields.Integer(required=True)
    subject = ma.fields.String(required=True)
    text = ma.fields.String(required=True)
    html = ma.fields.String(required=True)
    template_version_id = Id("template_version", required=True, allow_none=True)
    options = ma.fields.Dict(required=True)
    media = ma.fields.Function(
        lambda row: [public_id("med", one) for one in row.media or ()],
        metadata={"type": "array", "items": {"type": "string", "pattern": id_pattern("med")}},
    )
    blocks = ma.fields.List(
        ma.fields.Dict(), allow_none=True, metadata={"description": "what text and html were made from"}
    )
    slots = ma.fields.List(ma.fields.String(), required=True)
    author = ma.fields.String(required=True)
    at = Time(required=True)


class Variants(Schema):
    data = ma.fields.List(ma.fields.Nested(VariantOut), required=True)


@resource.route("")
class ContentItems(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(ContentOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List content items"""
        return listed(content.listed(this_act(), **query))

    @resource.arguments(ContentNew)
    @resource.response(201, ContentOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any]) -> Any:
        """Open a content item"""
        return created(content.create(this_act(), **body), "content_item")


@resource.route("/<cnt:id>")
class OneContentItem(MethodView):
    @resource.response(200, ContentOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Read one content item"""
        return single(content.get(this_act(), id))

    @resource.guarded
    @resource.arguments(ContentChange)
    @resource.response(200, ContentOut, headers=ETAG_HEADER)
    def patch(self, body: dict[str, Any], id: int) -> Any:
        """Change its name or the data its words use"""
        return single(content.change(this_act(), id, if_match(), **body))


@resource.route("/<cnt:id>/variants")
class VariantsOf(MethodView):
    @resource.response(200, Variants)
    def get(self, id: int) -> Any:
        """List the words as they stand, by channel and language"""
        return {"data": content.variants(this_act(), id)}


@resource.route("/<cnt:id>/variants/<string:channel>/<string:language>")
class OneVariant(MethodView):
    @resource.arguments(VariantNew)
    @resource.response(200, VariantOut)
    def put(self, body: dict[str, Any], id: int, channel: str, language: str) -> Any:
        """Save the words for one channel and language"""
        return content.save_variant(this_act(), id, channel, language, **body)

    @resource.response(204)
    def delete(self, id: int, channel: str, language: str) -> None:
        """Take the words for one channel and language out"""
        content.remove_variant(this_act(), id, channel, language)


@resource.route("/<cnt:id>/variants/<string:channel>/<string:language>/blocks")
class VariantOfBlocks(MethodView):
    @resource.arguments(BlocksNew)
    @resource.response(200, VariantOut)
    def put(self, body: dict[str, Any], id: int, channel: str, language: str) -> Any:
        """Save words that are put together from blocks, in the dress of the house"""
        return writing.save_blocks(
            this_act(), id, channel, language, subject=body["subject"], built=body["blocks"]
        )
