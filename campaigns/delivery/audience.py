"""Who gets a message and who is left out, because…: one function for the rehearsal and for the release.

Rules: one row for every intended recipient, the excluded included; pages in the order of stakeholder ids, so that
an interrupted release goes on where it stopped; nothing here writes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, bindparam, func, select
from sqlalchemy.orm import Session

from ..base import given
from ..messages import content, hours, render, timing
from ..messages.subset import LATE
from ..messages.tables import ContentItem, Message, MessageAccount, MessageRecipient, Timing, Variant
from ..stakeholders import consent, segments
from ..stakeholders.tables import Address, Segment, Stakeholder
from ..strategies.tables import StrategyVersion
from . import accounts, follow_up, rollout, states, wishes
from .spread import Spread
from .tables import Account

PAGE = 500


class Reader(NamedTuple):
    """What rows are made from of a stakeholder."""

    id: int
    state: str
    name: str
    languages: list[str]
    attrs: dict[str, Any]
    zone: str | None


class Reached(NamedTuple):
    """What rows are made from of an address."""

    id: int
    key: str


@dataclass(frozen=True, slots=True)
class Words:
    """What is written to readers of some languages: a variant, one below it or none, and the values both need."""

    variant: Variant | None
    below: Variant | None
    slots: list[str]


@dataclass
class Plan:
    """What stays the same for every page of one message's audience. `seen` are address keys that are written to.

    `stamp` is what `stamp` said when it was made, `after` the last stakeholder whose rows were made from it.
    """

    message: Message
    direct: list[Account]
    broadcast: list[Account]
    variants: list[Variant]
    data: dict[str, Any]
    default_language: str
    together: list[str] | None = None
    stamp: tuple[Any, ...] = ()
    after: int = -1
    timing: Timing | None = None
    spread: Spread | None = None
    at: datetime | None = None  # when it goes to whoever is not told another instant
    occurrence_id: int = 0  # the time it is made for; 0: none yet
    seen: set[tuple[int, str]] = field(default_factory=set)
    words: dict[tuple[str, ...], Words] = field(default_factory=dict)


def open_plan(session: Session, message: Message) -> Plan:
    """Everything of a message that its rows are made from."""
    item = session.get_one(ContentItem, message.content_id)
    version = session.get_one(StrategyVersion, message.strategy_version_id)
    found = accounts.of_message(session, message.id)
    variants = content.current(session, item.id)
    language = str(version.body.get("default_language") or "en")
    if message.kind == "answer":  # written once, in the language of the letter, whatever else they read
        language = next((variant.language for variant in variants), language)
    return Plan(
        message=message,
        direct=[account for account in found if not account.broadcast],
        broadcast=[account for account in found if account.broadcast],
        variants=variants,
        data=dict(item.data),
        default_language=language,
        together=item.together,
        stamp=stamp(session, message.id),
        timing=timing.of(session, message),
    )


def stamp(session: Session, message_id: int) -> tuple[Any, ...]:
    """What changes whenever anything is edited that a plan is made from."""
    return tuple(session.execute(_STAMP, {"message": message_id}).one())


def posts(plan: Plan) -> list[dict[str, Any]]:
    """One row for each account that posts to everyone."""
    rows = []
    for account in plan.broadcast:
        languages = [account.language] if account.language else []
        variant = content.choose(plan.variants, account.channel, languages, plan.default_language)
        row = _row(plan, account, target=account.id, variant=variant)
        rows.append(_with_words(row, _worded(variant), None, plan.data))
    return rows


def page(
    session: Session, plan: Plan, after_id: int, now: datetime
) -> tuple[list[dict[str, Any]], int | None]:
    """The rows of the next PAGE stakeholders after `after_id`, and the last of them (None: nobody is left)."""
    if not plan.direct:
        return [], None
    people = [Reader(*row) for row in session.execute(_people(session, plan.message, after_id, now))]
    if not people:
        return [], None
    rows = [row for account in plan.direct for row in _direct(session, plan, account, people, now)]
    return rows, people[-1].id


def anybody(session: Session, plan: Plan, after_id: int, now: datetime) -> bool:
    """Whether more stakeholders follow after `after_id`."""
    return session.execute(_people(session, plan.message, after_id, now).limit(1)).first() is not None


def for_one(session: Session, plan: Plan, stakeholder_id: int, now: datetime) -> list[dict[str, Any]]:
    """The rows of one stakeholder as if nothing were said against them; a value their words miss stays missing."""
    person = Reader(*session.execute(select(*_READER).where(Stakeholder.id == stakeholder_id)).one())
    rows = []
    for account in plan.direct:
        row = _row(plan, account, target=person.id, person=person)
        rows.append(_for_reader(plan, account, person, row))
    return rows


def _people(session: Session, message: Message, after_id: int, now: datetime) -> Select[Any]:
    chosen = timing.of(session, message)
    if chosen is not None and chosen.after_id is not None:
        found = follow_up.people(chosen)
    elif message.segment_id is not None:
        found = segments.inside(session, session.get_one(Segment, message.segment_id), now=now)
    else:
        named = select(MessageRecipient.stakeholder_id).where(MessageRecipient.message_id == message.id)
        found = select(Stakeholder).where(Stakeholder.id.in_(named))
    found = found.with_only_columns(*_READER).where(Stakeholder.id > after_id)
    return found.order_by(Stakeholder.id).limit(PAGE)


def _direct(
    session: Session, plan: Plan, account: Account, people: Sequence[Reader], now: datetime
) -> list[dict[str, Any]]:
    reached = _addresses(session, plan.message, account.channel, people)
    due = _due(session, plan, people, now)
    against = _against(session, plan, account, people, reached, due, now)
    rows = []
    for person in people:
        if not reached[person.id]:
            reason = "erased" if person.state == "erased" else "no_address"
            rows.append(_row(plan, account, target=person.id, person=person, reason=reason))
        for address in reached[person.id]:
            at = due.get(person.id, plan.at)
            shut = "outside_window" if person.id in due and at is None else None
            why = against.get((person.id, address.key)) or shut
            row = _for_person(plan, account, person, address, why)
            rows.append(row | {"due_at": at} if at is not None else row)
    return rows


def _against(
    session: Session,
    plan: Plan,
    account: Account,
    people: Sequence[Reader],
    reached: dict[int, list[Reached]],
    due: dict[int, datetime | None],
    now: datetime,
) -> dict[tuple[int, str], str]:
    """What stands against each person and address key at the instant they get it: what is over by then does not."""
    together: dict[datetime, list[int]] = defaultdict(list)
    for person in people:
        together[max(now, due.get(person.id) or plan.at or now)].append(person.id)
    found: dict[tuple[int, str], str] = {}
    for at, numbers in together.items():
        pairs = [(number, address.key) for number in numbers for address in reached[number]]
        decisions = consent.decide(
            session, at, purpose=plan.message.purpose, channel=account.channel, pairs=pairs,
            answer=plan.message.kind == "answer",
        )  # fmt: skip
        may = {number for (number, _), one in decisions.items() if one.reason is None}
        chosen = wishes.left_out(session, at, plan.message, plan.occurrence_id, account.channel, may)
        told = {(number, key): one.reason or chosen.get(number) for (number, key), one in decisions.items()}
        found |= {pair: reason for pair, reason in told.items() if reason is not None}
    return found


def _due(session: Session, plan: Plan, people: Sequence[Reader], now: datetime) -> dict[int, datetime | None]:
    """When those get it who get it at an instant of their own; None: they may not be written to then."""
    at = plan.at or now
    own: dict[int, datetime | None] = {}
    for person in people if plan.timing is not None else ():
        mine = plan.spread.due(person.zone) if plan.spread is not None else at
        own[person.id] = mine + rollout.delay(plan.timing, person.id)
    wanted = {person.id: own.get(person.id) or at for person in people}
    return own | hours.shut(session, plan.message, wanted)


def _for_person(
    plan: Plan, account: Account, person: Reader, address: Reached, reason: str | None
) -> dict[str, Any]:
    if reason is None and (account.id, address.key) in plan.seen:
        reason = "duplicate_address"
    row = _row(plan, account, target=person.id, person=person, address=address, reason=reason)
    row = _for_reader(plan, account, person, row)
    if row["state"] == states.QUEUED:
        plan.seen.add((account.id, address.key))
    return row


def _addresses(
    session: Session, message: Message, channel: str, people: Sequence[Reader]
) -> dict[int, list[Reached]]:
    """The address each person is written to: those named in the message, else their oldest active one."""
    told = {"people": json.dumps([[person.id] for person in people]), "channel": channel}
    found: dict[int, list[Reached]] = defaultdict(list)
    for person_id, number, key in session.execute(_ADDRESSES, told):
        found[person_id].append(Reached(number, key))
    named = _named(session, message, people) if message.segment_id is None else frozenset()
    for person_id, addresses in found.items():
        chosen = [address for address in addresses if address.id in named]
        found[person_id] = chosen or addresses[:1]
    return found


def _named(session: Session, message: Message, people: Sequence[Reader]) -> Collection[int]:
    named = select(MessageRecipient.address_id).where(
        MessageRecipient.message_id == message.id, MessageRecipient.address_id != 0
    )
    return set(
        session.scalars(named.where(MessageRecipient.stakeholder_id.in_([person.id for person in people])))
    )


def _row(
    plan: Plan,
    account: Account,
    *,
    target: int,
    person: Reader | None = None,
    address: Reached | None = None,
    variant: Variant | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    return {
        "message_id": plan.message.id,
        "target": target,
        "stakeholder_id": person.id if person else None,
        "channel": account.channel,
        "account_id": account.id,
        "address_id": address.id if address else None,
        "address_key": address.key if address else "",
        "variant_id": variant.id if variant else None,
        "below_id": None,
        "state": states.EXCLUDED if reason else states.QUEUED,
        "reason": reason,
        "slots": None,
    }


def _for_reader(plan: Plan, account: Account, person: Reader, row: dict[str, Any]) -> dict[str, Any]:
    """The row with the words in the person's language, or in two where nobody knows it."""
    asked = (account.channel, *person.languages)
    words = plan.words.get(asked)
    if words is None:
        words = plan.words[asked] = _words(plan, account.channel, person.languages)
    row["variant_id"] = words.variant.id if words.variant else None
    row["below_id"] = words.below.id if words.below else None
    return _with_words(row, words, person, plan.data)


