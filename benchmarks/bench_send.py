"""Benchmark: how fast mail goes out and what a message costs, beside Postfix's own load generator in the same run.

RECIPIENTS people (default 30,000), ROUNDS rounds (default 5) that take turns, DATABASE sqlite, postgresql or both. The
relay is `smtp-sink` on this machine; the yardstick is `smtp-source -d -s 8` with mails of the same size. A run is timed
from the due instant, release included, to the last settled row, in this process, one thing after the other; what it
costs is its processor time, on PostgreSQL with that of its server. `as it runs`: the same by `dolen clock` and
`dolen work` as anybody starts them, beside each other and the relay. `fallback`: words that do not compile.
`in memory`: the same letters by the same connector with a dict for a ledger. `naive`: EmailMessage and smtplib on one
kept connection, template compiled once. `small` and what stands below it go to ASIDE people each: mails that are
encrypted, signed, or go to a relay that is far away. In a first round, which is not timed, the relay counts: it must
have got what the ledger says was sent.
"""

from __future__ import annotations

import os
import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jinja2 import Environment
from sqlalchemy import func, select

from campaigns.delivery import reconcile, release, send, states
from campaigns.delivery.batch import Claim
from campaigns.delivery.compose import Composer, Letter, key
from campaigns.delivery.tables import Account, Batch, Delivery
from campaigns.messages.tables import Message
from connectors.api import Connector, Outbound, Receipt
from connectors.mail import build
from service import garbage
from service.wiring import Wiring
from tests.connectors.certificates import self_signed
from tests.connectors.relay import closed_port
from tests.postgres import cluster

from . import machine, mailing, proxy, running
from .place import Place
from .sink import counted, relay, tool

RECIPIENTS = int(os.environ.get("RECIPIENTS") or 30_000)
ROUNDS = int(os.environ.get("ROUNDS") or 5)
CHOSEN = os.environ.get("DATABASE") or "both"
DATABASES = ("sqlite", "postgresql") if CHOSEN == "both" else (CHOSEN,)
ASIDE = int(os.environ.get("ASIDE") or 3_000)
NAIVE, FAR = 500, 200
WAVE, GREAT_WAVE = 64, 500
LOOK_S = 0.05
DELAY_MS = 25.0  # each way


@dataclass(frozen=True, slots=True)
class Took:
    """One run: how many mails, in how many seconds, with how much processor time."""

    mails: int
    seconds: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Way:
    """How an account reaches its relay, where it is not in the clear and at once."""

    settings: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


def main() -> int:
    """Prepare, prove the counts, measure in turns, print a table and one line of JSON."""
    tool("smtp-sink"), tool("smtp-source")  # who lacks them is told here, and not after some minutes
    garbage.set_aside()  # as a worker does
    with ExitStack() as held:
        folder, port = (
            Path(held.enter_context(tempfile.TemporaryDirectory(prefix="dolen-send-"))),
            closed_port(),
        )
        server = held.enter_context(cluster(durable=True)) if "postgresql" in DATABASES else None
        servers = {"sqlite": None, "postgresql": server}
        places = {name: Place(folder / name, servers[name], port, RECIPIENTS) for name in DATABASES}
        small = Place(folder / "small", None, port, ASIDE)
        far = held.enter_context(proxy.running(port, "--delay-ms", str(DELAY_MS)))
        took = _measured(
            _runs(places, port, far) | _asides(small, _ways(held, folder, port, far)), port, folder
        )
    _tell(took)
    return 0


def _runs(places: dict[str, Place], port: int, far: int) -> dict[str, Callable[[], Took]]:
    """What is measured with all recipients, in the order of a round, and the yardsticks."""
    first = next(iter(places.values()))
    size = _size(first)
    print(f"{RECIPIENTS:,} recipients, {size:,} bytes a mail, {ROUNDS} rounds", file=sys.stderr)
    runs: dict[str, Callable[[], Took]] = {"smtp-source": lambda: _smtp_source(port, size)}
    for name, place in places.items():
        runs[name] = lambda place=place: dolen(place, place.letters.compiled)  # type: ignore[misc]
        runs[f"{name}, as it runs"] = lambda place=place: as_it_runs(place, place.letters.compiled)  # type: ignore[misc]
    runs["in memory"] = lambda: in_memory(first)
    runs["waves of 500"] = lambda: dolen(first, first.letters.compiled, GREAT_WAVE)
    runs["fallback"] = lambda: dolen(first, first.letters.fallback)
    runs["naive"] = lambda: naive(port)
    runs["smtp-source, 50 ms"] = lambda: _smtp_source(far, size, FAR)
    return runs


def _asides(small: Place, ways: dict[str, Way]) -> dict[str, Callable[[], Took]]:
    """The same to fewer people, on SQLite, in each of these ways."""
    return {
        name: lambda way=way: dolen(small, small.letters.compiled, way=way)  # type: ignore[misc]
        for name, way in ways.items()
    }


def _ways(held: ExitStack, folder: Path, port: int, far: int) -> dict[str, Way]:
    certificate = str(folder / "relay.pem")
    self_signed(Path(certificate))
    encrypting = held.enter_context(proxy.running(port, "--certificate", certificate))
    signed = {"dkim_selector": "dolen", "dkim_domain": mailing.SENDER.partition("@")[2]}
    return {
        "small": Way(),
        "STARTTLS": Way({"port": encrypting, "security": "starttls", "ca_file": certificate}),
        "DKIM, RSA 2048": Way(signed, {"dkim_key": _pem(generate_private_key(65537, 2048))}),
        "DKIM, Ed25519": Way(signed, {"dkim_key": _pem(Ed25519PrivateKey.generate())}),
        "50 ms": Way({"port": far}),
        "50 ms, 32 connections": Way({"port": far, "in_flight": 32}),
    }


