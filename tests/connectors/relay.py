"""A real SMTP server on loopback that can be told to misbehave at any step, and a bare one for worse."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Relay:
    """What the relay took, and what it is told to do.

    `steps` maps a step to a reply, or to `drop`, `wait` or `lose` (drop without having taken it); `once` does so for
    one recipient, one time.
    """

    messages: list[Envelope] = field(default_factory=list)
    steps: dict[str, str] = field(default_factory=dict)
    once: dict[str, tuple[str, str]] = field(default_factory=dict)
    logins: list[str] = field(default_factory=list)
    pipelining: bool = False
    connections: int = 0
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    def told(self, step: str, recipient: str, otherwise: str) -> str:
        if self.once.get(recipient, ("",))[0] == step:
            return self.once.pop(recipient)[1]
        return self.steps.get(step, otherwise)

    async def at(self, step: str, server: SMTP, otherwise: str, recipient: str = "") -> str:
        return await self.do(server, self.told(step, recipient, otherwise))

    async def do(self, server: SMTP, told: str) -> str:
        if told == "wait":
            await self.closing.wait()
        if told in ("drop", "lose"):
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return told if told[0].isdigit() else "451 never read"

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        if "EHLO" in self.steps:
            return [await self.at("EHLO", server, "")]
        return [*responses[:-1], "250-PIPELINING", responses[-1]] if self.pipelining else responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from, envelope.mail_options = address, options
        return await self.at("MAIL", server, "250 ok")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = await self.at("RCPT", server, "250 ok", address)
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        told = self.told("DATA", envelope.rcpt_tos[0], "250 2.0.0 queued as 1A2B")
        if told[0] not in "45" and told != "lose":
            self.messages.append(envelope)
        return await self.do(server, told)

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(mechanism)
        good = (data.login, data.password) == ("môn".encode(), "cyfrinach ✓".encode())
        return AuthResult(success=good, handled=False)


@contextmanager
def running(
    *,
    tls: ssl.SSLContext | None = None,
    implicit: bool = False,
    login: bool = False,
    steps: dict[str, str] | None = None,
    utf8: bool = False,
    exclude: tuple[str, ...] = (),
    pipelining: bool = False,
) -> Iterator[Relay]:
    """A relay on a free port of 127.0.0.1."""
    relay = Relay(steps=dict(steps or {}), pipelining=pipelining)
    controller = Controller(
        relay,
        hostname="127.0.0.1",
        port=closed_port(),
        ssl_context=tls if implicit else None,
        tls_context=None if implicit else tls,
        auth_required=login,
        auth_require_tls=False,
        authenticator=relay.authenticate if login else None,
        auth_exclude_mechanism=exclude,
        enable_SMTPUTF8=utf8,
    )
    controller.start()
    relay.port = controller.port
    try:
        yield relay
    finally:
        controller.loop.call_soon_threadsafe(relay.closing.set)
        controller.stop()


@contextmanager
def bare(talk: Callable[[socket.socket], None], *, narrow: bool = False) -> Iterator[int]:
    """The port of a server that does with each connection what `talk` does, one at a time.

    Where it is `narrow`, no kernel takes more than some kilobytes of what nobody has read yet.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        if narrow:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    try:
                        talk(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def closed_port() -> int:
    """A port of 127.0.0.1 where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
