"""One open connection, driven without blocking: what was asked of it, and what each reply decides.

Rules: where the server offers PIPELINING, one write carries a mail's body, its final dot and the envelope of the next
mail; elsewhere each command waits for its reply. Only from the first byte of the final dot to its reply is a mail
Uncertain. A letter whose body has not begun when a connection is lost goes over another one, if this one had carried
letters before; a fresh connection that is lost says something about the relay, and the letter is Deferred.
A reply that nothing was asked for means that the server has lost its place, and ends the connection.
Source: RFC 5321, RFC 2920 (PIPELINING).
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from contextlib import suppress

from ..api import ConnectorError, Deferred, Receipt, Refused, Uncertain, running
from .letters import Letter
from .replies import NOT_SMTP, refusal, take
from .session import Session
from .wire import CHUNK, trouble

DOT = b".\r\n"
ENVELOPE = ("mail", "rcpt", "data")
RENEWED = ("rset", *ENVELOPE)
GROUP = ("final", *ENVELOPE)
GOOD = {"rset": (250,), "mail": (250,), "rcpt": (250, 251), "data": (354,)}
# All replies to a GROUP in one read, each the one asked for: no other way of reading is as quick.
GROUP_GOOD = re.compile(rb"250 ([^\r\n]*)\r\n250 [^\r\n]*\r\n25[01] [^\r\n]*\r\n354 [^\r\n]*\r\n")
LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
SILENT = "the server closed the connection"
LATE = "the deadline is over"

Answer = Receipt | ConnectorError


class Pipe:
    """A session with at most one letter whose body goes (`going`) and one whose envelope is asked (`asking`).

    `tell` gets the one answer of a letter, `again` a letter that another connection is to carry.
    """

    def __init__(self, session: Session) -> None:
        self._sock = session.wire.sock
        self._sock.setblocking(False)
        # TLS keeps bytes of its own, which no poll sees.
        self._pending: Callable[[], int] | None = getattr(self._sock, "pending", None)
        self._features = session.features
        self.pipelined = "PIPELINING" in session.features
        self.fd = self._sock.fileno()
        self.open = True
        self._used = False  # a letter has been answered on it
        self.watched = 0  # what the loop polls it for
        self.asking: Letter | None = None
        self.going: Letter | None = None
        self._refused = ""  # the phase at which `asking` got its answer; the rest of its replies is only read
        self._unfinished = False  # a transaction without an end: RSET before the next
        self._expected: tuple[str, ...] = ()
        self._commands: list[bytes] = []  # not written yet, one for each of the last of `_expected`
        self._unread = session.wire.unread
        self._out = b""
        self._sent = 0
        self._dot = 0  # where in `_out` the final dot of `going` begins

    def lend(self, tell: Callable[[tuple[str, Answer]], object], again: Callable[[Letter], object]) -> None:
        """From here on somebody else is told."""
        self._tell, self._again = tell, again

    @property
    def wants(self) -> bool:
        """Whether nothing moves before `go_on`: it is idle, or a body is due."""
        return self.open and not self._expected

    @property
    def idle(self) -> bool:
        return self.open and self.asking is None and not self._expected

    @property
    def takes(self) -> bool:
        """Whether a further letter can be of use to `go_on`."""
        return self.asking is None or self.pipelined

    @property
    def unsent(self) -> bool:
        return self._sent < len(self._out)

    @property
    def end(self) -> float:
        """The moment at which the letter in hand gives up."""
        letter = self.going or self.asking
        return letter.end if letter else float("inf")

    def refusal_of(self, letter: Letter) -> Refused | None:
        """Why this server cannot carry a letter."""
        if letter.eai and "SMTPUTF8" not in self._features:
            return Refused("the relay takes no address outside ASCII", code="needs_eai", phase="mail")
        return None

    def go_on(self, letter: Letter | None) -> None:
        """Send the body that is due, and ask for `letter` behind it."""
        if self.asking is not None:
            self._send_body(self.asking, letter)
        elif letter is not None:
            self._ask(letter)

    def hear(self) -> None:
        """Read what there is and act on each whole reply."""
        try:
            data = self._sock.recv(CHUNK)
            while self._pending is not None and self._pending():
                data += self._sock.recv(CHUNK)
        except LATER:
            return
        except OSError as error:
            return self.lose(error)
        if not data:
            return self.lose(ConnectionError(SILENT))
        if self._expected is GROUP and not self._unread and not self.unsent:
            replies = GROUP_GOOD.fullmatch(data)
            if replies is not None:
                self._expected = ()
                return self._accepted(replies[1].decode("utf-8", "replace"))
        self._unread += data
        while self.open and self._unread and (reply := take(self._unread)) is not None:
            self._judge(*reply)

    def flush(self) -> None:
        """Hand the kernel what it takes."""
        try:
            while self._sent < len(self._out):
                rest = memoryview(self._out)[self._sent :] if self._sent else self._out
                self._sent += self._sock.send(rest)
        except LATER:
            return
        except OSError as error:
            self.lose(error)

    def lose(self, error: OSError | ConnectorError) -> None:
        """The connection is over: say of each letter on it what is certain."""
        self.open = False
        self._sock.close()
        going, asking, phase = self.going, self.asking, (*self._expected, "data")[0]
        self.going = self.asking = None
        if going is not None:
            self._answer(going, self._lost(error, "final" if self._sent > self._dot else "body"))
        if asking is None or self._refused:
            return
        if self._used and asking.end > running():
            self._again(asking)
        else:
            self._answer(asking, self._lost(error, phase if phase in ENVELOPE else "mail"))

    def is_stale(self) -> bool:
        """Whether a connection that was kept has been closed, or told something, meanwhile."""
        try:
            self._sock.recv(1)
        except LATER:
            return False
        except OSError:
            return True
        return True

    def close(self) -> None:
        """Hang up; from an idle connection leave is taken."""
        if self.idle:
            with suppress(OSError):
                self._sock.send(b"QUIT\r\n")
        self.open = False
        self._sock.close()

    # --- asking
    def _ask(self, letter: Letter) -> None:
        self.asking = letter
        commands = letter.commands(self._features)
        if self._unfinished:
            self._unfinished = False
            self._begin(RENEWED, b"RSET\r\n" + commands)
        else:
            self._begin(ENVELOPE, commands)

    def _begin(self, expected: tuple[str, ...], commands: bytes) -> None:
        self._expected = expected
        if self.pipelined:
            self._write(commands)
        else:
            first, *self._commands = commands.splitlines(keepends=True)
            self._write(first)

    def _send_body(self, letter: Letter, following: Letter | None) -> None:
        self.going, self.asking = letter, following
        self._out, self._sent, self._dot = b"", 0, len(letter.raw)
        if letter.end <= running():  # the last moment at which stopping is known to be harmless
            self.lose(TimeoutError(LATE))
        elif following is None:
            self._expected = ("final",)
            self._write(letter.raw + DOT)
        else:
            self._expected = GROUP
            self._write(b"".join((letter.raw, DOT, following.commands(self._features))))

    def _write(self, data: bytes) -> None:
        if self._unread:
            return self._lose_place()
        self._out, self._sent = data, 0
        self.flush()

    # --- hearing
    def _judge(self, code: int, words: str) -> None:
        if not self._expected:
            return self._lose_place(words)
        phase, self._expected = self._expected[0], self._expected[1:]
        if phase == "final":
            self._judge_final(code, words)
        elif self.unsent:  # an answer before its question
            self._lose_place(words)
        elif code in GOOD.get(phase, ()):
            self._judge_good(phase)
        elif phase == "dot" and code // 100 in (2, 4, 5) and code != 421:
            self._dismiss(unfinished=False)
        else:
            self._judge_refusal(phase, code, words)

    def _judge_good(self, phase: str) -> None:
        if self._refused and phase == "data":
            self._end_nothing()
        elif self._commands:
            self._write(self._commands.pop(0))

    def _judge_refusal(self, phase: str, code: int, words: str) -> None:
        error = refusal(phase if phase in ENVELOPE else "mail", code, words)
        if code == 421 or code // 100 not in (4, 5) or phase in ("rset", "dot"):
            return self.lose(error)
        if not self._refused and self.asking is not None:
            self._refused = phase
            self._answer(self.asking, error)
        if self._commands or not self._expected:
            self._dismiss(unfinished=True)

    def _end_nothing(self) -> None:
        """The server wants the body of a letter to nobody: an empty one (RFC 2920, 3.1)."""
        if self._refused != "rcpt":
            return self._lose_place()
        self._expected = ("dot",)
        self._write(DOT)

    def _dismiss(self, *, unfinished: bool) -> None:
        self.asking, self._refused, self._unfinished = None, "", unfinished
        self._commands, self._expected = [], ()

    def _judge_final(self, code: int, words: str) -> None:
        whole = self._sent >= self._dot + len(DOT)
        if code // 100 == 2 and whole:
            return self._accepted(words)
        going, self.going = self.going, None
        assert going is not None
        if code // 100 in (4, 5):
            error = refusal("final", code, words)
        else:
            error = Uncertain(words or NOT_SMTP, code=str(code), phase="final")
        self._answer(going, error)
        if not whole or code == 421 or code // 100 not in (4, 5):
            self.lose(ConnectionError(SILENT))

    def _accepted(self, words: str) -> None:
        going, self.going = self.going, None
        assert going is not None
        self._answer(going, Receipt(going.message_id, words[:500]))

    def _answer(self, letter: Letter, answer: Answer) -> None:
        self._used = True
        self._tell((letter.key, answer))

    def _lose_place(self, words: str = "") -> None:
        self.lose(refusal("mail", 0, words))

    def _lost(self, error: OSError | ConnectorError, phase: str) -> ConnectorError:
        if phase == "final":
            code = error.code if isinstance(error, ConnectorError) else trouble(error)
            return Uncertain(str(error) or code, code=code, phase="final")
        if isinstance(error, ConnectorError):
            return error
        code = trouble(error)
        return Deferred(str(error) or code, code=code, phase=phase)
