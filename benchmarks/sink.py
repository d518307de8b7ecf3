"""Postfix's `smtp-sink` as the relay of benchmarks: it takes every mail at once and keeps none."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY_S = 10.0
MISSING = "smtp-sink and smtp-source come with Postfix: apt install postfix"


@contextmanager
def relay(port: int, count: Path | None = None) -> Iterator[None]:
    """It listens for the length of a block; with `count` it writes its counters there, a quarter of its time."""
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    command = [tool("smtp-sink"), *user, *(["-c"] if count else []), f"127.0.0.1:{port}", "512"]
    with open(count or os.devnull, "wb") as out:
        process = subprocess.Popen(command, stdout=out)
        try:
            wait_for(port)
            yield
        finally:
            process.kill()
            process.wait()


def counted(path: Path, wanted: int) -> int:
    """How many mails it says it got, when it has had a moment to say so."""
    end = time.monotonic() + READY_S
    while True:
        got = int((re.findall(rb"mesg=(\d+)", path.read_bytes()[-200:]) or [b"0"])[-1])
        if got >= wanted or time.monotonic() > end:
            return got
        time.sleep(0.05)


def wait_for(port: int) -> None:
    """Return when somebody listens there."""
    end = time.monotonic() + READY_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def tool(name: str) -> str:
    """Where a program of Postfix's is; whoever does not have it is told what to install."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SystemExit(MISSING)
    return found
