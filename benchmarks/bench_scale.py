"""Benchmark: whether a worker takes more memory or more processor time for a mail when a mailing is very large.

A mailing to FEW people (default 30,000) and one to RECIPIENTS (default 1,000,000) on SQLite, each by a clock and a
worker of their own (`dolen clock`, `dolen work`) to `smtp-sink`. The few are sent to ROUNDS times before the many and
as often after them, and the median counts. Memory is what is the worker's own (RssAnon), at its most; processor time
is that of the worker for each mail that went, and beside it that of the clock, which writes the rows.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from campaigns.delivery import reconcile
from campaigns.messages.tables import Message
from service.wiring import Wiring
from tests.connectors.relay import closed_port

from . import machine, mailing, sink
from .place import Place
from .running import Process, at_rest, dolen

FEW = int(os.environ.get("FEW") or 30_000)
RECIPIENTS = int(os.environ.get("RECIPIENTS") or 1_000_000)
ROUNDS = int(os.environ.get("ROUNDS") or 2)
LOOK_S = 0.2
TOLD_S = 15.0


@dataclass(frozen=True, slots=True)
class Took:
    """One mailing: mails, seconds, the worker's memory at its most, and processor time of both for a mail."""

    mails: int
    seconds: float
    memory_kb: int
    worker_us: float
    clock_us: float


def main() -> int:
    """Prepare both, measure, print a table and one line of JSON."""
    with ExitStack() as held:
        folder, port = (
            Path(held.enter_context(tempfile.TemporaryDirectory(prefix="dolen-scale-"))),
            closed_port(),
        )
        held.enter_context(sink.relay(port))
        few, many = (Place(folder / str(count), None, port, count) for count in (FEW, RECIPIENTS))
        print(f"{FEW:,} and {RECIPIENTS:,} people are there", file=sys.stderr, flush=True)
        before = [_run(few) for _ in range(ROUNDS)]
        large = _run(many)
        _tell(before + [_run(few) for _ in range(ROUNDS)], large)
    return 0


def _run(place: Place) -> Took:
    """One mailing from its acceptance until it is finished."""
    with place.fresh() as wiring, dolen(wiring, "clock") as clock, dolen(wiring, "work") as worker:
        at_rest(worker)
        both, began = (worker, clock), time.perf_counter()
        cpu_s = [one.cpu_s() for one in both]
        mailing.submit(wiring, place.letters.compiled)
        memory_kb = _until_finished(wiring, place.letters.compiled, worker)
        seconds = time.perf_counter() - began
        with wiring.database.read() as session:
            mails = reconcile.books(session, place.letters.compiled)["sent"]
        spent = [(one.cpu_s() - cpu) / mails * 1e6 for one, cpu in zip(both, cpu_s, strict=True)]
    took = Took(mails, seconds, memory_kb, *spent)
    print(took, file=sys.stderr, flush=True)
    return took


def _until_finished(wiring: Wiring, message_id: int, worker: Process) -> int:
    """The worker's memory at its most."""
    memory_kb, told = 0, time.monotonic()
    while True:
        memory_kb = max(memory_kb, worker.memory_kb())
        with wiring.database.read() as session:
            if session.get_one(Message, message_id).state == "finished":
                return memory_kb
            if time.monotonic() - told > TOLD_S:
                told = time.monotonic()
                sent = reconcile.counts(session, message_id)["sent"]
                print(f"{sent:,} sent, {memory_kb:,} kB", file=sys.stderr, flush=True)
        time.sleep(LOOK_S)


def _tell(small: list[Took], large: Took) -> None:
    few = {name: statistics.median(getattr(one, name) for one in small) for name in Took.__slots__}
    many = {name: getattr(large, name) for name in Took.__slots__}
    table = ["| recipients | mails/s | memory | worker, a mail | clock, a mail |", "|---|---|---|---|---|"]
    for count, one in ((FEW, few), (RECIPIENTS, many)):
        figures = f"{one['mails'] / one['seconds']:,.0f} | {one['memory_kb'] / 1000:.1f} MB"
        costs = f"{one['worker_us']:.0f} µs | {one['clock_us']:.0f} µs"
        table.append(f"| {count:,} | {figures} | {costs} |")
    grown = {name: round(many[name] / few[name] - 1, 3) for name in few}  # 0.05: by 5 %
    line = {
        "benchmark": "scale", "recipients": RECIPIENTS, "few": FEW, "rss_growth": grown["memory_kb"],
        "cost_growth": grown["worker_us"], "clock_growth": grown["clock_us"],
        "rss_mb": round(many["memory_kb"] / 1000, 1), "cpu_us": round(many["worker_us"], 1),
    }  # fmt: skip
    machine.end(line, table, small=[asdict(one) for one in small], large=asdict(large))


if __name__ == "__main__":
    sys.exit(main())
