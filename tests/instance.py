"""A Dolen of our own, started as people start it, for tests of what is documented and what is packed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_S = 60.0


@dataclass(frozen=True)
class Instance:
    """Where it listens and the environment in which its command line speaks to the same data."""

    url: str
    environ: Mapping[str, str]

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a GET."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


@contextmanager
def instance(dolen: Path, folder: Path, environ: Mapping[str, str] = os.environ) -> Iterator[Instance]:
    """`dolen all` with its data in `folder`, on free ports of this machine, until the end of the block."""
    port = _free_port()
    outside = {name: value for name, value in environ.items() if not name.startswith("DOLEN_")}
    running = Instance(f"http://127.0.0.1:{port}", {**outside, **_settings(folder, port)})
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([dolen, "all"], cwd=folder, env=running.environ, stdout=log, stderr=log)
    try:
        _wait(running, process, folder / "log")
        yield running
    finally:
        _stop(process)


def _settings(folder: Path, port: int) -> dict[str, str]:
    return {
        "DOLEN__HTTP__PORT": str(port),
        "DOLEN__PRACTICE__PORT": str(_free_port()),
        "DOLEN__DATA__DIR": str(folder / "var"),
        "DOLEN__CONNECTORS__LOCAL": "true",
    }


def _wait(running: Instance, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if running.get("/readyz")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"Dolen did not start:\n{log.read_text(errors='replace')}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(START_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
