"""The tables of GETTING IT OUT: connected accounts, the ledger, batches, attempts, events, stops, ticks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ..base import Base, Edited, Json, Row

# Few rows and the ones people look for; a query says these very words to be answered from the index. With IN, SQLite
# would build the list anew for every row that is written, which cost a third of a wave.
_TROUBLE = "(state = 'bounced' OR state = 'failed' OR state = 'unknown')"
TROUBLE = text(_TROUBLE)
IN_TROUBLE = text(_TROUBLE.replace("state", "deliveries.state"))


class Account(Edited, Base):
    """One set of credentials on a connector. Secrets are sealed; they are written, never read out."""

    __tablename__ = "accounts"
    connector: Mapped[str]
    name: Mapped[str] = mapped_column(unique=True)
    channel: Mapped[str]
    broadcast: Mapped[bool] = mapped_column(default=False)  # a post to everyone, not one per recipient
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    secrets: Mapped[bytes | None]
    limits: Mapped[dict[str, Any]] = mapped_column(default=dict)  # the connector's Limits as it declared them
    own_limits: Mapped[dict[str, Any] | None] = mapped_column(Json)  # narrower ones, chosen here: limits.KEYS
    app: Mapped[str | None] = mapped_column(index=True)  # what it shares at the provider with other accounts
    limited_until_at: Mapped[datetime | None]  # one of its limits is used up until then
    repeats: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {"kind": keyed|findable|blind, …}
    sender: Mapped[str] = mapped_column(default="")  # mail: the From address
    sender_name: Mapped[str] = mapped_column(default="")
    language: Mapped[str | None]
    on_unknown: Mapped[str] = mapped_column(default="hold")  # hold | retry | assume_sent
    state: Mapped[str] = mapped_column(default="active")  # active | out_of_service | disabled
    state_reason: Mapped[str] = mapped_column(default="")
    inbox_problem: Mapped[str | None]  # why replies and bounces are not read, while sending goes on
    verified_at: Mapped[datetime | None]  # when these settings were last proven
    not_before_at: Mapped[datetime | None]  # the provider asked the whole account to wait until then
    # how many hand-overs in a row failed because of the account as a whole
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    trouble_since_at: Mapped[datetime | None]  # so many that it is tried by one row at a time until one goes
    trouble: Mapped[str | None]  # what the provider said last
    renews: Mapped[bool | None] = mapped_column(default=False)  # its login can be renewed
    renew_due_at: Mapped[datetime | None]  # its login is to be renewed then, before anything else
    renewed_at: Mapped[datetime | None]
    login_ends_at: Mapped[datetime | None]  # then somebody has to sign in anew, unless it is renewed before
    test: Mapped[bool] = mapped_column(default=False)  # practice: reachable by test tokens
    programme_id: Mapped[int | None] = mapped_column(index=True)  # None: shared by all programmes
    poll_cursor: Mapped[dict[str, Any] | None]
    poll_due_at: Mapped[datetime | None]
    measure_due_at: Mapped[datetime | None]  # not asked before then what it counts of posts


class Budget(Base):
    """How much of one limit is used: of an account, of an app, or of one domain through one account."""

    __tablename__ = "budgets"
    key: Mapped[str] = mapped_column(primary_key=True)  # made by limits.py
    # as it was at `since`: a rate's runs down, that of a day or month ends with it
    used: Mapped[float] = mapped_column(default=0.0)
    since: Mapped[datetime] = mapped_column("since_at")
    # of a domain: the last place that was given to a row that waits
    planned: Mapped[datetime | None] = mapped_column("planned_at")


class Tally(Row, Base):
    """How many hand-overs of an account ended in one way; rows are added by workers and summed up by the clock."""

    __tablename__ = "tallies"
    account_id: Mapped[int]
    outcome: Mapped[str]
    number: Mapped[int]


class Batch(Row, Base):
    """The unit of work: at most 500 deliveries of one occurrence, account, lane and due instant."""

    __tablename__ = "batches"
    occurrence_id: Mapped[int] = mapped_column(ForeignKey("occurrences.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    lane: Mapped[int]  # place in messages.tables.LANES
    due_at: Mapped[datetime]
    owner: Mapped[str | None]
    token: Mapped[int] = mapped_column(default=0)
    until_db: Mapped[datetime | None] = mapped_column("until_db_at")  # by the database's clock
    deaths: Mapped[int] = mapped_column(default=0)
    alone_id: Mapped[int | None]  # the delivery in hand while a batch that lost a worker goes row by row
    __table_args__ = (
        Index(
            "ix_batches_free",
            "lane",
            "due_at",
            sqlite_where=text("owner IS NULL"),
            postgresql_where=text("owner IS NULL"),
        ),
        Index("ix_batches_occurrence", "occurrence_id"),
    )


class Delivery(Row, Base):
    """One ledger row: one occurrence, one intended recipient or account. See docs/delivery.md for its states."""

    __tablename__ = "deliveries"
    occurrence_id: Mapped[int] = mapped_column(ForeignKey("occurrences.id"))
    message_id: Mapped[int]
    target: Mapped[int]  # stakeholder, or account for a broadcast post
    stakeholder_id: Mapped[int | None] = mapped_column(ForeignKey("stakeholders.id"))
    channel: Mapped[str]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    address_id: Mapped[int | None]
    address_key: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="")
    part: Mapped[int] = mapped_column(default=0)
    variant_id: Mapped[int | None]
    below_id: Mapped[int | None]  # the variant in the other language below it, in one letter
    state: Mapped[str]
    reason: Mapped[str | None]
    due_at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(default=0)
    token: Mapped[int] = mapped_column(default=0)
    deaths: Mapped[int] = mapped_column(default=0)
    batch_id: Mapped[int | None]
    consent_id: Mapped[int | None]
    basis: Mapped[str | None]
    provider_id: Mapped[str | None]
    intent_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    slots: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None] = mapped_column(Json)
    __table_args__ = (
        UniqueConstraint("occurrence_id", "target", "channel", "address_key", "language", "part"),
        Index("ix_deliveries_occurrence", "occurrence_id", "state", "id"),
        Index(
            "ix_deliveries_batch",
            "batch_id",
            "id",
            sqlite_where=text("batch_id IS NOT NULL"),
            postgresql_where=text("batch_id IS NOT NULL"),
        ),
        Index(
            "ix_deliveries_again",
            "next_at",
            "id",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
        Index("ix_deliveries_record", "stakeholder_id", "settled_at", "id"),
        Index("ix_deliveries_message", "message_id", "id"),
        Index("ix_deliveries_in_trouble", "state", "id", sqlite_where=TROUBLE, postgresql_where=TROUBLE),
        Index(
            "ix_deliveries_went_wrong", "state", "settled_at", sqlite_where=TROUBLE, postgresql_where=TROUBLE
        ),
        Index(
            "ix_deliveries_reason",
            "message_id",
            "reason",
            sqlite_where=text("reason IS NOT NULL"),
            postgresql_where=text("reason IS NOT NULL"),
        ),
        Index(
            "ix_deliveries_provider",
            "account_id",
            "provider_id",
            sqlite_where=text("provider_id IS NOT NULL"),
            postgresql_where=text("provider_id IS NOT NULL"),
        ),
    )


class Attempt(Base):
    """Written for every attempt that was not a plain success, and for evidence that came late."""

    __tablename__ = "attempts"
    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, default=0)  # several facts may come about one attempt
    token: Mapped[int]
    at: Mapped[datetime] = mapped_column("noted_at")
    outcome: Mapped[str]
    provider_id: Mapped[str | None]
    phase: Mapped[str | None]
    error: Mapped[dict[str, Any] | None] = mapped_column(Json)


class HandWork(Base):
    """A delivery that people carry out: who was given a link to it, and what was said of it in the end."""

    __tablename__ = "hand_works"
    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id"), primary_key=True)
    account_id: Mapped[int]
    handed_at: Mapped[datetime]
    partner: Mapped[str] = mapped_column(default="")
    token_sha256: Mapped[str | None] = mapped_column(unique=True)
    expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    done: Mapped[bool | None]
    where: Mapped[str | None] = mapped_column("seen_at_url")  # where it can be seen
    photo_id: Mapped[int | None]  # a picture of it, among the media
    words: Mapped[str | None]
    __table_args__ = (
        Index(
            "ix_hand_works_open",
            "handed_at",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )


class DeliveryEvent(Row, Base):
    """What a provider told us later about a delivery; never a state.

    `verdict` says of what was opened or clicked whether a person did it; one without is from before anybody judged.
    """

    __tablename__ = "delivery_events"
    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id"), index=True)
    stakeholder_id: Mapped[int | None]
    kind: Mapped[str]  # delivered | opened | clicked | complained | replied | bounced
    at: Mapped[datetime] = mapped_column("happened_at")
    account_id: Mapped[int]
    event_key: Mapped[str]
    meta: Mapped[dict[str, Any]] = mapped_column(default=dict)
    message_id: Mapped[int | None]
    verdict: Mapped[str | None]  # person | unsure | machine
    verdict_why: Mapped[str | None]  # what speaks against a person: responses/verdicts.py
    __table_args__ = (
        UniqueConstraint("account_id", "event_key", "kind"),
        Index("ix_delivery_events_record", "stakeholder_id", "happened_at", "id"),
        Index(
            "ix_delivery_events_judged",
            "message_id",
            "kind",
            "delivery_id",
            "verdict",
            sqlite_where=text("verdict IS NOT NULL"),
            postgresql_where=text("verdict IS NOT NULL"),
        ),
    )


class Tick(Base):
    """When a duty was last done, so that it can be told that nobody was there to do it."""

    __tablename__ = "ticks"
    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column("ticked_at")


class MissedRun(Base):
    """A time that came while no clock was there, and what was done about it."""

    __tablename__ = "missed_runs"
    occurrence_id: Mapped[int] = mapped_column(ForeignKey("occurrences.id"), primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    due_at: Mapped[datetime]
    found_at: Mapped[datetime]
    done: Mapped[str]  # late | skipped | held
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_missed_runs_found_at", "found_at"),)


class Rollout(Base):
    """One time of a message that goes to a part first, with what became of that part and what it led to."""

    __tablename__ = "rollouts"
    occurrence_id: Mapped[int] = mapped_column(ForeignKey("occurrences.id"), primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    decide_at: Mapped[datetime]  # when the rest is due
    done: Mapped[str | None]  # going | stopped
    decided_at: Mapped[datetime | None]
    tried: Mapped[int] = mapped_column(default=0)
    bounced: Mapped[int] = mapped_column(default=0)
    complained: Mapped[int] = mapped_column(default=0)
    overruled_by: Mapped[str | None]
    overruled_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_rollouts_decide_at", "decide_at"),)


class Stop(Row, Base):
    """A stop of everything, one account, one programme or one segment, until it is lifted."""

    __tablename__ = "stops"
    scope: Mapped[str]  # all | account | programme | segment
    ref_id: Mapped[int] = mapped_column(default=0)
    programme_id: Mapped[int | None]  # whose business it is; None: everybody's
    reason: Mapped[str]
    by: Mapped[str] = mapped_column("stopped_by")
    at: Mapped[datetime] = mapped_column("stopped_at")
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]
    lifted_why: Mapped[str | None]
