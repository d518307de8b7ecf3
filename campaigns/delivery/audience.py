"""Who gets a message and who is left out, because…: one function for the rehearsal and for the release.

Rules: one row for every intended recipient, the excluded included; pages in the order of stakeholder ids, so that
an interrupted release goes on where it stopped; nothing here writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ..messages import content, hours, render
from ..messages.subset import LATE
from ..messages.tables import ContentItem, Message, MessageRecipient, Variant
from ..stakeholders import consent, segments
from ..stakeholders.tables import Address, Segment, Stakeholder
from ..strategies.tables import StrategyVersion
from . import accounts, states, wishes
from .spread import Spread
from .tables import Account

PAGE = 200


@dataclass
class Plan:
    """What stays the same for every page of one message's audience. `seen` are address keys that are written to."""

    message: Message
    direct: list[Account]
    broadcast: list[Account]
    variants: list[Variant]
    data: dict[str, Any]
    default_language: str
    together: list[str] | None = None
    spread: Spread | None = None
    at: datetime | None = None  # when it goes to whoever is not told another instant
    seen: set[tuple[int, str]] = field(default_factory=set)


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
    )


def posts(plan: Plan) -> list[dict[str, Any]]:
    """One row for each account that posts to everyone."""
    rows = []
    for account in plan.broadcast:
        languages = [account.language] if account.language else []
        variant = content.choose(plan.variants, account.channel, languages, plan.default_language)
        row = _row(plan, account, target=account.id, variant=variant)
        rows.append(_with_words(row, variant, render.facts(None, plan.data, {})))
    return rows


def page(
    session: Session, plan: Plan, after_id: int, now: datetime
) -> tuple[list[dict[str, Any]], int | None]:
    """The rows of the next 200 stakeholders after `after_id`, and the last of them (None: nobody is left)."""
    if not plan.direct:
        return [], None
    people = list(session.scalars(_people(session, plan.message, after_id, now)))
    if not people:
        return [], None
    rows = [row for account in plan.direct for row in _direct(session, plan, account, people, now)]
    return rows, people[-1].id


def anybody(session: Session, plan: Plan, after_id: int, now: datetime) -> bool:
    """Whether more stakeholders follow after `after_id`."""
    return session.scalars(_people(session, plan.message, after_id, now).limit(1)).first() is not None


def for_one(session: Session, plan: Plan, stakeholder_id: int, now: datetime) -> list[dict[str, Any]]:
    """The rows of one stakeholder as if nothing were said against them; a value their words miss stays missing."""
    person = session.get_one(Stakeholder, stakeholder_id)
    rows = []
    for account in plan.direct:
        row = _row(plan, account, target=person.id, person=person)
        rows.append(_for_reader(plan, account, person, row))
    return rows


def _people(session: Session, message: Message, after_id: int, now: datetime) -> Select[Stakeholder]:
    if message.segment_id is not None:
        found = segments.inside(session, session.get_one(Segment, message.segment_id), now=now)
    else:
        named = select(MessageRecipient.stakeholder_id).where(MessageRecipient.message_id == message.id)
        found = select(Stakeholder).where(Stakeholder.id.in_(named))
    return found.where(Stakeholder.id > after_id).order_by(Stakeholder.id).limit(PAGE)


def _direct(
    session: Session, plan: Plan, account: Account, people: Sequence[Stakeholder], now: datetime
) -> list[dict[str, Any]]:
    reached = _addresses(session, plan.message, account.channel, people)
    pairs = [(person.id, address.key) for person in people for address in reached[person.id]]
    decisions = consent.decide(
        session, now, purpose=plan.message.purpose, channel=account.channel, pairs=pairs,
        answer=plan.message.kind == "answer",
    )  # fmt: skip
    may = {number for (number, _), found in decisions.items() if found.reason is None}
    chosen = wishes.left_out(session, max(now, plan.message.at or now), plan.message, account.channel, may)
    due = _due(session, plan, people, now)
    rows = []
    for person in people:
        if not reached[person.id]:
            reason = "erased" if person.state == "erased" else "no_address"
            rows.append(_row(plan, account, target=person.id, person=person, reason=reason))
        for address in reached[person.id]:
            decision = decisions[person.id, address.key]
            at = due.get(person.id, plan.at)
            shut = "outside_window" if person.id in due and at is None else None
            why = decision.reason or chosen.get(person.id) or shut
            row = _for_person(plan, account, person, address, why)
            rows.append(row | {"due_at": at} if at is not None else row)
    return rows


