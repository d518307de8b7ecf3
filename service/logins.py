"""Who is signed in at a browser: passwords, logins and the links that let somebody in once.

Rules: a password is kept as argon2id; a login lives 8 hours without use and 7 days in all, and ends with every change
of password or role; a link works once. After ten failures in a quarter of an hour a name waits, known or not.
Source: security 1, bad input A1 to A4, A8, A13.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from campaigns.errors import BadAddress, BadField, Forbidden, LinkNotValid
from campaigns.stakeholders import addresses

from .tables import DoorKey, Knock, Login, User

IDLE = timedelta(hours=8)
LONGEST = timedelta(days=7)
# "Seen" is exact to this, so that reading does not become writing.
SEEN_STEP = timedelta(minutes=5)
LINK_LIFE = timedelta(minutes=30)
FAILURES_MAX = 10
FAILURES_WITHIN = timedelta(minutes=15)
PASSWORD_MIN, PASSWORD_MAX = 12, 1024

_hasher = PasswordHasher()
# Compared when a name is unknown, so that this takes as long as a wrong password.
_NOBODY = _hasher.hash(secrets.token_urlsafe())


class WrongLogin(Forbidden):
    """The name and password do not belong together; it is not said which of them is wrong."""

    code = "wrong_login"


class TooManyTries(Forbidden):
    """Too many failures for this name; it opens again by itself."""

    code = "too_many_tries"


def set_password(session: Session, now: datetime, user: User, password: str) -> None:
    """A new password; every login of the user ends."""
    text = unicodedata.normalize("NFC", password)
    if not len(text) >= PASSWORD_MIN or len(text.encode()) > PASSWORD_MAX or "\0" in text:
        raise BadField(
            f"a password has at least {PASSWORD_MIN} characters, and at most {PASSWORD_MAX} bytes",
            pointer="/password",
        )
    user.password_hash = _hasher.hash(text)
    user.touch(now)
    end_all(session, user.id)


def check(session: Session, now: datetime, email: str, password: str) -> User:
    """The user of this address and password. WrongLogin, or TooManyTries before anything is compared."""
    name = _sha256(email.strip().lower()[:400])
    since = now - FAILURES_WITHIN
    failures = select(func.count()).where(Knock.name_sha256 == name, Knock.at > since)
    if (session.scalar(failures) or 0) >= FAILURES_MAX:
        raise TooManyTries("too many failed tries: wait a quarter of an hour")
    user = _known(session, email)
    kept = user.password_hash if user and user.password_hash else _NOBODY
    try:
        _hasher.verify(kept, unicodedata.normalize("NFC", password)[:PASSWORD_MAX])
        right = user is not None and user.state == "active" and user.password_hash is not None
    except (VerificationError, InvalidHashError):
        right = False
    if user is None or not right:
        raise WrongLogin("this address and this password do not belong together")
    session.execute(delete(Knock).where(Knock.name_sha256 == name))
    return user


def knock(session: Session, now: datetime, email: str) -> None:
    """Remember a failure; in a transaction of its own, because the failed call keeps nothing."""
    session.execute(delete(Knock).where(Knock.at <= now - FAILURES_WITHIN))
    session.add(Knock(name_sha256=_sha256(email.strip().lower()[:400]), at=now))


def begin(session: Session, now: datetime, user_id: int) -> str:
    """Sign a user in; what the browser's cookie holds."""
    secret = secrets.token_urlsafe(32)
    session.add(
        Login(
            user_id=user_id, secret_sha256=_sha256(secret), form_key=secrets.token_urlsafe(24), made_at=now,
            seen_at=now,
        )
    )  # fmt: skip
    session.flush()
    return secret


def find(session: Session, now: datetime, secret: str) -> Login | None:
    """The login behind a cookie, where it still lives and its user may still come in."""
    found = session.scalar(select(Login).where(Login.secret_sha256 == _sha256(secret)))
    if found is None or found.seen_at + IDLE <= now or found.made_at + LONGEST <= now:
        return None
    return found if session.get_one(User, found.user_id).state == "active" else None


def seen(session: Session, now: datetime, login_id: int) -> None:
    """Say that a login was used."""
    session.execute(update(Login).where(Login.id == login_id).values(seen_at=now))


def end(session: Session, login_id: int) -> None:
    """Sign one browser out."""
    session.execute(delete(Login).where(Login.id == login_id))


def end_all(session: Session, user_id: int) -> None:
    """Sign a user out everywhere."""
    session.execute(delete(Login).where(Login.user_id == user_id))


def anybody(session: Session) -> bool:
    """Whether somebody can sign in, so that the first visit has been made."""
    return session.scalar(select(User.id).where(User.password_hash.is_not(None)).limit(1)) is not None


def make_key(session: Session, now: datetime, user_id: int | None, life: timedelta = LINK_LIFE) -> str:
    """A path that lets somebody in once; older ones of the same user stop working."""
    session.execute(
        delete(DoorKey).where(DoorKey.user_id.is_(None) if user_id is None else DoorKey.user_id == user_id)
    )
    secret = secrets.token_urlsafe(32)
    session.add(DoorKey(user_id=user_id, secret_sha256=_sha256(secret), expires_at=now + life))
    session.flush()
    return f"/let-in/{secret}"


def read_key(session: Session, now: datetime, secret: str) -> DoorKey:
    """The link behind a secret; LinkNotValid where it is forged, used or too old. Reading changes nothing."""
    found = session.scalar(select(DoorKey).where(DoorKey.secret_sha256 == _sha256(secret)))
    if found is None or found.used_at is not None or found.expires_at <= now:
        raise LinkNotValid("this link is not valid any more: ask for a new one")
    return found


def use_key(session: Session, now: datetime, key: DoorKey) -> None:
    """Use a link up; LinkNotValid where somebody was faster."""
    used = session.execute(
        update(DoorKey).where(DoorKey.id == key.id, DoorKey.used_at.is_(None)).values(used_at=now)
    )
    if used.rowcount != 1:  # type: ignore[attr-defined]
        raise LinkNotValid("this link has been used")


def _known(session: Session, email: str) -> User | None:
    try:
        key = addresses.key("email", email)
    except BadAddress:
        return None
    return session.scalar(select(User).where(User.email_key == key))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
