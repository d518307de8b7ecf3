"""Accounts as the calls of their providers find them: looked up once a second and not for every call.

Rules: a call that proves nothing to an account as it was known is heard once more by the account as it is now, so a
new secret holds at once, and an old one for a second longer.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from campaigns.delivery.tables import Account
from connectors.api import Call, Connector, Heard, NotAuthentic, NotYet

from ..wiring import Wiring
from .refusals import WORDS

KNOWN_FOR_S = 1.0


@dataclass(frozen=True, slots=True)
class Known:
    """An account as it was a moment ago."""

    number: int
    name: str
    connector: Connector
    refused: bool  # its page says that calls prove nothing
    until: float  # of the clock that never goes back

    def hear(self, call: Call) -> Heard | None:
        """What the call says; None where the account takes none. NotAuthentic, NotYet."""
        return self.connector.hooks(call) if self.connector.hooks is not None else None


class Accounts:
    """The accounts that were called lately."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._known: dict[int, Known] = {}

    def find(self, number: int) -> Known | None:
        """The account of this number; None where there is none."""
        known = self._known.get(number)
        return known if known is not None and time.monotonic() < known.until else self._look(number)

    def hear(self, known: Known, call: Call) -> Heard | None:
        """What the call says to the account, or to it as it is now; None where it takes none. NotAuthentic, NotYet."""
        try:
            return known.hear(call)
        except (NotAuthentic, NotYet):
            now = self._look(known.number)
            if now is None or now.connector is known.connector:
                raise
            return now.hear(call)

    def _look(self, number: int) -> Known | None:
        with self._wiring.database.read() as session:
            account = session.get(Account, number)
            if account is None:
                self._known.pop(number, None)
                return None
            connector = self._wiring.connector(session, account)
            refused = account.inbox_problem == WORDS
            known = Known(number, account.name, connector, refused, time.monotonic() + KNOWN_FOR_S)
        self._known[number] = known
        return known
