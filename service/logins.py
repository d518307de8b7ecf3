"""Who is signed in at a browser: logins, and the links that let somebody in once.

Rules: a login lives 8 hours without use and 7 days in all, and ends with every change of password, role or second
step; half a login, whose second step is missing, opens nothing; a link works once.
Source: security 1, bad input A3, A4, A8.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from campaigns.canonical import sha256
from campaigns.errors import LinkNotValid

from .tables import CalendarFeed, DoorKey, Login, User

IDLE = timedelta(hours=8)
LONGEST = timedelta(days=7)
# "Seen" is exact to this, so that reading does not become writing.
SEEN_STEP = timedelta(minutes=5)
LINK_LIFE = timedelta(minutes=30)
INVITED = timedelta(days=7)
CODE_LIFE = timedelta(minutes=10)
AGENT_MAX = 300


def begin(
    session: Session, now: datetime, user_id: int, *, agent: str = "", awaits_code: bool = False
) -> str:
    """Sign a user in; what the browser's cookie holds. `awaits_code`: half way, the second step is missing."""
    secret = secrets.token_urlsafe(32)
    session.execute(delete(Login).where(Login.user_id == user_id, Login.made_at <= now - LONGEST))
    session.add(
        Login(
            user_id=user_id, secret_sha256=sha256(secret), form_key=secrets.token_urlsafe(24), made_at=now,
            seen_at=now, agent=agent[:AGENT_MAX], awaits_code=awaits_code,
        )
    )  # fmt: skip
    session.flush()
    return secret


def find(session: Session, now: datetime, secret: str) -> Login | None:
    """The login behind a cookie, where it still lives and its user may still come in."""
    found = _of(session, secret)
    return found if found is not None and not found.awaits_code and _lives(session, now, found) else None


def halfway(session: Session, now: datetime, secret: str) -> Login | None:
    """The half login behind a cookie, whose second step is missing."""
    found = _of(session, secret)
    if found is None or not found.awaits_code or found.made_at + CODE_LIFE <= now:
        return None
    return found if _lives(session, now, found) else None


def of_user(session: Session, now: datetime, user_id: int) -> Sequence[Login]:
    """Where a user is signed in, the newest first."""
    living = (Login.seen_at > now - IDLE, Login.made_at > now - LONGEST, Login.awaits_code.is_not(True))
    return session.scalars(
        select(Login).where(Login.user_id == user_id, *living).order_by(Login.seen_at.desc())
    ).all()


def seen(session: Session, now: datetime, login_id: int) -> None:
    """Say that a login was used."""
    session.execute(update(Login).where(Login.id == login_id).values(seen_at=now))


def end(session: Session, login_id: int) -> None:
    """Sign one browser out."""
    session.execute(delete(Login).where(Login.id == login_id))


def end_all(session: Session, user_id: int, *, but: int | None = None) -> None:
    """Sign a user out everywhere, links that let them in and their calendar feed included; `but` one login stays."""
    session.execute(delete(Login).where(Login.user_id == user_id, Login.id != (but or 0)))
    if but is None:
        session.execute(delete(DoorKey).where(DoorKey.user_id == user_id, DoorKey.used_at.is_(None)))
        session.execute(delete(CalendarFeed).where(CalendarFeed.user_id == user_id))


def anybody(session: Session) -> bool:
    """Whether somebody can sign in, so that the first visit has been made."""
    return session.scalar(select(User.id).where(User.password_hash.is_not(None)).limit(1)) is not None


def make_key(session: Session, now: datetime, user_id: int | None, life: timedelta = LINK_LIFE) -> str:
    """A path that lets somebody in once; older ones of the same user stop working."""
    session.execute(
        delete(DoorKey).where(DoorKey.user_id.is_(None) if user_id is None else DoorKey.user_id == user_id)
    )
    secret = secrets.token_urlsafe(32)
    session.add(DoorKey(user_id=user_id, secret_sha256=sha256(secret), expires_at=now + life))
    session.flush()
    return f"/let-in/{secret}"


def read_key(session: Session, now: datetime, secret: str) -> DoorKey:
    """The link behind a secret; LinkNotValid where it is forged, used or too old. Reading changes nothing."""
    found = session.scalar(select(DoorKey).where(DoorKey.secret_sha256 == sha256(secret)))
    if found is None or found.used_at is not None or found.expires_at <= now:
        raise LinkNotValid("this link is not valid any more: ask for a new one")
    user = session.get(User, found.user_id) if found.user_id is not None else None
    if user is not None and user.state != "active":
        raise LinkNotValid("this link is not valid any more: ask for a new one")
    return found


def use_key(session: Session, now: datetime, key: DoorKey) -> None:
    """Use a link up; LinkNotValid where somebody was faster."""
    used = session.execute(
        update(DoorKey).where(DoorKey.id == key.id, DoorKey.used_at.is_(None)).values(used_at=now)
    )
    if used.rowcount != 1:  # type: ignore[attr-defined]
        raise LinkNotValid("this link has been used")


def _of(session: Session, secret: str) -> Login | None:
    return session.scalar(select(Login).where(Login.secret_sha256 == sha256(secret)))


def _lives(session: Session, now: datetime, login: Login) -> bool:
    if login.seen_at + IDLE <= now or login.made_at + LONGEST <= now:
        return False
    return session.get_one(User, login.user_id).state == "active"
