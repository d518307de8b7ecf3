"""Who gets a message and who is left out, because…: one function for the rehearsal and for the release.

Rules: one row for every intended recipient, the excluded included; pages in the order of stakeholder ids, so that
an interrupted release goes on where it stopped; nothing here writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, Select, Text, bindparam, cast, func, select
from sqlalchemy.orm import Session, aliased

from ..base import listed
from ..messages import content, hours, parts, render, timing
from ..messages.subset import LATE
from ..messages.tables import ContentItem, Message, MessageAccount, MessageRecipient, Timing, Variant
from ..prepared import Prepared, told
from ..stakeholders import consent, kin, segments
from ..stakeholders.tables import Address, Segment, Stakeholder
from ..strategies.tables import StrategyVersion
from . import accounts, follow_up, rollout, states, wishes
from .spread import Spread
from .tables import Account

PAGE = 500


class Row(NamedTuple):
    """One row of the ledger as it is released; `slots` are the values its words need, `error` what is missing."""

    message_id: int
    target: int
    stakeholder_id: int | None
    channel: str
    account_id: int
    address_id: int | None
    address_key: str
    variant_id: int | None
    below_id: int | None
    state: str
    reason: str | None
    due_at: datetime | None
    slots: dict[str, Any] | None
    error: dict[str, Any] | None
    part: int = 0  # of a thread


class Reader(NamedTuple):
    """What rows are made from of a stakeholder."""

    id: int
    state: str
    name: str
    languages: Sequence[str]
    attrs: Mapping[str, Any]
    zone: str | None


class Reached(NamedTuple):
    """What rows are made from of an address; somebody without one is `NOWHERE`."""

    id: int | None
    key: str


class Way(NamedTuple):
    """An account the message goes through."""

    account_id: int
    channel: str
    language: str | None
    limits: Mapping[str, Any]


class Words(NamedTuple):
    """What is written to readers of some languages: a variant, one below it or none, and the values both need."""

    variant_id: int | None
    below_id: int | None
    slots: list[str]


NOWHERE = Reached(None, "")
NO_WORDS = Words(None, None, [])


@dataclass
class Plan:
    """What stays the same for every page of one message's audience. `seen` are address keys that are written to.

    `stamp` is what `stamp` said when it was made, `after` the last stakeholder whose rows were made from it.
    """

    message: Message
    direct: list[Way]
    broadcast: list[Way]
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
    people: Select[Any] | None = None  # who it goes to, by the rule as it stood when the first page was read
    seen: set[tuple[int, str]] = field(default_factory=set)
    words: dict[tuple[str, ...], Words] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.message_id = self.message.id
        self.asks_fields = any(slot.startswith("fields") for one in self.variants for slot in one.slots)

    def is_of(self, stamp: tuple[Any, ...], after: int | None) -> bool:
        """Whether nothing was edited since it was made, and nobody else has gone on with the rows."""
        return (self.stamp, self.after) == (stamp, after)


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
        direct=[_way(one) for one in found if not one.broadcast],
        broadcast=[_way(one) for one in found if one.broadcast],
        variants=variants,
        data=dict(item.data),
        default_language=language,
        together=item.together,
        stamp=stamp(session, message.id),
        timing=timing.of(session, message),
    )


def _way(account: Account) -> Way:
    return Way(account.id, account.channel, account.language, account.limits)


def stamp(session: Session, message_id: int) -> tuple[Any, ...]:
    """What changes whenever anything is edited that a plan is made from."""
    return tuple(session.connection().execute(_STAMP, {"message": message_id}).one())


def posts(plan: Plan) -> list[Row]:
    """One row for each account that posts to everyone, and for each part where that is a thread."""
    rows = []
    for way in plan.broadcast:
        languages = [way.language] if way.language else []
        variant = content.choose(plan.variants, way.channel, languages, plan.default_language)
        row = _row(plan, way, None, NOWHERE, _worded(variant), None, plan.at)
        count = len(parts.of(variant.text, way.limits)) if variant else 1
        rows += [row._replace(part=number) for number in range(count)]
    return rows


def page(session: Session, plan: Plan, after_id: int, now: datetime) -> tuple[list[Row], int | None]:
    """The rows of the next PAGE stakeholders after `after_id`, and the last of them (None: nobody is left)."""
    if not plan.direct:
        return [], None
    found = session.connection().execute(_people(session, plan, now), {"after": after_id, "most": PAGE})
    people = [_reader(plan, *row) for row in found.all()]
    if not people:
        return [], None
    rows = [row for way in plan.direct for row in _direct(session, plan, way, people, now)]
    return rows, people[-1].id


def erased(session: Session, rows: Sequence[Row]) -> bool:
    """Whether one of those whom the rows tell of has been erased since they were read."""
    who = [row.stakeholder_id for row in rows if row.slots is not None]
    return _ERASED.run(session, people=told(who)).first() is not None


def anybody(session: Session, plan: Plan, after_id: int, now: datetime) -> bool:
    """Whether more stakeholders follow after `after_id`."""
    return session.execute(_people(session, plan, now), {"after": after_id, "most": 1}).first() is not None


def for_one(session: Session, plan: Plan, stakeholder_id: int) -> list[Row]:
    """The rows of one stakeholder as if nothing were said against them; a value their words miss stays missing."""
    person = _reader(plan, *session.execute(select(*_READER).where(Stakeholder.id == stakeholder_id)).one())
    return [
        _row(plan, way, person, NOWHERE, _words(plan, way.channel, person.languages), None, plan.at)
        for way in plan.direct
    ]


def _people(session: Session, plan: Plan, now: datetime) -> Select[Any]:
    """The SELECT of the `most` readers who come next `after` an id."""
    if plan.people is None:
        found = _everybody(session, plan.message, now).with_only_columns(*_READER)
        next_ones = found.where(Stakeholder.id > kin.AFTER).order_by(None).order_by(Stakeholder.id)
        plan.people = next_ones.limit(kin.MOST)
    return plan.people


def _everybody(session: Session, message: Message, now: datetime) -> Select[Any]:
    chosen = timing.of(session, message)
    if chosen is not None and chosen.after_id is not None:
        return follow_up.people(session, chosen)
    if message.segment_id is not None:
        return segments.inside(session, session.get_one(Segment, message.segment_id), now=now)
    named = select(MessageRecipient.stakeholder_id).where(MessageRecipient.message_id == message.id)
    return kin.standing_for(named)


def _reader(
    plan: Plan, number: int, state: str, name: str, languages: str, attrs: str, zone: str | None
) -> Reader:
    """A stakeholder as the database has them, JSON as text; what they said of themselves is read where it is asked."""
    said = orjson.loads(attrs) if plan.asks_fields else {}
    return Reader(number, state, name, _languages(languages), said, zone)


@lru_cache(maxsize=1000)
def _languages(text: str) -> tuple[str, ...]:
    return tuple(orjson.loads(text))


def _direct(session: Session, plan: Plan, way: Way, people: Sequence[Reader], now: datetime) -> list[Row]:
    reached = _addresses(session, plan.message, way.channel, people)
    due = _due(session, plan, people, now)
    against = _against(session, plan, way.channel, people, reached, due, now)
    rows = []
    for person in people:
        addresses = reached.get(person.id)
        if addresses is None:
            gone = "erased" if person.state == "erased" else "no_address"
            rows.append(_row(plan, way, person, NOWHERE, NO_WORDS, gone, plan.at))
            continue
        words = _words(plan, way.channel, person.languages)
        at = due.get(person.id, plan.at)
        shut = "outside_window" if at is None and person.id in due else None
        for address in addresses:
            seen = (way.account_id, address.key)
            reason = against.get((person.id, address.key)) or shut
            if reason is None and seen in plan.seen:
                reason = "duplicate_address"
            row = _row(plan, way, person, address, words, reason, at or plan.at)
            rows.append(row)
            if row.state == states.QUEUED:
                plan.seen.add(seen)
    return rows


def _against(
    session: Session,
    plan: Plan,
    channel: str,
    people: Sequence[Reader],
    reached: Mapping[int, Sequence[Reached]],
    due: Mapping[int, datetime | None],
    now: datetime,
) -> dict[tuple[int, str], str]:
    """What stands against each person and address key at the instant they get it: what is over by then does not."""
    usual = max(now, plan.at or now)
    together: dict[datetime, list[int]] = defaultdict(list)
    for person in people:
        together[max(now, due.get(person.id) or usual) if due else usual].append(person.id)
    found: dict[tuple[int, str], str] = {}
    for at, numbers in together.items():
        pairs = [(number, address.key) for number in numbers for address in reached.get(number, ())]
        decisions = consent.decide(
            session, at, purpose=plan.message.purpose, channel=channel, pairs=pairs,
            answer=plan.message.kind == "answer",
        )  # fmt: skip
        may = {number for (number, _), one in decisions.items() if one.reason is None}
        same = {number: one.records for (number, _), one in decisions.items() if one.records}
        chosen = wishes.left_out(session, at, plan.message, plan.occurrence_id, channel, may, same)
        for pair, one in decisions.items():
            reason = one.reason or chosen.get(pair[0])
            if reason is not None:
                found[pair] = reason
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


def _addresses(
    session: Session, message: Message, channel: str, people: Sequence[Reader]
) -> dict[int, list[Reached]]:
    """The addresses each person is written to: those named in the message, else their oldest active one."""
    who = told([person.id for person in people])
    found: dict[int, list[Reached]] = {}
    for person_id, number, key in _ADDRESSES.run(session, people=who, channel=channel).all():
        found.setdefault(person_id, []).append(Reached(number, key))
    named = _named(session, message, people) if message.segment_id is None else frozenset()
    for person_id, addresses in found.items():
        if len(addresses) > 1:
            found[person_id] = [one for one in addresses if one.id in named] or addresses[:1]
    return found


def _named(session: Session, message: Message, people: Sequence[Reader]) -> Collection[int | None]:
    ids, row = [person.id for person in people], MessageRecipient
    of_message = (row.message_id == message.id, row.address_id != 0)
    named = select(row.address_id).where(*of_message, row.stakeholder_id.in_(ids))
    # One of a record that was merged since: the same address of the record that stands for it.
    old, own = aliased(Address), aliased(Address)
    merged = (
        select(own.id)
        .select_from(row)
        .join(Stakeholder, Stakeholder.id == row.stakeholder_id)
        .join(old, old.id == row.address_id)
        .join(own, (own.stakeholder_id == Stakeholder.merged_into) & (own.key == old.key))
        .where(*of_message, Stakeholder.merged_into.in_(ids), own.channel == old.channel)
    )
    return set(session.scalars(named.union_all(merged)))


def _row(
    plan: Plan,
    way: Way,
    person: Reader | None,
    address: Reached,
    words: Words,
    reason: str | None,
    at: datetime | None,
) -> Row:
    """One row; without a variant, or with a value missing that its words need, it is told so."""
    state: str = states.QUEUED
    slots = error = None
    if reason is None and words.variant_id is None:
        reason = "variant_missing"
    if reason is not None:
        state = states.EXCLUDED
    else:
        try:
            slots = render.values(words.slots, render.facts(person, plan.data, {}))
        except render.MissingData as missing:
            state, reason, error = states.FAILED, "data_missing", {"missing": missing.names}
    number = None if person is None else person.id
    return Row(
        plan.message_id, number or way.account_id, number, way.channel, way.account_id, address.id, address.key,
        words.variant_id, words.below_id, state, reason, at, slots, error,
    )  # fmt: skip


def _words(plan: Plan, channel: str, languages: Sequence[str]) -> Words:
    """The words in somebody's language, or in two where nobody knows it."""
    asked = (channel, *languages)
    words = plan.words.get(asked)
    if words is None:
        both = content.pair(plan.variants, channel, languages, plan.together)
        one = None if both else content.choose(plan.variants, channel, languages, plan.default_language)
        words = plan.words[asked] = _worded(*(both or (one, None)))
    return words


def _worded(variant: Variant | None, below: Variant | None = None) -> Words:
    slots = [slot for one in (variant, below) if one is not None for slot in one.slots]
    needed = [slot for slot in slots if slot.removesuffix("?") not in LATE]
    return Words(variant.id if variant else None, below.id if below else None, needed)


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
    who, address = listed("people", BigInteger), Address.__table__.c
    columns = (address.stakeholder_id, address.id, address.key)
    found = select(*columns).join(who, who.c.one == address.stakeholder_id)
    found = found.where(address.channel == bindparam("channel"), address.state == "active")
    return found.order_by(address.stakeholder_id, address.id)


def _of_erased() -> Any:
    who, person = listed("people", BigInteger), Stakeholder.__table__.c
    found = select(person.id).join(who, who.c.one == person.id)
    return found.where(person.state == "erased").limit(1)


def _readers() -> tuple[Any, ...]:
    person = Stakeholder
    as_text = (cast(person.languages, Text), cast(person.attrs, Text))
    return (person.id, person.state, person.name, *as_text, person.zone)


_READER, _STAMP = _readers(), _stamp()
_ADDRESSES, _ERASED = Prepared(_of_people()), Prepared(_of_erased())
