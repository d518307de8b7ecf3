"""The engagement record: everything between us and one stakeholder, newest first, as one query over facts.

Rules: no fact is written twice, so nothing is written here. Of somebody with several records all are read. Order is
(at, id); every branch of the query is cut to one page by its own index before the branches are merged. A bounce,
complaint or reply appears as the response that told us; a correction or a withdrawal is an entry of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Date,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    true,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from ..base import Instant, Json
from ..delivery.tables import Delivery, DeliveryEvent
from ..messages.tables import Message
from ..stakeholders import kin
from ..stakeholders.tables import Address, Consent, Preference, Review, Role, Suppression, Topic
from ..strategies.tables import Agreement, Strategy, StrategyVersion
from .tables import EVENT_KINDS, Commitment, Intent, Interaction, Response

PAGE_MAX = 200

# What an entry may carry as evidence, and its type in the query.
EVIDENCE: dict[str, Any] = {
    "what": Text(),  # state, kind or act
    "reason": Text(),
    "channel": Text(),
    "purpose": Text(),
    "basis": Text(),
    "by": Text(),
    "origin": Text(),  # how we know: matched_by, source of a consent, origin of a suppression, verdict of an opening
    "subject": Text(),
    "text": Text(),
    "address_key": Text(),
    "programme_id": BigInteger(),
    "message_id": BigInteger(),
    "delivery_id": BigInteger(),
    "account_id": BigInteger(),
    "variant_id": BigInteger(),
    "strategy_version_id": BigInteger(),
    "consent_id": BigInteger(),
    "corrects_id": BigInteger(),
    "interaction_id": BigInteger(),
    "answer_message_id": BigInteger(),
    "sent_at": Instant(),
    "until_at": Instant(),
    "ended_at": Instant(),
    "due_on": Date(),
    "meta": Json,
}

KINDS = (
    "delivery", "delivery_event", "response", "interaction", "consent", "preference", "suppression", "agreement",
    "role", "intent", "review", "commitment",
)  # fmt: skip

Cursor = tuple[datetime, int]
Who = BindParameter[int]

SIZE = bindparam("size", type_=BigInteger())
PROGRAMMES: BindParameter[int] = bindparam("programmes", expanding=True)


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact. `source` is the room it lives in; `evidence` holds what that room knows of it."""

    kind: str
    at: datetime
    id: int
    source: str
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def cursor(self) -> Cursor:
        """Where the next page begins."""
        return (self.at, self.id)


@dataclass(frozen=True, slots=True)
class _Branch:
    kind: str
    source: str
    at: Any
    id: Any
    facts: dict[str, Any]
    where: ColumnElement[bool]
    joins: tuple[tuple[Any, ColumnElement[bool]], ...] = ()


def timeline(
    session: Session,
    stakeholder_id: int,
    *,
    after: Cursor | None = None,
    limit: int = 50,
    programme_ids: Collection[int] | None = None,
    kinds: Collection[str] = KINDS,
) -> list[Entry]:
    """One page of a stakeholder's record, newest first; `after` is the cursor of the last entry read.

    `programme_ids` leaves out what belongs to other programmes; what belongs to none is always there. `kinds` are
    the entries that are wanted.
    """
    records = kin.records(session, stakeholder_id)
    told: dict[str, Any] = {_name(n): one for n, one in enumerate(records)}
    told["size"] = max(1, min(limit, PAGE_MAX))
    if after is not None:
        told |= {"at": after[0], "id": after[1]}
    if programme_ids is not None:
        told["programmes"] = [*programme_ids]
    query = _query(frozenset(kinds), after is not None, programme_ids is not None, len(records))
    return [_entry(row) for row in session.connection().execute(query, told).mappings()]


@lru_cache
def _query(kinds: frozenset[str], goes_on: bool, inside: bool, records: int) -> Select[Any]:
    """One page as a query, made once: there is more to it than to its answer. Each record has branches of its own."""
    pages = [
        _page(branch, goes_on)
        for n in range(records)
        for branch in _branches(bindparam(_name(n), type_=BigInteger()), inside)
        if branch.kind in kinds
    ]
    # A do-not-contact on an address stands on every record that has it.
    together = union_all if records == 1 else union
    merged = together(*[select(page.subquery()) for page in pages]).subquery()
    return select(merged).order_by(merged.c.at.desc(), merged.c.id.desc()).limit(SIZE)


def _name(n: int) -> str:
    return f"stakeholder_{n}"


