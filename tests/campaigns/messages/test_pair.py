"""The language pair: messages wait until their words are there in every language that the policy names."""

from __future__ import annotations

from campaigns.messages import blockers, pair
from campaigns.strategies import policies

from .conftest import Desk


def missing(desk: Desk, message: object) -> list[str]:
    found = blockers.blockers(desk.session, message, desk.now)  # type: ignore[arg-type]
    return [one["language"] for one in found if one["kind"] == pair.KIND]


def ask(desk: Desk, *languages: str) -> None:
    policies.set_own(desk.session, desk.now, desk.programme.id, languages=languages, formats=False, by="ann")


def test_without_a_policy_one_language_is_enough(desk: Desk) -> None:
    assert missing(desk, desk.submitted()) == []


def test_a_message_is_held_until_the_other_language_is_written(desk: Desk) -> None:
    """The gates: the Welsh pair, where a policy says so."""
    ask(desk, "cy", "en")
    message = desk.submitted()
    assert missing(desk, message) == ["cy"] and message.state == "held"
    desk.write("Helo", language="cy-GB")
    assert missing(desk, message) == [] and message.state == "scheduled"


def test_an_answer_is_never_held_for_a_language(desk: Desk) -> None:
    ask(desk, "cy")
    message = desk.message()
    assert missing(desk, message) == ["cy"]
    message.kind = "answer"
    assert missing(desk, message) == []
