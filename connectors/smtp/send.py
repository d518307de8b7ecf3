"""Hands mail to a relay: one recipient a transaction, over connections that are kept from call to call.

Rules: a call is driven by one thread and borrows connections while it lasts; a letter is pulled only when a connection
is about to need it, and only after every answer known so far was handed on. Connections are opened aside, each by a
thread of its own, so that a slow one holds up no other. Every letter that was pulled gets exactly one answer.
"""

from __future__ import annotations

import queue
import select
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress

from ..api import ConnectorError, Deferred, Outbound, Receipt, running
from .letters import Letter, make
from .pipe import LATE, Answer, Pipe
from .session import Relay, Session
from .wire import Deadline

NEVER = float("inf")
LONGEST_S = 60.0  # of one wait for the network, where no letter gives up earlier
OPENING_S = 0.02  # how often a call that has connections looks whether a further one has come about
KEPT_S = 60.0  # a firewall forgets a connection that says nothing for long, and tells neither side
HEAR, HEAR_AND_WRITE = select.POLLIN, select.POLLIN | select.POLLOUT


class Sender:
    """Sends by one relay; may be shared among threads."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._kept = _Kept(relay.in_flight)

    def send(self, outbound: Outbound) -> Receipt:
        """The receipt's `provider_id` is the Message-ID: bounces and replies name it."""
        ((_, answer),) = self.send_many((outbound,))
        if isinstance(answer, ConnectorError):
            raise answer
        return answer

    def send_many(self, outbounds: Iterable[Outbound]) -> Iterator[tuple[str, Answer]]:
        """The answer to each, with its key, as soon as it is known. What `outbounds` raises is raised at the end."""
        call = _Call(self._relay, self._kept, iter(outbounds))
        try:
            yield from call.answers()
        finally:
            call.end()

    def verify(self, deadline: Deadline) -> None:
        """Connect and log in as a sending would."""
        Session(self._relay, deadline).wire.close()

    def close(self) -> None:
        """Close the connections that nobody uses; those in use are closed when their call ends."""
        self._kept.close()


class _Kept:
    """The connections nobody uses, and how many there are in all."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._idle: list[tuple[float, Pipe]] = []  # since when (`running`), and which
        self._count = 0  # open or being opened, in use or not
        self._closed = False
        self._lock = threading.Lock()

    def borrow(self) -> Pipe | None:
        """One that still works."""
        with self._lock:
            while self._idle:
                since, pipe = self._idle.pop()
                if since + KEPT_S > running() and not pipe.is_stale():
                    return pipe
                pipe.close()
                self._count -= 1
        return None

    def reserve(self, *, first: bool) -> bool:
        """Whether one more may be opened; the first of a call always may."""
        with self._lock:
            may = first or self._count < self._most
            self._count += may
        return may

    def give_back(self, pipe: Pipe | None) -> None:
        """Keep it if it is idle; None is one that was reserved and did not come about."""
        with self._lock:
            if pipe is not None and pipe.idle and not self._closed:
                self._idle.append((running(), pipe))
                return
            self._count -= 1
        if pipe is not None:
            pipe.close()

    def close(self) -> None:
        """Keep none from here on."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            self._count -= len(idle)
        for _, pipe in idle:
            pipe.close()


