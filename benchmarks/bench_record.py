"""Benchmark: the first page of one person's engagement record, among ROWS deliveries and RESPONSES responses.

PEOPLE stakeholders (default 100,000), ROWS deliveries (1,000,000), RESPONSES responses (300,000), DATABASE sqlite,
postgresql or both. LOOKS people are asked for (default 2,000), one after the other, each with a session of its own, in
this process; and beside it the same in an installation of a hundredth the size: the record is read by indexes, so its
time may not depend on how much others have.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text

from campaigns.delivery.tables import Delivery
from campaigns.responses import record
from campaigns.stakeholders.tables import Stakeholder
from service import garbage
from service.settings import load
from service.wiring import Wiring
from tests.postgres import cluster

from . import large, machine

PEOPLE = int(os.environ.get("PEOPLE") or 100_000)
ROWS = int(os.environ.get("ROWS") or 1_000_000)
RESPONSES = int(os.environ.get("RESPONSES") or 300_000)
LOOKS = int(os.environ.get("LOOKS") or 2_000)
CHOSEN = os.environ.get("DATABASE") or "both"
DATABASES = ("sqlite", "postgresql") if CHOSEN == "both" else (CHOSEN,)
# Of so many times the size are the two installations.
TIMES = 100
GOAL_MS = 20.0


def main() -> int:
    """Fill, look, print a table and one line of JSON."""
    found: dict[str, list[float]] = {}
    rows: dict[str, int] = {}
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="dolen-record-")))
        for database in DATABASES:
            server = held.enter_context(cluster(durable=True)) if database == "postgresql" else None
            for size, part in (("great", 1), ("small", TIMES)):
                name = f"{database}, {size}"
                url = server.create(f"record_{size}") if server else ""
                wiring = _installation(folder / name.replace(", ", "-"), url)
                held.callback(wiring.close)
                large.fill(wiring, max(PEOPLE // part, large.PER_MESSAGE), ROWS // part, RESPONSES // part)
                _settled(wiring)
                rows[name] = _count(wiring)
                print(f"{name}: {rows[name]:,} deliveries", file=sys.stderr, flush=True)
                found[name] = _looks(wiring)
    _tell(found, rows)
    return 0


def _installation(folder: Path, url: str) -> Wiring:
    chosen = {"DOLEN__DATA__DIR": str(folder), "DOLEN__LOG__LEVEL": "error"}
    return Wiring(load(chosen | ({"DOLEN__DATABASE__URL": url} if url else {})))


def _settled(wiring: Wiring) -> None:
    """The database knows how its tables look, as after a night."""
    with wiring.database.write() as session:
        session.execute(text("ANALYZE"))


def _count(wiring: Wiring) -> int:
    with wiring.database.read() as session:
        return session.scalar(select(func.count()).select_from(Delivery)) or 0


def _looks(wiring: Wiring) -> list[float]:
    """Milliseconds of each look; the first hundred, which warm caches, are not counted."""
    garbage.set_aside()
    with wiring.database.read() as session:
        people = list(session.scalars(select(Stakeholder.id)))
    wanted = random.Random(4).choices(people, k=LOOKS + 100)
    times = []
    for number in wanted:
        began = time.perf_counter()
        with wiring.database.read() as session:
            record.timeline(session, number)
        times.append((time.perf_counter() - began) * 1000)
    return times[100:]


def _tell(found: dict[str, list[float]], rows: dict[str, int]) -> None:
    table = ["| | deliveries | median | p99 |", "|---|---|---|---|"]
    p99 = {name: sorted(times)[round(0.99 * (len(times) - 1))] for name, times in found.items()}
    for name, times in found.items():
        table.append(f"| {name} | {rows[name]:,} | {statistics.median(times):.1f} ms | {p99[name]:.1f} ms |")
    great, small = (f"{DATABASES[0]}, {size}" for size in ("great", "small"))
    growth = statistics.median(found[great]) / statistics.median(found[small])
    line: dict[str, Any] = {
        "benchmark": "record", "p99_ms": round(p99[great], 1), "rows": rows[great],
        "median_growth": round(growth, 2), "goal_ms": GOAL_MS,
    }  # fmt: skip
    for database in DATABASES[1:]:
        line[f"p99_ms_{database}"] = round(p99[f"{database}, great"], 1)
    machine.end(line, table)


if __name__ == "__main__":
    sys.exit(main())