def _words(plan: Plan, channel: str, languages: Sequence[str]) -> Words:
    both = content.pair(plan.variants, channel, languages, plan.together)
    one = None if both else content.choose(plan.variants, channel, languages, plan.default_language)
    return _worded(*(both or (one, None)))


def _worded(variant: Variant | None, below: Variant | None = None) -> Words:
    slots = [slot for one in (variant, below) if one is not None for slot in one.slots]
    return Words(variant, below, [slot for slot in slots if slot.removesuffix("?") not in LATE])


def _with_words(
    row: dict[str, Any], words: Words, person: Reader | None, data: dict[str, Any]
) -> dict[str, Any]:
    """The row with the values its words need; without a variant, or with a value missing, it is told so."""
    if row["state"] != states.QUEUED:
        return row
    if words.variant is None:
        return row | {"state": states.EXCLUDED, "reason": "variant_missing"}
    try:
        return row | {"slots": render.values(words.slots, render.facts(person, data, {}))}
    except render.MissingData as missing:
        error = {"missing": missing.names}
        return row | {"state": states.FAILED, "reason": "data_missing", "error": error}


def _stamp() -> Any:
    through = select(func.sum(Account.version)).join(MessageAccount, MessageAccount.account_id == Account.id)
    of_accounts = through.where(MessageAccount.message_id == Message.id).scalar_subquery()
    return (
        select(Message.version, ContentItem.version, Segment.version, of_accounts)
        .join(ContentItem, ContentItem.id == Message.content_id)
        .outerjoin(Segment, Segment.id == Message.segment_id)
        .where(Message.id == bindparam("message"))
    )


def _of_people() -> Any:
    who, address = given("people", id=BigInteger), Address.__table__.c
    found = select(address.stakeholder_id, address.id, address.key).join(
        who, who.c.id == address.stakeholder_id
    )
    found = found.where(address.channel == bindparam("channel"), address.state == "active")
    return found.order_by(address.stakeholder_id, address.id)


_READER = tuple(getattr(Stakeholder, name) for name in Reader._fields)
_STAMP, _ADDRESSES = _stamp(), _of_people()
