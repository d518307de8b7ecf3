"""Policies of programmes: what they ask of their messages beyond the law, alone or as a pack in one step.

Rules: a policy holds for everything under its programme and is only ever added to on the way down.
Source: the gates, "Never optional"; SM18.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..errors import BadField, said
from ..stakeholders.people import language
from . import programmes
from .tables import Policy, Programme

# What the pack *Public body in Wales* turns on.
WALES = "public_body_in_wales"
WALES_LANGUAGES = ("cy", "en")


MESSAGES_MAX, DAYS_MAX = 1000, 366


@dataclass(frozen=True, slots=True)
class Cap:
    """To one person at most so many messages in so many days, of this programme and all under it."""

    programme_id: int
    messages: int
    days: int


@dataclass(frozen=True, slots=True)
class Policies:
    """What holds for a programme, with what stands above it. `formats`: other formats are offered to whoever asks."""

    languages: tuple[str, ...] = ()
    formats: bool = False
    caps: tuple[Cap, ...] = ()


def of(session: Session, programme_id: int) -> Policies:
    """What holds for a programme."""
    places = programmes.lineage(session, programme_id)
    rows = {
        row.programme_id: row
        for row in session.scalars(select(Policy).where(Policy.programme_id.in_(places)))
    }
    found = [rows[place] for place in places if place in rows]
    languages = dict.fromkeys(tag for row in found for tag in row.languages)
    return Policies(
        tuple(languages), any(row.formats for row in found), tuple(filter(None, map(cap_of, found)))
    )


def caps(session: Session, programme_id: int) -> list[Cap]:
    """The caps that hold for a programme; one small statement where there are none anywhere."""
    found = [Cap(*row) for row in session.execute(_CAPS)]
    places = programmes.lineage(session, programme_id) if found else []
    return [cap for cap in found if cap.programme_id in places]


def cap_of(row: Policy | None) -> Cap | None:
    """The cap that a programme itself has."""
    if row is None or row.cap_messages is None or row.cap_days is None:
        return None
    return Cap(row.programme_id, row.cap_messages, row.cap_days)


def own(session: Session, programme_id: int) -> Policy | None:
    """What was set for exactly this programme."""
    return session.scalar(select(Policy).where(Policy.programme_id == programme_id))


def set_own(
    session: Session,
    now: datetime,
    programme_id: int,
    *,
    languages: Sequence[str],
    formats: bool,
    by: str,
    pack: str = "",
    cap: tuple[int, int] | None = None,
) -> Policy:
    """Set what this programme itself asks; `cap` is how many messages in how many days."""
    for value, most, name in zip(cap or (), (MESSAGES_MAX, DAYS_MAX), ("messages", "days"), strict=False):
        if not 1 <= value <= most:
            raise BadField(said("from 1 to {most}", most=most), pointer=f"/cap_{name}")
    programmes.get(session, programme_id)
    tags = list(dict.fromkeys(language(tag, "/languages") for tag in languages))
    row = own(session, programme_id)
    if row is None:
        row = Policy(programme_id=programme_id, created_at=now, updated_at=now)
        session.add(row)
    else:
        row.touch(now)
    row.languages, row.formats, row.by, row.pack = tags, formats, by, pack
    row.cap_messages, row.cap_days = cap or (None, None)
    session.flush()
    return row


def adopt_wales(session: Session, now: datetime, programme: Programme, by: str) -> Policy:
    """The pack *Public body in Wales*, without its quiet period and its assurance: both languages, other formats."""
    known = own(session, programme.id)
    languages = dict.fromkeys((*WALES_LANGUAGES, *(known.languages if known else ())))
    kept = cap_of(known)
    return set_own(
        session, now, programme.id, languages=list(languages), formats=True, by=by, pack=WALES,
        cap=(kept.messages, kept.days) if kept else None,
    )  # fmt: skip


def _caps() -> Any:
    row = Policy.__table__.c
    return select(row.programme_id, row.cap_messages, row.cap_days).where(row.cap_messages.is_not(None))


# Made once: it is asked for every wave.
_CAPS = _caps()
