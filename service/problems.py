"""What went wrong, said in one form: a domain error or a refusal at the door becomes RFC 9457 problem JSON.

Rules: every code stands once in PROBLEMS, with its status and its title; a 404 says the same for what is
absent and for what the caller has no grant on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from flask import Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from campaigns.errors import DomainError, counted

from . import words

MEDIA_TYPE = "application/problem+json"

PROBLEMS: dict[str, tuple[int, str]] = {
    # the request as such
    "bad_request": (400, "The request cannot be read"),
    "bad_json": (400, "The body is not the JSON we read"),
    "idempotency_key_required": (400, "This call needs an Idempotency-Key"),
    "not_authenticated": (401, "A valid token is needed"),
    "forbidden": (403, "The caller may not do this"),
    "scope_missing": (403, "The token or role does not reach this far"),
    "not_found": (404, "There is nothing here"),
    "method_not_allowed": (405, "This address does not take that method"),
    "not_acceptable": (406, "We answer in JSON"),
    "too_large": (413, "The body is too large"),
    "no_room": (413, "The room there is for this is used up"),
    "uri_too_long": (414, "The address is too long"),
    "unsupported_media_type": (415, "The body must be application/json in UTF-8, not compressed"),
    "invalid": (422, "Something in the request is not valid"),
    "idempotency_key_reused": (422, "This Idempotency-Key was used with another body"),
    "precondition_failed": (412, "Changed since you read it"),
    "precondition_required": (428, "If-Match with the ETag you read is needed"),
    "too_many_requests": (429, "Too many requests"),
    "call_in_progress": (409, "The first call with this Idempotency-Key is not finished"),
    "busy": (503, "Busy for the moment"),
    "storage_full": (507, "There is no room left"),
    "not_ready": (503, "Not ready"),
    "internal": (500, "Something failed here"),
    # the domain
    "error": (400, "This cannot be done"),
    "bad_id": (422, "Not an id of this kind"),
    "bad_address": (422, "Not an address of this channel"),
    "bad_rule": (422, "Not a rule we can follow"),
    "bad_time": (422, "Not a time we can use"),
    "bad_template": (422, "Not a template we can use"),
    "bad_field": (422, "Not a value for this field"),
    "bad_import": (422, "Not a file we can import"),
    "missing_data": (422, "Something the words need is missing"),
    "conflict": (409, "Not possible as things stand"),
    "stale": (409, "Changed since you read it"),
    "already_done": (409, "Already done"),
    "already_sending": (409, "Already being sent"),
    "in_use": (409, "Still in use"),
    "opted_out": (409, "They have opted out"),
    "cannot_answer": (409, "This cannot be answered"),
    "blocked": (409, "Something stands in the way"),
    "four_eyes": (403, "A second person must decide this"),
    "not_proven": (403, "The provider did not say who this is"),
    "wrong_login": (403, "Nobody signs in with this"),
    "too_many_tries": (429, "Too many tries"),
    "link_not_valid": (403, "This link is not valid"),
    "last_administrator": (409, "The last administrator stays"),
}

# Says a problem as a page where a browser asks for one; None where the answer is JSON.
Page = Callable[[int, str, str], Response | None]

# What werkzeug and flask-smorest raise by status.
BY_STATUS = {
    400: "bad_request",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    412: "precondition_failed",
    413: "too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    422: "invalid",
    428: "precondition_required",
    429: "too_many_requests",
    503: "busy",
}
RESERVED = ("type", "title", "status", "detail", "instance", "code", "request_id", "errors")


class Refusal(Exception):
    """Something at the door stops the call. `errors` are `{pointer or parameter, code, detail}`."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: list[dict[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}


def from_refusal(refusal: Refusal) -> Response:
    """The answer to a refusal at the door."""
    extra = {"errors": refusal.errors} if refusal.errors else {}
    return answer(refusal.code, refusal.detail, headers=refusal.headers, **extra)


def from_domain(error: DomainError) -> Response:
    """The answer to an error of the domain; its facts become members of the problem."""
    facts = {name: value for name, value in error.facts.items() if name not in RESERVED}
    if error.code == "not_found":
        return answer("not_found", "nothing with this id, or not yours to see")
    if error.pointer is not None:
        facts["errors"] = [{"pointer": error.pointer, "code": error.code, "detail": error.detail}]
    return answer(error.code, error.detail, **facts)


def from_http(error: HTTPException) -> Response:
    """The answer to what the framework raised: routing, parsing, validation."""
    if isinstance(error.response, Response):  # a redirect made on purpose
        return error.response
    code = BY_STATUS.get(error.code or 500, "internal" if (error.code or 500) >= 500 else "bad_request")
    messages = (getattr(error, "data", None) or {}).get("messages")
    headers = dict(getattr(error, "valid_methods", None) and {"Allow": ", ".join(error.valid_methods)} or {})  # type: ignore[attr-defined]
    if messages:
        errors = _validation(messages)
        return answer(
            code,
            errors[0]["detail"]
            if len(errors) == 1
            else counted("{n} field is not valid", "{n} fields are not valid", len(errors)),
            errors=errors,
        )
    detail = error.description or ""
    if code == "not_found" or detail == type(error).description:  # the framework's own words about a status
        detail = PROBLEMS[code][1]
    return answer(code, detail or PROBLEMS[code][1], headers=headers)


def answer(code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> Response:
    """A problem document for this code, in the language that is asked for; English by default."""
    status, title = PROBLEMS[code]
    page: Page | None = current_app.extensions.get("dolen_problem_page")
    as_page = page(status, title, detail) if page is not None else None
    if as_page is not None:
        return as_page
    language = words.choose(request.accept_languages.values())
    body: dict[str, Any] = {
        "type": f"/docs/problems#{code}",
        "title": words.tell(title, language),
        "status": status,
        "detail": words.tell(detail, language),
        "instance": request.path,
        "code": code,
        "request_id": g.get("request_id", ""),
        **words.told(members, language),
    }
    for one in body.get("errors", ()):
        one["detail"] = words.tell(one["detail"], language)
    response = Response(orjson.dumps(body, default=str), status, content_type=MEDIA_TYPE)
    response.headers.update({"Content-Language": language, "Vary": "Accept-Language"} | dict(headers or {}))
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="dolen"'
    return response


def _validation(messages: Any) -> list[dict[str, str]]:
    """Marshmallow's nested messages as a flat list, each with its JSON pointer or parameter name."""
    errors: list[dict[str, str]] = []
    for location, found in messages.items():
        for path, said in _leaves(found, ()):
            place = (
                {"pointer": "".join("/" + _escape(step) for step in path)}
                if location in ("json", "multipart")
                else {"parameter": str(path[0]) if path else location}
            )
            errors.append({**place, "code": "invalid", "detail": said})
    return errors


def _leaves(found: Any, path: tuple[Any, ...]) -> list[tuple[tuple[Any, ...], str]]:
    if isinstance(found, Mapping):
        return [
            leaf
            for key, inner in found.items()
            for leaf in _leaves(inner, path if key == "_schema" else (*path, key))
        ]
    if isinstance(found, list):
        return [(path, one if isinstance(one, str) else str(one)) for one in found]
    return [(path, str(found))]


def _escape(step: Any) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")
