"""Every connector has the contract suite for everything that it says it can do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors import registry

from . import suites


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_what_a_connector_can_do_is_held_to_its_suite(name: str) -> None:
    lacking = suites.owed(registry.provider(name)) - suites.held(name).keys()
    assert not lacking, f"{name} says that it can do what no suite holds it to: {', '.join(sorted(lacking))}"


def test_a_face_more_is_a_suite_more() -> None:
    plain = replace(registry.provider("smtp"), faces=())
    assert suites.owed(plain) == {"OutboundContract", "RepeatContract"}
    whole = replace(
        plain,
        faces=("find", "poll", "hooks", "metrics", "refresh"),
        limits=replace(plain.limits, media_max=1),
    )
    assert suites.owed(whole) - suites.owed(plain) == {
        "PollContract", "HookContract", "ReadContract", "MetricsContract", "MediaContract", "RefreshContract",
    }  # fmt: skip
    assert suites.owed(replace(plain, faces=("by_people",))) == {"ByPeopleContract"}


def test_suites_are_found_where_they_are() -> None:
    assert set(suites.held("smtp")) == {"OutboundContract", "RepeatContract", "PollContract"}
    assert suites.held("pigeon") == {}


def test_no_two_suites_call_a_test_the_same() -> None:
    """In a class that holds both, one would run in place of the other."""
    names = [name for suite in suites.named() for name in suites.tests_of(suite)]
    assert len(names) > 30 and sorted(names) == sorted(set(names))


def test_every_suite_is_owed_by_something() -> None:
    """But for robots: that a provider shows them stands in no declaration."""
    owed = set[str]().union(*(suites.owed(provider) for provider in suites.built_in()))
    assert set(suites.named()) - owed == {"RobotContract"}
