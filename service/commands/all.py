"""`dolen all`: everything on this machine, each in a process of its own that is started again when it dies."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from .. import leash, logins
from ..engines.embedded import until_told
from ..settings import Http
from ..upgrade import upgrade
from ..wiring import Wiring
from . import wired

LOOK_S = 0.2
# A child that dies sooner than this after its start waits as long before the next, so that it cannot spin.
SETTLED_S = 2.0
# What a child needs beyond the time to drain; then it is killed, and recovery takes over.
PATIENCE_S = 15.0


@dataclass
class Child:
    """One process of ours."""

    command: list[str]
    quiet: bool = False  # what it says on standard output is for programs
    process: subprocess.Popen[bytes] | None = None
    started: float = field(default=float("-inf"))

    def keep_up(self) -> None:
        """Start it, or start it again."""
        if self.process is not None and self.process.poll() is None:
            return
        if time.monotonic() - self.started < SETTLED_S:
            return
        # A group of its own: a Ctrl-C reaches only us, and we stop the children in order.
        said = subprocess.DEVNULL if self.quiet else None
        self.process = subprocess.Popen(
            self.command, start_new_session=True, stdout=said, preexec_fn=leash.hold
        )
        self.started = time.monotonic()

    def stop(self) -> None:
        """Ask it to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def end(self, until: float) -> None:
        """Wait for it until then (monotonic), and kill it when it takes longer."""
        if self.process is not None:
            try:
                self.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def arguments(parser: ArgumentParser) -> None:
    """Nothing beyond the settings."""


def run(args: Namespace) -> int:
    """Upgrade the database, start everything, keep it up until told to stop."""
    wiring = wired(upgraded=False)
    if sys.stderr.isatty() and wiring.settings.log.level == "info":
        # A person looks on: a line for each request would hide the link.
        os.environ.setdefault("DOLEN__LOG__LEVEL", "warning")
    _must_be_free(wiring)
    print(f"Dolen is starting, with its data in {wiring.settings.folder}", flush=True)
    upgrade(wiring)
    hello = _hello(wiring)
    children = members(wiring)
    wiring.close()
    told = until_told(lambda: None)
    while not told.wait(LOOK_S):
        for child in children:
            child.keep_up()
        if hello and _answers(wiring.settings.http):
            print(hello, flush=True)
            hello = ""
    for child in children:
        child.stop()
    until = time.monotonic() + wiring.settings.work.drain_s + PATIENCE_S
    for child in children:
        child.end(until)
    return 0


def members(wiring: Wiring) -> list[Child]:
    """What runs: practice first, for the others may call it."""
    practice = wiring.settings.practice
    ours = [Child([sys.executable, "-m", "service", name]) for name in ("serve", "clock", "work")]
    if not practice.enabled:
        return ours
    log = wiring.settings.folder / "practice.log"
    server = ["-m", "connectors.simulator.server", "--port", str(practice.port), "--log", str(log)]
    return [Child([sys.executable, *server], quiet=True), *ours]


def _must_be_free(wiring: Wiring) -> None:
    """OSError where a port is taken. The server would share it, and each call would reach either installation."""
    http, practice = wiring.settings.http, wiring.settings.practice
    wanted = [("http.port", http.host, http.port)]
    if practice.enabled:
        wanted.append(("practice.port", "127.0.0.1", practice.port))
    for name, host, port in wanted:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                setting = f"DOLEN__{name.replace('.', '__').upper()}"
                raise OSError(
                    f"{name}: {host}:{port} cannot be used ({error.strerror});"
                    f" another one, for example: {setting}={port + 920} make run"
                ) from error


def _hello(wiring: Wiring) -> str:
    """What is said once pages can be opened: where, and the link of the first visit while nobody can sign in."""
    lines = [f"Dolen is ready on {wiring.settings.http.base_url}"]
    with wiring.database.write() as session:
        if not logins.anybody(session):
            link = wiring.links.url(logins.make_key(session, wiring.now(), None, logins.LONGEST))
            lines.append(f"Nobody can sign in yet. The first visit, once: {link}")
    return "\n".join([*lines, "Leave this window open; Ctrl-C stops it."])


def _answers(http: Http) -> bool:
    """Whether the service is up: an address that is told before that refuses whoever opens it."""
    call = HTTPConnection(http.host, http.port, timeout=LOOK_S)
    try:
        call.request("GET", "/healthz")
        return call.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        call.close()
