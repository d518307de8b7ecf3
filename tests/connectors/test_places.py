"""A cursor is believed of one place: every connector that polls says which of its settings and secrets name it."""

from __future__ import annotations

from typing import Any

import pytest

from connectors import registry

HOSTED = {"base_url": "http://127.0.0.1:9"}
APP = {"client_id": "1", **HOSTED}
X = {"consumer_key": "k", "consumer_secret": "s", "access_token": "t", "access_token_secret": "ts"}
# Settings, secrets, each change that leads elsewhere, and those that do not.
PLACES: dict[str, tuple[dict[str, Any], dict[str, str], list[dict[str, Any]], list[dict[str, Any]]]] = {
    "bluesky": (
        {"handle": "cyngor.test"}, {"app_password": "abcd"},
        [{"handle": "arall.test"}, {"server": "https://pds.example"}], [{"deadline_s": 9.0}, {"app_password": "efgh"}],
    ),
    "discord": ({"channel_id": "5", **HOSTED}, {"token": "t"}, [{"channel_id": "6"}], [{"token": "u"}]),
    "discourse": (
        {"url": "https://forum.example", "username": "cyngor"}, {"api_key": "k"},
        [{"url": "https://arall.example"}, {"username": "arall"}], [{"category": 4}, {"api_key": "l"}],
    ),
    "facebook": (
        {"page_id": "5", **APP}, {"client_secret": "s"}, [{"page_id": "6"}], [{"access_token": "t"}],
    ),
    "instagram": (
        {"user_id": "5", **APP}, {"client_secret": "s"}, [{"user_id": "6"}], [{"access_token": "t"}],
    ),
    "linkedin": (
        {"organization_id": "5", **APP}, {"client_secret": "s"}, [{"organization_id": "6"}], [{"access_token": "t"}],
    ),
    "mastodon": (
        {"server": "https://toot.wales"}, {"access_token": "t"},
        [{"server": "https://mastodon.example"}], [{"text_max": 600}, {"access_token": "u"}],
    ),
    "matrix": (
        {"server": "https://matrix.example", "room": "#newyddion:matrix.example"}, {"access_token": "t"},
        [{"room": "#arall:matrix.example"}, {"server": "https://arall.example"}], [{"access_token": "u"}],
    ),
    "simulator": (
        {"url": "http://127.0.0.1:9"}, {}, [{"account": "arall"}, {"url": "http://127.0.0.1:8"}], [{"token": "u"}],
    ),
    "smtp": (
        {"host": "mail.example", "imap_host": "imap.example", "username": "cyngor"}, {"password": "p"},
        [{"imap_host": "arall.example"}, {"imap_username": "arall"}, {"imap_folder": "Atebion"}],
        [{"host": "arall.example"}, {"password": "q"}],
    ),
    "telegram": (
        {"chat": "@cyngor"}, {"token": "1:abc"}, [{"token": "2:abc"}], [{"token": "1:def"}, {"username": "bot"}],
    ),
    "wordpress": (
        {"url": "https://cyngor.example", "username": "cyngor"}, {"application_password": "p"},
        [{"url": "https://arall.example"}], [{"application_password": "q"}],
    ),
    "x": ({"user_id": "5", **HOSTED}, X, [{"user_id": "6"}], [{"access_token": "u"}]),
}  # fmt: skip


def place(name: str, **changed: Any) -> str:
    settings, secrets, _, _ = PLACES[name]
    known = {each.name for each in registry.provider(name).settings if each.secret}
    new = {each: value for each, value in changed.items() if each in known}
    rest = {each: value for each, value in changed.items() if each not in known}
    return registry.connect(name, {**settings, **rest}, {**secrets, **new}).place


def test_every_connector_that_polls_says_what_it_reads() -> None:
    polling = {name for name in registry.BUILT_IN if "poll" in registry.provider(name).faces}
    assert polling == PLACES.keys() and all(place(name) for name in polling)


@pytest.mark.parametrize(("name", "change"), [(name, one) for name in PLACES for one in PLACES[name][2]])
def test_another_place_is_named_otherwise(name: str, change: dict[str, Any]) -> None:
    assert place(name, **change) != place(name)


@pytest.mark.parametrize(("name", "change"), [(name, one) for name in PLACES for one in PLACES[name][3]])
def test_a_new_login_or_another_limit_leaves_the_place_as_it_is(name: str, change: dict[str, Any]) -> None:
    """A reconnect loses nothing: what came meanwhile is read from where reading stopped."""
    assert place(name, **change) == place(name)
