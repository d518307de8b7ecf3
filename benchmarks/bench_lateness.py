"""Benchmark: how late a message to one person goes out while a great mailing does.

A clock, a worker (`dolen clock`, `dolen work`) and a relay (`smtp-sink`) run as processes of their own. Of MESSAGES
messages each (default 200), every one to one person:

- due: planned ahead, they come due one after the other while RECIPIENTS others (default 150,000) are being sent to;
- urgent: accepted one after the other in the lane `urgent`, when nothing else goes out and again during such a mailing.

How late one was is told by the ledger twice: by `intent_at`, taken just before its intent was committed, and by
`sent_at`, taken when the relay had answered. The commit lies between; the goals are asked of the later. Due messages
are counted from their due instant, urgent ones from the moment at which they were accepted (their commit).
DATABASE is sqlite, postgresql or both.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from campaigns.delivery import states
from campaigns.delivery.tables import Delivery
from service.wiring import Wiring
from tests.connectors.relay import closed_port
from tests.postgres import cluster

from . import machine, mailing, sink
from .place import Place
from .running import dolen

RECIPIENTS = int(os.environ.get("RECIPIENTS") or 150_000)
MESSAGES = int(os.environ.get("MESSAGES") or 200)
CHOSEN = os.environ.get("DATABASE") or "both"
DATABASES = ("sqlite", "postgresql") if CHOSEN == "both" else (CHOSEN,)
WARM = 5  # messages that go first and are not counted: connections are opened, statements compiled
# So many come a second, in a small run too: a queue that grows is another question. To accept a message is work too,
# so fewer are urgent. They take less time than the mailing.
DUE_S, URGENT_S = MESSAGES / 20, MESSAGES / 12
BEFORE_S = 1.0  # the mailing is let go so long before the first is due
SUBMIT_S = 0.1  # to plan one message ahead takes less
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Late:
    """By how many milliseconds each was late: when its intent was about to be committed, and when it had gone."""

    intent: list[float]
    sent: list[float]


def main() -> int:
    """Prepare, measure on each database, print a table and one line of JSON."""
    found: dict[str, dict[str, Late]] = {}
    with ExitStack() as held:
        folder, port = (
            Path(held.enter_context(tempfile.TemporaryDirectory(prefix="dolen-late-"))),
            closed_port(),
        )
        held.enter_context(sink.relay(port))
        for name in DATABASES:
            server = held.enter_context(cluster(durable=True)) if name == "postgresql" else None
            place = Place(folder / name, server, port, RECIPIENTS)
            print(f"{name}: {RECIPIENTS:,} recipients are there", file=sys.stderr, flush=True)
            found[name] = {**_urgent(place), "due": _due(place)}
    _tell(found)
    return 0


def _due(place: Place) -> Late:
    """Messages that come due while a mailing goes out."""
    with place.fresh() as wiring:
        due = mailing.single(wiring, place.letters.compiled, "normal", MESSAGES)
        with _running(wiring, place):
            first = wiring.now() + timedelta(seconds=MESSAGES * SUBMIT_S + BEFORE_S)
            at = {one: first + timedelta(seconds=n * DUE_S / MESSAGES) for n, one in enumerate(due)}
            for one, instant in at.items():
                mailing.submit(wiring, one, instant)
            _until(wiring, first - timedelta(seconds=BEFORE_S))
            with _mailing(wiring, place):
                _until(wiring, max(at.values()))
                return _late(wiring, at)


def _urgent(place: Place) -> dict[str, Late]:
    """Urgent messages on an idle installation, and again while a mailing goes out."""
    with place.fresh() as wiring:
        urgent = mailing.single(wiring, place.letters.compiled, "urgent", 2 * MESSAGES)
        with _running(wiring, place):
            idle = _accepted(wiring, urgent[:MESSAGES])
            with _mailing(wiring, place):
                busy = _accepted(wiring, urgent[MESSAGES:])
    return {"urgent, idle": idle, "urgent": busy}


def _accepted(wiring: Wiring, numbers: Sequence[int]) -> Late:
    """Have them accepted one after the other."""
    began, at = wiring.now(), {}
    for n, one in enumerate(numbers):
        _until(wiring, began + timedelta(seconds=n * URGENT_S / MESSAGES))
        mailing.submit(wiring, one)
        at[one] = wiring.now()
    return _late(wiring, at)


@contextmanager
def _running(wiring: Wiring, place: Place) -> Iterator[None]:
    """A clock and a worker that have sent before."""
    warm = mailing.single(wiring, place.letters.compiled, "normal", WARM)
    with dolen(wiring, "clock"), dolen(wiring, "work"):
        for one in warm:
            mailing.submit(wiring, one)
        _until_sent(wiring, warm)
        yield


@contextmanager
def _mailing(wiring: Wiring, place: Place) -> Iterator[None]:
    """The mailing to everybody goes out during the whole block, from its first letter on."""
    mailing.submit(wiring, place.letters.compiled)
    _until_sent(wiring, [place.letters.compiled], 1)
    yield
    if _sent(wiring, [place.letters.compiled]) > RECIPIENTS * 0.97:
        raise SystemExit(
            "the mailing was over before the others were: choose more RECIPIENTS or fewer MESSAGES"
        )


def _late(wiring: Wiring, at: dict[int, datetime]) -> Late:
    """How late each was, when all have gone."""
    _until_sent(wiring, list(at))
    with wiring.database.read() as session:
        mine = Delivery.message_id.in_(at)
        rows = session.execute(
            select(Delivery.message_id, Delivery.intent_at, Delivery.sent_at).where(mine)
        ).all()
    return Late(
        [(row.intent_at - at[row.message_id]) / timedelta(milliseconds=1) for row in rows],
        [(row.sent_at - at[row.message_id]) / timedelta(milliseconds=1) for row in rows],
    )


def _until_sent(wiring: Wiring, numbers: Sequence[int], wanted: int = 0) -> None:
    end = time.monotonic() + PATIENCE_S
    while _sent(wiring, numbers) < (wanted or len(numbers)):
        if time.monotonic() > end:
            raise SystemExit("they do not go out")
        time.sleep(0.05)


def _sent(wiring: Wiring, numbers: Sequence[int]) -> int:
    mine = Delivery.message_id.in_(numbers), Delivery.state == states.SENT
    with wiring.database.read() as session:
        return session.scalar(select(func.count()).select_from(Delivery).where(*mine)) or 0


def _until(wiring: Wiring, at: datetime) -> None:
    time.sleep(max(0.0, (at - wiring.now()).total_seconds()))


def _tell(found: dict[str, dict[str, Late]]) -> None:
    table = [
        "| messages to one person | database | intent p50 | p99 | gone p50 | p99 |",
        "|---|---|---|---|---|---|",
    ]
    for database, each in found.items():
        for name, late in each.items():
            figures = [_quantile(one, share) for one in (late.intent, late.sent) for share in (0.5, 0.99)]
            table.append(f"| {name} | {database} | " + " | ".join(f"{ms:.0f} ms" for ms in figures) + " |")
    first, *others = DATABASES
    line = {"benchmark": "lateness", "recipients": RECIPIENTS, "messages": MESSAGES, **_p99(found[first])}
    for database in others:
        line |= {f"{key}_{database}": value for key, value in _p99(found[database]).items()}
    every = {
        f"{name}, {database}": {"intent_ms": late.intent, "gone_ms": late.sent}
        for database, each in found.items()
        for name, late in each.items()
    }
    machine.end(line, table, late=every)


def _p99(each: dict[str, Late]) -> dict[str, float]:
    keys = {"start_p99_ms": "due", "urgent_p99_ms": "urgent", "urgent_idle_p99_ms": "urgent, idle"}
    return {key: round(_quantile(each[name].sent, 0.99), 1) for key, name in keys.items()}


def _quantile(found: list[float], share: float) -> float:
    return sorted(found)[min(len(found) - 1, round(share * len(found)))]


if __name__ == "__main__":
    sys.exit(main())
