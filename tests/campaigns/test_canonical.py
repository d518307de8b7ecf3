"""Tests of canonical JSON: equal things have one digest, different things have two."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.canonical import canonical, digest

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abcŵ", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_the_order_of_keys_and_the_form_of_letters_make_no_difference() -> None:
    assert digest({"a": 1, "b": ["ŵ"]}) == digest({"b": ["w\u0302"], "a": 1})
    assert canonical({"b": 1, "a": "ŵ"}) == '{"a":"ŵ","b":1}'.encode()
    assert digest({}).startswith("sha256:") and len(digest({})) == 71


@given(PLAIN, PLAIN)
def test_different_things_have_different_digests(one: Any, other: Any) -> None:
    assert (canonical(one) == canonical(other)) == (digest(one) == digest(other))


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {1: 2}, {"ŵ": 1, "w\u0302": 2}, {"a": b"x"}, {"a": {1}}]
)
def test_what_two_readers_could_see_differently_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        digest(value)
