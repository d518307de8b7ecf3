"""What stands in a provider's answer, whatever its shape is: answers are not trusted to look as documented."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

# What reading an answer of another shape than documented may raise: it is parked then, or asked again.
UNREADABLE = (LookupError, TypeError, ValueError, OverflowError, AttributeError, OSError)


def field(found: Any, *names: str) -> Any:
    """What stands under these names, one within the other; None where one is not there."""
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def objects(found: Any) -> list[dict[str, Any]]:
    """The objects of a list; nothing else of it."""
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def instant(found: Any) -> datetime | None:
    """A time in words (ISO 8601), in UTC; None where it is none. Without a zone it is taken for UTC."""
    try:
        at = datetime.fromisoformat(str(found))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the first and the last hours of the calendar are no time everywhere
        return None


def dated(at: datetime, body: bytes) -> str:
    """A body that says no time itself, with when it came: so it is parked, and can be read again."""
    return f"{at.isoformat()}\n{body.decode('utf-8', 'replace')}"


def undated(words: bytes) -> tuple[datetime, bytes]:
    """When a body that was parked like that came, and the body; one without its time is heard of now."""
    at, _, body = words.partition(b"\n")
    try:
        return datetime.fromisoformat(at.decode()), body
    except ValueError:
        return datetime.now(UTC), words


def raw(found: Any, body: bytes) -> bytes:
    """A part of a body as bytes, the same however its own parts were ordered; the whole body where it is too deep."""
    try:
        return orjson.dumps(found, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return body
