"""F37–F40: storms of events, words that eat memory, callers that hang, and rows that kill their worker."""

from __future__ import annotations

import itertools
import os
import resource
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from benchmarks.house import administrator
from campaigns.database import Database
from campaigns.delivery import batch, send
from campaigns.delivery.compose import message_id as name_of
from campaigns.delivery.tables import Batch, Delivery
from campaigns.errors import DomainError
from campaigns.messages import render_helper
from campaigns.responses import intake
from campaigns.responses.tables import RawEvent, Response
from campaigns.stakeholders import files
from connectors.api import Event
from service import settings, upgrade
from service.app import create_app
from service.wiring import Wiring

from ..campaigns.delivery.world import KEYED, LINKS, Died, World
from ..connectors.relay import closed_port
from .test_disks import environ
from .test_processes import until

KINDS = ("delivered", "opened", "clicked", "reply", "bounce", "opt_out")
HUNG = 300
CALLERS = 20_000


def test_f37_a_storm_of_events_in_every_order_twice_over_loses_none_and_ends_alike(
    sqlite: Database, now: datetime
) -> None:
    """F37: sixty of the orders of six events, each event told twice; all 720 are in `long.py`."""
    storm(sqlite, now, list(itertools.permutations(KINDS))[::12])


def storm(sqlite: Database, now: datetime, orders: list[tuple[str, ...]]) -> None:
    world = World(sqlite, now, KEYED)
    _people_with_rows(world, len(orders))
    with sqlite.read() as session:
        rows = list(session.query(Delivery).order_by(Delivery.id))
    told = [event for row, order in zip(rows, orders, strict=True) for event in _events(row, order, now)]
    with sqlite.write() as session:
        assert intake.store(session, now, world.account_id, told, "hook") == len(told)
        assert intake.store(session, now, world.account_id, told, "hook") == 0
    while intake.process(sqlite.sessions, now, LINKS):
        pass
    with sqlite.read() as session:
        assert session.query(RawEvent).filter(RawEvent.state != "done").count() == 0
        assert {row.state for row in session.query(Delivery)} == {"bounced"}
        assert session.query(Response).filter_by(kind="reply").count() == len(orders)


def _people_with_rows(world: World, count: int) -> None:
    world.message([f"p{n}" for n in range(count)])
    world.run()


def _events(row: Delivery, order: tuple[str, ...], now: datetime) -> list[Event]:
    return [
        Event(
            key=f"{row.id}-{kind}", kind=kind, at=now + timedelta(seconds=place), provider_id=str(row.provider_id),
            references=(name_of(row.id, LINKS),), sender=row.address_key, about=row.address_key, text="I come",
            hard=kind == "bounce",
        )
        for place, kind in enumerate(order)
    ]  # fmt: skip


@dataclass(frozen=True)
class _Draft:
    text: str
    subject: str = "s"
    html: str = ""


BOMBS = {
    "loops": "{% for a in data.list %}{% for b in data.list %}{{ a }}{{ b }}{% endfor %}{% endfor %}",
    "long": "{{ data.word }}" * 5_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_f38_words_that_would_eat_the_memory_fail_alone(bomb: str) -> None:
    """F38"""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data = {"list": ["x" * 1000] * 1000, "word": "x" * 1_000_000}
    with pytest.raises(DomainError):
        render_helper.preview(_Draft(BOMBS[bomb]), [{"data": data}])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 * 1024


class _Endless(BytesIO):
    """A little more than is taken; a true gigabyte is cut off at the same byte."""

    def __init__(self) -> None:
        super().__init__(b"name\n" + b"x" * (files.BYTES_MAX + (2 << 20)))


def test_f38_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """F38"""
    wiring = Wiring(settings.load(environ(tmp_path)))
    upgrade.upgrade(wiring)
    token = administrator(wiring)
    whole = {"file": (_Endless(), "people.csv")}
    head = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one"}
    answer = create_app(wiring=wiring).test_client().post("/v1/imports", headers=head, data=whole)
    assert answer.status_code == 413
    wiring.close()


def test_f39_callers_that_hang_do_not_keep_others_out(tmp_path: Path) -> None:
    """F39: as many as every machine's limits allow; 50,000 where `make prove NAME=faults` finds the room."""
    hang(tmp_path, HUNG)


def hang(folder: Path, count: int) -> None:
    port = closed_port()
    chosen = {**os.environ, **environ(folder, DOLEN__HTTP__PORT=str(port))}
    upgrade_here = Wiring(settings.load(chosen))
    upgrade.upgrade(upgrade_here)
    upgrade_here.close()
    serving = subprocess.Popen([sys.executable, "-m", "service", "serve"], env=chosen)
    lines: list[socket.socket] = []
    try:
        until(lambda: _health(port) == 200, "the service to answer")
        for n in range(count):
            caller = (f"127.0.0.{1 + n // CALLERS}", 0)  # one address has ports for so many only
            line = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=caller)
            line.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            lines.append(line)
        assert _health(port) == 200
    finally:
        for line in lines:
            line.close()
        serving.terminate()
        serving.wait()


def _health(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return int(answer.status)
    except OSError:
        return 0


def test_f40_a_row_that_kills_its_worker_again_and_again_is_set_aside_and_the_others_go(
    database: Database, now: datetime
) -> None:
    """F40"""
    world = World(database, now, KEYED, in_flight=1)
    message_id = world.message(["ann", "bob", "cai"])

    world.tick()
    victim = world.rows(message_id)[1].id

    def dies(place: str) -> None:
        """While the batch goes whole nobody knows who is to blame; then the row that is alone in hand."""
        with database.read() as session:
            held = session.query(Batch).one_or_none()
        if place == "render.after" and held and (held.deaths < batch.ALONE_AFTER or held.alone_id == victim):
            raise Died

    for _ in range(30):
        with suppress(Died):
            while send.work(world.desk(failpoint=dies)):
                pass
        world.recover()
    world.run()
    assert world.states(message_id) == {"ann": "sent", "bob": "failed:poison", "cai": "sent"}
