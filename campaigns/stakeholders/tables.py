"""The tables of WHO: stakeholders, addresses, memberships, segments, consents, suppressions, imports."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from ..base import Base, Edited, Json, Row

KINDS = ("person", "group", "community", "organisation")
CONNECTIONS = ("involved", "affected", "both")
RANKS = ("primary", "secondary")
ROLES = ("target", "intermediary", "partner", "gatekeeper", "critic", "other")
RATINGS = ("strong", "steady", "strained", "broken")
FIELD_TYPES = ("text", "number", "date", "choice", "multi", "bool")
PURPOSES = ("service", "direct_marketing", "survey")
BASES = (
    "consent",
    "soft_opt_in_sale",
    "soft_opt_in_charity",
    "legitimate_interest",
    "public_task",
    "contract",
)
FREQUENCIES = ("all", "weekly", "monthly", "none")
FORM_KINDS = ("signup", "survey")
ANSWERS = ("rating", "choice", "text")
SUPPRESSION_REASONS = ("hard_bounce", "spam_complaint", "opt_out", "no_contact", "manual")
ORIGINS = ("recipient", "customer", "admin", "import")


class Stakeholder(Edited, Base):
    """A person, group, community or organisation. Identity is the id, never an address."""

    __tablename__ = "stakeholders"
    kind: Mapped[str]
    name: Mapped[str]
    name_fold: Mapped[str] = mapped_column(index=True)
    external_id: Mapped[str | None] = mapped_column(unique=True)
    zone: Mapped[str | None]
    languages: Mapped[list[str]] = mapped_column(default=list)
    attrs: Mapped[dict[str, Any]] = mapped_column(default=dict)
    attrs_fold: Mapped[dict[str, Any]] = mapped_column(default=dict)
    source: Mapped[str] = mapped_column(default="api")
    state: Mapped[str] = mapped_column(default="active")  # active | archived | merged | erased
    merged_into: Mapped[int | None]  # the record that stands for this one, never one that is merged itself
    merged_at: Mapped[datetime | None]
    joined: Mapped[bool] = mapped_column(default=False, server_default=sql("false"))  # it stands for others
    __table_args__ = (
        Index("ix_stakeholders_kind", "kind", "name_fold"),
        Index(
            "ix_stakeholders_merged_into",
            "merged_into",
            sqlite_where=sql("merged_into IS NOT NULL"),
            postgresql_where=sql("merged_into IS NOT NULL"),
        ),
    )


class Address(Row, Base):
    """One way to reach a stakeholder. `key` is what is compared; `value` is what is shown and used."""

    __tablename__ = "addresses"
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"))
    channel: Mapped[str]
    value: Mapped[str]
    key: Mapped[str]
    corporate: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(default="active")  # active | retired
    created_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("channel", "key", "stakeholder_id"),
        Index("ix_addresses_channel_key", "channel", "key"),
        Index("ix_addresses_stakeholder", "stakeholder_id", "channel", "id"),
    )


class Merge(Row, Base):
    """The decision that two records are one stakeholder, with what it changed in the one that is kept."""

    __tablename__ = "merges"
    kept_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"), index=True)
    gone_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"), index=True)
    was: Mapped[str]  # the state of the one that is gone
    values: Mapped[dict[str, Any]] = mapped_column("changed", default=dict)  # name → before and after
    added: Mapped[dict[str, Any]] = mapped_column(default=dict)  # table → rows that the kept one got
    reason: Mapped[str] = mapped_column(default="")
    by: Mapped[str] = mapped_column("merged_by")
    at: Mapped[datetime] = mapped_column("merged_at")
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None]
    undone_why: Mapped[str] = mapped_column(default="")


class Distinct(Base):
    """Two records that somebody looked at and said: these are two."""

    __tablename__ = "distinct_pairs"
    low_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"), primary_key=True)
    high_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"), primary_key=True, index=True)
    by: Mapped[str] = mapped_column("decided_by")
    at: Mapped[datetime] = mapped_column("decided_at")


class Relation(Row, Base):
    """What one stakeholder is to another, from a day and to a day, and how we know."""

    __tablename__ = "relations"
    from_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"), index=True)
    to_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"), index=True)
    type: Mapped[str]
    both_ways: Mapped[bool] = mapped_column(default=False)
    from_on: Mapped[date | None] = mapped_column(Date)
    to_on: Mapped[date | None] = mapped_column(Date)
    source: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    by: Mapped[str] = mapped_column("noted_by")
    at: Mapped[datetime] = mapped_column("noted_at")


class Tombstone(Row, Base):
    """An address of somebody who was erased, as a keyed hash."""

    __tablename__ = "tombstones"
    channel: Mapped[str]
    hmac: Mapped[str] = mapped_column(unique=True)  # of channel and key of the address
    at: Mapped[datetime] = mapped_column("erased_at")


class Membership(Row, Base):
    """A person's dated membership of a group, community or organisation."""

    __tablename__ = "memberships"
    person_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"), index=True)
    body_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"), index=True)
    role: Mapped[str] = mapped_column(default="")
    from_on: Mapped[date | None] = mapped_column(Date)
    to_on: Mapped[date | None] = mapped_column(Date)


