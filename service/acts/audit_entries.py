"""Reading who did what. Nobody changes it."""

from __future__ import annotations

from sqlalchemy import select

from campaigns.audit import AuditEntry

from .. import paging
from ..access import scoped
from . import Act


def listed(
    act: Act,
    *,
    limit: int,
    after: str | None,
    before: str | None,
    actor: str | None = None,
    kind: str | None = None,
    ref: int | None = None,
    programme_id: int | None = None,
) -> paging.Page:
    """The entries of the programmes the caller audits, newest first; all for auditors of everything."""
    statement = scoped(select(AuditEntry), AuditEntry.programme_id, act.caller, "audit:read")
    wanted = (
        (AuditEntry.actor, actor),
        (AuditEntry.kind, kind),
        (AuditEntry.ref, ref),
        (AuditEntry.programme_id, programme_id),
    )
    for column, value in wanted:
        if value is not None:
            statement = statement.where(column == value)
    return paging.cut(
        act.session, statement, AuditEntry.id, limit=limit, after=after, before=before, newest_first=True
    )
