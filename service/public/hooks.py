"""`/hooks/<account>`: providers tell us what happened. Proven, stored, answered; thought about later.

Rules: what proves nothing is not stored; the body is limited before it is read, and never unpacked. An answer of
200 means that the events are committed. A provider that signs nothing calls `/hooks/<account>/<secret>`. Where a call
is signed by a key that is not known yet, the provider is asked to come again (503), and the key is fetched aside. An
account that is switched off still hears: of what it sent before, somebody may complain for weeks. Calls pass beside
Flask, which costs more than all that is done for one; it hears of those that fail, and answers them like any other.
Source: bad input H1 to H16.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import NoReturn

import structlog
from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_content_length, get_input_stream

from campaigns.base import parse_id
from campaigns.delivery.accounts import read_again, refuse_inbox
from campaigns.delivery.tables import Account
from campaigns.errors import BadId
from campaigns.responses import intake
from campaigns.shared_commit import SharedCommit
from connectors.api import Call, ConnectorError, Heard, NotAuthentic, NotYet

from .. import knocks, observe
from ..bodies import Environ, Start, Wsgi
from ..door import HOST, REQUEST_ID
from ..metrics import Requests
from ..wiring import Wiring
from .accounts import Accounts
from .refusals import WORDS, Refusals

BODY_MAX = 1024 * 1024
ROUTES = ("/hooks/<account>", "/hooks/<account>/<secret>")
PATH = re.compile(r"/hooks/([^/]+)(?:/([^/]+))?")
METHODS = ("GET", "HEAD", "POST")
# What stood in the way of a call, for Flask to tell.
FAILED = "dolen.failed"
# Headers that stand elsewhere than the others.
OF_THE_BODY = (("content-type", "CONTENT_TYPE"), ("content-length", "CONTENT_LENGTH"))
PLAIN = "text/plain; charset=utf-8"

log = observe.log("dolen.hooks")
requests_log = observe.log("dolen.http")


def blueprint(wiring: Wiring) -> Blueprint:
    """The routes of the calls that failed before they were answered, and of methods that nobody calls."""
    made = Blueprint("hooks", __name__)

    @made.route(ROUTES[0], methods=METHODS)
    @made.route(ROUTES[1], methods=METHODS)
    def failed(account: str, secret: str = "") -> NoReturn:
        raise request.environ[FAILED]

    return made


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider is answered."""

    status: int
    body: bytes
    content_type: str = PLAIN


