"""The language pair: a message waits until its words are there in every language its programme's policy names.

Rules: a letter in two languages is made of the words of both, so it needs no rule of its own; an answer to somebody
who wrote to us is never held.
Source: the gates, the pack *Public body in Wales*.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..errors import said
from ..strategies import policies
from . import content
from .tables import Message, MessageAccount

KIND = "language_missing"


def obstacles(session: Session, message: Message, now: datetime) -> list[dict[str, Any]]:
    """One obstacle for each channel and language without words; a channel without any is told elsewhere."""
    wanted = policies.of(session, message.programme_id).languages if message.kind != "answer" else ()
    if not wanted:
        return []
    channels = select(MessageAccount.channel).where(MessageAccount.message_id == message.id).distinct()
    written: dict[str, set[str]] = {}
    for one in content.names(session, message.content_id):
        written.setdefault(one.channel, set()).add(one.language.split("-")[0].lower())
    return [
        {
            "kind": KIND,
            "detail": said("The policy asks for words in {language} for {channel} too", language=tag, channel=one),
            "language": tag,
            "channel": one,
        }
        for one in sorted(session.scalars(channels))
        if one in written
        for tag in wanted
        if tag.split("-")[0].lower() not in written[one]
    ]  # fmt: skip
