"""Finding by words what the caller may see: people, messages, and what came back.

Rules: somebody's name as it begins stands first; then whoever has the words anywhere in their name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select

from campaigns.messages.tables import Message, Variant
from campaigns.responses import search
from campaigns.responses.tables import Response
from campaigns.stakeholders import addresses, calling
from campaigns.stakeholders.tables import Address, Stakeholder
from campaigns.stakeholders.text import fold

from .. import channels
from ..access import involved, scoped
from . import Act

SHOWN = 20
TYPED_MAX = 200
# Beyond every letter: what begins with a text lies between it and itself with this behind.
LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, at most SHOWN of each."""

    people: Sequence[Stakeholder]
    messages: Sequence[Message]
    responses: Sequence[Response]


def find(act: Act, typed: str) -> Found:
    """Everything that holds these words, as far as the caller's roles and grants reach."""
    words = typed.strip()[:TYPED_MAX]
    return Found(
        _people(act, words) if act.caller.has("stakeholders:read") else (),
        _messages(act, words) if act.caller.has("messages:read") else (),
        _responses(act, words) if act.caller.has("responses:read") else (),
    )


def _people(act: Act, words: str) -> Sequence[Stakeholder]:
    visible = involved(select(Stakeholder), Stakeholder.id, act.caller, "stakeholders:read")
    visible = visible.where(Stakeholder.state == "active")
    begin = fold(words)
    if not begin:
        return ()
    by_name = visible.where(Stakeholder.name_fold.between(begin, begin + LAST)).order_by(
        Stakeholder.name_fold
    )
    found = list(act.session.scalars(by_name.limit(SHOWN)))
    if len(begin) >= search.WORD_MIN:
        reached = select(Address.stakeholder_id).where(_addressed(words)).limit(search.MATCHES)
        found += act.session.scalars(visible.where(Stakeholder.id.in_(reached)).limit(SHOWN))
    ids = search.ids(search.PEOPLE, words, _dialect(act))
    if ids is not None and len(found) < SHOWN:
        found += act.session.scalars(
            visible.where(Stakeholder.id.in_(ids)).order_by(Stakeholder.name_fold).limit(SHOWN)
        )
    return list(dict.fromkeys(found))[:SHOWN]


def _addressed(words: str) -> ColumnElement[bool]:
    """Whose address or handle begins like this, or whose telephone number is dialled so, from here or from abroad."""
    begins = {channel: fold(words).removeprefix("@") for channel in channels.of_people()}
    if words.startswith("+"):
        begins |= dict.fromkeys(calling.CHANNELS, re.sub(r"[\s().-]", "", words.replace("(0)", "")))
    return or_(
        addresses.meant(words, begins),
        *(
            and_(Address.channel == channel, Address.key.between(begin, begin + LAST))
            for channel, begin in begins.items()
        ),
    )


def _messages(act: Act, words: str) -> Sequence[Message]:
    by_name = search.ids(search.MESSAGES, words, _dialect(act))
    by_words = search.ids(search.VARIANTS, words, _dialect(act))
    if by_name is None or by_words is None:
        return ()
    items = select(Variant.content_id).where(Variant.id.in_(by_words))
    visible = scoped(select(Message), Message.programme_id, act.caller, "messages:read")
    found = visible.where(
        Message.kind == "message", or_(Message.id.in_(by_name), Message.content_id.in_(items))
    )
    return act.session.scalars(found.order_by(Message.id.desc()).limit(SHOWN)).all()


def _responses(act: Act, words: str) -> Sequence[Response]:
    ids = search.ids(search.RESPONSES, words, _dialect(act))
    if ids is None:
        return ()
    visible = scoped(select(Response), Response.programme_id, act.caller, "responses:read")
    found = visible.where(Response.id.in_(ids), Response.kind.in_(("reply", "mention")))
    return act.session.scalars(found.order_by(Response.id.desc()).limit(SHOWN)).all()


def _dialect(act: Act) -> str:
    return act.session.get_bind().dialect.name
