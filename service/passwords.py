"""Passwords: kept as argon2id, made and compared outside any transaction, and said to be wrong without saying why.

Rules: an unknown name takes as long as a wrong password; a password kept with older parameters is kept anew when it
was right. Source: security 1, bad input A1, A2, A13.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.errors import BadAddress, BadField, Forbidden, said
from campaigns.stakeholders import addresses

from . import knocks, logins
from .tables import User

SHORTEST, LONGEST_BYTES = 12, 1024
# A password as it is kept. It is slow to make on purpose: never while a transaction keeps others waiting.
Hash = NewType("Hash", str)

_hasher = PasswordHasher()
# Compared when a name is unknown, so that this takes as long as a wrong password.
_NOBODY = _hasher.hash(secrets.token_urlsafe())


class WrongLogin(Forbidden):
    """The name and password do not belong together; it is not said which of them is wrong."""

    code = "wrong_login"


@dataclass(frozen=True, slots=True)
class Proof:
    """Somebody knew the password of a user, as it was kept then; None: there was none to know."""

    user_id: int
    kept: str | None


def hashed(password: str, pointer: str = "/password") -> Hash:
    """A new password as it is kept; before any transaction. BadField where it is too short or too long."""
    text = _plain(password)
    if len(text) < SHORTEST or len(text.encode()) > LONGEST_BYTES or "\0" in text:
        raise BadField(
            said("a password has at least {least} characters", least=SHORTEST)
            if len(text) < SHORTEST
            else "this password is too long, or holds a character that nobody can type: choose another",
            pointer=pointer,
        )
    return Hash(_hasher.hash(text))


def keep(session: Session, now: datetime, user: User, password: Hash) -> None:
    """A new password; every login of the user ends."""
    user.password_hash = password
    user.touch(now)
    logins.end_all(session, user.id)


def prove(database: Database, user_id: int, password: str, pointer: str) -> Proof:
    """That this is the user's password; before any transaction. WrongLogin.

    Who signs in by an OpenID provider alone has none to prove it by.
    """
    with database.read() as session:
        kept = session.get_one(User, user_id).password_hash
    if kept is not None and not _fits(kept, password):
        raise WrongLogin("this is not your password", pointer=pointer)
    return Proof(user_id, kept)


def check(database: Database, now: datetime, email: str, password: str, address: str) -> int:
    """The id of the active user of this e-mail address and password. TooManyTries, WrongLogin."""
    name = name_of(email)
    tries = knocks.knock(database, now, (knocks.NAME, name), (knocks.ADDRESS, address))
    with database.read() as session:
        user = known(session, email)
        found = (user.id, user.password_hash) if user and user.state == "active" else None
    kept = found[1] if found else None
    if not _fits(kept or _NOBODY, password) or found is None or kept is None:
        raise WrongLogin("this address and this password do not belong together")
    anew = _hasher.hash(_plain(password)) if _hasher.check_needs_rehash(kept) else kept
    with database.write() as session:
        knocks.take_back(session, tries)
        knocks.forget(session, knocks.NAME, name)
        if anew != kept:
            still = (User.id == found[0], User.password_hash == kept)
            session.execute(update(User).where(*still).values(password_hash=anew))
    return found[0]


def name_of(email: str) -> str:
    """What tries with an address are counted under: however it is spelt, it is one name."""
    try:
        return addresses.key("email", email)
    except BadAddress:
        return email.strip().lower()[:400]


def known(session: Session, email: str) -> User | None:
    """The user with this e-mail address."""
    try:
        key = addresses.key("email", email)
    except BadAddress:
        return None
    return session.scalar(select(User).where(User.email_key == key))


def _fits(kept: str, password: str) -> bool:
    text = _plain(password)
    if len(text.encode()) > LONGEST_BYTES:
        text = ""  # nothing that long was ever kept
    try:
        return _hasher.verify(kept, text)
    except (VerificationError, InvalidHashError):
        return False


def _plain(password: str) -> str:
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace").decode()
