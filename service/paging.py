"""Lists a page at a time: keyset cursors, so rows that come in meanwhile neither repeat nor hide others.

Rules: a cursor is opaque and holds the sort key of a row; `limit` is 1 to 200; no total is counted.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from .problems import Refusal

LIMIT_DEFAULT = 50
LIMIT_MAX = 200


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in list order, and the cursors that lead on and back; None: nothing there."""

    rows: Sequence[Any]
    next: str | None
    previous: str | None

    @property
    def has_more(self) -> bool:
        """Whether rows follow after these."""
        return self.next is not None


def cut(
    session: Session,
    statement: Select[Any],
    key: InstrumentedAttribute[int],
    *,
    limit: int = LIMIT_DEFAULT,
    after: str | None = None,
    before: str | None = None,
    newest_first: bool = False,
) -> Page:
    """One page of a select of entities, ordered by an integer key that is unique (usually the id)."""
    backwards = before is not None
    down = newest_first != backwards  # the direction in which the database reads
    if after is not None or before is not None:
        (edge,) = read_cursor(after or before or "", (int,))
        statement = statement.where(key < edge if down else key > edge)
    statement = statement.order_by(key.desc() if down else key.asc()).limit(limit + 1)
    rows = list(session.scalars(statement))
    further = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()
    first, last = (cursor(getattr(row, key.key)) for row in (rows[0], rows[-1])) if rows else (None, None)
    return Page(
        rows,
        next=last if (backwards or further) else None,
        previous=first if (further if backwards else after is not None) else None,
    )


def cursor(*values: int | str) -> str:
    """An opaque cursor that holds these values."""
    return urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def read_cursor(text: str, kinds: tuple[type, ...]) -> tuple[Any, ...]:
    """The values inside a cursor; Refusal `invalid` for anything we did not make."""
    try:
        values = orjson.loads(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
    except ValueError:
        values = None
    if (
        not isinstance(values, list)
        or tuple(type(value) for value in values) != kinds
        or any(type(value) is int and abs(value) >= 1 << 63 for value in values)
    ):
        raise Refusal("invalid", "this is not a cursor of this list: take `next` or `previous` of an answer")
    return tuple(values)


def links(path: str, query: Mapping[str, str], page: Page) -> str:
    """The Link header that belongs to a page; empty where there is nothing to link to."""
    kept = {name: value for name, value in query.items() if name not in ("after", "before")}
    named = (("next", "after", page.next), ("prev", "before", page.previous))
    return ", ".join(
        f'<{path}?{urlencode({**kept, where: text})}>; rel="{rel}"' for rel, where, text in named if text
    )
