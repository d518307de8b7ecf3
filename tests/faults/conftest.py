"""What a fault needs: a world on SQLite with any connector, providers that misbehave, and processes of our own."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from campaigns.database import Database
from campaigns.delivery import accounts
from campaigns.delivery.tables import Account, Attempt
from connectors import registry

from ..campaigns.delivery.world import KEYED, World
from ..connectors.relay import bare


@dataclass
class Post:
    """A world whose account is connected to a real or a misbehaving provider by the product's own connector."""

    world: World
    alarms: list[tuple[str, str]] = field(default_factory=list)

    def connect(self, connector: str, secrets: dict[str, str] | None = None, **chosen: Any) -> None:
        """Connect the account anew."""
        self.world.connector.close()
        self.world.connector = registry.connect(connector, chosen, secrets or {})
        with self.world.database.write() as session:
            account = session.get_one(Account, self.world.account_id)
            account.connector, account.settings = connector, chosen
            accounts.declare(account, self.world.connector)

    def mail(self, port: int, secrets: dict[str, str] | None = None, **chosen: Any) -> None:
        """Connect it to a relay on this machine."""
        usual = {"host": "127.0.0.1", "port": port, "security": "off", "deadline_s": 2.0}
        self.connect("smtp", secrets, **{**usual, **chosen})

    def practice(self, url: str, repeats: str = "findable", **chosen: Any) -> None:
        """Connect it to something that speaks as the practice provider does."""
        self.connect("simulator", url=url, channel="email", repeats=repeats, **{"deadline_s": 2.0, **chosen})

    def run(self) -> None:
        """Work all that is due now."""
        self.world.run(alarm=lambda name, account: self.alarms.append((name, account)))

    def later(self, **span: float) -> None:
        """Time passes, and what is due then is worked."""
        self.world.later(**span)
        self.run()

    def sent(self, *names: str, **more: Any) -> int:
        """A message to people of these names, worked at once; its id."""
        message_id = self.world.message(names or ["ann"], **more)
        self.run()
        return message_id

    def state(self, message_id: int) -> str:
        """The state of the only row."""
        (state,) = self.world.states(message_id).values()
        return state

    def account(self) -> Account:
        with self.world.database.read() as session:
            return session.get_one(Account, self.world.account_id)

    def phases(self) -> list[str | None]:
        """How far each attempt got that was no plain success."""
        with self.world.database.read() as session:
            return [one.phase for one in session.query(Attempt).order_by(Attempt.at)]


@pytest.fixture
def sqlite(memory: Path, sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A database of its own, on SQLite: for faults to which the kind of database makes no difference."""
    folder = memory / f"fault-{tmp_path.name}"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "dolen.db")
    database = Database(f"sqlite:///{folder}/dolen.db")
    yield database
    database.close()
    shutil.rmtree(folder)


@pytest.fixture
def post(sqlite: Database, now: datetime) -> Iterator[Post]:
    made = Post(World(sqlite, now, KEYED))
    yield made
    made.world.connector.close()


@contextmanager
def answering(answer: Callable[[bytes], bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """A web server that answers each request with the bytes `answer` gives; its address, and what it was asked."""
    asked: list[bytes] = []

    def talk(line: socket.socket) -> None:
        line.settimeout(5)
        request = _request(line)
        if request:
            asked.append(request)
            line.sendall(answer(request))

    with bare(talk) as port:
        yield f"http://127.0.0.1:{port}", asked


def _request(line: socket.socket) -> bytes:
    """One whole request; empty where nobody asked."""
    read = b""
    while b"\r\n\r\n" not in read:
        more = line.recv(65_536)
        if not more:
            return b""
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    found = re.search(rb"content-length: *([0-9]+)", head, re.IGNORECASE)
    length = int(found[1]) if found else 0
    while len(body) < length:
        body += line.recv(65_536)
    return head + b"\r\n\r\n" + body


def reply(status: int, body: bytes = b"{}", *headers: str) -> bytes:
    """An HTTP answer after which the connection is closed."""
    more = "".join(f"{one}\r\n" for one in headers)
    return (
        f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n".encode()
        + body
    )
