"""The tables of WHAT WAS AGREED: programmes, strategies and versions, parties, agreements and their links."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..base import Base, Edited, Row

ASSURANCES = ("light", "reviewed", "agreed")
PARTY_KINDS = ("role", "user", "stakeholder")
PARTS = ("required", "consulted", "informed")
DECISIONS = ("agreed", "refused")
PRIORITY_REACHES = ("community", "national", "regional", "international")
RISK_KINDS = ("threat", "opportunity", "barrier")


class Programme(Edited, Base):
    """One node of the tree of programmes, campaigns and plans; the horizon is computed from the dates."""

    __tablename__ = "programmes"
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("programmes.id"))
    name: Mapped[str]
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    assurance: Mapped[str] = mapped_column(default="light")
    builtin: Mapped[bool] = mapped_column(default=False)  # the programme General
    vision: Mapped[str] = mapped_column(default="", server_default="")
    mission: Mapped[str] = mapped_column(default="", server_default="")
    held_values: Mapped[str] = mapped_column(default="", server_default="")
    approach: Mapped[str] = mapped_column(default="", server_default="")  # why social marketing, and how


class Policy(Edited, Base):
    """What a programme asks of its messages beyond the law; it holds for everything under it."""

    __tablename__ = "policies"
    programme_id: Mapped[int] = mapped_column(ForeignKey("programmes.id"), unique=True)
    languages: Mapped[list[str]] = mapped_column(default=list)  # every message has all of these
    formats: Mapped[bool] = mapped_column(default=False)  # other formats are offered to whoever asks
    cap_messages: Mapped[int | None]  # to one person, over all channels, at most so many in so many days
    cap_days: Mapped[int | None]
    pack: Mapped[str] = mapped_column(default="")  # the pack it came from
    by: Mapped[str] = mapped_column("set_by")


class Priority(Edited, Base):
    """An issue that may merit a programme, and whether social marketing suits it."""

    __tablename__ = "priorities"
    programme_id: Mapped[int] = mapped_column(ForeignKey("programmes.id"), index=True)
    name: Mapped[str]
    reach: Mapped[str]  # of PRIORITY_REACHES
    raised_by: Mapped[str] = mapped_column(default="")
    evidence: Mapped[str] = mapped_column(default="")
    suits: Mapped[bool | None]  # None: not decided
    reason: Mapped[str] = mapped_column(default="")  # why it suits, or what would suit better


class Objective(Edited, Base):
    """What a programme wants to have reached, by when, as a number."""

    __tablename__ = "objectives"
    programme_id: Mapped[int] = mapped_column(ForeignKey("programmes.id"), index=True)
    name: Mapped[str]
    metric: Mapped[str] = mapped_column(default="")
    unit: Mapped[str] = mapped_column(default="")
    baseline: Mapped[float | None]
    target: Mapped[float | None]
    deadline_on: Mapped[date | None] = mapped_column(Date)
    owner: Mapped[str] = mapped_column(default="")  # a user's id
    goal: Mapped[str] = mapped_column(default="")  # the goal of the organisation that it serves
    achievable: Mapped[str] = mapped_column(default="")  # why the target can be reached
    state: Mapped[str] = mapped_column(default="active")  # active | archived


class Reading(Row, Base):
    """The value of an objective's metric on one day."""

    __tablename__ = "readings"
    objective_id: Mapped[int] = mapped_column(ForeignKey("objectives.id"))
    on: Mapped[date] = mapped_column("read_on", Date)
    value: Mapped[float]
    note: Mapped[str] = mapped_column(default="")
    by: Mapped[str] = mapped_column("read_by")
    at: Mapped[datetime] = mapped_column("written_at")
    __table_args__ = (UniqueConstraint("objective_id", "read_on"),)


class Risk(Edited, Base):
    """A threat or opportunity, or a barrier that hinders already; with what is done about it."""

    __tablename__ = "risks"
    programme_id: Mapped[int] = mapped_column(ForeignKey("programmes.id"), index=True)
    kind: Mapped[str]  # of RISK_KINDS
    name: Mapped[str]
    likelihood: Mapped[int]  # 1 to 5
    severity: Mapped[int]  # 1 to 5
    mitigation: Mapped[str] = mapped_column(default="")
    owner: Mapped[str] = mapped_column(default="")  # a user's id
    due_on: Mapped[date | None] = mapped_column(Date)
    state: Mapped[str] = mapped_column(default="open")  # open | closed


