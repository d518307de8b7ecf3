"""Draws the templates of the pages: one environment per language, with its words, dates and numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_decimal, format_percent
from flask import url_for
from jinja2 import Environment, pass_context
from jinja2.runtime import Context

from campaigns.stakeholders import consent
from connectors import registry

from .. import words


def draw(template: str, language: str, zone: ZoneInfo, **values: Any) -> str:
    """One page as text; `zone` is where its times are told."""
    return (
        environment(language)
        .get_template(template)
        .render(
            language=language, direction=words.DIRECTIONS[language], languages=words.LANGUAGES,
            directions=words.DIRECTIONS, zone=zone, **values,
        )
    )  # fmt: skip


@cache
def environment(language: str) -> Environment:
    """The templates of the pages with the words of one language."""
    made = words.templates("pages", language)
    made.filters |= {
        "moment": _moment,
        "clock": _clock,
        "day": _day,
        "said_at": _said_at,
        "ago": _ago,
        "wall": _wall,
        "number": lambda value: format_decimal(value, locale=words.locale(language)),
        "percent": lambda value: format_percent(value, locale=words.locale(language)),
        "language_name": lambda code: words.language_name(code, language),
        "wrong": _wrong,
        "network": lambda name: _network(str(name), language),
    }
    return made


@cache
def static(name: str) -> str:
    """The address of a file of ours, which changes with what is in it: browsers may keep it."""
    body = (resources.files("service") / "static" / name).read_bytes()
    return url_for("static", filename=name, v=hashlib.sha256(body).hexdigest()[:12])


@pass_context
def _moment(context: Context, at: datetime | None) -> str:
    """A time in the reader's zone, as their language writes it."""
    if at is None:
        return ""
    language = context["language"]
    form = f"d MMM y{words.COMMAS.get(language, ', ')}HH:mm"
    return format_datetime(at, form, tzinfo=context["zone"], locale=words.locale(language))


@pass_context
def _clock(context: Context, at: datetime) -> str:
    """The time of day alone."""
    return format_time(at, "HH:mm", tzinfo=context["zone"], locale=words.locale(context["language"]))


@pass_context
def _day(context: Context, on: date | None, form: str = "d MMM y") -> str:
    """A day, in the reader's zone where it is an instant; `form` as Unicode writes patterns of dates."""
    if on is None:
        return ""
    local = on.astimezone(context["zone"]) if isinstance(on, datetime) else on
    return format_date(local, form, locale=words.locale(context["language"]))


@pass_context
def _said_at(context: Context, at: datetime, clock: bool = True) -> str:
    """When somebody said something, as it was told: a time, or a day, which is the same wherever the reader is."""
    if consent.is_day(at):
        return _day(context, at.astimezone(UTC).date())
    return _moment(context, at) if clock else _day(context, at)


@pass_context
def _ago(context: Context, at: datetime) -> str:
    """How far from now, either way."""
    return format_timedelta(at - context["now"], add_direction=True, locale=words.locale(context["language"]))


@pass_context
def _wall(context: Context, at: datetime | None) -> str:
    """A time as `<input type=datetime-local>` holds it."""
    return at.astimezone(context["zone"]).strftime("%Y-%m-%dT%H:%M") if at is not None else ""


@cache
def _network(name: str, language: str) -> str:
    """What a connector is called: it says so in front of the colon in what it tells of itself."""
    try:
        return words.tell(registry.provider(name).about, language).partition(":")[0]
    except registry.UnknownConnector:
        return name.replace("_", " ").capitalize()


def _wrong(said: Mapping[str, str] | None, field: str) -> str:
    """What was wrong with one field of a form."""
    return said["problem"] if said and said["pointer"].split("/")[1:2] == [field] else ""
