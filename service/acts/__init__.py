"""What people and programs may do, one file per room: permission, domain, audit, in one transaction.

Rules: an act is a function of an `Act` and plain values; it asks for permission first, calls the domain,
notes what was done and returns the row. It never commits: `begin` does, when everything has gone well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import audit
from campaigns.base import Edited, Row
from campaigns.errors import Conflict, NotFound

from ..access import Caller
from ..wiring import Wiring

Found = TypeVar("Found", bound=Row)


class ChangedMeanwhile(Conflict):
    """The row is not the one the caller read."""

    code = "precondition_failed"


@dataclass(frozen=True, slots=True)
class Act:
    """One unit of work of one caller: who, when, and the transaction it happens in."""

    wiring: Wiring
    caller: Caller
    session: Session
    now: datetime
    request_id: str | None = None

    def need(self, scope: str, programme_id: int | None) -> None:
        """Stop unless the caller has the scope in this programme; None: for what all programmes share."""
        self.caller.need(scope, programme_id)

    def one(self, kind: type[Found], number: int, *, lock: bool = False) -> Found:
        """The row with this id; NotFound where there is none. `lock` where the row is about to be changed."""
        # `id` comes from a mixin, so the type checker cannot see that it is a column.
        statement = select(kind).where(kind.id == number)
        found = self.session.scalar(statement.with_for_update() if lock else statement)
        if found is None:
            raise NotFound("no such thing")
        return found

    def unchanged(self, row: Edited, version: int | None) -> None:
        """Stop where the row is no longer the version the caller read; None: whatever it is."""
        if version is not None and row.version != version:
            raise ChangedMeanwhile("somebody changed this after you read it: read it again, then decide")

    def note(
        self,
        act: str,
        kind: str,
        ref: int,
        *,
        programme_id: int | None = None,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        """Write the audit entry of this act, `programme.created`; no personal data, ids as `ids.shown`."""
        audit.note(
            self.session, self.now, self.caller.actor, act, kind, ref,
            programme_id=programme_id, before=before, after=after, request_id=self.request_id,
        )  # fmt: skip


@contextmanager
def trying(wiring: Wiring, caller: Caller) -> Iterator[Act]:
    """An act of which nothing is kept: to see what would come of it."""
    with wiring.database.sessions() as session:
        yield Act(wiring, caller, session, wiring.now())


@contextmanager
def begin(wiring: Wiring, caller: Caller, *, request_id: str | None = None) -> Iterator[Act]:
    """An act with a write transaction of its own: committed at the end, undone by any error."""
    with wiring.database.write() as session:
        yield Act(wiring, caller, session, wiring.now(), request_id)
