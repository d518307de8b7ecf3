"""The contract of /v1 as OpenAPI 3.1, made from the schemas of the views, and the errors it documents."""

from __future__ import annotations

from typing import Any

import flask_smorest
import marshmallow as ma
import orjson
from flask import Flask, Response

from . import problems

VERSION = "1"
ABOUT = (
    "Agreed strategy, approved content, reliable delivery, and the answer on the same person's record. "
    "Unknown request fields are refused; clients must ignore unknown response fields."
)


class ErrorEntry(ma.Schema):
    """One thing that is wrong, and where."""

    pointer = ma.fields.String(metadata={"description": "JSON pointer into the body"})
    parameter = ma.fields.String(metadata={"description": "name of the parameter or header"})
    code = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)


class Problem(ma.Schema):
    """RFC 9457 problem details; the facts of a problem are further members."""

    class Meta:
        unknown = ma.INCLUDE

    type = ma.fields.String(required=True, metadata={"description": "where this problem is described"})
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String(required=True)
    instance = ma.fields.String(required=True)
    code = ma.fields.String(required=True, metadata={"description": "stable, for programs"})
    request_id = ma.fields.String(required=True)
    errors = ma.fields.List(ma.fields.Nested(ErrorEntry))
    blockers = ma.fields.List(ma.fields.Dict(), metadata={"description": "every obstacle of a message"})


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest with our errors, documented as what they are."""

    ERROR_SCHEMA = Problem

    def handle_http_exception(self, error: Any) -> Response:
        """Answer with a problem document."""
        return problems.from_http(error)

    def _register_responses(self) -> None:
        # The base class documents errors under the media type of answers; the components are lazy, so
        # they cannot be corrected afterwards.
        self.DEFAULT_RESPONSE_CONTENT_TYPE = problems.MEDIA_TYPE
        super()._register_responses()
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/json"


def config() -> dict[str, Any]:
    """What flask-smorest wants to know."""
    return {
        "API_TITLE": "Dolen",
        "API_VERSION": VERSION,
        "OPENAPI_VERSION": "3.1.0",
        "API_SPEC_OPTIONS": {
            "info": {"description": ABOUT},
            "security": [{"bearer": []}],
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        },
    }


def document(app: Flask) -> bytes:
    """The whole contract as JSON, in a fixed order, as it is checked in."""
    spec: Api = app.extensions["dolen"].api
    return orjson.dumps(spec.spec.to_dict(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
