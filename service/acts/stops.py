"""What may be done with emergency stops."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from campaigns.delivery import stops
from campaigns.delivery.tables import Account, Stop
from campaigns.errors import NotFound
from campaigns.stakeholders.tables import Segment
from campaigns.strategies.tables import Programme

from .. import paging
from ..access import scoped
from . import Act


def listed(act: Act, *, limit: int, after: str | None, before: str | None) -> paging.Page:
    """All stops, standing and lifted; whoever may read messages sees why nothing goes."""
    statement = scoped(select(Stop), Stop.programme_id, act.caller, "messages:read", shared=True)
    return paging.cut(act.session, statement, Stop.id, limit=limit, after=after, before=before)


def newest(act: Act, *, limit: int, after: str | None, before: str | None) -> paging.Page:
    """The same, newest first."""
    statement = scoped(select(Stop), Stop.programme_id, act.caller, "messages:read", shared=True)
    return paging.cut(
        act.session, statement, Stop.id, limit=limit, after=after, before=before, newest_first=True
    )


def names(act: Act, rows: Sequence[Stop]) -> dict[tuple[str, int], str]:
    """What is stopped by these, by name."""
    found: dict[tuple[str, int], str] = {}
    for scope, kind in (("account", Account), ("programme", Programme), ("segment", Segment)):
        numbers = {one.ref_id for one in rows if one.scope == scope}
        if numbers:
            known = act.session.execute(select(kind.id, kind.name).where(kind.id.in_(numbers)))
            found |= {(scope, number): name for number, name in known}
    return found


def stop(act: Act, *, scope: str, ref: int, reason: str) -> Stop:
    """Stop everything, an account, a programme or a segment."""
    programme_id = _programme(act, scope, ref)
    act.need("messages:send", programme_id)
    made = stops.stop(
        act.session,
        act.now,
        scope=scope,
        ref_id=ref,
        programme_id=programme_id,
        reason=reason,
        by=act.caller.actor,
    )
    act.note("stop.made", "stop", made.id, programme_id=programme_id, after={"reason": reason})
    return made


def lift(act: Act, stop_id: int, *, why: str) -> Stop:
    """Lift a stop; needs the right to approve where it stands."""
    found = act.one(Stop, stop_id, lock=True)
    act.need("messages:approve", found.programme_id)
    stops.lift(act.session, act.now, stop_id, by=act.caller.actor, why=why)
    act.note("stop.lifted", "stop", stop_id, programme_id=found.programme_id, after={"why": why})
    return found


def _programme(act: Act, scope: str, ref: int) -> int | None:
    """Whose business a stop is; None: everybody's."""
    if scope == "all":
        return None
    if scope == "programme":
        return ref
    row: Account | Segment | None = (
        act.session.get(Account, ref) if scope == "account" else act.session.get(Segment, ref)
    )
    if row is None:
        raise NotFound("no such thing")
    programme_id: int | None = row.programme_id
    return programme_id
