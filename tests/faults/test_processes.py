"""F1–F8: processes that are killed, frozen, told to end, or run several at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from benchmarks import traps
from benchmarks.prove_kill import Campaign, Tally, campaign
from campaigns.database import Database
from campaigns.delivery import release, send, states
from campaigns.delivery.tables import Attempt, Delivery
from campaigns.messages.tables import Message
from connectors.api import Outbound

from ..campaigns.delivery.world import BLIND, KEYED, World
from ..postgres import cluster

PATIENCE_S = 60.0


@contextmanager
def begun(folder: Path, repeats: str, *names: str, url: str = "") -> Iterator[Campaign]:
    """A campaign with one message to everyone and these processes."""
    with campaign(url or f"sqlite:///{folder}/dolen.db", folder, repeats) as it:
        it.set_up()
        it.schedule()
        for name in names:
            it.start(name)
        yield it


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.01)


def in_flight(it: Campaign) -> bool:
    with it.wiring.database.read() as session:
        rows = select(func.count()).where(Delivery.state == states.SENDING)
        return bool(session.scalar(rows)) and it.provider.log.stat().st_size > 0


def end(it: Campaign) -> Tally:
    it.finish()
    it.compare()
    return it.tally


def nothing_wrong(tally: Tally) -> bool:
    found = (tally.lost, tally.twice, tally.unaccounted, tally.unknown_not_blind)
    return found == (0, 0, 0, 0) and tally.books_agree


def test_f1_a_worker_killed_in_the_middle_of_a_batch_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """F1: a thousand kills are `make prove NAME=kill`."""
    with begun(tmp_path, "keyed", "worker", "clock") as it:
        it.hit("worker")
        assert nothing_wrong(end(it))


def test_f3_a_call_whose_server_was_killed_is_made_once_however_often_it_is_repeated(
    tmp_path: Path, place: str = "api.after_commit"
) -> None:
    """F3: the client hears nothing, and asks again with the same key."""
    with campaign(f"sqlite:///{tmp_path}/dolen.db", tmp_path, "keyed") as it:
        it.set_up()
        with _trapped_web(it, place):
            caller = threading.Thread(target=it.client.call, daemon=True)
            caller.start()
            until(lambda: _message_count(it) == 1 or not caller.is_alive(), "the message to be made")
            caller.join(PATIENCE_S)
        assert it.client.calls == 1 and _message_count(it) == 1


@contextmanager
def _trapped_web(it: Campaign, place: str) -> Iterator[None]:
    """A server that dies at its first acceptance, and one that takes its place."""
    code = (
        "import os, sys; from benchmarks import traps; from service.app import create_app;"
        f"traps.watch(); traps.lay(traps.Trap({place!r}, 1)); from werkzeug.serving import make_server;"
        "make_server('127.0.0.1', int(os.environ['DOLEN__HTTP__PORT']), create_app(), threaded=True).serve_forever()"
    )
    trapped = subprocess.Popen([sys.executable, "-c", code], env=it.environ)

    def replace() -> None:
        assert trapped.wait(PATIENCE_S) == traps.KILLED
        it.start("web")

    watcher = threading.Thread(target=replace)
    watcher.start()
    try:
        yield
    finally:
        watcher.join(PATIENCE_S)
        assert trapped.poll() == traps.KILLED


def _message_count(it: Campaign) -> int:
    with it.wiring.database.read() as session:
        return int(session.scalar(select(func.count()).select_from(Message)) or 0)


def test_f4_a_database_that_is_killed_comes_back_with_all_that_was_answered(tmp_path: Path) -> None:
    """F4: nobody starts the workers again."""
    with (
        cluster(durable=True) as server,
        begun(tmp_path, "keyed", "worker", "clock", url=server.create("f4")) as it,
    ):
        until(lambda: in_flight(it), "something in flight")
        server.crash()
        server.start()
        assert nothing_wrong(end(it))


def test_f6_five_clocks_and_five_workers_at_once_do_everything_once(
    database: Database, now: datetime
) -> None:
    """F6"""
    world = World(database, now, KEYED)
    made = [world.message([f"p{n}-{m}" for m in range(8)]) for n in range(6)]
    together = threading.Barrier(5)
    wrong: list[BaseException] = []

    def one() -> None:
        try:
            together.wait()
            for _ in range(4):
                release.tick(database, world.now)
                while send.work(world.desk()):
                    pass
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=one) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.run()
    assert not wrong
    assert all(set(world.states(message_id).values()) == {"sent"} for message_id in made)
    assert len(world.wire.accepted) == len(set(world.wire.accepted)) == 48


def test_f7_a_frozen_worker_finds_that_it_was_replaced(tmp_path: Path) -> None:
    """F7: past its lease another takes over; what it wakes up with is evidence, and nobody gets it twice."""
    with begun(tmp_path, "keyed", "worker", "clock") as it:
        until(lambda: in_flight(it), "something in flight")
        frozen = it.processes["worker"]
        os.killpg(frozen.pid, signal.SIGSTOP)
        it.start("worker")
        until(lambda: not it.open_messages(), "the other worker to end it")
        os.killpg(frozen.pid, signal.SIGCONT)
        frozen.terminate()
        assert frozen.wait(PATIENCE_S) == 0
        assert nothing_wrong(end(it))


def test_f7_what_a_frozen_worker_of_a_blind_account_learns_late_resolves_it(
    database: Database, now: datetime
) -> None:
    """F7"""
    world = World(database, now, BLIND, in_flight=1)
    message_id = world.message(["ann"])
    world.tick()

    def frozen(_outbound: Outbound) -> None:
        world.recover()

    world.wire.answers = {"ann@example.org": frozen}
    send.work(world.desk())
    world.later(minutes=10)
    world.run()
    assert world.states(message_id) == {"ann": "sent"} and world.wire.accepted == ["ann@example.org"]
    with database.read() as session:
        assert "late_answer" in session.scalars(select(Attempt.outcome)).all()


def test_f8_a_worker_told_to_end_hands_over_what_it_began_and_leaves_nothing_in_doubt(tmp_path: Path) -> None:
    """F8"""
    with begun(tmp_path, "blind", "worker", "clock") as it:
        until(lambda: in_flight(it), "something in flight")
        it.processes["worker"].terminate()
        assert it.processes["worker"].wait(PATIENCE_S) == 0
        with it.wiring.database.read() as session:
            left = Counter(session.scalars(select(Delivery.state)))
        assert not left[states.SENDING] and not left[states.UNKNOWN]
        it.start("worker")
        tally = end(it)
        assert nothing_wrong(tally) and not tally.unknown
