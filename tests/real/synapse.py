"""A Matrix homeserver on this machine: Synapse, as its makers let it be started by hand."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.postgres import end_with_us

from .install import installed
from .ports import free_port, wait_for

API = "/_matrix/client/v3"
# Beside what it makes for itself. Its limits are lifted: hundreds of things are said here in a row.
SETTINGS = """
listeners:
  - {{port: {port}, type: http, bind_addresses: ['127.0.0.1'], resources: [{{names: [client]}}]}}
database: {{name: sqlite3, args: {{database: {folder}/homeserver.db}}}}
enable_registration: true
enable_registration_without_verification: true
suppress_key_server_warning: true
trusted_key_servers: []
rc_message: {{per_second: 1000, burst_count: 1000}}
rc_registration: {{per_second: 1000, burst_count: 1000}}
"""


@dataclass(frozen=True)
class Somebody:
    """An account of the homeserver, signed in."""

    server: str
    name: str
    token: str

    def ask(self, verb: str, path: str, **body: Any) -> dict[str, Any]:
        """A call as this account."""
        return _ask(verb, f"{self.server}{API}{path}", body, self.token)

    def says(self, room: str, kind: str, transaction: str, **content: Any) -> str:
        """An event of this account in a room; its name."""
        path = f"/rooms/{quote(room, safe='')}/send/{kind}/{transaction}"
        return str(self.ask("PUT", path, **content)["event_id"])


@contextmanager
def homeserver(folder: Path) -> Iterator[str]:
    """The address of a homeserver of its own; it ends with the block."""
    place, port = installed("synapse"), free_port()
    assert place is not None
    command = [str(place / "bin" / "python"), "-m", "synapse.app.homeserver", "--config-path", "made.yaml"]
    more = ["--server-name", "localhost", "--generate-config", "--report-stats=no"]
    subprocess.run([*command, *more], cwd=folder, check=True, capture_output=True)
    (folder / "ours.yaml").write_text(SETTINGS.format(port=port, folder=folder), encoding="utf-8")
    with open(folder / "log", "wb") as log:
        ours = [*command, "--config-path", "ours.yaml"]
        running = subprocess.Popen(ours, cwd=folder, stdout=log, stderr=log, preexec_fn=end_with_us())
    try:
        wait_for(port, running)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(30)


def join(server: str, name: str) -> Somebody:
    """A new account."""
    body = {"username": name, "password": "a password of its own", "auth": {"type": "m.login.dummy"}}
    made = _ask("POST", f"{server}{API}/register", body)
    return Somebody(server, made["user_id"], made["access_token"])


def _ask(verb: str, url: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode() if verb != "GET" else None, method=verb)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return dict(json.load(answer))
