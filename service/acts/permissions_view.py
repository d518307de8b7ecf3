"""Why we may write to somebody, told for each purpose and channel as the sender would decide it now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from campaigns.stakeholders import addresses, consent, kin
from campaigns.stakeholders.tables import PURPOSES, Consent

from . import Act
from .stakeholders import READ, reached


@dataclass(frozen=True)
class Permission:
    """`reason` None: we may write, on this `basis`. `act` is the last thing that was said about it.

    `declared`: somebody said so of them; else the purpose alone allows it, until they say no.
    """

    purpose: str
    channel: str
    reason: str | None
    basis: str | None
    act: Consent | None
    declared: bool


def of(act: Act, stakeholder_id: int) -> list[Permission]:
    """Every purpose on every channel on which they have an address or have said something."""
    person = reached(act, stakeholder_id, READ)
    if not act.caller.has("consents:read"):
        return []
    keys = {one.channel: one.key for one in addresses.of(act.session, person.id) if one.state == "active"}
    records = kin.records(act.session, person.id)
    last = {
        (one.purpose, one.channel): one
        for one in act.session.scalars(
            select(Consent).where(Consent.stakeholder_id.in_(records)).order_by(Consent.at, Consent.id)
        )
    }
    found = []
    for channel in sorted({*keys, *(channel for _, channel in last)}):
        for purpose in PURPOSES:
            pair = (person.id, keys.get(channel, ""))
            decided = consent.decide(act.session, act.now, purpose=purpose, channel=channel, pairs=[pair])[
                pair
            ]
            reason = decided.reason or (None if channel in keys else "no_address")
            said = last.get((purpose, channel))
            declared = decided.consent_id is not None
            found.append(Permission(purpose, channel, reason, decided.basis, said, declared))
    return found


def channels(act: Act, stakeholder_id: int) -> list[str]:
    """The channels on which somebody has an address; mail, where they have none."""
    person = reached(act, stakeholder_id, READ)
    found = {one.channel for one in addresses.of(act.session, person.id) if one.state == "active"}
    return sorted(found or {"email"})
