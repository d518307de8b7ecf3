"""How many callers at once may keep us waiting for the body of a request: a part of the threads, never all of them.

Rules: bodies that come as fast as they can wait for each other and are all taken. Who comes when all places stay taken
by slow ones is told to come back; so whoever sends bodies byte by byte keeps out others with a body, and nobody who
only reads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from .problems import Refusal

# Of so many threads one may wait for a body: browsers that wait for news hold others.
SHARE = 4
# A place is waited for so long: many times what a body takes that is on its way, and no time for a browser.
PATIENCE_S = 0.25

Start = Callable[..., Any]
Environ = dict[str, Any]
Wsgi = Callable[[Environ, Start], Iterable[bytes]]


class Bodies:
    """Between the server and the application."""

    def __init__(self, inner: Wsgi, threads: int) -> None:
        self._inner = inner
        self._places = threading.BoundedSemaphore(max(1, threads // SHARE))

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """The application's answer."""
        environ["wsgi.input"] = _Body(environ["wsgi.input"], self._places)
        return self._inner(environ, start)


class _Body:
    """The body as the server gives it; each reading of it takes a place."""

    def __init__(self, given: Any, places: threading.BoundedSemaphore) -> None:
        self._given, self._places = given, places

    def read(self, *size: int) -> bytes:
        return self._placed(self._given.read, *size)

    def readline(self, *size: int) -> bytes:
        return self._placed(self._given.readline, *size)

    def __iter__(self) -> Any:
        return iter(self.readline, b"")

    def _placed(self, reading: Callable[..., bytes], *size: int) -> bytes:
        if not self._places.acquire(timeout=PATIENCE_S):
            raise Refusal(
                "busy", "too many bodies are still on their way: try again", headers={"Retry-After": "5"}
            )
        try:
            return reading(*size)
        finally:
            self._places.release()
