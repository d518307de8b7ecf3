"""Proof: kill or freeze processes at random while they send; nothing is lost, nobody gets it twice.

RUNS faults in all (default 200), spread over KEYED, FINDABLE, BLIND and SMTP and over DATABASE (sqlite, postgresql,
both). VICTIM names who is hit: worker, clock, web, postgresql, or by default any of the first three. One fault in five
is no kill but a freeze (SIGSTOP) past the lease, while another takes its place, and then SIGCONT. A fault counts only
when the provider's log grew since the last one and rows were `sending`; one of the web only while a call was under way.
The oracle is the provider's own append-only log, written by a process that is never killed; three books must agree:
that log, the ledger, and the report.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import func, select

from campaigns.base import public_id
from campaigns.delivery import accounts, reconcile, states
from campaigns.delivery.compose import key
from campaigns.delivery.tables import Attempt, Delivery
from campaigns.messages.tables import Message
from campaigns.stakeholders import addresses, people, segments
from campaigns.strategies import programmes
from connectors import registry
from connectors.simulator import running as simulator
from service import leash, settings, upgrade, wiring
from service.access import CONSOLE
from service.acts import begin
from service.acts import messages as acts
from tests.connectors.relay import closed_port
from tests.postgres import Cluster, cluster

from . import forge, relay
from .house import administrator

CLASSES = ("keyed", "findable", "blind", "smtp")
BLIND = ("blind", "smtp")
VICTIMS = ("worker", "worker", "clock", "web")
COMMANDS = {"worker": "work", "clock": "clock", "web": "serve"}
PEOPLE = 300
# Where calls are what is killed, and what they lead to is only there to be counted.
FEW = 30
# Rows a worker may have in flight: what one fault may leave unknown.
WAVE = 64
LEASE_S = 1.0
FROZEN_S = 1.6
FREEZES = 0.2
SHORT = {
    "DOLEN__WORK__LEASE_S": str(LEASE_S),
    "DOLEN__WORK__TICK_S": "0.1",
    "DOLEN__WORK__IDLE_S": "0.02",
    "DOLEN__WORK__POLL_S": "3600",
    "DOLEN__WORK__RETRY_SCALE": "0.01",
    "DOLEN__LOG__LEVEL": "error",
    "DOLEN__HTTP__CALLS_PER_MIN": "0",
    "DOLEN__MAIL__DOMAIN": "mail.example",
}
PATIENCE_S = 120.0


Started = forge.Forged | subprocess.Popen[bytes]


class Provider(Protocol):
    """What a proof needs of a provider: its log."""

    @property
    def log(self) -> Path: ...

    def accepted(self) -> list[dict[str, Any]]: ...


@dataclass
class Tally:
    """What one campaign of faults found."""

    kills: int = 0
    freezes: int = 0
    deliveries: int = 0
    lost: int = 0
    twice: int = 0
    unknown: int = 0
    unknown_not_blind: int = 0
    unaccounted: int = 0
    over_a_wave: int = 0
    books_agree: bool = True

    @property
    def faults(self) -> int:
        return self.kills + self.freezes


class Client:
    """Somebody who calls the API again and again, each call under its own key until it is answered."""

    def __init__(self, url: str, token: str, body: dict[str, Any]) -> None:
        self.url, self.token, self.body = url, token, body
        self.calls = 0  # that were answered, each of which made one message
        self.busy = threading.Event()

    def call(self) -> int:
        """One message, whatever happens to the server meanwhile; its row id is not ours to know."""
        name = f"call-{self.calls}"
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.busy.set()
            try:
                self._once(name)
                self.calls += 1
                return self.calls
            except (
                OSError,
                HTTPException,
            ):  # not there, gone in the middle of it, or still busy with our first try
                self.busy.clear()
                time.sleep(0.05)
            finally:
                self.busy.clear()
        raise SystemExit("the API did not answer for two minutes: the proof cannot go on")

    def _once(self, name: str) -> None:
        head = {
            "Authorization": f"Bearer {self.token}", "Idempotency-Key": name, "Content-Type": "application/json",
        }  # fmt: skip
        asked = urllib.request.Request(f"{self.url}/v1/messages", json.dumps(self.body).encode(), head)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            answer.read()


@dataclass
class Campaign:
    """One database, one class of repeats, one provider, and processes that are killed again and again."""

    wiring: wiring.Wiring
    environ: dict[str, str]
    provider: Provider
    repeats: str
    chosen: dict[str, Any]
    server: Cluster | None = None
    people: int = PEOPLE
    tally: Tally = field(default_factory=Tally)
    processes: dict[str, Started] = field(default_factory=dict)
    log_size: int = 0

    def set_up(self) -> None:
        """People, an account of the class, a group of everyone, and somebody who calls the API."""
        now = self.wiring.now()
        connector = "smtp" if self.repeats == "smtp" else "simulator"
        with self.wiring.database.write() as session:
            programme_id = programmes.general(session, now).id
            account = accounts.create(
                session, now, name="proof", connector=connector, channel="email", settings=self.chosen,
                sender="us@mail.example",
            )  # fmt: skip
            accounts.declare(account, registry.connect(connector, self.chosen, {}))
            for n in range(self.people):
                person = people.create(session, now, kind="person", name=f"Person {n}")
                people.involve(session, now, person.id, programme_id)
                addresses.add(session, now, person.id, "email", f"person{n}@example.org")
            rule = {"field": "kind", "op": "is", "value": "person"}
            group = segments.create(session, now, programme_id=programme_id, name="Everyone", rule=rule)
            segment_id, account_id = group.id, account.id
        self.words: dict[str, Any] = {"subject": "Hello", "text": "Hello {{ name }}", "purpose": "service"}
        self.through: dict[str, Any] = {"segment": segment_id, "accounts": [account_id]}
        body = {
            "segment": public_id("seg", segment_id), "accounts": [public_id("acc", account_id)], **self.words,
        }  # fmt: skip
        self.client = Client(self.wiring.links.base_url, administrator(self.wiring), body)

    def schedule(self) -> None:
        """One more message to everyone, due now: by the API where it is served, else as the API does it."""
        if "web" in self.processes:
            self.client.call()
            return
        with begin(self.wiring, CONSOLE) as act:
            acts.create(act, **self.through, **self.words)
        self.client.calls += 1

    def start(self, name: str) -> None:
        """Start a worker, a clock or the web service."""
        errors = Path(self.environ["DOLEN__DATA__DIR"]) / "errors.log"
        self.processes[name] = forge.start(COMMANDS[name], self.environ, errors)

    def hit(self, victim: str) -> None:
        """Let all run, wait until something is in flight, wait a little more, and kill or freeze one."""
        if victim == "web":
            self._hit_web()
            return
        self.schedule()  # what the last fault left waits for the end of a lease: there is to be more to do than that
        self._until_in_flight()
        time.sleep(random.uniform(0, 0.25))
        if not self._count(states.SENDING):
            return  # everything was answered meanwhile: it would not count
        if victim == "postgresql":
            assert self.server is not None
            self.server.crash()
            self.server.start()
            self.tally.kills += 1
        elif random.random() < FREEZES:
            self._freeze(victim)
        else:
            self._kill(victim)
        self.log_size = self.provider.log.stat().st_size

    def _hit_web(self) -> None:
        caller = threading.Thread(target=self.client.call)
        caller.start()
        time.sleep(random.uniform(0, 0.05))
        if self.client.busy.is_set():
            self._kill("web")
        caller.join()

    def _kill(self, victim: str) -> None:
        process = self.processes[victim]
        os.killpg(process.pid, signal.SIGKILL)  # the web service has a process of its own that answers
        process.wait()
        self.tally.kills += 1
        self.start(victim)

    def _freeze(self, victim: str) -> None:
        """It stands still past its lease while another takes its place; then it finds that it was replaced."""
        frozen = self.processes[victim]
        os.killpg(frozen.pid, signal.SIGSTOP)
        self.start(victim)
        time.sleep(FROZEN_S)
        os.killpg(frozen.pid, signal.SIGCONT)
        time.sleep(0.5)
        frozen.terminate()
        frozen.wait()
        self.tally.freezes += 1

    def _until_in_flight(self) -> None:
        """The provider's log grew since the last fault and rows are `sending`; more work is scheduled as needed."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if not self.open_messages():
                self.schedule()
            if self.provider.log.stat().st_size > self.log_size and self._count(states.SENDING):
                return
            time.sleep(0.01)
        raise SystemExit("nothing went out for two minutes: the proof cannot go on")

    def open_messages(self) -> int:
        """Messages that are not finished."""
        with self.wiring.database.read() as session:
            waiting = select(func.count()).where(Message.state.in_(("scheduled", "sending")))
            return int(session.scalar(waiting) or 0)

    def _count(self, state: str) -> int:
        with self.wiring.database.read() as session:
            return int(session.scalar(select(func.count()).where(Delivery.state == state)) or 0)

    def finish(self) -> None:
        """Let everything end by itself, then stop all."""
        deadline = time.monotonic() + PATIENCE_S
        while self.open_messages() and time.monotonic() < deadline:
            time.sleep(0.05)
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait()

    def compare(self) -> None:
        """Lay the three books side by side."""
        accepted = Counter(entry["key"] for entry in self.provider.accepted())
        with self.wiring.database.read() as session:
            ledger_rows = session.execute(select(Delivery.id, Delivery.state))
            rows = {key(number): state for number, state in ledger_rows}
            report = Counter[str]()
            made = list(session.scalars(select(Message.id)))
            for message_id in made:
                books = reconcile.books(session, message_id)
                report.update({state: books[state] for state in states.STATES})
                self.tally.books_agree &= bool(books["reconciled"]) and books["intended"] == self.people
            of_worker = select(func.count(func.distinct(Attempt.delivery_id))).where(
                Attempt.phase == "worker_gone"
            )
            interrupted = int(session.scalar(of_worker) or 0)
        tally, ledger = self.tally, Counter(rows.values())
        tally.deliveries = len(rows)
        tally.twice = sum(count > 1 for count in accepted.values()) + abs(len(made) - self.client.calls)
        tally.unknown = ledger[states.UNKNOWN]
        tally.unknown_not_blind = 0 if self.repeats in BLIND else tally.unknown
        tally.lost = sum(
            not accepted[name]
            for name, state in rows.items()
            if state not in (states.UNKNOWN, states.EXCLUDED)
        )
        tally.unaccounted = sum(
            rows.get(name) not in (states.SENT, states.UNKNOWN) for name in accepted
        ) + self.people * len(made) - len(rows)  # fmt: skip
        tally.over_a_wave = max(0, interrupted - WAVE * max(tally.faults, 1))
        tally.books_agree &= all(report[state] == ledger[state] for state in states.STATES)


