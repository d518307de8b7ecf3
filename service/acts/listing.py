"""Messages and rows of the ledger as lists tell them: with the names of what they only point to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CompoundSelect, select, union_all

from campaigns.delivery import reconcile
from campaigns.delivery.tables import Account, Attempt, Delivery
from campaigns.messages.tables import ContentItem, Message, MessageAccount, Occurrence, Variant
from campaigns.responses.answers import NAMED
from campaigns.stakeholders.tables import Address, Stakeholder, Suppression

from . import Act


@dataclass(frozen=True, slots=True)
class Called:
    """What a message is called: its own name, else that of its words; an answer, whom it `answers`."""

    title: str
    answers: bool


def called(act: Act, numbers: Iterable[int | None]) -> dict[int, Called]:
    """What each of these messages is called, in one statement."""
    wanted = {one for one in numbers if one is not None}
    if not wanted:
        return {}
    named = select(Message.id, Message.kind, Message.name, ContentItem.name).join(
        ContentItem, ContentItem.id == Message.content_id
    )
    found = act.session.execute(named.where(Message.id.in_(wanted)))
    return {number: _called(kind, own, words) for number, kind, own, words in found}


def _called(kind: str, own: str, words: str) -> Called:
    answers = kind == "answer" and not own
    return Called(own or (words.removeprefix(NAMED) if answers else words), answers)


@dataclass(frozen=True, slots=True)
class Listed:
    """A message as lists tell it."""

    message: Message
    called: Called
    channels: list[str]
    counts: dict[str, int]


def told(act: Act, rows: Sequence[Message]) -> list[Listed]:
    """Messages with their names, channels and counts, in a fixed number of statements."""
    numbers = [one.id for one in rows]
    calls = called(act, numbers)
    channels: dict[int, list[str]] = {number: [] for number in numbers}
    mine = select(MessageAccount.message_id, MessageAccount.channel).where(
        MessageAccount.message_id.in_(numbers)
    )
    for number, channel in act.session.execute(mine.distinct().order_by(MessageAccount.channel)):
        channels[number].append(channel)
    counts = reconcile.counts_of(act.session, numbers)
    return [Listed(one, calls[one.id], channels[one.id], counts[one.id]) for one in rows]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the ledger with the names that it only points to."""

    delivery: Delivery
    who: str
    account: str
    called: Called
    attempts: list[Attempt]
    language: str  # of the words that were chosen, "" for none
    test: bool
    stop: str  # why they are marked Do not contact now, where that left them out


def stops_of(act: Act, numbers: Iterable[int | None]) -> dict[int, str]:
    """Why each of these people is marked Do not contact now, by themselves or by an address of theirs."""
    wanted = {one for one in numbers if one is not None}
    if not wanted:
        return {}
    stands = Suppression.lifted_at.is_(None) & (
        Suppression.until_at.is_(None) | (Suppression.until_at > act.now)
    )
    theirs = select(Address.stakeholder_id, Suppression.reason).join(
        Suppression, (Suppression.channel == Address.channel) & (Suppression.address_key == Address.key)
    )
    found: CompoundSelect[Any] = union_all(
        theirs.where(Address.stakeholder_id.in_(wanted), Address.state == "active", stands),
        select(Suppression.stakeholder_id, Suppression.reason).where(
            Suppression.stakeholder_id.in_(wanted), Suppression.address_key.is_(None), stands
        ),
    )
    return {number: reason for number, reason in act.session.execute(found) if number is not None}


def rows_told(act: Act, rows: Sequence[Delivery]) -> list[Row]:
    """Rows of the ledger with who, through what, which message, and what was tried."""

    def named(kind: Any, column: Any, numbers: set[int | None]) -> dict[int, str]:
        return dict(act.session.execute(select(kind.id, column).where(kind.id.in_(numbers - {None}))).all())

    people = named(Stakeholder, Stakeholder.name, {one.stakeholder_id for one in rows})
    through = named(Account, Account.name, {one.account_id for one in rows})
    spoken = named(Variant, Variant.language, {one.variant_id for one in rows})
    kinds = named(Occurrence, Occurrence.kind, {one.occurrence_id for one in rows})
    stops = stops_of(act, [one.stakeholder_id for one in rows if one.reason == "suppressed"])
    calls = called(act, [one.message_id for one in rows])
    tried: dict[int, list[Attempt]] = {}
    asked = (
        select(Attempt)
        .where(Attempt.delivery_id.in_([one.id for one in rows]))
        .order_by(Attempt.n, Attempt.seq)
    )
    for attempt in act.session.scalars(asked):
        tried.setdefault(attempt.delivery_id, []).append(attempt)
    return [
        Row(
            one, people.get(one.stakeholder_id or 0, ""), through.get(one.account_id, ""),
            calls[one.message_id], tried.get(one.id, []), spoken.get(one.variant_id or 0, ""),
            kinds.get(one.occurrence_id) == "test", stops.get(one.stakeholder_id or 0, ""),
        )
        for one in rows
    ]  # fmt: skip