def _pem(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _measured(runs: dict[str, Callable[[], Took]], port: int, folder: Path) -> dict[str, list[Took]]:
    """All rounds, after one in which the relay counts."""
    took: dict[str, list[Took]] = {name: [] for name in runs}
    with relay(port, folder / "counted"):
        got = 0
        for name, run in runs.items():
            mails, before = run().mails, got
            got = counted(folder / "counted", before + mails)
            if got - before != mails:
                raise SystemExit(f"{name}: {mails} are said to be sent, the relay got {got - before}")
    with relay(port):
        for turn in range(ROUNDS):
            for name, run in runs.items():
                took[name].append(run())
            print(f"round {turn + 1} of {ROUNDS}", file=sys.stderr, flush=True)
    return took


# --- what is measured -----------------------------------------------------------------------------------------------


def as_it_runs(place: Place, message_id: int) -> Took:
    """The processes of an installation, from the due instant until the last row was settled."""
    with (
        place.fresh() as wiring,
        running.dolen(wiring, "clock") as clock,
        running.dolen(wiring, "work") as worker,
    ):
        running.at_rest(clock, worker)
        cpu_s, began = place.cpu_s() + clock.cpu_s() + worker.cpu_s(), wiring.now()
        mailing.submit(wiring, message_id)
        while not _finished(wiring, message_id):
            time.sleep(LOOK_S)
        cpu_s = place.cpu_s() + clock.cpu_s() + worker.cpu_s() - cpu_s
        with wiring.database.read() as session:
            last = session.scalar(
                select(func.max(Delivery.settled_at)).where(Delivery.message_id == message_id)
            )
            sent = reconcile.books(session, message_id)["sent"]
    assert last is not None
    return Took(sent, (last - began).total_seconds(), cpu_s)


def _finished(wiring: Wiring, message_id: int) -> bool:
    with wiring.database.read() as session:
        return session.get_one(Message, message_id).state == "finished"


def dolen(place: Place, message_id: int, wave: int = WAVE, way: Way | None = None) -> Took:
    """The clock's and the worker's own functions, from the due instant until the message is finished."""
    with place.fresh() as wiring:
        if way is not None:
            mailing.through(wiring, way.secrets, **way.settings)
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
        account = session.get_one(Account, found[0].account_id)
        letters = [letter for claim in claims for _, letter in send.letters(session, claim, account)]
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


def _smtp_source(port: int, size: int, mails: int = RECIPIENTS) -> Took:
    began = time.perf_counter()
    command = [tool("smtp-source"), "-d", "-s", "8", "-m", str(mails), "-l", str(size), f"127.0.0.1:{port}"]
    subprocess.run(command, check=True)
    return Took(mails, time.perf_counter() - began, 0.0)


def _size(place: Place) -> int:
    """How long a mail is as it travels."""
    with place.fresh() as wiring:
        _, composer, letters = _released(wiring, place.letters.compiled)
        return round(statistics.mean(len(build(composer.compose(one))) for one in letters[:100]))


# --- what is told ---------------------------------------------------------------------------------------------------


def _tell(took: dict[str, list[Took]]) -> None:
    per_s = {name: statistics.median(one.mails / one.seconds for one in all_) for name, all_ in took.items()}
    cpu = {
        name: statistics.median(one.cpu_s / one.mails * 1e6 for one in all_) for name, all_ in took.items()
    }
    table = ["| | mails/s | of `smtp-source` | processor time a mail |", "|---|---|---|---|"]
    for name in took:
        ratio = _ratio(took, name, "smtp-source, 50 ms" if "50 ms" in name else "smtp-source")
        cost = f"{cpu[name]:,.0f} µs" if cpu[name] else ""
        table.append(f"| {name} | {per_s[name]:,.0f} | {ratio:.2f} | {cost} |")
    first = DATABASES[0]
    line: dict[str, Any] = {
        "benchmark": "send", "recipients": RECIPIENTS, "rounds": ROUNDS,
        "per_s": round(per_s[first]), "smtp_source_per_s": round(per_s["smtp-source"]),
        "ratio_to_smtp_source": _ratio(took, first, "smtp-source"),
        "ratio_as_it_runs": _ratio(took, f"{first}, as it runs", "smtp-source"),
        "ratio_postgresql": _ratio(took, "postgresql", "smtp-source"),
        "ratio_fallback": _ratio(took, "fallback", "smtp-source"),
        "naive_cpu_ratio": round(cpu["naive"] / cpu[first], 1), "cpu_us": round(cpu[first], 1),
        **{f"bookkeeping_share_{name}": round(1 - cpu["in memory"] / cpu[name], 2) for name in DATABASES},
        "wave_ratio": _ratio(took, first, "waves of 500"),
    }  # fmt: skip
    machine.end(line, table, rounds={name: [asdict(one) for one in all_] for name, all_ in took.items()})


def _ratio(took: dict[str, list[Took]], one: str, other: str) -> float | None:
    """The median over the rounds of one rate divided by the other of the same round."""
    if one not in took:
        return None
    pairs = zip(took[one], took[other], strict=True)
    return round(statistics.median(a.mails / a.seconds / (b.mails / b.seconds) for a, b in pairs), 2)


if __name__ == "__main__":
    sys.exit(main())
