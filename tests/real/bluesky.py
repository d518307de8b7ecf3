"""The Bluesky network on this machine, as its makers test it: accounts are made as people make them."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.postgres import Cluster, end_with_us

from .install import installed
from .ports import free_port, wait_for

POST = "app.bsky.feed.post"


@dataclass(frozen=True)
class Somebody:
    """An account of the network, signed in."""

    server: str
    handle: str
    did: str
    password: str
    token: str

    def ask(self, method: str, **body: Any) -> dict[str, Any]:
        """A call that changes something, as this account."""
        return _ask(self.server, method, body, self.token)

    def make(self, collection: str, at: str, **record: Any) -> str:
        """A record of this account: a post, a like, a repost; its address."""
        told = {"$type": collection, "createdAt": at, **record}
        return str(
            self.ask("com.atproto.repo.createRecord", repo=self.did, collection=collection, record=told)[
                "uri"
            ]
        )

    def reads(self, method: str, **query: str) -> dict[str, Any]:
        """A call that changes nothing."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        request = urllib.request.Request(f"{self.server}/xrpc/{method}?{asked}")
        request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(json.load(answer))


@contextmanager
def network(postgres: Cluster, folder: Path) -> Iterator[str]:
    """The address of the server that people's accounts live on; everything ends with the block."""
    postgres.create("bluesky")
    redis_port, place = free_port(), installed("bluesky")
    assert place is not None
    with open(folder / "log", "wb") as log, _redis(redis_port, folder, log) as redis:
        outside = {
            **os.environ,
            "NODE_PATH": str(place / "node_modules"),
            "DB_POSTGRES_URL": f"postgresql://postgres@/bluesky?host={postgres.folder}",
            "REDIS_HOST": redis,
            "LOG_ENABLED": "false",
        }
        script = Path(__file__).with_name("network.js")
        running = subprocess.Popen(
            ["node", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=outside,
            cwd=folder,
        )
        assert running.stdin is not None and running.stdout is not None
        try:
            told = next((line for line in running.stdout if line.startswith(b'{"pds"')), b"")
            if not told:
                raise RuntimeError((folder / "log").read_text(errors="replace")[-2000:])
            yield str(json.loads(told)["pds"])
        finally:
            running.stdin.close()
            running.wait(30)
            running.stdout.close()


def join(server: str, handle: str) -> Somebody:
    """A new account."""
    body = {"handle": handle, "email": f"{handle}@example.org", "password": "a password of its own"}
    made = _ask(server, "com.atproto.server.createAccount", body)
    return Somebody(server, handle, made["did"], body["password"], made["accessJwt"])


@contextmanager
def _redis(port: int, folder: Path, log: Any) -> Iterator[str]:
    place = installed("redis")
    assert place is not None
    command = [str(place / "bin" / "redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    running = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, preexec_fn=end_with_us())
    try:
        wait_for(port, running)
        yield f"127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(10)


def _ask(server: str, method: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    request = urllib.request.Request(f"{server}/xrpc/{method}", json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return dict(json.load(answer))
