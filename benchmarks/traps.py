"""Traps: the 14 named places at which a proof ends a process as kill -9 would, at the n-th pass.

`FAILPOINT=intent.after_commit:3 python -m benchmarks.traps work` is `dolen work` with such a trap.
Rules: traps are laid from outside by whoever proves. The product reads no such variable and holds nothing but the calls
of `Desk.failpoint`, which do nothing, so no installation can be made to die by a setting.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from campaigns.delivery import release
from campaigns.delivery.send import Desk
from campaigns.messages.tables import Message
from service.wiring import Wiring

# Up to here nothing of the row in hand can have gone; from the next on its outcome may be unknown.
SAFE = (
    "api.before_commit", "api.after_commit", "tick.before_occurrence", "tick.after_occurrence",
    "materialise.mid_chunk", "claim.after_commit", "render.after", "intent.before_commit",
)  # fmt: skip
OPEN = (
    "intent.after_commit", "net.after_connect", "net.after_request_bytes", "net.after_reply", "result.before_commit",
    "result.after_commit",
)  # fmt: skip
PLACES = SAFE + OPEN
# Passed with the answers of the wave before in hand: not of the row in hand, of those the outcome may be unknown.
BESIDE = ("render.after", "intent.before_commit")
KILLED = 137
BODY_ENDS = (b"\r\n.\r\n", b"}")  # of a mail, and of a JSON request


class Trap:
    """Counts how often each place is passed; at pass `n` of `place` the process ends, with nothing run after it."""

    def __init__(self, place: str = "", n: int = 0) -> None:
        self.place, self.n = place, n
        self.passes = Counter[str]()
        self._lock = threading.Lock()

    def __call__(self, place: str) -> None:
        with self._lock:
            self.passes[place] += 1
            if place == self.place and self.passes[place] == self.n:
                os._exit(KILLED)


# What the product's code is told; which trap that is may change between runs of one process.
laid = Trap()


def lay(trap: Trap) -> None:
    """From now on it is this trap that counts."""
    global laid
    laid = trap


def watch(wave: int | None = None) -> None:
    """Bring the places of this process within reach of traps, once; `wave` makes the waves of workers smaller."""
    event.listen(Session, "after_flush", _mark)
    event.listen(Session, "before_commit", lambda session: _committing(session, "api.before_commit"))
    event.listen(Session, "after_commit", lambda session: _committing(session, "api.after_commit"))
    _around_release()
    _after_rows()
    _on_sockets()
    _on_desks(wave)


def _mark(session: Session, _context: Any) -> None:
    if any(isinstance(one, Message) for one in session.new):
        session.info["accepts"] = True


def _committing(session: Session, place: str) -> None:
    if session.info.get("accepts") and not session.in_nested_transaction():
        laid(place)


def _around_release() -> None:
    known = release.release

    def watched(*args: Any, **more: Any) -> bool:
        laid("tick.before_occurrence")
        done = known(*args, **more)
        laid("tick.after_occurrence")
        return done

    release.release = watched


def _after_rows() -> None:
    """Rows of a chunk are written and not committed."""

    @event.listens_for(Engine, "after_cursor_execute")
    def _written(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.lstrip().startswith("INSERT INTO deliveries"):
            laid("materialise.mid_chunk")


def _on_sockets() -> None:
    """Databases are not reached by Python's sockets: every one of these leads to a provider."""
    plain = socket.socket
    tails: dict[int, bytes] = {}

    def connected(known: Callable[..., Any]) -> Callable[..., Any]:
        def watched(line: socket.socket, *args: Any) -> Any:
            done = known(line, *args)
            tails[line.fileno()] = b""
            laid("net.after_connect")
            return done

        return watched

    def written(line: socket.socket, data: bytes) -> None:
        whole = tails.get(line.fileno(), b"") + data
        tails[line.fileno()] = whole[-4:]
        if BODY_ENDS[0] in whole or data.endswith(BODY_ENDS[1]):
            laid("net.after_request_bytes")

    def sending(known: Callable[..., Any], gather: bool) -> Callable[..., Any]:
        def watched(line: socket.socket, data: Any, *args: Any) -> Any:
            done = known(line, data, *args)
            given = b"".join(bytes(one) for one in data) if gather else bytes(data)
            written(line, given if done is None else given[:done])
            return done

        return watched

    for name in ("connect", "connect_ex"):
        setattr(plain, name, connected(getattr(plain, name)))
    for name in ("send", "sendall", "sendmsg"):
        setattr(plain, name, sending(getattr(plain, name), name == "sendmsg"))


def _on_desks(wave: int | None) -> None:
    known = Wiring.desk

    def watched(self: Wiring, *args: Any, **more: Any) -> Desk:
        desk = known(self, *args, **more)
        pace = desk.pace if wave is None else replace(desk.pace, wave_max=wave)
        return replace(desk, failpoint=lambda place: laid(place), pace=pace)

    setattr(Wiring, "desk", watched)  # noqa: B010  mypy would have methods stay what they are


def main() -> int:
    """The `dolen` command line with the trap that FAILPOINT names."""
    from service import __main__ as dolen

    place, _, n = os.environ.get("FAILPOINT", "").partition(":")
    if place not in PLACES or not n.isdigit():
        print(f"FAILPOINT=place:n, with one of {', '.join(PLACES)}", file=sys.stderr)
        return 2
    watch()
    lay(Trap(place, int(n)))
    return dolen.main()


if __name__ == "__main__":
    raise SystemExit(main())
