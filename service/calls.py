"""How many calls of /v1 a token may make: a bucket for each that fills up again steadily, and its state in headers.

Rules: counted in each process and not in the database, where a count would cost a durable write per call, more than
what it protects; so with several `dolen serve` behind one address the limit holds for each of them.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .problems import Refusal

WINDOW_S = 60
# Buckets that are full again are as good as none; they are thrown away when there are so many.
KEPT_MAX = 10_000


@dataclass(slots=True)
class Bucket:
    """What was left in it, and when (monotonic)."""

    left: float
    at: float


class Calls:
    """The buckets of one process; `most` calls a minute, all of them at once if need be. 0: no limit."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._buckets: dict[int, Bucket] = {}
        self._lock = threading.Lock()

    def count(self, token_id: int) -> Mapping[str, str]:
        """Count a call and give the headers that tell of it; Refusal `too_many_requests` where none is left."""
        if not self.most:
            return {}
        with self._lock:
            bucket = self._filled(token_id)
            allowed = bucket.left >= 1
            bucket.left -= allowed
            left = bucket.left
        headers = self._headers(left)
        if allowed:
            return headers
        wait_s = math.ceil((1 - left) * WINDOW_S / self.most)
        raise Refusal(
            "too_many_requests",
            "this token has made too many calls: wait as long as Retry-After says",
            headers={**headers, "Retry-After": str(max(1, wait_s))},
        )

    def _filled(self, token_id: int) -> Bucket:
        """The bucket with what came into it since."""
        now = self._clock()
        if token_id not in self._buckets and len(self._buckets) >= KEPT_MAX:
            self._buckets = {
                one: kept for one, kept in self._buckets.items() if self._level(kept, now) < self.most
            }
        bucket = self._buckets.setdefault(token_id, Bucket(self.most, now))
        bucket.left, bucket.at = self._level(bucket, now), now
        return bucket

    def _level(self, bucket: Bucket, now: float) -> float:
        return min(self.most, bucket.left + (now - bucket.at) * self.most / WINDOW_S)

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
