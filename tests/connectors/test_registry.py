"""Which connectors there are, and what is said about settings that do not fit."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors import registry, simulator
from connectors.api import BadSettings, Connector, Provider, Setting

URL = "http://127.0.0.1:1"


def test_what_is_built_in_comes_first_and_is_known_by_its_name() -> None:
    """Each is a provider of its own name, with settings that are named once."""
    assert registry.names()[: len(registry.BUILT_IN)] == list(registry.BUILT_IN)
    for name in registry.BUILT_IN:
        known = registry.provider(name)
        named = [setting.name for setting in known.settings]
        assert known.name == name and known.channels and known.about and len(set(named)) == len(named)


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    """The remedy is in the words."""
    with pytest.raises(registry.UnknownConnector, match="simulator"):
        registry.provider("pigeon")


def test_defaults_are_filled_in() -> None:
    """Only what differs needs to be said."""
    connector = registry.connect("simulator", {"url": URL}, {})
    assert (connector.name, connector.channel, connector.broadcast) == ("simulator", "email", False)
    assert connector.limits.html and connector.limits.in_flight == 8


@pytest.mark.parametrize(
    ("settings", "secrets", "problems"),
    [
        ({}, {}, {"url": "is missing: where the practice provider listens, such as http://127.0.0.1:8025"}),
        ({"url": ""}, {}, {"url": "must not be empty"}),
        ({"url": 5}, {}, {"url": "must be text"}),
        ({"url": None}, {}, {"url": "must be text"}),
        ({"url": URL, "colour": "red"}, {}, {"colour": "this connector has no such setting"}),
        ({"url": URL}, {"colour": "red"}, {"colour": "this connector has no such setting"}),
        ({"url": URL, "life_s": "long"}, {}, {"life_s": "must be a number"}),
        ({"url": URL, "life_s": True}, {}, {"life_s": "must be a number"}),
        ({"url": URL, "token": "t"}, {}, {"token": "is a secret"}),
        ({}, {"url": URL}, {"url": "is not a secret"}),
        ({"url": URL}, {"token": 5}, {"token": "must be text"}),
        ({"life_s": ""}, {"x": ""}, None),
    ],
)
def test_every_setting_that_is_missing_or_wrong_is_named(
    settings: dict[str, Any], secrets: dict[str, Any], problems: dict[str, str] | None
) -> None:
    """All of them at once, each with what to do about it; never with its value."""
    with pytest.raises(BadSettings) as told:
        registry.connect("simulator", settings, secrets)
    if problems is None:
        assert set(told.value.problems) == {"url", "life_s", "x"}
    else:
        assert told.value.problems == problems


def test_a_whole_number_is_a_number() -> None:
    """JSON has one kind of number."""
    connector = registry.connect("simulator", {"url": URL, "repeats": "keyed", "life_s": 60}, {})
    assert connector.repeats.life_s == 60  # type: ignore[union-attr]


PIGEON = replace(
    simulator.PROVIDER,
    name="pigeon",
    settings=(Setting("loft", "where it lives", required=True),),
    connect=lambda settings, secrets: registry.connect(
        "simulator", {"url": URL, "account": settings["loft"], "repeats": "blind"}, secrets
    ),
)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package from elsewhere with two connectors, one under a name that is taken, and a broken one."""
    info = tmp_path / "pigeon-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeon\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[dolen.connectors]\npigeon = {__name__}:PIGEON\nsimulator = {__name__}:PIGEON\nbroken = {__name__}:URL\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.path_importer_cache.clear()


def test_a_connector_from_elsewhere_is_found_and_held_to_its_settings(installed: None) -> None:
    """Installing it is enough."""
    assert registry.names() == [*registry.BUILT_IN, "broken", "pigeon"]
    connector: Connector = registry.connect("pigeon", {"loft": "north"}, {})
    assert connector.find is None
    with pytest.raises(BadSettings, match="loft is missing"):
        registry.connect("pigeon", {}, {})


def test_what_is_built_in_is_never_replaced(installed: None) -> None:
    """A package cannot take over the accounts of another connector."""
    assert registry.provider("simulator") is simulator.PROVIDER


def test_an_entry_point_that_is_no_provider_is_told(installed: None) -> None:
    """It is the package that is wrong, and the words name it."""
    with pytest.raises(TypeError, match="broken"):
        registry.provider("broken")


def test_what_a_provider_declares_is_what_its_accounts_have() -> None:
    """The list people choose from tells the truth: faces of a connected account, settings it takes."""
    declared: Provider = simulator.PROVIDER
    secrets: Mapping[str, str] = {"hook_secret": "whsec_bmV3ZXIu", "refresh_token": "once"}
    connector = registry.connect("simulator", {"url": URL, "repeats": "findable"}, secrets)
    assert [face for face in ("find", "hooks", "poll", "refresh") if getattr(connector, face)] == list(
        declared.faces
    )
