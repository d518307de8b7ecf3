"""The frame of every page for people: who is signed in, what they may do, in which language, in one transaction.

Rules: a page calls acts, never the API, and writes no table itself; every form carries its login's form key; GET
changes nothing; what was typed comes back with the error that refused it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any
from unicodedata import category
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from campaigns.errors import DomainError, Forbidden, NotFound

from .. import idempotency, ids, knocks, logins, second_step, words
from ..access import Caller, reaches_of
from ..acts import Act, begin, sign_ins
from ..door import SAFE, this_door
from ..permissions import PAGES, SCOPES
from ..tables import Grant, Login, User
from ..wiring import Wiring
from . import drawing

COOKIE = "dolen"
FORM_KEY = "form_key"
# Names one showing of a form: pressed twice with the same words, its work is done once.
PRESS = "press"
# A page's form; what takes a file says how much it takes.
FORM_MAX = 2 * 1024 * 1024
# What somebody reaches who has yet to set up the second step that is asked of them.
FREE = ("/me/second-step", "/sign-out", "/live")
# What an address says of something just done, and of nothing else.
SAID_ONCE = ("done", "did", "not")
# Where things have their page, before their id.
ROOMS = {
    "stakeholder": "/people", "import": "/people/imports", "segment": "/groups", "programme": "/programmes",
    "objective": "/objectives", "strategy": "/strategies", "message": "/messages", "response": "/inbox",
    "task": "/tasks", "template": "/templates", "media": "/media", "form": "/forms", "topic": "/topics",
    "account": "/settings/accounts", "user": "/settings/people",
    "export": "/settings/jobs",
}  # fmt: skip
View = Callable[..., Any]


class Pages(Blueprint):
    """The pages of one room: `pages = Pages("people")`, then `@pages.page("/people")` on each view."""

    def __init__(self, name: str) -> None:
        super().__init__(f"pages_{name}", __name__)

    def page(
        self, rule: str, *methods: str, outside: bool = False, form_max: int = FORM_MAX
    ) -> Callable[[View], View]:
        """A view for somebody who is signed in, in one transaction that is kept when it answers below 400.

        `outside`: the view opens its own (`acts.begin(wiring(), caller())`), because a network lies in the middle.
        """

        def mount(view: View) -> View:
            view_of = _signed_in(view, rule, outside=outside, form_max=form_max)
            self.add_url_rule(rule, view.__name__, view_of, methods=list(methods or ("GET",)))
            return view

        return mount


def act() -> Act:
    """The unit of work of the page in hand."""
    found: Act = g.act
    return found


def caller() -> Caller:
    """Who is signed in, and how far they reach."""
    found: Caller = g.caller
    return found


@contextmanager
def looking() -> Iterator[None]:
    """A read transaction for a view with the network in the middle, which has none of its own."""
    with wiring().database.read() as session:
        g.act = _act(session)
        yield


def user() -> User:
    """Who is signed in."""
    found: User = g.user
    return found


def wiring() -> Wiring:
    """What the installation works with."""
    return this_door().parts.wiring


def show(template: str, status: int = 200, **values: Any) -> Response:
    """A page from templates/pages/, in the reader's language."""
    language = reader_language()
    text = drawing.draw(
        f"{template}.html", language, reader_zone(), user=g.get("user"), form_key=g.get("form_key", ""),
        path=request.path, args=request.args, static=drawing.static, may=may, ids=ids, said=g.get("said"),
        form=_typed(), now=wiring().now(), done=request.args.get("done", ""), here=here,
        press=secrets.token_urlsafe(12), **values,
    )  # fmt: skip
    response = Response(text, status=status, content_type="text/html; charset=utf-8")
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Cookie, Accept-Language"
    return response


def go(endpoint: str, done: str = "", **values: Any) -> Response:
    """Show another page after something was done; `done` is a word of done.html. Reloading does nothing twice."""
    if done:
        values["done"] = done
    return see(url_for(endpoint, **values))


def see(url: str) -> Response:
    """303 to a place of this installation."""
    answer = redirect(url, 303)
    assert isinstance(answer, Response)
    return answer


def trying(done: Callable[[], Response | None]) -> Response | None:
    """Do what a form asks for; None where it was refused: nothing of it is kept, and the page says why."""
    return _unless_refused(g.act.session.begin_nested(), done)


def doing(done: Callable[[], Response]) -> Response | None:
    """`trying` for a view that has no transaction of its own: in one that is kept where nothing was refused."""
    return _unless_refused(_own_act(), done)


def doing_once(done: Callable[[], Response]) -> Response:
    """The work of a form for a view that has no transaction of its own: once, however often the form is sent."""
    answer: Response = _kept(done, {})
    return answer


