"""The clock: APScheduler ticks, the database decides what is due.

Rules: memory store, UTC, nothing of ours is kept in a job; a tick that runs late or twice changes nothing, and as
many clocks may run as there are machines.
"""

from __future__ import annotations

from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler

from campaigns.delivery import batch, reconcile, release

from . import idempotency, observe
from .engines.embedded import until_told
from .wiring import Wiring

log = observe.log("dolen.clock")


def ticks(wiring: Wiring) -> dict[str, tuple[Callable[[], object], float]]:
    """Every recurring duty: what it does and its period in seconds."""
    database, now, pace = wiring.database, wiring.now, wiring.pace
    work = wiring.settings.work
    period_s = work.tick_s

    def written(act: Callable[..., object], *more: object) -> Callable[[], object]:
        def run() -> object:
            with database.write() as session:
                return act(session, now(), *more)

        return run

    return {
        "release": (lambda: release.tick(database, now, work.horizon_s), period_s),
        "gather": (written(batch.gather), period_s),
        "recover": (written(batch.recover, pace), period_s),
        "finish": (written(reconcile.finish), period_s),
        "expire": (written(reconcile.expire, pace), 10 * period_s),
        "forget_keys": (written(idempotency.forget), 3600.0),
    }


def start(wiring: Wiring) -> BackgroundScheduler:
    """Start ticking in this process."""
    scheduler = BackgroundScheduler(timezone="UTC")
    for name, (act, period_s) in ticks(wiring).items():
        scheduler.add_job(
            _guarded(name, act), "interval", seconds=period_s, id=name,
            misfire_grace_time=None, coalesce=True, max_instances=1,
        )  # fmt: skip
    scheduler.start()
    return scheduler


def _guarded(name: str, act: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            act()
        except Exception:  # the door of the clock: log, count, tick on
            log.exception("tick_failed", tick=name)

    return run


def run_clock(wiring: Wiring) -> None:
    """Tick until told to stop: `dolen clock`."""
    scheduler = start(wiring)
    told = until_told(lambda: None)
    told.wait()
    scheduler.shutdown(wait=True)
