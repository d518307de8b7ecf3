"""Opens an SMTP session with a relay: connect, greet, encrypt, log in.

Rules: a command answered with anything but what was asked for raises what that means (replies.py); a
connection that breaks or runs out of time is closed and raises Deferred with a code of `wire.trouble`. A
password goes only over TLS, or to this machine. Not smtplib: it hides a timeout as a disconnection, waits
anew for each read and knows no PIPELINING.
Source: RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 4616 (PLAIN), Google's and Microsoft's pages on XOAUTH2.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from dataclasses import dataclass, field

from ..api import AccountGone, Deferred
from .dkim import Signer
from .replies import refusal, take
from .wire import Deadline, is_loopback, open_wire, trouble

SECURITIES = ("tls", "starttls", "opportunistic", "off")


@dataclass(frozen=True, slots=True)
class Relay:
    """Where mail goes out and how; `security` is one of SECURITIES, `deadline_s` is for one whole sending.

    `in_flight` is how many connections there are at most; without a `signer` the relay signs.
    """

    host: str
    port: int
    tls: ssl.SSLContext = field(repr=False)
    security: str = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    deadline_s: float = 60.0
    helo_name: str = ""
    in_flight: int = 8
    signer: Signer | None = field(default=None, repr=False)


class Session:
    """Open, logged in and ready for transactions once it is made; not safe to share among threads."""

    def __init__(self, relay: Relay, deadline: Deadline) -> None:
        self._relay = relay
        self._phase = "connect"
        self._encrypted = False
        self.features: dict[str, str] = {}
        try:
            self.wire = open_wire(relay.host, relay.port, deadline)
            try:
                self._open()
            except BaseException:
                self.wire.close()
                raise
        except OSError as error:
            raise self._lost(error) from error

    # --- getting there
    def _open(self) -> None:
        relay = self._relay
        if relay.security == "tls":
            self._encrypt()
        self._phase = "greeting"
        self._answered(220)
        self._greet()
        if relay.security in ("starttls", "opportunistic"):
            self._start_tls()
        if relay.username:
            self._log_in()
        if self.wire.unread:  # the next reply would be taken for the answer to something else
            raise refusal(self._phase, 0, "")

    def _greet(self) -> None:
        name = self._relay.helo_name or "localhost"
        try:
            words = self._ask("ehlo", f"EHLO {name}", 250)
        except AccountGone:  # a server older than 1995, or one that only says HELO
            words = self._ask("ehlo", f"HELO {name}", 250)
        pairs = (line.upper().replace("=", " ").partition(" ") for line in words.split("\n")[1:])
        self.features = {name: value for name, _, value in pairs}

    def _start_tls(self) -> None:
        if "STARTTLS" in self.features:
            self._ask("tls", "STARTTLS", 220)
            self._encrypt()
            self._greet()
        elif self._relay.security == "starttls":
            raise Deferred("the relay offers no STARTTLS", code="tls", phase="tls", scope="account")

    def _encrypt(self) -> None:
        self._phase = "tls"
        self.wire.start_tls(self._relay.tls, self._relay.host)
        self._encrypted = True

    def _log_in(self) -> None:
        relay, offered = self._relay, self.features.get("AUTH", "").split()
        if not self._encrypted and not is_loopback(relay.host):
            raise AccountGone("a password is not sent without encryption", code="tls", phase="auth")
        if relay.access_token:
            self._log_in_by_token(bearer(relay.username, relay.access_token))
        elif "PLAIN" in offered:
            self._ask("auth", "AUTH PLAIN " + _coded(f"\0{relay.username}\0{relay.password}"), 235)
        elif "LOGIN" in offered:
            self._ask("auth", "AUTH LOGIN", 334)
            self._ask("auth", _coded(relay.username), 334)
            self._ask("auth", _coded(relay.password), 235)
        else:
            raise AccountGone("the relay offers neither AUTH PLAIN nor AUTH LOGIN", code="auth", phase="auth")

    def _log_in_by_token(self, words: str) -> None:
        """A refusal is told in two steps: the reasons, which are to be answered by nothing, and then the code."""
        self._phase = "auth"
        self._write("AUTH XOAUTH2 " + _coded(words))
        code, words = self._reply()
        if code == 334:
            self._write("")
            code, words = self._reply()
        if code != 235:
            raise refusal("auth", code, words)

    # --- words to and fro
    def _ask(self, phase: str, command: str, expected: int) -> str:
        self._phase = phase
        self._write(command)
        return self._answered(expected)

    def _write(self, command: str) -> None:
        self.wire.write(command.encode() + b"\r\n")

    def _answered(self, expected: int) -> str:
        """The words of the next reply, which has the code that was asked for."""
        code, words = self._reply()
        if code != expected:
            raise refusal(self._phase, code, words)
        return words

    def _reply(self) -> tuple[int, str]:
        while (reply := take(self.wire.unread)) is None:
            if not self.wire.more():
                raise ConnectionError("the server closed the connection")
        return reply

    def _lost(self, error: OSError) -> Deferred:
        code = trouble(error)
        return Deferred(str(error) or code, code=code, phase=self._phase, scope="account")


def bearer(username: str, access_token: str) -> str:
    """What logs in by XOAUTH2."""
    return f"user={username}\1auth=Bearer {access_token}\1\1"


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode()
