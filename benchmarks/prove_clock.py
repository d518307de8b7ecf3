"""Proof: however many clocks run, each time of a message comes once, on the nights the clocks change too.

Five clocks of their own processes, up to three seconds apart from each other, tick on one database while its time moves
on day by day: OCCURRENCES in all (default 10,000) over DATABASE (sqlite, postgresql, both). Each must be released once,
with one ledger row in one batch. Then every zone of tzdata whose clocks change from 2025 to 2035: a message at a wall
time that is jumped over, or that comes twice, goes once, at the instant found without our calendar.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from dateutil.rrule import rrulestr
from sqlalchemy import func, select

from campaigns import zones
from campaigns.delivery import accounts
from campaigns.delivery.tables import Batch, Delivery
from campaigns.errors import BadTime
from campaigns.messages import content, messages, recurrence
from campaigns.messages.tables import Occurrence
from campaigns.stakeholders import addresses, people
from campaigns.strategies import programmes, strategies
from connectors import registry
from service import clock, leash, observe, settings, wiring
from tests.postgres import cluster

CLOCKS = 5
SKEWS_S = (-3.0, -1.0, 0.0, 1.0, 3.0)
DAYS = 100
PATIENCE_S = 600.0
TICK_S = 0.2
RULE = f"FREQ=DAILY;COUNT={DAYS}"
START, ZONE = "2027-01-31T01:30:00", "Europe/London"
# However late: no worker takes anything here, so that each batch is there to be counted.
TIMING = {"rule": RULE, "late_s": 10**8}
YEARS = range(2025, 2036)
MONTH = timedelta(days=28)


class Moved(wiring.Wiring):
    """The product's own wiring, with a time that is read from a file."""

    def __init__(self, environ: dict[str, str], skew_s: float = 0.0) -> None:
        super().__init__(settings.load(environ))
        self.skew = timedelta(seconds=skew_s)
        self.told = self.settings.folder / "now"

    def now(self) -> datetime:
        return datetime.fromisoformat(self.told.read_text()) + self.skew

    def move(self, at: datetime) -> None:
        """Set the time of every clock, whole or not at all."""
        new = self.told.with_suffix(".new")
        new.write_text(at.isoformat())
        new.replace(self.told)


@dataclass
class Found:
    """What became of the times of one database."""

    occurrences: int
    twice: int
    missed: int


def tick_for_ever(skew_s: float) -> None:
    """One clock: every duty that makes or releases times, again and again."""
    observe.set_up("critical")  # a database that is busy for a moment is met again at the next tick
    wired = Moved(dict(os.environ), skew_s)
    duties = clock.ticks(wired)
    tick = clock.in_order([*duties["ahead"][0], *duties["beat"][0]])
    while True:
        tick()
        time.sleep(TICK_S)


def run(environ: dict[str, str], number: int) -> Found:
    """So many messages, each once a day; the time moves on when all of a day are there."""
    wired = Moved(environ)
    expected = [
        datetime.fromisoformat(one.isoformat())
        for one in rrulestr(RULE, dtstart=datetime.fromisoformat(START))
    ]
    instants = [_instant(wall, ZoneInfo(ZONE)) for wall in expected]
    wired.move(instants[0] - timedelta(days=1))
    _set_up(wired, number)
    with _clocks(environ):
        for place, at in enumerate(instants, 1):
            wired.move(at + timedelta(seconds=5))
            _wait_for(wired, number * place)
    found = _count(wired, number, instants)
    wired.close()
    return found


def _set_up(wired: Moved, number: int) -> None:
    now = wired.now()
    chosen = {"url": "http://127.0.0.1:9"}
    with wired.database.write() as session:
        programme_id = programmes.general(session, now).id
        account = accounts.create(
            session, now, name="practice", connector="simulator", channel="email", settings=chosen,
            sender="us@mail.example",
        )  # fmt: skip
        accounts.declare(account, registry.connect("simulator", chosen, {}))
        person = people.create(session, now, kind="person", name="Ann")
        people.involve(session, now, person.id, programme_id)
        addresses.add(session, now, person.id, "email", "ann@example.org")
        item = content.create(session, now, programme_id, "Proof")
        content.save_variant(
            session,
            now,
            item,
            channel="email",
            language="en",
            author="user:proof",
            subject="Hello",
            text="Hello",
        )
        version = strategies.everyday(session, programme_id, now)
        for _ in range(number):
            made = messages.create(
                session, now, author="user:proof", programme_id=programme_id, strategy_version_id=version.id,
                content_id=item.id, purpose="service", accounts=[(account.id, "email")],
                recipients=[(person.id, 0)], wall=START, zone=ZONE, timing=TIMING,
            )  # fmt: skip
            messages.submit(session, now, made)


@contextmanager
def _clocks(environ: dict[str, str]) -> Iterator[None]:
    """Five clocks, until the end."""
    command = [sys.executable, "-m", "benchmarks.prove_clock"]
    running = [
        subprocess.Popen([*command, str(skew)], env=environ, preexec_fn=leash.hold)
        for skew in SKEWS_S[:CLOCKS]
    ]
    try:
        yield
        if any(one.poll() is not None for one in running):
            raise SystemExit("a clock ended by itself: the proof says nothing")
    finally:
        for one in running:
            one.kill()
            one.wait()


def _wait_for(wired: Moved, wanted: int) -> None:
    """Until so many times are released; those that never are count as missed in the end."""
    deadline = time.monotonic() + PATIENCE_S
    released = select(func.count()).select_from(Occurrence).where(Occurrence.state != "planned")
    while time.monotonic() < deadline:
        with wired.database.read() as session:
            if (session.scalar(released) or 0) >= wanted:
                return
        time.sleep(0.01)


