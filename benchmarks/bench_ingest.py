"""Benchmark: how fast calls of providers are taken in, beside what one writes first with the same libraries.

- `parse`: a signed call with 500 events, from its bytes to events that were checked; the yardstick proves the same
  signature and reads them with a marshmallow schema (`many`).
- `whole`: the same and stored, raw and once under its key, and committed; the yardstick inserts the schema's rows with
  one executemany into the same table.
- `hook`: single signed calls, each durable before its answer, over HTTP, beside a Flask view that says hello on the
  same server with the same settings.
- `post`: `POST /v1/stakeholders` under a key each, PER_S a second for SECONDS, however long the others take.

BATCHES calls of 500 (default 60), HOOKS single ones (default 4,000), ROUNDS (default 5) take turns; on SQLite.
"""

from __future__ import annotations

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from marshmallow import EXCLUDE, Schema, fields, validate
from sqlalchemy.dialects.sqlite import insert

from campaigns.base import micros, new_id, public_id
from campaigns.delivery import accounts
from campaigns.delivery.tables import Account
from campaigns.responses import intake
from campaigns.responses.tables import RawEvent
from connectors import registry, signatures
from connectors.api import Call
from connectors.simulator.events import KINDS
from service import garbage, leash
from service.settings import load
from service.upgrade import upgrade
from service.wiring import Wiring
from tests.connectors.relay import closed_port

from . import machine
from .house import administrator

BATCHES = int(os.environ.get("BATCHES") or 60)
HOOKS = int(os.environ.get("HOOKS") or 4_000)
ROUNDS = int(os.environ.get("ROUNDS") or 5)
PER_S = int(os.environ.get("PER_S") or 100)
SECONDS = int(os.environ.get("SECONDS") or 10)
EVENTS = 500
CALLERS = 16
THREADS = 16  # of the server, for both
SECRET = signatures.new_secret()


class Told(Schema):
    """An event of the practice provider as one would describe it."""

    class Meta:
        unknown = EXCLUDE

    id = fields.String(required=True, validate=validate.Length(min=1))
    type = fields.String(required=True, validate=validate.OneOf(list(KINDS)))
    at = fields.Float(required=True)
    message = fields.String(load_default="")
    sender = fields.String(data_key="from", load_default="")
    to = fields.String(load_default="")
    in_reply_to = fields.String(load_default="")
    subject = fields.String(load_default="")
    text = fields.String(load_default="")
    language = fields.String(load_default="")
    permanent = fields.Boolean(load_default=False)


