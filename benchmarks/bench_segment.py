"""Benchmark: a group by rule with five conditions, among STAKEHOLDERS people (default 1,000,000).

The rule asks a number, a choice and a language of the person's own, a tag and a permission. `count` is what a page asks
for; `materialise` writes segment and person of everybody inside a wide group (who reads Welsh, half of them) into a
table of two columns, as a snapshot of who it was. DATABASE is sqlite, postgresql or both; ROUNDS (default 5) take
turns, and the median counts. It is asked again with an index on each of the two fields (`dolen db index`).
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, Table, func, insert, literal, select, text
from sqlalchemy.orm import Session

from campaigns.base import ids
from campaigns.stakeholders import fields, indexes, segments
from campaigns.stakeholders.tables import Consent, Involvement, Segment, Stakeholder, StakeholderTag, Tag
from campaigns.strategies import programmes
from service.settings import load
from service.upgrade import upgrade
from service.wiring import Wiring
from tests.postgres import cluster

from . import large, machine

STAKEHOLDERS = int(os.environ.get("STAKEHOLDERS") or 1_000_000)
ROUNDS = int(os.environ.get("ROUNDS") or 5)
CHOSEN = os.environ.get("DATABASE") or "both"
DATABASES = ("sqlite", "postgresql") if CHOSEN == "both" else (CHOSEN,)
CHUNK = 4_000
TOWNS = tuple(f"ward {n}" for n in range(100))
SNAPSHOT = Table(
    "snapshot", MetaData(), Column("segment_id", BigInteger), Column("stakeholder_id", BigInteger)
)
RULE = {
    "all": [
        {"field": "attrs.visits", "op": "ge", "value": 3},
        {"field": "attrs.town", "op": "in", "value": ["ward 7", "ward 41", "ward 93"]},
        {"field": "language", "op": "has", "value": "cy"},
        {"field": "tag", "op": "has", "value": "garden"},
        {"field": "consent", "op": "has", "value": {"purpose": "direct_marketing", "channel": "email"}},
    ]
}


WIDE = {"field": "language", "op": "has", "value": "cy"}


def main() -> int:
    """Fill, ask, print a table and one line of JSON."""
    took: dict[str, list[float]] = {}
    sizes: dict[str, int] = {}
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="dolen-segment-")))
        for database in DATABASES:
            server = held.enter_context(cluster(durable=True)) if database == "postgresql" else None
            wiring = _installation(folder / database, server.create("segment") if server else "")
            held.callback(wiring.close)
            asked = _fill(wiring)
            _measure(wiring, database, asked, took, sizes)
            _indexed(wiring)
            _measure(wiring, f"{database}, indexed", asked, took, sizes)
    _tell(took, sizes)
    return 0


def _measure(
    wiring: Wiring, name: str, asked: tuple[int, int], took: dict[str, list[float]], sizes: dict[str, int]
) -> None:
    """Count the narrow group, write down the wide one; what the first round fills of caches is not timed."""
    for turn in range(ROUNDS + 1):
        for what, act, segment_id in (("count", _count, asked[0]), ("materialise", _materialise, asked[1])):
            began = time.perf_counter()
            sizes[f"{name}: {what}"] = act(wiring, segment_id)
            if turn:
                took.setdefault(f"{name}: {what}", []).append(time.perf_counter() - began)


def _count(wiring: Wiring, segment_id: int) -> int:
    with wiring.database.read() as session:
        return segments.count(session, session.get_one(Segment, segment_id), now=wiring.now())


def _materialise(wiring: Wiring, segment_id: int) -> int:
    with wiring.database.write() as session:
        session.execute(SNAPSHOT.delete())
        inside = segments.select_ids(session, session.get_one(Segment, segment_id), now=wiring.now())
        both = inside.add_columns(literal(segment_id, BigInteger))
        session.execute(insert(SNAPSHOT).from_select(["stakeholder_id", "segment_id"], both))
        return session.scalar(select(func.count()).select_from(SNAPSHOT)) or 0


def _installation(folder: Path, url: str) -> Wiring:
    chosen = {"DOLEN__DATA__DIR": str(folder), "DOLEN__LOG__LEVEL": "error"}
    return Wiring(load(chosen | ({"DOLEN__DATABASE__URL": url} if url else {})))


def _fill(wiring: Wiring) -> tuple[int, int]:
    """So many people, and the ids of both segments."""
    upgrade(wiring)
    now, luck = wiring.now(), random.Random(5)
    with wiring.database.write() as session:
        SNAPSHOT.create(session.connection())
        programme = programmes.general(session, now).id
        fields.define(session, now, "visits", "number")
        fields.define(session, now, "town", "choice", TOWNS)
        tag = Tag(name="garden", name_fold="garden")
        session.add(tag)
        session.flush()
        made = [
            segments.create(session, now, programme_id=programme, name=name, rule=rule).id
            for name, rule in (("Five", RULE), ("Wide", WIDE))
        ]
        tag_id = tag.id
    for start in range(0, STAKEHOLDERS, CHUNK):
        with wiring.database.write() as session:
            _people(session, luck, programme, tag_id, min(CHUNK, STAKEHOLDERS - start), now)
    with wiring.database.write() as session:
        session.execute(text("ANALYZE"))
    print(f"{STAKEHOLDERS:,} people are there", file=sys.stderr, flush=True)
    return made[0], made[1]


def _people(session: Session, luck: random.Random, programme: int, tag: int, count: int, now: Any) -> None:
    first = ids.block(count)
    numbers = range(first, first + count)
    rows: list[tuple[Any, Callable[[int], dict[str, Any]], float]] = [
        (Stakeholder, lambda number: _person(luck, now, number), 1.0),
        (Involvement, lambda number: {"stakeholder_id": number, "programme_id": programme, "at": now}, 1.0),
        (StakeholderTag, lambda number: {"tag_id": tag, "stakeholder_id": number}, 0.5),
        (Consent, lambda number: large.consent(now, number), 0.9),
    ]
    for table, row, share in rows:
        large.put(session, table, (row(number) for number in numbers if luck.random() < share))


def _person(luck: random.Random, now: Any, number: int) -> dict[str, Any]:
    own = {"visits": luck.randint(0, 9), "town": luck.choice(TOWNS)}
    return {
        "id": number, "kind": "person", "name": f"Siân {number}", "name_fold": f"sian {number}",
        "languages": luck.choice((["cy", "en"], ["en"], ["ar"], ["cy"])), "attrs": own, "attrs_fold": own,
        "state": "active", "created_at": now, "updated_at": now,
    }  # fmt: skip


def _indexed(wiring: Wiring) -> None:
    for field in ("visits", "town"):
        with wiring.database.write() as session:
            indexes.declare(session, field)
            session.execute(text("ANALYZE stakeholders"))


def _tell(took: dict[str, list[float]], sizes: dict[str, int]) -> None:
    medians = {name: statistics.median(times) * 1000 for name, times in took.items()}
    table = [
        "| | people inside | count | wide group | written | rows a second |",
        "|---|---|---|---|---|---|",
    ]
    line: dict[str, Any] = {"benchmark": "segment", "stakeholders": STAKEHOLDERS}
    for name in dict.fromkeys(one.partition(":")[0] for one in sizes):
        count, written = f"{name}: count", f"{name}: materialise"
        per_s = sizes[written] / medians[written] * 1000
        table.append(
            f"| {name} | {sizes[count]:,} | {medians[count]:,.0f} ms | {sizes[written]:,} | "
            f"{medians[written]:,.0f} ms | {per_s:,.0f} |"
        )
        key = name.replace(", ", "_")
        line |= {f"{key}_count_ms": round(medians[count]), f"{key}_rows_per_s": round(per_s)}
    line["materialise_rows_per_s"] = line[f"{DATABASES[0]}_rows_per_s"]
    machine.end(line, table)


if __name__ == "__main__":
    sys.exit(main())
