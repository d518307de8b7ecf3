"""Match: which delivery an event is about, and who it is from. Never guessed.

Rules: provider id, then Message-ID and References, then the signed reply token, then the address. A
delivery alone does not say who wrote: a forwarded mail is answered by somebody else, so the sender must be
known to be the recipient. A sender who may be forged is never matched by address. What is not certain keeps
its candidates and waits for a person; a person's decision holds for the same handle before and after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from connectors.api import Event

from ..base import parse_id
from ..delivery.tables import Account, Delivery, DeliveryEvent
from ..errors import BadAddress, BadId, LinkNotValid
from ..links import Links
from ..messages.tables import Message
from ..stakeholders import addresses, kin, people
from ..stakeholders.tables import Stakeholder
from ..stakeholders.text import fold
from . import effects, events
from .tables import EVENT_KINDS, Identity, RawEvent, Response, ResponseCandidate

OUR_MESSAGE_ID = re.compile(r"<?(dlv_[0-9a-z]{13})@([^<>@\s]+)>?")
REFERENCES_MAX = 20  # a thread has one parent; the nearest ones decide
CANDIDATES_MAX = 10
SURE = 100

# Reports about a delivery come from a provider or a mail server; everything else comes from a person.
REPORTS = ("bounce", "complaint", *EVENT_KINDS)


@dataclass(frozen=True, slots=True)
class Tie:
    """The delivery an event names, and by what. `signed` is True where our own token says the same."""

    delivery: Delivery
    by: str
    signed: bool


def tie(session: Session, links: Links, account_id: int, event: Event) -> Tie | None:
    """The delivery an event is about, in the order of the rules; None where nothing names one of ours."""
    signed = _by_token(session, links, event)
    named = _by_provider_id(session, account_id, event.provider_id)
    by = "provider_id"
    if named is None:
        named, by = _by_references(session, links, account_id, event), "references"
    if named is None:
        named, by = signed, "token"
    if named is None:
        return None
    return Tie(named, by, signed=signed is not None and signed.id == named.id)


def is_proven(tie: Tie, account: Account, event: Event) -> bool:
    """Whether the event may act on the delivery it names.

    Message-IDs can be guessed from a neighbour's, so a report that anybody could have written must carry the token
    of the return address that our mail had; where the account has none, it must name the address that the delivery
    went to. Whether an answer is the recipient's is asked of its sender, later; an opt-out by another account than the
    mail's own must be the recipient's at once, or whoever may call us could stop mail to anybody.
    """
    if tie.signed:
        return True
    if event.kind == "opt_out" and tie.delivery.account_id != account.id:
        return key(account.channel, event.sender) == tie.delivery.address_key
    if event.kind not in REPORTS:
        return tie.delivery.channel == account.channel
    if tie.delivery.account_id != account.id:
        return False
    if event.verified or account.settings.get("inbox_domain"):
        return event.verified
    return bool(event.about) and key(account.channel, event.about) == tie.delivery.address_key


def may_stop(session: Session, account: Account, event: Event) -> bool:
    """Whether an account is believed that somebody wants no more, where that names no delivery.

    One of a single programme was connected by whoever has that programme alone, and what calls it may be any system: it
    speaks for those whom it has written to, on whichever of their records. What others are said to want waits for a
    person.
    """
    if account.programme_id is None:
        return True
    sender = key(account.channel, event.sender)
    holders = addresses.holders(session, account.channel, sender)
    mine = kin.among(kin.of(session, holders), holders)
    wrote = select(Delivery.id).where(
        Delivery.account_id == account.id,
        or_(
            Delivery.stakeholder_id.in_(mine),
            # To this address of theirs while another record stood for them.
            and_(Delivery.stakeholder_id.in_(kin.ever(session, mine)), Delivery.address_key == sender),
        ),
    )
    return session.scalar(wrote.limit(1)) is not None


def is_our_own(session: Session, links: Links, event: Event) -> bool:
    """Whether this is a message of ours, or a letter to a colleague, that came to a mailbox we read.

    Some relays write a Message-ID of their own; then the way out that only our mail offers tells.
    """
    named = str(event.meta.get("message_id", ""))
    if links.is_letter(named):
        return True
    number = _delivery_id(links, named)
    if number is None and (token := str(event.meta.get("way_out", ""))):
        with suppress(LinkNotValid):
            number = links.read("unsubscribe", token)
    return number is not None and session.get(Delivery, number) is not None


def settle(session: Session, response: Response, event: Event, tie: Tie | None) -> bool:
    """Write down what is known of a response; False where nothing is new. A person's decision stays."""
    if response.matched_by == "person" or (tie is None and response.matched_by is not None):
        return False
    if tie is not None:
        message = session.get_one(Message, tie.delivery.message_id)
        response.delivery_id, response.message_id = tie.delivery.id, message.id
        response.programme_id = message.programme_id
    candidates: dict[int, tuple[str, int]] = {}
    who, by = _who(session, response, event, tie, candidates)
    response.stakeholder_id, response.matched_by = who, by
    _note_candidates(session, response, candidates if who is None else {})
    return tie is not None or who is not None


