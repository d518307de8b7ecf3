"""One SMTP session with a relay, from connecting to the last reply.

Rules: a command answered with anything but what was asked for raises what that means (replies.py); a
connection that breaks or runs out of time is closed and raises Deferred with a code of `wire.trouble`. A
password goes only over TLS, or to this machine. Not smtplib: it hides a timeout as a disconnection and waits
anew for each read.
Source: RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 4616 (PLAIN), RFC 6152 (8BITMIME), RFC 6531
(SMTPUTF8).
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from dataclasses import dataclass, field

from ..api import AccountGone, Deferred, Refused, Uncertain
from .replies import BEFORE_MAIL, refusal
from .wire import Deadline, Wire, is_loopback, open_wire, trouble

SECURITIES = ("tls", "starttls", "opportunistic", "off")
REPLY_LINES_MAX = 200


@dataclass(frozen=True, slots=True)
class Relay:
    """Where mail goes out and how; `security` is one of SECURITIES, `deadline_s` is for one whole sending."""

    host: str
    port: int
    tls: ssl.SSLContext = field(repr=False)
    security: str = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    deadline_s: float = 60.0
    helo_name: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What one transaction carries; `eai` where an address needs SMTPUTF8."""

    envelope_from: str
    to: str
    raw: bytes
    eai: bool


