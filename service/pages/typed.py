"""What people type into forms, read as values; what cannot be read is refused at its field."""

from __future__ import annotations

import re
from datetime import date, datetime

from flask import request

from campaigns.base import parse_id
from campaigns.errors import BadField, Invalid

from . import frame


def text(name: str) -> str:
    """One field, without the blanks around it."""
    return request.form.get(name, "").strip()


def several(name: str) -> list[str]:
    """Every box that was ticked under this name."""
    return [one for one in request.form.getlist(name) if one]


def words(name: str) -> list[str]:
    """A list that was typed with commas or lines between."""
    return [one.strip() for one in re.split(r"[,;،\n]", request.form.get(name, "")) if one.strip()]


def number(prefix: str, name: str, *, held: str | None = None) -> int | None:
    """The id in a field; None where it is empty."""
    given = text(name) if held is None else held
    if not given:
        return None
    try:
        return parse_id(prefix, given)
    except Invalid as error:
        raise BadField("choose one of the list", pointer=f"/{name}") from error


def day(name: str) -> date | None:
    """A day as `<input type=date>` sends it; None where it is empty."""
    if not (given := text(name)):
        return None
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise BadField("this must be a date such as 2026-11-02", pointer=f"/{name}") from error


def moment(name: str) -> datetime:
    """A time as `<input type=datetime-local>` sends it, in the reader's zone."""
    try:
        wall = datetime.fromisoformat(text(name))
    except ValueError as error:
        raise BadField("this must be a date and a time", pointer=f"/{name}") from error
    return wall if wall.tzinfo else wall.replace(tzinfo=frame.reader_zone())


def minutes(name: str) -> int:
    """`09:30` as minutes after midnight; `00:00` at the end of a day is its end."""
    hour, _, minute = request.form.get(name, "").partition(":")
    if not (hour.isdecimal() and minute[:2].isdecimal() and int(hour) < 24 and int(minute[:2]) < 60):
        raise BadField("write a time of day such as 09:00", pointer=f"/{name}")
    found = int(hour) * 60 + int(minute[:2])
    return 24 * 60 if name == "closes" and found == 0 else found
