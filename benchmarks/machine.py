"""On what a benchmark ran, said beside what it found; with WRITE=1 both are kept in benchmarks/results/."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
# How many others wanted a processor when this began: what is measured in seconds means less the more there are.
BUSY = os.getloadavg()[0]


def end(line: dict[str, Any], table: list[str], **more: Any) -> None:
    """End a benchmark: what it ran on and its table, to be pasted, and its one line of JSON."""
    ran_on = _ran_on()
    print(
        "",
        "Measured " + ", ".join(f"{name} {value}" for name, value in ran_on.items()),
        "",
        sep="\n",
        file=sys.stderr,
    )
    print(*table, sep="\n", file=sys.stderr, flush=True)
    if os.environ.get("WRITE"):
        kept = RESULTS / f"{line['benchmark']}-{ran_on['on']}.json"
        kept.write_text(json.dumps({**ran_on, "result": line, **more}, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(line))


def _ran_on() -> dict[str, str]:
    return {
        "on": f"{datetime.now(UTC):%Y-%m-%d}", "by": _processor(), "cores": str(os.cpu_count()),
        "load before": f"{BUSY:.1f}", "Python": platform.python_version(), "SQLite": sqlite3.sqlite_version,
    }  # fmt: skip


def _processor() -> str:
    """Its name as Linux has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
