"""The HTTP application: `create_app(settings)` gives it, as plain WSGI for any server."""

from __future__ import annotations

import time

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError, OperationalError
from werkzeug.exceptions import HTTPException

from campaigns.database import is_full
from campaigns.errors import DomainError

from . import docs_page, metrics, observe, problems
from .api import BODY_MAX, RESOURCES
from .api.resource import CONVERTERS, describe
from .bodies import Bodies
from .calls import Calls
from .door import JSON_MAX, SAFE, Door, Parts, open_call, operation_of
from .openapi import Api, config, document
from .pages import ROOMS, frame
from .permissions import PAGES, PERMISSIONS
from .problems import Refusal
from .public import agreements, feed, forms, hooks, packs, pictures, preferences, unsubscribe
from .settings import Settings, load
from .tables import Installation
from .wiring import Wiring

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

log = observe.log("dolen.http")


def create_app(settings: Settings | None = None, *, wiring: Wiring | None = None) -> Door:
    """The application, ready to serve; settings are read from file and environment where none are given."""
    wiring = wiring or Wiring(settings or load())
    observe.set_up(wiring.settings.log.level)
    app = Door("service", static_url_path="/static", template_folder="../templates")
    app.config.update(config(), MAX_CONTENT_LENGTH=JSON_MAX, PROVIDE_AUTOMATIC_OPTIONS=False)
    app.url_map.converters.update(CONVERTERS)
    api = Api(app)
    for converter in CONVERTERS.values():
        api.register_converter(converter, describe)
    app.parts = app.extensions["dolen"] = Parts(
        wiring,
        api,
        BODY_MAX,
        Calls(wiring.database, wiring.settings.http.calls_per_min, lambda: wiring.now()),
    )
    for blueprint in RESOURCES:
        api.register_blueprint(blueprint)
    _outside_v1(app, wiring)
    app.before_request(open_call)
    app.after_request(_close)
    requests = metrics.Requests()
    app.after_request(requests.count)
    app.register_blueprint(metrics.blueprint(wiring, requests))
    app.register_error_handler(DomainError, problems.from_domain)
    app.register_error_handler(Refusal, problems.from_refusal)
    app.register_error_handler(HTTPException, problems.from_http)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(Exception, _failed)
    _every_route_permitted(app)
    calls = hooks.Hooks(app.wsgi_app, wiring, requests, HEADERS)
    app.wsgi_app = Bodies(calls, wiring.settings.http.threads)  # type: ignore[method-assign, assignment]
    return app


def operations(app: Flask) -> list[str]:
    """Every `METHOD /v1/…` the application answers, as PERMISSIONS names them."""
    return sorted(
        operation_of(method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def pages(app: Flask) -> list[str]:
    """Every `METHOD /…` that is answered to somebody who is signed in, as PAGES names them."""
    return sorted(
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "signed_in", False)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def _every_route_permitted(app: Flask) -> None:
    missing = [operation for operation in operations(app) if operation not in PERMISSIONS]
    missing += [page for page in pages(app) if page not in PAGES]
    if missing:
        raise RuntimeError(f"service/permissions.py has no line for {', '.join(missing)}")


# What machines ask all day; it is told of where it fails.
ROUTINE = ("static", "healthz", "readyz")


def _close(response: Response) -> Response:
    """Headers of every answer, and one log line for it."""
    if request.endpoint == "static" and "v" in request.args:  # its address changes with what is in it
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    for name, value in g.get("told", {}).items():
        response.headers[name] = value
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if request.method in SAFE and response.status_code == 200 and "ETag" in response.headers:
        response.make_conditional(request.environ)
    if response.status_code == 204:
        response.set_data(b"")
        response.headers.pop("Content-Type", None)
    caller = g.get("caller")
    routine = response.status_code < 400 and request.endpoint in ROUTINE
    (log.debug if routine else log.info)(
        "request",
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        actor=caller.actor if caller else None,
        ms=round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
    )
    return response


def _busy(error: OperationalError) -> Response:
    if is_full(error):
        observe.alarm("storage_full", "")
        return problems.answer(
            "storage_full",
            "the disk of the database is full: nothing new is stored until somebody makes room",
            headers={"Retry-After": "60"},
        )
    log.warning("database busy", exc_info=error)
    return problems.answer("busy", "the database is busy; try again", headers={"Retry-After": "2"})


def _failed(error: Exception) -> Response:
    log.error("request failed", exc_info=error)
    return problems.answer("internal", "something failed here; the request id leads to it in the log")


def _outside_v1(app: Door, wiring: Wiring) -> None:
    for door in (hooks, unsubscribe, preferences, forms, agreements, packs, pictures, feed):
        app.register_blueprint(door.blueprint(wiring))
    app.extensions["dolen_problem_page"] = frame.problem_page
    for room in ROOMS:
        app.register_blueprint(room)

    @app.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz() -> ResponseReturnValue:
        try:
            with wiring.database.read() as session:
                session.execute(select(Installation.epoch))
        except DatabaseError as error:
            log.warning("not ready", exc_info=error)
            return problems.answer(
                "not_ready", "the database does not answer, or `dolen db upgrade` has not run"
            )
        return {"status": "ok"}

    @app.get("/openapi.json")
    def openapi_json() -> ResponseReturnValue:
        return Response(document(app), content_type="application/json")

    @app.get("/docs")
    def docs() -> ResponseReturnValue:
        return docs_page.operations(app.parts.api.spec.to_dict())

    @app.get("/docs/problems")
    def docs_problems() -> ResponseReturnValue:
        return docs_page.problem_list()
