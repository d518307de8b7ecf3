"""The processes of the demo, all on loopback: an IMAP inbox, a post office, the practice provider, and Dolen itself."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from connectors.simulator import log, running

from .. import leash
from .postoffice import Inbox

USER = "dolen"
PATIENCE_S = 60.0


@dataclass
class Cast:
    """Everything that runs, and how to reach it."""

    folder: Path
    environ: dict[str, str]
    base_url: str
    imap_port: int
    password: str
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    smtp_port: int = 0
    practice: running.Running | None = None

    @property
    def inbox(self) -> Inbox:
        """The mailbox that replies and bounces arrive in."""
        return Inbox(self.imap_port, USER, self.password)

    def letters(self) -> list[dict[str, str]]:
        """What the post office accepted, in order: the oracle of what went out by mail."""
        return list(log.read(self.folder / "postoffice.log"))

    def letter_to(self, address: str) -> dict[str, str]:
        """The newest letter that went to this address."""
        return next(letter for letter in reversed(self.letters()) if letter["to"] == address)

    def start(self, name: str) -> None:
        """Start one of Dolen's own processes."""
        command = [sys.executable, "-m", "service", name]
        self.processes[name] = subprocess.Popen(command, env=self.environ, text=True, preexec_fn=leash.hold)

    def kill(self, name: str) -> None:
        """kill -9."""
        self.processes[name].kill()
        self.processes[name].wait()

    def dolen(self, *arguments: str) -> str:
        """Run the command line once; what it prints on standard output."""
        command = [sys.executable, "-m", "service", *arguments]
        done = subprocess.run(command, env=self.environ, text=True, capture_output=True)
        if done.returncode:
            raise RuntimeError(f"dolen {' '.join(arguments)} failed:\n{done.stderr}")
        return done.stdout.strip()

    def stop(self) -> None:
        """End everything, Dolen first."""
        for name in reversed(list(self.processes)):
            self.processes[name].terminate()
        for process in self.processes.values():
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
        if self.practice is not None:
            self.practice.stop()


@contextmanager
def cast(folder: Path) -> Iterator[Cast]:
    """Set everything up in an empty folder; ends with the block."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    http, imap = free_port(), free_port()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DOLEN__")},
        "DOLEN__DATA__DIR": str(folder / "data"),
        "DOLEN__HTTP__PORT": str(http),
        "DOLEN__MAIL__DOMAIN": "dolen.example",
        "DOLEN__PRACTICE__ENABLED": "false",
        "DOLEN__CONNECTORS__LOCAL": "true",
        "DOLEN__WORK__POLL_S": "1",
        "DOLEN__WORK__LEASE_S": "6",
        "DOLEN__LOG__LEVEL": "error",
        "DOLEN__DEMO__FOLDER": str(folder),
        "DOLEN__DATABASE__URL": "",
    }
    made = Cast(folder, environ, f"http://127.0.0.1:{http}", imap, secrets.token_urlsafe(12))
    try:
        _outside(made)
        made.dolen("db", "upgrade")
        for name in ("serve", "clock", "work"):
            made.start(name)
        _until_ready(f"{made.base_url}/readyz")
        yield made
    finally:
        made.stop()


def free_port() -> int:
    """A port nobody listens on now."""
    with closing(socket.socket()) as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port


def _outside(made: Cast) -> None:
    """The world that Dolen talks to."""
    _mailbox(made)
    made.smtp_port = free_port()
    office = [sys.executable, "-m", "service.demo.postoffice", "--port", str(made.smtp_port)]
    office += ["--log", str(made.folder / "postoffice.log")]
    box = ["--imap", str(made.imap_port), "--user", USER, "--password", made.password]
    made.processes["post office"] = subprocess.Popen(
        [*office, *box], text=True, stdout=subprocess.DEVNULL, preexec_fn=leash.hold
    )
    _until_open(made.smtp_port, made.processes["post office"])
    made.practice = running.start(made.folder / "practice.log", held=leash.hold)


def _mailbox(made: Cast, tries: int = 3) -> None:
    """An IMAP server; on another port where somebody took the first one before it could."""
    command = [sys.executable, "-c", "from pymap.main import main; main()", "--host", "127.0.0.1"]
    command += ["--port", str(made.imap_port), "--no-tls"]
    box = ["--no-service", "managesieve", "dict", "--demo-user", USER, "--demo-password", made.password]
    with open(made.folder / "imap.log", "w") as words:
        made.processes["imap"] = subprocess.Popen(
            [*command, *box], text=True, stdout=words, stderr=words, preexec_fn=leash.hold
        )
    try:
        _until_open(made.imap_port, made.processes["imap"])
    except RuntimeError:
        if tries == 1 or made.processes["imap"].poll() is None:
            raise
        made.imap_port = free_port()
        _mailbox(made, tries - 1)


def _until_open(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


def _until_ready(url: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the service did not become ready")
