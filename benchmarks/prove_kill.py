"""Proof: kill -9 workers and clocks at random while they send; nothing is lost, nobody gets it twice.

RUNS kills in all (default 200), spread over KEYED, FINDABLE and BLIND and over DATABASE (sqlite, postgresql, both).
A kill counts only when the provider's log grew since the last one and rows were `sending`. The oracle is the
provider's own append-only log, written by a process that is never killed; three books must agree: that log, the
ledger, and the report.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from campaigns.delivery import accounts, reconcile, states
from campaigns.delivery.compose import key
from campaigns.delivery.tables import Delivery
from campaigns.messages import content, messages
from campaigns.messages.tables import Message
from campaigns.stakeholders import addresses, people, segments
from campaigns.strategies import programmes, strategies
from connectors import registry
from connectors.simulator import running
from service import settings, wiring
from tests.postgres import cluster

CLASSES = ("keyed", "findable", "blind")
PEOPLE = 300
# Rows a worker may have in flight: what one kill may leave unknown.
WAVE = 64
SHORT = {
    "DOLEN__WORK__LEASE_S": "2.0",
    "DOLEN__WORK__TICK_S": "0.1",
    "DOLEN__WORK__IDLE_S": "0.02",
    "DOLEN__WORK__POLL_S": "3600",
    "DOLEN__WORK__RETRY_SCALE": "0.01",
    "DOLEN__LOG__LEVEL": "error",
}
PATIENCE_S = 120.0


@dataclass
class Tally:
    """What one campaign of kills found."""

    kills: int = 0
    deliveries: int = 0
    lost: int = 0
    twice: int = 0
    unknown: int = 0
    unaccounted: int = 0
    over_a_wave: int = 0
    books_agree: bool = True


@dataclass
class Campaign:
    """One database, one class of repeats, one provider, a worker and a clock that are killed again and again."""

    wiring: wiring.Wiring
    environ: dict[str, str]
    provider: running.Running
    repeats: str
    tally: Tally = field(default_factory=Tally)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    message_ids: list[int] = field(default_factory=list)
    log_size: int = 0

    def set_up(self) -> None:
        """People, a practice account of the class, and a group of everyone."""
        now = self.wiring.now()
        chosen = {
            "url": self.provider.url, "channel": "email", "repeats": self.repeats, "deadline_s": 1.0,
            "visible_within_s": 0.2,
        }  # fmt: skip
        with self.wiring.database.write() as session:
            self.programme_id = programmes.general(session, now).id
            account = accounts.create(
                session, now, name="practice", connector="simulator", channel="email", settings=chosen,
                sender="us@mail.example",
            )  # fmt: skip
            accounts.declare(account, registry.connect("simulator", chosen, {}))
            self.account_id = account.id
            for n in range(PEOPLE):
                person = people.create(session, now, kind="person", name=f"Person {n}")
                people.involve(session, now, person.id, self.programme_id)
                addresses.add(session, now, person.id, "email", f"person{n}@example.org")
            group = segments.create(
                session, now, programme_id=self.programme_id, name="Everyone",
                rule={"field": "kind", "op": "is", "value": "person"},
            )  # fmt: skip
            self.segment_id = group.id

    def schedule(self) -> None:
        """One more message to everyone, due now."""
        now = self.wiring.now()
        with self.wiring.database.write() as session:
            version = strategies.everyday(session, self.programme_id, now)
            item = content.create(session, now, self.programme_id, "Proof")
            content.save_variant(
                session, now, item, channel="email", language="en", author="user:proof", subject="Hello",
                text="Hello {{ name }}",
            )  # fmt: skip
            made = messages.create(
                session, now, author="user:proof", programme_id=self.programme_id, strategy_version_id=version.id,
                content_id=item.id, purpose="service", accounts=[(self.account_id, "email")],
                segment_id=self.segment_id, at=now, zone="UTC",
            )  # fmt: skip
            messages.submit(session, now, made)
            self.message_ids.append(made.id)

    def start(self, name: str) -> None:
        """Start `dolen work` or `dolen clock`."""
        command = [sys.executable, "-m", "service", name]
        self.processes[name] = subprocess.Popen(command, env=self.environ)

    def kill_at_random(self) -> None:
        """Let both run, wait until something is in flight, wait a little more, and kill one."""
        victim = random.choice(("work", "work", "clock"))
        self._until_in_flight()
        time.sleep(random.uniform(0, 0.25))
        if not self._count(states.SENDING):
            return  # everything was answered meanwhile: it would not count
        process = self.processes[victim]
        process.kill()
        process.wait()
        self.tally.kills += 1
        self.start(victim)

    def _until_in_flight(self) -> None:
        """The provider's log grew since the last kill and rows are `sending`; more work is scheduled as needed."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if not self._open_rows():
                self.schedule()
            size = self.provider.log.stat().st_size
            if size > self.log_size and self._count(states.SENDING):
                self.log_size = size
                return
            time.sleep(0.005)
        raise SystemExit("nothing went out for two minutes: the proof cannot go on")

    def _open_rows(self) -> int:
        with self.wiring.database.read() as session:
            waiting = select(func.count()).where(Message.state.in_(("scheduled", "sending")))
            return int(session.scalar(waiting) or 0)

    def _count(self, state: str) -> int:
        with self.wiring.database.read() as session:
            return int(session.scalar(select(func.count()).where(Delivery.state == state)) or 0)

    def finish(self) -> None:
        """Let everything end by itself, then stop both."""
        deadline = time.monotonic() + PATIENCE_S
        while self._open_rows() and time.monotonic() < deadline:
            time.sleep(0.05)
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait()

    def compare(self) -> None:
        """Lay the three books side by side."""
        accepted = Counter(entry["key"] for entry in self.provider.accepted())
        with self.wiring.database.read() as session:
            rows = {key(row.id): row.state for row in session.scalars(select(Delivery))}
            report = Counter[str]()
            for message_id in self.message_ids:
                books = reconcile.books(session, message_id)
                report.update({state: books[state] for state in states.STATES})
                self.tally.books_agree &= bool(books["reconciled"]) and books["intended"] == PEOPLE
        tally, ledger = self.tally, Counter(rows.values())
        tally.deliveries = len(rows)
        tally.twice = sum(count > 1 for count in accepted.values())
        tally.unknown = ledger[states.UNKNOWN]
        tally.lost = sum(
            not accepted[name]
            for name, state in rows.items()
            if state not in (states.UNKNOWN, states.EXCLUDED)
        )
        tally.unaccounted = sum(
            rows.get(name) not in (states.SENT, states.UNKNOWN) for name in accepted
        ) + PEOPLE * len(self.message_ids) - len(rows)  # fmt: skip
        tally.over_a_wave = max(0, tally.unknown - WAVE * tally.kills)
        tally.books_agree &= all(report[state] == ledger[state] for state in states.STATES)


