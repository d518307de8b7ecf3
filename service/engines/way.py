"""Gives way: who is at a mailing lets whoever has a letter to one person in hand go first.

Rules: threads of one process share its interpreter and, on SQLite, the one place to write. Two at once each take twice
as long, and what is due queues behind that. Who goes first does so for WAY_S at most: what takes longer is a mailing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# A letter to one person takes the worker 10 to 15 ms alone; a wave of a mailing about as long.
WAY_S = 0.05


class Way:
    """Who goes first now, and who waits for them."""

    def __init__(self, longest_s: float = WAY_S) -> None:
        self._longest_s = longest_s
        self._free = threading.Condition()
        self._first = 0
        self._until = 0.0

    @contextmanager
    def first(self) -> Iterator[None]:
        """Go first until the block ends, or that takes too long."""
        with self._free:
            self._first += 1
            self._until = time.monotonic() + self._longest_s
        try:
            yield
        finally:
            with self._free:
                self._first -= 1
                self._free.notify_all()

    def give(self) -> None:
        """Wait until nobody goes first."""
        with self._free:
            self._free.wait_for(lambda: not self._first, max(0.0, self._until - time.monotonic()))