class Hooks:
    """Between the server and Flask: the one address that all providers call; GET is for their challenges and stores
    nothing."""

    def __init__(self, inner: Wsgi, wiring: Wiring, requests: Requests, headers: Mapping[str, str]) -> None:
        self._inner, self._wiring, self._requests = inner, wiring, requests
        self._headers = list(headers.items())
        self._preparing, self._refusals = Preparing(wiring), Refusals()
        self._accounts, self._stored = Accounts(wiring), SharedCommit(wiring.database, _store)

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """The answer to a call; to all else the application's."""
        called, method = PATH.fullmatch(environ.get("PATH_INFO", "")), environ["REQUEST_METHOD"]
        if not called or method not in METHODS or not HOST.fullmatch(environ.get("HTTP_HOST", "localhost")):
            return self._inner(environ, start)
        began, route = time.perf_counter(), ROUTES[called[2] is not None]
        request_id = _named(environ)
        try:
            answer = self._answer(environ, called[1], _decoded(called[2] or ""))
        except Exception as error:  # Flask knows what each is answered
            return self._inner({**environ, FAILED: error, "HTTP_X_REQUEST_ID": request_id}, start)
        took_s = time.perf_counter() - began
        self._requests.note(method, route, answer.status, took_s)
        requests_log.info(
            "request",
            method=method,
            route=route,
            status=answer.status,
            actor=None,
            ms=round(took_s * 1000, 1),
        )
        start(f"{answer.status} {HTTPStatus(answer.status).phrase}", [
            ("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body))),
            *self._headers, ("X-Request-Id", request_id),
        ])  # fmt: skip
        return [b"" if method == "HEAD" else answer.body]

    def _answer(self, environ: Environ, account: str, secret: str) -> Answer:
        """The answer to a call, after all that it tells is committed."""
        body = _body(environ)
        if isinstance(body, Answer):
            return body
        number = _number(account)
        known = self._accounts.find(number)
        if known is None:
            return _nothing_here()
        call = _call(self._wiring, environ, body, secret)
        try:
            heard = self._accounts.hear(known, call)
        except NotAuthentic as error:
            if self._refusals.count(known.name, error.words, call.at):
                with self._wiring.database.write() as session:
                    refuse_inbox(session, number, WORDS)
            return Answer(401, b"not authentic")
        except NotYet as error:
            log.info("hook not yet", account=number, why=error.words)
            self._preparing.begin(number, call)
            return Answer(503, b"come again in a moment")
        if heard is None:
            return _nothing_here()
        self._refusals.proven(known.name)
        if known.refused:
            with self._wiring.database.write() as session:
                read_again(session, number)
        if call.method == "POST":
            _say(number, len(heard.events), self._stored.do(Told(number, call.at, heard)))
        return Answer(200, heard.answer, heard.content_type)


@dataclass(frozen=True, slots=True)
class Told:
    """What a proven call says, and when it came."""

    account: int
    at: datetime
    heard: Heard


class Preparing:
    """Asks connectors about calls that they could not hear yet, in a thread of its own: one at a time per account."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring, self._lock = wiring, threading.Lock()
        self._under_way: set[int] = set()

    def begin(self, number: int, call: Call) -> threading.Thread | None:
        """Start it, unless it is under way."""
        with self._lock:
            if number in self._under_way:
                return None
            self._under_way.add(number)
        thread = threading.Thread(target=self._run, args=(number, call), daemon=True, name="hook")
        thread.start()
        return thread

    def _run(self, number: int, call: Call) -> None:
        try:
            self._prepare(number, call)
        except ConnectorError as error:
            log.warning("hook not prepared", account=number, why=error.words)
        except Exception:  # nobody waits for this thread: what fails in it is told here or by no one
            log.exception("hook not prepared", account=number)
        finally:
            with self._lock:
                self._under_way.discard(number)

    def _prepare(self, number: int, call: Call) -> None:
        """The network between two transactions; what somebody typed meanwhile counts more."""
        with self._wiring.database.read() as session:
            account = session.get_one(Account, number)
            version, connector = account.version, self._wiring.connector(session, account)
        learnt = connector.prepare(call) if connector.prepare is not None else None
        if learnt is None:
            return
        with self._wiring.database.write() as session:
            account = session.get_one(Account, number, with_for_update=True)
            if account.version == version:
                self._wiring.keep(session, account, learnt.secrets)
                account.touch(self._wiring.now())


def _named(environ: Environ) -> str:
    """The id of this request, in each of its log lines."""
    given = environ.get("HTTP_X_REQUEST_ID", "")
    request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return str(request_id)


def _decoded(path: str) -> str:
    """A part of a path as it was written: WSGI gives each of its bytes as a character."""
    return path.encode("latin-1").decode("utf-8", "replace")


def _body(environ: Environ) -> bytes | Answer:
    """The body of a request, or why it is not taken."""
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        return Answer(415, b"send the body uncompressed")
    try:
        body = get_input_stream(environ, max_content_length=BODY_MAX).read()
    except RequestEntityTooLarge:
        return Answer(413, b"a call may have 1 MB")
    if len(body) >= BODY_MAX and get_content_length(environ) is None:  # in pieces, and cut off at the limit
        return Answer(413, b"a call may have 1 MB")
    return body


def _call(wiring: Wiring, environ: Environ, body: bytes, secret: str) -> Call:
    """The call of a request, as a connector takes it."""
    headers = {
        name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"
    }
    headers |= {name: environ[key] for name, key in OF_THE_BODY if environ.get(key)}
    return Call(
        method=environ["REQUEST_METHOD"],
        headers=headers,
        query=Request(environ).args.to_dict() if environ.get("QUERY_STRING") else {},
        body=body,
        at=wiring.now(),
        secret=secret,
        sender=knocks.sender(
            environ.get("REMOTE_ADDR", ""), headers.get("x-forwarded-for", ""), wiring.settings.http.proxies
        ),
    )


def _store(session: Session, told: Told) -> tuple[int, int] | None:
    """Keep what a call told: how many events were new, how many unreadable ones; None for a call told again."""
    now, heard = told.at, told.heard
    if heard.once and not intake.is_first(session, now, told.account, heard.once):
        return None
    new = intake.store(session, now, told.account, heard.events, via="push")
    return new, intake.park(session, now, told.account, heard.parked, via="push") if heard.parked else 0


def _say(number: int, events: int, kept: tuple[int, int] | None) -> None:
    if kept is None:
        log.warning("hook told again", account=number, events=events)
        return
    new, parked = kept
    if parked:
        log.warning("hook not readable", account=number, parked=parked)
    log.info("hook", account=number, events=events, new=new)


def _number(account: str) -> int:
    try:
        return parse_id("acc", account)
    except BadId:
        return 0


def _nothing_here() -> Answer:
    return Answer(404, b"there is nothing here")
