"""Servers of benchmarks and proofs that are processes of their own: each prints its port first, and ends with us."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from service import leash


@contextmanager
def served(module: str, *arguments: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """`python -m module` for the length of a block: its port on 127.0.0.1, and its process."""
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=leash.hold)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), process
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