@contextmanager
def campaign(
    url: str, folder: Path, repeats: str, server: Cluster | None = None, people: int = PEOPLE
) -> Iterator[Campaign]:
    """A campaign with its provider; its processes end with it."""
    port = str(closed_port())
    environ = {
        **os.environ, **SHORT, "DOLEN__DATA__DIR": str(folder), "DOLEN__DATABASE__URL": url, "DOLEN__HTTP__PORT": port,
    }  # fmt: skip
    wired = wiring.Wiring(settings.load(environ))
    upgrade.upgrade(wired)
    with ExitStack() as stack:
        provider, chosen = _provider(stack, folder, repeats)
        made = Campaign(wired, environ, provider, repeats, chosen, server, people)
        try:
            yield made
        finally:
            for process in made.processes.values():
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            wired.close()


def _provider(stack: ExitStack, folder: Path, repeats: str) -> tuple[Provider, dict[str, Any]]:
    log = folder / "provider.log"
    if repeats == "smtp":
        mail = stack.enter_context(relay.running(log, "--latency-ms", "8"))
        return mail, {"host": "127.0.0.1", "port": mail.port, "security": "off", "deadline_s": 1.0}
    practice = stack.enter_context(simulator.running(log, "--latency-ms", "8", held=leash.hold))
    return practice, {
        "url": practice.url, "channel": "email", "repeats": repeats, "deadline_s": 1.0, "visible_within_s": 0.2,
    }  # fmt: skip


