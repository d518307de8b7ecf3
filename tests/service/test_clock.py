"""F30: the clock notices when the machine's time is put forward or back. It keeps nobody waiting for nothing."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest
from sqlalchemy.orm import Session

from service.clock import JUMP_S, Watch, ticks
from service.wiring import Wiring

# What is done so seldom that nobody waits for it.
LOCKING = {"make_ahead", "recount_oldest", "fold", "forget", "noticed"}


@pytest.mark.parametrize(
    ("wall", "steady", "told"),
    [
        (0.5, 0.5, 0.0),
        (86_400.0, 86_400.0, 0.0),  # a process that slept for a day with its machine
        (JUMP_S, 0.0, 0.0),
        (7200.5, 0.5, 7200.0),
        (-7199.5, 0.5, -7200.0),
    ],
)
def test_a_jump_of_more_than_five_minutes_is_told_once(wall: float, steady: float, told: float) -> None:
    times = {"wall": 1_800_000_000.0, "steady": 50.0}
    watch = Watch(lambda: times["wall"], lambda: times["steady"])
    assert watch.look() == 0.0
    times["wall"] += wall
    times["steady"] += steady
    assert watch.look() == pytest.approx(told)
    assert watch.look() == 0.0


def test_time_that_is_corrected_little_by_little_is_no_jump() -> None:
    times = {"wall": 1_800_000_000.0, "steady": 50.0}
    watch = Watch(lambda: times["wall"], lambda: times["steady"])
    for _ in range(100):
        times["wall"] += 60.0
        times["steady"] += 50.0
        assert watch.look() == 0.0


def test_a_duty_that_finds_nothing_to_do_takes_no_lock(
    wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite one writes at a time: a beat twice a second would have webhooks and workers wait for nothing."""
    duties = [duty for several, _period in ticks(wiring).values() for duty in several]
    for duty in duties:  # the first beat ever is written down
        duty()
    locked: set[str] = set()
    write = wiring.database.write
    for duty in duties:

        def locking(name: str = duty.__name__) -> AbstractContextManager[Session]:
            locked.add(name)
            return write()

        monkeypatch.setattr(wiring.database, "write", locking)
        duty()
    assert locked <= LOCKING and {"plan", "decide", "finish", "expire"} <= {duty.__name__ for duty in duties}
