"""Who is calling and how far they reach: tokens, grants, and the one filter of every query.

Rules: deny unless granted; what the caller has no grant on is NotFound, identical to absent; a token's secret
is 256 random bits, only its SHA-256 is stored; a grant on a programme covers everything under it.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Select, exists, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from campaigns.base import public_id
from campaigns.canonical import sha256
from campaigns.database import Database
from campaigns.errors import Forbidden, NotFound, said
from campaigns.stakeholders.tables import Involvement
from campaigns.strategies.tables import Programme

from .permissions import ROLES, SCOPES, WITHHELD
from .problems import Refusal
from .tables import Grant, Token, User

TOKEN = re.compile(r"dol_(live|test)_([0-9A-Za-z]{8})_([0-9A-Za-z_-]{43})", re.ASCII)
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz"
LIFE_MAX = timedelta(days=366)
# "Last used" is exact to this, so that reading does not become writing.
USED_STEP = timedelta(minutes=5)

Rows = TypeVar("Rows", bound=Select[*tuple[Any, ...]])


@dataclass(frozen=True, slots=True)
class Reach:
    """One grant as it works: a role in these programmes; None: in all of them."""

    role: str
    programmes: frozenset[int] | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `actor` is `usr_…`, `tok_…` or `console`; `kind` is person, machine or test."""

    actor: str
    kind: str
    scopes: frozenset[str]
    reaches: tuple[Reach, ...]
    user_id: int | None = None
    token_id: int | None = None
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def test(self) -> bool:
        """A test token reaches only practice accounts."""
        return self.kind == "test"

    def has(self, scope: str) -> bool:
        """Whether the caller has this scope anywhere."""
        return scope in self.scopes and any(scope in ROLES[reach.role] for reach in self.reaches)

    def may(self, scope: str, programme_id: int | None) -> bool:
        """Whether the caller has this scope in this programme; None: for what all programmes share.

        What is shared is read by whoever has the scope anywhere, and changed from a grant on everything.
        """
        if programme_id is None and scope.endswith(":read"):
            return self.has(scope)
        return scope in self.scopes and any(
            scope in ROLES[reach.role] and (reach.programmes is None or programme_id in reach.programmes)
            for reach in self.reaches
        )

    def programmes(self, scope: str | None = None) -> frozenset[int] | None:
        """The programmes the caller sees, or has this scope in; None: all, those of tomorrow included."""
        if scope is not None and scope not in self.scopes:
            return frozenset()
        reaches = [reach for reach in self.reaches if scope is None or scope in ROLES[reach.role]]
        if any(reach.programmes is None for reach in reaches):
            return None
        return frozenset(number for reach in reaches for number in reach.programmes or ())

    def sees(self, programme_id: int | None) -> bool:
        """Whether the caller has any grant there; what all programmes share is seen with any grant."""
        visible = self.programmes()
        return visible is None or programme_id in visible or (programme_id is None and bool(visible))

    def need(self, scope: str, programme_id: int | None) -> None:
        """NotFound where the caller has no grant on the programme, Forbidden where the grant is too small."""
        if self.may(scope, programme_id):
            return
        if not self.sees(programme_id):
            raise NotFound("no such thing")
        raise Forbidden(
            said("this needs {scope} in all programmes", scope=scope)
            if programme_id is None
            else said("this needs {scope} in this programme", scope=scope)
        )


CONSOLE = Caller("console", "person", frozenset(SCOPES), (Reach("administrator", None),))


def scoped(
    statement: Rows, column: InstrumentedAttribute[Any], caller: Caller, scope: str, *, shared: bool = False
) -> Rows:
    """Only rows whose programme is one where the caller has the scope; `shared`: also those of none."""
    programmes = caller.programmes(scope)
    if programmes is None:
        return statement
    inside = column.in_(programmes)
    return statement.where(inside | column.is_(None) if shared and programmes else inside)


def involved(statement: Rows, column: InstrumentedAttribute[Any], caller: Caller, scope: str) -> Rows:
    """Only rows whose stakeholder column names somebody involved where the caller has the scope."""
    programmes = caller.programmes(scope)
    if programmes is None:
        return statement
    # Asked of each row, not as a list of everybody: a page then costs a page, and one person one look.
    mine = aliased(Involvement)
    return statement.where(exists().where(mine.stakeholder_id == column, mine.programme_id.in_(programmes)))


