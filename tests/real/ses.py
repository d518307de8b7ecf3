"""Amazon SES on this machine: a local one that others wrote, and what it took."""

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


@contextmanager
def local() -> Iterator[str]:
    """The address of one of its own; it ends with the block."""
    folder, port = installed("ses"), free_port()
    assert folder is not None
    program = folder / "node_modules" / ".bin" / "aws-ses-v2-local"
    server = subprocess.Popen(
        [str(program), "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=end_with_us(),
    )  # fmt: skip
    try:
        wait_for(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def taken(server: str) -> list[dict[str, Any]]:
    """The mails it took, in no order."""
    with urllib.request.urlopen(f"{server}/store", timeout=10) as answer:
        return list(json.load(answer)["emails"])
