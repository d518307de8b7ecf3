"""Benchmark: how fast mail goes out and what a message costs, beside Postfix's own load generator in the same run.

RECIPIENTS people (default 30,000), ROUNDS rounds (default 5) that take turns, DATABASE sqlite, postgresql or both. The
relay is `smtp-sink` on this machine; the yardstick is `smtp-source -d -s 8` with mails of the same size. A run is timed
from the due instant, release included, to the last settled row; what it costs is processor time of the sending process,
on PostgreSQL with that of its server. `fallback`: words that do not compile. `in memory`: the same letters by the same
connector with a dict for a ledger. `naive`: EmailMessage and smtplib on one kept connection, template compiled once. In
a first round, which is not timed, the relay counts: it must have got what the ledger says was sent.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from jinja2 import Environment
from sqlalchemy import select

from campaigns.delivery import reconcile, release, send, states
from campaigns.delivery.batch import Claim
from campaigns.delivery.compose import Composer, Letter, key
from campaigns.delivery.tables import Account, Batch
from campaigns.messages.tables import Message
from connectors.api import Connector, Outbound, Receipt
from connectors.mail import build
from service import garbage
from service.settings import load
from service.wiring import Wiring
from tests.postgres import Cluster, cluster

from . import mailing

RECIPIENTS = int(os.environ.get("RECIPIENTS") or 30_000)
ROUNDS = int(os.environ.get("ROUNDS") or 5)
CHOSEN = os.environ.get("DATABASE") or "both"
DATABASES = ("sqlite", "postgresql") if CHOSEN == "both" else (CHOSEN,)
NAIVE = 500
WAVE, GREAT_WAVE = 64, 500
READY_S = 10.0


@dataclass(frozen=True, slots=True)
class Took:
    """One run: how many mails, in how many seconds, with how much processor time."""

    mails: int
    seconds: float
    cpu_s: float


class Place:
    """One prepared database; every run has a copy of its own."""

    def __init__(self, folder: Path, server: Cluster | None, port: int) -> None:
        self.folder, self.server, self.copies = folder, server, 0
        wiring = self._wiring(server.create("base") if server else f"sqlite:///{folder}/base.db")
        self.letters = mailing.prepare(wiring, RECIPIENTS, port)
        wiring.close()

    @contextmanager
    def fresh(self) -> Iterator[Wiring]:
        """A copy of what was prepared."""
        self.copies += 1
        name = f"copy{self.copies}"
        if self.server is None:
            shutil.copy(self.folder / "base.db", self.folder / f"{name}.db")
        url = self.server.create(name, "base") if self.server else f"sqlite:///{self.folder}/{name}.db"
        wiring = self._wiring(url)
        try:
            yield wiring
        finally:
            wiring.close()
            if self.server is not None:
                self.server.drop(name)
            for path in self.folder.glob(f"{name}.db*"):
                path.unlink()

    def cpu_s(self) -> float:
        """Processor time so far of this process, and of the database's server where it has one."""
        return time.process_time() + (_server_cpu_s(self.server) if self.server else 0.0)

    def _wiring(self, url: str) -> Wiring:
        chosen = {"DATA__DIR": str(self.folder), "DATABASE__URL": url, "LOG__LEVEL": "error"}
        return Wiring(load({f"DOLEN__{name}": value for name, value in chosen.items()}))


def main() -> int:
    """Prepare, prove the counts, measure in turns, print a table and one line of JSON."""
    if _tool("smtp-sink") is None or _tool("smtp-source") is None:
        print("smtp-sink and smtp-source come with Postfix: apt install postfix", file=sys.stderr)
        return 2
    garbage.set_aside()  # as a worker does
    with ExitStack() as held:
        folder, port = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="dolen-send-"))), _port()
        server = held.enter_context(cluster(durable=True)) if "postgresql" in DATABASES else None
        places = {name: Place(folder, server if name == "postgresql" else None, port) for name in DATABASES}
        runs = _runs(places, port)
        took = _measured(runs, port, folder)
    _tell(took)
    return 0


def _runs(places: dict[str, Place], port: int) -> dict[str, Callable[[], Took]]:
    """Everything that is measured, in the order of a round."""
    first = next(iter(places.values()))
    size = _size(first)
    print(f"{RECIPIENTS:,} recipients, {size:,} bytes a mail, {ROUNDS} rounds", file=sys.stderr)
    runs: dict[str, Callable[[], Took]] = {"smtp-source": lambda: _smtp_source(port, size)}
    for name, place in places.items():
        runs[name] = lambda place=place: dolen(place, place.letters.compiled)  # type: ignore[misc]
    runs["in memory"] = lambda: in_memory(first)
    runs["waves of 500"] = lambda: dolen(first, first.letters.compiled, GREAT_WAVE)
    runs["fallback"] = lambda: dolen(first, first.letters.fallback)
    runs["naive"] = lambda: naive(port)
    return runs


