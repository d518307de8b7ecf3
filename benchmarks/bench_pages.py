"""Benchmark: how long the server takes for every page, with PEOPLE stakeholders and ROWS deliveries on SQLite.

Every page is asked for ROUNDS times, the pages interleaved, by an administrator of everything; the time is that of the
whole application, without network. `js_gzip_kb` is what a browser loads of scripts for all pages together. With
KEEP=folder the filled database stays there, and is asked again without filling.
"""

from __future__ import annotations

import gzip
import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from importlib import resources
from typing import Any

from sqlalchemy import select

from service import garbage, logins
from service.app import create_app
from service.settings import load
from service.tables import Grant, User
from service.wiring import Wiring
from tests.places import addresses

from . import busy, large

PEOPLE = int(os.environ.get("PEOPLE") or 100_000)
ROWS = int(os.environ.get("ROWS") or 1_000_000)
ROUNDS = int(os.environ.get("ROUNDS") or 20)
KEEP = os.environ.get("KEEP") or ""
# Pages of search are asked with words that many people and messages have.
MORE = {"/search": "/search?q=helen"}
EMAIL = "reader@example.org"


def main() -> int:
    """Fill, ask, print a line per page and one of JSON."""
    with tempfile.TemporaryDirectory() as folder:
        wiring = Wiring(load({"DOLEN__DATA__DIR": KEEP or folder, "DOLEN__LOG__LEVEL": "error"}))
        began = time.perf_counter()
        if not large.is_filled(wiring):
            large.fill(wiring, PEOPLE, ROWS)
        print(f"filled in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        times = _measured(wiring)
        wiring.close()
    tops = {rule: _p95(found) for rule, found in times.items()}
    for rule, top in sorted(tops.items(), key=lambda one: -one[1]):
        print(f"{top:8.1f} ms p95  {statistics.median(times[rule]):8.1f} ms median  {rule}", file=sys.stderr)
    slowest = max(tops, key=lambda rule: tops[rule])
    every = _p95([one for found in times.values() for one in found])
    print(
        json.dumps(
            {
                "benchmark": "pages", "stakeholders": PEOPLE, "deliveries": ROWS, "pages": len(times), "rounds": ROUNDS,
                "p95_ms": round(every, 1), "slowest_page": slowest, "slowest_p95_ms": round(tops[slowest], 1),
                "js_gzip_kb": round(_scripts(), 1),
            }
        )
    )  # fmt: skip
    return 0


def _measured(wiring: Wiring) -> dict[str, list[float]]:
    garbage.set_aside()
    client = _signed_in(wiring)
    with wiring.database.read() as session:
        places = {**addresses(session), **MORE, **busy.places(session)}
    times: dict[str, list[float]] = defaultdict(list)
    for turn in range(ROUNDS + 1):
        for rule, address in places.items():
            began = time.perf_counter()
            answer = client.get(address, headers={"Accept": "text/html"})
            spent = (time.perf_counter() - began) * 1000
            if answer.status_code not in (200, 303):
                raise RuntimeError(f"{address} answered {answer.status_code}")
            if turn:  # the first time fills caches of templates and statements
                times[rule].append(spent)
    return times


def _signed_in(wiring: Wiring) -> Any:
    now = wiring.now()
    with wiring.database.write() as session:
        user = session.scalar(select(User).where(User.email_key == EMAIL))
        if user is None:
            user = User(name="Reader", email_key=EMAIL, created_at=now, updated_at=now)
            session.add(user)
            session.flush()
            session.add(Grant(user_id=user.id, role="administrator", created_at=now))
        secret = logins.begin(session, now, user.id)
    client = create_app(wiring=wiring).test_client()
    client.set_cookie("dolen", secret)
    return client


def _p95(found: list[float]) -> float:
    return sorted(found)[min(len(found) - 1, round(0.95 * len(found)))]


def _scripts() -> float:
    static = resources.files("service") / "static"
    return (
        sum(len(gzip.compress(one.read_bytes(), 9)) for one in static.iterdir() if one.name.endswith(".js"))
        / 1000
    )


if __name__ == "__main__":
    sys.exit(main())