def run(
    url: str, repeats: str, faults: int, label: str, victims: tuple[str, ...], server: Cluster | None = None
) -> Tally:
    """One campaign from its set-up to its books."""
    with (
        tempfile.TemporaryDirectory(prefix="dolen-kill-") as folder,
        campaign(
            url or _own(folder), Path(folder), repeats, server, FEW if victims == ("web",) else PEOPLE
        ) as it,
    ):
        it.set_up()
        for name in COMMANDS:
            it.start(name)
        while it.tally.faults < faults:
            it.hit(random.choice(victims))
        it.finish()
        it.compare()
        print(f"{label} {repeats}: {it.tally}", file=sys.stderr, flush=True)
        return it.tally


def _own(folder: str) -> str:
    return f"sqlite:///{folder}/dolen.db"


def everything(runs: int, databases: tuple[str, ...], victims: tuple[str, ...]) -> list[Tally]:
    """All campaigns, the faults spread evenly."""
    share, more = divmod(runs, len(databases) * len(CLASSES))
    tallies = []
    with cluster(durable=True) as server:
        for place, (database, repeats) in enumerate((d, c) for d in databases for c in CLASSES):
            if not share + (place < more):
                continue
            url = server.create(f"kill_{repeats}") if database == "postgresql" else ""
            tallies.append(run(url, repeats, share + (place < more), database, victims, server))
    return tallies


def main() -> None:
    """Run the proof and end with its line of JSON."""
    victim = os.environ.get("VICTIM") or ""
    chosen = "postgresql" if victim == "postgresql" else os.environ.get("DATABASE") or "both"
    databases = ("sqlite", "postgresql") if chosen == "both" else (chosen,)
    tallies = everything(int(os.environ.get("RUNS") or 200), databases, (victim,) if victim else VICTIMS)
    found = {one.name: sum(getattr(tally, one.name) for tally in tallies) for one in fields(Tally)}
    line: dict[str, Any] = {
        "proof": "kill",
        "victim": victim or "any",
        "runs": found["kills"] + found["freezes"],
        **found,
        "kills_in_flight": found["kills"],  # no other kill is counted
        "books_agree": all(one.books_agree for one in tallies),
    }
    del line["kills"]
    print(json.dumps(line))
    wrong = ("lost", "twice", "unknown_not_blind", "unaccounted", "over_a_wave")
    sys.exit(any(line[name] for name in wrong) or not line["books_agree"])


if __name__ == "__main__":
    main()
