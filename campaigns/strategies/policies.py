"""Policies of programmes: what they ask of their messages beyond the law, alone or as a pack in one step.

Rules: a policy holds for everything under its programme and is only ever added to on the way down.
Source: the gates, "Never optional"; SM18.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..stakeholders.people import language
from . import programmes
from .tables import Policy, Programme

# What the pack *Public body in Wales* turns on.
WALES = "public_body_in_wales"
WALES_LANGUAGES = ("cy", "en")


@dataclass(frozen=True, slots=True)
class Policies:
    """What holds for a programme, with what stands above it. `formats`: other formats are offered to whoever asks."""

    languages: tuple[str, ...] = ()
    formats: bool = False


def of(session: Session, programme_id: int) -> Policies:
    """What holds for a programme."""
    places = programmes.lineage(session, programme_id)
    rows = {
        row.programme_id: row
        for row in session.scalars(select(Policy).where(Policy.programme_id.in_(places)))
    }
    found = [rows[place] for place in places if place in rows]
    languages = dict.fromkeys(tag for row in found for tag in row.languages)
    return Policies(tuple(languages), any(row.formats for row in found))


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
) -> Policy:
    """Set what this programme itself asks."""
    programmes.get(session, programme_id)
    tags = list(dict.fromkeys(language(tag, "/languages") for tag in languages))
    row = own(session, programme_id)
    if row is None:
        row = Policy(programme_id=programme_id, created_at=now, updated_at=now)
        session.add(row)
    else:
        row.touch(now)
    row.languages, row.formats, row.by, row.pack = tags, formats, by, pack
    session.flush()
    return row


def adopt_wales(session: Session, now: datetime, programme: Programme, by: str) -> Policy:
    """The pack *Public body in Wales*, without its quiet period and its assurance: both languages, other formats."""
    known = own(session, programme.id)
    languages = dict.fromkeys((*WALES_LANGUAGES, *(known.languages if known else ())))
    return set_own(session, now, programme.id, languages=list(languages), formats=True, by=by, pack=WALES)
