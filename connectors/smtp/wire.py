"""One TCP connection to a mail server under one deadline: connect, TLS, lines in and out.

Rules: the deadline is for all of it together, the look-up of the name included. A timeout for each read would
let a server that sends one byte a second hold a worker for ever. Certificates are always checked.
"""

from __future__ import annotations

import socket
import ssl

from ..api import running
from ..http import look_up

CHUNK = 65536
LINE_MAX = 8192
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Deadline:
    """A moment of the clock that runs on while the machine sleeps; `left` raises TimeoutError once it has passed."""

    def __init__(self, seconds: float) -> None:
        self._end = running() + seconds

    def over(self) -> bool:
        return running() >= self._end

    def left(self) -> float:
        left = self._end - running()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        return left


class Wire:
    """A socket read by lines. OSError (TimeoutError, ConnectionError, ssl.SSLError) when it cannot go on."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self.sock = sock
        self.deadline = deadline
        self.unread = bytearray()

    def write(self, data: bytes) -> None:
        """All of it, or OSError; then an unknown part of it may have left."""
        for start in range(0, len(data), CHUNK):
            self.sock.settimeout(self.deadline.left())
            self.sock.sendall(data[start : start + CHUNK])

    def readline(self, size: int = LINE_MAX) -> bytes:
        """A line with its end; less than a line only at the end of the connection or after `size` bytes."""
        searched = 0
        while (end := self.unread.find(b"\n", searched, size) + 1) == 0 and len(self.unread) < size:
            searched = len(self.unread)
            if not self.more():
                break
        return self._take(end or size)

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes, or less at the end of the connection."""
        while len(self.unread) < size and self.more():
            pass
        return self._take(size)

    def more(self) -> bool:
        """Wait for more to read in `unread`; False at the end of the connection."""
        self.sock.settimeout(self.deadline.left())
        data = self.sock.recv(CHUNK)
        self.unread += data
        return bool(data)

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Encrypt from here on; what came in the clear and was not read is thrown away (CVE-2011-0411)."""
        self.unread.clear()
        self.sock.settimeout(self.deadline.left())
        self.sock = context.wrap_socket(self.sock, server_hostname=host)

    def close(self) -> None:
        self.sock.close()

    def _take(self, size: int) -> bytes:
        taken = bytes(self.unread[:size])
        del self.unread[:size]
        return taken


def open_wire(host: str, port: int, deadline: Deadline) -> Wire:
    """Connect to the first address that answers; the time left is shared among those still to be tried."""
    try:
        found = look_up(host, port, deadline.left())
    except UnicodeError as error:
        raise OSError(f"this is no name of a host: {error}") from error
    lost: OSError = ConnectionError("the name has no address")
    for tried, (family, where) in enumerate(found):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(deadline.left() / (len(found) - tried))
            sock.connect(where)
            # The final dot is a small write after a large one: Nagle would hold it back for a delayed ACK.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return Wire(sock, deadline)
        except OSError as error:
            sock.close()
            lost = error
    raise lost


def trouble(error: Exception) -> str:
    """Why a connection did not come about or broke, in one word: the code of the error it becomes."""
    known: tuple[tuple[type[Exception], str], ...] = (
        (TimeoutError, "timeout"),
        (ssl.SSLCertVerificationError, "certificate"),
        (ssl.SSLError, "tls"),
        (socket.gaierror, "no_such_host"),
        (ConnectionRefusedError, "nobody_there"),
    )
    return next((code for kind, code in known if isinstance(error, kind)), "disconnected")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, where a password may travel without encryption."""
    return host.lower() in LOOPBACK
