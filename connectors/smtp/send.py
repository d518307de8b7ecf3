"""Hands mail to a relay: one recipient a transaction, one kept connection a thread.

Rules: everything before the final dot is safe to repeat and says so (Deferred); between the final dot and
its reply it is Uncertain. A kept connection that the server has closed is found out at MAIL and replaced,
once.
"""

from __future__ import annotations

import threading
import weakref

from .. import mail
from ..api import Deferred, Outbound, Receipt
from .session import Letter, Relay, Session
from .wire import Deadline


class Sender:
    """Sends by one relay; may be shared among threads."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._mine = threading.local()
        self._all: weakref.WeakSet[Session] = weakref.WeakSet()
        self._lock = threading.Lock()

    def send(self, outbound: Outbound) -> Receipt:
        """The receipt's `provider_id` is the Message-ID: bounces and replies name it.

        `options["envelope_from"]` is the address bounces come back to; without it they go to the sender.
        """
        letter = _letter(outbound)
        deadline = Deadline(self._relay.deadline_s)
        words = self._by_kept(letter, deadline)
        if words is None:
            words = self._connected(deadline).transact(letter)
        return Receipt(provider_id=mail.message_id(outbound), words=words[:500])

    def verify(self, deadline: Deadline) -> None:
        """Connect and log in as a sending would."""
        Session(self._relay, deadline).close()

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for session in self._all:
                session.close()

    def _by_kept(self, letter: Letter, deadline: Deadline) -> str | None:
        """Send by the connection this thread kept; None where there is none that still works."""
        session: Session | None = getattr(self._mine, "session", None)
        if session is None or not session.is_open():
            return None
        try:
            session.renew(deadline)
            return session.transact(letter)
        except Deferred as lost:
            if lost.phase == "mail" and not session.is_open() and lost.code != "timeout":
                return None
            raise

    def _connected(self, deadline: Deadline) -> Session:
        session = Session(self._relay, deadline)
        self._mine.session = session
        with self._lock:
            self._all.add(session)
        return session


def _letter(outbound: Outbound) -> Letter:
    sender = str(outbound.options.get("envelope_from") or outbound.sender)
    return Letter(
        envelope_from=mail.address(sender),
        to=mail.address(outbound.to),
        raw=mail.build(outbound),
        eai=mail.needs_eai(outbound),
    )
