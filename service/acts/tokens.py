"""What may be done with tokens: everyone their own, administrators those of machines and of practice.

Rules: the whole token is shown once; a token never has a scope that its maker lacks; an administrator gives a
user their first token only, so that nobody can act as somebody else afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from campaigns.errors import BadField, Conflict, Forbidden, NotFound
from campaigns.strategies.tables import Programme

from .. import paging
from ..access import LIFE_MAX, new_secret
from ..ids import shown
from ..permissions import SCOPES
from ..tables import Grant, Token, User
from . import Act, accounts

LIFE = timedelta(days=90)
# A replaced token works on for this long, so that a program can be told the new one without a gap.
OVERLAP_MAX = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Shown:
    """A new token and its whole text, which nobody can read again."""

    row: Token
    text: str


def listed(act: Act, *, limit: int, after: str | None, before: str | None) -> paging.Page:
    """The caller's own tokens; every token for an administrator of everything."""
    statement = select(Token)
    if not act.caller.may("users:admin", None):
        statement = statement.where(_own(act))
    return paging.cut(act.session, statement, Token.id, limit=limit, after=after, before=before)


def create(
    act: Act,
    *,
    name: str,
    kind: str = "person",
    user_id: int | None = None,
    scopes: list[str] | None = None,
    expires_at: datetime | None = None,
    grants: list[dict[str, Any]] | None = None,
    defaults: dict[str, Any] | None = None,
) -> Shown:
    """A new token: of the caller, of a new user's first sign-in, or of a machine with grants of its own."""
    owner = _owner(act, kind, user_id, bool(grants))
    return make(
        act, name=name, kind=kind, user_id=owner, scopes=_scopes(act, scopes),
        expires_at=_expiry(act, expires_at), grants=_grants(act, grants or []), defaults=_defaults(act, defaults or {}),
    )  # fmt: skip


def make(
    act: Act,
    *,
    name: str,
    kind: str,
    user_id: int | None,
    scopes: list[str],
    expires_at: datetime,
    grants: list[dict[str, Any]],
    defaults: dict[str, Any],
    replaces_id: int | None = None,
) -> Shown:
    """Store a token whose values have been checked."""
    text, prefix, sha256 = new_secret(kind)
    row = Token(
        user_id=user_id, name=name, kind=kind, prefix=prefix, secret_sha256=sha256, scopes=scopes,
        defaults=defaults, created_at=act.now, expires_at=expires_at, replaces_id=replaces_id,
    )  # fmt: skip
    act.session.add(row)
    act.session.flush()
    for grant in grants:
        act.session.add(
            Grant(token_id=row.id, role=grant["role"], programme_id=grant["programme_id"], created_at=act.now)
        )
    act.note(
        "token.created",
        "token",
        row.id,
        after={"kind": kind, "user_id": shown("user", user_id), "scopes": scopes},
    )
    return Shown(row, text)


def revoke(act: Act, token_id: int) -> None:
    """Make a token useless from this moment."""
    row = _reachable(act, token_id)
    if row.revoked_at is None or row.revoked_at > act.now:
        row.revoked_at = act.now
        act.note("token.revoked", "token", row.id)


def rotate(act: Act, token_id: int, *, overlap_s: int = 0) -> Shown:
    """A new token like this one; the old one works for `overlap_s` more seconds."""
    old = _reachable(act, token_id)
    if old.user_id is not None and old.user_id != act.caller.user_id:
        raise Forbidden("only the user may rotate their own token")
    if old.revoked_at is not None or old.expires_at <= act.now:
        raise Conflict("this token no longer works: make a new one")
    grants = act.session.execute(select(Grant.role, Grant.programme_id).where(Grant.token_id == old.id))
    made = make(
        act, name=old.name, kind=old.kind, user_id=old.user_id, scopes=old.scopes,
        expires_at=act.now + (old.expires_at - old.created_at), defaults=old.defaults, replaces_id=old.id,
        grants=[{"role": role, "programme_id": programme_id} for role, programme_id in grants],
    )  # fmt: skip
    old.revoked_at = act.now + min(timedelta(seconds=overlap_s), OVERLAP_MAX)
    return made


def _own(act: Act) -> Any:
    if act.caller.user_id is not None:
        return Token.user_id == act.caller.user_id
    return Token.id == act.caller.token_id


def _reachable(act: Act, token_id: int) -> Token:
    statement = select(Token).where(Token.id == token_id).with_for_update()
    if not act.caller.may("users:admin", None):
        statement = statement.where(_own(act))
    found = act.session.scalar(statement)
    if found is None:
        raise NotFound("no such token")
    return found


def _owner(act: Act, kind: str, user_id: int | None, granted: bool) -> int | None:
    """Whose token it will be; Forbidden where the caller may not make it."""
    if kind != "person":
        if user_id is not None:
            raise BadField("a token of a machine or of practice belongs to no user", pointer="/user_id")
        act.need("users:admin", None)
        return None
    if granted:
        raise BadField("a person has the grants of their user: see /v1/grants", pointer="/grants")
    if user_id in (None, act.caller.user_id):
        if act.caller.user_id is None or act.caller.kind != "person":
            raise Forbidden("only a person makes tokens of their own")
        return act.caller.user_id
    act.need("users:admin", None)
    if act.session.get(User, user_id) is None:
        raise BadField("there is no such user", pointer="/user_id")
    if act.session.scalar(select(func.count()).where(Token.user_id == user_id)):
        raise Forbidden("this user has had a token; only they make more, or `dolen token` on the console")
    return user_id


def _scopes(act: Act, scopes: list[str] | None) -> list[str]:
    wanted = set(SCOPES) & act.caller.scopes if scopes is None else set(scopes)
    for place, scope in enumerate(scopes or []):
        if scope not in act.caller.scopes:
            raise BadField("your own token does not have this scope", pointer=f"/scopes/{place}")
    return sorted(wanted)


def _grants(act: Act, grants: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each grant once, in programmes that exist."""
    for place, grant in enumerate(grants):
        if grant["programme_id"] is not None and act.session.get(Programme, grant["programme_id"]) is None:
            raise BadField("there is no such programme", pointer=f"/grants/{place}/programme_id")
    return [grant for place, grant in enumerate(grants) if grant not in grants[:place]]


def _expiry(act: Act, expires_at: datetime | None) -> datetime:
    if expires_at is None:
        return act.now + LIFE
    if not act.now < expires_at <= act.now + LIFE_MAX:
        raise BadField("must lie within the coming year", pointer="/expires_at")
    return expires_at


def _defaults(act: Act, defaults: dict[str, Any]) -> dict[str, Any]:
    if defaults.get("programme_id") is not None:
        act.need("programmes:read", act.one(Programme, defaults["programme_id"]).id)
    if defaults.get("account_id") is not None:
        accounts.get(act, defaults["account_id"])
    return {name: value for name, value in defaults.items() if value is not None}