@contextmanager
def _own_act() -> Iterator[None]:
    with begin(wiring(), caller(), request_id=g.get("request_id")) as g.act:
        yield


def _unless_refused(
    transaction: AbstractContextManager[object], done: Callable[[], Response | None]
) -> Response | None:
    try:
        with transaction:
            return done()
    except NotFound:
        raise
    except DomainError as error:
        refuse(error)
        return None


def refuse(error: DomainError) -> None:
    """Remember what was refused and why; the page says so above its form and at the field."""
    g.said = {
        "problem": words.tell(error.detail, reader_language()),
        "pointer": error.pointer or "",
        "code": error.code,
        "facts": error.facts,
    }


def reader_language() -> str:
    """Chosen by the person, else what the browser asks for; `?language=` shows one page in another."""
    known: User | None = g.get("user")
    return words.choose(
        (request.args.get("language"), known.language if known else None, *request.accept_languages.values())
    )


def reader_zone() -> ZoneInfo:
    """The zone in which times are shown."""
    known: User | None = g.get("user")
    return ZoneInfo((known.zone if known else None) or wiring().settings.workspace.zone)


def may(scope: str, programme_id: int | None | str = "anywhere") -> bool:
    """Whether the reader has this scope, in one programme or anywhere: for showing what they can do."""
    found: Caller | None = g.get("caller")
    if found is None:
        return False
    return found.has(scope) if isinstance(programme_id, str) else found.may(scope, programme_id)


def here(**changes: Any) -> str:
    """This page's address with some query parameters changed; None takes one away."""
    args = {**request.args.to_dict(), **changes}
    query = urlencode(
        {name: value for name, value in args.items() if value not in (None, "") and name not in SAID_ONCE}
    )
    return f"{request.path}?{query}" if query else request.path


def inside(target: str) -> str:
    """A place on this installation; anything else is the first page."""
    # Browsers drop tabs and line ends from an address and read a backslash as a slash.
    odd = any(one == "\\" or category(one) in ("Cc", "Zl", "Zp") for one in target)
    return target if target.startswith("/") and not target.startswith("//") and not odd else "/"


def set_cookie(response: Response, secret: str) -> Response:
    """Give the browser its login."""
    response.set_cookie(
        _cookie(), secret, max_age=int(logins.LONGEST.total_seconds()), secure=https(), httponly=True,
        samesite="Lax", path="/",
    )  # fmt: skip
    return response


def clear_cookie(response: Response) -> Response:
    """Take the login away from the browser."""
    response.delete_cookie(_cookie(), path="/", secure=https(), httponly=True, samesite="Lax")
    return response


def cookie() -> str:
    """The secret of the browser's login, or nothing."""
    return request.cookies.get(_cookie(), "")


def login_of(session: Session) -> Login | None:
    """The login of the browser that asks."""
    return logins.find(session, wiring().now(), cookie()) if cookie() else None


def begin_login(session: Session, user_id: int, *, awaits_code: bool = False) -> str:
    """Sign a user in at this browser; for `set_cookie`. Whatever login it had ends: no secret lives on."""
    old = login_of(session) or (logins.halfway(session, wiring().now(), cookie()) if cookie() else None)
    if old is not None:
        logins.end(session, old.id)
    agent = request.headers.get("User-Agent", "")
    return logins.begin(session, wiring().now(), user_id, agent=agent, awaits_code=awaits_code)


def has_key(login: Login) -> bool:
    """Whether the form in hand was made for this login."""
    return hmac.compare_digest(request.form.get(FORM_KEY, "").encode(), login.form_key.encode())


def came_from() -> str:
    """The address a call comes from, by what trusted proxies say."""
    forwarded = ",".join(request.headers.getlist("X-Forwarded-For"))
    return knocks.came_from(request.remote_addr or "", forwarded, wiring().settings.http.proxies)


def from_elsewhere() -> bool:
    """Whether another site's page made the browser send this form: for forms before there is a login (A5)."""
    site = request.headers.get("Sec-Fetch-Site", "")
    origin = request.headers.get(
        "Origin", "null"
    )  # browsers hide ours, for we tell nobody where people come from
    ours = urlsplit(wiring().links.base_url)
    return site in ("cross-site", "same-site") or origin not in ("null", f"{ours.scheme}://{ours.netloc}")


def https() -> bool:
    """Whether browsers reach us over TLS."""
    return urlsplit(wiring().links.base_url).scheme == "https"


def _typed() -> Any:
    """What was sent with a form; nothing where it was too large to be read, which its page then says."""
    try:
        return request.form
    except RequestEntityTooLarge:
        return MultiDict()