def _page(branch: _Branch, goes_on: bool) -> Select[Any]:
    """The first rows of one branch, after the cursor where it `goes_on`, with the columns that all branches share."""
    facts = [
        (branch.facts[name] if name in branch.facts else cast(null(), type_)).label(name)
        for name, type_ in EVIDENCE.items()
    ]
    query = select(
        literal(branch.kind, Text()).label("kind"),
        branch.at.label("at"),
        branch.id.label("id"),
        literal(branch.source, Text()).label("source"),
        *facts,
    ).where(branch.where)
    for table, on in branch.joins:
        query = query.join(table, on)
    if goes_on:
        last = tuple_(bindparam("at", type_=Instant()), bindparam("id", type_=BigInteger()))
        query = query.where(tuple_(branch.at, branch.id) < last)
    return query.order_by(branch.at.desc(), branch.id.desc()).limit(SIZE)


def _entry(row: Any) -> Entry:
    evidence = {name: row[name] for name in EVIDENCE if row[name] not in (None, "", {})}
    return Entry(row["kind"], row["at"], row["id"], row["source"], evidence)


def _branches(who: Who, inside: bool) -> Iterator[_Branch]:
    """Every branch of the record of `who`; `inside`: only what belongs to the PROGRAMMES, or to none."""
    yield from _deliveries(who, inside)
    yield from _came_back(who, inside)
    yield from _permissions(who)
    yield _choices(who)
    yield _agreements(who, inside)
    yield from _relations(who, inside)


def _inside(column: Any, inside: bool) -> ColumnElement[bool]:
    return or_(column.is_(None), column.in_(PROGRAMMES)) if inside else true()


def _deliveries(who: Who, inside: bool) -> Iterator[_Branch]:
    """Settled ones when they settled, the others when they are due: two branches, each on an index."""
    facts = {
        "what": Delivery.state,
        "reason": Delivery.reason,
        "channel": Delivery.channel,
        "purpose": Message.purpose,
        "basis": Delivery.basis,
        "address_key": Delivery.address_key,
        "programme_id": Message.programme_id,
        "message_id": Delivery.message_id,
        "delivery_id": Delivery.id,
        "account_id": Delivery.account_id,
        "variant_id": Delivery.variant_id,
        "strategy_version_id": Message.strategy_version_id,
        "consent_id": Delivery.consent_id,
        "sent_at": Delivery.sent_at,
    }
    message = (Message, Message.id == Delivery.message_id)
    mine = and_(Delivery.stakeholder_id == who, _inside(Message.programme_id, inside))
    settled, due = Delivery.settled_at, Delivery.due_at
    yield _Branch(
        "delivery", "delivery", settled, Delivery.id, facts, and_(mine, settled.is_not(None)), (message,)
    )
    yield _Branch("delivery", "delivery", due, Delivery.id, facts, and_(mine, settled.is_(None)), (message,))
    # A public answer goes to a network, not to a person: it is on the record of whoever is answered.
    answered = and_(
        Response.stakeholder_id == who,
        Delivery.stakeholder_id.is_(None),
        _inside(Message.programme_id, inside),
    )
    answers = (message, (Response, Response.id == Message.answers_id))
    at = func.coalesce(settled, due, type_=Instant())
    yield _Branch("delivery", "delivery", at, Delivery.id, facts, answered, answers)


def _came_back(who: Who, inside: bool) -> Iterator[_Branch]:
    told = DeliveryEvent
    yield _Branch(
        "delivery_event", "delivery", told.at, told.id,
        {
            "what": told.kind, "channel": Delivery.channel, "programme_id": Message.programme_id,
            "message_id": Delivery.message_id, "delivery_id": told.delivery_id, "account_id": told.account_id,
            "origin": told.verdict, "reason": told.verdict_why, "meta": told.meta,
        },
        and_(
            told.stakeholder_id == who, told.kind.in_(EVENT_KINDS),
            _inside(Message.programme_id, inside),
        ),
        ((Delivery, Delivery.id == told.delivery_id), (Message, Message.id == Delivery.message_id)),
    )  # fmt: skip
    back = Response
    yield _Branch(
        "response", "responses", back.at, back.id,
        {
            "what": back.kind, "channel": back.channel, "origin": back.matched_by, "subject": back.subject,
            "text": back.text, "address_key": back.from_key, "programme_id": back.programme_id,
            "message_id": back.message_id, "delivery_id": back.delivery_id, "account_id": back.account_id,
            "answer_message_id": back.answer_message_id, "ended_at": back.answered_at, "meta": back.meta,
        },
        and_(back.stakeholder_id == who, _inside(back.programme_id, inside)),
    )  # fmt: skip
    met = Interaction
    yield _Branch(
        "interaction", "responses", met.at, met.id,
        {
            "what": met.kind, "by": met.by, "reason": met.place, "text": met.notes, "subject": met.participants,
            "programme_id": met.programme_id, "corrects_id": met.corrects_id,
        },
        and_(met.stakeholder_id == who, _inside(met.programme_id, inside)),
    )  # fmt: skip


