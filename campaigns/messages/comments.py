"""Comments: what colleagues say about a message, pinned to the form that they read.

Rules: one that asks for a change keeps the message from being approved and from going until somebody settles it.
Source: I5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..errors import AlreadyDone, NotFound
from ..stakeholders.text import TEXT_MAX, clean
from .tables import Message, MessageCall, MessageComment


def write(
    session: Session,
    now: datetime,
    message: Message,
    *,
    digest: str,
    text: str,
    by: str,
    asks: bool = False,
    calls: Iterable[str] = (),
) -> MessageComment:
    """Say something about the form with this digest; `asks` for a change, `calls` colleagues to it."""
    words = clean(text, "/text", length_max=TEXT_MAX, lines=True)
    made = MessageComment(message_id=message.id, digest=digest, text=words, by=by, at=now, asks=asks)
    session.add(made)
    session.flush()
    session.add_all(MessageCall(comment_id=made.id, who=who) for who in sorted(set(calls)))
    session.flush()
    return made


def called(session: Session, comments: Collection[int]) -> dict[int, list[str]]:
    """Whom each of these comments calls."""
    found: dict[int, list[str]] = {number: [] for number in comments}
    calls = select(MessageCall).where(MessageCall.comment_id.in_(comments)).order_by(MessageCall.who)
    for one in session.scalars(calls) if comments else ():
        found[one.comment_id].append(one.who)
    return found


def listed(session: Session, message_id: int) -> list[MessageComment]:
    """Everything said about a message, oldest first."""
    mine = select(MessageComment).where(MessageComment.message_id == message_id)
    return list(session.scalars(mine.order_by(MessageComment.id)))


def asked(session: Session, message_id: int) -> list[MessageComment]:
    """The changes that are asked for and not settled."""
    mine = select(MessageComment).where(MessageComment.message_id == message_id, MessageComment.asks)
    return list(session.scalars(mine.where(MessageComment.settled_at.is_(None)).order_by(MessageComment.id)))


def settle(session: Session, now: datetime, message: Message, comment_id: int, by: str) -> MessageComment:
    """Say that what was asked for is done, or is not needed."""
    found = session.get(MessageComment, comment_id)
    if found is None or found.message_id != message.id:
        raise NotFound("there is no such comment")
    if found.settled_at is not None:
        raise AlreadyDone("this is settled already")
    found.settled_by, found.settled_at = by, now
    session.flush()
    return found
