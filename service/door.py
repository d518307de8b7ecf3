"""How a call passes the door of /v1: what is checked before a view runs, and the transaction it runs in.

Rules: in this order host, token, number of calls, permission, query, body; only then the view, in one transaction
that is committed when the answer is complete. GET and HEAD change nothing.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
import structlog
from flask import Flask, Request, Response, current_app, g, request
from flask.json.provider import JSONProvider
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from campaigns.errors import said

from . import access, idempotency, strict_json
from .acts import Act
from .calls import Calls
from .openapi import Api
from .permissions import PERMISSIONS
from .problems import Refusal
from .wiring import Wiring

JSON_MAX = 1024 * 1024
# No form of /v1 has so many parts.
PARTS_MAX = 50
HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.ASCII)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
PARAMETER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
SAFE = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application carries with it, as `app.extensions["dolen"]`."""

    wiring: Wiring
    api: Api
    forms: Mapping[str, int]  # endpoints that take a multipart form, and the most bytes they take
    calls: Calls


class OrjsonProvider(JSONProvider):
    """JSON by orjson, which is several times faster than the standard library's."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Compact JSON text."""
        return orjson.dumps(obj, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read strictly."""
        return strict_json.loads(s.encode() if isinstance(s, str) else s)


class Door(Flask):
    """Flask with our way of running a view: one unit of work, answered before it is committed."""

    json_provider_class = OrjsonProvider
    parts: Parts

    def dispatch_request(self) -> ResponseReturnValue:
        """Run the view of the matched route; under /v1 inside its transaction."""
        rule = request.url_rule
        if request.routing_exception is not None or rule is None or not rule.rule.startswith("/v1/"):
            return super().dispatch_request()
        if request.method in SAFE:
            with self.parts.wiring.database.read() as session:
                g.act = self._act(session)
                return self.make_response(super().dispatch_request())
        wiring = self.parts.wiring
        call = idempotency.call_of(request, g.caller.token_id)
        if getattr(self.method(), "outside", False):
            if call is None:
                return super().dispatch_request()
            return idempotency.afterwards(
                wiring.database, wiring.keyring, wiring.now(), call, lambda: self._answered(None)
            )
        if call is not None:
            return idempotency.once(wiring.database, wiring.keyring, wiring.now(), call, self._answered)
        with wiring.database.sessions() as session:
            session.connection()  # take the write lock, or be told that the database is busy
            response = self._answered(session)
            if response.status_code < 400:
                session.commit()
            return response

    def _answered(self, session: Session | None) -> Response:
        """The complete answer of the view, refusals included; nothing is committed yet. None: it runs outside."""
        try:
            if session is None:
                return self.make_response(super().dispatch_request())
            g.act = self._act(session)
            answer = super().dispatch_request()
            session.flush()
        except Exception as error:
            answer = self.handle_user_exception(error)
        return self.make_response(answer)

    def _act(self, session: Session) -> Act:
        return Act(self.parts.wiring, g.caller, session, self.parts.wiring.now(), g.request_id)

    def method(self) -> Any:
        view = getattr(self.view_functions[request.endpoint or ""], "view_class", None)
        return getattr(view, request.method.lower(), None)


def operation_of(method: str, rule: str) -> str:
    """`GET`, `/v1/programmes/<id>` → `GET /v1/programmes/{id}`."""
    return method + " " + PARAMETER.sub(r"{\1}", rule)


def open_call() -> None:
    """Everything that can be known before the view runs."""
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    g.started = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    if not HOST.fullmatch(request.environ.get("HTTP_HOST", "localhost")):
        raise Refusal("bad_request", "the Host header is not a host")
    if request.url_rule is None or not request.url_rule.rule.startswith("/v1/"):
        return
    wiring = this_door().parts.wiring
    g.caller = access.authenticate(wiring.database, wiring.now(), request.headers.get("Authorization"))
    g.told = this_door().parts.calls.count(g.caller.token_id or 0)
    scope = PERMISSIONS[
        operation_of("GET" if request.method == "HEAD" else request.method, request.url_rule.rule)
    ]
    if not g.caller.has(scope):
        raise Refusal(
            "scope_missing", said("this needs the scope {scope}, by the token and by a role", scope=scope)
        )
    _check_query()
    _check_body(request)


def _check_query() -> None:
    """Refuse query parameters that the route does not know, or that are given twice."""
    documented = getattr(this_door().method(), "_apidoc", {}).get("arguments", {}).get("parameters", [])
    known = {
        name
        for parameter in documented
        if parameter["in"] == "query"
        for name in (
            parameter["schema"]() if isinstance(parameter["schema"], type) else parameter["schema"]
        ).fields
    }
    errors = [
        {
            "parameter": name,
            "code": "invalid",
            "detail": said("unknown parameter") if name not in known else said("given twice"),
        }
        for name, values in request.args.lists()
        if name not in known or len(values) > 1
    ]
    if errors:
        raise Refusal(
            "invalid",
            said(
                "the query parameter {parameter} cannot be used", parameter=repr(errors[0]["parameter"][:40])
            ),
            errors=errors,
        )


def _check_body(request: Request) -> None:
    """Refuse a body that is too large, compressed, or neither JSON nor the form that the route takes."""
    form_max = this_door().parts.forms.get(request.endpoint or "")
    request.max_content_length = form_max or JSON_MAX
    request.max_form_parts = PARTS_MAX
    if request.headers.get("Content-Encoding"):
        raise Refusal("unsupported_media_type", "send the body uncompressed")
    if request.method in SAFE:
        return
    if form_max:
        if request.mimetype != "multipart/form-data":
            raise Refusal("unsupported_media_type", "send multipart/form-data")
        _read_parts(request, form_max)
        return
    body = request.get_data(cache=True)
    if request.content_length is None and len(body) >= JSON_MAX:  # chunked, and cut off at the limit
        raise Refusal("too_large", "the body is too large")
    if not body and not request.content_type:
        return
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or charset not in ("utf-8", "utf8"):
        raise Refusal("unsupported_media_type", "send Content-Type: application/json in UTF-8")
    g.body = strict_json.loads(body) if body else {}


def _read_parts(request: Request, form_max: int) -> None:
    """Read a form here, where what is wrong with it can be told apart: its size, or the number of its parts."""
    try:
        request.form.keys()
    except RequestEntityTooLarge:
        if (request.content_length or 0) > form_max:
            raise
        raise Refusal("bad_request", "the form has too many parts, or one of them is too large") from None


def this_door() -> Door:
    """The application in whose request we are."""
    return cast(Door, current_app)
