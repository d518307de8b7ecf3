"""Tests of lengths: counted as each network counts, not with len()."""

from __future__ import annotations

import pytest

from campaigns.messages import lengths

FAMILY = "👨‍👩‍👧‍👦"
LONG = "https://example.org/" + "a" * 80


@pytest.mark.parametrize(
    ("counting", "text", "expected"),
    [
        ("codepoints", "ŵ", 1),
        ("codepoints", "w\u0302", 2),
        ("codepoints", FAMILY, 7),
        ("graphemes", "w\u0302ŷ", 2),
        ("graphemes", FAMILY * 300, 300),
        ("graphemes", "السلام", 6),
        ("bluesky", "السلام", 6),
        ("bluesky", f"Teulu: {FAMILY}", 8),
        ("bluesky", FAMILY * 120, 300),
        ("bluesky", FAMILY * 121, 303),
        ("x", "", 0),
        ("x", "a" * 280, 280),
        ("x", FAMILY, 2),
        ("x", "日本", 4),
        ("x", f"see {LONG}", 4 + 23),
        ("mastodon", f"see {LONG}", 4 + 23),
        ("mastodon", f"see {LONG} x", 4 + 23 + 2),
        ("mastodon", "hi @ann@social.example", 7),
        ("mastodon", "@ann.b@a.example @bob", 11),
        ("mastodon", "mail me: ann@example.org", 24),
        ("mastodon", FAMILY, 1),
        ("sms", "Helo! [£5 = €6]", 18),
        ("sms", "Helo! [£5 = €6] ŵ", 17),
        ("sms", "السلام", 6),
        ("sms", FAMILY, 11),
    ],
)
def test_a_text_is_as_long_as_its_network_says(counting: str, text: str, expected: int) -> None:
    """R43, C3"""
    assert lengths.count(counting, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("é" * 160, 1),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("€" * 153, 3),  # 306 places, but none of the signs is cut in two
        ("ŵ" * 70, 1),
        ("ŵ" * 71, 2),
        ("a" * 70 + "ŷ", 2),
        ("س" * 134, 2),
        ("س" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 67, 3),
    ],
)
def test_a_text_message_is_cut_as_networks_cut_it(text: str, expected: int) -> None:
    """D5: letters of Welsh and Arabic cost more than others."""
    assert lengths.segments(text) == expected


def test_an_unknown_way_of_counting_is_an_error() -> None:
    with pytest.raises(ValueError):
        lengths.count("bytes", "x")


def test_what_is_over_its_limit_is_named_with_both_numbers() -> None:
    """C3"""
    limits = {"text_max": 5, "subject_max": 2, "counting": "graphemes"}
    found = lengths.over(limits, "bluesky", "abc", FAMILY * 6)
    assert [(one["field"], one["limit"], one["actual"]) for one in found] == [
        ("subject", 2, 3),
        ("text", 5, 6),
    ]
    assert lengths.over(limits, "bluesky", "ab", FAMILY * 5) == []
    assert lengths.over({}, "email", "x" * 9999, "x" * 9999) == []


@pytest.mark.parametrize(
    ("counting", "text", "expected"),
    [
        ("mastodon", "Am saith", 6),
        ("mastodon", "Am saith, @Sian@toot.wales", 0),
        ("mastodon", "Am saith, @sianed@toot.wales", 6),
        ("bluesky", "Am saith", 0),
        ("x", "Am saith", 0),
    ],
)
def test_the_name_that_an_answer_begins_with_counts_on_mastodon(
    counting: str, text: str, expected: int
) -> None:
    """C3, L3"""
    assert lengths.opening({"counting": counting}, "sian@toot.wales", text) == expected
    assert lengths.opening({"counting": counting}, "@sian@toot.wales", text) == expected


def test_what_stands_before_a_text_counts_once_and_is_told() -> None:
    limits = {"text_max": 10, "counting": "mastodon", "parts_max": 25}
    assert lengths.over(limits, "mastodon", "", "1234\n---\n1234567890", 6) == []
    (found,) = lengths.over(limits, "mastodon", "", "12345\n---\n1234567890", 6)
    assert (found["limit"], found["actual"]) == (10, 11) and "begins with" in found["detail"]


def test_a_text_shares_its_place_with_what_pictures_show_where_there_is_one_for_both() -> None:
    """C3, C5"""
    limits = {"caption_max": 20}
    assert lengths.caption_over(limits, "telegram", "x" * 99, []) == []
    assert lengths.caption_over(limits, "telegram", "x" * 20, [""]) == []
    assert lengths.caption_over({}, "discord", "x" * 99, ["Pont"]) == []
    assert lengths.caption_over(limits, "telegram", "x" * 6, ["Pont", "Pont"]) == []
    (found,) = lengths.caption_over(limits, "telegram", "x" * 7, ["Pont", "Pont"])
    assert (found["field"], found["limit"], found["actual"]) == ("text", 20, 21)
