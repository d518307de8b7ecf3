"""Effects: what a bounce, a complaint, an opt-out, a reply or a press on a link changes; all repeatable.

Rules: the delivery's state moves forward only, by a guarded UPDATE; the same facts in any order end the same.
Opting out needs nothing but the link, is its own evidence, and can be undone with the same link for 30 days.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from connectors.api import Event

from ..base import public_id
from ..delivery import batch, states
from ..delivery.tables import Delivery, DeliveryEvent
from ..errors import BadAddress, NotFound
from ..messages.tables import Message
from ..stakeholders import addresses, consent, kin
from ..stakeholders.tables import Consent, Suppression
from . import verdicts
from .tables import RawEvent, Response

# What is told about a delivery, in the words of its events. A soft bounce is an event and nothing more.
LOGGED = {
    "delivered": "delivered",
    "opened": "opened",
    "clicked": "clicked",
    "bounce": "bounced",
    "complaint": "complained",
    "reply": "replied",
}
# Whoever tells us one of these has had the message.
ARRIVED = ("delivered", "opened", "clicked", "complaint", "reply", "auto_reply", "opt_out")
UNDO_FOR = timedelta(days=30)
# Mails to one address that are taken to have bounced, so many in so long, count as one that said so.
STRIKES, STRIKES_WITHIN = 3, timedelta(days=90)
RECIPIENT = "recipient"
# What nobody needs to get: all purposes but the service that was asked for.
NEWS = frozenset(("direct_marketing", "survey"))


def apply(
    session: Session,
    now: datetime,
    raw: RawEvent,
    event: Event,
    delivery: Delivery | None,
    response: Response | None,
) -> None:
    """Let one event have its effects. `delivery` is proven to be meant; `response` is matched or not."""
    _lock(session, delivery, response)
    if delivery is not None and _counts(session, delivery, event, response):
        _resolve(session, now, delivery, event)
        _log(session, raw, event, delivery, response)
    if event.kind == "bounce" and (event.hard or _is_last_strike(session, now, event, delivery)):
        _stop_address(session, now, raw, delivery, "hard_bounce")
    elif event.kind == "complaint":
        _stop_address(session, now, raw, delivery, "spam_complaint")
    elif event.kind == "opt_out" and response is not None:
        _opt_out(session, now, raw, event, delivery, response)


def unsubscribe(session: Session, now: datetime, delivery_id: int, *, how: str) -> bool:
    """Stop what this delivery was part of, on its channel, for whoever got it; False where it had stopped.

    `how` is page or one_click. Withdraws consent for direct marketing and for the purpose of the message, and
    puts the address on the do-not-contact list for both. NotFound where there is no such delivery.
    """
    delivery = _delivery(session, delivery_id)
    evidence = {"delivery_id": public_id("dlv", delivery.id), "how": how}
    _lock(session, delivery, None)
    return _stop(
        session, now, delivery.stakeholder_id, delivery.channel, delivery.address_key,
        _purposes(session, delivery), evidence,
    )  # fmt: skip


def stop_as_asked(session: Session, now: datetime, response: Response, by: str) -> bool:
    """A colleague has read that they want no more of it: as if they had used the link; False where it had stopped.

    Holds for the address that our message went to, else for the one they wrote from.
    """
    delivery = session.get(Delivery, response.delivery_id) if response.delivery_id else None
    _lock(session, delivery, response)
    evidence = {"response_id": public_id("rsp", response.id), "how": "words", "read_by": by}
    who, key = response.stakeholder_id, _asking(delivery, response)
    return _stop(session, now, who, response.channel, key, _meant(session, delivery), evidence)


def is_stopped(session: Session, response: Response) -> bool:
    """Whether what `stop_as_asked` would stop has stopped already."""
    delivery = session.get(Delivery, response.delivery_id) if response.delivery_id else None
    key = _asking(delivery, response)
    address = key if _is_address(response.channel, key) else None
    standing = {one.purpose for one in _opt_outs(session, response.channel, address, response.stakeholder_id)}
    return _meant(session, delivery) <= standing


def stop_everything(session: Session, now: datetime, delivery_id: int) -> bool:
    """Stop all news, invitations and surveys on every channel, for whoever got this delivery; False where all had.

    Undone like `unsubscribe`, by the same link. What they need to know, and answers, still come.
    """
    delivery = _delivery(session, delivery_id)
    evidence = {"delivery_id": public_id("dlv", delivery.id), "how": "preferences"}
    _lock(session, delivery, None)
    changed = False
    for place, (channel, key) in enumerate(_ways(session, delivery)):
        purposes = NEWS | (set() if place else _purposes(session, delivery))
        changed |= _stop(session, now, delivery.stakeholder_id, channel, key, purposes, evidence)
    return changed


def is_unsubscribed(session: Session, now: datetime, delivery_id: int) -> bool:
    """Whether the link of this delivery has been used and can still be undone."""
    return bool(_stopped_by(session, now, _delivery(session, delivery_id)))


def resubscribe(session: Session, now: datetime, delivery_id: int) -> bool:
    """Undo what the link of this delivery stopped in the last 30 days; False where there is nothing to undo.

    Nothing that was stopped in another way is touched. Permission comes back as it was, with its own end.
    """
    delivery = _delivery(session, delivery_id)
    _lock(session, delivery, None)
    stopped = _stopped_by(session, now, delivery)
    for suppression in stopped:
        consent.lift(session, now, suppression.id, RECIPIENT, "undone by the recipient with the same link")
        if delivery.stakeholder_id is not None and suppression.purpose is not None:
            _give_back(session, now, delivery.stakeholder_id, suppression)
    return bool(stopped)


def _delivery(session: Session, delivery_id: int) -> Delivery:
    delivery = session.get(Delivery, delivery_id)
    if delivery is None:
        raise NotFound("there is no such delivery")
    return delivery


def _lock(session: Session, delivery: Delivery | None, response: Response | None) -> None:
    """Everybody these effects may touch, in the order of the gate, before any row of the ledger changes."""
    touched = {delivery.stakeholder_id if delivery else None, response.stakeholder_id if response else None}
    if delivery is not None and delivery.address_key:
        touched.update(addresses.holders(session, delivery.channel, delivery.address_key))
    if response is not None and response.from_key:
        touched.update(addresses.holders(session, response.channel, response.from_key))
    consent.lock(session, sorted(one for one in touched if one is not None))


def _counts(session: Session, delivery: Delivery, event: Event, response: Response | None) -> bool:
    """Whether the delivery itself is spoken for: an answer counts only from its own recipient."""
    if event.kind not in ("reply", "auto_reply"):
        return True
    if response is None or response.stakeholder_id is None:
        return False
    if delivery.stakeholder_id in (None, response.stakeholder_id):
        return True
    return delivery.stakeholder_id in kin.records(session, response.stakeholder_id)


def _resolve(session: Session, now: datetime, delivery: Delivery, event: Event) -> None:
    """Move the state where the event is evidence: it bounced, or what nobody knew has arrived."""
    if event.kind == "bounce" and event.hard:
        _move(
            session, now, delivery, event, states.BOUNCED, (states.SENT, states.UNKNOWN),
            reason="address_gone", error={"words": event.text[:500], "code": str(event.meta.get("code", ""))},
        )  # fmt: skip
    elif event.kind in ARRIVED:
        _move(session, now, delivery, event, states.SENT, (states.UNKNOWN,), sent_at=now)


def _move(
    session: Session,
    now: datetime,
    delivery: Delivery,
    event: Event,
    state: str,
    before: Iterable[str],
    **values: Any,
) -> None:
    was = delivery.state
    done = session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state.in_(tuple(before)))
        .values(state=state, batch_id=None, next_at=None, **values)
        .execution_options(synchronize_session=False)
    )
    session.refresh(delivery)
    if not done.rowcount:  # type: ignore[attr-defined]
        return
    if was == states.UNKNOWN:
        delivery.settled_at = now
        batch.note(
            session, now, delivery.id, delivery.attempt, delivery.token, f"evidence_{state}",
            provider_id=event.provider_id or None, phase=event.kind, error={"event_key": event.key},
        )  # fmt: skip


def _log(
    session: Session, raw: RawEvent, event: Event, delivery: Delivery, response: Response | None
) -> None:
    """Write it down at the delivery, once."""
    if event.kind not in LOGGED:
        return
    known = select(DeliveryEvent.id).where(
        DeliveryEvent.account_id == raw.account_id,
        DeliveryEvent.event_key == raw.event_key,
        DeliveryEvent.kind == LOGGED[event.kind],
    )
    if session.scalar(known) is not None:
        return
    who = delivery.stakeholder_id or (response.stakeholder_id if response else None)
    row = DeliveryEvent(
        delivery_id=delivery.id, message_id=delivery.message_id, stakeholder_id=who, kind=LOGGED[event.kind],
        at=event.at, account_id=raw.account_id, event_key=raw.event_key, meta=_told(event),
    )  # fmt: skip
    verdicts.settle(session, delivery, row)
    session.add(row)
    session.flush()


def _told(event: Event) -> dict[str, Any]:
    if event.kind != "bounce":
        return dict(event.meta)
    return {"hard": event.hard, **({"suspected": True} if event.meta.get("suspected") else {})}


def _is_last_strike(session: Session, now: datetime, event: Event, delivery: Delivery | None) -> bool:
    """Whether this is one guess too many that an address is dead: servers that write no reports are guessed about."""
    if delivery is None or delivery.stakeholder_id is None or not event.meta.get("suspected"):
        return False
    bounced = session.execute(
        select(DeliveryEvent.delivery_id, DeliveryEvent.meta)
        .join(Delivery, Delivery.id == DeliveryEvent.delivery_id)
        .where(
            DeliveryEvent.stakeholder_id == delivery.stakeholder_id,
            DeliveryEvent.kind == "bounced",
            DeliveryEvent.at > now - STRIKES_WITHIN,
            Delivery.channel == delivery.channel,
            Delivery.address_key == delivery.address_key,
        )
    )
    return len({number for number, meta in bounced if meta.get("suspected")}) >= STRIKES


def _stop_address(
    session: Session, now: datetime, raw: RawEvent, delivery: Delivery | None, reason: str
) -> None:
    """Do not contact this address; the person's other addresses are not touched."""
    if delivery is not None and _is_address(delivery.channel, delivery.address_key):
        consent.suppress(
            session, now, channel=delivery.channel, reason=reason, origin=RECIPIENT,
            address_key=delivery.address_key, stakeholder_id=delivery.stakeholder_id,
            evidence=_evidence(raw, delivery),
        )  # fmt: skip


