"""The tables of WHAT CAME BACK: raw events, responses and their candidates, identities, interactions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from ..base import Base, Row

RESPONSE_KINDS = ("reply", "mention", "like", "boost", "bounce", "complaint", "opt_out", "auto_reply")
EVENT_KINDS = ("delivered", "opened", "clicked")  # told about a delivery, answered by nobody
INTERACTION_KINDS = ("meeting", "call", "letter", "event", "visit", "other")


class RawEvent(Row, Base):
    """What a provider said, as it said it; stored once, before anything is done about it."""

    __tablename__ = "raw_events"
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    event_key: Mapped[str]
    via: Mapped[str]  # push | poll
    at: Mapped[datetime] = mapped_column("received_at")
    sha256: Mapped[str]
    event: Mapped[dict[str, Any]]  # the Event in our vocabulary
    body: Mapped[bytes | None]  # the provider's bytes
    state: Mapped[str] = mapped_column(default="new")  # new | done | parked
    next_at: Mapped[datetime]  # a new one is looked at from then on: it may be about what is not known yet
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("account_id", "event_key"),
        Index(
            "ix_raw_events_new",
            "next_at",
            "id",
            sqlite_where=sql("state = 'new'"),
            postgresql_where=sql("state = 'new'"),
        ),
    )


class Response(Row, Base):
    """What somebody sent back, on their record once matched."""

    __tablename__ = "responses"
    raw_id: Mapped[int] = mapped_column(ForeignKey("raw_events.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    channel: Mapped[str]
    kind: Mapped[str]
    at: Mapped[datetime] = mapped_column("happened_at")
    from_key: Mapped[str] = mapped_column(default="")
    from_name: Mapped[str] = mapped_column(default="")
    stakeholder_id: Mapped[int | None] = mapped_column(ForeignKey("stakeholders.id"))
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id"))
    message_id: Mapped[int | None]
    programme_id: Mapped[int | None]
    matched_by: Mapped[str | None]  # provider_id | references | token | address | person
    subject: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    meta: Mapped[dict[str, Any]] = mapped_column(default=dict)
    answered_at: Mapped[datetime | None]
    answer_message_id: Mapped[int | None]
    __table_args__ = (
        UniqueConstraint("raw_id", "kind"),
        Index("ix_responses_record", "stakeholder_id", "happened_at", "id"),
        Index(
            "ix_responses_unmatched",
            "id",
            sqlite_where=sql("matched_by IS NULL"),
            postgresql_where=sql("matched_by IS NULL"),
        ),
        Index("ix_responses_delivery", "delivery_id"),
        Index("ix_responses_identity", "channel", "from_key"),
    )


class ResponseCandidate(Base):
    """Somebody an unmatched response may be from, and why."""

    __tablename__ = "response_candidates"
    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), primary_key=True)
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"), primary_key=True)
    reason: Mapped[str]
    score: Mapped[int]


class Identity(Row, Base):
    """A handle known to be a stakeholder's, by whose decision and how surely."""

    __tablename__ = "identities"
    channel: Mapped[str]
    key: Mapped[str]
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"))
    confidence: Mapped[int] = mapped_column(default=100)
    by: Mapped[str] = mapped_column("decided_by")
    at: Mapped[datetime] = mapped_column("decided_at")
    __table_args__ = (UniqueConstraint("channel", "key", "stakeholder_id"),)


class Interaction(Row, Base):
    """A contact that no connector saw: a meeting, a call, a letter. Corrections are new rows."""

    __tablename__ = "interactions"
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"))
    programme_id: Mapped[int] = mapped_column(index=True)
    kind: Mapped[str]
    at: Mapped[datetime] = mapped_column("happened_at")
    place: Mapped[str] = mapped_column(default="")
    notes: Mapped[str] = mapped_column(default="")
    by: Mapped[str] = mapped_column("written_by")
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("interactions.id"))
    created_at: Mapped[datetime]
    __table_args__ = (Index("ix_interactions_record", "stakeholder_id", "happened_at", "id"),)
