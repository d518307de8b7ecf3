"""An SMTP server that follows a script, keeps a book of what it saw, and stops at no indecency."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

KEY = re.compile(rb"<(mail-[0-9]+)@")
REPLIES = {"mail": "250 2.1.0 ok", "rcpt": "250 2.1.5 ok", "data": "354 go on", "final": "250 2.0.0 taken"}
DROP = "drop"
BOTH = "reply and drop"
TWICE = "reply twice"
BYTES = "byte by byte"
WAIT = "say nothing"


@dataclass(frozen=True)
class Act:
    """What is done at one step: how, with which reply (the usual one without), and whether only the first time."""

    how: str = ""
    reply: str = ""
    once: bool = False


@dataclass
class Book:
    """What the server saw. Keys are those of the letters, taken from the envelope's sender."""

    accepted: Counter[str] = field(default_factory=Counter)
    contents: dict[str, bytes] = field(default_factory=dict)
    invited: set[str] = field(default_factory=set)  # asked for their body
    connections: int = 0
    ahead: int = 0  # commands answered while the next was there already


class Hostile:
    """The script: acts by letter and step (mail, rcpt, data, body, final), and what holds for connections."""

    def __init__(
        self,
        acts: Mapping[tuple[str, str], Act],
        *,
        features: tuple[str, ...] = ("PIPELINING", "SIZE"),
        mails_each: int = 1000,
        connections_most: int = 1000,
        mute_from: int = 1000,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.book = Book()
        self._acts, self._features, self._tls = dict(acts), features, tls
        self._mails_each, self._connections_most = mails_each, connections_most
        self._mute_from = mute_from
        self._lock = threading.Lock()
        self.over = threading.Event()

    def act(self, key: str, step: str) -> Act:
        with self._lock:
            found = self._acts.get((key, step), Act())
            if found.once:
                del self._acts[key, step]
        return found

    def talk(self, plain: socket.socket) -> None:
        """One connection from its greeting to its end."""
        with self._lock:
            self.book.connections += 1
            number = self.book.connections
        sock = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
        with sock:
            if number >= self._mute_from:
                self.over.wait()
            elif number > self._connections_most:
                sock.sendall(b"421 4.7.0 too many connections\r\n")
            else:
                _Talk(self, sock, self._features, self._mails_each).run()


class _Talk:
    def __init__(
        self, server: Hostile, sock: socket.socket, features: tuple[str, ...], mails_each: int
    ) -> None:
        self._server, self._sock, self._features, self._left = server, sock, features, mails_each
        self._unread = b""

    def run(self) -> None:
        self._sock.sendall(b"220 hello\r\n")
        self._until(b"\r\n")
        lines = ["250-hello", *(f"250-{each}" for each in self._features), "250 HELP", ""]
        self._sock.sendall("\r\n".join(lines).encode())
        while self._left > 0:
            line = self._until(b"\r\n")
            if line.startswith(b"MAIL"):
                found = KEY.search(line)
                assert found is not None
                self._transaction(found[1].decode())
            else:
                self._sock.sendall(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 ok\r\n")

    def _transaction(self, key: str) -> None:
        good = self._do(key, "mail")
        good = self._step(key, "rcpt", refused=not good)
        if not self._step(key, "data", refused=not good):
            return
        early = self._interrupt(key)
        content = self._until(b"\r\n.\r\n", b"\r\n")
        self._left -= 1
        act = self._server.act(key, "final")
        if good and not early and (act.reply or REPLIES["final"])[0] == "2":
            self._server.book.accepted[key] += 1
            self._server.book.contents[key] = content[: -len(b".\r\n")].replace(b"\r\n..", b"\r\n.")
        self._say(act, REPLIES["final"] if good else "554 5.5.1 no valid recipients")

    def _step(self, key: str, step: str, refused: bool) -> bool:
        """Read the next command and answer it; a client that starts anew has said RSET."""
        line = self._until(b"\r\n")
        if not line.lower().startswith({"rcpt": b"rcpt", "data": b"data"}[step]):
            self._unread = line + self._unread
            return False
        if refused and (key, step) not in self._server._acts:
            self._sock.sendall(b"503 5.5.1 not now\r\n")
            return False
        return self._do(key, step)

    def _do(self, key: str, step: str) -> bool:
        act = self._server.act(key, step)
        if step == "data" and (act.reply or REPLIES[step])[0] == "3":
            self._server.book.invited.add(key)
        self._say(act, REPLIES[step])
        return (act.reply or REPLIES[step])[0] in "23"

    def _interrupt(self, key: str) -> str:
        """Answer before the body has ended, if that is in the script; the first digit of that."""
        act = self._server.act(key, "body")
        if act == Act():
            return ""
        self._more()
        self._server.book.accepted[key] += act.reply[:1] == "2"
        self._say(act, "421 4.3.0 enough")
        return (act.reply or "4")[0]

    def _say(self, act: Act, usual: str) -> None:
        reply = (act.reply or usual).encode() + b"\r\n"
        self._server.book.ahead += bool(self._unread)
        if act.how == WAIT:
            self._server.over.wait()
        if act.how == DROP:
            raise ConnectionError
        if act.how == BYTES:
            for byte in reply:
                self._sock.sendall(bytes([byte]))
                time.sleep(0.0005)
            return
        self._sock.sendall(reply * 2 if act.how == TWICE else reply)
        if act.how == BOTH:
            raise ConnectionError

    def _until(self, end: bytes, before: bytes = b"") -> bytes:
        """Everything up to and with `end`; `before` is thought to stand in front of what is read."""
        searched = 0
        while (found := (before + self._unread[searched:]).find(end)) < 0:
            searched = max(0, len(self._unread) - len(end))
            before = before if searched == 0 else b""
            self._more()
        at = searched + found + len(end) - len(before)
        taken, self._unread = self._unread[:at], self._unread[at:]
        return taken

    def _more(self) -> None:
        data = self._sock.recv(65536)
        if not data:
            raise ConnectionError
        self._unread += data


@contextmanager
def listening(server: Hostile) -> Iterator[int]:
    """The port of a server that serves each connection in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        talks: list[tuple[threading.Thread, socket.socket]] = []

        def serve(sock: socket.socket) -> None:
            with sock, suppress(OSError):
                server.talk(sock)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    sock, _ = listener.accept()
                    talk = threading.Thread(target=serve, args=(sock,), daemon=True)
                    talks.append((talk, sock))
                    talk.start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for talk, sock in talks:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RD)
                talk.join(5)