class Session:
    """Open, logged in and ready for transactions once it is made; not safe to share among threads."""

    def __init__(self, relay: Relay, deadline: Deadline) -> None:
        self._relay = relay
        self._phase = "connect"
        self._begun = False  # a transaction that was not finished: RSET before the next
        self._features: dict[str, str] = {}
        self._encrypted = False
        self._wire: Wire | None = None
        try:
            self._open(deadline)
        except BaseException:
            self.close()
            raise

    def is_open(self) -> bool:
        return self._wire is not None

    def renew(self, deadline: Deadline) -> None:
        """Make ready for another transaction. Deferred with phase `mail` if the server has gone meanwhile."""
        if self._wire is not None:
            self._wire.deadline = deadline
        if self._begun:
            self._ask("mail", "RSET", 250)
            self._begun = False

    def transact(self, letter: Letter) -> str:
        """Hand over one letter; what the server said to the final dot."""
        self._begun = True
        self._ask("mail", f"MAIL FROM:<{letter.envelope_from}>{self._options(letter)}", 250)
        self._ask("rcpt", f"RCPT TO:<{letter.to}>", 250, 251)
        self._ask("data", "DATA", 354)
        self._phase = "body"
        self._write(stuffed(letter.raw))
        words = self._finish()
        self._begun = False
        return words

    def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _finish(self) -> str:
        """The dot and its reply: only here can nobody know."""
        self._still_time()
        self._phase = "final"
        try:
            self._write(b".\r\n")
            code, words = self._reply()
        except Deferred as lost:
            raise Uncertain(lost.words, code=lost.code, phase="final") from lost
        if code // 100 not in (2, 4, 5):
            self.close()
            raise Uncertain(words or "an answer that is not SMTP", code=str(code), phase="final")
        return self._accepted(code, words, (code,) if code < 300 else ())

    def _options(self, letter: Letter) -> str:
        size = f" SIZE={len(letter.raw)}" if "SIZE" in self._features else ""
        if letter.eai and "SMTPUTF8" not in self._features:
            raise Refused("the relay takes no address outside ASCII", code="needs_eai", phase="mail")
        return size + (" BODY=8BITMIME SMTPUTF8" if letter.eai else "")

    # --- getting there
    def _open(self, deadline: Deadline) -> None:
        relay = self._relay
        try:
            self._wire = open_wire(relay.host, relay.port, deadline)
        except OSError as error:
            raise self._lost(error) from error
        if relay.security == "tls":
            self._encrypt()
        self._phase = "greeting"
        self._accepted(*self._reply(), (220,))
        self._greet()
        if relay.security in ("starttls", "opportunistic"):
            self._start_tls()
        if relay.username:
            self._log_in()

    def _greet(self) -> None:
        name = self._relay.helo_name or "localhost"
        try:
            words = self._ask("ehlo", f"EHLO {name}", 250)
        except AccountGone:  # a server older than 1995, or one that only says HELO
            words = self._ask("ehlo", f"HELO {name}", 250)
        pairs = (line.upper().replace("=", " ").partition(" ") for line in words.split("\n")[1:])
        self._features = {name: value for name, _, value in pairs}

    def _start_tls(self) -> None:
        if "STARTTLS" in self._features:
            self._ask("tls", "STARTTLS", 220)
            self._encrypt()
            self._greet()
        elif self._relay.security == "starttls":
            raise Deferred("the relay offers no STARTTLS", code="tls", phase="tls", scope="account")

    def _encrypt(self) -> None:
        self._phase = "tls"
        try:
            self._open_wire().start_tls(self._relay.tls, self._relay.host)
        except OSError as error:
            raise self._lost(error) from error
        self._encrypted = True

    def _log_in(self) -> None:
        relay, offered = self._relay, self._features.get("AUTH", "").split()
        if not self._encrypted and not is_loopback(relay.host):
            raise AccountGone("a password is not sent without encryption", code="tls", phase="auth")
        if "PLAIN" in offered:
            self._ask("auth", "AUTH PLAIN " + _coded(f"\0{relay.username}\0{relay.password}"), 235)
        elif "LOGIN" in offered:
            self._ask("auth", "AUTH LOGIN", 334)
            self._ask("auth", _coded(relay.username), 334)
            self._ask("auth", _coded(relay.password), 235)
        else:
            raise AccountGone("the relay offers neither AUTH PLAIN nor AUTH LOGIN", code="auth", phase="auth")

    # --- words to and fro
    def _ask(self, phase: str, command: str, *expected: int) -> str:
        self._phase = phase
        self._write(command.encode() + b"\r\n")
        return self._accepted(*self._reply(), expected)

    def _accepted(self, code: int, words: str, expected: tuple[int, ...]) -> str:
        if code in expected:
            return words
        if code == 421 or code < 200:  # the server closes, or is no mail server
            self.close()
        raise refusal(self._phase, code, words)

    def _write(self, data: bytes) -> None:
        try:
            self._open_wire().write(data)
        except OSError as error:
            raise self._lost(error) from error

    def _reply(self) -> tuple[int, str]:
        """A reply's code and its lines without codes; code 0 for what is not SMTP."""
        lines: list[str] = []
        while len(lines) < REPLY_LINES_MAX:
            line = self._line()
            lines.append(line[4:].strip())
            if not line[:3].isascii() or not line[:3].isdigit():
                return 0, line.strip()
            if line[3:4] != "-":
                return int(line[:3]), "\n".join(lines)
        return 0, "a reply without end"

    def _line(self) -> str:
        try:
            line = self._open_wire().readline()
        except OSError as error:
            raise self._lost(error) from error
        if not line.endswith(b"\n"):
            raise self._lost(ConnectionError("the server closed the connection"))
        return line.decode("utf-8", "replace")

    def _open_wire(self) -> Wire:
        if self._wire is None:
            raise ConnectionError("the connection is closed")
        return self._wire

    def _still_time(self) -> None:
        """The last moment at which stopping is known to be harmless."""
        if self._wire is not None and self._wire.deadline.over():
            raise self._lost(TimeoutError("the deadline is over"))

    def _lost(self, error: OSError) -> Deferred:
        self.close()
        code = trouble(error)
        scope = "account" if self._phase in BEFORE_MAIL else "delivery"
        return Deferred(str(error) or code, code=code, phase=self._phase, scope=scope)


def stuffed(raw: bytes) -> bytes:
    """Dot-stuffing of RFC 5321 4.5.2; `raw` has CRLF line ends and ends with one."""
    body = raw.replace(b"\r\n.", b"\r\n..")
    return b"." + body if body.startswith(b".") else body


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode()
