"""The register of a programme: issues that may merit one, and what threatens, favours or hinders it.

Rules: likelihood and severity are 1 to 5 and their product orders the list; what is closed stays on record.
Source: SM1, SM8.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..errors import BadField, NotFound, said
from ..stakeholders.text import TEXT_MAX, clean
from . import programmes
from .tables import PRIORITY_REACHES, RISK_KINDS, Priority, Risk

SCALE = range(1, 6)


def add_risk(
    session: Session,
    now: datetime,
    programme_id: int,
    *,
    kind: str,
    name: str,
    likelihood: int,
    severity: int,
    mitigation: str = "",
    owner: str = "",
    due_on: date | None = None,
) -> Risk:
    """Note a threat, an opportunity or a barrier; a barrier is there already, so its likelihood is 5."""
    programmes.get(session, programme_id)
    if kind not in RISK_KINDS:
        raise BadField(said("kind is one of {kinds}", kinds=RISK_KINDS), pointer="/kind")
    made = Risk(
        programme_id=programme_id, kind=kind, name=clean(name, "/name"),
        likelihood=5 if kind == "barrier" else _grade(likelihood, "/likelihood"),
        severity=_grade(severity, "/severity"),
        mitigation=clean(mitigation, "/mitigation", length_max=TEXT_MAX, lines=True, empty=True).strip(),
        owner=owner, due_on=due_on, created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def set_state(session: Session, now: datetime, risk: Risk, state: str) -> None:
    """Close it, or open it again."""
    if state not in ("open", "closed"):
        raise BadField("a risk is open or closed", pointer="/state")
    risk.state = state
    risk.touch(now)
    session.flush()


def risk(session: Session, risk_id: int) -> Risk:
    """One of them, or NotFound."""
    found = session.get(Risk, risk_id)
    if found is None:
        raise NotFound("there is no such risk")
    return found


def risks(session: Session, programme_id: int) -> list[Risk]:
    """All of a programme: open before closed, the gravest first."""
    mine = session.scalars(select(Risk).where(Risk.programme_id == programme_id))
    return sorted(mine, key=lambda one: (one.state != "open", -one.likelihood * one.severity, one.id))


def add_priority(
    session: Session,
    now: datetime,
    programme_id: int,
    *,
    name: str,
    reach: str,
    raised_by: str = "",
    evidence: str = "",
    suits: bool | None = None,
    reason: str = "",
) -> Priority:
    """Note an issue, who raised it, and whether social marketing suits it; a decision needs its reason."""
    programmes.get(session, programme_id)
    if reach not in PRIORITY_REACHES:
        raise BadField(said("reach is one of {reaches}", reaches=PRIORITY_REACHES), pointer="/reach")
    values: dict[str, Any] = {
        field: clean(value, f"/{field}", length_max=TEXT_MAX, lines=True, empty=True).strip()
        for field, value in (("raised_by", raised_by), ("evidence", evidence), ("reason", reason))
    }
    if suits is not None and not values["reason"]:
        raise BadField("say why it suits, or what would suit better", pointer="/reason")
    made = Priority(
        programme_id=programme_id, name=clean(name, "/name"), reach=reach, suits=suits, created_at=now, updated_at=now,
        **values,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def priorities(session: Session, programme_id: int) -> list[Priority]:
    """The issues of a programme, in the order they were noted."""
    mine = select(Priority).where(Priority.programme_id == programme_id)
    return list(session.scalars(mine.order_by(Priority.id)))


def remove_priority(session: Session, programme_id: int, priority_id: int) -> None:
    """Take an issue off the register."""
    found = session.get(Priority, priority_id)
    if found is None or found.programme_id != programme_id:
        raise NotFound("there is no such priority")
    session.delete(found)
    session.flush()


def _grade(value: int, pointer: str) -> int:
    if value not in SCALE:
        raise BadField("choose 1 to 5", pointer=pointer)
    return value
