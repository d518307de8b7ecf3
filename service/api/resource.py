"""How a resource of /v1 is written: its blueprint, its act, its page and its ETag."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import flask_smorest
import marshmallow as ma
from flask import g, request
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.routing import BaseConverter, ValidationError

from campaigns.base import Edited, parse_id, public_id
from campaigns.errors import BadId

from .. import paging
from ..acts import Act
from ..ids import PREFIXES, shown
from ..problems import Refusal
from .schemas import id_pattern

ETAG = re.compile(r'"([0-9]{1,18})"', re.ASCII)
ETAG_SHAPE = {"type": "string", "pattern": '^"[0-9]{1,18}"$'}
ETAG_HEADER = {
    "ETag": {"description": "the version, for If-Match", "required": True, "schema": ETAG_SHAPE},
}
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "description": "the ETag that was read",
    "schema": ETAG_SHAPE,
}

# What any call may be answered with instead of what it asked for; the rest is under `default`.
REFUSALS = (400, 401, 403, 404, 415, 422, 429, 503)
WRITE_REFUSALS = (409, 413)
GUARD_REFUSALS = (412, 428)


class StrictParser(FlaskParser):
    """Reads bodies that the door has already checked, and refuses unknown query parameters."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": ma.RAISE}
    __location_map__ = {**FlaskParser.__location_map__, "multipart": "load_multipart"}

    def load_json(self, req: Any, schema: ma.Schema) -> Any:
        """The body as the door read it; an absent one is an empty object."""
        return g.get("body", {})

    def load_multipart(self, req: Any, schema: ma.Schema) -> Any:
        """The parts of a form, files among them."""
        return self._makeproxy(CombinedMultiDict([req.form, req.files]), schema)


class Resource(flask_smorest.Blueprint):  # type: ignore[misc]
    """The blueprint of one resource: `Resource("programmes", "What it is.")` is /v1/programmes."""

    ARGUMENTS_PARSER = StrictParser()
    DEFAULT_LOCATION_CONTENT_TYPE_MAPPING = {
        "json": "application/json",
        "multipart": "multipart/form-data",
    }

    def __init__(self, name: str, description: str, *, prefix: str | None = None) -> None:
        super().__init__(name, __name__, url_prefix=prefix or f"/v1/{name}", description=description)
        self._prepare_doc_cbks.append(_with_refusals)

    def guarded(self, view: Any) -> Any:
        """Document that the operation needs If-Match; the view reads it with `if_match()`."""
        return self.doc(parameters=[IF_MATCH])(view)


def _with_refusals(doc: dict[str, Any], told: dict[str, Any], *, method: str, **parts: Any) -> dict[str, Any]:
    """Add to an operation's document every status that it may refuse with."""
    statuses = [*REFUSALS, *(() if method.upper() in ("GET", "HEAD") else WRITE_REFUSALS)]
    if IF_MATCH in told.get("manual_doc", {}).get("parameters", []):
        statuses += GUARD_REFUSALS
    for status in statuses:
        doc.setdefault("responses", {}).setdefault(str(status), HTTPStatus(status).name)
    return doc


class IdConverter(BaseConverter):
    """`<prg:id>` in a route: an id of that prefix, an integer in the view; anything else is no route."""

    prefix = ""
    regex = r"[a-z]{3}_[0-9A-Z]{13}"

    def to_python(self, value: str) -> int:
        """The number inside."""
        try:
            return parse_id(self.prefix, value)
        except BadId as error:
            raise ValidationError(value) from error

    def to_url(self, value: int) -> str:
        """The public id."""
        return public_id(self.prefix, value)


class NthConverter(BaseConverter):
    """`<nth:n>` in a route: the number of a version, from 1."""

    regex = r"[1-9][0-9]{0,5}"

    def to_python(self, value: str) -> int:
        """The number."""
        return int(value)


CONVERTERS: dict[str, type[BaseConverter]] = {
    **{prefix: type(f"{kind}_id", (IdConverter,), {"prefix": prefix}) for kind, prefix in PREFIXES.items()},
    "nth": NthConverter,
}


def describe(converter: BaseConverter) -> dict[str, Any]:
    """How an id or a number in a path is documented."""
    if isinstance(converter, IdConverter):
        return {"type": "string", "pattern": id_pattern(converter.prefix)}
    return {"type": "integer", "minimum": 1, "maximum": 999_999}


def this_act() -> Act:
    """The unit of work of the request in hand."""
    act: Act = g.act
    return act


def outside(view: Any) -> Any:
    """Mark a view that speaks to a provider: it runs in no transaction and uses `acts.begin`."""
    view.outside = True
    return view


def listed(page: paging.Page) -> tuple[dict[str, Any], dict[str, str]]:
    """A page as the answer of a list, with its Link header."""
    body = {"data": page.rows, "has_more": page.has_more, "next": page.next, "previous": page.previous}
    link = paging.links(request.path, request.args, page)
    return body, {"Link": link} if link else {}


def single(row: Edited) -> tuple[Edited, dict[str, str]]:
    """One row as an answer, with its ETag."""
    return row, {"ETag": f'"{row.version}"'}


def created(row: Edited, kind: str) -> tuple[Edited, dict[str, str]]:
    """A new row as an answer, with its ETag and its own address under the collection's."""
    return row, {
        "ETag": f'"{row.version}"',
        "Location": f"{request.path}/{shown(kind, row.id)}",
    }


def if_match() -> int | None:
    """The version that the caller read; None for `*`. Refusal 428 when missing, 412 when not ours."""
    given = request.headers.get("If-Match")
    if given is None:
        raise Refusal("precondition_required", "send If-Match with the ETag of what you read")
    if given.strip() == "*":
        return None
    match = ETAG.fullmatch(given.strip())
    if match is None:
        raise Refusal("precondition_failed", "this is not the current ETag; read again")
    return int(match[1])
