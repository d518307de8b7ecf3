"""A line to a real server that can be cut: it hands requests on, and the answer to one of them to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import quote, urlencode, urlsplit

from tests.connectors import far
from tests.connectors.far import Asked, Far, Said


@dataclass
class Between(Far):
    """`once` names a part of a path: {"putRecord": "take"} lets the next one through, and cuts its answer."""

    server: str = ""

    def name(self, asked: Asked) -> str:
        """The part of the path that `once` waits for."""
        return next((part for part in self.once if part in asked.path), asked.path)

    def answer(self, asked: Asked) -> Said:
        """What the server says."""
        there = urlsplit(self.server)
        line = HTTPConnection(there.hostname or "", there.port, timeout=60)
        path = quote(asked.path) + (f"?{urlencode(asked.every, doseq=True)}" if asked.every else "")
        line.request(asked.method, path, asked.body, {**asked.headers, "host": there.netloc})
        told = line.getresponse()
        body = told.read()
        line.close()
        kept = {name: value for name, value in told.getheaders() if name.lower() not in FRAMING}
        return Said(told.status, body, kept)


FRAMING = ("content-length", "transfer-encoding", "connection", "keep-alive", "date", "server")


@contextmanager
def between(server: str) -> Iterator[Between]:
    """A line to this server, on a port of its own."""
    with far.running(Between(server=server)) as line:
        yield line
