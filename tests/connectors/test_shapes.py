"""Reading answers of any shape: what is there is found, and what is not stops nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.shapes import field, instant, objects


@pytest.mark.parametrize(
    "found, value",
    [({"a": {"b": 5}}, 5), ({"a": {"b": None}}, None), ({"a": []}, None), ([], None), (None, None)],
)
def test_what_stands_within_is_found_or_none(found: Any, value: Any) -> None:
    assert field(found, "a", "b") == value


@pytest.mark.parametrize("found", [None, {}, "ab", 5, [], [1, "a", None, ["b"]]])
def test_only_objects_of_a_list_are_objects(found: Any) -> None:
    assert objects(found) == []
    assert objects([found, {"a": 1}])[-1] == {"a": 1}


@pytest.mark.parametrize(
    "found", ["2026-11-02T09:00:00Z", "2026-11-02T09:00:00", "2026-11-02T10:00:00+01:00"]
)
def test_a_time_is_aware(found: str) -> None:
    at = instant(found)
    assert at == datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("found", [None, "", "soon", 5, {}, "2026-13-02T09:00:00Z", "0001-01-01T00:00+23:00"])
def test_what_is_no_time_is_none(found: Any) -> None:
    assert instant(found) is None