class Strategy(Edited, Base):
    """A communication strategy for one segment of one programme (`segment_id` 0: everyone)."""

    __tablename__ = "strategies"
    programme_id: Mapped[int] = mapped_column(ForeignKey("programmes.id"))
    segment_id: Mapped[int] = mapped_column(default=0)
    name: Mapped[str]
    state: Mapped[str] = mapped_column(default="active")  # active | archived
    builtin: Mapped[bool] = mapped_column(default=False)  # Everyday communication
    __table_args__ = (UniqueConstraint("programme_id", "segment_id"),)


class StrategyVersion(Row, Base):
    """Immutable. `body` holds the sections of `strategies.SECTIONS`."""

    __tablename__ = "strategy_versions"
    strategy_id: Mapped[int] = mapped_column(ForeignKey("strategies.id"))
    n: Mapped[int]
    body: Mapped[dict[str, Any]]
    digest: Mapped[str]
    author: Mapped[str]
    at: Mapped[datetime] = mapped_column("written_at")
    __table_args__ = (UniqueConstraint("strategy_id", "n"),)


class StrategyDraft(Row, Base):
    """What one author has written of the next version and not yet saved as one."""

    __tablename__ = "strategy_drafts"
    strategy_id: Mapped[int] = mapped_column(ForeignKey("strategies.id"))
    author: Mapped[str]
    body: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column("written_at")
    __table_args__ = (UniqueConstraint("strategy_id", "author"),)


class Party(Row, Base):
    """Somebody a strategy needs: to agree, to be asked or told. `ref`: role, user id or stakeholder id."""

    __tablename__ = "parties"
    strategy_id: Mapped[int] = mapped_column(ForeignKey("strategies.id"))
    kind: Mapped[str]
    ref: Mapped[str]
    part: Mapped[str] = mapped_column(default="required")
    label: Mapped[str] = mapped_column(default="")  # how the party is named on screen and in blockers
    answer_by_at: Mapped[datetime | None]
    deputy: Mapped[str | None]
    removed: Mapped[bool] = mapped_column(default=False)  # no longer asked; what they decided stays on record
    __table_args__ = (UniqueConstraint("strategy_id", "kind", "ref"),)


class Agreement(Row, Base):
    """One party's decision on one version, with the text that was shown."""

    __tablename__ = "agreements"
    version_id: Mapped[int] = mapped_column(ForeignKey("strategy_versions.id"))
    party_id: Mapped[int] = mapped_column(ForeignKey("parties.id"))
    stakeholder_id: Mapped[int | None] = mapped_column(index=True)
    decision: Mapped[str]
    by: Mapped[str] = mapped_column("decided_by")
    recorded_by: Mapped[str | None]
    evidence: Mapped[str | None]
    digest: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    shown_text_sha256: Mapped[str]
    at: Mapped[datetime] = mapped_column("decided_at")
    __table_args__ = (UniqueConstraint("version_id", "party_id"),)


class AgreementLink(Row, Base):
    """A signed, expiring link for an outside party; only the token's hash is kept."""

    __tablename__ = "agreement_links"
    version_id: Mapped[int] = mapped_column(ForeignKey("strategy_versions.id"))
    party_id: Mapped[int] = mapped_column(ForeignKey("parties.id"))
    token_sha256: Mapped[str] = mapped_column(unique=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class StrategyComment(Row, Base):
    """A comment on one section of a version, and its answer (you said, we did)."""

    __tablename__ = "strategy_comments"
    version_id: Mapped[int] = mapped_column(ForeignKey("strategy_versions.id"), index=True)
    party_id: Mapped[int | None] = mapped_column(ForeignKey("parties.id"))
    section: Mapped[str]
    text: Mapped[str]
    by: Mapped[str] = mapped_column("written_by")
    at: Mapped[datetime] = mapped_column("written_at")
    answer: Mapped[str | None]
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    asks: Mapped[bool | None] = mapped_column(default=False)  # for a change
    settled_by: Mapped[str | None]
    settled_at: Mapped[datetime | None]


class StrategyCall(Base):
    """A colleague who is called to a strategy by a comment."""

    __tablename__ = "strategy_calls"
    comment_id: Mapped[int] = mapped_column(ForeignKey("strategy_comments.id"), primary_key=True)
    who: Mapped[str] = mapped_column(primary_key=True)


class UrgentGo(Row, Base):
    """A named role sent before everyone had signed; a review is due within 24 hours."""

    __tablename__ = "urgent_goes"
    message_id: Mapped[int] = mapped_column(index=True)
    digest: Mapped[str]
    reason: Mapped[str]
    passed_over: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # obstacles, and who had to sign
    by: Mapped[str] = mapped_column("decided_by")
    at: Mapped[datetime] = mapped_column("decided_at")
    review_due_at: Mapped[datetime]
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[str | None]
    review: Mapped[str | None]