def _measured(runs: dict[str, Callable[[], Took]], port: int, folder: Path) -> dict[str, list[Took]]:
    """All rounds, after one in which the relay counts."""
    took: dict[str, list[Took]] = {name: [] for name in runs}
    with relay(port, folder / "counted"):
        got = 0
        for name, run in runs.items():
            mails, before = run().mails, got
            got = _counted(folder / "counted", before + mails)
            if got - before != mails:
                raise SystemExit(f"{name}: {mails} are said to be sent, the relay got {got - before}")
    with relay(port):
        for turn in range(ROUNDS):
            for name, run in runs.items():
                took[name].append(run())
            print(f"round {turn + 1} of {ROUNDS}", file=sys.stderr, flush=True)
    return took


# --- what is measured -----------------------------------------------------------------------------------------------


def dolen(place: Place, message_id: int, wave: int = WAVE) -> Took:
    """The clock's and the worker's own functions, from the due instant until the message is finished."""
    with place.fresh() as wiring:
        desk = wiring.desk("bench")
        desk = replace(desk, pace=replace(desk.pace, wave_max=wave))
        mailing.submit(wiring, message_id)
        began, cpu_s = time.perf_counter(), place.cpu_s()
        release.tick(wiring.database, wiring.now)
        while send.work(desk):
            pass
        with wiring.database.write() as session:
            reconcile.finish(session, wiring.now())
        seconds, cpu_s = time.perf_counter() - began, place.cpu_s() - cpu_s
        with wiring.database.read() as session:
            books = reconcile.books(session, message_id)
            if session.get_one(Message, message_id).state != "finished" or not books["reconciled"]:
                raise SystemExit(f"it did not end well: {books}")
    return Took(books["sent"], seconds, cpu_s)


def in_memory(place: Place) -> Took:
    """The same letters by the same connector, composed as they go; what became of each is kept in a dict."""
    with place.fresh() as wiring:
        connector, composer, letters = _released(wiring, place.letters.compiled)
        ledger: dict[str, str] = {}
        now = wiring.now()

        def flow() -> Iterator[Outbound]:
            for letter in letters:
                ledger[key(letter.delivery_id)] = states.SENDING
                yield composer.compose(letter, now)

        began, cpu_s = time.perf_counter(), time.process_time()
        assert connector.send_many is not None
        for name, answer in connector.send_many(flow()):
            ledger[name] = states.SENT if isinstance(answer, Receipt) else states.FAILED
        seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_s
    return Took(sum(state == states.SENT for state in ledger.values()), seconds, cpu_s)


def _released(wiring: Wiring, message_id: int) -> tuple[Connector, Composer, list[Letter]]:
    """All that a worker reads of a message to send it, read at once."""
    mailing.submit(wiring, message_id)
    release.tick(wiring.database, wiring.now)
    with wiring.database.read() as session:
        found = session.execute(select(Batch).order_by(Batch.id)).scalars().all()
        claims = [Claim(one.id, 0, one.account_id, message_id, one.occurrence_id, False) for one in found]
        letters = [letter for claim in claims for _, letter in send.letters(session, claim)]
        account = session.get_one(Account, found[0].account_id)
        composer = Composer(session.get_one(Message, message_id), account, wiring.links)
        return wiring.connector(session, account), composer, letters


def naive(port: int) -> Took:
    """What one writes first: a compiled template, EmailMessage, smtplib, one kept connection."""
    words = {
        language: {name: Environment(autoescape=name == "html").from_string(text) for name, text in one.items()}
        for language, one in ((language, mailing.words(language)) for language in mailing.BODY)
    }  # fmt: skip
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        began, cpu_s = time.perf_counter(), time.process_time()
        for place in range(NAIVE):
            smtp.send_message(_letter(words[("cy", "ar")[place % 2]], place))
        return Took(NAIVE, time.perf_counter() - began, time.process_time() - cpu_s)


