"""F8: told to stop, or killed with whoever started them, processes end what they began and leave nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from select import select as select_

import pytest
from sqlalchemy import func, select

from campaigns.database import Database
from campaigns.delivery import accounts, repair, send
from campaigns.delivery.backoff import Pace
from campaigns.delivery.tables import Account, Batch, Delivery
from connectors import registry
from connectors.simulator.running import Running, running
from service import upgrade
from service.settings import load
from service.wiring import Wiring

from ..campaigns.delivery.world import BLIND, Died, World

PATIENCE_S = 60.0
COMMAND = [sys.executable, "-m", "service"]


@pytest.fixture
def environ(bare_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of processes of an installation with tables."""
    found = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DOLEN_")},
        "DOLEN__DATABASE__URL": bare_url,
        "DOLEN__DATA__DIR": str(tmp_path / "data"),
        "DOLEN__LOG__LEVEL": "error",
        "DOLEN__HTTP__PORT": str(free_port()),
        "DOLEN__PRACTICE__PORT": str(free_port()),
    }
    wiring = Wiring(load(found))
    upgrade.upgrade(wiring)
    wiring.close()
    return found


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[Running]:
    """A provider that takes its time."""
    with running(tmp_path / "practice.log", "--latency-ms", "40") as server:
        yield server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    until = time.monotonic() + PATIENCE_S
    while not so():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.02)


def takes(practice: Running, most: int) -> Callable[[], bool]:
    return lambda: len(practice.accepted()) >= most


def test_a_worker_told_to_stop_ends_what_it_began_and_leaves_nothing_in_between(
    environ: dict[str, str], practice: Running
) -> None:
    """F8: the provider's own log agrees with the ledger, and the next worker goes on."""
    database = Database(environ["DOLEN__DATABASE__URL"])
    world = World(database, datetime.now(UTC), BLIND)
    with database.write() as session:
        account = session.get_one(Account, world.account_id)
        account.connector = "simulator"
        account.settings = {"url": practice.url, "channel": "email", "repeats": "blind"}
        accounts.declare(account, registry.connect("simulator", account.settings, {}))
    message_id = world.message([f"p{n:02}" for n in range(90)])
    for n in range(2):
        world.later(seconds=1)
        world.tick()
        worker = subprocess.Popen([*COMMAND, "work"], env=environ)
        eventually(takes(practice, len(practice.accepted()) + 4))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE_S) == 0
        states = list(world.states(message_id).values())
        assert "sent" in states and set(states) <= {"sent", "queued", "deferred"}, n
        assert states.count("sent") == len(practice.accepted())
    with database.read() as session:
        assert session.scalar(select(func.count()).where(Batch.owner.is_not(None))) == 0
    database.close()


def test_what_does_not_end_in_time_is_laid_down(database: Database, now: datetime) -> None:
    """F8: what was being handed over is unknown at once, and nobody waits for the lease to end."""
    world = World(database, now, BLIND, in_flight=1)
    message_id = world.message([f"p{n:02}" for n in range(20)])
    world.tick()

    def die(name: str) -> None:
        if name == "net.after_reply":
            raise Died

    with pytest.raises(Died):
        send.work(world.desk(failpoint=die))
    with database.write() as session:
        repair.lay_down(session, now, "another worker", Pace())
        assert session.scalar(select(func.count()).where(Delivery.state == "sending"))
        repair.lay_down(session, now, "test", Pace())
    states = list(world.states(message_id).values())
    assert set(states) == {"unknown", "queued"}
    world.run()
    assert len(world.wire.accepted) == len(set(world.wire.accepted)) == 1 + states.count("queued")


def test_a_request_that_has_begun_is_answered(environ: dict[str, str]) -> None:
    server = subprocess.Popen([*COMMAND, "serve"], env=environ)
    door = ("127.0.0.1", int(environ["DOLEN__HTTP__PORT"]))
    eventually(lambda: answers(door))
    with socket.create_connection(door, timeout=PATIENCE_S) as line:
        line.sendall(
            b"POST /hooks/acc_0000000000001 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
            b"Expect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        assert line.recv(100).startswith(b"HTTP/1.1 100")  # a view waits for the body from here on
        server.send_signal(signal.SIGTERM)
        eventually(lambda: not answers(door))
        line.sendall(b"{}")
        assert line.recv(20).startswith(b"HTTP/1.1 404")
    assert server.wait(PATIENCE_S) == 0


def test_slow_bodies_keep_out_nobody_who_only_reads(environ: dict[str, str]) -> None:
    """F39: more of them than there are threads; the next one with a body is told to come back."""
    server = subprocess.Popen([*COMMAND, "serve"], env=environ)
    door = ("127.0.0.1", int(environ["DOLEN__HTTP__PORT"]))
    eventually(lambda: answers(door))
    head = b"POST /hooks/acc_0000000000001 HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{"
    lines = [socket.create_connection(door, timeout=PATIENCE_S) for _ in range(20)]
    try:
        for line in lines:
            line.sendall(head)
        eventually(lambda: len(select_(lines, [], [], 0.1)[0]) >= 16)  # four of 16 threads may wait
        told = [line.recv(2000) for line in select_(lines, [], [], 0)[0]]
        assert all(one.startswith(b"HTTP/1.1 503") and b"retry-after: 5" in one.lower() for one in told)
        with socket.create_connection(door, timeout=PATIENCE_S) as reader:
            reader.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert reader.recv(20).startswith(b"HTTP/1.1 200")
    finally:
        for line in lines:
            line.close()
        server.terminate()
        server.wait(PATIENCE_S)


def answers(door: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(door, timeout=PATIENCE_S):
            return True
    except OSError:
        return False


def test_whoever_is_killed_takes_its_children_along(environ: dict[str, str]) -> None:
    """F8: else they would work on, beside those of the next start."""
    everything = subprocess.Popen([*COMMAND, "all"], env=environ, stdout=subprocess.DEVNULL)
    door = ("127.0.0.1", int(environ["DOLEN__HTTP__PORT"]))
    eventually(lambda: answers(door))
    eventually(
        lambda: len(below(everything.pid)) >= 5
    )  # practice, the server and its own child, clock, worker
    children = below(everything.pid)
    everything.kill()
    everything.wait(PATIENCE_S)
    eventually(lambda: not any(alive(pid) for pid in children))


def test_the_address_and_the_first_visit_are_told_once_pages_can_be_opened(environ: dict[str, str]) -> None:
    everything = subprocess.Popen([*COMMAND, "all"], env=environ, stdout=subprocess.PIPE, text=True)
    try:
        assert everything.stdout is not None
        starts, ready, visit, stays = (everything.stdout.readline() for _ in range(4))
        assert starts.startswith("Dolen is starting") and stays.startswith("Leave this window open")
        assert ready == f"Dolen is ready on http://127.0.0.1:{environ['DOLEN__HTTP__PORT']}\n"
        with urllib.request.urlopen(visit.split()[-1], timeout=PATIENCE_S) as page:
            assert page.status == 200
    finally:
        everything.terminate()
        everything.communicate(timeout=PATIENCE_S)


def below(pid: int) -> list[int]:
    """The processes that this one started, and those that they started."""
    try:
        own = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [*own, *(each for one in own for each in below(one))]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
