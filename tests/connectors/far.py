"""A provider's side of the wire on loopback: a double of one says what it answers, this gives it an HTTP server.

class Pigeons(Far):
    def answer(self, asked: Asked) -> Said:
        return Said(201, {"id": "1"})

with running(Pigeons()) as pigeons:
    ...  # http://127.0.0.1:{pigeons.port}

`PostsSide` and `Called` are what the contract suites ask of such a double; `ParkingContract` is one that some share.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import strategies as st

from connectors.api import (
    AccountGone,
    Call,
    Connector,
    ConnectorError,
    Deferred,
    Outbound,
    Refused,
    Renewed,
    Uncertain,
)
from connectors.testing import FarEvents, FarHooks, FarLogins, FarRepeats

from .relay import bare, closed_port

CONNECTORS = Path(__file__).parents[2] / "connectors"
WRITES = ("send", "refresh")


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
    now: datetime = datetime(2026, 11, 2, 9, 0, 5, tzinfo=UTC)
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

    def pass_time(self, seconds: float) -> None:
        """So much later."""
        self.now += timedelta(seconds=seconds)

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


class PostsSide(FarRepeats):
    """A double's side of the contract. A network says what it took, and by which names it knows its troubles.

    `connect` connects its account at a port, `post` makes something to send of words. `once_at` is the name by which
    the double knows the request that sends, `no_picture` what happens to which request where a picture breaks off.
    """

    said: ClassVar[dict[type[ConnectorError], Trouble]] = {
        Deferred: "rate_limited",
        Refused: "bad_request",
        AccountGone: "unauthorized",
        Uncertain: "take",
    }
    theirs: ClassVar[Mapping[str, str]] = {}  # the provider's names of our figures
    no_picture: ClassVar[tuple[str, Trouble]] = ("", "lose")

    def __init__(
        self, it: Any, connect: Callable[[int], Connector], post: Callable[[str], Outbound], *secrets: str
    ) -> None:
        self.it, self._connect, self._post, self._secrets = it, connect, post, [*secrets]
        self._keys: dict[str, str] = {}

    @abstractmethod
    def taken(self) -> list[tuple[str, Any]]:
        """What it took, oldest first: the words as readers see them, and the whole as the double keeps it."""

    def key(self, words: str, whole: Any) -> str:
        """The key of something taken. Most know it by its words alone; others keep what was made of the key."""
        return self._keys[words]

    def once_at(self, outbound: Outbound) -> str:
        """What the double knows the sending of this by."""
        return str(outbound.text)

    def made(self, key: str) -> Any:
        """What was taken under a key, as the double keeps it."""
        return next(whole for words, whole in self.taken() if self.key(words, whole) == key)

    def connector(self) -> Connector:
        return self._connect(self.it.port)

    def unreachable(self) -> Connector:
        return self._connect(closed_port())

    def secrets(self) -> list[str]:
        return self._secrets

    def outbound(self, n: int, text: str = "Hello") -> Outbound:
        outbound = self._post(f"Hello {n}" if text == "Hello" else text)
        self._keys[str(outbound.text)] = outbound.key
        return outbound

    def accepted(self) -> list[str]:
        return [self.key(words, whole) for words, whole in self.taken()]

    def text(self, key: str) -> str:
        return next(words for words, whole in self.taken() if self.key(words, whole) == key)

    def troubles(self) -> Mapping[type[ConnectorError], Callable[[int], Outbound]]:
        return {kind: partial(self.told, trouble) for kind, trouble in self.said.items()}

    def unanswered(self, n: int) -> Outbound:
        return self.told("take", n)

    def lost(self, n: int) -> Outbound:
        return self.told("lose", n)

    def pass_time(self, seconds: float) -> None:
        self.it.pass_time(seconds)

    def refuses_media(self) -> None:
        name, trouble = self.no_picture
        self.it.once[name] = trouble

    def count(self, provider_id: str, figure: str, value: int) -> None:
        self.it.counts.setdefault(provider_id, {})[self.theirs[figure]] = value

    def told(self, trouble: Trouble, n: int) -> Outbound:
        """The n-th thing to send, which this happens to."""
        outbound = self.outbound(n)
        self.it.once[self.once_at(outbound)] = trouble
        return outbound


class ListsComments(PostsSide, FarEvents):
    """A network that is asked for comments and has hooks too. Its double keeps `posts` and `comments`; `name` is one
    that a comment could have."""

    name: ClassVar[str]

    def spoil(self, name: str) -> None:
        """The first comment has a name from now on that nobody knows how to read."""
        self.it.comments[0]["id"] = name


class ParkingContract:
    """What a network owes whose lists of comments are read as its calls are."""

    def test_what_cannot_be_read_of_a_list_is_parked_as_of_a_call(self, far: ListsComments) -> None:
        """The comments beside it are told all the same, and a later release may read it."""
        connector = far.connector()
        for n in (1, 2):
            far.happen("reply", n)
        far.spoil("pfbid02")
        assert connector.poll is not None and connector.read is not None
        found = connector.poll(None)
        assert [one.text for one in found.events] == ["reply 2"]
        (kept,) = found.parked
        assert "pfbid02" in kept and connector.read(kept.encode()).parked == (kept,)
        (known,) = connector.read(kept.replace("pfbid02", far.name).encode()).events
        assert (known.kind, known.text, known.references) == ("reply", "reply 1", (far.it.posts[0]["id"],))


class Called(FarHooks):
    """A provider's calls, each made anew: a good one, one with an event nobody can read, one by the older secret."""

    def __init__(
        self,
        hooked: Callable[[], Connector],
        good: Callable[[], Call],
        bad: Callable[[], Call],
        old: Callable[[], Call] | None = None,
    ) -> None:
        self._hooked, self._good, self._bad, self._old = hooked, good, bad, old or good

    def connector(self) -> Connector:
        return self._hooked()

    def call(self) -> Call:
        return self._good()

    def older(self) -> Call:
        return self._old()

    def spoilt(self) -> Call:
        return self._bad()


