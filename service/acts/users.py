"""What may be done with users and their grants.

Rules: a grant is given and taken by whoever administers its programme; the last administrator of everything
stays; whoever gets or loses a role, an address or the right to come in is signed out everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from campaigns.base import parse_id, public_id
from campaigns.errors import BadAddress, BadField, BadId, Conflict
from campaigns.stakeholders import addresses
from campaigns.stakeholders.text import clean
from campaigns.strategies.tables import Programme

from .. import logins, paging, second_step
from ..access import scoped
from ..ids import shown
from ..tables import Grant, Token, User
from . import Act


class LastAdministrator(Conflict):
    """Without this one nobody could let anybody in."""

    code = "last_administrator"


def listed(act: Act, *, limit: int, after: str | None, before: str | None) -> paging.Page:
    """Every user, for whoever administers anything."""
    return paging.cut(act.session, select(User), User.id, limit=limit, after=after, before=before)


def get(act: Act, user_id: int) -> User:
    """One user."""
    return act.one(User, user_id)


def roles_of(act: Act, numbers: Sequence[int]) -> dict[int, list[str]]:
    """The roles of these users, wherever the caller administers, each once."""
    held = select(Grant.user_id, Grant.role).where(Grant.user_id.in_(numbers)).distinct().order_by(Grant.role)
    found: dict[int, list[str]] = {}
    for number, role in act.session.execute(scoped(held, Grant.programme_id, act.caller, "users:admin")):
        found.setdefault(int(number or 0), []).append(role)
    return found


def names(act: Act, numbers: Iterable[int | None]) -> dict[int, str]:
    """What these users are called."""
    wanted = {number for number in numbers if number is not None}
    return {
        number: name
        for number, name in act.session.execute(select(User.id, User.name).where(User.id.in_(wanted)))
    }


def actor_names(act: Act, actors: Iterable[str | None]) -> dict[str, str]:
    """What users and tokens are called, by how acts name them."""
    found: dict[str, str] = {}
    wanted = [one for one in set(actors) if one]
    for kind, prefix in ((User, "usr"), (Token, "tok")):
        numbers = [number for one in wanted if (number := _number(prefix, one)) is not None]
        rows = act.session.execute(select(kind.id, kind.name).where(kind.id.in_(numbers))) if numbers else ()
        found |= {public_id(prefix, number): name for number, name in rows}
    return found


def _number(prefix: str, actor: str) -> int | None:
    """The number of an actor of this kind; None for others, such as the console."""
    try:
        return parse_id(prefix, actor)
    except BadId:
        return None


def everybody(act: Act, limit: int = 500) -> list[tuple[str, str]]:
    """Every user as (public id, name) by name: for choosing one of them."""
    rows = act.session.execute(select(User.id, User.name).order_by(User.name, User.id).limit(limit))
    return [(public_id("usr", number), name) for number, name in rows]


def alone(act: Act) -> bool:
    """Whether one person works here by themselves, so that nobody could check what they send."""
    known = act.session.scalars(
        select(User.id).where(User.state == "active", User.email_key.is_not(None)).limit(2)
    )
    return len(known.all()) < 2


def create(act: Act, *, name: str, email: str | None = None, language: str = "en") -> User:
    """A new user, who can do nothing until granted."""
    act.need("users:admin", None)
    user = User(
        name=clean(name, "/name"),
        email_key=_email(act, email, None),
        language=language,
        created_at=act.now,
        updated_at=act.now,
    )
    act.session.add(user)
    act.session.flush()
    act.note("user.created", "user", user.id)
    return user


def change(act: Act, user_id: int, version: int | None, **values: Any) -> User:
    """Change a user; a disabled one is out at once, with all their tokens."""
    act.need("users:admin", None)
    user = act.one(User, user_id, lock=True)
    act.unchanged(user, version)
    before = user.state
    if "email" in values:
        values["email_key"] = _email(act, values.pop("email"), user_id)
    if "name" in values:
        values["name"] = clean(values["name"], "/name")
    for name, value in values.items():
        setattr(user, name, value)
    if user.state != "active":
        _somebody_stays(act)
    if "email_key" in values or "state" in values:
        logins.end_all(act.session, user_id)
    user.touch(act.now)
    act.note("user.changed", "user", user.id, before={"state": before}, after={"state": user.state})
    return user


def let_in(act: Act, user_id: int, life: timedelta = logins.INVITED) -> str:
    """A link that lets a user choose a password; whoever has it is that user, so it is handed over with care."""
    act.need("users:admin", None)
    user = act.one(User, user_id, lock=True)
    if user.state != "active":
        raise Conflict("this person is disabled: let them in again first")
    act.note("user.link_made", "user", user_id)
    return act.wiring.links.url(logins.make_key(act.session, act.now, user_id, life))


def drop_second_step(act: Act, user_id: int) -> User:
    """For somebody who lost phone and paper: a password is enough again."""
    act.need("users:admin", None)
    user = act.one(User, user_id, lock=True)
    second_step.drop(act.session, act.now, user)
    act.note("user.second_step_dropped", "user", user_id)
    return user


def grants(
    act: Act,
    *,
    limit: int,
    after: str | None,
    before: str | None,
    user_id: int | None = None,
    token_id: int | None = None,
) -> paging.Page:
    """The grants in the programmes the caller administers."""
    statement = scoped(select(Grant), Grant.programme_id, act.caller, "users:admin")
    if user_id is not None:
        statement = statement.where(Grant.user_id == user_id)
    if token_id is not None:
        statement = statement.where(Grant.token_id == token_id)
    return paging.cut(act.session, statement, Grant.id, limit=limit, after=after, before=before)


def grant(
    act: Act,
    *,
    role: str,
    user_id: int | None = None,
    token_id: int | None = None,
    programme_id: int | None = None,
) -> Grant:
    """Give a role in one programme, or everywhere; giving it twice changes nothing."""
    act.need("users:admin", programme_id)
    if programme_id is not None and act.session.get(Programme, programme_id) is None:
        raise BadField("there is no such programme", pointer="/programme_id")
    _check_holder(act, user_id, token_id)
    known = act.session.scalar(
        select(Grant).where(
            Grant.user_id.is_not_distinct_from(user_id), Grant.token_id.is_not_distinct_from(token_id),
            Grant.role == role, Grant.programme_id.is_not_distinct_from(programme_id),
        )
    )  # fmt: skip
    if known is not None:
        return known
    made = Grant(user_id=user_id, token_id=token_id, role=role, programme_id=programme_id, created_at=act.now)
    act.session.add(made)
    act.session.flush()
    _sign_out(act, made)
    act.note(
        "grant.given", "grant", made.id, programme_id=programme_id,
        after=_facts(made),
    )  # fmt: skip
    return made


def take(act: Act, grant_id: int) -> None:
    """Take a grant back; it works no longer from this moment."""
    found = act.one(Grant, grant_id, lock=True)
    act.need("users:admin", found.programme_id)
    act.session.delete(found)
    act.session.flush()
    _somebody_stays(act)
    _sign_out(act, found)
    act.note(
        "grant.taken", "grant", grant_id, programme_id=found.programme_id,
        before=_facts(found),
    )  # fmt: skip


def _sign_out(act: Act, row: Grant) -> None:
    """Who may do more, or less, comes in anew (A3, A4)."""
    if row.user_id is not None:
        logins.end_all(act.session, row.user_id)


def _facts(row: Grant) -> dict[str, Any]:
    return {"user_id": shown("user", row.user_id), "token_id": shown("token", row.token_id), "role": row.role}


def _check_holder(act: Act, user_id: int | None, token_id: int | None) -> None:
    if (user_id is None) == (token_id is None):
        raise BadField("name a user_id or a token_id, one of the two", pointer="/user_id")
    if user_id is not None and act.session.get(User, user_id) is None:
        raise BadField("there is no such user", pointer="/user_id")
    if token_id is not None:
        token = act.session.get(Token, token_id)
        if token is None or token.user_id is not None:
            raise BadField("there is no such token with grants of its own", pointer="/token_id")


def _email(act: Act, email: str | None, own_id: int | None) -> str | None:
    if email is None:
        return None
    try:
        key = addresses.key("email", email)
    except BadAddress as error:
        error.pointer = "/email"
        raise
    taken = act.session.scalar(select(User.id).where(User.email_key == key, User.id != (own_id or 0)))
    if taken is not None:
        raise Conflict("another user has this address", pointer="/email")
    return key


def _somebody_stays(act: Act) -> None:
    act.session.flush()
    left = act.session.scalar(
        select(func.count())
        .select_from(Grant)
        .join(User, User.id == Grant.user_id)
        .where(Grant.role == "administrator", Grant.programme_id.is_(None), User.state == "active")
    )
    if not left:
        raise LastAdministrator("this is the last administrator of everything: name another one first")
