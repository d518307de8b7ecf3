"""A provider's side of the wire on loopback: a double of one says what it answers, this gives it an HTTP server.

class Pigeons(Far):
    def answer(self, asked: Asked) -> Said:
        return Said(201, {"id": "1"})

with running(Pigeons()) as pigeons:
    ...  # http://127.0.0.1:{pigeons.port}
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

CONNECTORS = Path(__file__).parents[2] / "connectors"


class Asked(NamedTuple):
    """One request. Header names are lower case; of a parameter given twice `query` has the first, `every` has all."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    every: Mapping[str, list[str]] = {}

    def json(self) -> Any:
        """The body as JSON, {} where there is none."""
        return json.loads(self.body or b"{}")

    def form(self) -> dict[str, str]:
        """The body as a web form."""
        return {name: values[0] for name, values in parse_qs(self.body.decode(), True).items()}


class Said(NamedTuple):
    """One answer: bytes as they are, anything else as JSON."""

    status: int
    body: Any = b""
    headers: Mapping[str, str] = {}


# take: it is answered as ever, but nobody hears that; lose: read, and nothing done; another word is the name of a
# sample of the connector; bytes go out as they are.
Trouble = str | bytes | Said


@dataclass
class Far(ABC):
    """A provider. `once` says what happens to the next request of a name (see `name`), or to the next of all ("")."""

    connector: ClassVar[str] = ""  # whose samples it speaks in
    port: int = 0
    once: dict[str, Trouble] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def name(self, asked: Asked) -> str:
        """What `once` knows a request by: its path, unless a provider knows better."""
        return asked.path

    @abstractmethod
    def answer(self, asked: Asked) -> Said:
        """What it says, one request at a time."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def said(self, asked: Asked) -> Said | bytes:
        """What goes back: an answer, or bytes after which the line is cut."""
        with self.lock:
            self.asked.append(asked)
            told = self.once.pop(self.name(asked), None) or self.once.pop("", None)
            if told is None or told == "take":
                answer = self.answer(asked)
                return answer if told is None else b""
            if told == "lose":
                return b""
            return sample(self.connector, told) if isinstance(told, str) else told


Doubled = TypeVar("Doubled", bound=Far)


@contextmanager
def running(far: Doubled) -> Iterator[Doubled]:
    """The provider on a free port of 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"far": far}))
    server.daemon_threads = True
    far.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield far
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def sample(connector: str, name: str) -> Said:
    """An answer of a provider as it was seen or documented: `status`, `headers`, `body`."""
    path = CONNECTORS / connector / "samples" / f"{name}.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    return Said(found["status"], found["body"], found["headers"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    far: Far

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        said = self.far.said(self._asked())
        if isinstance(said, bytes):
            self.wfile.write(said)
            self.close_connection = True
        else:
            self._say(said)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""

    def _asked(self) -> Asked:
        url = urlsplit(self.path)
        every = parse_qs(url.query, True)
        query = {name: values[0] for name, values in every.items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        return Asked(self.command, unquote(url.path), query, headers, body, every)

    def _say(self, said: Said) -> None:
        raw = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        kind = {} if isinstance(said.body, bytes) else {"Content-Type": "application/json"}
        self.send_response_only(said.status)
        for name, value in {**kind, **said.headers, "Content-Length": str(len(raw))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)
