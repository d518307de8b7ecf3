"""Rows as they are written into files that people take away: ids as everywhere outside, times in UTC, nothing binary.

Rules: whole numbers that other programs would round are text; a CSV cell that a spreadsheet would run is made
harmless.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import IO, Any

import orjson

from campaigns.base import public_id
from campaigns.stakeholders.files import harmless

from .ids import PREFIXES

# The largest whole number that JSON readers in browsers keep as it is.
SAFE = 2**53
# Columns that name a thing by another word than its kind, or a kind that its table is not called by.
MEANT = {
    "person": "stakeholder", "body": "stakeholder", "content": "content_item", "version": "strategy_version",
    "parent": "programme", "answers": "response", "answer_message": "message", "below": "variant", "after": "message",
    "corrects": "interaction", "evidence": "interaction", "owner": "user", "deputy": "user", "logo_media": "media",
    "photo": "media", "replaces": "token", "endpoint": "webhook_endpoint", "sample": "programme",
}  # fmt: skip
TABLES = {
    "strategy_comments": "comment", "message_comments": "comment", "queue_slots": "slot", "media": "media",
    "cadence_promises": "promise", "sending_hours": "sending_hours",
}  # fmt: skip


def told(row: Mapping[str, Any], kind: str | None = None) -> dict[str, Any]:
    """A row by the names of its columns; `kind` is what its own `id` names."""
    return {name: _value(name, value, kind) for name, value in row.items() if not isinstance(value, bytes)}


def line(row: Mapping[str, Any]) -> bytes:
    """One line of JSON."""
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)


def table(out: IO[str], header: Sequence[str]) -> Any:
    """A function that writes one row as a line of CSV below this header."""
    write = csv.writer(out).writerow
    write(header)
    return lambda row: write([_cell(row.get(name)) for name in header])


@cache
def kind_of(name: str) -> str | None:
    """What the rows of a table are, as a kind of id; None where they have no id outside."""
    if name in TABLES:
        return TABLES[name]
    singular = (name.removesuffix("s"), name.removesuffix("es"), name.removesuffix("ies") + "y")
    return next((one for one in singular if one in PREFIXES), None)


def _value(name: str, value: Any, kind: str | None) -> Any:
    if value is None or isinstance(value, bool | str | float):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return _number(name, value, kind)
    return _deep(value)


def _number(name: str, value: int, kind: str | None) -> str | int:
    named = kind if name == "id" else _meant(name)
    if named is not None and value:
        return public_id(PREFIXES[named], value)
    return value if abs(value) < SAFE else str(value)


@cache
def _meant(name: str) -> str | None:
    stem = name.removesuffix("_id")
    if stem == name:
        return None
    return MEANT.get(stem, stem if stem in PREFIXES else None)


def _deep(value: Any) -> Any:
    """JSON inside a column, with numbers that others would round as text."""
    if isinstance(value, Mapping):
        return {str(name): _value(str(name), inner, None) for name, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_value("", inner, None) for inner in value]
    return value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else str(value)