@contextmanager
def campaign(url: str, folder: Path, repeats: str) -> Iterator[Campaign]:
    """A campaign with its provider; its processes end with it."""
    environ = {**os.environ, **SHORT, "DOLEN__DATA__DIR": str(folder), "DOLEN__DATABASE__URL": url}
    subprocess.run(
        [sys.executable, "-m", "service", "db", "upgrade"], env=environ, check=True, stdout=sys.stderr
    )
    wired = wiring.Wiring(settings.load(environ))
    with running.running(folder / "provider.log", "--latency-ms", "8") as provider:
        made = Campaign(wired, environ, provider, repeats)
        try:
            yield made
        finally:
            for process in made.processes.values():
                if process.poll() is None:
                    process.kill()
                    process.wait()
            wired.close()


def run(url: str, repeats: str, kills: int, label: str) -> Tally:
    """One campaign from its set-up to its books."""
    with (
        tempfile.TemporaryDirectory(prefix="dolen-kill-") as folder,
        campaign(url or _own(folder), Path(folder), repeats) as it,
    ):
        it.set_up()
        it.start("work")
        it.start("clock")
        while it.tally.kills < kills:
            it.kill_at_random()
        it.finish()
        it.compare()
        print(f"{label} {repeats}: {it.tally}", file=sys.stderr, flush=True)
        return it.tally


def _own(folder: str) -> str:
    return f"sqlite:///{folder}/dolen.db"


def everything(runs: int, databases: tuple[str, ...]) -> list[Tally]:
    """All campaigns, the kills spread evenly."""
    share, more = divmod(runs, len(databases) * len(CLASSES))
    tallies = []
    with cluster(durable=True) as server:
        for place, (database, repeats) in enumerate((d, c) for d in databases for c in CLASSES):
            url = server.create(f"kill_{repeats}") if database == "postgresql" else ""
            tallies.append(run(url, repeats, share + (place < more), database))
    return tallies


def main() -> None:
    """Run the proof and end with its line of JSON."""
    chosen = os.environ.get("DATABASE") or "both"
    databases = ("sqlite", "postgresql") if chosen == "both" else (chosen,)
    tallies = everything(int(os.environ.get("RUNS") or 200), databases)
    line: dict[str, Any] = {
        "proof": "kill",
        "runs": sum(one.kills for one in tallies),
        "deliveries": sum(one.deliveries for one in tallies),
        "kills_in_flight": sum(one.kills for one in tallies),  # no other kill is counted
        "lost": sum(one.lost for one in tallies),
        "twice": sum(one.twice for one in tallies),
        "unknown": sum(one.unknown for one in tallies),
        "unknown_not_blind": sum(one.unknown for place, one in enumerate(tallies) if place % 3 != 2),
        "unaccounted": sum(one.unaccounted for one in tallies),
        "over_a_wave": sum(one.over_a_wave for one in tallies),
        "books_agree": all(one.books_agree for one in tallies),
    }
    print(json.dumps(line))
    wrong = ("lost", "twice", "unknown_not_blind", "unaccounted", "over_a_wave")
    sys.exit(any(line[name] for name in wrong) or not line["books_agree"])


if __name__ == "__main__":
    main()
