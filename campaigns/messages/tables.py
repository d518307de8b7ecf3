"""The tables of WHAT GOES OUT: templates, content and variants, messages, approvals, occurrences."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..base import Base, Edited, Json, Row
from ..errors import said

STATES = ("draft", "waiting", "scheduled", "held", "sending", "paused", "finished", "cancelled")
# A state inside a sentence: "a message that is paused …".
STATE_WORDS = {
    "draft": said("draft"), "waiting": said("waiting"), "scheduled": said("scheduled"), "held": said("held"),
    "sending": said("sending"), "paused": said("paused"), "finished": said("finished"),
    "cancelled": said("cancelled"),
}  # fmt: skip
LANES = ("urgent", "transactional", "normal", "bulk")
MESSAGE_KINDS = ("message", "answer")


class Template(Edited, Base):
    __tablename__ = "templates"
    programme_id: Mapped[int | None]
    name: Mapped[str] = mapped_column(unique=True)


class TemplateVersion(Row, Base):
    """Immutable words with slots. Approved for API use: the data may vary, the words may not."""

    __tablename__ = "template_versions"
    template_id: Mapped[int] = mapped_column(ForeignKey("templates.id"))
    n: Mapped[int]
    subject: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    html: Mapped[str] = mapped_column(default="")
    sha256: Mapped[str]
    author: Mapped[str]
    at: Mapped[datetime] = mapped_column("written_at")
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("template_id", "n"),)


class ContentItem(Edited, Base):
    """One idea to publish."""

    __tablename__ = "content_items"
    programme_id: Mapped[int] = mapped_column(index=True)
    name: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)  # values of a template used by the API
    author: Mapped[str] = mapped_column(default="")  # who wrote the data last
    state: Mapped[str] = mapped_column(default="active")
    aim: Mapped[str | None]  # what it is for, one of mix.AIMS; no part of what is approved
    source_language: Mapped[
        str | None
    ]  # the language it was first written in, from which the others are made
    together: Mapped[list[str] | None] = mapped_column(Json)  # two languages in one letter, the first above


class Variant(Row, Base):
    """The form of an idea for one channel and language. Immutable: an edit adds the next `n`, from 1 on.

    A removed variant is a row with `removed` true.
    """

    __tablename__ = "variants"
    content_id: Mapped[int] = mapped_column(ForeignKey("content_items.id"))
    channel: Mapped[str]
    language: Mapped[str]
    n: Mapped[int]
    template_version_id: Mapped[int | None] = mapped_column(ForeignKey("template_versions.id"), index=True)
    subject: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    html: Mapped[str] = mapped_column(default="")
    blocks: Mapped[list[dict[str, Any]] | None] = mapped_column(Json)  # what text and html were made from
    media: Mapped[list[int] | None] = mapped_column(Json)  # pictures that go with a post, in their order
    fits_n: Mapped[int | None]  # the form of the source language that it says the same as
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    slots: Mapped[list[str]] = mapped_column(default=list)  # names the words use, in order of first use
    removed: Mapped[bool] = mapped_column(default=False)
    author: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column("written_at")
    __table_args__ = (UniqueConstraint("content_id", "channel", "language", "n"),)


class Media(Edited, Base):
    """A picture that is kept here, or a film or recording that is kept elsewhere and linked to."""

    __tablename__ = "media"
    programme_id: Mapped[int | None] = mapped_column(index=True)  # None: shared by all
    kind: Mapped[str]  # picture | film | recording
    name: Mapped[str]  # what people call it, never a path
    sha256: Mapped[str | None] = mapped_column(index=True)  # of the stored bytes of a picture
    type: Mapped[str] = mapped_column(default="")  # how a file of it ends: png, jpg, gif, webp
    bytes: Mapped[int] = mapped_column(default=0)
    width: Mapped[int] = mapped_column(default=0)
    height: Mapped[int] = mapped_column(default=0)
    url: Mapped[str] = mapped_column(default="")  # of a film or recording
    alts: Mapped[dict[str, Any]] = mapped_column(
        default=dict
    )  # language → what it shows, for who cannot see it
    decorative: Mapped[bool] = mapped_column(default=False)
    captions_url: Mapped[str] = mapped_column(default="")
    transcript: Mapped[str] = mapped_column(default="")
    author: Mapped[str]
    state: Mapped[str] = mapped_column(default="active")  # active | archived | evidence: for colleagues alone


class MediaUse(Base):
    """A content item whose current words hold a medium."""

    __tablename__ = "media_uses"
    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"), primary_key=True)
    content_id: Mapped[int] = mapped_column(ForeignKey("content_items.id"), primary_key=True, index=True)


class HouseLayout(Edited, Base):
    """How the mails of an organisation look (`programme_id` 0: of every programme that has none of its own)."""

    __tablename__ = "house_layouts"
    programme_id: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(default="")
    colour: Mapped[str]
    logo_media_id: Mapped[int | None] = mapped_column(ForeignKey("media.id"))
    footer: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")


class Message(Edited, Base):
    """One scheduled communication under one strategy version."""

    __tablename__ = "messages"
    programme_id: Mapped[int] = mapped_column(index=True)
    strategy_version_id: Mapped[int] = mapped_column(ForeignKey("strategy_versions.id"), index=True)
    content_id: Mapped[int] = mapped_column(ForeignKey("content_items.id"))
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("segments.id"))
    kind: Mapped[str] = mapped_column(default="message")  # message | answer
    answers_id: Mapped[int | None] = mapped_column(index=True)  # the response that is answered
    name: Mapped[str] = mapped_column(default="")
    purpose: Mapped[str]
    lane: Mapped[str] = mapped_column(default="normal")
    state: Mapped[str] = mapped_column(default="draft")
    test: Mapped[bool] = mapped_column(default=False)  # made with a test token: reaches the simulator only
    at: Mapped[datetime | None] = mapped_column("send_at")
    wall: Mapped[str | None]  # local wall time as it was said, ISO without offset
    zone: Mapped[str | None]
    useful_until_s: Mapped[int | None]
    ceiling: Mapped[int | None]  # most recipients the approval covers
    author: Mapped[str]
    editors: Mapped[list[str]] = mapped_column(default=list)  # who else edited it; none of them may approve
    topic_id: Mapped[int | None] = mapped_column(
        ForeignKey("topics.id")
    )  # what people chose how often to get
    started_at: Mapped[datetime | None]  # when it was first sending
    approved_digest: Mapped[str | None]
    held_by: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    __table_args__ = (
        Index("ix_messages_state", "state", "id"),
        Index("ix_messages_planned", "state", "send_at"),
    )


class MessageAccount(Base):
    """The connected accounts a message goes out through, one or more per channel."""

    __tablename__ = "message_accounts"
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(primary_key=True, index=True)
    channel: Mapped[str]


class MessageRecipient(Base):
    """A recipient named one by one (`address_id` 0: any active address of the channel)."""

    __tablename__ = "message_recipients"
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"), primary_key=True)
    address_id: Mapped[int] = mapped_column(primary_key=True, default=0)


class Approval(Row, Base):
    """A decision on one digest of a message."""

    __tablename__ = "approvals"
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    decision: Mapped[str]  # approved | refused
    digest: Mapped[str]
    by: Mapped[str] = mapped_column("decided_by")
    reason: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column("decided_at")


class MessageComment(Row, Base):
    """What somebody says about a message, pinned to the form of it that they read.

    One that asks for a change keeps the message from being approved until somebody settles it.
    """

    __tablename__ = "message_comments"
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    digest: Mapped[str]
    text: Mapped[str]
    by: Mapped[str] = mapped_column("written_by")
    at: Mapped[datetime] = mapped_column("written_at")
    asks: Mapped[bool] = mapped_column(default=False)  # for a change
    settled_by: Mapped[str | None]
    settled_at: Mapped[datetime | None]


class MessageCall(Base):
    """A colleague who is called to a message by a comment."""

    __tablename__ = "message_calls"
    comment_id: Mapped[int] = mapped_column(ForeignKey("message_comments.id"), primary_key=True)
    who: Mapped[str] = mapped_column(primary_key=True)


class Occurrence(Row, Base):
    """One time that a message goes out."""

    __tablename__ = "occurrences"
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    kind: Mapped[str] = mapped_column(default="real")  # real | test
    wall: Mapped[str]
    zone: Mapped[str]
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(
        default="planned"
    )  # planned | released | finished | cancelled | skipped
    moved_by: Mapped[str | None]  # who moved this one time away from its wall time
    released_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    released_to: Mapped[int] = mapped_column(default=-1)  # stakeholders up to this id have their rows
    __table_args__ = (
        UniqueConstraint("message_id", "kind", "wall", "zone"),
        Index("ix_occurrences_due", "state", "due_at"),
    )


class Timing(Base):
    """How a message goes out over time, where that is more than one instant for everybody."""

    __tablename__ = "timings"
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    rule: Mapped[str | None]  # RFC 5545 RRULE; it starts from the wall time of the message, in its zone
    made_to: Mapped[datetime | None] = mapped_column("made_to_at")  # times are made so far; None: all of them
    own_zone: Mapped[bool] = mapped_column(default=False)  # the time of day is that of each recipient's zone
    passed: Mapped[str] = mapped_column(default="at_once")  # whose time of day has passed: at_once | next_day
    missed: Mapped[str] = mapped_column(default="late")  # what nobody was there to send: late | skip | hold
    late_s: Mapped[int] = mapped_column(default=86_400)  # `late` is so late at most
    first_share: Mapped[int | None]  # so many per cent of those who get it go first
    then_s: Mapped[int] = mapped_column(default=3600)  # and the others so much later,
    bounced_pm: Mapped[int] = mapped_column(default=50)  # unless more thousandths of the first part bounced
    complained_pm: Mapped[int] = mapped_column(default=3)  # or complained
    after_id: Mapped[int | None] = mapped_column(
        ForeignKey("messages.id"), index=True
    )  # it follows this message up
    asks: Mapped[str] = mapped_column(
        default="not_answered"
    )  # of those who got that: answered | not_answered | …
    after_s: Mapped[int] = mapped_column(default=604_800)  # so long after that was finished
    __table_args__ = (Index("ix_timings_made_to", "made_to_at"),)


class QueueSlot(Row, Base):
    """A time of the week at which a connected account usually publishes; `weekday` 0 is Monday."""

    __tablename__ = "queue_slots"
    account_id: Mapped[int]
    weekday: Mapped[int]
    wall: Mapped[str]  # "09:00" in its zone
    zone: Mapped[str]
    made_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("account_id", "weekday", "wall", "zone"),)


class CadencePromise(Edited, Base):
    """So many messages a week on one channel, promised by a strategy; weeks begin on Monday in its zone."""

    __tablename__ = "cadence_promises"
    strategy_id: Mapped[int] = mapped_column(ForeignKey("strategies.id"))
    channel: Mapped[str]
    times: Mapped[int]
    warn_days: Mapped[int]  # a gap is told this long before its week begins
    zone: Mapped[str]
    __table_args__ = (UniqueConstraint("strategy_id", "channel"),)


class QuietPeriod(Row, Base):
    """A named time in which messages wait, such as before an election. `programme_id` None: in all programmes."""

    __tablename__ = "quiet_periods"
    programme_id: Mapped[int | None] = mapped_column(index=True)
    name: Mapped[str]
    reason: Mapped[str]
    from_at: Mapped[datetime]
    until_at: Mapped[datetime]
    except_service: Mapped[bool] = mapped_column(default=False)
    except_urgent: Mapped[bool] = mapped_column(default=False)
    by: Mapped[str] = mapped_column("made_by")
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # taken away before its time
    ended_by: Mapped[str | None]
    ended_why: Mapped[str | None]


class SendingHours(Edited, Base):
    """Hours of the week in which people may be written to, by their own clocks; of everybody where both are None."""

    __tablename__ = "sending_hours"
    programme_id: Mapped[int | None] = mapped_column(index=True)
    stakeholder_id: Mapped[int | None] = mapped_column(ForeignKey("stakeholders.id"), index=True)
    weekdays: Mapped[list[int]] = mapped_column(Json)  # 0 is Monday
    opens: Mapped[int]  # minutes after midnight
    closes: Mapped[int]
    zone: Mapped[str]  # of whoever has none of their own
    bank_holidays: Mapped[str] = mapped_column(default="")
    outside: Mapped[str] = mapped_column(default="wait")  # wait | leave_out


class MixTarget(Edited, Base):
    """The shares, in per cent, that the aims of content are meant to have in one quarter of a programme."""

    __tablename__ = "mix_targets"
    programme_id: Mapped[int] = mapped_column(ForeignKey("programmes.id"))
    quarter: Mapped[str]  # "2026-Q4"
    shares: Mapped[dict[str, Any]]
    __table_args__ = (UniqueConstraint("programme_id", "quarter"),)
