"""The practice provider's acceptance log: one JSON line per acceptance, written before anyone is answered.

Rules: append only (O_APPEND, one write per line), so the log survives a kill of its writer and is the oracle
of what went out. A line torn by a full disk was never answered; it is closed off and not counted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson


class Log:
    """The writing end. Every entry is with the operating system when `append` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_RDWR, 0o600)
        end = os.fstat(self._file).st_size
        if end and os.pread(self._file, 1, end - 1) != b"\n":
            os.write(self._file, b"\n")

    def append(self, entry: dict[str, Any]) -> None:
        """Add one line; OSError when the disk does not take all of it."""
        line = orjson.dumps(entry) + b"\n"
        if os.write(self._file, line) != len(line):
            os.write(self._file, b"\n")
            raise OSError("the disk is full")

    def close(self) -> None:
        os.close(self._file)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The entries, oldest first; nothing where there is no log yet."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines:
            try:
                yield orjson.loads(line)
            except ValueError:
                continue  # torn: its acceptance was never answered
