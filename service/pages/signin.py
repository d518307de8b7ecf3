"""Signing in and out, the first visit, and the links that let somebody in once."""

from __future__ import annotations

from flask import Response, g, request
from sqlalchemy import select

from campaigns.errors import DomainError, LinkNotValid
from campaigns.strategies import programmes

from .. import logins
from ..access import CONSOLE
from ..acts import Act, begin, users
from ..tables import DoorKey, User
from . import frame

pages = frame.Pages("signin")
# Who starts: the assurance that the built-in programme gets (gates.md).
BEGINNINGS = {"alone": "light", "team": "reviewed", "public": "agreed"}


@pages.get("/sign-in")
def sign_in(status: int = 200) -> Response:
    """The form."""
    return frame.show("sign_in", status, next=frame.inside(request.values.get("next", "/")))


@pages.post("/sign-in")
def signed_in() -> Response:
    """Compare, and open the door; a failure is remembered whatever the reason."""
    wiring, email = frame.wiring(), request.form.get("email", "")
    try:
        with wiring.database.write() as session:
            user = logins.check(session, wiring.now(), email, request.form.get("password", ""))
            secret = logins.begin(session, wiring.now(), user.id)
    except DomainError as error:
        if isinstance(error, logins.WrongLogin):
            with wiring.database.write() as session:
                logins.knock(session, wiring.now(), email)
        frame.refuse(error)
        return sign_in(403)
    return frame.set_cookie(frame.see(frame.inside(request.form.get("next", "/"))), secret)


@pages.page("/sign-out", "POST")
def sign_out() -> Response:
    """Out at this browser."""
    login = frame.login_of(frame.act().session)
    if login is not None:
        logins.end(frame.act().session, login.id)
    return frame.clear_cookie(frame.go("pages_signin.sign_in"))


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
def come_in(secret: str) -> Response:
    """The first visit makes the administrator; later links set a password."""
    try:
        with begin(frame.wiring(), CONSOLE, request_id=g.get("request_id")) as act:
            cookie = _come_in(act, logins.read_key(act.session, act.now, secret))
    except LinkNotValid:
        return frame.show("link_not_valid", 404)
    except DomainError as error:
        frame.refuse(error)
        return let_in(secret, 422)
    return frame.set_cookie(frame.see("/"), cookie)


def _come_in(act: Act, key: DoorKey) -> str:
    user = _first(act) if key.user_id is None else act.one(User, key.user_id, lock=True)
    logins.set_password(act.session, act.now, user, request.form.get("password", ""))
    logins.use_key(act.session, act.now, key)
    act.note("user.let_in", "user", user.id)
    return logins.begin(act.session, act.now, user.id)


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
    _assure(act, BEGINNINGS.get(request.form.get("how", ""), "light"))
    return user


def _assure(act: Act, level: str) -> None:
    general = programmes.general(act.session, act.now)
    if general.assurance == level:
        return
    programmes.set_assurance(act.session, act.now, general, level, "chosen at the first visit")
    act.note(
        "programme.changed", "programme", general.id, programme_id=general.id, after={"assurance": level}
    )
