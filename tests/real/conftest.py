"""Fixtures for tests against real servers: each starts once, or says in a line why it is left out."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.postgres import Cluster
from tests.service.conftest import admin, api, people, wiring

from . import bluesky, postoffice, synapse
from .dolen import Loop
from .install import installed


@pytest.fixture
def loop(api: object, wiring: object, admin: str) -> Loop:
    """An installation with its API, worked step by step."""
    return Loop(api, wiring, admin)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def bluesky_server(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Bluesky server, with directory and AppView behind it."""
    if not (installed("bluesky") and installed("redis")):
        pytest.skip("Bluesky is not installed: `make test-real` says why")
    with bluesky.network(postgres, tmp_path_factory.mktemp("bluesky")) as server:
        yield server


@pytest.fixture(scope="session")
def matrix_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Matrix homeserver."""
    if not installed("synapse"):
        pytest.skip("Synapse is not installed: `make test-real` says why")
    with synapse.homeserver(tmp_path_factory.mktemp("synapse")) as server:
        yield server


@pytest.fixture
def post_office() -> Iterator[postoffice.PostOffice]:
    """Postfix and Dovecot with empty mailboxes."""
    if not installed("mail") or os.geteuid():
        pytest.skip("Postfix and Dovecot are started by root alone: `make test-real` says what is missing")
    with postoffice.running() as office:
        yield office


__all__ = ["admin", "api", "people", "wiring"]
