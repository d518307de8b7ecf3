"""The tables of ACCESS and of the door: users, tokens, grants, idempotency keys, the installation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from campaigns.base import Base, Edited, Json, Row

TOKEN_KINDS = ("person", "machine", "test")


class User(Edited, Base):
    """A person who works with the installation."""

    __tablename__ = "users"
    name: Mapped[str]
    email_key: Mapped[str | None] = mapped_column(unique=True)
    language: Mapped[str] = mapped_column(default="en")
    state: Mapped[str] = mapped_column(default="active")  # active | disabled
    password_hash: Mapped[str | None]  # argon2id; None: signs in by nothing but a token
    zone: Mapped[str | None]
    answers_in: Mapped[list[str] | None]  # the languages this person answers in; None: their own
    second_step: Mapped[bytes | None]  # the secret of one-time codes, sealed; None: a password is enough
    second_step_at: Mapped[int | None]  # the last 30 seconds whose code was used, so that none is used twice
    recovery: Mapped[list[str] | None]  # SHA-256 of the codes for a lost phone, each good once
    oidc_key: Mapped[str | None] = mapped_column(unique=True)  # issuer and subject at an OpenID provider


class Login(Row, Base):
    """A browser that is signed in; only the hash of its cookie is kept."""

    __tablename__ = "logins"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    form_key: Mapped[str]  # what every form of this login carries, against forged ones
    made_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    agent: Mapped[str | None]  # the browser, as it names itself
    awaits_code: Mapped[bool] = mapped_column(default=False)  # half way in: the second step is missing


class DoorKey(Row, Base):
    """A link that lets somebody in once: the first visit of an installation, an invitation, a forgotten password."""

    __tablename__ = "door_keys"
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)  # None: the first visit
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Knock(Row, Base):
    """A failed sign-in, kept for the length of the delay that it causes."""

    __tablename__ = "knocks"
    name_sha256: Mapped[str]
    at: Mapped[datetime] = mapped_column("knocked_at")
    __table_args__ = (Index("ix_knocks_name", "name_sha256", "knocked_at"),)


class SpentState(Row, Base):
    """A way to an OpenID provider and back that was used; it is not used again."""

    __tablename__ = "spent_states"
    state_sha256: Mapped[str] = mapped_column(unique=True)
    at: Mapped[datetime] = mapped_column("spent_at", index=True)


class SignInState(Row, Base):
    """Somebody has set out to sign in to a connected account at its provider; good once, for who set out."""

    __tablename__ = "sign_in_states"
    state_sha256: Mapped[str] = mapped_column(unique=True)
    login_id: Mapped[int]
    account_id: Mapped[int]
    verifier: Mapped[bytes]  # sealed
    asked: Mapped[str]  # where the code is to go, and for which app
    at: Mapped[datetime] = mapped_column("set_out_at", index=True)


class CalendarFeed(Row, Base):
    """Somebody's calendar for other programs, read with a secret in its address; only its hash is kept."""

    __tablename__ = "calendar_feeds"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    made_at: Mapped[datetime]


class Token(Row, Base):
    """A bearer token; only its hash is kept. `user_id` is None for machines, which have own grants."""

    __tablename__ = "tokens"
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    kind: Mapped[str]  # person | machine | test
    prefix: Mapped[str] = mapped_column(unique=True)
    secret_sha256: Mapped[str]
    scopes: Mapped[list[str]]
    defaults: Mapped[dict[str, Any]] = mapped_column(
        default=dict
    )  # programme_id, account_id, purpose of its messages
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("tokens.id"))


class Grant(Row, Base):
    """A role of one user or token, in one programme and what lies under it, or everywhere (None)."""

    __tablename__ = "grants"
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    token_id: Mapped[int | None] = mapped_column(ForeignKey("tokens.id"), index=True)
    role: Mapped[str]
    programme_id: Mapped[int | None] = mapped_column(ForeignKey("programmes.id"))
    created_at: Mapped[datetime]


class IdempotencyKey(Base):
    """One keyed call and its answer, kept at least a day and sealed, for it may show a secret."""

    __tablename__ = "idempotency_keys"
    token_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_sha256: Mapped[str]
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column("called_at", index=True)


class CallBucket(Base):
    """How many calls a token may still make: `left` at that time, and more of them since."""

    __tablename__ = "call_buckets"
    token_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    left: Mapped[float] = mapped_column("calls_left")
    at: Mapped[datetime] = mapped_column("counted_at", index=True)


