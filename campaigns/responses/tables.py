"""The tables of WHAT CAME BACK: raw events, responses and their candidates, identities, interactions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from ..base import Base, Edited, Json, Row

RESPONSE_KINDS = ("reply", "mention", "like", "boost", "bounce", "complaint", "opt_out", "auto_reply")
EVENT_KINDS = ("delivered", "opened", "clicked")  # told about a delivery, answered by nobody
INTERACTION_KINDS = ("meeting", "call", "letter", "event", "visit", "other")
# What a person wrote, and another person must read; the rest is apart and under no clock.
WRITTEN = ("reply", "mention")
SENTIMENTS = ("negative", "neutral", "positive", "unknown")
# Why an item needs nothing more: answered, settled, or one of the reasons for no answer.
NO_ANSWER = ("thanks", "elsewhere", "not_for_us", "spam", "abuse", "other")
CLOSED_WHY = ("answered", "done", "together", *NO_ANSWER)
INTENTS = ("unknown", "unwilling", "exploring", "committed", "delivering", "withdrawn")
OUTCOMES = ("kept", "dropped")
TASK_STATES = ("open", "done", "dropped")
TASK_ABOUT = ("stakeholder", "message", "response", "strategy", "programme")


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


class HookProof(Base):
    """What proved a hook call where that holds for one call only; kept for as long as it could be told again."""

    __tablename__ = "hook_proofs"
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    proof_sha256: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column("received_at")
    __table_args__ = (Index("ix_hook_proofs_received_at", "received_at"),)


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
    # The desk of the inbox. Whether a promise is kept is computed, never kept here.
    assignee: Mapped[str | None]  # who deals with it
    snoozed_until_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    closed_why: Mapped[str | None]  # of CLOSED_WHY
    urgent_at: Mapped[datetime | None]
    urgent_by: Mapped[str | None]
    sentiment: Mapped[str | None]  # of SENTIMENTS, said by a person; None: nobody has said
    sentiment_by: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("raw_id", "kind"),
        Index("ix_responses_desk", "closed_at", "kind", "id"),
        Index("ix_responses_at", "kind", "happened_at"),
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


class PostLook(Base):
    """A post of which its provider is asked what it counts, and when next; None: no more."""

    __tablename__ = "post_looks"
    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id"), primary_key=True)
    message_id: Mapped[int] = mapped_column(index=True)
    account_id: Mapped[int]
    next_at: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]
    __table_args__ = (
        Index(
            "ix_post_looks_due",
            "account_id",
            "next_at",
            sqlite_where=sql("next_at IS NOT NULL"),
            postgresql_where=sql("next_at IS NOT NULL"),
        ),
    )


class PostFigure(Row, Base):
    """What a provider told once of a post: never changed, so that it can be seen how it grew."""

    __tablename__ = "post_figures"
    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id"))
    message_id: Mapped[int]
    figure: Mapped[str]  # of connectors.api.FIGURES
    value: Mapped[int]
    at: Mapped[datetime] = mapped_column("told_at")
    source: Mapped[str]  # the connector
    api: Mapped[str] = mapped_column(default="")  # the version of the provider's interface
    __table_args__ = (Index("ix_post_figures_message", "message_id", "told_at"),)


class Interaction(Row, Base):
    """A contact that no connector saw: a meeting, a call, a letter. Corrections are new rows."""

    __tablename__ = "interactions"
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"))
    programme_id: Mapped[int] = mapped_column(index=True)
    kind: Mapped[str]
    at: Mapped[datetime] = mapped_column("happened_at")
    place: Mapped[str] = mapped_column(default="")
    notes: Mapped[str] = mapped_column(default="")
    participants: Mapped[str] = mapped_column(default="", server_default="")
    by: Mapped[str] = mapped_column("written_by")
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("interactions.id"))
    created_at: Mapped[datetime]
    __table_args__ = (Index("ix_interactions_record", "stakeholder_id", "happened_at", "id"),)


class Attachment(Row, Base):
    """A file of a logged contact; its bytes lie beside the data, under `key`."""

    __tablename__ = "attachments"
    interaction_id: Mapped[int] = mapped_column(ForeignKey("interactions.id"), index=True)
    key: Mapped[str] = mapped_column("file_key", index=True)
    name: Mapped[str]
    bytes: Mapped[int]
    sha256: Mapped[str]
    by: Mapped[str] = mapped_column("added_by")
    created_at: Mapped[datetime]


class Intent(Row, Base):
    """Append-only: how willing a stakeholder is to work with us in a programme; the newest counts."""

    __tablename__ = "intents"
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"))
    programme_id: Mapped[int]
    state: Mapped[str]
    contribution: Mapped[str]  # what was agreed that they bring
    interaction_id: Mapped[int | None] = mapped_column(ForeignKey("interactions.id"))  # how we know
    by: Mapped[str] = mapped_column("stated_by")
    at: Mapped[datetime] = mapped_column("stated_at")
    __table_args__ = (
        Index("ix_intents_record", "stakeholder_id", "stated_at", "id"),
        Index("ix_intents_state", "state", "id"),
    )


class Commitment(Row, Base):
    """A promise, of ours or of theirs, with a day; what became of it has evidence."""

    __tablename__ = "commitments"
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"))
    programme_id: Mapped[int]
    ours: Mapped[bool]
    text: Mapped[str]
    due_on: Mapped[date] = mapped_column(Date)
    interaction_id: Mapped[int | None] = mapped_column(ForeignKey("interactions.id"))  # where it was made
    by: Mapped[str] = mapped_column("written_by")
    at: Mapped[datetime] = mapped_column("made_at")
    outcome: Mapped[str | None]  # kept | dropped
    evidence: Mapped[str | None]
    evidence_id: Mapped[int | None] = mapped_column(ForeignKey("interactions.id"))
    ended_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        Index("ix_commitments_record", "stakeholder_id", "made_at", "id"),
        Index(
            "ix_commitments_open",
            "due_on",
            "id",
            sqlite_where=sql("outcome IS NULL"),
            postgresql_where=sql("outcome IS NULL"),
        ),
    )


class ResponseMatch(Row, Base):
    """A person's decision who wrote something, with what was there before, so that it can be undone."""

    __tablename__ = "response_matches"
    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), index=True)
    stakeholder_id: Mapped[int] = mapped_column(ForeignKey("stakeholders.id"))
    before: Mapped[list[dict[str, Any]]]  # the responses it moved: id, stakeholder_id, matched_by
    identities: Mapped[dict[str, Any]]  # stakeholder id → how surely the handle was theirs
    by: Mapped[str] = mapped_column("decided_by")
    at: Mapped[datetime] = mapped_column("decided_at")
    undone_by: Mapped[str | None]
    undone_at: Mapped[datetime | None]