class Renewing(FarLogins):
    """A provider's logins: `refused` is what it says, to the requests of these names, once it renews no more.

    `connect` connects an account at a port with secrets; `asked` is the request that renews.
    """

    def __init__(
        self,
        it: Far,
        connect: Callable[[int, Mapping[str, str]], Connector],
        secrets: Mapping[str, str],
        asked: str,
        refused: Mapping[str, Trouble],
    ) -> None:
        self._it, self._connect, self._secrets = it, connect, secrets
        self._asked, self._refused = asked, refused

    def connector(self) -> Connector:
        return self._connect(self._it.port, self._secrets)

    def unreachable(self) -> Connector:
        return self._connect(closed_port(), self._secrets)

    def with_login(self, renewed: Renewed) -> Connector:
        return self._connect(self._it.port, {**self._secrets, **renewed.secrets})

    def takes_back(self) -> None:
        self._it.once.update(self._refused)

    def breaks(self) -> None:
        self._it.once[self._asked] = "take"

    def secrets(self) -> list[str]:
        return [*self._secrets.values()]


def failing(
    connect: Callable[[int], Connector], outbound: Outbound, far: Far, told: Trouble, at: str | None = None
) -> ConnectorError:
    """How sending this fails where that happens to the request named `at`, by default by its words."""
    far.once[str(outbound.text) if at is None else at] = told
    with pytest.raises(ConnectorError) as caught:
        connect(far.port).send(outbound)
    return caught.value


def shapes(names: Sequence[str], *values: Any) -> st.SearchStrategy[Any]:
    """JSON of any shape in which these names stand; with `values` it gets past the first look."""
    leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    return st.recursive(
        leaves | st.sampled_from(values) if values else leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner, max_size=6)
        ),
        max_leaves=14,
    )


def stops_nobody(connect: Callable[[int], Connector], body: Any, *asks: tuple[Any, ...]) -> None:
    """Each face, asked by its name and with these arguments, reads such an answer or says that it cannot.

    What only reads may be asked again; what writes may not be sure.
    """
    raw = json.dumps(body).encode()
    head = f"HTTP/1.1 200 x\r\nContent-Length: {len(raw)}\r\nConnection: close\r\n\r\n".encode()

    def talk(connection: Any) -> None:
        connection.recv(65536)
        connection.sendall(head + raw)

    with bare(talk) as port:
        connector = connect(port)
        for face, *given in asks:
            may = (Deferred, AccountGone, Refused, Uncertain) if face in WRITES else (Deferred, AccountGone)
            try:
                getattr(connector, face)(*given)
            except ConnectorError as error:
                assert isinstance(error, may)


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
