"""How many calls of /v1 a token may make: a bucket for each that fills up again steadily, and its state in headers.

Rules: the buckets stand in the database, so that one limit holds for all processes; each process takes a handful of
calls out at once and spends them from memory, for a durable write per call would cost more than what it protects.
Source: J5.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from campaigns.database import Database, is_full
from campaigns.stakeholders.rows import insert_missing

from .problems import Refusal
from .tables import CallBucket

WINDOW_S = 60
WINDOW = timedelta(seconds=WINDOW_S)
# So many handfuls are in a full bucket: what a process holds and does not spend is lost to the others for a minute.
HANDFULS = 20
# A bucket nobody took from is full again after a minute, and as good as none.
KEPT_MAX = 10_000
FORGET_AFTER = timedelta(hours=1)


@dataclass(slots=True)
class Held:
    """What this process has taken out: calls left, how full the bucket was then, and until when it gives nothing."""

    left: int
    level: float
    at: datetime
    nothing_until: datetime | None = None


class Calls:
    """The calls that one process may let in; `most` a minute for each token, all at once if need be. 0: no limit."""

    def __init__(self, database: Database, most: int, now: Callable[[], datetime]) -> None:
        self.most = most
        self._database, self._now = database, now
        self._held: dict[int, Held] = {}
        self._lent: dict[int, tuple[datetime, int]] = {}  # while the database was busy: since when, how many
        self._lock = threading.Lock()

    def count(self, token_id: int) -> Mapping[str, str]:
        """Count a call and give the headers that tell of it; Refusal `too_many_requests` where none is left."""
        if not self.most:
            return {}
        now = self._now()
        held = self._spent(token_id, now) or self._fetched(token_id, now)
        if held.nothing_until is None or held.nothing_until <= now:
            return self._headers(held.left + held.level)
        wait_s = max(1, math.ceil((held.nothing_until - now).total_seconds()))
        raise Refusal(
            "too_many_requests",
            "this token has made too many calls: wait as long as Retry-After says",
            headers={**self._headers(held.level), "Retry-After": str(wait_s)},
        )

    def _spent(self, token_id: int, now: datetime) -> Held | None:
        """One call less of what is held, or the time to wait that is known; None where the bucket must be asked."""
        with self._lock:
            held = self._held.get(token_id)
            if held is None or now - held.at >= WINDOW:
                return None
            if held.nothing_until is not None and now < held.nothing_until:
                return held
            if held.left < 1:
                return None
            held.left -= 1
            return Held(held.left, held.level, held.at)

    def _fetched(self, token_id: int, now: datetime) -> Held:
        """A handful out of the bucket, one of it spent. While the database is busy one is lent, up to a handful a
        minute: or whoever keeps it busy would have no limit."""
        most = max(1, self.most // HANDFULS)
        try:
            with self._database.write() as session:
                taken, level = _take(session, now, token_id, most, self.most)
        except OperationalError as error:
            # On a full disk nothing is stored by anybody, and whoever calls is to be told that.
            taken, level = 1 if is_full(error) else self._borrowed(token_id, now, most), 0.0
        wait = timedelta(seconds=(1 - level) * WINDOW_S / self.most)
        with self._lock:
            self._make_room(now)
            known = self._held.get(token_id)
            before = known.left if known is not None and now - known.at < WINDOW else 0
            held = Held(before + taken - 1, level, now) if taken else Held(0, level, now, now + wait)
            self._held[token_id] = held
            return Held(held.left, held.level, held.at, held.nothing_until)

    def _borrowed(self, token_id: int, now: datetime, most: int) -> int:
        """One call, or none where so many were lent within a minute."""
        with self._lock:
            since, lent = self._lent.get(token_id, (now, 0))
            if now - since >= WINDOW or len(self._lent) >= KEPT_MAX:
                self._lent = {one: row for one, row in self._lent.items() if now - row[0] < WINDOW}
                since, lent = now, 0
            self._lent[token_id] = (since, lent + 1)
        return 1 if lent < most else 0

    def _make_room(self, now: datetime) -> None:
        if len(self._held) >= KEPT_MAX:
            self._held = {one: held for one, held in self._held.items() if now - held.at < WINDOW}

    def _headers(self, left: float) -> dict[str, str]:
        """The structured fields of the IETF draft, and the three that were in use before it."""
        remaining, reset_s = int(left), math.ceil((self.most - left) * WINDOW_S / self.most)
        return {
            "RateLimit-Policy": f'"token";q={self.most};w={WINDOW_S}',
            "RateLimit": f'"token";r={remaining};t={reset_s}',
            "RateLimit-Limit": str(self.most),
            "RateLimit-Remaining": str(remaining),
            "RateLimit-Reset": str(reset_s),
        }


def forget(session: Session, now: datetime) -> int:
    """Drop the buckets of tokens that made no call for long."""
    done = session.execute(delete(CallBucket).where(CallBucket.at < now - FORGET_AFTER))
    return int(done.rowcount)  # type: ignore[attr-defined]


def _take(session: Session, now: datetime, token_id: int, wanted: int, most: int) -> tuple[int, float]:
    """Take up to so many calls out of a token's bucket: how many those are, and how full it is then."""
    insert_missing(session, CallBucket, [{"token_id": token_id, "left": float(most), "at": now}])
    bucket = session.scalars(
        select(CallBucket).where(CallBucket.token_id == token_id).with_for_update()
    ).one()
    since_s = max(0.0, (now - bucket.at).total_seconds())
    level = min(float(most), bucket.left + since_s * most / WINDOW_S)
    taken = min(wanted, int(level))
    bucket.left, bucket.at = level - taken, now
    return taken, bucket.left