def _cookie() -> str:
    """`__Host-` where the installation is reached by https; a plain name on a machine of one's own."""
    return f"__Host-{COOKIE}" if https() else COOKIE


def _to_go_on(rule: str) -> str:
    """Where to go after signing in. A provider's code was for the login that ended, and goes into no second address."""
    return "/settings/accounts" if rule == sign_ins.BACK else request.full_path.rstrip("?")


def _signed_in(view: View, rule: str, *, outside: bool, form_max: int) -> View:
    @wraps(view)
    def run(**values: Any) -> Any:
        request.max_content_length = request.max_form_memory_size = form_max
        database, writes = wiring().database, request.method not in SAFE
        with database.read() as session:
            login = login_of(session)
            if login is None:
                return see(url_for("pages_signin.sign_in", next=_to_go_on(rule)))
            _open(session, login)
            if rule not in FREE and second_step.due(session, g.caller, g.user):
                return see("/me/second-step")
        _permitted(rule)
        if writes:
            _even_lines()
        if writes and not has_key(login):
            return show("old_form", 403)
        if wiring().now() - login.seen_at > logins.SEEN_STEP:
            with database.write() as session:
                logins.seen(session, wiring().now(), login.id)
        if outside:
            return view(**values)
        return _kept(view, values) if writes else _read(view, values)

    run.signed_in = True  # type: ignore[attr-defined]
    return run


def _even_lines() -> None:
    """Browsers end each line of a form's text with CR and LF; what we keep and compare has LF alone."""
    request.form = ImmutableMultiDict(
        (name, value.replace("\r\n", "\n").replace("\r", "\n"))
        for name, value in request.form.items(multi=True)
    )


def _read(view: View, values: dict[str, Any]) -> Any:
    with wiring().database.read() as session:
        g.act = _act(session)
        return view(**values)


def _kept(view: View, values: dict[str, Any]) -> Any:
    press = _press()
    try:
        with wiring().database.sessions() as session:
            session.connection()  # take the write lock, or be told that the database is busy
            if press is not None and (done := idempotency.answered(session, wiring().keyring, press)):
                return done
            g.act = _act(session)
            answer = view(**values)
            if press is not None and isinstance(answer, Response) and answer.status_code == 303:
                idempotency.keep(session, wiring().keyring, wiring().now(), press, answer)
            if not isinstance(answer, Response) or answer.status_code < 400:
                session.commit()
            return answer
    except IntegrityError:  # PostgreSQL: the other press was kept while this one was at work
        with wiring().database.read() as session:
            if press is not None and (done := idempotency.answered(session, wiring().keyring, press)):
                return done
        raise


def _press() -> idempotency.Call | None:
    """This showing of a form with these words in it, where the form asks to be done once."""
    named = request.form.get(PRESS, "")
    if not named:
        return None
    said = json.dumps(sorted(request.form.items(multi=True))).encode()
    mark = hashlib.sha256(said).hexdigest()
    return idempotency.Call(g.user.id, request.method, request.path, mark, mark)


def _act(session: Session) -> Act:
    return Act(wiring(), g.caller, session, wiring().now(), g.get("request_id"))


def _open(session: Session, login: Login) -> None:
    found = session.get_one(User, login.user_id)
    g.user, g.caller, g.form_key = found, caller_of(session, found), login.form_key


def caller_of(session: Session, found: User) -> Caller:
    """A signed-in person as the caller of acts, with their grants as they are now."""
    grants = session.execute(select(Grant.role, Grant.programme_id).where(Grant.user_id == found.id)).all()
    return Caller(
        actor=str(ids.shown("user", found.id)), kind="person", scopes=frozenset(SCOPES),
        reaches=reaches_of(session, [(role, programme) for role, programme in grants]), user_id=found.id,
    )  # fmt: skip


def _permitted(rule: str) -> None:
    scope = PAGES[f"{'GET' if request.method in SAFE else request.method} {rule}"]
    if scope and not g.caller.has(scope):
        raise Forbidden("your roles do not reach this page: ask whoever administers Dolen here")


def problem_page(status: int, title: str, detail: str) -> Response | None:
    """What went wrong as a page, where a browser asks; None where a program does, which gets JSON."""
    wanted = request.accept_mimetypes
    if request.path.startswith(("/v1/", "/hooks/")) or wanted["text/html"] <= wanted["application/json"]:
        return None
    language = reader_language()
    return show(
        "problem", status, title=words.tell(title, language), detail=words.tell(detail, language),
        request_id=g.get("request_id", ""),
    )  # fmt: skip
