"""/v1/templates: words with slots in versions; an approved one may go out through the API with any data."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from ..acts import content
from .resource import ETAG_HEADER, Resource, created, listed, single, this_act
from .schemas import Id, Made, PageQuery, Schema, Text, Time, Whole, page_of

resource = Resource("templates", "Words with slots, in versions that never change.")


class TemplateNew(Schema):
    name = Text(required=True)
    programme_id = Id("programme", load_default=None, allow_none=True)


class TemplateOut(Made):
    id = Id("template", required=True)
    name = ma.fields.String(required=True)
    programme_id = Id("programme", required=True, allow_none=True)


class TemplateVersionNew(Schema):
    subject = Text(998, empty=True, load_default="")
    text = Text(100_000, empty=True, load_default="")
    html = Text(1_000_000, empty=True, load_default="")


class TemplateVersionOut(Schema):
    id = Id("template_version", required=True)
    n = ma.fields.Integer(required=True)
    subject = ma.fields.String(required=True)
    text = ma.fields.String(required=True)
    html = ma.fields.String(required=True)
    digest = ma.fields.String(required=True, attribute="sha256")
    author = ma.fields.String(required=True)
    at = Time(required=True)
    approved_by = ma.fields.String(required=True, allow_none=True)
    approved_at = Time(required=True, allow_none=True)


class TemplateVersions(Schema):
    data = ma.fields.List(ma.fields.Nested(TemplateVersionOut), required=True)


class ApproveNew(Schema):
    digest = Text(80, required=True)


class RenderNew(Schema):
    n = Whole(1, 100_000, load_default=None, allow_none=True)
    data = ma.fields.Dict(keys=Text(100), load_default=dict)
    stakeholder = Id("stakeholder", load_default=None, allow_none=True)


class RenderedOut(Schema):
    subject = ma.fields.String(required=True)
    text = ma.fields.String(required=True)
    html = ma.fields.String(required=True)
    missing = ma.fields.List(ma.fields.String(), required=True)
    wrong = ma.fields.String(required=True)


@resource.route("")
class Templates(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(TemplateOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List templates"""
        return listed(content.list_templates(this_act(), **query))

    @resource.arguments(TemplateNew)
    @resource.response(201, TemplateOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any]) -> Any:
        """Open a template"""
        return created(content.create_template(this_act(), **body), "template")


@resource.route("/<tpl:id>")
class OneTemplate(MethodView):
    @resource.response(200, TemplateOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Read one template"""
        return single(content.template(this_act(), id))


@resource.route("/<tpl:id>/versions")
class VersionsOf(MethodView):
    @resource.response(200, TemplateVersions)
    def get(self, id: int) -> Any:
        """List the versions, newest first"""
        return {"data": content.template_versions(this_act(), id)}

    @resource.arguments(TemplateVersionNew)
    @resource.response(201, TemplateVersionOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Write the next version; it is checked now and never changes"""
        return content.new_template_version(this_act(), id, **body)


@resource.route("/<tpl:id>/versions/<nth:n>/approve")
class Approve(MethodView):
    @resource.arguments(ApproveNew)
    @resource.response(200, TemplateVersionOut)
    def post(self, body: dict[str, Any], id: int, n: int) -> Any:
        """Approve the words you read for use through the API with any data"""
        return content.approve_template(this_act(), id, n, **body)


@resource.route("/<tpl:id>/render")
class Render(MethodView):
    @resource.arguments(RenderNew)
    @resource.response(200, RenderedOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Fill a version in, for a look"""
        made = content.render_template(this_act(), id, **body)
        words = {name: getattr(made.rendered, name, "") for name in ("subject", "text", "html")}
        return {**words, "missing": made.missing, "wrong": made.wrong}
