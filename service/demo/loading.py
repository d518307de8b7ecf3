"""The sample year in the background: asked for on a page, loaded by a worker, with how far it is kept in the database.

Rules: it is loaded once whoever presses; what was broken off is taken away before it is begun anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import and_, or_, select, update

from campaigns.errors import AlreadyDone

from ..access import CONSOLE
from ..acts import Act
from ..tables import Installation
from ..wiring import Wiring
from . import removing, year


@dataclass(frozen=True, slots=True)
class Standing:
    """How far it is: none, wanted, loading, broken or loaded; and its programme as soon as there is one."""

    state: str
    done: int
    programme: int | None
    total: int = len(year.STEPS)

    @property
    def under_way(self) -> bool:
        """Whether it goes on by itself."""
        return self.state in ("wanted", "loading")


def standing(act: Act) -> Standing:
    """How far the sample year is; one that no worker shows a sign of life for is broken off."""
    row = act.session.scalars(select(Installation)).first()
    if row is None:
        return Standing("none", 0, None)
    state = row.sample_state or ("none" if row.sample_id is None else "loaded")
    if state == "loading" and row.sample_until_at is not None and row.sample_until_at <= act.now:
        state = "broken"
    return Standing(state, row.sample_done, row.sample_id)


def want(act: Act) -> None:
    """Let a worker load it, or begin anew what was broken off; AlreadyDone where that is under way or there."""
    act.need("users:admin", None)
    row = act.session.scalars(select(Installation).with_for_update()).one()
    now = standing(act)
    if now.under_way:
        raise AlreadyDone("the sample year is being loaded already")
    if now.state == "loaded":
        raise AlreadyDone("the sample year is loaded already: remove it first")
    row.sample_state, row.sample_done, row.sample_until_at = "wanted", 0, None
    row.sample_by = act.caller.actor


def run_pending(wiring: Wiring) -> bool:
    """Load it where that is wanted and no other worker has it; whether there was anything to do."""
    now = wiring.now()
    lost = and_(Installation.sample_state == "loading", Installation.sample_until_at <= now)
    pending = select(Installation).where(or_(Installation.sample_state == "wanted", lost))
    with wiring.database.read() as session:
        if session.scalars(pending).first() is None:
            return False
    with wiring.database.write() as session:
        row = session.scalars(pending.with_for_update(skip_locked=True)).first()
        if row is None:
            return False
        row.sample_state, row.sample_done, row.sample_until_at = "loading", 0, now + year.LEASE
        caller, begun = replace(CONSOLE, actor=row.sample_by or CONSOLE.actor), row.sample_id is not None
    try:
        if begun:
            removing.remove(wiring, caller, anew=True)
        year.load(wiring, caller)
    except Exception:
        with wiring.database.write() as session:
            session.execute(update(Installation).values(sample_state="broken", sample_until_at=None))
        raise  # the worker's own door tells it
    return True
