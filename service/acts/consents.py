"""What may be done with permissions: recorded and withdrawn, never edited."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from campaigns.errors import BadField
from campaigns.stakeholders import consent, kin
from campaigns.stakeholders.tables import Consent

from .. import paging
from ..access import involved
from . import Act
from .stakeholders import reached

READ, WRITE = "consents:read", "consents:write"


def listed(
    act: Act,
    *,
    limit: int,
    after: str | None,
    before: str | None,
    stakeholder_id: int | None = None,
    **filters: str,
) -> paging.Page:
    """Every act of permission among the caller's people, oldest first."""
    statement = involved(select(Consent), Consent.stakeholder_id, act.caller, READ).filter_by(**filters)
    if stakeholder_id is not None:
        mine = kin.records(act.session, reached(act, stakeholder_id, READ).id)
        statement = statement.where(Consent.stakeholder_id.in_(mine))
    return paging.cut(act.session, statement, Consent.id, limit=limit, after=after, before=before)


def give(
    act: Act,
    *,
    stakeholder_id: int,
    purpose: str,
    channel: str,
    basis: str,
    source: str,
    wording_version: str | None = None,
    expires_at: datetime | None = None,
    evidence: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> Consent:
    """Record a permission; consent needs the wording that was shown."""
    person = reached(act, stakeholder_id, WRITE)
    if basis == "consent" and wording_version is None:
        raise BadField("consent needs the version of the wording that was shown", pointer="/wording_version")
    made = consent.give(
        act.session, act.now, person.id, purpose, channel, basis=basis, source=source, actor=act.caller.actor,
        wording_version=wording_version, expires_at=expires_at, evidence=evidence, at=at,
    )  # fmt: skip
    act.note("consent.given", "consent", made.id, after={**_facts(made), "basis": basis})
    return made


def withdraw(act: Act, *, stakeholder_id: int, purpose: str, channel: str, **proof: Any) -> Consent:
    """Record that a permission is withdrawn, or was never wanted."""
    person = reached(act, stakeholder_id, WRITE)
    made = consent.withdraw(
        act.session, act.now, person.id, purpose, channel, actor=act.caller.actor, **proof
    )
    act.note("consent.withdrawn", "consent", made.id, after=_facts(made))
    return made


def _facts(row: Consent) -> dict[str, Any]:
    return {"purpose": row.purpose, "channel": row.channel}
