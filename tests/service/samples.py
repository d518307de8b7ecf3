"""One example of every kind in one programme, from which route × role × granted or not is tried.

A new kind gets a line in `world`; a kind that belongs to no programme also stands in SHARED.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from campaigns.stakeholders import addresses, people
from campaigns.strategies.tables import Programme
from service.access import new_secret
from service.tables import Grant, Token, User

# Kinds that every caller with the scope sees, whatever their programme.
SHARED = {"usr", "tok"}
# What stands in a path for parameters that are no ids.
WORDS = {
    "n": "1",
    "name": "simulator",
    "external_id": "ext-1",
    "channel": "email",
    "language": "en",
    "tag": "river",
}


def programme(session: Session, now: datetime, name: str) -> int:
    """A programme of its own, as the boundary that grants are tried against."""
    row = Programme(name=name, starts_on=now.date(), created_at=now, updated_at=now)
    session.add(row)
    session.flush()
    return row.id


def world(session: Session, now: datetime, programme_id: int) -> dict[str, int]:
    """The id of one example of each kind in this programme, by the prefix of its ids."""
    edited: dict[str, Any] = {"created_at": now, "updated_at": now}
    _text, prefix, sha256 = new_secret("machine")
    user = User(name="Example", **edited)
    token = Token(
        name="example", kind="machine", prefix=prefix, secret_sha256=sha256, scopes=[],
        created_at=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    session.add_all([user, token])
    session.flush()
    grant = Grant(user_id=user.id, role="viewer", programme_id=programme_id, created_at=now)
    session.add(grant)
    session.flush()
    return {
        "prg": programme_id, "usr": user.id, "tok": token.id, "grt": grant.id,
        **_who(session, now, programme_id),
    }  # fmt: skip


def _who(session: Session, now: datetime, programme_id: int) -> dict[str, int]:
    ann, club = (
        people.create(session, now, kind=kind, name=name)
        for kind, name in (("person", "Ann"), ("group", "Rowing club"))
    )
    for stakeholder in (ann, club):
        people.involve(session, now, stakeholder.id, programme_id)
    address = addresses.add(session, now, ann.id, "email", "ann@example.org")
    membership = people.join(session, ann.id, club.id)
    return {"stk": ann.id, "adr": address.id, "mbr": membership.id}
