"""Somebody else who acts at the same moment, in a thread and a session of their own.

Rules: nothing waits for a time to pass; a rival runs until it is done or until the database makes it wait for us.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from sqlalchemy import text

from campaigns.database import Database

JOIN_S = 60.0
WAITING = text(
    "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE NOT granted AND datname = current_database()"
)


class Rival:
    """`begin` returns when the act is done or waits for a lock; `end` waits for it and raises what went wrong."""

    def __init__(self, database: Database, act: Callable[[], object]) -> None:
        self.database, self._act = database, act
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        self._thread.start()
        self.settle_down()

    def settle_down(self) -> None:
        """SQLite has one writer, who is us: whoever else wants to write waits, and cannot be seen waiting."""
        while not self.database.is_sqlite and self._thread.is_alive() and not self._waits():
            self._thread.join(0.01)

    def end(self) -> None:
        self._thread.join(JOIN_S)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            self._act()
        except BaseException as error:  # told in the test's own thread
            self.error = error

    def _waits(self) -> bool:
        with self.database.read() as session:
            return bool(session.execute(WAITING).scalar_one())
