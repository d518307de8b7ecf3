"""When to try again, and when to stop trying: pure rules.

Source: docs/delivery.md rule 8. Mail: 5 min doubling to 4 h with full jitter, 72 h in all. Posts: until they are
no longer useful. Whole accounts: 30 s doubling to 15 min.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

FIRST_S = 300.0
LONGEST_S = 4 * 3600.0
MAIL_LIFETIME_S = 72 * 3600.0
POST_USEFUL_S = 2 * 3600.0
RETRY_AFTER_MAX_S = 3600.0
# A whole account is tried again after this, doubling; where its provider said when, only what it adds to that.
ACCOUNT_FIRST_S, ACCOUNT_TOLD_FIRST_S = 30.0, 1.0
ACCOUNT_LONGEST_S = 900.0
# A repeat under the same key waits this long, so that an answer on its way can still arrive.
KEYED_PAUSE_S = 5.0
# The last minute of a key's life is not trusted: clocks differ.
KEY_MARGIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Every duration of retrying, in seconds. `scale` shortens them all: proofs run at 1/100."""

    scale: float = 1.0
    wave_max: int = 64

    def delay_s(self, attempt: int, jitter: float, retry_after_s: float | None = None) -> float:
        """Seconds to wait after attempt n (from 1); `jitter` is a random number in [0, 1)."""
        ceiling = min(FIRST_S * float(1 << min(attempt - 1, 20)), LONGEST_S)
        wait = ceiling * jitter
        return max(wait * self.scale, self.asked_s(retry_after_s))

    def account_wait_s(self, failures: int, jitter: float, retry_after_s: float | None = None) -> float:
        """Seconds that a whole account waits after so many failures in a row: what it was told, or longer each time."""
        first_s = ACCOUNT_FIRST_S if retry_after_s is None else ACCOUNT_TOLD_FIRST_S
        wait = min(first_s * float(1 << min(failures - 1, 20)), ACCOUNT_LONGEST_S) * jitter
        return max(wait * self.scale, self.asked_s(retry_after_s))

    def asked_s(self, retry_after_s: float | None) -> float:
        """What a provider asks for, as far as we do it."""
        return min(max(retry_after_s or 0.0, 0.0), RETRY_AFTER_MAX_S) * self.scale

    def lifetime_s(self, broadcast: bool, useful_until_s: int | None) -> float:
        """How long a delivery is still worth sending: mail after its first try, what is useful for a time when due."""
        if useful_until_s is not None:
            return float(useful_until_s)
        return (POST_USEFUL_S if broadcast else MAIL_LIFETIME_S) * self.scale

    def unknown_next_at(
        self,
        repeats: Mapping[str, Any],
        on_unknown: str,
        now: datetime,
        intent_at: datetime,
        deadline_s: float,
    ) -> datetime | None:
        """When a row whose outcome was not learnt is looked at again; None waits for a person."""
        kind = repeats["kind"]
        if kind == "keyed" and self.key_lives(repeats, now, intent_at):
            return now + timedelta(seconds=KEYED_PAUSE_S * self.scale)
        if kind == "findable" or repeats.get("visible_within_s") is not None:
            return now + timedelta(seconds=float(repeats["visible_within_s"]) + deadline_s)
        return None if on_unknown == "hold" else now

    def key_lives(self, repeats: Mapping[str, Any], now: datetime, intent_at: datetime) -> bool:
        """Whether the provider still answers the same to the same key."""
        life_s = float(repeats.get("life_s") or 0)
        return now < intent_at + timedelta(seconds=life_s - min(KEY_MARGIN_S, life_s / 10))
