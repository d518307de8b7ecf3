"""Proof: whatever the place at which a process dies, nothing is lost, and nobody gets it twice where that can be known.

14 named places (benchmarks/traps.py) × their first, middle and last pass × KEYED, FINDABLE, BLIND-hold, BLIND-retry and
SMTP × DATABASE (sqlite, postgresql, both). Each run hands three messages to the API, releases and works them in a
process that dies at its place, and lets another process go on; the client repeats its calls. Then three books must
agree: the provider's own log, the ledger, and the report. ITEMS=first leaves the middle and the last pass out;
PLACE=net.after_reply looks at one place alone.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.delivery import states
from tests.postgres import Cluster, cluster

from . import traps
from .house import CLASSES, MESSAGES, PEOPLE, Found, House, in_a_process

WAVE = 3


@dataclass
class Tally:
    """What all runs found; `wrong` says of each run with which something was wrong what it was."""

    runs: int = 0
    lost: int = 0
    twice: int = 0
    blind_retry_max_copies: int = 0
    unknown: int = 0
    unexpected: int = (
        0  # unknown where the place cannot have left it so, more than a wave of it, or unexplained
    )
    not_reached: int = 0
    books_agree: bool = True
    wrong: list[str] = field(default_factory=list)

    def add(self, kind: str, place: str, n: int, found: Found, copies: Counter[str]) -> None:
        """Judge one run by its three books."""
        before = (self.lost, self.twice, self.unexpected, self.books_agree)
        of_run = {name: copies[name] for name in found.rows}
        unknown = {name for name, state in found.rows.items() if state == states.UNKNOWN}
        most = max(of_run.values(), default=0)
        self.runs += 1
        self.unknown += len(unknown)
        self.lost += MESSAGES * PEOPLE - len(found.rows) + sum(
            not of_run[name] for name, state in found.rows.items() if state != states.UNKNOWN
        )  # fmt: skip
        if kind == "blind_retry":
            self.blind_retry_max_copies = max(self.blind_retry_max_copies, most)
        self.twice += found.too_many + sum(
            count > (2 if kind == "blind_retry" else 1) for count in of_run.values()
        )
        may_hold = kind in ("blind_hold", "smtp") and (
            place in traps.OPEN or (place in traps.BESIDE and n > 1)
        )
        self.unexpected += len(unknown - found.evident) + max(0, len(unknown) - (WAVE if may_hold else 0))
        self.books_agree &= found.reconciled and not found.open_rows and all(
            found.rows[name] in (states.SENT, states.UNKNOWN) for name, count in of_run.items() if count
        )  # fmt: skip
        if (self.lost, self.twice, self.unexpected, self.books_agree) != before:
            self.wrong.append(f"{kind} {place}:{n}: {Counter(found.rows.values())}, most copies {most}")


def prove(house: House, tally: Tally, label: str, places: tuple[str, ...], first_only: bool) -> None:
    """All runs of one class on one database. The first run ends well and counts the passes of each place."""
    whole = traps.Trap()
    traps.lay(whole)
    house.whole()
    house.wiring.close()
    for place in places:
        passes = whole.passes[place]
        if not passes:
            raise SystemExit(f"{label}: {place} was never passed")
        for n in [1] if first_only else sorted({1, (passes + 1) // 2, passes}):
            _run(house, tally, f"{label} {place}:{n}", place, n)
    print(f"{label}: {tally.runs} runs, {len(tally.wrong)} wrong", file=sys.stderr, flush=True)


def _run(house: House, tally: Tally, label: str, place: str, n: int) -> None:
    """One death and what came after; how often a connection is made is chance, so a late pass may not come."""
    status, died_at = 0, n + 1
    while status != traps.KILLED and died_at > 1:
        house.number += 1
        died_at -= 1
        traps.lay(traps.Trap(place, died_at))
        status, _ = in_a_process(house.whole)
    tally.not_reached += status != traps.KILLED
    traps.lay(traps.Trap())
    status, found = in_a_process(house.go_on)
    if found is None:
        raise SystemExit(f"{label}: the process that went on ended with {status}")
    house.wiring.ahead = found.ahead
    copies = Counter(str(entry["key"]) for entry in house.accepted())
    tally.add(house.kind, place, died_at, found, copies)


def everything(databases: tuple[str, ...], places: tuple[str, ...], first_only: bool) -> Tally:
    """Every class on every database."""
    traps.watch(WAVE)
    tally = Tally()
    with ExitStack() as stack:
        server = stack.enter_context(cluster(durable=True)) if "postgresql" in databases else None
        for database, kind in ((database, kind) for database in databases for kind in CLASSES):
            with ExitStack() as here:
                folder = Path(here.enter_context(tempfile.TemporaryDirectory(prefix="dolen-crash-")))
                house = House(_url(server, database, kind), folder, kind, here)
                prove(house, tally, f"{database} {kind}", places, first_only)
    return tally


def _url(server: Cluster | None, database: str, kind: str) -> str:
    return server.create(f"crash_{kind}") if server is not None and database == "postgresql" else ""


def main() -> None:
    """Run the proof and end with its line of JSON."""
    chosen = os.environ.get("DATABASE") or "both"
    databases = ("sqlite", "postgresql") if chosen == "both" else (chosen,)
    place = os.environ.get("PLACE")
    tally = everything(databases, (place,) if place else traps.PLACES, os.environ.get("ITEMS") == "first")
    for words in tally.wrong:
        print(words, file=sys.stderr)
    names = (
        "runs",
        "lost",
        "twice",
        "blind_retry_max_copies",
        "books_agree",
        "unknown",
        "unexpected",
        "not_reached",
    )
    line = {"proof": "crashpoints", **{name: getattr(tally, name) for name in names}}
    print(json.dumps(line))
    sys.exit(bool(tally.wrong or tally.not_reached))


if __name__ == "__main__":
    main()