def main() -> int:
    """Prepare, measure in turns, print a table and one line of JSON."""
    garbage.set_aside()
    took: dict[str, list[float]] = {}
    with ExitStack() as held:
        wiring, account = _installation(
            Path(held.enter_context(tempfile.TemporaryDirectory(prefix="dolen-in-")))
        )
        held.callback(wiring.close)
        connector = wiring_connector(wiring, account)
        ways = _in_process(wiring, account, connector)
        with _served(wiring) as (ours, hello):
            ways |= {
                "hook": lambda: _rate(ours, [_request(account, _call([_event()])) for _ in range(HOOKS)]),
                "hello": lambda: _rate(hello, [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"] * HOOKS),
            }
            for turn in range(ROUNDS + 1):
                for name, way in ways.items():
                    found = way()
                    if turn:  # the first fills caches of statements
                        took.setdefault(name, []).append(found)
                print(f"round {turn} of {ROUNDS}", file=sys.stderr, flush=True)
            late = _posts(ours, administrator(wiring))
    _tell(took, late)
    return 0


def wiring_connector(wiring: Wiring, account_id: int) -> Any:
    """The practice account, connected."""
    with wiring.database.read() as session:
        return wiring.connector(session, session.get_one(Account, account_id))


def _installation(folder: Path) -> tuple[Wiring, int]:
    port = closed_port()
    told = {
        "DATA__DIR": str(folder),
        "LOG__LEVEL": "error",
        "HTTP__PORT": str(port),
        "HTTP__THREADS": str(THREADS),
    }
    wiring = Wiring(load({f"DOLEN__{key}": value for key, value in told.items()}))
    upgrade(wiring)
    settings = {"url": "http://127.0.0.1:9", "channel": "email"}
    with wiring.database.write() as session:
        made = accounts.create(
            session, wiring.now(), name="practice", connector="simulator", channel="email", settings=settings
        )
        accounts.declare(made, registry.connect("simulator", settings, {"hook_secret": SECRET}))
        wiring.keep(session, made, {"hook_secret": SECRET})
        return wiring, made.id


# --- in this process, events a second -------------------------------------------------------------------------------


def _in_process(wiring: Wiring, account: int, connector: Any) -> dict[str, Callable[[], float]]:
    schema = Told(many=True)
    return {
        "parse": lambda: _each(lambda call: len(connector.hooks(call).events)),
        "parse, marshmallow": lambda: _each(lambda call: len(_by_schema(schema, call)), BATCHES // 10 or 1),
        "whole": lambda: _each(lambda call: _kept(wiring, account, connector, call)),
        "whole, marshmallow": lambda: _each(
            lambda call: _plainly(wiring, account, schema, call), BATCHES // 10 or 1
        ),
    }


def _each(take: Callable[[Call], int], batches: int = BATCHES) -> float:
    calls = [_call([_event() for _ in range(EVENTS)]) for _ in range(batches)]
    began = time.perf_counter()
    for call in calls:
        if take(call) != EVENTS:
            raise SystemExit("events were lost")
    return batches * EVENTS / (time.perf_counter() - began)


def _by_schema(schema: Schema, call: Call) -> Any:
    signatures.verify([SECRET], call.headers, call.body, call.at)
    return schema.load(json.loads(call.body))


def _kept(wiring: Wiring, account: int, connector: Any, call: Call) -> int:
    heard = connector.hooks(call)
    with wiring.database.write() as session:
        return intake.store(session, wiring.now(), account, heard.events, via="push")


def _plainly(wiring: Wiring, account: int, schema: Schema, call: Call) -> int:
    told, now = _by_schema(schema, call), wiring.now()
    rows = [
        {
            "id": new_id(), "account_id": account, "event_key": one["id"], "via": "push", "at": now, "sha256": "",
            "event": one, "body": json.dumps(one).encode(), "state": "new", "next_at": now, "tries": 0,
        }
        for one in told
    ]  # fmt: skip
    with wiring.database.write() as session:
        session.execute(insert(RawEvent).on_conflict_do_nothing(), rows)
    return len(rows)


def _event() -> dict[str, Any]:
    number = public_id("dlv", new_id())
    return {
        "id": number, "type": "delivered", "at": micros(datetime.now(UTC)) / 1e6, "message": f"practice-{number}",
        "from": "sian@people.example", "to": "news@mail.example", "subject": "Newyddion o'ch ardal",
        "text": "Diolch, welai chi yno! شكرا جزيلا", "language": "cy",
    }  # fmt: skip


def _call(events: Sequence[dict[str, Any]]) -> Call:
    body, now = orjson.dumps(events), datetime.now(UTC)
    return Call("POST", signatures.sign(SECRET, public_id("evt", new_id()), now, body), {}, body, now)


# --- over HTTP ------------------------------------------------------------------------------------------------------


@contextmanager
def _served(wiring: Wiring) -> Iterator[tuple[int, int]]:
    """The ports of Dolen's web service and of a Flask hello, each by the same server with as many threads."""
    settings, hello = wiring.settings, closed_port()
    outside = {key: value for key, value in os.environ.items() if not key.startswith("DOLEN_")}
    chosen = {"DATA__DIR": str(settings.folder), "LOG__LEVEL": "error", "HTTP__PORT": str(settings.http.port)}
    chosen |= {"HTTP__THREADS": str(THREADS), "HTTP__CALLS_PER_MIN": "0"}
    plain = ["granian", "--interface", "wsgi", "--blocking-threads", str(THREADS), "--port", str(hello)]
    plain += ["--log-level", "error", "benchmarks.hello:app"]
    with ExitStack() as held:
        for module in (["service", "serve"], plain):
            process = subprocess.Popen(
                [sys.executable, "-m", *module],
                env=outside | {f"DOLEN__{key}": value for key, value in chosen.items()},
                preexec_fn=leash.hold,
            )
            held.callback(process.wait)
            held.callback(process.terminate)
        for port in (settings.http.port, hello):
            _until_it_listens(port)
        yield settings.http.port, hello


def _until_it_listens(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit(f"nobody listens on port {port}")


def _request(account: int, call: Call) -> bytes:
    head = {**call.headers, "Host": "127.0.0.1", "Content-Length": str(len(call.body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST /hooks/{public_id('acc', account)} HTTP/1.1\r\n{lines}\r\n".encode() + call.body


def _rate(port: int, requests: list[bytes]) -> float:
    """Answers a second, from CALLERS who each keep a connection."""
    waiting, wrong = iter(requests), list[bytes]()
    lock = threading.Lock()

    def call() -> None:
        with socket.create_connection(("127.0.0.1", port)) as line:
            while True:
                with lock:
                    request = next(waiting, None)
                if request is None:
                    return
                line.sendall(request)
                answer = _answer(line)
                if not answer.startswith(b"HTTP/1.1 200"):
                    wrong.append(answer)

    callers = [threading.Thread(target=call) for _ in range(CALLERS)]
    began = time.perf_counter()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    if wrong:
        raise SystemExit(f"{len(wrong)} calls were refused, the first with {wrong[0]!r}")
    return len(requests) / (time.perf_counter() - began)


def _answer(line: socket.socket) -> bytes:
    """A whole answer; both servers tell its length."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = line.recv(65536)
        if not more:
            return b""
        answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])  # type: ignore[index]
    while len(body) < length:
        body += line.recv(65536)
    return head + body


def _posts(port: int, token: str) -> list[float]:
    """Milliseconds of each call, from the moment at which it was to be made."""
    late, lock, places = list[float](), threading.Lock(), iter(range(PER_S * SECONDS))
    began = time.perf_counter() + 0.5

    def call() -> None:
        with socket.create_connection(("127.0.0.1", port)) as line:
            while True:
                with lock:
                    place = next(places, None)
                if place is None:
                    return
                at = began + place / PER_S
                time.sleep(max(0.0, at - time.perf_counter()))
                line.sendall(_post(token, place))
                if not _answer(line).startswith(b"HTTP/1.1 201"):
                    raise SystemExit("a call was refused")
                late.append((time.perf_counter() - at) * 1000)

    callers = [threading.Thread(target=call) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return late


def _post(token: str, place: int) -> bytes:
    body = json.dumps({"kind": "person", "name": f"Siân {place}", "languages": ["cy"]}).encode()
    head = (
        f"POST /v1/stakeholders HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Idempotency-Key: {place}-{token[-8:]}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


# --- what is told ---------------------------------------------------------------------------------------------------


def _tell(took: dict[str, list[float]], late: list[float]) -> None:
    table = ["| | a second |", "|---|---|"]
    table += [f"| {name} | {statistics.median(found):,.0f} |" for name, found in took.items()]
    p99 = sorted(late)[round(0.99 * (len(late) - 1))]
    table.append(f"| post, {PER_S} a second | p99 {p99:.1f} ms |")
    line: dict[str, Any] = {
        "benchmark": "ingest", "ratio": _ratio(took, "whole", "whole, marshmallow"),
        "parse_ratio": _ratio(took, "parse", "parse, marshmallow"),
        "events_per_s": round(statistics.median(took["whole"])), "hook_ratio": _ratio(took, "hook", "hello"),
        "post_p99_ms": round(p99, 1),
    }  # fmt: skip
    machine.end(line, table, rounds=took)


def _ratio(took: dict[str, list[float]], one: str, other: str) -> float:
    """The median over the rounds of one rate divided by the other of the same round."""
    return round(statistics.median(a / b for a, b in zip(took[one], took[other], strict=True)), 2)


if __name__ == "__main__":
    sys.exit(main())