def match_by_hand(session: Session, now: datetime, response: Response, stakeholder_id: int, by: str) -> int:
    """A person says who a response is from; how many responses were matched by that, this one included.

    The decision holds for every response from the same handle, earlier and later, unless several people share
    the address: then it is about this one only. NotFound where there is no such stakeholder.
    """
    people.get(session, stakeholder_id)
    _give_to(session, now, response, stakeholder_id)
    if not response.from_key or response.kind in REPORTS:
        return 1
    if len(addresses.holders(session, response.channel, response.from_key)) > 1:
        return 1
    _decide(session, now, response, stakeholder_id, by)
    others = session.scalars(
        select(Response).where(
            Response.channel == response.channel,
            Response.from_key == response.from_key,
            Response.id != response.id,
            Response.kind.not_in(REPORTS),
            or_(Response.matched_by.is_(None), Response.matched_by == "person"),
            or_(Response.stakeholder_id.is_(None), Response.stakeholder_id != stakeholder_id),
        )
    ).all()
    moved = [other for other in others if other.matched_by == "person" or other.meta.get("verified", True)]
    for other in moved:
        _give_to(session, now, other, stakeholder_id)
    return 1 + len(moved)


def take_back(
    session: Session, now: datetime, response: Response, stakeholder_id: int | None, by: str | None
) -> None:
    """Undo what a person said about one response: it is on the record it was on before, or on nobody's.

    Effects that are facts of their own (an opt-out that was honoured) stay.
    """
    if stakeholder_id is not None:
        _give_to(session, now, response, stakeholder_id)
        response.matched_by = by
        return
    raw = session.get_one(RawEvent, response.raw_id)
    _forget_answer(session, raw)
    response.stakeholder_id = response.matched_by = None
    delivery = session.get(Delivery, response.delivery_id) if response.delivery_id else None
    candidates: dict[int, tuple[str, int]] = {}
    if delivery is not None and delivery.stakeholder_id is not None:
        candidates[kin.root(session, delivery.stakeholder_id)] = ("thread", 80)
    holders = addresses.holders(session, response.channel, response.from_key) if response.from_key else []
    decided = _decided(session, response.channel, response.from_key)
    _gather(session, response, holders, decided, candidates)
    _note_candidates(session, response, candidates)


def key(channel: str, value: str) -> str:
    """What a sender is compared by; a handle no rule of the channel takes is compared as it was written."""
    if not value:
        return ""
    try:
        return addresses.key(channel, value)
    except BadAddress:
        return value.strip().lower()[:320]


def _by_provider_id(session: Session, account_id: int, provider_id: str) -> Delivery | None:
    if not provider_id:
        return None
    found = session.scalars(
        select(Delivery)
        .where(Delivery.account_id == account_id, Delivery.provider_id == provider_id)
        .order_by(Delivery.id)
        .limit(2)
    ).all()
    return found[0] if len(found) == 1 else None  # a relay that uses a name twice says nothing


def _by_references(session: Session, links: Links, account_id: int, event: Event) -> Delivery | None:
    """The nearest message of ours in the thread."""
    for reference in (event.provider_id, *reversed(event.references[-REFERENCES_MAX:])):
        number = _delivery_id(links, reference)
        named = session.get(Delivery, number) if number is not None else None
        if named is None and reference != event.provider_id:
            named = _by_provider_id(session, account_id, reference)
        if named is not None:
            return named
    return None


def _by_token(session: Session, links: Links, event: Event) -> Delivery | None:
    for use in ("reply", "unsubscribe") if event.recipient_token else ():
        try:
            return session.get(Delivery, links.read(use, event.recipient_token))
        except LinkNotValid:
            continue
    return None


def _delivery_id(links: Links, message_id: str) -> int | None:
    """The id in a Message-ID of ours, `<dlv_…@our domain>`."""
    found = OUR_MESSAGE_ID.fullmatch(message_id.strip().lower())
    if found is None or found[2] != links.mail_domain.lower():
        return None
    try:
        return parse_id("dlv", "dlv_" + found[1][4:].upper())
    except BadId:
        return None


