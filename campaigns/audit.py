"""Who did what: one append-only entry per act, written in the act's own transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, Session, mapped_column

from .base import Base, Row


class AuditEntry(Row, Base):
    __tablename__ = "audit_entries"
    at: Mapped[datetime] = mapped_column("happened_at")
    actor: Mapped[str]
    act: Mapped[str]
    kind: Mapped[str]
    ref: Mapped[int]
    programme_id: Mapped[int | None] = mapped_column(index=True)
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    request_id: Mapped[str | None]
    __table_args__ = (
        Index("ix_audit_entries_ref", "kind", "ref", "id"),
        Index("ix_audit_entries_actor", "actor", "id"),
    )


def note(
    session: Session,
    now: datetime,
    actor: str,
    act: str,
    kind: str,
    ref: int,
    *,
    programme_id: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    request_id: str | None = None,
) -> None:
    """Add one entry; it commits or vanishes with the act it describes."""
    session.add(
        AuditEntry(
            at=now,
            actor=actor,
            act=act,
            kind=kind,
            ref=ref,
            programme_id=programme_id,
            before=before,
            after=after,
            request_id=request_id,
        )
    )
