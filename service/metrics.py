"""`/metrics`: figures for Prometheus, for whoever has the token of `metrics.token`; closed without that setting.

Rules: no label tells of a person; a route stands for its paths. What this process answered is counted here, all else
is read from the database by indexes.
"""

from __future__ import annotations

import hmac
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

from flask import Blueprint, Response, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.delivery import figures, tally
from campaigns.delivery.tables import Tick

from .problems import Refusal
from .wiring import Wiring

# Version 0.0.4 of the text format.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Upper bounds in seconds; what took longer is in +Inf alone.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NOWHERE = "none"  # what no route fits

Labels = Mapping[str, object]
Samples = Iterable[tuple[str, Labels, float]]


@dataclass
class Requests:
    """What this process answered: how many by route and status, and how long it took by route."""

    answered: dict[tuple[str, str, int], int] = field(default_factory=lambda: defaultdict(int))
    took: dict[tuple[str, str], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0] * (len(BOUNDS) + 1))
    )
    seconds: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, response: Response) -> Response:
        """Count the request in hand, which is answered by this."""
        took_s = time.perf_counter() - g.get("started", time.perf_counter())
        route = request.url_rule.rule if request.url_rule else NOWHERE
        self.note(request.method, route, response.status_code, took_s)
        return response

    def note(self, method: str, route: str, status: int, took_s: float) -> None:
        """Count one request."""
        place = (method, route)
        with self.lock:
            self.answered[*place, status] += 1
            self.took[place][bisect_left(BOUNDS, took_s)] += 1
            self.seconds[place] += took_s

    def text(self) -> list[str]:
        """As lines of the text format."""
        with self.lock:
            answered = dict(self.answered)
            took = [(place, list(counts), self.seconds[place]) for place, counts in self.took.items()]
        counted: Samples = [
            ("", {"method": method, "route": route, "status": status}, number)
            for (method, route, status), number in answered.items()
        ]
        timed = [
            one
            for (method, route), counts, seconds in took
            for one in _histogram({"method": method, "route": route}, counts, seconds)
        ]
        return [
            *_metric("http_requests_total", "counter", "Requests answered by this process.", counted),
            *_metric("http_request_seconds", "histogram", "How long requests took.", timed),
        ]


def blueprint(wiring: Wiring, requests: Requests) -> Blueprint:
    """The route, where a token is set."""
    made = Blueprint("metrics", __name__)

    @made.get("/metrics")
    def metrics() -> ResponseReturnValue:
        _allowed(wiring.settings.metrics.token)
        with wiring.database.read() as session:
            lines = [*_of_database(session, wiring), *requests.text()]
        return Response("\n".join(lines) + "\n", content_type=CONTENT_TYPE)

    return made


def _allowed(token: str) -> None:
    if not token:
        raise Refusal("not_found", "there is nothing here")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise Refusal("not_authenticated", "send Authorization: Bearer with the token of metrics.token")


def _of_database(session: Session, wiring: Wiring) -> list[str]:
    now = wiring.now()
    accounts = {one.id: one for one in figures.accounts(session)}
    names = {number: {"account": one.name} for number, one in accounts.items()}
    ticks = session.execute(select(Tick.name, Tick.at))
    handed: Samples = [
        ("", {**names[account], "outcome": outcome}, number)
        for (account, outcome), number in tally.handovers(session).items()
        if account in names
    ]
    out: Samples = [("", names[number], one.state != "active") for number, one in accounts.items()]
    return [
        *_metric("build_info", "gauge", "The release.", [("", {"version": version("dolen")}, 1)]),
        *_metric(
            "deliveries", "gauge", f"Rows that are not over, counted up to {figures.MOST}; unknown: to be decided.",
            _by("state", figures.open_rows(session)),
        ),
        *_metric("batches", "gauge", "Work by kind.", _by("kind", figures.batches(session, now))),
        *_metric("oldest_due_seconds", "gauge", "How long the oldest work could have been taken.",
                 [("", {}, figures.oldest_due_s(session, now))]),
        *_metric("handovers_total", "counter", "What came of hand-overs by each account.", handed),
        *_metric("account_out_of_service", "gauge", "1 where an account takes nothing.", out),
        *_metric("last_tick_timestamp_seconds", "gauge", "When a duty of the clock was last noted.",
                 [("", {"duty": name}, at.timestamp()) for name, at in ticks]),
    ]  # fmt: skip


def _by(label: str, counted: Mapping[str, int]) -> Samples:
    return [("", {label: name}, number) for name, number in counted.items()]


def _histogram(labels: Labels, counts: list[int], seconds: float) -> Samples:
    total = 0
    for bound, count in zip((*BOUNDS, "+Inf"), counts, strict=True):
        total += count
        yield "_bucket", {**labels, "le": bound}, total
    yield "_sum", labels, seconds
    yield "_count", labels, total


def _metric(name: str, kind: str, words: str, samples: Samples) -> list[str]:
    name = f"dolen_{name}"
    return [
        f"# HELP {name} {words}",
        f"# TYPE {name} {kind}",
        *(f"{name}{suffix}{_labels(labels)} {float(value):.17g}" for suffix, labels, value in samples),
    ]


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    told = (f'{name}="{_escaped(str(value))}"' for name, value in labels.items())
    return "{" + ",".join(told) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
