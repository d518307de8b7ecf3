"""Signing in and out, the first visit, and the links that let somebody in once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, g, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import audit
from campaigns.errors import DomainError, Forbidden, LinkNotValid, said
from campaigns.strategies import programmes
from connectors.api import ConnectorError

from .. import ids, knocks, logins, oidc, passwords, post, second_step, words
from ..access import CONSOLE
from ..acts import Act, begin, users
from ..tables import DoorKey, Login, User
from . import frame

pages = frame.Pages("signin")
# Who starts: the assurance that the built-in programme gets (gates.md).
BEGINNINGS = {"alone": "light", "team": "reviewed", "public": "agreed"}
WAY_COOKIE = "dolen_way"


def own_form(view: Callable[..., Any]) -> Callable[..., Any]:
    """A form of ours that needs no login: another site's page cannot send it."""

    @wraps(view)
    def run(**values: Any) -> Any:
        request.max_content_length = request.max_form_memory_size = frame.FORM_MAX
        return frame.show("old_form", 403) if frame.from_elsewhere() else view(**values)

    return run


@pages.get("/sign-in")
def sign_in(status: int = 200) -> Response:
    """The form."""
    with frame.wiring().database.read() as session:
        provider = oidc.provider(session, frame.wiring())
    return frame.show(
        "sign_in", status, next=frame.inside(request.values.get("next", "/")), provider=provider is not None
    )


@pages.post("/sign-in")
@own_form
def signed_in() -> Response:
    """Compare, and open the door, or half of it where a second step follows."""
    wiring = frame.wiring()
    email, password = (request.form.get(name, "") for name in ("email", "password"))
    try:
        user_id = passwords.check(wiring.database, wiring.now(), email, password, frame.came_from())
    except DomainError as error:
        frame.refuse(error)
        return sign_in(403)
    with wiring.database.write() as session:
        return _let_through(session, user_id, "password")


@pages.get("/sign-in/code")
def code(status: int = 200) -> Response:
    """The second step."""
    with frame.wiring().database.read() as session:
        half = _halfway(session)
        if half is None:
            return frame.go("pages_signin.sign_in")
        g.form_key = half.form_key
    return frame.show("sign_in_code", status, next=frame.inside(request.values.get("next", "/")))


@pages.post("/sign-in/code")
@own_form
def code_given() -> Response:
    """A code of the phone, or one on paper."""
    wiring = frame.wiring()
    with wiring.database.read() as session:
        half = _halfway(session)
    if half is None or not frame.has_key(half):
        return frame.go("pages_signin.sign_in")
    try:
        tries = knocks.knock(wiring.database, wiring.now(), (knocks.CODE, str(half.user_id)))
        with wiring.database.write() as session:
            user = session.get_one(User, half.user_id)
            if not second_step.right(
                session, wiring.keyring, wiring.now(), user, request.form.get("code", "")
            ):
                raise passwords.WrongLogin("this code does not fit, or was used before", pointer="/code")
            knocks.take_back(session, tries)
            knocks.forget(session, knocks.CODE, str(user.id))
            return _inside(session, user.id, "code")
    except DomainError as error:
        frame.refuse(error)
        return code(403)


@pages.page("/sign-out", "POST")
def sign_out() -> Response:
    """Out at this browser."""
    login = frame.login_of(frame.act().session)
    if login is not None:
        logins.end(frame.act().session, login.id)
    return frame.clear_cookie(frame.go("pages_signin.sign_in"))