def _opt_out(
    session: Session,
    now: datetime,
    raw: RawEvent,
    event: Event,
    delivery: Delivery | None,
    response: Response,
) -> None:
    """Honoured for whoever it is matched to; a proven address is stopped even where people share it."""
    if response.stakeholder_id is None and not event.verified:
        return
    how = "mail" if response.channel == "email" else "provider"
    key, purposes = _asking(delivery, response), _meant(session, delivery)
    evidence = {**_evidence(raw, delivery), "how": how}
    _stop(session, now, response.stakeholder_id, response.channel, key, purposes, evidence)


def _asking(delivery: Delivery | None, response: Response) -> str:
    """The address that is to get no more."""
    return delivery.address_key if delivery is not None else response.from_key


def _meant(session: Session, delivery: Delivery | None) -> set[str]:
    """Whoever asks to stop and names nothing means all that they did not ask for themselves."""
    return _purposes(session, delivery) if delivery is not None else set(NEWS)


def _stop(
    session: Session,
    now: datetime,
    stakeholder_id: int | None,
    channel: str,
    address_key: str,
    purposes: Iterable[str],
    evidence: dict[str, Any],
) -> bool:
    """Withdraw and suppress, each where it is not so already; whether anything was."""
    address = address_key if _is_address(channel, address_key) else None
    standing = {one.purpose for one in _opt_outs(session, channel, address, stakeholder_id)}
    changed = False
    for purpose in sorted(purposes):
        if stakeholder_id is not None and not consent.withdrawn(session, stakeholder_id, purpose, channel):
            consent.withdraw(
                session, now, stakeholder_id, purpose, channel, source=f"opt_out:{evidence['how']}",
                actor=RECIPIENT, evidence=evidence,
            )  # fmt: skip
            changed = True
        if purpose not in standing and (address is not None or stakeholder_id is not None):
            consent.suppress(
                session, now, channel=channel, reason="opt_out", origin=RECIPIENT, purpose=purpose,
                address_key=address, stakeholder_id=stakeholder_id, evidence=evidence,
            )  # fmt: skip
            changed = True
    return changed


