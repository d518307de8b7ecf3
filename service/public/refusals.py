"""Calls of providers that proved nothing: in the log once a minute for each account, an alarm where they go on.

Rules: whoever calls us for nothing fills no log; a call that proves itself ends the count.
Source: bad input H1.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.errors import said

from .. import observe

SAID_AGAIN_AFTER = timedelta(minutes=1)
# So many in a row, and the provider's key is another than ours: most providers tell each thing once and no more.
ALARM_AT, ALARM_AGAIN_AFTER = 5, timedelta(hours=1)

# What the account's page says then.
WORDS = said("calls of the provider prove nothing: is its key here the one that the provider has now?")

log = observe.log("dolen.hooks")


@dataclass(slots=True)
class _Row:
    """What one account's calls came to since the last that proved itself."""

    refused: int = 0
    said_at: datetime | None = None
    alarm_at: datetime | None = None


class Refusals:
    """The count of one process."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._lock = threading.Lock()

    def count(self, account: str, why: str, now: datetime) -> bool:
        """One more call to the account of this name that proved nothing; whether that was the one too many."""
        with self._lock:
            row = self._rows.setdefault(account, _Row())
            row.refused += 1
            says = _is_time(row.said_at, now, SAID_AGAIN_AFTER)
            alarms = row.refused >= ALARM_AT and _is_time(row.alarm_at, now, ALARM_AGAIN_AFTER)
            row.said_at = now if says else row.said_at
            row.alarm_at = now if alarms else row.alarm_at
            refused = row.refused
        if says:
            log.warning("hook not authentic", account=account, why=why, in_a_row=refused)
        if alarms:
            observe.alarm("hooks_refused", account, why=why, in_a_row=refused)
        return alarms

    def proven(self, account: str) -> None:
        """A call proved itself."""
        with self._lock:
            self._rows.pop(account, None)


def _is_time(before: datetime | None, now: datetime, after: timedelta) -> bool:
    return before is None or now - before >= after
