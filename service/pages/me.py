"""My account: name, language and zone, password, second step, and where I am signed in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar
from zoneinfo import available_timezones

from flask import Response, g, request
from sqlalchemy.orm import Session

from campaigns.errors import DomainError

from .. import knocks, logins, passwords, second_step, words
from ..acts import Act, begin, me
from ..passwords import Proof
from ..tables import Login, User
from . import frame

pages = frame.Pages("me")
Done = TypeVar("Done")


@pages.page("/me")
def mine() -> Response:
    """Everything about one's own account."""
    return _mine()


@pages.page("/me/language", "POST")
def spoken() -> Response:
    """The language of the pages, from any page."""
    me.change(frame.act(), language=request.form.get("language", ""))
    return frame.see(frame.inside(request.form.get("next", "/")))


@pages.page("/me", "POST")
def saved() -> Response:
    """Name, language, zone, and the languages one answers in."""
    values: dict[str, Any] = {name: request.form.get(name, "") for name in ("name", "language")}
    values["zone"] = request.form.get("zone", "").strip() or None
    values["answers_in"] = [
        one for one in request.form.getlist("answers_in") if one in words.LANGUAGES
    ] or None

    def change() -> Response:
        me.change(frame.act(), **values)
        return frame.go("pages_me.mine", done="saved")

    return frame.trying(change) or _mine()


@pages.page("/me/password", "GET")
def password() -> Response:
    """The old and the new one."""
    return frame.show("me_password", 422 if g.get("said") else 200)


@pages.page("/me/password", "POST", outside=True)
def password_changed() -> Response:
    """A new password; other browsers are signed out."""
    old, new = (request.form.get(name, "") for name in ("old", "new"))

    def change(proof: Proof) -> Response:
        kept = passwords.hashed(new, "/new")
        with _begun() as act:
            me.change_password(act, proof, kept)
            return _again(act.session, frame.go("pages_me.mine", done="password"))

    return _proven(change, old, "/old") or password()


@pages.page("/me/second-step")
def phone() -> Response:
    """What a phone reads, or what can be done with the second step there is."""
    return _phone()


@pages.page("/me/second-step", "POST", outside=True)
def phone_changed() -> Response:
    """Take the second step into use, make new codes on paper, or drop it."""
    does = {"take": _take, "paper": _paper, "drop": _drop}.get(request.form.get("do", ""), _take)
    return _proven(does, request.form.get("password", "")) or _phone()


@pages.page("/me/logins/<lgn:number>/end", "POST")
def login_ended(number: int) -> Response:
    """Out at one browser."""
    me.sign_out(frame.act(), number)
    return frame.go("pages_me.mine", done="signed-out")


@pages.page("/me/logins/end", "POST")
def logins_ended() -> Response:
    """Out everywhere else; or everywhere."""
    login = frame.login_of(frame.act().session)
    if request.form.get("all"):
        me.sign_out_others(frame.act(), None)
        return frame.clear_cookie(frame.go("pages_signin.sign_in"))
    me.sign_out_others(frame.act(), login.id if login is not None else None)
    return frame.go("pages_me.mine", done="signed-out")


def browser_of(login: Login) -> tuple[str, str]:
    """The browser and the system of a login by the names it gives itself, empty where they say nothing to us."""
    agent = login.agent or ""
    return _first_of(agent, BROWSERS), _first_of(agent, SYSTEMS)


# The more telling name comes first: every Chrome calls itself Safari too.
BROWSERS = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def _first_of(agent: str, known: tuple[tuple[str, str], ...]) -> str:
    return next((name for mark, name in known if mark in agent), "")


def _mine() -> Response:
    act = frame.act()
    login = frame.login_of(act.session)
    return frame.show(
        "me", 422 if g.get("said") else 200, person=me.get(act), signed_in=me.signed_in(act), browser_of=browser_of,
        here_login=login and login.id, zones=sorted(zone for zone in available_timezones() if "/" in zone),
    )  # fmt: skip


def _phone() -> Response:
    person: User = g.user
    on = person.second_step is not None
    proposal = None if on else _proposal(person, request.form.get("proposal", ""))
    with frame.wiring().database.read() as session:
        asked = second_step.due(session, frame.caller(), person)
    return frame.show(
        "me_second_step", 422 if g.get("said") else 200, proposal=proposal, asked=asked, codes=None, on=on,
        left=len(person.recovery or []), has_password=person.password_hash is not None,
    )  # fmt: skip


def _proposal(person: User, sealed: str) -> second_step.Proposal:
    """The one that came back with the form, or a new one."""
    ring, now = frame.wiring().keyring, frame.wiring().now()
    try:
        return (
            second_step.again(ring, now, person, sealed) if sealed else second_step.propose(ring, now, person)
        )
    except DomainError:
        return second_step.propose(ring, now, person)


def _take(proof: Proof) -> Response:
    sealed, code = (request.form.get(name, "") for name in ("proposal", "code"))
    with _begun() as act:
        return _shown(act, me.take_second_step(act, proof, sealed, code))


def _paper(proof: Proof) -> Response:
    with _begun() as act:
        return _shown(act, me.new_paper(act, proof))


def _drop(proof: Proof) -> Response:
    with _begun() as act:
        me.drop_second_step(act, proof)
        return _again(act.session, frame.go("pages_me.mine", done="second-step-off"))


def _shown(act: Act, codes: list[str]) -> Response:
    """The codes on paper, this once."""
    secret = frame.begin_login(act.session, g.user.id)
    login = logins.find(act.session, act.now, secret)
    g.form_key = login.form_key if login else ""
    answer = frame.show(
        "me_second_step", proposal=None, asked=False, codes=codes, left=len(codes), has_password=True, on=True
    )
    return frame.set_cookie(answer, secret)


def _again(session: Session, answer: Response) -> Response:
    """Signed in anew at this browser, for every login has ended."""
    return frame.set_cookie(answer, frame.begin_login(session, g.user.id))


def _begun() -> AbstractContextManager[Act]:
    return begin(frame.wiring(), frame.caller(), request_id=g.get("request_id"))


def _proven(do: Callable[[Proof], Done], password: str, pointer: str = "/password") -> Done | None:
    """Do what needs one's password, with few tries; None where it was refused."""
    database, now = frame.wiring().database, frame.wiring().now()
    try:
        tries = knocks.knock(database, now, (knocks.CODE, f"own:{g.user.id}"))
        done = do(passwords.prove(database, g.user.id, password, pointer))
        with database.write() as session:
            knocks.take_back(session, tries)
        return done
    except DomainError as error:
        frame.refuse(error)
        return None