def _purposes(session: Session, delivery: Delivery) -> set[str]:
    """What the recipient means by "these messages": the kind it was, and marketing in any case."""
    return {"direct_marketing", session.get_one(Message, delivery.message_id).purpose}


def _is_address(channel: str, key: str) -> bool:
    """Whether this can stand on the do-not-contact list: a test goes to addresses nobody has checked."""
    try:
        return bool(key) and addresses.key(channel, key) == key
    except BadAddress:
        return False


def _opt_outs(
    session: Session, channel: str, address_key: str | None, stakeholder_id: int | None
) -> list[Suppression]:
    """The opt-outs that stand for an address, or for a stakeholder without one."""
    return list(
        session.scalars(
            select(Suppression)
            .where(
                Suppression.channel == channel,
                Suppression.address_key == address_key
                if address_key is not None
                else and_(Suppression.address_key.is_(None), Suppression.stakeholder_id == stakeholder_id),
                Suppression.reason == "opt_out",
                Suppression.lifted_at.is_(None),
                Suppression.until_at.is_(None),
            )
            .order_by(Suppression.id)
        )
    )


def _stopped_by(session: Session, now: datetime, delivery: Delivery) -> list[Suppression]:
    """The opt-outs that stand because of this delivery's own link and are young enough to be undone."""
    mine = public_id("dlv", delivery.id)
    return [
        one
        for channel, key in _ways(session, delivery)
        for one in _opt_outs(
            session, channel, key if _is_address(channel, key) else None, delivery.stakeholder_id
        )
        if one.evidence.get("delivery_id") == mine and one.at > now - UNDO_FOR
    ]


