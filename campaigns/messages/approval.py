"""Approval: a decision on one digest of a message, by somebody who may give it.

Rules: the digest covers words, accounts, audience definition with its ceiling, schedule, purpose and strategy,
not who is in the segment today. At `light` pressing Send is the author's own approval; from `reviewed` up nobody
who wrote any of it decides.
Source: B5, B6, SM13.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..base import micros
from ..canonical import digest as digest_of
from ..errors import BadField, Conflict, FourEyes, Stale, said
from ..stakeholders.tables import Segment
from ..stakeholders.text import TEXT_MAX, clean
from ..strategies import agreements, programmes
from . import comments, content, media, templates, timing
from .tables import (
    STATE_WORDS,
    Approval,
    ContentItem,
    Message,
    MessageAccount,
    MessageRecipient,
    TemplateVersion,
)

DECISIONS = ("approved", "refused")
DECIDABLE = ("waiting", "scheduled", "held", "sending", "paused")


def digest(session: Session, message: Message) -> str:
    """What an approval of this message is an approval of, as it stands now."""
    item = session.get_one(ContentItem, message.content_id)
    names = sorted(content.names(session, item.id))
    return digest_of(
        {
            "content": {
                "id": item.id,
                "data": item.data,
                "variants": [list(one[:4]) for one in names],
                **media.approved(session, names),
                **({"together": item.together} if item.together else {}),
            },
            "accounts": _rows(session, message, MessageAccount.channel, MessageAccount.account_id),
            "audience": _audience(session, message),
            "schedule": {
                "at": None if message.at is None else micros(message.at),
                "wall": message.wall,
                "zone": message.zone,
                "useful_until_s": message.useful_until_s,
                **timing.agreed(session, message),
            },
            "purpose": message.purpose,
            "strategy_version": message.strategy_version_id,
            # Quiet periods can let urgent ones pass; the other lanes say only who goes before whom.
            **({"lane": message.lane} if message.lane == "urgent" else {}),
        }
    )


def standing(session: Session, message: Message) -> str:
    """`approved`, `missing`, or `stale` where something was changed since the approval."""
    if message.kind == "answer":
        return "approved"
    current = digest(session, message)
    if message.approved_digest == current or _by_template(session, message):
        return "approved"
    if agreements.has_urgent_go(session, message.id, current):
        return "approved"
    return "missing" if message.approved_digest is None else "stale"


def submit(session: Session, now: datetime, message: Message) -> None:
    """The author asks for it to go: at `light`, and for an answer, this is their own approval."""
    if message.kind == "answer" or assurance(session, message) == "light":
        _write(session, now, message, digest(session, message), "approved", message.author, "")


def renewed(session: Session, now: datetime, message: Message) -> str:
    """As `standing`, after at `light` an edit of what was approved has got the author's approval again."""
    stands = standing(session, message)
    if stands != "stale" or assurance(session, message) != "light":
        return stands
    _write(session, now, message, digest(session, message), "approved", message.author, "Edited")
    return "approved"


def decide(
    session: Session,
    now: datetime,
    message: Message,
    *,
    digest: str,
    decision: str,
    by: str,
    reason: str = "",
) -> Approval:
    """Approve or refuse what was read; settle the message afterwards.

    Stale when it has changed since; FourEyes, from `reviewed` up, for whoever wrote any of it.
    """
    if decision not in DECISIONS:
        raise BadField(said("decision is one of {decisions}", decisions=DECISIONS), pointer="/decision")
    if message.state not in DECIDABLE:
        raise Conflict(
            said("a message that is {state} is not waiting for a decision", state=STATE_WORDS[message.state])
        )
    if digest != digest_now(session, message):
        raise Stale("this has changed since you read it: read it again and decide on what you read")
    if decision == "approved" and comments.asked(session, message.id):
        raise Conflict("somebody asked for a change: settle that first")
    if decision == "approved" and assurance(session, message) != "light" and by in writers(session, message):
        raise FourEyes("whoever wrote any of it does not approve it: ask a second person")
    words = clean(reason, "/reason", length_max=TEXT_MAX, lines=True, empty=decision == "approved")
    return _write(session, now, message, digest, decision, by, words)


def history(session: Session, message: Message) -> list[Approval]:
    """Every decision on this message, oldest first."""
    decided = select(Approval).where(Approval.message_id == message.id)
    return list(session.scalars(decided.order_by(Approval.at, Approval.id)))


def writers(session: Session, message: Message) -> set[str]:
    """Everybody who wrote or changed something that the digest covers."""
    item = session.get_one(ContentItem, message.content_id)
    variants = content.newest(session, message.content_id)
    return {message.author, *message.editors, item.author, *(one.author for one in variants)} - {""}


def assurance(session: Session, message: Message) -> str:
    """The assurance of the message's programme: light, reviewed or agreed. Practice, which reaches nobody, is light."""
    return "light" if message.test else programmes.get(session, message.programme_id).assurance


# `decide` has an argument called digest.
digest_now = digest


def _audience(session: Session, message: Message) -> dict[str, Any]:
    found: dict[str, Any] = {"ceiling": message.ceiling}
    if message.topic_id is not None:
        found["topic"] = message.topic_id
    if message.segment_id is not None:
        segment = session.get_one(Segment, message.segment_id)
        return found | {"segment": segment.id, "rule": segment.rule_sha256}
    people = _rows(session, message, MessageRecipient.stakeholder_id, MessageRecipient.address_id)
    return found | {"recipients": people}


def _rows(session: Session, message: Message, *columns: Any) -> list[list[Any]]:
    """Rows of a table of the message as lists, in the order of its columns."""
    table = columns[0].class_
    found = session.execute(select(*columns).where(table.message_id == message.id).order_by(*columns))
    return [list(row) for row in found]


def _by_template(session: Session, message: Message) -> bool:
    """Whether all words come from template versions approved for use with any data, and nothing goes beside them."""
    variants = content.names(session, message.content_id)
    level = assurance(session, message)
    return bool(variants) and all(_approved_words(session, one, level) for one in variants)


def _approved_words(session: Session, variant: content.Name, level: str) -> bool:
    if variant.template_version_id is None or variant.media:
        return False
    version = session.get_one(TemplateVersion, variant.template_version_id)
    return templates.counts_as_approved(version, level)


def _write(
    session: Session, now: datetime, message: Message, digest: str, decision: str, by: str, reason: str
) -> Approval:
    made = Approval(message_id=message.id, decision=decision, digest=digest, by=by, reason=reason, at=now)
    message.approved_digest = digest if decision == "approved" else None
    message.touch(now)
    session.add(made)
    session.flush()
    return made
