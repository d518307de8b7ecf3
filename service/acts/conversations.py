"""One item of the inbox with what stands around it: what they wrote, what we sent and answered, what colleagues say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from campaigns.delivery.tables import Account, Delivery
from campaigns.errors import DomainError
from campaigns.messages.tables import ContentItem, Message, Variant
from campaigns.responses import decisions, desk, effects, promise
from campaigns.responses.tables import (
    ReplyDraft,
    Response,
    ResponseCandidate,
    ResponseMatch,
    ResponseNote,
)
from campaigns.stakeholders import kin
from campaigns.stakeholders.tables import Stakeholder
from campaigns.strategies.tables import Programme
from connectors.api import Outbound

from ..access import involved, scoped
from . import Act, inbox, messages, responses

SENT_MAX = 8
# What of the ledger belongs in a conversation: what went out, or may have.
WENT = ("sent", "bounced", "failed", "unknown")


@dataclass(frozen=True, slots=True)
class Said:
    """One thing in a conversation. `kind`: theirs | ours (an answer) | sent (a message of a campaign)."""

    kind: str
    at: datetime
    subject: str
    text: str
    language: str = ""
    by: str = ""
    state: str = ""
    response_id: int | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """An item with everything its page shows. `newest_answer` is the newest answer a colleague has given.

    `asks` is what became of a wish to get no more: "" where there is none, asked | stopped.
    """

    line: inbox.Line
    account: Account
    programme: Programme | None
    language: str
    said: list[Said]
    answered: Outbound | None
    notes: list[tuple[ResponseNote, list[str]]]
    draft: ReplyDraft | None
    others: list[ReplyDraft]
    candidates: list[tuple[ResponseCandidate, Stakeholder]]
    decision: ResponseMatch | None
    newest_answer: int
    asks: str


def read(act: Act, response_id: int) -> Conversation:
    """One item; NotFound where the caller has no grant."""
    found = responses.get(act, response_id)
    (line,) = inbox.lines(act, [found])
    theirs = _thread(act, found)
    ours = _answers(act, [one.id for one in theirs])
    drafts = desk.drafts(act.session, [found.id])
    said = [*map(_theirs, theirs), *ours, *_sent(act, found)]
    return Conversation(
        line=line,
        account=act.session.get_one(Account, found.account_id),
        programme=act.session.get(Programme, found.programme_id) if found.programme_id else None,
        language=inbox.reply_language(act, found),
        said=sorted(said, key=lambda one: one.at),
        answered=_answered(act, found),
        notes=desk.notes(act.session, found),
        draft=next((one for one in drafts if one.by == act.caller.actor), None),
        others=[one for one in drafts if one.by != act.caller.actor],
        candidates=_candidates(act, found),
        decision=decisions.latest(act.session, found),
        newest_answer=newest_answer(ours, act.caller.actor),
        asks=asks(act, found),
    )


def answered_meanwhile(act: Act, response_id: int, known: int) -> str | None:
    """Who else has answered in this conversation since its newest answer was `known`."""
    theirs = _thread(act, responses.get(act, response_id))
    newer = [
        one
        for one in _answers(act, [row.id for row in theirs])
        if one.by != act.caller.actor and (one.message_id or 0) > known
    ]
    return newer[-1].by if newer else None


def newest_answer(ours: Iterable[Said], actor: str) -> int:
    """The newest answer by a colleague, as a number to compare with later; 0 for none."""
    return max((one.message_id or 0 for one in ours if one.by != actor), default=0)


def asks(act: Act, response: Response) -> str:
    """What became of a wish to get no more: "" where there is none, asked | stopped."""
    if not response.meta.get("asks_to_stop") or not (response.from_key or response.stakeholder_id):
        return ""
    return "stopped" if effects.is_stopped(act.session, response) else "asked"


def hours(act: Act, response: Response) -> promise.Hours:
    """The hours that are kept where an item belongs."""
    return promise.Desk(act.session).hours(response.programme_id)


def _thread(act: Act, found: Response) -> list[Response]:
    reach = act.caller.programmes(inbox.READ)
    return [
        one
        for one in desk.thread(act.session, found)
        if reach is None or one.programme_id in reach or one.id == found.id
    ]


def _theirs(one: Response) -> Said:
    language = str(one.meta.get("language") or "")
    return Said("theirs", one.at, one.subject, one.text, language, response_id=one.id)


def _answers(act: Act, ids: Sequence[int]) -> list[Said]:
    """What we answered, by whom, in the words as they went."""
    query = (
        select(Message, Variant, ContentItem, Delivery.state)
        .join(ContentItem, ContentItem.id == Message.content_id)
        .join(Variant, Variant.content_id == ContentItem.id)
        .outerjoin(Delivery, Delivery.message_id == Message.id)
        .where(Message.answers_id.in_(ids), Variant.removed.is_(False))
        .order_by(Message.id, Variant.n)
    )
    said = {}
    for message, variant, item, state in act.session.execute(query):
        # An answer that could be read as a template is carried as data.
        held = item.data if variant.text == "{{ data.text }}" else {}
        said[message.id] = Said(
            "ours", message.created_at, held.get("subject", variant.subject), held.get("text", variant.text),
            variant.language, message.author, state or message.state, message.answers_id, message.id,
        )  # fmt: skip
    return list(said.values())


def _sent(act: Act, found: Response) -> list[Said]:
    """The latest messages of campaigns to the same person."""
    if found.stakeholder_id is None:
        return []
    records = kin.records(act.session, found.stakeholder_id)
    query: Any = (
        select(Delivery, Message, Variant.subject)
        .join(Message, Message.id == Delivery.message_id)
        .outerjoin(Variant, Variant.id == Delivery.variant_id)
        .where(
            Delivery.stakeholder_id.in_(records), Delivery.settled_at.is_not(None),
            Delivery.state.in_(WENT), Message.kind == "message",
        )
        .order_by(Delivery.settled_at.desc(), Delivery.id.desc())
        .limit(SENT_MAX)
    )  # fmt: skip
    rows = act.session.execute(scoped(query, Message.programme_id, act.caller, "messages:read"))
    return [
        Said(
            "sent", row.settled_at or row.due_at, message.name or subject or "", "", row.language, message.author,
            row.state, None, message.id,
        )
        for row, message, subject in rows
    ]  # fmt: skip


def _answered(act: Act, found: Response) -> Outbound | None:
    """The words they answer to, exactly as they got them."""
    if found.delivery_id is None:
        return None
    try:
        return messages.words_of_delivery(act, found.delivery_id)
    except DomainError:
        return None  # erased, of another programme, or with words that are no longer complete


def _candidates(act: Act, found: Response) -> list[tuple[ResponseCandidate, Stakeholder]]:
    """Who it may be from, as far as the caller reaches them, the likeliest first."""
    if found.matched_by is not None:
        return []
    query: Any = (
        select(ResponseCandidate, Stakeholder)
        .join(Stakeholder, Stakeholder.id == ResponseCandidate.stakeholder_id)
        .where(ResponseCandidate.response_id == found.id, Stakeholder.state == "active")
        .order_by(ResponseCandidate.score.desc(), ResponseCandidate.stakeholder_id)
    )
    query = involved(query, Stakeholder.id, act.caller, inbox.PEOPLE)
    return [(candidate, person) for candidate, person in act.session.execute(query)]
