"""`dolen token`: a token from the console, for the first administrator, a user, a machine or practice.

Rules: the token is the only thing on standard output, so that `TOKEN=$(dolen token)` works; words go to standard error.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from datetime import timedelta

from sqlalchemy import select

from campaigns.base import parse_id
from campaigns.errors import Invalid, said

from ..access import CONSOLE
from ..acts import Act, begin, tokens, users
from ..ids import shown
from ..permissions import ROLES, SCOPES
from ..tables import User
from . import wired

DAYS_MAX = 365


def arguments(parser: ArgumentParser) -> None:
    """Whose token, and for how long."""
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--user", metavar="USR", help="the user it stands for; needed where there are several")
    whose.add_argument(
        "--machine", metavar="ROLE", choices=ROLES, help="a program, with this role everywhere"
    )
    whose.add_argument("--test", action="store_true", help="practice: it reaches nobody")
    parser.add_argument("--name", default="dolen token", help="how it is called in lists")
    parser.add_argument("--days", type=int, default=90, help=f"how long it works, at most {DAYS_MAX}")


def run(args: Namespace) -> int:
    """Make it and show it this once."""
    if not 1 <= args.days <= DAYS_MAX:
        raise Invalid(said("--days must be 1 to {days_max}", days_max=DAYS_MAX))
    wiring = wired()
    with begin(wiring, CONSOLE) as act:
        kind, user_id, role = _holder(act, args)
        made = tokens.make(
            act, name=args.name, kind=kind, user_id=user_id, scopes=list(SCOPES), defaults={},
            expires_at=act.now + timedelta(days=args.days),
            grants=[{"role": role, "programme_id": None}] if role else [],
        )  # fmt: skip
        words = f"Token {shown('token', made.row.id)} works until {made.row.expires_at:%Y-%m-%d}; shown this once."
    wiring.close()
    print(words, file=sys.stderr)
    print(made.text)
    return 0


def _holder(act: Act, args: Namespace) -> tuple[str, int | None, str | None]:
    """The kind of token, its user, and the role of its own."""
    if args.machine:
        return "machine", None, args.machine
    if args.test:
        return "test", None, "author"
    if args.user:
        return "person", act.one(User, parse_id("usr", args.user)).id, None
    known = list(act.session.scalars(select(User).where(User.state == "active").order_by(User.id).limit(20)))
    if not known:
        return "person", _first_administrator(act).id, None
    if len(known) > 1:
        raise Invalid(
            said(
                "say whose, with --user: {known}",
                known=[f"{shown('user', one.id)} {one.name}" for one in known],
            )
        )
    return "person", known[0].id, None


def _first_administrator(act: Act) -> User:
    user = users.create(act, name="Administrator")
    users.grant(act, role="administrator", user_id=user.id)
    return user