class Involvement(Base):
    """How a stakeholder is connected with a programme; also what makes them visible to its grants."""

    __tablename__ = "involvements"
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"), primary_key=True)
    programme_id: Mapped[int] = mapped_column(primary_key=True, index=True)
    connection: Mapped[str] = mapped_column(default="involved")
    rank: Mapped[str | None]
    note: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column("since_at")
    role: Mapped[str | None]  # what the newest row of `roles` says
    owner_id: Mapped[int | None]  # users, who answer for the relationship
    deputy_id: Mapped[int | None]
    review_on: Mapped[date | None] = mapped_column(Date)  # when it is next looked at
    __table_args__ = (
        Index("ix_involvements_role", "programme_id", "role", "stakeholder_id"),
        Index("ix_involvements_owner", "owner_id", "stakeholder_id", "programme_id"),
        Index("ix_involvements_review", "review_on", "stakeholder_id", "programme_id"),
    )


class Role(Row, Base):
    """Append-only: the part a stakeholder plays in a programme, why, and who says so; the newest counts."""

    __tablename__ = "roles"
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"))
    programme_id: Mapped[int]
    role: Mapped[str]
    rank: Mapped[str]
    rationale: Mapped[str]
    by: Mapped[str] = mapped_column("decided_by")
    at: Mapped[datetime] = mapped_column("decided_at")
    __table_args__ = (Index("ix_roles_record", "stakeholder_id", "decided_at", "id"),)


class Review(Row, Base):
    """Append-only: what was found when a relationship was looked at, what was decided, and when comes the next."""

    __tablename__ = "reviews"
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"))
    programme_id: Mapped[int]
    findings: Mapped[str]
    rating: Mapped[str]
    decision: Mapped[str]
    next_on: Mapped[date] = mapped_column(Date)
    by: Mapped[str] = mapped_column("reviewed_by")
    at: Mapped[datetime] = mapped_column("reviewed_at")
    __table_args__ = (Index("ix_reviews_record", "stakeholder_id", "reviewed_at", "id"),)


class Field(Row, Base):
    """A typed custom field; its type never changes."""

    __tablename__ = "fields"
    name: Mapped[str] = mapped_column(unique=True)
    type: Mapped[str]
    choices: Mapped[list[str]] = mapped_column(default=list)
    indexed: Mapped[bool] = mapped_column(default=False, server_default=sql("false"))  # see indexes.py
    created_at: Mapped[datetime]


class Tag(Row, Base):
    __tablename__ = "tags"
    name: Mapped[str]
    name_fold: Mapped[str] = mapped_column(unique=True)


class StakeholderTag(Base):
    __tablename__ = "stakeholder_tags"
    tag_id: Mapped[int] = mapped_column(ForeignKey("tags.id"), primary_key=True)
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"), primary_key=True, index=True)


class Segment(Edited, Base):
    """A rule tree or a hand-picked list, in one programme. On screen: a group."""

    __tablename__ = "segments"
    programme_id: Mapped[int] = mapped_column(index=True)
    name: Mapped[str]
    kind: Mapped[str]  # rule | picked
    rule: Mapped[dict[str, Any] | None]
    rule_sha256: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="active")  # active | archived
    counted: Mapped[int | None]  # how many were in, when somebody last looked
    counted_at: Mapped[datetime | None]


class SegmentMember(Base):
    """Members of a hand-picked segment."""

    __tablename__ = "segment_members"
    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id"), primary_key=True)
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"), primary_key=True, index=True)


class Consent(Row, Base):
    """Append-only: permission given or withdrawn for one purpose on one channel, with its evidence."""

    __tablename__ = "consents"
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"))
    purpose: Mapped[str]
    channel: Mapped[str]
    act: Mapped[str]  # given | withdrawn
    basis: Mapped[str]
    at: Mapped[datetime] = mapped_column("given_at")
    expires_at: Mapped[datetime | None]
    source: Mapped[str]
    wording_version: Mapped[str | None]
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    actor: Mapped[str]
    __table_args__ = (
        Index("ix_consents_latest", "stakeholder_id", "purpose", "channel", "given_at", "id"),
        Index("ix_consents_timeline", "stakeholder_id", "given_at", "id"),
    )


class Suppression(Row, Base):
    """Do not contact: an address, or a stakeholder on a channel (`*` is every channel)."""

    __tablename__ = "suppressions"
    channel: Mapped[str]
    address_key: Mapped[str | None]
    stakeholder_id: Mapped[int | None] = mapped_column(ForeignKey("stakeholders.id"))
    purpose: Mapped[str | None]  # None is every purpose
    reason: Mapped[str]
    origin: Mapped[str]
    at: Mapped[datetime] = mapped_column("since_at")
    until_at: Mapped[datetime | None]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]
    lifted_why: Mapped[str | None]
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    import_id: Mapped[int | None] = mapped_column(index=True)  # the file that said so
    __table_args__ = (
        Index("ix_suppressions_address", "channel", "address_key"),
        Index("ix_suppressions_stakeholder", "stakeholder_id", "since_at", "id"),
    )


