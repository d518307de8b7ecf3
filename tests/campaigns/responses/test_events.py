"""How an event is kept: whatever it holds becomes what both databases take, and what was well said stays as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from campaigns.responses import events
from connectors.api import Event

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
GOOD = Event(
    key="e1", kind="reply", at=NOW, provider_id="p1", references=("<a@b>",), sender="siân@example.org", subject="Helô",
    text="شكرا\nDiolch", language="cy", hard=True, verified=False, meta={"n": 1, "list": ["a", None, 0.5]}, raw=b"{}",
)  # fmt: skip
# Surrogates, which no UTF-8 holds, and NUL, which PostgreSQL does not.
anything = st.text(st.characters(), max_size=60) | st.sampled_from(["\0", "\ud800", "x" * 3000, 7, None])
LINES = ("kind", "provider_id", "recipient_token", "sender", "sender_name", "about", "subject", "language")


def again(event: Event) -> Event:
    return events.decode(events.key(event), orjson.loads(events.encode(event, NOW)))


def test_what_was_well_said_stays_as_it_is() -> None:
    assert replace(again(GOOD), raw=GOOD.raw) == GOOD


@given(st.fixed_dictionaries({name: anything for name in LINES}), anything)
def test_whatever_stands_in_it_becomes_text_that_both_databases_take(
    lines: dict[str, Any], text: Any
) -> None:
    """One bad line spoils no other."""
    kept = again(replace(GOOD, **lines, text=text))
    for name, value in {**lines, "text": text}.items():
        found = getattr(kept, name)
        assert isinstance(found, str) and "\0" not in found and found.encode().decode() == found
        if name != "text":
            assert len(found) <= events.LINE_MAX
        if isinstance(value, str) and "\0" not in value and value.isascii() and len(value) <= events.LINE_MAX:
            assert found == value
