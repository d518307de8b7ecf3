"""A practice provider started for a test, a proof or the demo: its address, its controls and its log."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..http import Door
from . import log

HOUSE = Path(__file__).parents[2]  # where `-m` finds the very code that runs here


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs. `url` goes into the settings of practice accounts; `log` is the oracle."""

    url: str
    log: Path
    process: subprocess.Popen[str]
    door: Door

    def accepted(self) -> list[dict[str, Any]]:
        """Every acceptance so far, from the log, oldest first."""
        return list(log.read(self.log))

    def control(self, **switches: Any) -> Mapping[str, Any]:
        """Change switches (`provider.Switches`); all of them, and the count `accepted`."""
        told: Mapping[str, Any] = self.door.request("POST", f"{self.url}/control", json=switches).json()
        return told

    def happen(self, kind: str, account: str = "practice", **facts: Any) -> Mapping[str, Any]:
        """Make an event come back, in the provider's words (`events.KINDS`)."""
        body = {"type": kind, "account": account, **facts}
        told: Mapping[str, Any] = self.door.request("POST", f"{self.url}/control/events", json=body).json()
        return told

    def stop(self) -> None:
        """End the server; the log stays."""
        self.door.close()
        self.process.terminate()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


def start(path: Path, *arguments: str, port: int = 0, held: Callable[[], None] | None = None) -> Running:
    """Start a server that writes its log to `path`; `arguments` are those of its command line.

    `held` is called in the new process first: how it is to be bound to ours is not for a provider to say.
    """
    path = path.absolute()
    command = [sys.executable, "-m", "connectors.simulator.server", "--port", str(port), "--log", str(path)]
    process = subprocess.Popen(
        [*command, *arguments], cwd=HOUSE, stdout=subprocess.PIPE, text=True, preexec_fn=held
    )
    listening = process.stdout.readline().strip() if process.stdout else ""
    if not listening:
        process.wait()
        raise OSError(f"the practice provider did not start on port {port}")
    return Running(f"http://127.0.0.1:{listening}", path, process, Door(allow_hosts=("127.0.0.1",)))


@contextmanager
def running(path: Path, *arguments: str, held: Callable[[], None] | None = None) -> Iterator[Running]:
    """A server for the length of a block."""
    server = start(path, *arguments, held=held)
    try:
        yield server
    finally:
        server.stop()
