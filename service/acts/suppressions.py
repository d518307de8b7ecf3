"""What may be done with suppressions.

Rules: who reaches a stakeholder sees every suppression that stops them, those of their addresses too; whose
record one stands on is shown only to who reaches them. An address that nobody in reach has is NotFound, unless
the caller may do this everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, exists, or_, select

from campaigns.errors import BadAddress, BadField, Forbidden, NotFound, said
from campaigns.stakeholders import addresses, consent
from campaigns.stakeholders.tables import Address, Involvement, Stakeholder, Suppression

from .. import paging
from ..access import involved
from . import Act
from .consents import READ, WRITE
from .stakeholders import reached


def listed(
    act: Act,
    *,
    limit: int,
    after: str | None,
    before: str | None,
    stakeholder_id: int | None = None,
    standing: bool | None = None,
    **filters: str,
) -> paging.Page:
    """The suppressions that stop the caller's people, oldest first."""
    statement = _in_reach(act, select(Suppression), READ).filter_by(**filters)
    if stakeholder_id is not None:
        person = reached(act, stakeholder_id, READ)
        statement = statement.where(_stops(select(Stakeholder.id).where(Stakeholder.id == person.id)))
    if standing is not None:
        ended = and_(Suppression.until_at.is_not(None), Suppression.until_at <= act.now)
        over = or_(Suppression.lifted_at.is_not(None), ended)
        statement = statement.where(~over if standing else over)
    page = paging.cut(act.session, statement, Suppression.id, limit=limit, after=after, before=before)
    return paging.Page(_shown(act, page.rows), page.next, page.previous)


def people(act: Act, rows: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Whose records these suppressions stand on, by name."""
    numbers = {row["stakeholder_id"] for row in rows if row["stakeholder_id"] is not None}
    known = select(Stakeholder.id, Stakeholder.name).where(Stakeholder.id.in_(numbers))
    return {number: name for number, name in act.session.execute(known)} if numbers else {}


def suppress(
    act: Act,
    *,
    channel: str,
    address: str | None = None,
    stakeholder_id: int | None = None,
    until_at: datetime | None = None,
    **what: Any,
) -> dict[str, Any]:
    """Do not contact an address, or a stakeholder; an equal suppression that stands is returned."""
    if stakeholder_id is not None:
        reached(act, stakeholder_id, WRITE)
    if until_at is not None and until_at <= act.now:
        raise BadField("a suppression ends in the future", pointer="/until_at")
    made = consent.suppress(
        act.session, act.now, channel=channel, address_key=_address(act, channel, address),
        stakeholder_id=stakeholder_id, until_at=until_at, **what,
    )  # fmt: skip
    act.note(
        "suppression.made", "suppression", made.id,
        after={"channel": made.channel, "purpose": made.purpose, "reason": made.reason},
    )  # fmt: skip
    return _shown(act, [made])[0]


def lift(act: Act, suppression_id: int, *, why: str) -> dict[str, Any]:
    """End a suppression, with a reason."""
    one = select(Suppression).where(Suppression.id == suppression_id)
    found = act.session.scalar(_in_reach(act, one, WRITE).with_for_update())
    if found is None:
        if act.session.scalar(_in_reach(act, one, READ)) is None:
            raise NotFound("no such thing")
        raise Forbidden(said("this needs {write} in a programme they are involved in", write=WRITE))
    consent.lift(act.session, act.now, found.id, act.caller.actor, why)
    act.note("suppression.lifted", "suppression", found.id, after={"why": why})
    return _shown(act, [found])[0]


def _in_reach(act: Act, statement: Select[Any], scope: str) -> Select[Any]:
    programmes = act.caller.programmes(scope)
    if programmes is None:
        return statement
    return statement.where(
        _stops(select(Involvement.stakeholder_id).where(Involvement.programme_id.in_(programmes)))
    )


def _stops(people: Select[Any]) -> Any:
    """Suppressions of these people: their own, and those of an address they have or had."""
    theirs = exists().where(
        Address.channel == Suppression.channel,
        Address.key == Suppression.address_key,
        Address.stakeholder_id.in_(people),
    )
    return or_(Suppression.stakeholder_id.in_(people), theirs)


def _address(act: Act, channel: str, address: str | None) -> str | None:
    """The key of an address that somebody in reach has."""
    if address is None:
        return None
    try:
        key = addresses.key(channel, address)
    except BadAddress as error:
        error.pointer = "/channel" if error.pointer == "/channel" else "/address"
        raise
    held = select(Address.id).where(Address.channel == channel, Address.key == key)
    everywhere = act.caller.programmes(WRITE) is None
    if (
        not everywhere
        and act.session.scalar(involved(held, Address.stakeholder_id, act.caller, WRITE)) is None
    ):
        raise NotFound("no such thing")
    return key


def _shown(act: Act, rows: Sequence[Suppression]) -> list[dict[str, Any]]:
    named = {row.stakeholder_id for row in rows if row.stakeholder_id is not None}
    known = select(Stakeholder.id).where(Stakeholder.id.in_(named))
    seen = set(act.session.scalars(involved(known, Stakeholder.id, act.caller, READ))) if named else set()
    columns = Suppression.__mapper__.column_attrs.keys()
    return [
        {name: getattr(row, name) for name in columns}
        | {"stakeholder_id": row.stakeholder_id if row.stakeholder_id in seen else None}
        for row in rows
    ]
