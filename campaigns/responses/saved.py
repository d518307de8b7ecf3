"""Saved replies: words that are needed often, one row for each language, put into an answer by a person.

Rules: `{name}` becomes the name of who is answered; everything else goes as it is written, and can be changed before
it goes.
Source: L10.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ..errors import NotFound
from ..stakeholders.people import language as language_tag
from ..stakeholders.text import TEXT_MAX, clean
from .tables import SavedReply

NAME = "{name}"
SHOWN_MAX = 200


def add(
    session: Session, now: datetime, *, programme_id: int | None, name: str, language: str, text: str, author: str
) -> SavedReply:  # fmt: skip
    """Keep words for later."""
    made = SavedReply(
        programme_id=programme_id, author=author, created_at=now, updated_at=now,
        **_checked(name, language, text),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def change(
    session: Session, now: datetime, reply: SavedReply, *, name: str, language: str, text: str
) -> None:
    """Other words under the same name; what has gone already stays as it went."""
    for field, value in _checked(name, language, text).items():
        setattr(reply, field, value)
    reply.touch(now)
    session.flush()


def remove(session: Session, now: datetime, reply: SavedReply) -> None:
    """No longer offered."""
    reply.state = "archived"
    reply.touch(now)
    session.flush()


def offered(
    session: Session, programme_ids: Collection[int] | None, first_language: str = ""
) -> list[SavedReply]:
    """What may be used in these programmes (None: in all), those in the wanted language first."""
    query = select(SavedReply).where(SavedReply.state == "active")
    if programme_ids is not None:
        query = query.where(
            or_(SavedReply.programme_id.is_(None), SavedReply.programme_id.in_(programme_ids))
        )
    found = session.scalars(query.order_by(SavedReply.language, SavedReply.name).limit(SHOWN_MAX)).all()
    main = first_language.split("-")[0]
    return sorted(found, key=lambda one: one.language.split("-")[0] != main)


def get(session: Session, reply_id: int) -> SavedReply:
    """One that is still offered, or NotFound."""
    found = session.get(SavedReply, reply_id)
    if found is None or found.state != "active":
        raise NotFound("no such thing")
    return found


def filled(reply: SavedReply, name: str) -> str:
    """The words for somebody of this name."""
    return reply.text.replace(NAME, name)


def _checked(name: str, language: str, text: str) -> dict[str, str]:
    return {
        "name": clean(name, "/name"),
        "language": language_tag(language, "/language"),
        "text": clean(text, "/text", length_max=TEXT_MAX, lines=True),
    }