def authenticate(database: Database, now: datetime, header: str | None) -> Caller:
    """The caller behind an Authorization header; Refusal `not_authenticated` for anything else."""
    scheme, _, text = (header or "").partition(" ")
    match = TOKEN.fullmatch(text.strip())
    if scheme.lower() != "bearer" or match is None:
        raise _stranger("send Authorization: Bearer dol_live_… ; `dolen token` makes one")
    with database.read() as session:
        token = _known(session, match)
        _still_good(session, token, now)
        caller = caller_of(session, token)
    if token.last_used_at is None or now - token.last_used_at > USED_STEP:
        _mark_used(database, token.id, now)
    return caller


def caller_of(session: Session, token: Token) -> Caller:
    """The caller that a token stands for, with its grants as they are now."""
    owner = Grant.token_id == token.id if token.user_id is None else Grant.user_id == token.user_id
    grants = session.execute(select(Grant.role, Grant.programme_id).where(owner)).all()
    return Caller(
        actor=public_id("tok", token.id) if token.user_id is None else public_id("usr", token.user_id),
        kind=token.kind,
        scopes=frozenset(token.scopes) - WITHHELD[token.kind],
        reaches=reaches_of(session, [(role, programme) for role, programme in grants]),
        user_id=token.user_id,
        token_id=token.id,
        defaults=token.defaults,
    )


def reaches_of(session: Session, grants: Sequence[tuple[str, int | None]]) -> tuple[Reach, ...]:
    """Grants as they work: each covers its programme and all that lies under it."""
    under = subtree(session, {programme for _role, programme in grants if programme is not None})
    return tuple(Reach(role, None if programme is None else under[programme]) for role, programme in grants)


def subtree(session: Session, roots: Iterable[int]) -> dict[int, frozenset[int]]:
    """For each programme itself and all that lies under it."""
    found: dict[int, set[int]] = {root: {root} for root in roots}
    if not found:
        return {}
    tree = (
        select(Programme.id.label("root"), Programme.id.label("id"))
        .where(Programme.id.in_(found))
        .cte(recursive=True)
    )
    child = aliased(Programme)
    tree = tree.union(select(tree.c.root, child.id).join(child, child.parent_id == tree.c.id))
    for root, number in session.execute(select(tree.c.root, tree.c.id)):
        found[root].add(number)
    return {root: frozenset(numbers) for root, numbers in found.items()}


def new_secret(kind: str) -> tuple[str, str, str]:
    """A new token as (whole text, prefix, SHA-256 of its secret). The text is shown once and never stored."""
    prefix = "".join(secrets.choice(LETTERS) for _ in range(8))
    secret = secrets.token_urlsafe(32)
    return f"dol_{'test' if kind == 'test' else 'live'}_{prefix}_{secret}", prefix, sha256(secret)


def _known(session: Session, match: re.Match[str]) -> Token:
    kind, prefix, secret = match.groups()
    token = session.scalar(select(Token).where(Token.prefix == prefix))
    # Compared in every case, so that an unknown prefix takes as long as a wrong secret.
    right = hmac.compare_digest(sha256(secret), token.secret_sha256 if token else sha256(""))
    if token is None or not right or (token.kind == "test") != (kind == "test"):
        raise _stranger("this token is not known here")
    return token


def _still_good(session: Session, token: Token, now: datetime) -> None:
    if token.revoked_at is not None and token.revoked_at <= now:
        raise _stranger("this token was revoked")
    if token.expires_at <= now:
        raise _stranger("this token has expired")
    if token.user_id is not None and session.get_one(User, token.user_id).state != "active":
        raise _stranger("this user is disabled")


def _mark_used(database: Database, token_id: int, now: datetime) -> None:
    with suppress(OperationalError), database.write() as session:  # a busy database must not refuse a reader
        session.execute(update(Token).where(Token.id == token_id).values(last_used_at=now))


def _stranger(detail: str) -> Refusal:
    return Refusal("not_authenticated", detail)
