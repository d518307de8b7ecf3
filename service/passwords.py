"""Passwords: kept as argon2id, compared outside any transaction, and said to be wrong without saying why.

Rules: an unknown name takes as long as a wrong password; a password kept with older parameters is kept anew when it
was right. Source: security 1, bad input A1, A2, A13.
"""

from __future__ import annotations

import secrets
import unicodedata
from datetime import datetime

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

_hasher = PasswordHasher()
# Compared when a name is unknown, so that this takes as long as a wrong password.
_NOBODY = _hasher.hash(secrets.token_urlsafe())


class WrongLogin(Forbidden):
    """The name and password do not belong together; it is not said which of them is wrong."""

    code = "wrong_login"


def keep(session: Session, now: datetime, user: User, password: str, pointer: str = "/password") -> None:
    """A new password; every login of the user ends."""
    text = _plain(password)
    if len(text) < SHORTEST or len(text.encode()) > LONGEST_BYTES or "\0" in text:
        raise BadField(
            said("a password has at least {least} characters", least=SHORTEST)
            if len(text) < SHORTEST
            else "this password is too long, or holds a character that nobody can type: choose another",
            pointer=pointer,
        )
    user.password_hash = _hasher.hash(text)
    user.touch(now)
    logins.end_all(session, user.id)


def right(user: User, password: str) -> bool:
    """Whether this is the user's password; takes as long where they have none."""
    return _fits(user.password_hash or _NOBODY, password) and user.password_hash is not None


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
    with database.write() as session:
        knocks.take_back(session, tries)
        knocks.forget(session, knocks.NAME, name)
        if _hasher.check_needs_rehash(kept):
            anew = {"password_hash": _hasher.hash(_plain(password))}
            session.execute(update(User).where(User.id == found[0], User.password_hash == kept).values(anew))
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
