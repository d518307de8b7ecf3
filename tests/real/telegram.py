"""The Telegram Bot API on this machine: an emulator that others wrote, with the client's side of it."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.postgres import end_with_us

from .install import installed
from .ports import free_port, wait_for

START = "new (require('telegram-test-api'))({port: %d, host: '127.0.0.1', storeTimeout: 600}).start()"


@contextmanager
def emulator() -> Iterator[str]:
    """The address of an emulator of its own; it ends with the block."""
    folder, port = installed("telegram"), free_port()
    server = subprocess.Popen(
        ["node", "-e", START % port],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=end_with_us(),
    )
    try:
        wait_for(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def ask(server: str, path: str, **told: Any) -> Any:
    """What the client's side of it answers."""
    body = json.dumps(told).encode()
    request = urllib.request.Request(f"{server}/{path}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["result"]
