"""What changed between two versions, word by word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from campaigns.strategies import differences
from campaigns.strategies.differences import Piece


def test_words_that_changed_are_marked_and_nothing_else() -> None:
    assert differences.words("Walk more often", "Walk far more") == [
        Piece("same", "Walk "), Piece("added", "far "), Piece("same", "more"), Piece("removed", " often"),
    ]  # fmt: skip


@given(st.text(max_size=60), st.text(max_size=60))
def test_both_texts_can_be_read_from_the_pieces(old: str, new: str) -> None:
    pieces = differences.words(old, new)
    assert "".join(one.text for one in pieces if one.kind != "added") == old
    assert "".join(one.text for one in pieces if one.kind != "removed") == new


def test_long_texts_are_compared_by_line() -> None:
    long = "word " * (differences.WORDS_MAX + 1)
    kinds = [one.kind for one in differences.words(long + "\nold", long + "\nnew")]
    assert kinds == ["same", "removed", "added"]


def test_sections_are_compared_in_reading_order_and_empty_ones_left_out() -> None:
    old = {"key_messages": ["One", "Two"], "aims": "Same", "tone": ""}
    new = {"aims": "Same", "key_messages": ["One", "Three"], "cadence": "Weekly"}
    changes = differences.bodies(old, new)
    assert [one.section for one in changes] == ["aims", "key_messages", "cadence"]
    assert [one.same for one in changes] == [True, False, False]
    assert Piece("removed", "Two") in changes[1].pieces and changes[2].pieces == [Piece("added", "Weekly")]