def _who(
    session: Session,
    response: Response,
    event: Event,
    tie: Tie | None,
    candidates: dict[int, tuple[str, int]],
) -> tuple[int | None, str | None]:
    """Who it is from and by what, or None with the candidates filled in."""
    recipient = tie.delivery.stakeholder_id if tie else None
    if response.kind in REPORTS:
        return recipient, tie.by if tie and recipient else None
    decided = _decided(session, response.channel, response.from_key)
    holders = addresses.holders(session, response.channel, response.from_key) if response.from_key else []
    if tie and recipient is not None:
        person = kin.root(session, recipient)
        if not response.from_key or person in {*holders, decided}:
            return recipient, tie.by
        if tie.signed and response.kind in ("opt_out", "auto_reply"):
            # Whoever holds the link may stop the mail, and a machine answers in nobody's name.
            return recipient, tie.by
        candidates[person] = ("thread", 80)
    elif event.verified and len(holders) <= 1:
        if decided is not None:
            return decided, "person"
        if holders:
            return holders[0], "address"
    _gather(session, response, holders, decided, candidates)
    return None, None


def _gather(
    session: Session, response: Response, holders: Iterable[int], decided: int | None,
    candidates: dict[int, tuple[str, int]],
) -> None:  # fmt: skip
    """Everybody it may be from; the strongest reason of each is kept."""
    if decided is not None:
        candidates.setdefault(decided, ("decided_before", 70))
    for one in holders:
        candidates.setdefault(one, ("address", 60))
    for one in _plus_holders(session, response):
        candidates.setdefault(one, ("plus_address", 40))
    if response.from_name:
        named = select(Stakeholder.id).where(
            Stakeholder.name_fold == fold(response.from_name), Stakeholder.state == "active"
        )
        for one in session.scalars(named.order_by(Stakeholder.id).limit(CANDIDATES_MAX)):
            candidates.setdefault(one, ("name", 20))


def _plus_holders(session: Session, response: Response) -> list[int]:
    local, plus, rest = response.from_key.partition("+")
    if response.channel != "email" or not plus or "@" not in rest:
        return []
    return addresses.holders(session, "email", f"{local}@{rest.rpartition('@')[2]}")


def _note_candidates(session: Session, response: Response, candidates: dict[int, tuple[str, int]]) -> None:
    session.execute(delete(ResponseCandidate).where(ResponseCandidate.response_id == response.id))
    strongest = sorted(candidates.items(), key=lambda one: (-one[1][1], one[0]))[:CANDIDATES_MAX]
    for stakeholder_id, (reason, score) in strongest:
        session.add(
            ResponseCandidate(
                response_id=response.id, stakeholder_id=stakeholder_id, reason=reason, score=score
            )
        )
    session.flush()


def _decided(session: Session, channel: str, key: str) -> int | None:
    """Whose handle this is by a person's decision that still stands."""
    if not key:
        return None
    decided = session.scalars(
        select(Identity.stakeholder_id)
        .where(Identity.channel == channel, Identity.key == key, Identity.confidence > 0)
        .order_by(Identity.at.desc(), Identity.id.desc())
        .limit(1)
    ).first()
    return None if decided is None else kin.root(session, decided)


def _decide(session: Session, now: datetime, response: Response, stakeholder_id: int, by: str) -> None:
    """Record the decision; the one before it stays to be read and counts no more."""
    known = session.scalars(
        select(Identity).where(Identity.channel == response.channel, Identity.key == response.from_key)
    ).all()
    for identity in known:
        identity.confidence = SURE if identity.stakeholder_id == stakeholder_id else 0
        if identity.stakeholder_id == stakeholder_id:
            identity.by, identity.at = by, now
    if all(identity.stakeholder_id != stakeholder_id for identity in known):
        session.add(
            Identity(
                channel=response.channel, key=response.from_key, stakeholder_id=stakeholder_id,
                confidence=SURE, by=by, at=now,
            )
        )  # fmt: skip
    session.flush()


def _give_to(session: Session, now: datetime, response: Response, stakeholder_id: int) -> None:
    """Put a response on a record, take it off another, and let it have its effects there."""
    raw = session.get_one(RawEvent, response.raw_id)
    if response.stakeholder_id not in (None, stakeholder_id):
        _forget_answer(session, raw)
    response.stakeholder_id, response.matched_by = stakeholder_id, "person"
    _note_candidates(session, response, {})
    delivery = session.get(Delivery, response.delivery_id) if response.delivery_id else None
    event = events.decode(raw.event_key, raw.event)
    effects.apply(session, now, raw, event, delivery, response)


def _forget_answer(session: Session, raw: RawEvent) -> None:
    """The delivery was not answered by this: it was somebody else."""
    session.execute(
        delete(DeliveryEvent).where(
            DeliveryEvent.account_id == raw.account_id,
            DeliveryEvent.event_key == raw.event_key,
            DeliveryEvent.kind == "replied",
        )
    )
