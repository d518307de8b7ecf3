"""Settings, people and roles, and tokens: invite, give and take roles, let in again, switch off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, g, request

from campaigns.errors import BadField, DomainError
from campaigns.strategies.tables import Programme

from .. import paging, post, words
from ..acts import Act, begin, programmes, tokens, users
from ..permissions import ROLES
from . import frame, typed

pages = frame.Pages("settings_people")
LIVES = (30, 90, 365)
OVERLAPS = (0, 3600, 86_400)


@pages.page("/settings/people")
def everyone() -> Response:
    """Who works here, and a form to invite somebody."""
    return _everyone()


@pages.page("/settings/people", "POST", outside=True)
def invited() -> Response:
    """A new colleague with a role; the link is shown, and mailed where a mail account is connected."""
    try:
        with begin(frame.wiring(), frame.caller(), request_id=g.get("request_id")) as act:
            if not typed.text("email"):
                raise BadField("an invitation needs an e-mail address", pointer="/email")
            user = users.create(act, name=typed.text("name"), email=typed.text("email"), language=_language())
            _grant(act, user.id)
            number, link = user.id, users.let_in(act, user.id)
            by = post.box(act.wiring, act.session)
            letter = post.letter("invited", user, who=frame.user().name, link=link) if by else None
        if by and letter:
            post.post_aside(by, letter)
    except DomainError as error:
        frame.refuse(error)
        with frame.looking():
            return _everyone()
    with frame.looking():
        return _person(number, link=link, mailed=by is not None)


@pages.page("/settings/people/<usr:number>")
def person(number: int) -> Response:
    """One colleague: roles, and how they come in."""
    return _person(number)


@pages.page("/settings/people/<usr:number>", "POST")
def changed(number: int) -> Response:
    """Name and address; another address signs them out."""

    def change() -> Response:
        act = frame.act()
        values: dict[str, Any] = {"name": typed.text("name")}
        if (typed.text("email") or None) != users.get(act, number).email_key:
            values["email"] = typed.text("email") or None
        users.change(act, number, None, **values)
        return _kept_in(number, frame.go("pages_settings_people.person", number=number, done="saved"))

    return frame.trying(change) or _person(number)


@pages.page("/settings/people/<usr:number>/roles", "POST")
def granted(number: int) -> Response:
    """Give a role; they are signed out and come in with it."""

    def give() -> Response:
        _grant(frame.act(), number)
        return _kept_in(number, frame.go("pages_settings_people.person", number=number, done="saved"))

    return frame.trying(give) or _person(number)


@pages.page("/settings/people/<usr:number>/roles/<grt:grant>/take", "POST")
def taken(number: int, grant: int) -> Response:
    """Take a role back."""

    def take() -> Response:
        users.take(frame.act(), grant)
        return _kept_in(number, frame.go("pages_settings_people.person", number=number, done="removed"))

    return frame.trying(take) or _person(number)


@pages.page("/settings/people/<usr:number>/state", "POST")
def switched(number: int) -> Response:
    """Out at once, or in again."""

    def switch() -> Response:
        state = "disabled" if request.form.get("state") == "disabled" else "active"
        users.change(frame.act(), number, None, state=state)
        return frame.go("pages_settings_people.person", number=number, done="saved")

    return frame.trying(switch) or _person(number)


@pages.page("/settings/people/<usr:number>/link", "POST")
def linked(number: int) -> Response:
    """A new link to choose a password; older ones stop working."""
    shown: list[str] = []

    def make() -> Response:
        shown.append(users.let_in(frame.act(), number))
        return _person(number, link=shown[0])

    return frame.trying(make) or _person(number)


@pages.page("/settings/people/<usr:number>/second-step", "POST")
def second_step_dropped(number: int) -> Response:
    """For somebody who lost phone and paper."""
    users.drop_second_step(frame.act(), number)
    return _kept_in(number, frame.go("pages_settings_people.person", number=number, done="saved"))


@pages.page("/settings/tokens")
def every_token() -> Response:
    """Tokens, and a form to make one."""
    return _tokens()


@pages.page("/settings/tokens", "POST")
def token_made() -> Response:
    """A new token; its text is shown this once."""

    def make() -> Response:
        kind = request.form.get("kind", "person")
        grants = []
        if kind != "person":
            grants = [{"role": _role(), "programme_id": typed.number("prg", "programme_id")}]
        life = timedelta(days=_of(LIVES, "life"))
        made = tokens.create(
            frame.act(), name=_name(), kind=kind, grants=grants, expires_at=frame.act().now + life
        )
        return _tokens(shown=made)

    return frame.trying(make) or _tokens()


@pages.page("/settings/tokens/<tok:number>/revoke", "POST")
def token_revoked(number: int) -> Response:
    """Useless from this moment."""
    tokens.revoke(frame.act(), number)
    return frame.go("pages_settings_people.every_token", done="removed")


@pages.page("/settings/tokens/<tok:number>/rotate", "POST")
def token_rotated(number: int) -> Response:
    """A new one like it; the old one may work on for a while."""

    def rotate() -> Response:
        return _tokens(shown=tokens.rotate(frame.act(), number, overlap_s=_of(OVERLAPS, "overlap")))

    return frame.trying(rotate) or _tokens()


def _everyone() -> Response:
    act = frame.act()
    page = users.listed(
        act, limit=paging.LIMIT_DEFAULT, after=request.args.get("after"), before=request.args.get("before")
    )
    return frame.show(
        "settings_people", 422 if g.get("said") else 200, page=page,
        roles=users.roles_of(act, [one.id for one in page.rows]),
        programmes=programmes.choices(act, "users:admin"), everywhere=frame.may("users:admin", None),
    )  # fmt: skip


def _person(number: int, link: str = "", mailed: bool = False) -> Response:
    act = frame.act()
    grants = users.grants(act, limit=paging.LIMIT_MAX, after=None, before=None, user_id=number).rows
    names = {
        one.programme_id: act.one(Programme, one.programme_id).name for one in grants if one.programme_id
    }
    return frame.show(
        "settings_person", 422 if g.get("said") else 200, person=users.get(act, number), grants=grants, names=names,
        link=link, mailed=mailed, programmes=programmes.choices(act, "users:admin"),
        everywhere=frame.may("users:admin", None),
    )  # fmt: skip


def _tokens(shown: tokens.Shown | None = None) -> Response:
    act = frame.act()
    page = tokens.listed(
        act, limit=paging.LIMIT_DEFAULT, after=request.args.get("after"), before=request.args.get("before")
    )
    return frame.show(
        "settings_tokens", 422 if g.get("said") else 200, page=page, shown=shown,
        programmes=programmes.choices(act, "users:admin"), everywhere=frame.may("users:admin", None),
        owners=users.names(act, [one.user_id for one in page.rows]),
    )  # fmt: skip


def _grant(act: Act, user_id: int) -> None:
    users.grant(act, role=_role(), user_id=user_id, programme_id=typed.number("prg", "programme_id"))


def _role() -> str:
    role = request.form.get("role", "")
    if role not in ROLES:
        raise BadField("choose what this person may do", pointer="/role")
    return role


def _name() -> str:
    if not typed.text("name"):
        raise BadField("give it a name by which you know it again", pointer="/name")
    return typed.text("name")[:200]


def _of(known: tuple[int, ...], name: str) -> int:
    given = request.form.get(name, "")
    return int(given) if given in map(str, known) else known[0]


def _language() -> str:
    return words.choose((request.form.get("language"),))


def _kept_in(number: int, answer: Response) -> Response:
    """Whoever changes their own roles comes in anew at this browser, for every login of theirs has ended."""
    act = frame.act()
    if number != frame.user().id or frame.login_of(act.session) is not None:
        return answer
    return frame.set_cookie(answer, frame.begin_login(act.session, number))