def _choices(who: Who) -> _Branch:
    """What they chose to get, topic by topic; `subject` is the topic, none for everything else."""
    chosen = Preference
    named = select(Topic.name).where(Topic.id == chosen.topic_id).scalar_subquery()
    return _Branch(
        "preference", "stakeholders", chosen.at, chosen.id,
        {
            "what": chosen.frequency, "channel": chosen.channel, "subject": named, "origin": chosen.source,
            "by": chosen.actor, "until_at": chosen.pause_until, "meta": chosen.evidence,
        },
        chosen.stakeholder_id == who,
    )  # fmt: skip


def _permissions(who: Who) -> Iterator[_Branch]:
    given = Consent
    yield _Branch(
        "consent", "stakeholders", given.at, given.id,
        {
            "what": given.act, "channel": given.channel, "purpose": given.purpose, "basis": given.basis,
            "origin": given.source, "by": given.actor, "until_at": given.expires_at, "meta": given.evidence,
        },
        given.stakeholder_id == who,
    )  # fmt: skip
    # Named on the record, and the ones that stand on an address of theirs and name nobody. The latter are asked
    # in a way no index on stakeholders can serve: it would walk every nameless suppression there is.
    for where, joins in (
        (Suppression.stakeholder_id == who, ()),
        (
            and_(func.coalesce(Suppression.stakeholder_id, 0) == 0, Address.stakeholder_id == who),
            (
                (
                    Address,
                    and_(Address.channel == Suppression.channel, Address.key == Suppression.address_key),
                ),
            ),
        ),
    ):
        yield _Branch(
            "suppression", "stakeholders", Suppression.at, Suppression.id, _SUPPRESSED, where, joins
        )


_SUPPRESSED = {
    "what": Suppression.reason,
    "channel": Suppression.channel,
    "purpose": Suppression.purpose,
    "address_key": Suppression.address_key,
    "origin": Suppression.origin,
    "until_at": Suppression.until_at,
    "ended_at": Suppression.lifted_at,
    "by": Suppression.lifted_by,
    "reason": Suppression.lifted_why,
    "meta": Suppression.evidence,
}


def _agreements(who: Who, inside: bool) -> _Branch:
    version, strategy = aliased(StrategyVersion), aliased(Strategy)
    return _Branch(
        "agreement", "strategies", Agreement.at, Agreement.id,
        {
            "what": Agreement.decision, "reason": Agreement.reason, "by": Agreement.by,
            "origin": Agreement.recorded_by, "text": Agreement.evidence, "subject": strategy.name,
            "programme_id": strategy.programme_id, "strategy_version_id": Agreement.version_id,
        },
        and_(Agreement.stakeholder_id == who, _inside(strategy.programme_id, inside)),
        ((version, version.id == Agreement.version_id), (strategy, strategy.id == version.strategy_id)),
    )  # fmt: skip


def _relations(who: Who, inside: bool) -> Iterator[_Branch]:
    """What was decided about the relationship, what they mean to bring, and what was promised."""

    def branch(kind: str, source: str, table: Any, **facts: Any) -> _Branch:
        mine = and_(table.stakeholder_id == who, _inside(table.programme_id, inside))
        shared = {"by": table.by, "programme_id": table.programme_id}
        return _Branch(kind, source, table.at, table.id, shared | facts, mine)

    yield branch("role", "stakeholders", Role, what=Role.role, subject=Role.rank, text=Role.rationale)
    yield branch(
        "review", "stakeholders", Review,
        what=Review.rating, text=Review.findings, reason=Review.decision, due_on=Review.next_on,
    )  # fmt: skip
    yield branch(
        "intent", "responses", Intent,
        what=Intent.state, text=Intent.contribution, interaction_id=Intent.interaction_id,
    )  # fmt: skip
    made = Commitment
    yield branch(
        "commitment", "responses", made,
        what=case((made.ours, "ours"), else_="theirs"), text=made.text, due_on=made.due_on, subject=made.outcome,
        reason=made.evidence, ended_at=made.ended_at, interaction_id=made.interaction_id,
    )  # fmt: skip