class _Call:
    """One sending of many: its connections, its letters that wait for one, and what is to be told."""

    def __init__(self, relay: Relay, kept: _Kept, outbounds: Iterator[Outbound]) -> None:
        self._relay, self._kept, self._outbounds = relay, kept, outbounds
        self._told: deque[tuple[str, Answer]] = deque()
        self._waiting: deque[Letter] = deque()
        self._pipes: dict[int, Pipe] = {}
        self._idle: list[Pipe] = []
        self._poller = select.poll()
        self._alarm = NEVER  # no letter gives up before
        self._opening = 0
        self._opened: queue.SimpleQueue[Pipe | ConnectorError] = queue.SimpleQueue()
        self._narrow = False  # no further connection is to be had
        self._ended = False
        self._error: Exception | None = None
        self._over = False
        self._lock = threading.Lock()

    def answers(self) -> Iterator[tuple[str, Answer]]:
        """Pull, send and tell until there is nothing left."""
        told = self._told
        while self._unfinished():
            while self._wider():
                while told:
                    yield told.popleft()
                self._widen()
            ready, letters = self._heard(), []
            for pipe in ready:
                letter = None
                while letter is None and pipe.takes and (self._waiting or not self._ended):
                    while told:
                        yield told.popleft()
                    letter = self._next(pipe)
                letters.append(letter)
            # All at once: a relay on this machine then wakes up once for all of them.
            for pipe, letter in zip(ready, letters, strict=True):
                self._go_on(pipe, letter)
            while told:
                yield told.popleft()
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Give the connections back; one in the middle of something is closed."""
        with self._lock:
            self._over = True
        for pipe in self._pipes.values():
            self._kept.give_back(pipe)
        while not self._opened.empty():
            opened = self._opened.get()
            self._kept.give_back(opened if isinstance(opened, Pipe) else None)

    def _unfinished(self) -> bool:
        return bool(self._told or self._waiting or len(self._idle) < len(self._pipes) or not self._ended)

    # --- letters
    def _next(self, pipe: Pipe) -> Letter | None:
        """The next letter this connection can carry; None where there is none, or it was answered at once."""
        letter = self._waiting.popleft() if self._waiting else self._pull()
        if letter is None or not letter.eai or (error := pipe.refusal_of(letter)) is None:
            return letter
        self._told.append((letter.key, error))
        return None

    def _pull(self) -> Letter | None:
        try:
            outbound = next(self._outbounds, None)
            if outbound is not None:
                return self._made(outbound)
        except Exception as error:  # ours, not the relay's: what is in flight is brought to its end first
            self._error = error
        self._ended = True
        return None

    def _made(self, outbound: Outbound) -> Letter | None:
        end = running() + self._relay.deadline_s
        if self._alarm == NEVER:  # otherwise it is earlier
            self._alarm = end
        try:
            return make(outbound, end, self._relay.signer)
        except ConnectorError as error:
            self._told.append((outbound.key, error))
            return None

    def _give_up(self) -> None:
        """End what has reached its deadline, and see when the next does."""
        now = running()
        for pipe in list(self._pipes.values()):
            if pipe.end <= now:
                pipe.lose(TimeoutError(LATE))
                self._drop(pipe)
        for letter in [each for each in self._waiting if each.end <= now]:
            self._waiting.remove(letter)
            self._told.append((letter.key, Deferred(LATE, code="timeout", phase="connect", scope="account")))
        ends = [pipe.end for pipe in self._pipes.values()] + [letter.end for letter in self._waiting]
        self._alarm = min(ends, default=NEVER)

    # --- connections
    def _wider(self) -> bool:
        """Whether there is work for one more connection."""
        if self._idle or (self._ended and len(self._waiting) <= self._opening):
            return False
        count = len(self._pipes) + self._opening
        return count < (1 if self._narrow else self._relay.in_flight)

    def _widen(self) -> None:
        """Have one more connection: a kept one, or one that is opened aside."""
        if len(self._waiting) <= self._opening:
            letter = self._pull()
            if letter is None:
                return
            self._waiting.append(letter)
        pipe = self._kept.borrow()
        if pipe is not None:
            self._idle.append(self._join(pipe))
        elif self._kept.reserve(first=not self._pipes and not self._opening):
            self._opening += 1
            end = self._waiting[-1].end
            threading.Thread(target=self._open, args=(end,), daemon=True, name="smtp-open").start()
        else:
            self._narrow = True

    def _open(self, end: float) -> None:
        opened: Pipe | ConnectorError
        try:
            opened = Pipe(Session(self._relay, Deadline(end - running())))
        except ConnectorError as error:
            opened = error
        except Exception as error:  # a fault of ours; what waits for this connection is to be told
            opened = Deferred(
                str(error) or type(error).__name__, code="fault", phase="connect", scope="account"
            )
        with self._lock:
            if not self._over:
                return self._opened.put(opened)
        self._kept.give_back(opened if isinstance(opened, Pipe) else None)

    def _join(self, pipe: Pipe) -> Pipe:
        pipe.lend(self._told.append, self._waiting.appendleft)
        self._pipes[pipe.fd] = pipe
        pipe.watched = HEAR
        self._poller.register(pipe.fd, HEAR)
        return pipe

    def _drop(self, pipe: Pipe) -> None:
        self._poller.unregister(pipe.fd)
        del self._pipes[pipe.fd]
        if pipe in self._idle:
            self._idle.remove(pipe)
        self._kept.give_back(pipe)

    def _watch(self, pipe: Pipe) -> None:
        """Poll a connection for what it waits for; let go of one that is closed."""
        watched = HEAR_AND_WRITE if pipe.unsent else HEAR
        if not pipe.open:
            self._drop(pipe)
        elif watched != pipe.watched:
            pipe.watched = watched
            self._poller.modify(pipe.fd, watched)

    # --- the loop
    def _heard(self) -> list[Pipe]:
        """Wait for the network; the connections that go on now."""
        ready: list[Pipe] = []
        if self._waiting and self._idle:
            ready, self._idle = self._idle, ready
        wait_s = 0.0 if ready else max(0.0, min(self._alarm - running(), LONGEST_S))
        if self._opening:
            self._join_opened(ready, 0.0 if self._pipes else wait_s)
            wait_s = 0.0 if ready or self._told else min(wait_s, OPENING_S)
        if self._pipes and not ready:
            self._listen(ready, wait_s)
        if self._alarm <= running():
            self._give_up()
            ready = [pipe for pipe in ready if pipe.open]
        return ready

    def _listen(self, ready: list[Pipe], wait_s: float) -> None:
        for fd, event in self._poller.poll(wait_s * 1000 + 1):
            pipe = self._pipes[fd]
            if (
                event != select.POLLOUT
            ):  # first, since a server that refuses a body may say why before it hangs up
                pipe.hear()
            if pipe.open and event & select.POLLOUT:
                pipe.flush()
            if pipe.wants and pipe not in self._idle:
                ready.append(pipe)  # it is watched again when it has gone on
            else:
                self._watch(pipe)

    def _join_opened(self, ready: list[Pipe], wait_s: float) -> None:
        """Take in the connections that have come about, and learn from those that did not."""
        failure = None
        with suppress(queue.Empty):
            while self._opening:
                opened = self._opened.get(timeout=wait_s) if wait_s else self._opened.get_nowait()
                wait_s, self._opening = 0.0, self._opening - 1
                if isinstance(opened, Pipe):
                    ready.append(self._join(opened))
                else:
                    failure, self._narrow = opened, True
                    self._kept.give_back(None)
        if failure is not None and not self._pipes and not self._opening:
            self._told += [(letter.key, failure) for letter in self._waiting]
            self._waiting.clear()

    def _go_on(self, pipe: Pipe, letter: Letter | None) -> None:
        pipe.go_on(letter)
        if letter is None and pipe.idle:
            self._idle.append(pipe)
        self._watch(pipe)
