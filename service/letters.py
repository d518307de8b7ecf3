"""Plain mails of the installation's own, drawn from templates/mail in the reader's language: a subject and a text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from jinja2 import Environment

from . import words


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says."""

    subject: str
    text: str


def draw(template: str, language: str, **values: Any) -> Letter:
    """A template's first line is the subject, the rest after an empty line the text."""
    drawn = _environment(language).get_template(f"{template}.txt").render(language=language, **values)
    subject, _, text = drawn.strip().partition("\n")
    return Letter(" ".join(subject.split()), text.strip() + "\n")


@cache
def _environment(language: str) -> Environment:
    made = words.templates("mail", language, html=False)
    made.filters["moment"] = lambda at, zone: _moment(at, zone, language)
    return made


def _moment(at: datetime | str, zone: str, language: str) -> str:
    """A time as the reader's language writes it, in their zone; kept as ISO text in what was noticed."""
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    return format_datetime(
        instant,
        f"EEEE d MMMM y{words.COMMAS.get(language, ', ')}HH:mm",
        tzinfo=ZoneInfo(zone),
        locale=words.locale(language),
    )
