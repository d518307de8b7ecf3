"""What is odd about the words of one message by themselves: told before it goes, and never in its way."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.messages import planning, uneven

from .conftest import Desk


def told(desk: Desk) -> list[dict[str, Any]]:
    message = desk.submitted()
    assert message.state == "scheduled"
    return planning.warnings(desk.session, message, desk.now)


@pytest.mark.parametrize(
    ("welsh", "lacking"),
    [
        ("{{ name }}, {{ fields.town }}", []),
        ("{{ name }}, {{ fields.town|default('yma') }} {{ unsubscribe_url }}", []),
        ("{{ name }}", ["fields.town"]),
        ("Bore da", ["name", "fields.town"]),
    ],
)
def test_a_language_that_leaves_out_what_another_says_is_told(
    desk: Desk, welsh: str, lacking: list[str]
) -> None:
    """T15"""
    desk.write("{{ name }}, {{ fields.town }}", language="en")
    desk.write(welsh, language="cy")
    one = {"kind": "other_values", "channel": "email", "language": "cy", "names": lacking}
    assert told(desk) == ([one] if lacking else [])


def test_each_language_may_leave_something_out_and_channels_are_looked_at_apart(desk: Desk) -> None:
    """T15"""
    desk.write("{{ name }}", language="en")
    desk.write("{{ fields.town }}", language="cy")
    desk.write("Bore da", channel="sms", language="cy", subject="")
    assert [(one["language"], one["names"]) for one in told(desk)] == [
        ("cy", ["name"]),
        ("en", ["fields.town"]),
    ]


@pytest.mark.parametrize(("more", "clipped"), [(0, False), (1, True), (200 * 1024, True)])
def test_a_mail_that_is_shown_cut_is_told(desk: Desk, more: int, clipped: bool) -> None:
    """T16: what mail programs hide they hide from its end, where the way out is."""
    words = "<style>" + "p { color: red } " * 9 + "</style><p>ŵ"
    size = uneven.SHOWN_MAX + more - len(words.encode())
    desk.write("Bore da", html=words + "a" * size)
    found = [(one["kind"], one["language"], one["most_kb"]) for one in told(desk)]
    assert found == ([("clipped", "en", 102)] if clipped else [])
