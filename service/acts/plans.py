"""What may be done with the plan of a programme: its objectives, its register, and the policies it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, select

from campaigns.errors import BadField, Forbidden
from campaigns.messages import quiet
from campaigns.strategies import agreements, objectives, policies, programmes, register
from campaigns.strategies.tables import (
    Objective,
    Policy,
    Priority,
    Programme,
    Reading,
    Risk,
    Strategy,
)

from ..permissions import ROLES
from ..tables import Grant, User
from . import Act
from .programmes import set_assurance

READ, WRITE = "programmes:read", "programmes:write"


@dataclass(frozen=True, slots=True)
class Aim:
    """An objective, what its check misses, its newest value and how far that is."""

    objective: Objective
    missing: list[str]
    reading: Reading | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that stands on the page of a programme besides its own fields. `missing` are codes of what is."""

    aims: list[Aim]
    risks: list[Risk]
    priorities: list[Priority]
    policies: policies.Policies
    own_policy: Policy | None
    strategies: list[Strategy]
    standings: dict[int, agreements.Standing]
    missing: list[str] = field(default_factory=list)


def of(act: Act, programme: Programme) -> Plan:
    """The plan of one programme the caller has been shown."""
    act.need(READ, programme.id)
    aims = _aims(act, programme)
    found = list(
        act.session.scalars(
            select(Strategy)
            .where(Strategy.programme_id == programme.id, Strategy.state == "active")
            .limit(100)
        )
    )
    plan = Plan(
        aims=aims, risks=register.risks(act.session, programme.id),
        priorities=register.priorities(act.session, programme.id), policies=policies.of(act.session, programme.id),
        own_policy=policies.own(act.session, programme.id), strategies=found,
        standings=agreements.standings(act.session, found),
    )  # fmt: skip
    plan.missing.extend(_missing(act, programme, plan))
    return plan


def objective(act: Act, objective_id: int, scope: str = READ, *, lock: bool = False) -> Objective:
    """One objective; NotFound where the caller has no grant."""
    found = act.one(Objective, objective_id, lock=lock)
    act.need(scope, found.programme_id)
    return found


def aim(act: Act, found: Objective) -> Aim:
    """An objective with its check and its newest value."""
    return _aim(act.one(Programme, found.programme_id), found, objectives.newest(act.session, [found]))


def readings(act: Act, found: Objective) -> list[Reading]:
    """What was read of it, the newest day first."""
    return objectives.readings(act.session, found)


def add_objective(act: Act, programme_id: int, **values: Any) -> Objective:
    """A new objective of a programme."""
    act.need(WRITE, programme_id)
    made = objectives.create(act.session, act.now, programme_id, **values)
    act.note("objective.created", "objective", made.id, programme_id=programme_id)
    return made


def change_objective(act: Act, objective_id: int, version: int | None, **values: Any) -> Objective:
    """Say an objective better."""
    found = objective(act, objective_id, WRITE, lock=True)
    act.unchanged(found, version)
    before = {name: _plain(getattr(found, name)) for name in ("target", "deadline_on")}
    objectives.change(act.session, act.now, found, **values)
    after = {name: _plain(getattr(found, name)) for name in before}
    act.note(
        "objective.changed",
        "objective",
        found.id,
        programme_id=found.programme_id,
        before=before,
        after=after,
    )
    return found


def archive_objective(act: Act, objective_id: int) -> Objective:
    """Pursue it no more."""
    found = objective(act, objective_id, WRITE, lock=True)
    objectives.archive(act.session, act.now, found)
    act.note("objective.archived", "objective", found.id, programme_id=found.programme_id)
    return found


def read(act: Act, objective_id: int, *, on: date, value: float, note: str) -> Reading:
    """Write down how far it is."""
    found = objective(act, objective_id, WRITE, lock=True)
    made = objectives.read(act.session, act.now, found, on=on, value=value, by=act.caller.actor, note=note)
    act.note(
        "objective.read",
        "objective",
        found.id,
        programme_id=found.programme_id,
        after={"on": str(on), "value": value},
    )
    return made


def add_risk(act: Act, programme_id: int, **values: Any) -> Risk:
    """Note a threat, an opportunity or a barrier."""
    act.need(WRITE, programme_id)
    made = register.add_risk(act.session, act.now, programme_id, **values)
    act.note("risk.added", "risk", made.id, programme_id=programme_id, after={"kind": made.kind})
    return made


def set_risk(act: Act, programme_id: int, risk_id: int, state: str) -> Risk:
    """Close one, or open it again."""
    found = act.one(Risk, risk_id, lock=True)
    act.need(WRITE, found.programme_id)
    if found.programme_id != programme_id:
        raise BadField("this risk is another programme's", pointer="/risk")
    register.set_state(act.session, act.now, found, state)
    act.note("risk.changed", "risk", found.id, programme_id=programme_id, after={"state": state})
    return found


def add_priority(act: Act, programme_id: int, **values: Any) -> Priority:
    """Note an issue and whether social marketing suits it."""
    act.need(WRITE, programme_id)
    made = register.add_priority(act.session, act.now, programme_id, **values)
    act.note("priority.added", "priority", made.id, programme_id=programme_id, after={"suits": made.suits})
    return made


