"""Providers with one address for everybody: where the door opens."""

from __future__ import annotations

import pytest

from connectors import hosted
from connectors.http import NotAllowed

PIGEONS = "https://api.pigeon.example"


def test_the_door_opens_for_the_provider_and_what_belongs_to_it() -> None:
    """U1"""
    given = {"base_url": PIGEONS, "deadline_s": 5.0}
    door = hosted.door(given, PIGEONS, secrets=["s"], others=["loft.pigeon.example"])
    assert door.check(f"{PIGEONS}/fly") and door.check("https://loft.pigeon.example/")
    for url in ("https://pigeon.example/", "http://api.pigeon.example/", "http://127.0.0.1:80/"):
        with pytest.raises(NotAllowed):
            door.check(url)


def test_who_practises_reaches_this_machine_alone() -> None:
    door = hosted.door({"base_url": "http://127.0.0.1:8080", "deadline_s": 5.0}, PIGEONS, secrets=[])
    assert door.check("http://127.0.0.1:8080/fly")
    with pytest.raises(NotAllowed):
        door.check(f"{PIGEONS}/fly")


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"base_url": PIGEONS, "deadline_s": 5.0}, set()),
        ({"base_url": "http://localhost:1/bot", "deadline_s": 120}, set()),
        (
            {"base_url": "https://api.pigeon.example.evil.example", "deadline_s": 0},
            {"base_url", "deadline_s"},
        ),
        ({"base_url": PIGEONS, "deadline_s": 121}, {"deadline_s"}),
    ],
)
def test_another_address_or_time_than_can_be_is_named(given: dict[str, object], wrong: set[str]) -> None:
    assert set(hosted.problems(given, PIGEONS)) == wrong
