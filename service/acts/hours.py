"""What may be done with sending hours: the hours of the week in which people may be written to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select

from campaigns.messages import hours
from campaigns.messages.tables import SendingHours
from campaigns.stakeholders.tables import Stakeholder

from ..access import involved, scoped
from . import Act
from .stakeholders import reached

LISTED_MAX = 200


def listed(act: Act) -> list[SendingHours]:
    """The hours that stand, of everybody first, then of programmes and of people the caller sees."""
    shared = scoped(
        select(SendingHours.id).where(SendingHours.stakeholder_id.is_(None)),
        SendingHours.programme_id, act.caller, "messages:read", shared=True,
    )  # fmt: skip
    own = involved(
        select(SendingHours.id).where(SendingHours.stakeholder_id.is_not(None)),
        SendingHours.stakeholder_id, act.caller, "stakeholders:read",
    )  # fmt: skip
    seen = or_(SendingHours.id.in_(shared), SendingHours.id.in_(own))
    order = (
        SendingHours.stakeholder_id.is_not(None),
        SendingHours.programme_id.is_not(None),
        SendingHours.id,
    )
    return list(act.session.scalars(select(SendingHours).where(seen).order_by(*order).limit(LISTED_MAX)))


def names(act: Act, rows: Sequence[SendingHours]) -> dict[int, str]:
    """What the people are called whose own hours these are."""
    numbers = {row.stakeholder_id for row in rows if row.stakeholder_id is not None}
    query = select(Stakeholder.id, Stakeholder.name).where(Stakeholder.id.in_(numbers))
    return {number: name for number, name in act.session.execute(query)}


def keep(act: Act, *, programme_id: int | None, stakeholder_id: int | None, **values: Any) -> SendingHours:
    """Set the hours of everybody, of a programme or of one person; needs the right to approve there."""
    act.need("messages:approve", programme_id)
    if stakeholder_id is not None:
        reached(act, stakeholder_id, "stakeholders:read")
    made = hours.keep(
        act.session, act.now, programme_id=programme_id, stakeholder_id=stakeholder_id, **values
    )
    act.note("sending_hours.set", "sending_hours", made.id, programme_id=programme_id, after=_told(made))
    return made


def remove(act: Act, number: int) -> None:
    """Take hours away."""
    found = act.one(SendingHours, number, lock=True)
    act.need("messages:approve", found.programme_id)
    if found.stakeholder_id is not None:
        reached(act, found.stakeholder_id, "stakeholders:read")
    act.note(
        "sending_hours.removed",
        "sending_hours",
        found.id,
        programme_id=found.programme_id,
        before=_told(found),
    )
    hours.remove(act.session, found)


def _told(row: SendingHours) -> dict[str, Any]:
    return {"weekdays": row.weekdays, "opens": row.opens, "closes": row.closes, "outside": row.outside}
