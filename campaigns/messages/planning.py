"""What stands on the calendar, and what is odd about it: too close together, or the same words again.

Rules: the calendar shows what people plan, so no answers, no tests and nothing that programs send to one person.
A warning never stops a message; what a network itself forbids is an obstacle (`repeated`). Every look compares a
bounded number of messages.
Source: C6, C13.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, select, union
from sqlalchemy.orm import Session

from . import alike, quiet, uneven
from .tables import Message, MessageAccount, MessageRecipient, Occurrence, Variant

# Two messages to one audience within this are told as too close.
CLOSE = timedelta(hours=24)
# The same words to the same account within this are told.
ALIKE_WITHIN = timedelta(days=7)
# Each message is compared with so many before it, and for one message so many are read.
NEIGHBOURS = 8
READ_MAX = 60
OVER = ("cancelled",)


@dataclass(frozen=True, slots=True)
class Planned:
    """One message at its instant, as it is compared. `named`: its recipients were named one by one."""

    message_id: int
    due_at: datetime
    segment_id: int | None
    named: bool
    accounts: frozenset[int]
    texts: dict[str, list[alike.Runs]] = field(default_factory=dict)  # by channel


def times(start: datetime, end: datetime) -> Select[Any]:
    """The SELECT of (message_id, due_at) of everything planned from `start` until before `end`, drafts included."""
    drafts = select(Message.id.label("message_id"), Message.at.label("due_at")).where(
        Message.state == "draft", Message.at >= start, Message.at < end
    )
    planned = select(Occurrence.message_id, Occurrence.due_at).where(
        Occurrence.state.in_(("planned", "released", "finished", "cancelled")),
        Occurrence.due_at >= start,
        Occurrence.due_at < end,
        Occurrence.kind == "real",
    )
    # A draft that was given a time has an occurrence too: the union tells it once.
    both = union(planned, drafts).subquery()
    return select(both.c.message_id, both.c.due_at)


def shown(start: datetime, end: datetime) -> Select[Any]:
    """The SELECT of (message, due_at) of what the calendar shows in this time, in its order."""
    when = times(start, end).subquery()
    return (
        select(Message, when.c.due_at)
        .join(when, when.c.message_id == Message.id)
        .where(Message.kind == "message", Message.test.is_(False), Message.lane != "transactional")
        .order_by(when.c.due_at, Message.id)
    )


def planned_at(session: Session, message: Message) -> datetime | None:
    """When a message goes next, else when it went last; None where nobody has said."""
    real = select(Occurrence.due_at).where(Occurrence.message_id == message.id, Occurrence.kind == "real")
    coming = real.where(Occurrence.state.in_(("planned", "released"))).order_by(Occurrence.due_at).limit(1)
    gone = real.order_by(Occurrence.due_at.desc()).limit(1)
    found: datetime | None = session.scalar(coming) or session.scalar(gone)
    return message.at if message.state == "draft" else found or message.at


def warnings(
    session: Session, message: Message, now: datetime, programmes: Collection[int] | None = None
) -> list[dict[str, Any]]:
    """What is odd about one message among its neighbours, each {"kind", …facts}; [] where nothing is.

    same_minute (account_id), same_audience (segment_id), same_words and similar_words (account_id, likeness), each
    with message_id and at of the other; quiet_period (name, until); and what is odd about its words by themselves (see
    `uneven`). `programmes`: whose messages may be told of.
    """
    at = max(now, planned_at(session, message) or now)
    near = shown(at - ALIKE_WITHIN, at + ALIKE_WITHIN).where(
        Message.id != message.id, Message.state.not_in(OVER)
    )
    mine = select(MessageAccount.account_id).where(MessageAccount.message_id == message.id)
    sharing = select(MessageAccount.message_id).where(MessageAccount.account_id.in_(mine))
    same = Message.id.in_(sharing)
    near = near.where(same | (Message.segment_id == message.segment_id) if message.segment_id else same)
    if programmes is not None:
        near = near.where(Message.programme_id.in_(programmes))
    others = [(one, due) for one, due in session.execute(near.limit(READ_MAX)).all()]
    own, *rest = read(session, [(message, at), *others])
    found = [told for other in rest for told in between(own, other)]
    return (
        found
        + [
            {"kind": quiet.KIND, "name": one.name, "until": one.until_at}
            for one in quiet.holding(session, message, at)
        ]
        + uneven.warnings(session, message.content_id)
    )


def look(session: Session, rows: Sequence[tuple[Message, datetime]]) -> dict[int, list[dict[str, Any]]]:
    """Conflicts and repeated words among many messages in the order of their times, by message id."""
    items = read(session, [row for row in rows if row[0].state not in OVER])
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for place, one in enumerate(items):
        before = items[max(0, place - NEIGHBOURS) : place]
        for other in (near for near in before if near.message_id != one.message_id):
            for fact in _facts(one, other):
                found[one.message_id].append(_about(fact, other))
                found[other.message_id].append(_about(fact, one))
    return found


def read(session: Session, rows: Sequence[tuple[Message, datetime]]) -> list[Planned]:
    """Messages with accounts and words as they are compared, in three statements whatever their number."""
    ids = [message.id for message, _ in rows]
    accounts: dict[int, dict[int, str]] = defaultdict(dict)
    for one in session.scalars(select(MessageAccount).where(MessageAccount.message_id.in_(ids))):
        accounts[one.message_id][one.account_id] = one.channel
    recipient = select(MessageRecipient.message_id).where(MessageRecipient.message_id == Message.id)
    someone = select(Message.id).where(Message.id.in_(ids), recipient.exists())
    named = set(session.scalars(someone))
    texts = _texts(session, {message.content_id for message, _ in rows})
    return [
        Planned(
            message.id, due_at, message.segment_id, message.id in named, frozenset(accounts[message.id]),
            {channel: texts[message.content_id, channel] for channel in set(accounts[message.id].values())},
        )
        for message, due_at in rows
    ]  # fmt: skip


def languages(session: Session, contents: Iterable[int]) -> dict[int, list[str]]:
    """The languages in which each content item is written now."""
    query = _current(contents).with_only_columns(Variant.content_id, Variant.language).distinct()
    found: dict[int, list[str]] = defaultdict(list)
    for content_id, language in session.execute(query.order_by(Variant.language)):
        found[content_id].append(language)
    return found


def between(one: Planned, other: Planned) -> list[dict[str, Any]]:
    """What is odd about `one` because of `other`."""
    return [_about(fact, other) for fact in _facts(one, other)]


def repeated(
    session: Session, message: Message, now: datetime, account_id: int, channel: str, within: timedelta
) -> int | None:
    """The earlier message that says the same on this account within this time, where there is one."""
    if message.started_at is not None:
        return None
    at = max(now, planned_at(session, message) or now)
    through = select(MessageAccount.message_id).where(MessageAccount.account_id == account_id)
    when = times(at - within, at + timedelta(microseconds=1)).subquery()
    earlier = (
        select(Message, when.c.due_at)
        .join(when, when.c.message_id == Message.id)
        .where(
            Message.id.in_(through), Message.id != message.id, Message.test == message.test,
            Message.state.not_in(("draft", "waiting", *OVER)),
            (when.c.due_at < at) | (Message.id < message.id),
        )
        .order_by(when.c.due_at.desc())
        .limit(READ_MAX)
    )  # fmt: skip
    others = [(one, due) for one, due in session.execute(earlier).all()]
    if not others:
        return None
    own, *rest = read(session, [(message, at), *others])
    mine = own.texts.get(channel, [])
    return next(
        (one.message_id for one in rest if alike.likeness(mine, one.texts.get(channel, [])) == 1), None
    )


def _facts(one: Planned, other: Planned) -> list[dict[str, Any]]:
    """What is odd between two messages, whichever of them is asked about."""
    shared = sorted(one.accounts & other.accounts)
    apart = abs(one.due_at - other.due_at)
    found: list[dict[str, Any]] = []
    if shared and _minute(one.due_at) == _minute(other.due_at):
        found.append({"kind": "same_minute", "account_id": shared[0]})
    if one.segment_id is not None and one.segment_id == other.segment_id and apart < CLOSE:
        found.append({"kind": "same_audience", "segment_id": one.segment_id})
    same_readers = one.segment_id == other.segment_id and not one.named and not other.named
    if shared and same_readers and apart <= ALIKE_WITHIN:
        channels = one.texts.keys() & other.texts.keys()
        share = max((alike.likeness(one.texts[each], other.texts[each]) for each in channels), default=0.0)
        if share >= alike.NEARLY:
            kind = "same_words" if share == 1 else "similar_words"
            found.append({"kind": kind, "account_id": shared[0], "likeness": share})
    return found


def _about(fact: dict[str, Any], other: Planned) -> dict[str, Any]:
    return {**fact, "message_id": other.message_id, "at": other.due_at}


def _texts(session: Session, contents: Iterable[int]) -> dict[tuple[int, str], list[alike.Runs]]:
    """The beginning of the current words, and the pictures, of each content item and channel, one per language."""
    begins = func.substr(Variant.text, 1, alike.READ_MAX)
    query = _current(contents).with_only_columns(Variant.content_id, Variant.channel, begins, Variant.media)
    found: dict[tuple[int, str], list[alike.Runs]] = defaultdict(list)
    for content_id, channel, text, pictures in session.execute(query):
        found[content_id, channel].append(alike.runs(text, pictures or ()))
    return found


def _current(contents: Iterable[int]) -> Select[Variant]:
    """The SELECT of the newest variants of some content items, without the removed."""
    last = (
        select(Variant.content_id, Variant.channel, Variant.language, func.max(Variant.n).label("n"))
        .where(Variant.content_id.in_(set(contents)))
        .group_by(Variant.content_id, Variant.channel, Variant.language)
        .subquery()
    )
    same = [getattr(Variant, name) == last.c[name] for name in ("content_id", "channel", "language", "n")]
    return select(Variant).join(last, and_(*same)).where(Variant.removed.is_(False))


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
