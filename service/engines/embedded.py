"""The embedded engine: threads of this process work batches, look unknowns up, poll and take in what came back.

Rules: the database decides who has what; an engine that dies loses only time. SIGTERM ends what is being handed over
and lays the rest down.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from campaigns.database import Watch
from campaigns.delivery import batch, renewal, repair, resolve, send
from campaigns.messages.tables import LANES
from campaigns.responses import intake, polling, post_figures
from campaigns.stakeholders import imports

from .. import exports, notices, observe, recipes, webhooks
from ..demo import loading
from ..wiring import Wiring
from .way import Way

log = observe.log("dolen.engine")

# Each lane in one place only: a worker that is killed has one wave of a message in hand, and never two.
URGENT, BULK = ("urgent",), ("bulk",)
SOON = tuple(lane for lane in LANES if lane not in URGENT + BULK)
INBOUND_S = 1.0
FIGURES_S = 20.0
NOTICES_S = 5.0
WEBHOOKS_S = 1.0
# After an error nobody foresaw, a loop waits this long, so that it cannot spin.
TROUBLE_S = 2.0
LOOK_UP_S = 1.0
# For so long a thread that computes keeps the interpreter to itself (Python: 5 ms). One with a letter that is due asks
# for it at each of some forty statements, while another is at a mailing.
TURN_S = 0.001


class Engine:
    """Runs until told to stop; `start` returns at once, `join` waits for the work in hand."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.stopping = threading.Event()
        owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.desk = wiring.desk(owner, self.stopping.is_set)
        self._way = Way()
        self._bulk_desk = replace(self.desk, give_way=self._way.give)
        self._watches: dict[tuple[str, ...], Watch] = {
            lanes: Watch(wiring.database) for lanes in (BULK, SOON, URGENT)
        }
        idle_s = wiring.settings.work.idle_s
        steps = (
            # Each apart, so that what takes long keeps nothing else waiting: a great mailing what is due, a batch
            # what is urgent, a slow provider an opt-out, a large file a reply, the sample year all of them.
            (self._bulk, idle_s),
            (self._soon, idle_s),
            (self._urgent, idle_s),
            (self._inbound, INBOUND_S),
            (self._figures, FIGURES_S),
            (self._resolve, INBOUND_S),
            (self._import, INBOUND_S),
            (self._export, INBOUND_S),
            (self._sample, INBOUND_S),
            (self._notify, NOTICES_S),
            (self._call_out, WEBHOOKS_S),
        )
        self._threads = [
            threading.Thread(target=self._loop, args=step, name=step[0].__name__, daemon=True)
            for step in steps
        ]

    def start(self) -> None:
        """Begin working."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take nothing new."""
        self.stopping.set()

    def join(self) -> None:
        """Wait for what is in hand, not longer than it may take; what is left of it then is laid down."""
        until = time.monotonic() + self.wiring.settings.work.drain_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        for watch in self._watches.values():
            watch.close()
        with self.wiring.database.write() as session:
            repair.lay_down(session, self.wiring.now(), self.desk.owner, self.wiring.pace)

    def _bulk(self) -> bool:
        return self._work(BULK, self._send_bulk)

    def _soon(self) -> bool:
        return self._work(SOON, self._send_first)

    def _urgent(self) -> bool:
        return self._work(URGENT, self._send_first)

    def _send_bulk(self, lanes: tuple[str, ...]) -> bool:
        return send.work(self._bulk_desk, lanes)

    def _send_first(self, lanes: tuple[str, ...]) -> bool:
        with self._way.first():
            return send.work(self.desk, lanes)

    def _work(self, lanes: tuple[str, ...], work: Callable[[tuple[str, ...]], bool]) -> bool:
        """Work a batch of these lanes, or wait for one: until its instant, or until somebody commits something."""
        with self.wiring.database.read() as session:
            due_in_s = batch.due_in_s(session, self.wiring.now(), lanes)
        if due_in_s is not None and due_in_s <= 0 and work(lanes):
            return True
        idle_s = self.wiring.settings.work.idle_s
        wait_s = due_in_s if due_in_s is not None and 0 < due_in_s < idle_s else idle_s
        self._watches[lanes].wait(self.stopping, wait_s)
        return True

    def _inbound(self) -> bool:
        wiring = self.wiring
        polling.poll_due(
            wiring.database,
            wiring.connector,
            wiring.now,
            period_s=wiring.settings.work.poll_s,
            lease_s=wiring.settings.work.lease_s,
            alarm=observe.alarm,
        )
        found = intake.process(wiring.database.sessions, wiring.now(), wiring.links, alarm=observe.alarm)
        return found > 0

    def _figures(self) -> bool:
        return post_figures.ask_due(self.wiring.database, self.wiring.connector, self.wiring.now) > 0

    def _resolve(self) -> bool:
        return renewal.renew_due(self.desk) + resolve.resolve(self.desk) > 0

    def _import(self) -> bool:
        return imports.run_pending(self.wiring.database.sessions, self.wiring.now) > 0

    def _export(self) -> bool:
        return exports.run_pending(self.wiring, recipes.recipe)

    def _sample(self) -> bool:
        return loading.run_pending(self.wiring)

    def _notify(self) -> bool:
        return notices.send_due(self.wiring)

    def _call_out(self) -> bool:
        return webhooks.send_due(self.wiring, self.stopping.is_set)

    def _loop(self, step: Callable[[], bool], idle_s: float) -> None:
        while not self.stopping.is_set():
            try:
                worked = step()
            except Exception:  # the door of the worker: log, count, go on
                log.exception("worker_step_failed", step=step.__name__)
                self.stopping.wait(TROUBLE_S)
                continue
            if not worked:
                self.stopping.wait(idle_s)


class Told(threading.Event):
    """An event that a signal sets.

    Of a process that stood still, the signal may reach another thread than the main one, which alone acts on it and
    would sleep on: so it looks up every second.
    """

    def wait(self, timeout: float | None = None) -> bool:
        """As of any event."""
        if timeout is not None:
            return super().wait(timeout)
        while not super().wait(LOOK_UP_S):
            pass
        return True


def until_told(stop: Callable[[], None]) -> Told:
    """An event that SIGTERM and SIGINT set, after calling `stop`; call it from the main thread."""
    told = Told()

    def _told(_signal: int, _frame: object) -> None:
        stop()
        told.set()

    signal.signal(signal.SIGTERM, _told)
    signal.signal(signal.SIGINT, _told)
    return told


def run_worker(wiring: Wiring) -> None:
    """Work until told to stop: `dolen work`."""
    sys.setswitchinterval(TURN_S)
    engine = Engine(wiring)
    told = until_told(engine.stop)
    engine.start()
    told.wait()
    engine.join()