def _ways(session: Session, delivery: Delivery) -> list[tuple[str, str]]:
    """How its recipient is reached: by its own address first, then on every channel, by whatever address (\"\")."""
    own = (delivery.channel, delivery.address_key)
    if delivery.stakeholder_id is None:
        return [own]
    mine = kin.records(session, delivery.stakeholder_id)
    held = {one.channel for number in mine for one in addresses.of(session, number)} | {delivery.channel}
    return list(dict.fromkeys([own, *((channel, "") for channel in sorted(held))]))


def _give_back(session: Session, now: datetime, stakeholder_id: int, suppression: Suppression) -> None:
    """The recipient's own new consent to what the link had stopped, with the end that the old one had.

    Nothing where they withdrew in another way as well, or where there had been no permission to restore.
    """
    purpose, channel = str(suppression.purpose), suppression.channel
    act = consent.latest(session, [stakeholder_id], purpose, channel).get(stakeholder_id)
    if act is None or act.act != "withdrawn" or act.evidence != suppression.evidence:
        return
    before = session.scalars(
        select(Consent)
        .where(
            Consent.stakeholder_id == stakeholder_id, Consent.purpose == purpose, Consent.channel == channel,
            Consent.act == "given",
        )
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
    ).first()  # fmt: skip
    ended = before is not None and before.expires_at is not None and before.expires_at <= now
    if ended or (before is None and purpose not in consent.OWN_BASIS):
        return
    consent.give(
        session, now, stakeholder_id, purpose, channel, basis="consent", source="opt_out:undone",
        actor=RECIPIENT, expires_at=before.expires_at if before else None,
        evidence={**suppression.evidence, **({"restores": before.id} if before else {})},
    )  # fmt: skip


def _evidence(raw: RawEvent, delivery: Delivery | None) -> dict[str, Any]:
    about = {"delivery_id": public_id("dlv", delivery.id)} if delivery is not None else {}
    return {"event": raw.event_key, "account_id": raw.account_id, "sha256": raw.sha256, **about}
