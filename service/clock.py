"""The clock: APScheduler ticks, the database decides what is due.

Rules: memory store, UTC, nothing of ours is kept in a job; a tick that runs late or twice changes nothing, and as
many clocks may run as there are machines.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler

from campaigns.delivery import batch, follow_up, limits, missed, reconcile, release, rollout, tally
from campaigns.messages import timing
from campaigns.responses import confirming
from campaigns.stakeholders import segments
from connectors.api import running

from . import calls, exports, idempotency, notices, observe, webhook_facts, webhooks
from .engines.embedded import until_told
from .wiring import Wiring

log = observe.log("dolen.clock")

Due = Callable[..., bool]

# A wall clock that moves so much against one that only runs was put forward or back.
JUMP_S = 300.0


class Watch:
    """Tells by how many seconds the wall clock was put forward (or back, negative) since the last look; else 0."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = running) -> None:
        self._wall, self._steady = wall, steady
        self._apart = wall() - steady()

    def look(self) -> float:
        """Look now."""
        apart = self._wall() - self._steady()
        moved, self._apart = apart - self._apart, apart
        return moved if abs(moved) > JUMP_S else 0.0


def ticks(  # long: every duty of the clock is named here, once
    wiring: Wiring,
) -> dict[str, tuple[list[Callable[[], object]], float]]:
    """Every recurring duty: what it does, in order, and its period in seconds."""
    database, now, pace, work = wiring.database, wiring.now, wiring.pace, wiring.settings.work

    def written(act: Callable[..., object], *more: object, when: Due | None = None) -> Callable[[], object]:
        """In a transaction; with `when`, which only reads, not before there is anything to do."""

        def run() -> object:
            if when is not None:
                with database.read() as session:
                    if not when(session, now(), *more):
                        return 0
            with database.write() as session:
                return act(session, now(), *more)

        run.__name__ = act.__name__
        return run

    def heard() -> None:
        missed.tick(database, now)

    watch = Watch()

    def watched() -> None:
        if moved_s := watch.look():
            observe.alarm("clock_jumped", seconds=round(moved_s))

    def due() -> object:
        return release.tick(database, now, work.horizon_s)

    def noticed() -> object:
        return notices.gather(database, now(), wiring.settings.workspace.zone)

    def taken() -> object:
        return exports.forget(wiring)

    def told() -> object:
        return webhook_facts.gather(database, now())

    beat = [
        watched,
        heard,
        written(follow_up.plan, when=follow_up.due),
        due,
        written(rollout.decide, when=rollout.due),
        written(batch.gather, when=batch.waits_again),
        written(batch.recover, pace, when=batch.is_lost),
        written(reconcile.finish, when=reconcile.due),
    ]
    return {
        "beat": (beat, work.tick_s),
        "expire": ([written(reconcile.expire, pace, when=reconcile.is_late)], 10 * work.tick_s),
        "ahead": ([written(timing.make_ahead)], 60.0),
        "count": ([written(segments.recount_oldest)], 20.0),
        "fold": ([written(tally.fold)], 20.0),
        "forget": (
            [*(written(one.forget) for one in (idempotency, confirming, limits, webhooks, calls)), taken],
            3600.0,
        ),
        "notices": ([noticed], 60.0),
        "webhooks": ([told], 2.0),
    }


def start(wiring: Wiring) -> BackgroundScheduler:
    """Start ticking in this process."""
    scheduler = BackgroundScheduler(timezone="UTC")
    for name, (duties, period_s) in ticks(wiring).items():
        scheduler.add_job(
            in_order(duties), "interval", seconds=period_s, id=name,
            misfire_grace_time=None, coalesce=True, max_instances=1,
        )  # fmt: skip
    scheduler.start()
    return scheduler


def in_order(duties: list[Callable[[], object]]) -> Callable[[], None]:
    """One after the other; what goes wrong with one keeps no other from its turn."""

    def run() -> None:
        for duty in duties:
            try:
                duty()
            except Exception:  # the door of the clock: log, and let the other duties run
                log.exception("tick_failed", duty=duty.__name__)

    return run


def run_clock(wiring: Wiring) -> None:
    """Tick until told to stop: `dolen clock`."""
    scheduler = start(wiring)
    told = until_told(lambda: None)
    told.wait()
    scheduler.shutdown(wait=True)
