"""The second step of signing in: one-time codes of a phone (TOTP, RFC 6238), and codes on paper for a lost phone.

Rules: a code is good for its own 30 seconds and those before and after, once; a code on paper is good once; five
wrong codes and the person waits. The secret is sealed; of the codes on paper only hashes are kept.
Source: bad input A14.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
import segno
from markupsafe import Markup
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from campaigns.errors import BadField

from . import logins
from .access import Caller
from .keys import BadKeyRing, KeyRing
from .permissions import ROLES
from .tables import Installation, User

STEP_S = 30
ISSUER = "Dolen"
WORDS = 10
PROPOSAL_LIFE = timedelta(hours=1)
# Whom a policy can ask for it; "deciders" are those who release words or let people in.
ASKED = ("nobody", "deciders", "everybody")
DECIDING = frozenset({"messages:approve", "users:admin"})
_FIELD = "second_step"
# Letters and digits that nobody mistakes for one another.
_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A secret that is not in use yet: as a picture, to be typed, and sealed to be sent back with the first code."""

    secret: str
    picture: Markup
    sealed: str


def propose(ring: KeyRing, now: datetime, user: User) -> Proposal:
    """A new secret for a user."""
    secret = pyotp.random_base32()
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.email_key or user.name, issuer_name=ISSUER)
    held = {"user": user.id, "secret": secret, "until": (now + PROPOSAL_LIFE).timestamp()}
    return Proposal(secret, _picture(uri), ring.wrap(json.dumps(held).encode()).decode())


def again(ring: KeyRing, now: datetime, user: User, sealed: str) -> Proposal:
    """A proposal that came back with a form; BadField where it is not this user's, or too old."""
    try:
        held = json.loads(ring.unwrap(sealed.encode("utf-8", "replace")))
    except BadKeyRing:
        held = {}
    if held.get("user") != user.id or held.get("until", 0) < now.timestamp():
        raise BadField("this picture is too old: take the new one", pointer="/code")
    uri = pyotp.TOTP(held["secret"]).provisioning_uri(name=user.email_key or user.name, issuer_name=ISSUER)
    return Proposal(held["secret"], _picture(uri), sealed)


def take(
    session: Session, ring: KeyRing, now: datetime, user: User, proposal: Proposal, code: str
) -> list[str]:
    """Use a proposed secret from now on, proven by its first code; the codes on paper, shown this once."""
    step = _step_of(proposal.secret, now, code)
    if step is None:
        raise BadField(
            "this code does not fit: look at the clock of the phone, and try the next one", pointer="/code"
        )
    user.second_step, user.second_step_at = ring.seal(user.id, {_FIELD: proposal.secret}), step
    return paper(session, now, user)


def paper(session: Session, now: datetime, user: User) -> list[str]:
    """New codes for a lost phone, in place of the old ones; every login of the user ends."""
    codes = [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4)) for _ in range(WORDS)
    ]
    user.recovery = [_sha256(code) for code in codes]
    user.touch(now)
    logins.end_all(session, user.id)
    return codes


def drop(session: Session, now: datetime, user: User) -> None:
    """A password is enough again; every login of the user ends."""
    user.second_step = user.second_step_at = user.recovery = None
    user.touch(now)
    logins.end_all(session, user.id)


def right(session: Session, ring: KeyRing, now: datetime, user: User, code: str) -> bool:
    """Whether a code opens, and use it up: one of the phone, or one on paper."""
    secret = ring.open(user.id, user.second_step)[_FIELD]
    step = _step_of(secret, now, code)
    if step is not None:
        older = or_(User.second_step_at.is_(None), User.second_step_at < step)
        used = session.execute(update(User).where(User.id == user.id, older).values(second_step_at=step))
        return bool(used.rowcount)  # type: ignore[attr-defined]
    return _on_paper(session, user, code)


def due(session: Session, caller: Caller, user: User) -> bool:
    """Whether the policy asks this user for a second step that they have not set up."""
    if user.second_step is not None:
        return False
    policy = session.scalar(select(Installation.second_step_for).limit(1)) or "nobody"
    deciding = any(ROLES[reach.role] & DECIDING for reach in caller.reaches)
    return policy == "everybody" or (policy == "deciders" and deciding)


def _on_paper(session: Session, user: User, code: str) -> bool:
    typed = _sha256(re.sub(r"[\s\u2010-\u2015-]+", "", code.lower()))
    session.refresh(user, with_for_update=True)
    left = [one for one in user.recovery or [] if not hmac.compare_digest(one, typed)]
    if len(left) == len(user.recovery or []):
        return False
    user.recovery = left
    session.flush()
    return True


def _step_of(secret: str, now: datetime, code: str) -> int | None:
    """The half minute whose code this is: the present one, the one before or the one after."""
    typed = re.sub(r"\s+", "", code)
    totp, present = pyotp.TOTP(secret), int(now.timestamp()) // STEP_S
    found = None
    for step in (present - 1, present, present + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), typed.encode("utf-8", "replace")):
            found = step
    return found


def _picture(uri: str) -> Markup:
    """A QR code, dark on light whatever the page looks like: phones read nothing else."""
    return Markup(segno.make(uri, error="m").svg_inline(scale=5, border=4, dark="#000", light="#fff"))


def _sha256(code: str) -> str:
    return hashlib.sha256(code.replace("-", "").encode("utf-8", "replace")).hexdigest()