def _count(wired: Moved, number: int, instants: list[datetime]) -> Found:
    """Every message has each instant once, with one ledger row in one batch."""
    with wired.database.read() as session:
        states = session.execute(select(Occurrence.message_id, Occurrence.due_at, Occurrence.state)).all()
        rows = session.execute(
            select(Delivery.occurrence_id, func.count()).group_by(Delivery.occurrence_id)
        ).all()
        cut = session.execute(select(Batch.occurrence_id, func.count()).group_by(Batch.occurrence_id)).all()
    released = Counter((message_id, at) for message_id, at, state in states if state == "released")
    wanted = {(message_id, at) for message_id in {one.message_id for one in states} for at in instants}
    assert len(wanted) == number * len(instants)
    twice = sum(count - 1 for count in released.values()) + len(released.keys() - wanted)
    twice += sum(count - 1 for _, count in (*rows, *cut))
    missed = len(wanted - released.keys()) + max(0, len(wanted) - len(rows))
    return Found(len(states), twice, missed)


# --- every zone ---------------------------------------------------------------------------------------------------


def changing() -> dict[str, list[datetime]]:
    """The zones of tzdata whose clocks change in these years, each with the instants of it."""
    found = {}
    for name in sorted({known for one in available_timezones() if (known := _known(one))}):
        if changes := _changes(ZoneInfo(name)):
            found[name] = changes
    return found


def of_zone(name: str, changes: list[datetime]) -> Found:
    """A daily message whose wall time the clocks jump over, or show twice, in this zone."""
    place, total = ZoneInfo(name), Found(0, 0, 0)
    for change in changes:
        before, after = (change - timedelta(seconds=1)).astimezone(place), change.astimezone(place)
        step = _offset(after) - _offset(before)
        wall = change.replace(tzinfo=None) + min(_offset(before), _offset(after)) + abs(step) / 2
        start = wall - timedelta(days=3)
        made = recurrence.times(
            recurrence.read("FREQ=DAILY;COUNT=7"), start.isoformat(), name, change - MONTH, change + MONTH
        )
        wanted = {_instant(start + timedelta(days=day), place) for day in range(7)}
        got = Counter(one.at for one in made)
        total.occurrences += len(made)
        total.twice += sum(count - 1 for count in got.values()) + len(got.keys() - wanted)
        total.missed += len(wanted - got.keys())
    return total


def _instant(wall: datetime, place: ZoneInfo) -> datetime:
    """The first instant at which a clock there shows this wall time, else the first after the jump over it."""
    first, second = (wall.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(place).replace(tzinfo=None) == wall:
        return first
    # By seconds from before the jump: slow, and nothing of our calendar.
    at = second
    while at.astimezone(place).replace(tzinfo=None) < wall:
        at += timedelta(seconds=1)
    return at


def _changes(place: ZoneInfo) -> list[datetime]:
    """The instants at which its clocks change, to the second."""
    found = []
    at, end = datetime(YEARS.start, 1, 1, tzinfo=UTC), datetime(YEARS.stop, 1, 1, tzinfo=UTC)
    while at < end:
        later = at + timedelta(days=1)
        if _offset(at.astimezone(place)) != _offset(later.astimezone(place)):
            found.append(_between(at, later, place))
        at = later
    return found


def _between(before: datetime, after: datetime, place: ZoneInfo) -> datetime:
    offset = _offset(before.astimezone(place))
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _offset(middle.astimezone(place)) == offset else (before, middle)
    return after


def _offset(at: datetime) -> timedelta:
    offset = at.utcoffset()
    assert offset is not None
    return offset


def _known(name: str) -> str | None:
    try:
        return zones.canonical(name)
    except BadTime:
        return None


# --- the whole ----------------------------------------------------------------------------------------------------


def everything(number: int, databases: tuple[str, ...]) -> list[Found]:
    """The clocks on each database, the messages spread evenly."""
    found = []
    for database in databases:
        with tempfile.TemporaryDirectory(prefix="dolen-clock-") as folder, cluster(durable=True) as server:
            url = server.create("clock") if database == "postgresql" else f"sqlite:///{folder}/dolen.db"
            environ = {
                **os.environ, "DOLEN__DATA__DIR": folder, "DOLEN__DATABASE__URL": url, "DOLEN__LOG__LEVEL": "error"
            }  # fmt: skip
            upgrade = [sys.executable, "-m", "service", "db", "upgrade"]
            subprocess.run(upgrade, env=environ, check=True, stdout=sys.stderr)
            found.append(run(environ, max(1, number // DAYS // len(databases))))
        print(f"{database}: {found[-1]}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Run the proof and end with its line of JSON."""
    chosen = os.environ.get("DATABASE") or "both"
    databases = ("sqlite", "postgresql") if chosen == "both" else (chosen,)
    clocked = everything(int(os.environ.get("OCCURRENCES") or 10_000), databases)
    by_zone = {name: of_zone(name, changes) for name, changes in changing().items()}
    found = [*clocked, *by_zone.values()]
    line: dict[str, Any] = {
        "proof": "clock",
        "occurrences": sum(one.occurrences for one in clocked),
        "twice": sum(one.twice for one in found),
        "missed": sum(one.missed for one in found),
        "zones": len(by_zone),
        "changes": sum(one.occurrences for one in by_zone.values()) // 7,
        "clocks": CLOCKS,
    }
    print(json.dumps(line))
    sys.exit(bool(line["twice"] or line["missed"]))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        tick_for_ever(float(sys.argv[1]))
    main()
