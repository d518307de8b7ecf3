"""Benchmark: a CSV file of ROWS people (default 1,000,000) is checked and taken in; killed in the middle, it goes on.

The file is made first and not timed: an external id, a name in Welsh, English or Arabic, a mail address, a language, a
town and a tag, one declaration of consent for all. A process of its own reads the file, checks every row without
writing anybody, is confirmed and takes the rows in; at six tenths it is killed with -9 and another goes on. `minutes`
are both processes' together, from the first byte read, their starts included; `cpu_us` is their own processor time a
row, which says more where others want the machine too; `rss_mb` is the greater peak of the two, as Linux counts it.
DATABASE is sqlite (default), postgresql or both; every person, address and permission is counted at the end.
"""

from __future__ import annotations

import csv
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

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


class Found(NamedTuple):
    """Of one database."""

    minutes: float
    rss_mb: float
    cpu_us: float


def main() -> int:
    """Import into each database, print a table and one line of JSON."""
    found: dict[str, Found] = {}
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
    with wiring.database.write() as session, open(file, "rb") as body:
        found = session.scalar(select(Import.id))
        if found is None:
            found = imports.check(
                session, wiring.now(), programme_id=programmes.general(session, wiring.now()).id,
                filename="people.csv", body=body, declaration=DECLARED, actor="console",
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


def _measure(folder: Path, url: str, file: Path) -> Found:
    wiring = _wiring(folder, url)
    upgrade(wiring)
    with wiring.database.write() as session:
        fields.define(session, wiring.now(), "town", "text")
        programmes.general(session, wiring.now())
    began = time.perf_counter()
    first = _used(_start(folder, url, file), wiring)
    _tell_how_far(wiring, time.perf_counter() - began)
    second = _used(_start(folder, url, file))
    took = time.perf_counter() - began
    _must_be_whole(wiring)
    wiring.close()
    cpu_s = sum(one.ru_utime + one.ru_stime for one in (first, second))
    return Found(took / 60, max(first.ru_maxrss, second.ru_maxrss) / 1024, cpu_s / ROWS * 1e6)


def _start(folder: Path, url: str, file: Path) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "benchmarks.bench_import", str(folder), url, str(file)]
    return subprocess.Popen(program, preexec_fn=leash.hold)


def _used(process: subprocess.Popen[bytes], killed_in: Wiring | None = None) -> resource.struct_rusage:
    """Wait for its end, or kill it where most of the rows are in; what it took."""
    ended, status, used = os.wait4(process.pid, os.WNOHANG)
    while not ended:
        time.sleep(LOOK_S)
        if killed_in is not None and _taken(killed_in) >= ROWS * KILLED_AT:
            os.kill(process.pid, signal.SIGKILL)
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != (0 if killed_in is None else -9):
        raise SystemExit(f"the import ended with {process.returncode}")
    return used


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


def _tell(found: dict[str, Found], database_of: str) -> None:
    table = ["| | rows | minutes | processor time a row | peak of memory |", "|---|---|---|---|---|"]
    line: dict[str, Any] = {"benchmark": "import", "rows": ROWS}
    for database, one in found.items():
        table.append(
            f"| {database} | {ROWS:,} | {one.minutes:.1f} | {one.cpu_us:,.0f} µs | {one.rss_mb:,.0f} MB |"
        )
        prefix = "" if database == database_of else f"{database}_"
        told = {"minutes": round(one.minutes, 2), "rss_mb": round(one.rss_mb), "cpu_us": round(one.cpu_us)}
        line |= {f"{prefix}{name}": value for name, value in told.items()}
    machine.end(line, table)


if __name__ == "__main__":
    sys.exit(work(*sys.argv[1:]) if len(sys.argv) > 1 else main())