def _due(
    session: Session, plan: Plan, people: Sequence[Stakeholder], now: datetime
) -> dict[int, datetime | None]:
    """When those get it who get it at an instant of their own; None: they may not be written to then."""
    at = plan.at or now
    own: dict[int, datetime | None] = {}
    if plan.spread is not None:
        own.update((person.id, plan.spread.due(person)) for person in people)
    wanted = {person.id: own.get(person.id) or at for person in people}
    return own | hours.shut(session, plan.message, wanted)


def _for_person(
    plan: Plan, account: Account, person: Stakeholder, address: Address, reason: str | None
) -> dict[str, Any]:
    if reason is None and (account.id, address.key) in plan.seen:
        reason = "duplicate_address"
    row = _row(plan, account, target=person.id, person=person, address=address, reason=reason)
    row = _for_reader(plan, account, person, row)
    if row["state"] == states.QUEUED:
        plan.seen.add((account.id, address.key))
    return row


def _addresses(
    session: Session, message: Message, channel: str, people: Sequence[Stakeholder]
) -> dict[int, list[Address]]:
    """The address each person is written to: those named in the message, else their oldest active one."""
    ids = [person.id for person in people]
    named = select(MessageRecipient.address_id).where(
        MessageRecipient.message_id == message.id, MessageRecipient.address_id != 0
    )
    wanted = set(session.scalars(named.where(MessageRecipient.stakeholder_id.in_(ids))))
    found: dict[int, list[Address]] = defaultdict(list)
    query = select(Address).where(
        Address.stakeholder_id.in_(ids), Address.channel == channel, Address.state == "active"
    )
    for address in session.scalars(query.order_by(Address.stakeholder_id, Address.id)):
        found[address.stakeholder_id].append(address)
    for person_id, addresses in found.items():
        chosen = [address for address in addresses if address.id in wanted]
        found[person_id] = chosen or addresses[:1]
    return found


def _row(
    plan: Plan,
    account: Account,
    *,
    target: int,
    person: Stakeholder | None = None,
    address: Address | None = None,
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


def _for_reader(plan: Plan, account: Account, person: Stakeholder, row: dict[str, Any]) -> dict[str, Any]:
    """The row with the words in the person's language, or in two where nobody knows it."""
    languages = list(person.languages)
    both = content.pair(plan.variants, account.channel, languages, plan.together)
    below = both[1] if both else None
    variant = (
        both[0] if both else content.choose(plan.variants, account.channel, languages, plan.default_language)
    )
    row = row | {"variant_id": variant.id if variant else None, "below_id": below.id if below else None}
    return _with_words(row, variant, render.facts(person, plan.data, {}), below)


def _with_words(
    row: dict[str, Any], variant: Variant | None, facts: dict[str, Any], below: Variant | None = None
) -> dict[str, Any]:
    """The row with the values its words need; without a variant, or with a value missing, it is told so."""
    if row["state"] != states.QUEUED:
        return row
    if variant is None:
        return row | {"state": states.EXCLUDED, "reason": "variant_missing"}
    try:
        slots = [*variant.slots, *(below.slots if below else ())]
        wanted = [slot for slot in slots if slot.removesuffix("?") not in LATE]
        return row | {"slots": render.values(wanted, facts)}
    except render.MissingData as missing:
        error = {"missing": missing.names}
        return row | {"state": states.FAILED, "reason": "data_missing", "error": error}