def _letter(words: dict[str, Any], place: int) -> EmailMessage:
    out = f"https://dolen.example/u/{place:037}"
    values = {
        "name": f"Siân {place}", "fields": {"town": "Aberystwyth"}, "reader_token": f"{place:037}",
        "unsubscribe_url": out, "preferences_url": f"https://dolen.example/p/{place:037}",
    }  # fmt: skip
    made = EmailMessage()
    made["From"], made["To"] = f"Newyddion <{mailing.SENDER}>", f"p{place}@people.example"
    made["Subject"] = words["subject"].render(values)
    made["Message-ID"], made["List-Unsubscribe"] = f"<{place}@dolen.example>", f"<{out}>"
    made.set_content(words["text"].render(values))
    made.add_alternative(words["html"].render(values), subtype="html")
    return made


def _smtp_source(port: int, size: int) -> Took:
    tool = _tool("smtp-source")
    assert tool is not None
    began = time.perf_counter()
    command = [tool, "-d", "-s", "8", "-m", str(RECIPIENTS), "-l", str(size), f"127.0.0.1:{port}"]
    subprocess.run(command, check=True)
    return Took(RECIPIENTS, time.perf_counter() - began, 0.0)


def _size(place: Place) -> int:
    """How long a mail is as it travels."""
    with place.fresh() as wiring:
        _, composer, letters = _released(wiring, place.letters.compiled)
        return round(statistics.mean(len(build(composer.compose(one))) for one in letters[:100]))


# --- beside it ------------------------------------------------------------------------------------------------------


@contextmanager
def relay(port: int, count: Path | None = None) -> Iterator[None]:
    """`smtp-sink`; with `count` it writes its counters there, which takes it a quarter of its time."""
    tool = _tool("smtp-sink")
    assert tool is not None
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    command = [tool, *user, *(["-c"] if count else []), f"127.0.0.1:{port}", "512"]
    with open(count or os.devnull, "wb") as out:
        process = subprocess.Popen(command, stdout=out)
        try:
            _wait_for(port)
            yield
        finally:
            process.kill()
            process.wait()


def _counted(path: Path, wanted: int) -> int:
    """How many mails the relay says it got, when it has had a moment to say so."""
    end = time.monotonic() + READY_S
    while True:
        got = int((re.findall(rb"mesg=(\d+)", path.read_bytes()[-200:]) or [b"0"])[-1])
        if got >= wanted or time.monotonic() > end:
            return got
        time.sleep(0.05)


def _wait_for(port: int) -> None:
    end = time.monotonic() + READY_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def _port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _tool(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def _server_cpu_s(server: Cluster) -> float:
    """Processor time of the postmaster, of what it has waited for and of what it runs now."""
    master = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, values = path.read_text().rsplit(")", 1)
        except FileNotFoundError:  # it has just ended
            continue
        fields = values.split()
        if int(fields[1]) == master or name.startswith(f"{master} "):
            ticks += sum(int(value) for value in fields[11 : 15 if name.startswith(f"{master} ") else 13])
    return ticks / os.sysconf("SC_CLK_TCK")


# --- what is told ---------------------------------------------------------------------------------------------------


def _tell(took: dict[str, list[Took]]) -> None:
    per_s = {name: statistics.median(one.mails / one.seconds for one in all_) for name, all_ in took.items()}
    cpu = {
        name: statistics.median(one.cpu_s / one.mails * 1e6 for one in all_) for name, all_ in took.items()
    }
    for name in took:
        ratio = per_s[name] / per_s["smtp-source"]
        print(f"{name:14} {per_s[name]:8,.0f}/s  {ratio:5.2f}  {cpu[name]:8.1f} µs CPU", file=sys.stderr)
    first = DATABASES[0]
    line: dict[str, Any] = {
        "benchmark": "send", "recipients": RECIPIENTS, "rounds": ROUNDS,
        "per_s": round(per_s[first]), "smtp_source_per_s": round(per_s["smtp-source"]),
        "ratio_to_smtp_source": _ratio(took, first, "smtp-source"),
        "ratio_postgresql": _ratio(took, "postgresql", "smtp-source"),
        "ratio_fallback": _ratio(took, "fallback", "smtp-source"),
        "naive_cpu_ratio": round(cpu["naive"] / cpu[first], 1), "cpu_us": round(cpu[first], 1),
        **{f"bookkeeping_share_{name}": round(1 - cpu["in memory"] / cpu[name], 2) for name in DATABASES},
        "wave_ratio": _ratio(took, first, "waves of 500"),
    }  # fmt: skip
    print(json.dumps(line))


def _ratio(took: dict[str, list[Took]], one: str, other: str) -> float | None:
    """The median over the rounds of one rate divided by the other of the same round."""
    if one not in took:
        return None
    pairs = zip(took[one], took[other], strict=True)
    return round(statistics.median(a.mails / a.seconds / (b.mails / b.seconds) for a, b in pairs), 2)


if __name__ == "__main__":
    sys.exit(main())