class WebhookEndpoint(Edited, Base):
    """Where another program is told what happens here; its secrets are sealed, and shown once."""

    __tablename__ = "webhook_endpoints"
    url: Mapped[str]
    about: Mapped[str] = mapped_column(default="")
    kinds: Mapped[list[str]]  # `message.created`, `message.*` or `*`
    programme_id: Mapped[int | None] = mapped_column(index=True)  # and what lies under it; None: everything
    secrets: Mapped[bytes | None]
    old_until_at: Mapped[datetime | None]  # until then the secret before signs as well
    state: Mapped[str] = mapped_column(default="active")  # active | disabled
    state_reason: Mapped[str] = mapped_column(default="")
    disabled_at: Mapped[datetime | None]  # when we gave it up
    told_until_at: Mapped[datetime]  # what happened before is in the outbox
    sure_until_at: Mapped[datetime | None]  # and before this also whatever was written down late
    not_before_at: Mapped[datetime | None]  # it asked us to wait


class WebhookDelivery(Row, Base):
    """One fact that one endpoint is told, with all tries: the outbox and its log are this table."""

    __tablename__ = "webhook_deliveries"
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id"))
    key: Mapped[str]  # the same in every try: the `webhook-id`
    kind: Mapped[str]
    at: Mapped[datetime] = mapped_column("happened_at")
    body: Mapped[bytes]
    state: Mapped[str] = mapped_column(default="waiting")  # waiting | sent | failed
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    settled_at: Mapped[datetime | None] = mapped_column(index=True)
    log: Mapped[list[dict[str, Any]]]  # of each try: at, status, error
    __table_args__ = (
        UniqueConstraint("endpoint_id", "key"),
        Index("ix_webhook_deliveries_log", "endpoint_id", "id"),
        Index(
            "ix_webhook_deliveries_next",
            "endpoint_id",
            "next_at",
            "id",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )


class Notice(Row, Base):
    """A mail that tells a colleague of one fact, once: the outbox is this table."""

    __tablename__ = "notices"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    ref: Mapped[str]  # what names the fact
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what its words need
    at: Mapped[datetime] = mapped_column("noticed_at")
    state: Mapped[str] = mapped_column(default="waiting")  # waiting | sent | unsure | dropped
    next_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("user_id", "kind", "ref"),
        Index(
            "ix_notices_next",
            "next_at",
            "id",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )


class NoticeChoice(Base):
    """A person's own yes or no to one kind of notice."""

    __tablename__ = "notice_choices"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    wanted: Mapped[bool]


class Export(Row, Base):
    """A file that is made for somebody to take away: what is held on one person, or all of a programme or of here."""

    __tablename__ = "exports"
    kind: Mapped[str]  # person | programme | installation
    ref_id: Mapped[int] = mapped_column(default=0, index=True)  # the person, or the programme
    programme_id: Mapped[int | None] = mapped_column(index=True)  # of a programme's
    within: Mapped[list[int] | None] = mapped_column(Json)  # the programmes that are told of; None: all
    withheld: Mapped[str] = mapped_column(default="")  # why colleagues' notes stay out; empty: they are in it
    audit: Mapped[bool] = mapped_column(default=False)  # of a programme: whether its audit entries are told
    state: Mapped[str] = mapped_column(default="waiting", index=True)  # exports.STATES
    until_at: Mapped[datetime | None]  # a worker has it until then
    tries: Mapped[int] = mapped_column(default=0)  # how often a worker took it up since a part was put down
    total: Mapped[int] = mapped_column(default=0)  # parts
    done: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    bytes: Mapped[int | None]
    sha256: Mapped[str | None]
    actor: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]  # its file is kept until then


class Installation(Base):
    """The one row about this installation: its policies, and the epoch that tells a restored database."""

    __tablename__ = "installation"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    second_step_for: Mapped[str] = mapped_column(server_default="nobody")  # nobody | deciders | everybody
    oidc: Mapped[dict[str, Any] | None]  # an OpenID provider: issuer, client_id
    oidc_secret: Mapped[bytes | None]  # sealed
    sample_id: Mapped[int | None]  # the programme of the sample year, where it is loaded
    sample_state: Mapped[str | None]  # wanted | loading | broken; None: it is there, or it is not
    sample_done: Mapped[int] = mapped_column(default=0, server_default="0")  # steps of it
    sample_until_at: Mapped[datetime | None]  # a worker has it until then
    sample_by: Mapped[str | None]  # who asked for it