@pages.get("/sign-in/oidc")
def provider_asked() -> Response:
    """Off to the OpenID provider; what must come back is sealed in a cookie, of which nothing is stored."""
    wiring = frame.wiring()
    with wiring.database.read() as session:
        found = oidc.provider(session, wiring)
    if found is None:
        return frame.go("pages_signin.sign_in")
    try:
        knocks.knock(wiring.database, wiring.now(), (knocks.PROVIDER, frame.came_from()))
        after = frame.inside(request.args.get("next", "/"))
        url, way = oidc.start(wiring, found, wiring.now(), after)
    except (DomainError, ConnectorError) as error:
        return _provider_failed(error)
    answer = frame.see(url)
    answer.set_cookie(
        WAY_COOKIE, way, max_age=int(oidc.LIFE.total_seconds()), secure=frame.https(), httponly=True,
        samesite="Lax", path=oidc.BACK,
    )  # fmt: skip
    return answer


@pages.get(oidc.BACK)
def provider_answered() -> Response:
    """Back from the OpenID provider. The one GET that signs in: what it carries is good once, in this browser."""
    wiring = frame.wiring()
    with wiring.database.read() as session:
        found = oidc.provider(session, wiring)
    try:
        if found is None:
            raise oidc.NotProven("there is no OpenID provider here")
        knocks.knock(wiring.database, wiring.now(), (knocks.PROVIDER, frame.came_from()))
        told = {name: request.args[name] for name in ("state", "code", "iss") if name in request.args}
        way = request.cookies.get(WAY_COOKIE, "")
        person, after = oidc.finish(wiring, found, wiring.now(), way, told)
        with wiring.database.write() as session:
            answer = _let_through(session, _known(session, person).id, "oidc", after)
            knocks.forget(session, knocks.PROVIDER, frame.came_from())
    except (DomainError, ConnectorError) as error:
        answer = _provider_failed(error)
    answer.delete_cookie(WAY_COOKIE, path=oidc.BACK)
    return answer


@pages.get("/forgotten")
def forgotten(status: int = 200) -> Response:
    """Ask for the address."""
    return frame.show("forgotten", status, asked=False)


@pages.post("/forgotten")
@own_form
def forgotten_asked() -> Response:
    """A link by mail to whoever has this address here; the page and its time say nothing of that."""
    wiring, email = frame.wiring(), request.form.get("email", "")
    try:
        knocks.knock(
            wiring.database,
            wiring.now(),
            (knocks.LETTER, passwords.name_of(email)),
            (knocks.ADDRESS, frame.came_from()),
        )
    except DomainError as error:
        frame.refuse(error)
        return forgotten(403)
    with wiring.database.write() as session:
        user = passwords.known(session, email)
        by = post.box(wiring, session)
        if user is not None and user.state == "active" and user.email_key and by is not None:
            link = wiring.links.url(logins.make_key(session, wiring.now(), user.id))
            _note(session, user.id, "user.link_asked")
            post.post_aside(by, post.letter("forgotten", user, link=link))
    return frame.show("forgotten", asked=True)


@pages.get("/let-in/<secret>")
def let_in(secret: str, status: int = 200) -> Response:
    """The page behind a link; opening it changes nothing."""
    try:
        with frame.wiring().database.read() as session:
            key = logins.read_key(session, frame.wiring().now(), secret)
            known = session.get(User, key.user_id) if key.user_id else None
    except LinkNotValid:
        return frame.show("link_not_valid", 404)
    return frame.show("let_in", status, first=known is None, name=known.name if known else "")


@pages.post("/let-in/<secret>")
@own_form
def come_in(secret: str) -> Response:
    """The first visit makes the administrator; later links set a password."""
    wiring = frame.wiring()
    try:
        with wiring.database.read() as session:
            logins.read_key(session, wiring.now(), secret)
        password = passwords.hashed(request.form.get("password", ""))
        with begin(wiring, CONSOLE, request_id=g.get("request_id")) as act:
            key = logins.read_key(act.session, act.now, secret)
            first, user = key.user_id is None, _come_in(act, key, password)
            after = "/first" if first else "/"
            if user.second_step is not None:
                return _halfway_in(act.session, user.id, after)
            return frame.set_cookie(frame.see(after), frame.begin_login(act.session, user.id))
    except LinkNotValid:
        return frame.show("link_not_valid", 404)
    except DomainError as error:
        frame.refuse(error)
        return let_in(secret, 422)