class ResponseNote(Row, Base):
    """A colleague's note on an item, which nobody outside ever sees."""

    __tablename__ = "response_notes"
    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), index=True)
    kind: Mapped[str] = mapped_column(default="note")  # note | check (asks for a look at an answer) | urgent
    text: Mapped[str] = mapped_column(default="")
    by: Mapped[str] = mapped_column("written_by")
    at: Mapped[datetime] = mapped_column("written_at")


class ResponseCall(Base):
    """A colleague who is called to an item by a note."""

    __tablename__ = "response_calls"
    note_id: Mapped[int] = mapped_column(ForeignKey("response_notes.id"), primary_key=True)
    who: Mapped[str] = mapped_column(primary_key=True, index=True)
    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"))


class ResponseLabel(Base):
    """What an item is about, in a colleague's word."""

    __tablename__ = "response_labels"
    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), primary_key=True)
    name_fold: Mapped[str] = mapped_column(primary_key=True, index=True)
    name: Mapped[str]
    by: Mapped[str] = mapped_column("set_by")
    at: Mapped[datetime] = mapped_column("set_at")


class ReplyDraft(Row, Base):
    """What somebody is writing as an answer; a fresh one says that they are at it."""

    __tablename__ = "reply_drafts"
    response_id: Mapped[int] = mapped_column(ForeignKey("responses.id"))
    by: Mapped[str] = mapped_column("written_by")
    text: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column("written_at")
    __table_args__ = (UniqueConstraint("response_id", "written_by"),)


class SavedReply(Edited, Base):
    """Words for an answer that is needed often, in one language; None: for all programmes."""

    __tablename__ = "saved_replies"
    programme_id: Mapped[int | None] = mapped_column(index=True)
    language: Mapped[str]
    name: Mapped[str]
    text: Mapped[str]
    author: Mapped[str]
    state: Mapped[str] = mapped_column(default="active")  # active | archived


class ResponsePromise(Edited, Base):
    """How soon a programme answers, in which hours, and who is told of urgent harm (`programme_id` 0: everywhere)."""

    __tablename__ = "response_promises"
    programme_id: Mapped[int] = mapped_column(unique=True)
    rules: Mapped[str]  # lines as promise.read takes them
    zone: Mapped[str]
    opens: Mapped[int]  # minutes after midnight
    closes: Mapped[int]
    weekdays: Mapped[list[int]] = mapped_column(Json)  # 0 is Monday
    bank_holidays: Mapped[str] = mapped_column(default="")  # england_and_wales, or none
    days_off: Mapped[list[str]]  # more days, 2026-12-29
    urgent_to: Mapped[list[str]]  # colleagues who are told of urgent harm
    by: Mapped[str] = mapped_column("set_by")


class SurveyAnswer(Row, Base):
    """What somebody answered to the question of a form; on their record where their link was personal."""

    __tablename__ = "survey_answers"
    form_id: Mapped[int] = mapped_column(ForeignKey("forms.id"))
    wording: Mapped[int]
    language: Mapped[str]
    value: Mapped[str] = mapped_column(default="")  # 1 to 5, or the place of a choice from 0 on
    text: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column("answered_at")
    stakeholder_id: Mapped[int | None] = mapped_column(ForeignKey("stakeholders.id"))
    delivery_id: Mapped[int | None]
    interaction_id: Mapped[int | None] = mapped_column(ForeignKey("interactions.id"))
    __table_args__ = (
        UniqueConstraint("form_id", "stakeholder_id"),
        Index("ix_survey_answers_form", "form_id", "id"),
        Index("ix_survey_answers_value", "form_id", "value"),
    )


class Task(Edited, Base):
    """What a colleague is to do by when, in a programme and about something there."""

    __tablename__ = "tasks"
    programme_id: Mapped[int] = mapped_column(index=True)
    title: Mapped[str]
    owner: Mapped[str]  # a colleague, by how acts name them
    due_at: Mapped[datetime]  # for a whole day: its last minute in `zone`
    whole_day: Mapped[bool] = mapped_column(default=False)
    zone: Mapped[str]
    remind_at: Mapped[datetime | None]  # told before it is due
    about_kind: Mapped[str | None]  # of TASK_ABOUT
    about_id: Mapped[int | None]
    state: Mapped[str] = mapped_column(default="open")  # of TASK_STATES
    by: Mapped[str] = mapped_column("given_by")  # whoever gave it to its owner
    given_at: Mapped[datetime]
    ended_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        Index("ix_tasks_due", "state", "due_at", "id"),
        Index("ix_tasks_owner", "owner", "state", "due_at", "id"),
        Index("ix_tasks_about", "about_kind", "about_id", "state"),
    )