class Topic(Edited, Base):
    """What messages are about, as people choose it; of one programme or of all. `names` are words by language."""

    __tablename__ = "topics"
    programme_id: Mapped[int | None] = mapped_column(index=True)
    name: Mapped[str]
    names: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(default="active")  # active | archived


class Preference(Row, Base):
    """Append-only: how often somebody wants one topic on one channel, and until when nothing of it.

    `topic_id` 0 is everything that has no choice of its own, messages without a topic included.
    """

    __tablename__ = "preferences"
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"))
    topic_id: Mapped[int] = mapped_column(default=0)
    channel: Mapped[str]
    frequency: Mapped[str]  # all | weekly | monthly | none
    pause_until: Mapped[datetime | None] = mapped_column("pause_until_at")
    at: Mapped[datetime] = mapped_column("chosen_at")
    source: Mapped[str]
    actor: Mapped[str]
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    __table_args__ = (
        Index("ix_preferences_latest", "stakeholder_id", "channel", "topic_id", "chosen_at", "id"),
    )


class Form(Edited, Base):
    """A public page that people fill in: to sign up, or to answer one question. `wording` is its newest words."""

    __tablename__ = "forms"
    programme_id: Mapped[int] = mapped_column(index=True)
    kind: Mapped[str]  # signup | survey
    slug: Mapped[str] = mapped_column(unique=True)  # its name in the address, /f/<slug>
    name: Mapped[str]
    topics: Mapped[list[int]] = mapped_column(Json, default=list)
    account_id: Mapped[int | None]  # which mail account asks to confirm; None: the only one
    answers: Mapped[str] = mapped_column(default="")  # of a survey: rating | choice | text
    sites: Mapped[list[str]] = mapped_column(default=list)  # which may show it in a frame
    wording: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(default="open")  # open | closed


class FormWording(Row, Base):
    """What a form said, in each language: immutable, because it is the evidence of every consent given on it."""

    __tablename__ = "form_wordings"
    form_id: Mapped[int] = mapped_column(ForeignKey("forms.id"))
    n: Mapped[int]
    texts: Mapped[dict[str, Any]]  # language → title, intro, notice, agree, thanks, question, choices
    sha256: Mapped[str]
    author: Mapped[str]
    at: Mapped[datetime] = mapped_column("written_at")
    __table_args__ = (UniqueConstraint("form_id", "n"),)


class Signup(Row, Base):
    """Somebody asked to sign up, and has to confirm it from their own mailbox."""

    __tablename__ = "signups"
    form_id: Mapped[int] = mapped_column(ForeignKey("forms.id"))
    address_key: Mapped[str]
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"))
    wording: Mapped[int]
    language: Mapped[str]
    topics: Mapped[list[int]] = mapped_column(Json, default=list)
    at: Mapped[datetime] = mapped_column("asked_at")
    expires_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    made: Mapped[bool] = mapped_column(default=False)  # the stakeholder was made for it
    __table_args__ = (
        Index("ix_signups_address", "address_key", "asked_at"),
        Index("ix_signups_form", "form_id", "asked_at"),
        Index("ix_signups_stakeholder_id", "stakeholder_id"),
        Index(
            "ix_signups_open",
            "expires_at",
            sqlite_where=sql("confirmed_at IS NULL"),
            postgresql_where=sql("confirmed_at IS NULL"),
        ),
    )


class Import(Edited, Base):
    """One uploaded file; `body` is kept until the import is finished so that it can resume."""

    __tablename__ = "imports"
    programme_id: Mapped[int] = mapped_column(index=True)
    filename: Mapped[str]
    sha256: Mapped[str]
    body: Mapped[bytes | None] = mapped_column(deferred=True)
    detected: Mapped[dict[str, Any]] = mapped_column(default=dict)
    mapping: Mapped[dict[str, Any]] = mapped_column(default=dict)
    declaration: Mapped[dict[str, Any] | None]
    # checking | checked | running | finished | cancelled
    state: Mapped[str] = mapped_column(default="checking", index=True)
    until_at: Mapped[datetime | None]  # a worker has it until then
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    actor: Mapped[str] = mapped_column(default="")


class ImportRow(Base):
    """What became of one line of a file."""

    __tablename__ = "import_rows"
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    outcome: Mapped[str]  # created | updated | unchanged | refused | held
    stakeholder_id: Mapped[int | None]
    problems: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    cells: Mapped[list[str] | None]  # as the file has them, of rows that somebody may want to mend
    changes: Mapped[list[str] | None]  # what is new on a record that was there
