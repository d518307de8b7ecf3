"""The processes of an installation, started as people start them, and what they take of the machine (Linux)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from service import leash
from service.wiring import Wiring

END_S = 60.0
RESTS = 0.2  # of a second is what a process takes at most while it waits


@dataclass(frozen=True, slots=True)
class Process:
    """One that runs, by its number."""

    pid: int

    def cpu_s(self) -> float:
        """Processor time so far, in steps of 10 ms."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_kb(self) -> int:
        """What is its own: no files, nothing shared."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


@contextmanager
def dolen(wiring: Wiring, name: str) -> Iterator[Process]:
    """`dolen NAME` on the database of `wiring` for the length of a block; it ends with this process."""
    folder = wiring.settings.folder
    outside = {key: value for key, value in os.environ.items() if not key.startswith("DOLEN_")}
    chosen = {
        "DOLEN__DATA__DIR": str(folder),
        "DOLEN__DATABASE__URL": wiring.settings.database.url,
        "DOLEN__LOG__LEVEL": "error",
    }
    with open(folder / f"{name}.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", name], env=outside | chosen, stderr=log, preexec_fn=leash.hold
        )
    try:
        yield Process(process.pid)
        if process.poll() is not None:
            raise SystemExit(f"dolen {name} ended by itself:\n{(folder / f'{name}.log').read_text()}")
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def at_rest(*processes: Process) -> None:
    """Wait until they have started: none takes more time than one that waits."""
    for process in processes:
        spent = -1.0
        while process.cpu_s() - spent > RESTS:
            spent = process.cpu_s()
            time.sleep(1.0)
