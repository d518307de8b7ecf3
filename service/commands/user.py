"""`dolen user`: who works here, from the console."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from sqlalchemy import select

from campaigns.base import parse_id
from campaigns.errors import Invalid

from .. import logins
from ..access import CONSOLE
from ..acts import Act, begin, users
from ..ids import shown
from ..permissions import ROLES
from ..tables import Grant, User
from . import wired


def arguments(parser: ArgumentParser) -> None:
    """What to do."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    add = verbs.add_parser("add", help="a new user; give a role too, or they can do nothing")
    add.add_argument("name")
    add.add_argument("--email")
    add.add_argument("--language", default="en")
    _role(add, required=False)
    grant = verbs.add_parser("grant", help="give a user a role")
    grant.add_argument("user", metavar="USR")
    _role(grant, required=True)
    for verb in ("disable", "enable"):
        verbs.add_parser(verb).add_argument("user", metavar="USR")
    let_in = verbs.add_parser(
        "let-in", help="a link that lets a user choose a password; without one: the first visit"
    )
    let_in.add_argument("user", metavar="USR", nargs="?")
    verbs.add_parser("list", help="everybody, with their roles")


def run(args: Namespace) -> int:
    """Do it and tell what is so now."""
    wiring = wired()
    with begin(wiring, CONSOLE) as act:
        lines = VERBS[args.verb](act, args)
    wiring.close()
    print("\n".join(lines))
    return 0


def _role(parser: ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--role", choices=ROLES, required=required)
    parser.add_argument("--programme", metavar="PRG", help="only in this programme and what lies under it")


def _add(act: Act, args: Namespace) -> list[str]:
    user = users.create(act, name=args.name, email=args.email, language=args.language)
    if args.role:
        _give(act, user.id, args)
    return _described(act, user)


def _grant(act: Act, args: Namespace) -> list[str]:
    user = act.one(User, parse_id("usr", args.user))
    _give(act, user.id, args)
    return _described(act, user)


def _switch(act: Act, args: Namespace) -> list[str]:
    state = "disabled" if args.verb == "disable" else "active"
    return _described(act, users.change(act, parse_id("usr", args.user), None, state=state))


def _let_in(act: Act, args: Namespace) -> list[str]:
    """The link alone, so that it can be handed on."""
    user_id = act.one(User, parse_id("usr", args.user)).id if args.user else None
    if user_id is None and logins.anybody(act.session):
        raise Invalid("the first visit has been made: name the user the link is for")
    if user_id is not None:
        act.note("user.link_made", "user", user_id)
    return [act.wiring.links.url(logins.make_key(act.session, act.now, user_id))]


def _list(act: Act, args: Namespace) -> list[str]:
    return [
        line for user in act.session.scalars(select(User).order_by(User.id)) for line in _described(act, user)
    ]


def _give(act: Act, user_id: int, args: Namespace) -> None:
    programme_id = parse_id("prg", args.programme) if args.programme else None
    users.grant(act, role=args.role, user_id=user_id, programme_id=programme_id)


def _described(act: Act, user: User) -> list[str]:
    grants = act.session.scalars(select(Grant).where(Grant.user_id == user.id).order_by(Grant.id))
    roles = ", ".join(
        f"{one.role} in {shown('programme', one.programme_id) or 'all programmes'}" for one in grants
    )
    return [f"{shown('user', user.id)}  {user.name}  {user.state}  {roles or 'no role'}"]


VERBS: dict[str, Any] = {
    "add": _add,
    "grant": _grant,
    "disable": _switch,
    "enable": _switch,
    "let-in": _let_in,
    "list": _list,
}
