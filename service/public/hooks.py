"""`/hooks/<account>`: providers tell us what happened. Proven, stored, answered; thought about later.

Rules: what proves nothing is not stored; the body is limited before it is read, and never unpacked. An answer of
200 means that the events are committed. A provider that signs nothing calls `/hooks/<account>/<secret>`. Where a call
is signed by a key that is not known yet, the provider is asked to come again (503), and the key is fetched aside. An
account that is switched off still hears: of what it sent before, somebody may complain for weeks.
Source: bad input H1 to H16.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from campaigns.base import parse_id
from campaigns.delivery.accounts import read_again, refuse_inbox
from campaigns.delivery.tables import Account
from campaigns.errors import BadId
from campaigns.responses import intake
from campaigns.shared_commit import SharedCommit
from connectors.api import Call, ConnectorError, Heard, NotAuthentic, NotYet

from .. import knocks, observe
from ..wiring import Wiring
from .accounts import Accounts
from .refusals import WORDS, Refusals

BODY_MAX = 1024 * 1024

log = observe.log("dolen.hooks")


def blueprint(wiring: Wiring) -> Blueprint:
    """The one route that all providers call; GET is for their challenges and stores nothing."""
    made = Blueprint("hooks", __name__)
    preparing, refusals = Preparing(wiring), Refusals()
    accounts, stored = Accounts(wiring), SharedCommit(wiring.database, _store)

    @made.route("/hooks/<account>", methods=["GET", "POST"])
    @made.route("/hooks/<account>/<secret>", methods=["GET", "POST"])
    def told(account: str, secret: str = "") -> Response:
        body = _body()
        if isinstance(body, Response):
            return body
        number = _number(account)
        known = accounts.find(number)
        if known is None:
            return _nothing_here()
        call = _call(wiring, body, secret)
        try:
            heard = accounts.hear(known, call)
        except NotAuthentic as error:
            if refusals.count(known.name, error.words, call.at):
                with wiring.database.write() as session:
                    refuse_inbox(session, number, WORDS)
            return _plain("not authentic", 401)
        except NotYet as error:
            log.info("hook not yet", account=number, why=error.words)
            preparing.begin(number, call)
            return _plain("come again in a moment", 503)
        if heard is None:
            return _nothing_here()
        refusals.proven(known.name)
        if known.refused:
            with wiring.database.write() as session:
                read_again(session, number)
        if request.method == "POST":
            _say(number, len(heard.events), stored.do(Told(number, call.at, heard)))
        return Response(heard.answer, content_type=heard.content_type)

    return made


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


def _body() -> bytes | Response:
    """The body of this request, or why it is not taken."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return _plain("send the body uncompressed", 415)
    request.max_content_length = BODY_MAX
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        return _plain("a call may have 1 MB", 413)
    if request.content_length is None and len(body) >= BODY_MAX:  # in pieces, and cut off at the limit
        return _plain("a call may have 1 MB", 413)
    return body


def _call(wiring: Wiring, body: bytes, secret: str) -> Call:
    """The call of this request, as a connector takes it."""
    forwarded = ",".join(request.headers.getlist("X-Forwarded-For"))
    return Call(
        method=request.method,
        headers={name.lower(): value for name, value in request.headers.items()},
        query=request.args.to_dict(),
        body=body,
        at=wiring.now(),
        secret=secret,
        sender=knocks.sender(request.remote_addr or "", forwarded, wiring.settings.http.proxies),
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


def _nothing_here() -> Response:
    return _plain("there is nothing here", 404)


def _plain(text: str, status: int) -> Response:
    return Response(text, status=status, content_type="text/plain; charset=utf-8")
