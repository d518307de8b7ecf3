"""Benchmark: a CSV file of ROWS people (default 1,000,000) is checked and taken in; killed in the middle, it goes on.

The file is made first and not timed: an external id, a name in Welsh, English or Arabic, a mail address, a language, a
town and a tag, one declaration of consent for all. A process of its own reads the file, checks every row without
writing anybody, is confirmed and takes the rows in; at six tenths it is killed with -9 and another goes on. `minutes`
are both processes' together, from the first byte read, their starts included; `rss_mb` is the greater peak of the
two, as Linux counts it. DATABASE is sqlite (default), postgresql or both; every person, address and permission is counted
at the end.
"""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from campaigns.stakeholders import fields, imports
from campaigns.stakeholders.tables import Address, Consent, Import, ImportRow, Stakeholder
from campaigns.strategies import programmes
from service import leash
from service.demo import names
from service.settings import load
from service.upgrade import upgrade
from service.wiring import Wiring
from tests.postgres import cluster

from . import machine

ROWS = int(os.environ.get("ROWS") or 1_000_000)
CHOSEN = os.environ.get("DATABASE") or "sqlite"
DATABASES = ("sqlite", "postgresql") if CHOSEN == "both" else (CHOSEN,)
KILLED_AT = 0.6
LOOK_S = 0.2
HEADER = ("id", "name", "email", "language", "town", "tags")
TOWNS = ("Bangor", "Rhyl", "Y Bala", "Caerdydd", "Abertawe", "Llandudno")
DECLARED = {
    "purpose": "direct_marketing", "channel": "email", "basis": "consent", "source": "sign-up sheet",
    "wording_version": "2026-1", "at": "2026-01-01T00:00:00Z",
}  # fmt: skip
TABLES = (Stakeholder, Address, Consent, ImportRow)


def main() -> int:
    """Import into each database, print a table and one line of JSON."""
    found: dict[str, tuple[float, float]] = {}
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="dolen-import-")))
        file = _file(folder)
        for database in DATABASES:
            server = held.enter_context(cluster(durable=True)) if database == "postgresql" else None
            url = server.create("import") if server else ""
            found[database] = _measure(folder / database, url, file)
    _tell(found, database_of=DATABASES[0])
    return 0


def work(folder: str, url: str, file: str) -> int:
    """The process that is measured: check the file and take it in, or go on with it."""
    wiring = _wiring(Path(folder), url)
    sessions = wiring.database.sessions
    with wiring.database.write() as session:
        found = session.scalar(select(Import.id))
        if found is None:
            found = imports.check(
                session, wiring.now(), programme_id=programmes.general(session, wiring.now()).id,
                filename="people.csv", body=Path(file).read_bytes(), declaration=DECLARED, actor="console",
            ).id  # fmt: skip
    imports.run_pending(sessions, wiring.now)
    with wiring.database.write() as session:
        imported = session.get_one(Import, found)
        if imported.state == "checked":
            imports.start(session, wiring.now(), imported)
    imports.run(sessions, found, wiring.now)
    wiring.close()
    return 0


def _file(folder: Path) -> Path:
    """ROWS people; nobody twice."""
    luck, path = random.Random(7), folder / "people.csv"
    with open(path, "w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(HEADER)
        for number in range(ROWS):
            first, last = luck.choice((names.WELSH, names.ENGLISH, names.ARABIC))
            name, language = f"{luck.choice(first)} {luck.choice(last)}", luck.choice(("cy", "en", "ar"))
            mail = f"p{number}@people{number % 1000}.example"
            rows.writerow((f"crm-{number}", name, mail, language, luck.choice(TOWNS), "newsletter"))
    print(f"{path.stat().st_size / 1e6:,.0f} MB of people", file=sys.stderr, flush=True)
    return path


def _wiring(folder: Path, url: str) -> Wiring:
    chosen = {"DOLEN__DATA__DIR": str(folder), "DOLEN__LOG__LEVEL": "error"}
    return Wiring(load(chosen | ({"DOLEN__DATABASE__URL": url} if url else {})))


def _measure(folder: Path, url: str, file: Path) -> tuple[float, float]:
    """Minutes, and the peak of memory in MB."""
    wiring = _wiring(folder, url)
    upgrade(wiring)
    with wiring.database.write() as session:
        fields.define(session, wiring.now(), "town", "text")
        programmes.general(session, wiring.now())
    began = time.perf_counter()
    first = _peak_mb(_start(folder, url, file), wiring)
    _tell_how_far(wiring, time.perf_counter() - began)
    second = _peak_mb(_start(folder, url, file))
    took = time.perf_counter() - began
    _must_be_whole(wiring)
    wiring.close()
    return took / 60, max(first, second)


def _start(folder: Path, url: str, file: Path) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "benchmarks.bench_import", str(folder), url, str(file)]
    return subprocess.Popen(program, preexec_fn=leash.hold)


def _peak_mb(process: subprocess.Popen[bytes], killed_in: Wiring | None = None) -> float:
    """Wait for its end, or kill it where most of the rows are in; what it took of memory at most."""
    ended, status, used = os.wait4(process.pid, os.WNOHANG)
    while not ended:
        time.sleep(LOOK_S)
        if killed_in is not None and _taken(killed_in) >= ROWS * KILLED_AT:
            os.kill(process.pid, signal.SIGKILL)
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != (0 if killed_in is None else -9):
        raise SystemExit(f"the import ended with {process.returncode}")
    return used.ru_maxrss / 1024


def _taken(wiring: Wiring) -> int:
    with wiring.database.read() as session:
        return session.scalar(select(Import.done).where(Import.state == "running")) or 0


def _tell_how_far(wiring: Wiring, took_s: float) -> None:
    print(f"killed at row {_taken(wiring):,} after {took_s:,.0f} s", file=sys.stderr, flush=True)


def _must_be_whole(wiring: Wiring) -> None:
    """Each person once, with address, permission and the line of the file."""
    with wiring.database.read() as session:
        counts = {one.__tablename__: session.scalar(select(func.count()).select_from(one)) for one in TABLES}
        told = session.scalars(select(Import)).one()
    if set(counts.values()) != {ROWS} or told.counts != {"created": ROWS}:
        raise SystemExit(f"not each row once: {counts}, {told.counts}")


def _tell(found: dict[str, tuple[float, float]], database_of: str) -> None:
    table = ["| | rows | minutes | µs a row | peak of memory |", "|---|---|---|---|---|"]
    line: dict[str, Any] = {"benchmark": "import", "rows": ROWS}
    for database, (minutes, peak) in found.items():
        table.append(
            f"| {database} | {ROWS:,} | {minutes:.1f} | {minutes * 60e6 / ROWS:,.0f} | {peak:,.0f} MB |"
        )
        prefix = "" if database == database_of else f"{database}_"
        line |= {f"{prefix}minutes": round(minutes, 2), f"{prefix}rss_mb": round(peak)}
    machine.end(line, table)


if __name__ == "__main__":
    sys.exit(work(*sys.argv[1:]) if len(sys.argv) > 1 else main())
