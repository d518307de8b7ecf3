"""/v1/media: pictures with what they show in words, and films and recordings that are kept elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import g
from flask.views import MethodView

from campaigns.messages import media as domain
from campaigns.messages import pictures

from ..acts import begin, media
from ..door import this_door
from .imports import File, JsonText
from .resource import ETAG_HEADER, Resource, created, if_match, listed, outside, single, this_act
from .schemas import Choice, Flag, Id, Made, PageQuery, Schema, Text, page_of

resource = Resource(
    "media", "Pictures, films and recordings, with their words for who cannot see or hear them."
)

# The file, and room for the other parts of the form.
FORM_MAX = pictures.BYTES_MAX + 1024 * 1024
STATES = ("active", "archived", "evidence")
ALTS = {"description": "by language what it shows, for who cannot see it", "example": {"en": "A river"}}


class Alts(ma.fields.Dict):
    """Language to words."""

    def __init__(self, **kwargs: Any) -> None:
        words = Text(domain.ALT_MAX, empty=True)
        super().__init__(
            keys=Text(35), values=words, validate=ma.validate.Length(max=20), metadata=ALTS, **kwargs
        )


class FormFlag(ma.fields.String):
    """`true` or `false` as the text of a form part."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if value not in ("true", "false"):
            raise ma.ValidationError("must be true or false")
        return value == "true"


class PictureNew(Schema):
    file = File(required=True, metadata={"description": "PNG, JPEG, GIF or WebP, at most 10 MB"})
    programme_id = Id(
        "programme", load_default=None, metadata={"description": "else all programmes share it"}
    )
    name = Text(4_000, load_default=None, metadata={"description": "else that of the file"})
    alts = JsonText(load_default=None, metadata=ALTS)
    decorative = FormFlag(load_default=False)


class MediaLinkNew(Schema):
    kind = Choice(domain.KINDS[1:], required=True)
    url = Text(domain.URL_MAX, required=True)
    name = Text(required=True)
    programme_id = Id("programme", load_default=None, allow_none=True)
    captions_url = Text(domain.URL_MAX, empty=True, load_default="")
    transcript = Text(domain.TRANSCRIPT_MAX, empty=True, load_default="")


class MediaChange(Schema):
    name = Text()
    alts = Alts()
    decorative = Flag()
    captions_url = Text(domain.URL_MAX, empty=True)
    transcript = Text(domain.TRANSCRIPT_MAX, empty=True)


class MediaQuery(PageQuery):
    kind = Choice(domain.KINDS)
    state = Choice(STATES)
    named = Text(metadata={"description": "a part of its name"})


class MediaOut(Made):
    id = Id("media", required=True)
    programme_id = Id("programme", required=True, allow_none=True)
    kind = Choice(domain.KINDS, required=True)
    name = ma.fields.String(required=True)
    state = Choice(STATES, required=True)
    sha256 = ma.fields.String(required=True, allow_none=True)
    type = ma.fields.Function(
        lambda row: pictures.TYPES.get(row.type, ""), required=True, metadata={"type": "string"}
    )
    bytes = ma.fields.Integer(required=True)
    width = ma.fields.Integer(required=True)
    height = ma.fields.Integer(required=True)
    path = ma.fields.Function(
        lambda row: domain.path(row) if row.sha256 else row.url,
        required=True,
        metadata={"type": "string", "description": "where whoever was sent it finds it"},
    )
    alts = ma.fields.Dict(required=True)
    decorative = ma.fields.Boolean(required=True)
    captions_url = ma.fields.String(required=True)
    transcript = ma.fields.String(required=True)


class UseOut(Schema):
    id = Id("content_item", required=True)
    name = ma.fields.String(required=True)


class UsesOut(Schema):
    data = ma.fields.List(ma.fields.Nested(UseOut), required=True)


@resource.route("")
class MediaList(MethodView):
    @resource.arguments(MediaQuery, location="query")
    @resource.response(200, page_of(MediaOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List the media of your programmes and those all share, newest first"""
        return listed(media.listed(this_act(), **query))

    @resource.arguments(PictureNew, location="multipart")
    @resource.response(201, MediaOut, headers=ETAG_HEADER)
    @outside
    def post(self, parts: dict[str, Any]) -> Any:
        """Upload a picture: it is drawn anew, so nothing but its points is left of the file"""
        upload = parts.pop("file")
        picture = pictures.read(upload.read(FORM_MAX))
        parts["name"] = parts["name"] or upload.filename or "picture"
        with begin(this_door().parts.wiring, g.caller, request_id=g.get("request_id")) as act:
            return created(media.add_picture(act, picture=picture, **parts), "media")


@resource.route("/links")
class MediaLinks(MethodView):
    @resource.arguments(MediaLinkNew)
    @resource.response(201, MediaOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any]) -> Any:
        """Name a film or recording that is kept elsewhere"""
        made = media.add_link(this_act(), **body)
        _row, headers = created(made, "media")
        return made, headers | {"Location": headers["Location"].replace("/links/", "/")}


@resource.route("/<med:id>")
class Medium(MethodView):
    @resource.response(200, MediaOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Show a medium"""
        return single(media.get(this_act(), id))

    @resource.guarded
    @resource.arguments(MediaChange)
    @resource.response(200, MediaOut, headers=ETAG_HEADER)
    def patch(self, body: dict[str, Any], id: int) -> Any:
        """Name it anew, or say what it shows"""
        return single(media.change(this_act(), id, if_match(), **body))

    @resource.response(204)
    def delete(self, id: int) -> None:
        """Archive a medium: it is offered no more, and whoever was sent it still sees it"""
        media.archive(this_act(), id)


@resource.route("/<med:id>/uses")
class MediumUses(MethodView):
    @resource.response(200, UsesOut)
    def get(self, id: int) -> Any:
        """List the content items that hold it now, newest first, at most 100"""
        act = this_act()
        return {"data": media.uses(act, media.get(act, id))}
