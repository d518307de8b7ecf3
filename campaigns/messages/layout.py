"""The house layout: how the mails of an organisation look, as data that the drawing of mails reads.

Rules: a programme without a layout of its own takes that of the programme above it, and in the end the
organisation's; what nobody has set has a plain default, so there is always a layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import regex
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..errors import BadField
from ..stakeholders.text import clean
from ..strategies import programmes
from . import media
from .blocks import COLOUR, Dress
from .tables import HouseLayout, Media

# The layout of every programme that has none of its own.
EVERYBODY = 0
LINES_MAX = 2_000
# White letters on a colour need this contrast to be read (WCAG 1.4.3).
CONTRAST_MIN = 4.5

_HEX = regex.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands around the words of a mail. `colour` is #rrggbb and dark enough for white letters on it."""

    name: str = ""
    colour: str = COLOUR
    logo_media_id: int | None = None
    footer: str = ""
    address: str = ""


def house(session: Session, programme_id: int | None) -> Layout:
    """The layout of a programme's mails; None: the organisation's."""
    places = [*(programmes.lineage(session, programme_id) if programme_id else ()), EVERYBODY]
    rows = {
        row.programme_id: row
        for row in session.scalars(select(HouseLayout).where(HouseLayout.programme_id.in_(places)))
    }
    row = next((rows[place] for place in places if place in rows), None)
    if row is None:
        return Layout()
    return Layout(row.name, row.colour, row.logo_media_id, row.footer, row.address)


def own(session: Session, programme_id: int | None) -> HouseLayout | None:
    """The layout that was set for exactly this programme, or for the organisation (None)."""
    return session.scalar(select(HouseLayout).where(HouseLayout.programme_id == (programme_id or EVERYBODY)))


def set_house(
    session: Session,
    now: datetime,
    programme_id: int | None,
    *,
    name: str = "",
    colour: str = COLOUR,
    logo_media_id: int | None = None,
    footer: str = "",
    address: str = "",
) -> HouseLayout:
    """Set the layout of a programme, or of the organisation (None). The logo is a picture both may use."""
    values = {
        "name": clean(name, "/name", empty=True).strip(),
        "colour": _colour(colour),
        "logo_media_id": _logo(session, programme_id, logo_media_id),
        "footer": clean(footer, "/footer", length_max=LINES_MAX, lines=True, empty=True).strip(),
        "address": clean(address, "/address", empty=True).strip(),
    }
    row = own(session, programme_id)
    if row is None:
        row = HouseLayout(programme_id=programme_id or EVERYBODY, created_at=now, updated_at=now, **values)
        session.add(row)
    else:
        for field, value in values.items():
            setattr(row, field, value)
        row.touch(now)
    session.flush()
    return row


def dress(session: Session, programme_id: int | None, language: str) -> Dress:
    """The layout of a programme's mails as the drawing of blocks takes it."""
    found = house(session, programme_id)
    logo = session.get(Media, found.logo_media_id) if found.logo_media_id is not None else None
    return Dress(
        name=found.name, colour=found.colour, footer=found.footer, address=found.address,
        logo=media.path(logo) if logo else "", logo_alt=(media.alt(logo, language) or "") if logo else "",
    )  # fmt: skip


def drop(session: Session, programme_id: int) -> None:
    """Have a programme take the layout above it again."""
    row = own(session, programme_id)
    if row is not None:
        session.delete(row)
        session.flush()


def contrast(colour: str) -> float:
    """How much white letters stand out from a colour, 1 to 21 (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _colour(value: object) -> str:
    text = clean(value, "/colour").strip().lower()
    if not _HEX.fullmatch(text):
        raise BadField("write a colour as # and six letters or digits, such as #0b5a3c", pointer="/colour")
    if contrast(text) < CONTRAST_MIN:
        raise BadField(
            "white letters cannot be read well on this colour: choose a darker one", pointer="/colour"
        )
    return text


def _logo(session: Session, programme_id: int | None, media_id: int | None) -> int | None:
    if media_id is None:
        return None
    found = session.get(Media, media_id)
    if found is None or found.kind != "picture" or found.programme_id not in (None, programme_id):
        raise BadField("there is no such picture here: choose one of the list", pointer="/logo")
    return found.id
