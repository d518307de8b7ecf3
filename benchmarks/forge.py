"""Processes of ours for proofs, forked from one that has imported everything: there in milliseconds, not in seconds.

Rules: the one they are forked from has no thread, no connection and no settings, so each is as new as one that was
started by `python -m service`. Each leads a session of its own, and none outlives the proof, however that ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Mapping
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from service import __main__ as dolen
from service import leash
from service.app import create_app
from service.commands import clock, serve, work

context = multiprocessing.get_context("forkserver")
# What nobody who is forked has to import any more: the commands, the application, and what proofs ask for.
context.set_forkserver_preload(
    [__name__, f"{__package__}.house", f"{__package__}.relay", "tests.connectors.relay", "tests.postgres"]
)
COMMANDS: tuple[Any, ...] = (clock, serve, work, create_app)


class Forged:
    """A process that runs; as `subprocess.Popen` where a proof asks something of it."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid: int = process.pid

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has ended; TimeoutError where it does not."""
        self._process.join(timeout)
        status = self.poll()
        if status is None:
            raise TimeoutError(f"process {self.pid} has not ended within {timeout} s")
        return status

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()


def start(command: str, environ: Mapping[str, str], errors: Path) -> Forged:
    """`dolen COMMAND` in this environment; what it complains of is added to the file `errors`."""
    ready, tell = context.Pipe(duplex=False)
    process = context.Process(target=_become, args=(command, dict(environ), str(errors), tell))
    process.start()
    tell.close()
    ready.recv()
    return Forged(process)


def _become(command: str, environ: dict[str, str], errors: str, tell: Connection) -> None:
    # Else the one we are forked from would outlive the proof for as long as we do, and we for as long as it does.
    os.close(forkserver._forkserver._forkserver_alive_fd)  # type: ignore[attr-defined]
    leash.hold(signal.SIGKILL)  # one that stands still would not hear SIGTERM
    os.setsid()
    tell.send(True)
    tell.close()
    with open(errors, "ab") as told:
        os.dup2(told.fileno(), 2)
    multiprocessing.set_start_method("fork", force=True)  # as in one that was not forged
    os.environ.clear()
    os.environ.update(environ)
    raise SystemExit(dolen.main([command]))