def remove_priority(act: Act, programme_id: int, priority_id: int) -> None:
    """Take an issue off the register."""
    act.need(WRITE, programme_id)
    register.remove_priority(act.session, programme_id, priority_id)
    act.note("priority.removed", "priority", priority_id, programme_id=programme_id)


def policy(act: Act, programme_id: int) -> dict[str, Any]:
    """What a programme itself asks of its messages, and what holds for it with what stands above it."""
    act.need(READ, programme_id)
    act.one(Programme, programme_id)
    known, whole = policies.own(act.session, programme_id), policies.of(act.session, programme_id)
    return {
        "languages": known.languages if known else [], "formats": known.formats if known else False,
        "frequency_cap": policies.cap_of(known),
        "in_force": {"languages": whole.languages, "formats": whole.formats, "frequency_caps": whole.caps},
    }  # fmt: skip


def set_policy(
    act: Act, programme_id: int, *, languages: Sequence[str], formats: bool, cap: tuple[int, int] | None
) -> Policy:
    """Set what a programme asks of its messages; asking for less needs an administrator."""
    act.need(WRITE, programme_id)
    known = policies.own(act.session, programme_id)
    less = known is not None and (
        set(known.languages) - set(languages) or (known.formats and not formats) or _looser(known, cap)
    )
    if less and not act.caller.may("users:admin", programme_id):
        raise Forbidden("asking for less than before needs an administrator")
    before = _asked(known) if known else None
    made = policies.set_own(
        act.session, act.now, programme_id, languages=languages, formats=formats, by=act.caller.actor, cap=cap
    )
    act.note(
        "policy.set", "programme", programme_id, programme_id=programme_id, before=before, after=_asked(made)
    )
    return made


def adopt_wales(act: Act, programme_id: int, period: dict[str, Any] | None) -> Policy:
    """Turn on the pack *Public body in Wales*; `period` is its quiet period, if its dates are known."""
    act.need(WRITE, programme_id)
    programme = act.one(Programme, programme_id, lock=True)
    before = programme.assurance
    set_assurance(act, programme, "agreed", "")
    made = policies.adopt_wales(act.session, act.now, programme, act.caller.actor)
    if period is not None:
        act.need("messages:send", programme_id)
        held = quiet.begin(act.session, act.now, programme_id=programme_id, by=act.caller.actor, **period)
        act.note(
            "quiet_period.began",
            "programme",
            programme_id,
            programme_id=programme_id,
            after={"name": held.name},
        )
    act.note(
        "policy.pack_adopted", "programme", programme_id, programme_id=programme_id, before={"assurance": before},
        after={"pack": made.pack, "assurance": programme.assurance},
    )  # fmt: skip
    return made


def _asked(row: Policy) -> dict[str, Any]:
    cap = policies.cap_of(row)
    return {
        "languages": row.languages,
        "formats": row.formats,
        "frequency_cap": [cap.messages, cap.days] if cap else None,
    }


def _looser(known: Policy, cap: tuple[int, int] | None) -> bool:
    """Whether people may get more than by the cap there is."""
    held = policies.cap_of(known)
    return held is not None and (cap is None or cap[0] > held.messages or cap[1] < held.days)


def _aims(act: Act, programme: Programme) -> list[Aim]:
    found = objectives.of(act.session, programme.id)
    newest = objectives.newest(act.session, found)
    return [_aim(programme, one, newest) for one in found]


def _aim(programme: Programme, one: Objective, newest: dict[int, Reading]) -> Aim:
    reading = newest.get(one.id)
    return Aim(
        one,
        objectives.check(one, programme),
        reading,
        objectives.share(one, reading.value if reading else None),
    )


def _missing(act: Act, programme: Programme, plan: Plan) -> list[str]:
    """What the page of a programme would still need, as codes that the page says in words."""
    asks = {
        "purpose": not (programme.mission or programme.vision),
        "values": not programme.held_values,
        "approach": not programme.approach,
        "priorities": not plan.priorities,
        "objectives": not plan.aims,
        "smart": any(one.missing for one in plan.aims),
        "strategy": not plan.strategies,
        "agreement": programme.assurance == "agreed"
        and any(one.in_force is None for one in plan.standings.values()),
        "risks": not plan.risks,
        "mitigation": any(
            one.state == "open" and not one.mitigation and one.kind != "opportunity" for one in plan.risks
        ),
        "second_person": programme.assurance != "light" and _checkers(act, programme) < 2,
        "over": programme.ends_on is not None and programme.ends_on < act.now.date(),
    }
    return [name for name, lacking in asks.items() if lacking]


def _checkers(act: Act, programme: Programme) -> int:
    """How many people here can write or check; with one alone nobody checks them."""
    places = programmes.lineage(act.session, programme.id)
    roles = [
        role for role, scopes in ROLES.items() if "messages:approve" in scopes or "messages:write" in scopes
    ]
    here = select(func.count(Grant.user_id.distinct())).join(User, User.id == Grant.user_id)
    return (
        act.session.scalar(
            here.where(
                User.state == "active", Grant.role.in_(roles),
                or_(Grant.programme_id.is_(None), Grant.programme_id.in_(places)),
            )
        )
        or 0
    )  # fmt: skip


def _plain(value: date | datetime | float | None) -> str | None:
    return None if value is None else str(value)
