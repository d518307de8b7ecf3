"""Typed custom fields: their definitions, and the one check of every value that is written to them.

Rules: a field's type never changes; `attrs` holds the value as it is shown, `attrs_fold` the text of it as
it is compared; a number has at most 15 digits, so that both databases and every client read the same one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..errors import AlreadyDone, BadField, said
from .tables import FIELD_TYPES, Field
from .text import TEXT_MAX, clean, fold

CHOICES_MAX = 200
DIGITS_MAX = 15
NUMBER_MAX = 10**DIGITS_MAX
# The name stands in JSON paths and in templates, as `fields.NAME`.
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def define(session: Session, now: datetime, name: str, type: str, choices: Sequence[str] = ()) -> Field:
    """Add a field, or return the equal one that is there; AlreadyDone where the name means something else."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BadField(
            "a field's name is lower-case letters, digits and _, and begins with a letter", pointer="/name"
        )
    if type not in FIELD_TYPES:
        raise BadField(
            said("a field's type is one of {field_types}", field_types=FIELD_TYPES), pointer="/type"
        )
    offered = _choices(type, choices)
    found = session.scalar(select(Field).where(Field.name == name))
    if found is None:
        found = Field(name=name, type=type, choices=offered, created_at=now)
        session.add(found)
        session.flush()
    elif (found.type, found.choices) != (type, offered):
        raise AlreadyDone(
            said(
                "the field {name} is there already, as {type}; a field's type never changes",
                name=name,
                type=found.type,
            )
        )
    return found


def every(session: Session) -> dict[str, Field]:
    """All fields by name."""
    return {field.name: field for field in session.scalars(select(Field).order_by(Field.name))}


def check(session: Session, attrs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check values against their fields: `attrs` and `attrs_fold` as they are stored; else BadField."""
    return check_known(every(session) if attrs else {}, attrs)


def check_known(
    known: Mapping[str, Field], attrs: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """As `check`, with the fields already read."""
    if not isinstance(attrs, Mapping):
        raise BadField("attrs must be an object", pointer="/attrs")
    checked = {}
    for name, value in attrs.items():
        if name not in known:
            names = list(known) or [said("none")]
            raise BadField(
                said("there is no such field; define it first (there are: {names})", names=names),
                pointer=f"/attrs/{name}",
            )
        if value is not None:
            checked[name] = value_of(known[name], value, f"/attrs/{name}")
    return checked, folded(known, checked)


def value_of(field: Field, value: Any, pointer: str) -> Any:
    """One value as it is stored in this field; BadField where its type or choice does not fit."""
    if field.type in ("choice", "multi"):
        return _chosen(field, value, pointer)
    return _READERS[field.type](value, pointer)


def folded(known: Mapping[str, Field], attrs: Mapping[str, Any]) -> dict[str, Any]:
    """The text among checked values, as it is compared."""
    texts = {name: value for name, value in attrs.items() if known[name].type in ("text", "choice", "multi")}
    return {
        name: fold(text) if isinstance(text, str) else [fold(one) for one in text]
        for name, text in texts.items()
    }


def number(value: Any, pointer: str) -> int | float:
    """A number that every database and client holds exactly; a whole one as int."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadField("this must be a number", pointer=pointer)
    if (
        abs(value) >= NUMBER_MAX
        or float(f"{value:.{DIGITS_MAX}g}") != value
        or 0 < abs(value) < 1 / NUMBER_MAX
    ):
        raise BadField(
            said("a number has at most {digits_max} digits", digits_max=DIGITS_MAX), pointer=pointer
        )
    return int(value) if value == int(value) else value


def day(value: Any, pointer: str) -> str:
    """A date as `YYYY-MM-DD`."""
    try:
        read = date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        read = ""
    if read != value:  # other ISO forms are dates too, but text that sorts differently
        raise BadField("this must be a date such as 2026-11-02", pointer=pointer)
    return read


def boolean(value: Any, pointer: str) -> bool:
    """True or false, nothing that looks like it."""
    if not isinstance(value, bool):
        raise BadField("this must be true or false", pointer=pointer)
    return value


def _text(value: Any, pointer: str) -> str:
    return clean(value, pointer, length_max=TEXT_MAX, lines=True)


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "text": _text,
    "number": number,
    "date": day,
    "bool": boolean,
}


def _chosen(field: Field, value: Any, pointer: str) -> str | list[str]:
    wanted = value if field.type == "multi" else [value]
    if not isinstance(wanted, list):
        raise BadField("this must be a list of choices", pointer=pointer)
    chosen = [clean(one, pointer) for one in wanted]
    if not set(chosen) <= set(field.choices):
        raise BadField(said("choose from: {choices}", choices=field.choices), pointer=pointer)
    return list(dict.fromkeys(chosen)) if field.type == "multi" else chosen[0]


def _choices(type: str, choices: Sequence[str]) -> list[str]:
    offered = [clean(choice, f"/choices/{place}") for place, choice in enumerate(choices)]
    if (type in ("choice", "multi")) != bool(offered):
        raise BadField("choices belong to choice and multi fields, and those need some", pointer="/choices")
    if len(offered) > CHOICES_MAX or len({fold(choice) for choice in offered}) < len(offered):
        raise BadField(
            said(
                "choices must differ, in more than capitals, and be at most {choices_max}",
                choices_max=CHOICES_MAX,
            ),
            pointer="/choices",
        )
    return offered
