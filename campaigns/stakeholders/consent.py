"""What we may send to whom: permissions given and withdrawn, suppressions, and the one function that decides.

Rules: permissions are append-only and the latest act counts; only a person's own new consent, or their own
act, undoes their withdrawal. A suppression with an address stops that address, whoever has it (a stakeholder
named beside it says whose record it stands on); one without an address stops the stakeholder on the channel,
or on every channel (`*`). Records that were merged are one person: what any of them said counts for all, in the order
of time. Everything that sends asks `decide`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Text,
    and_,
    bindparam,
    literal,
    null,
    or_,
    select,
    tuple_,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session

from ..base import Instant, listed, micros
from ..errors import AlreadyDone, BadField, NotFound, OptedOut
from ..prepared import Prepared, told
from . import addresses, kin, people
from .tables import (
    BASES,
    ORIGINS,
    PURPOSES,
    SUPPRESSION_REASONS,
    Address,
    Consent,
    Stakeholder,
    Suppression,
)
from .text import TEXT_MAX, clean

EVERY_CHANNEL = "*"
CHUNK = 500
INTEREST = "legitimate_interest"
# Direct marketing needs one of these; a legitimate interest carries it only to an organisation's own address.
MARKETING_BASES = ("consent", "soft_opt_in_sale", "soft_opt_in_charity")
OWN_BASIS = {"service": "contract", "survey": INTEREST}
# Somebody who wrote to us is answered unless the address is dead or they want no contact at all.
STOPS_ANSWERS = ("hard_bounce", "no_contact")

RECIPIENT = "recipient"

# What is asked of now is asked until then: other machines' clocks may be ahead of ours.
FOREVER = datetime.max.replace(tzinfo=UTC)

Pair = tuple[int, str]
Item = TypeVar("Item")


class Decision(NamedTuple):
    """`reason` None: may go, on this `basis`, given by this consent (None: the purpose's own basis).

    `records` are all records of the person, where that are several.
    """

    reason: str | None
    consent_id: int | None = None
    basis: str | None = None
    records: tuple[int, ...] = ()


class _Known(NamedTuple):
    """Somebody with their latest act, as plain values: rows of the database's library cost more to look into."""

    id: int
    state: str
    merged: bool  # into another record, or others into this one
    consent_id: int | None
    act: str | None
    basis: str | None
    expires_us: int | None


ERASED, SUPPRESSED, NO_BASIS = (Decision(why) for why in ("erased", "suppressed", "no_lawful_basis"))


def give(
    session: Session,
    now: datetime,
    stakeholder_id: int,
    purpose: str,
    channel: str,
    *,
    basis: str,
    source: str,
    actor: str,
    wording_version: str | None = None,
    expires_at: datetime | None = None,
    evidence: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> Consent:
    """Record a permission given `at` (default now), with where it came from and the wording that was shown.

    OptedOut where the person has withdrawn and this is not their own newer consent.
    """
    people.one_of(basis, BASES, "/basis")
    _check_subject(session, stakeholder_id, purpose, channel)
    lock(session, kin.records(session, stakeholder_id))
    before = latest(session, [stakeholder_id], purpose, channel).get(stakeholder_id)
    given_at = _after(now, before) if at is None else at
    if at is not None and at > now:
        raise BadField("a permission cannot be given in the future", pointer="/at")
    if expires_at is not None and expires_at <= given_at:
        raise BadField("a permission ends after it was given", pointer="/expires_at")
    if before is not None and not may_follow(before, basis, given_at, actor):
        raise OptedOut("they have opted out; only their own new consent, with its source, opens this again")
    return _append(
        session, Consent(
            stakeholder_id=stakeholder_id, purpose=purpose, channel=channel, act="given", basis=basis,
            at=given_at, expires_at=expires_at, source=clean(source, "/source"),
            wording_version=wording_version, evidence=evidence or {}, actor=actor,
        ),
    )  # fmt: skip


def withdraw(
    session: Session,
    now: datetime,
    stakeholder_id: int,
    purpose: str,
    channel: str,
    *,
    source: str,
    actor: str,
    evidence: dict[str, Any] | None = None,
) -> Consent:
    """Record that a permission is withdrawn, or was never wanted; a second time returns the first.

    It stands on the record that was named, whatever another of the same person's says: merges are undone.
    """
    _check_subject(session, stakeholder_id, purpose, channel)
    lock(session, kin.records(session, stakeholder_id))
    if (said := withdrawn(session, stakeholder_id, purpose, channel)) is not None:
        return said
    before = latest(session, [stakeholder_id], purpose, channel).get(stakeholder_id)
    return _append(
        session, Consent(
            stakeholder_id=stakeholder_id, purpose=purpose, channel=channel, act="withdrawn",
            basis=before.basis if before else "", at=_after(now, before), source=clean(source, "/source"),
            evidence=evidence or {}, actor=actor,
        ),
    )  # fmt: skip


def withdrawn(session: Session, stakeholder_id: int, purpose: str, channel: str) -> Consent | None:
    """The withdrawal that stands on this very record, where none of their others has opened it again."""
    own = next(reversed(_acts(session, [stakeholder_id], purpose, channel)), None)
    counts = latest(session, [stakeholder_id], purpose, channel).get(stakeholder_id)
    both = own is not None and counts is not None and own.act == counts.act == "withdrawn"
    return own if both else None


def is_day(at: datetime) -> bool:
    """Whether only the day of an act was told, as files of people often do: it is kept as midnight UTC."""
    return at.astimezone(UTC).time() == time.min


def may_follow(before: Consent, basis: str, given_at: datetime, actor: str) -> bool:
    """May a permission follow this act? After a withdrawal: only the person's own, and newer."""
    return before.act == "given" or (given_at > before.at and (basis == "consent" or actor == RECIPIENT))


def suppress(
    session: Session,
    now: datetime,
    *,
    channel: str,
    reason: str,
    origin: str,
    address_key: str | None = None,
    stakeholder_id: int | None = None,
    purpose: str | None = None,
    until_at: datetime | None = None,
    evidence: dict[str, Any] | None = None,
) -> Suppression:
    """Do not contact an address, or a stakeholder; `purpose` None is every purpose.

    Returns an equal one that stands. BadField, BadAddress or NotFound where it names nobody.
    """
    people.one_of(reason, SUPPRESSION_REASONS, "/reason")
    people.one_of(origin, ORIGINS, "/origin")
    if purpose is not None:
        people.one_of(purpose, PURPOSES, "/purpose")
    scope = _scope(session, channel, address_key, stakeholder_id) | {"purpose": purpose, "reason": reason}
    held = [] if scope["address_key"] is None else addresses.holders(session, channel, scope["address_key"])
    touched = {*held, *([] if stakeholder_id is None else [stakeholder_id])}
    lock(session, kin.among(kin.of(session, touched), touched))
    for standing in session.scalars(select(Suppression).filter_by(**scope).where(_stands(now))):
        if standing.until_at is None or (until_at is not None and standing.until_at >= until_at):
            return standing
    suppression = Suppression(**scope, origin=origin, at=now, until_at=until_at, evidence=evidence or {})
    session.add(suppression)
    session.flush()
    return suppression


def lift(session: Session, now: datetime, suppression_id: int, by: str, why: str) -> Suppression:
    """End a suppression, with the name of who did and the reason."""
    suppression = session.get(Suppression, suppression_id)
    if suppression is None:
        raise NotFound("there is no such suppression")
    if suppression.lifted_at is not None:
        raise AlreadyDone("this suppression is lifted already")
    suppression.lifted_why = clean(why, "/why", length_max=TEXT_MAX, lines=True)
    suppression.lifted_at, suppression.lifted_by = now, by
    session.flush()
    return suppression


def decide(
    session: Session,
    now: datetime,
    *,
    purpose: str,
    channel: str,
    pairs: Sequence[Pair],
    answer: bool = False,
) -> dict[Pair, Decision]:
    """May each pair of stakeholder id and address key be written to?

    Reasons: erased, suppressed (also the archived), no_lawful_basis. A fixed number of statements for each
    500 pairs. Acts that another machine's clock put after `now` count too. `answer`: they wrote to us first.
    """
    return _decide(session, now, None, purpose, channel, pairs, answer)


def as_of(
    session: Session, at: datetime, *, purpose: str, channel: str, pairs: Sequence[Pair], answer: bool = False
) -> dict[Pair, Decision]:
    """What `decide` would have said then, by the permissions and suppressions of that moment (H1)."""
    return _decide(session, at, at, purpose, channel, pairs, answer)


def suppressed(session: Session, now: datetime, channel: str, pairs: Sequence[Pair]) -> set[Pair]:
    """Those of the pairs whom a suppression stops on this channel, for whatever purpose."""
    found = set()
    same = kin.of(session, {number for number, _ in pairs})
    for chunk in _chunks(list(dict.fromkeys(pairs))):
        stopped_people, stopped_keys = _suppressed(session, now, None, None, channel, chunk, same, False)
        found |= {pair for pair in chunk if pair[0] in stopped_people or pair[1] in stopped_keys}
    return found


def refused(
    session: Session, now: datetime, *, purpose: str, channel: str, pairs: Sequence[Pair]
) -> set[Pair]:
    """Those of the pairs who have said no to this: by the act that counts, or by a suppression that stands."""
    found = set()
    for chunk in _chunks(list(dict.fromkeys(pairs))):
        who = {number for number, _ in chunk}
        acts = latest(session, who, purpose, channel)
        no = {number for number, act in acts.items() if act.act == "withdrawn"}
        stopped, keys = _suppressed(session, now, None, purpose, channel, chunk, kin.of(session, who), False)
        found |= {pair for pair in chunk if pair[0] in no | stopped or pair[1] in keys}
    return found


def standing(
    session: Session, now: datetime, channel: str, address_key: str, stakeholder_id: int | None
) -> list[Suppression]:
    """Every suppression that stands for this address, or for this person on the channel or on all of them."""
    about = (Suppression.channel == channel) & (Suppression.address_key == address_key)
    if stakeholder_id is not None:
        mine = kin.records(session, stakeholder_id)
        person = Suppression.stakeholder_id.in_(mine) & Suppression.address_key.is_(None)
        about = about | (person & Suppression.channel.in_((channel, EVERY_CHANNEL)))
    return list(session.scalars(select(Suppression).where(about, _stands(now)).order_by(Suppression.id)))


def latest(
    session: Session, stakeholder_ids: Collection[int], purpose: str, channel: str
) -> dict[int, Consent]:
    """The act that counts of each stakeholder who has one: the latest, of whichever of their records."""
    same = kin.of(session, stakeholder_ids)
    found = {
        act.stakeholder_id: act
        for act in _acts(session, [one for one in stakeholder_ids if one not in same], purpose, channel)
    }
    return found | _joint(session, same, purpose, channel, FOREVER)


def lock(session: Session, stakeholder_ids: Collection[int]) -> None:
    """Lock stakeholders' rows in id order, so that withdrawing and sending wait for each other.

    SQLite has one writer at a time, so there is nothing to lock.
    """
    if session.get_bind().dialect.name == "postgresql":
        wanted = sorted(set(stakeholder_ids))
        for chunk in _chunks(wanted):
            rows = select(Stakeholder.id).where(Stakeholder.id.in_(chunk)).order_by(Stakeholder.id)
            # NO KEY UPDATE: whoever has just inserted a row that refers to them may still ask for this lock.
            session.execute(rows.with_for_update(key_share=True)).all()


def _decide(
    session: Session,
    now: datetime,
    until: datetime | None,
    purpose: str,
    channel: str,
    pairs: Sequence[Pair],
    answer: bool,
) -> dict[Pair, Decision]:
    people.one_of(purpose, PURPOSES, "/purpose")
    decisions: dict[Pair, Decision] = {}
    now_us = micros(now)
    for chunk in _chunks(list(dict.fromkeys(pairs))):
        who = told([*{number for number, _ in chunk}])
        asked_until = {"purpose": purpose, "channel": channel, "until": micros(until or FOREVER)}
        rows = _KNOWN.run(session, people=who, **asked_until).all()
        known = {row[0]: _Known._make(row) for row in rows}
        same = kin.of(session, known, until) if any(row.merged for row in known.values()) else {}
        if same:
            known |= _as_one(session, known, same, purpose, channel, until or FOREVER)
        people_stopped, addresses_stopped = _suppressed(
            session, now, until, purpose, channel, chunk, same, answer
        )
        asked = purpose == "direct_marketing" and any(row.basis == INTEREST for row in known.values())
        corporate = _corporate(session, channel, chunk) if asked else set()
        for pair in chunk:
            number, key = pair
            one = known.get(number)
            if one is None or one.state == "erased":
                decisions[pair] = ERASED
            elif one.state == "archived" or number in people_stopped or key in addresses_stopped:
                decisions[pair] = SUPPRESSED
            else:
                decisions[pair] = _basis(now_us, purpose, one, pair in corporate, answer)
            if number in same:
                decisions[pair] = decisions[pair]._replace(records=same[number])
    return decisions


def _as_one(
    session: Session, known: Mapping[int, _Known], same: kin.Kin, purpose: str, channel: str, until: datetime
) -> dict[int, _Known]:
    """Those with several records as the one person they are: with the state of the record that stands for them."""
    roots = {records[0] for records in same.values()}
    of_roots = select(Stakeholder.id, Stakeholder.state).where(Stakeholder.id.in_(roots))
    states = {number: state for number, state in session.execute(of_roots)}
    acts = _joint(session, same, purpose, channel, until)
    found = {}
    for number, records in same.items():
        one = _Known(number, states[records[0]], True, None, None, None, None)
        if (act := acts.get(number)) is not None:
            ends_us = None if act.expires_at is None else micros(act.expires_at)
            one = one._replace(consent_id=act.id, act=act.act, basis=act.basis, expires_us=ends_us)
        found[number] = one
    return found


def _joint(
    session: Session, same: kin.Kin, purpose: str, channel: str, until: datetime
) -> dict[int, Consent]:
    """What counts of all that was said on several records of one person, told as if it were one from the start."""
    said: dict[int, list[Consent]] = defaultdict(list)
    for act in _acts(session, kin.among(same, same), purpose, channel, until):
        said[act.stakeholder_id].append(act)
    found: dict[int, Consent] = {}
    for number, records in same.items():
        acts = sorted((act for one in records for act in said[one]), key=lambda act: (act.at, act.id))
        for act in acts:
            before = found.get(number)
            if before is None or act.act == "withdrawn" or may_follow(before, act.basis, act.at, act.actor):
                found[number] = act
    return found


def _acts(
    session: Session, stakeholder_ids: Collection[int], purpose: str, channel: str, until: datetime = FOREVER
) -> Sequence[Consent]:
    """What was said on these records, the oldest first."""
    acts = select(Consent).where(
        Consent.stakeholder_id.in_(stakeholder_ids), Consent.purpose == purpose, Consent.channel == channel,
        Consent.at <= until,
    )  # fmt: skip
    return session.scalars(acts.order_by(Consent.at, Consent.id)).all()


def _basis(now_us: int, purpose: str, act: _Known, corporate: bool, answer: bool) -> Decision:
    """The lawful basis of one pair, from the latest act alone."""
    if act.act == "withdrawn" and not answer:
        return NO_BASIS
    if act.act == "given" and (act.expires_us is None or act.expires_us > now_us):
        marketing = act.basis in MARKETING_BASES or (act.basis == INTEREST and corporate)
        if purpose != "direct_marketing" or marketing:
            return Decision(None, act.consent_id, act.basis)
    own = OWN_BASIS.get(purpose) or (INTEREST if answer else None)
    return NO_BASIS if own is None else Decision(None, None, own)


def _suppressed(
    session: Session,
    now: datetime,
    until: datetime | None,
    purpose: str | None,
    channel: str,
    pairs: Sequence[Pair],
    same: kin.Kin,
    answer: bool,
) -> tuple[set[int], set[str]]:
    """The stakeholders and the address keys that a suppression stops now; `purpose` None is any."""
    people = {number for number, _ in pairs}
    whom = {
        "people": told([*(kin.among(same, people) if same else people)]), "keys": told([*{key for _, key in pairs}]),
    }  # fmt: skip
    when = {"now": micros(now), "until": micros(until or FOREVER)}
    rows = _STOPPED.run(session, **whom, **when, channel=channel, purpose=purpose, answer=answer).all()
    stopped = {number for number, key in rows if key is None and number is not None}
    return (stopped | kin.touched(same, same, stopped), {key for _, key in rows if key is not None})


def _stands(now: Any, until: Any = FOREVER) -> Any:
    """Suppressions not lifted and not over; with `until`, those that stood at that moment."""
    row = Suppression.__table__.c
    return and_(
        row.since_at <= until,
        or_(row.lifted_at.is_(None), row.lifted_at > until),
        or_(row.until_at.is_(None), row.until_at > now),
    )


def _corporate(session: Session, channel: str, pairs: Sequence[Pair]) -> set[Pair]:
    wanted = select(Address.stakeholder_id, Address.key).where(
        Address.channel == channel,
        Address.corporate.is_(True),
        tuple_(Address.stakeholder_id, Address.key).in_(pairs),
    )
    return {(number, key) for number, key in session.execute(wanted)}


def _scope(
    session: Session, channel: str, address_key: str | None, stakeholder_id: int | None
) -> dict[str, Any]:
    if stakeholder_id is not None:
        people.get(session, stakeholder_id)
    if address_key is not None:
        address_key = addresses.key(channel, address_key)
    elif stakeholder_id is None:
        raise BadField("name an address or a stakeholder", pointer="/address_key")
    elif channel != EVERY_CHANNEL:
        addresses.check_channel(channel)
    return {"channel": channel, "address_key": address_key, "stakeholder_id": stakeholder_id}


def _check_subject(session: Session, stakeholder_id: int, purpose: str, channel: str) -> None:
    people.one_of(purpose, PURPOSES, "/purpose")
    addresses.check_channel(channel)
    people.get(session, stakeholder_id)


def _after(now: datetime, before: Consent | None) -> datetime:
    """Clocks of two machines may disagree; what is done last must also stand last."""
    return now if before is None else max(now, before.at + timedelta(microseconds=1))


def _append(session: Session, act: Consent) -> Consent:
    session.add(act)
    session.flush()
    return act


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for first in range(0, len(items), CHUNK):
        yield items[first : first + CHUNK]


def _known() -> Any:
    """Who was asked about, each with their acts, the latest last: few have more than two, so all are read."""
    who, person, act = listed("people", BigInteger), Stakeholder.__table__.c, Consent.__table__.c
    theirs = and_(
        act.stakeholder_id == person.id,
        act.purpose == bindparam("purpose"),
        act.channel == bindparam("channel"),
        act.given_at <= bindparam("until", type_=Instant),
    )
    found = who.join(Stakeholder.__table__, person.id == who.c.one).outerjoin(Consent.__table__, theirs)
    of_act = (act.id.label("consent_id"), act.act, act.basis, type_coerce(act.expires_at, BigInteger))
    merged = or_(person.joined, person.merged_into.is_not(None))
    columns = (person.id, person.state, merged, *of_act)
    return select(*columns).select_from(found).order_by(act.given_at, act.id)


def _stopped() -> Any:
    """The stakeholders and address keys that a suppression stops: two branches, each on its own index."""
    # Lists to look into and not tables to join, and a channel that is no bare column: else SQLite reads every
    # suppression of the channel for each wave.
    people, keys = (select(listed(name, kind)) for name, kind in (("people", BigInteger), ("keys", Text)))
    channel, purpose, row = (
        bindparam("channel", type_=Text),
        bindparam("purpose", type_=Text),
        Suppression.__table__.c,
    )
    applies = and_(
        _stands(bindparam("now", type_=Instant), bindparam("until", type_=Instant)),
        or_(row.purpose.is_(None), purpose.is_(null()), row.purpose == purpose),
        or_(~bindparam("answer", type_=Boolean), row.reason.in_([literal(one) for one in STOPS_ANSWERS])),
    )
    whom = select(row.stakeholder_id, row.address_key)
    here = row.channel.concat("").in_([channel, literal(EVERY_CHANNEL)])
    person = and_(row.stakeholder_id.in_(people), row.address_key.is_(None), here)
    address = and_(row.channel == channel, row.address_key.in_(keys))
    return union_all(whom.where(person, applies), whom.where(address, applies))


# Made once: every wave asks them.
_KNOWN, _STOPPED = Prepared(_known()), Prepared(_stopped())