def _let_through(session: Session, user_id: int, by: str, after: str | None = None) -> Response:
    """In, or to the second step where the user has one."""
    after = frame.inside(after or request.form.get("next", "/"))
    if session.get_one(User, user_id).second_step is not None:
        return _halfway_in(session, user_id, after)
    return _inside(session, user_id, by, after)


def _halfway_in(session: Session, user_id: int, after: str) -> Response:
    secret = frame.begin_login(session, user_id, awaits_code=True)
    return frame.set_cookie(frame.go("pages_signin.code", next=after), secret)


def _inside(session: Session, user_id: int, by: str, after: str | None = None) -> Response:
    """A new login in place of whatever the browser had (A3)."""
    _note(session, user_id, "user.signed_in", by=by)
    secret = frame.begin_login(session, user_id)
    return frame.set_cookie(frame.see(frame.inside(after or request.form.get("next", "/"))), secret)


def _halfway(session: Session) -> Login | None:
    return logins.halfway(session, frame.wiring().now(), frame.cookie())


def _note(session: Session, user_id: int, what: str, **after: Any) -> None:
    audit.note(
        session, frame.wiring().now(), str(ids.shown("user", user_id)), what, "user", user_id,
        after=after or None, request_id=g.get("request_id"),
    )  # fmt: skip


def _known(session: Session, person: oidc.Person) -> User:
    """The user whom the provider named before, else the one with the address that it has verified."""
    user = session.scalar(select(User).where(User.oidc_key == person.key))
    if user is None and person.email:
        user = passwords.known(session, person.email)
        if user is not None and user.oidc_key is None:
            user.oidc_key = person.key
            _note(session, user.id, "user.provider_linked")
    if user is None or user.state != "active" or user.oidc_key != person.key:
        raise Forbidden("nobody here has this address: ask whoever administers Dolen to invite you")
    return user


def _provider_failed(error: DomainError | ConnectorError) -> Response:
    if isinstance(error, ConnectorError):
        error = oidc.NotProven(
            "the OpenID provider does not answer as it should: try again, or use a password"
        )
    frame.refuse(error)
    return sign_in(403)


def _come_in(act: Act, key: DoorKey, password: passwords.Hash) -> User:
    user = _first(act) if key.user_id is None else act.one(User, key.user_id, lock=True)
    logins.use_key(act.session, act.now, key)
    passwords.keep(act.session, act.now, user, password)
    _note(act.session, user.id, "user.let_in")
    return user


def _first(act: Act) -> User:
    """The person of the first visit: administrator, with an assurance that fits how they work."""
    name, email = (request.form.get(one, "").strip() for one in ("name", "email"))
    # `dolen token` makes an administrator without an address, for programs; this person takes it over.
    user = act.session.scalar(select(User).where(User.name == "Administrator", User.email_key.is_(None)))
    if user is None:
        user = users.create(act, name=name, email=email)
        users.grant(act, role="administrator", user_id=user.id)
    else:
        users.change(act, user.id, None, name=name, email=email)
    user.language = frame.reader_language()
    _name(act, user.language)
    _assure(act, BEGINNINGS.get(request.form.get("how", ""), "light"))
    return user


def _name(act: Act, language: str) -> None:
    """The programme that is there from the beginning is called as whoever begins would call it."""
    general = programmes.general(act.session, act.now)
    if general.name == programmes.GENERAL_NAME:
        programmes.change(act.session, act.now, general, name=words.tell(said("General"), language))


def _assure(act: Act, level: str) -> None:
    general = programmes.general(act.session, act.now)
    if general.assurance == level:
        return
    programmes.set_assurance(act.session, act.now, general, level, "chosen at the first visit")
    act.note(
        "programme.changed", "programme", general.id, programme_id=general.id, after={"assurance": level}
    )
