"""What may be done about the rhythm: promises, the gaps that are coming, quiet periods, and the mix of a quarter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from campaigns.messages import mix as shares
from campaigns.messages import quiet, rhythm
from campaigns.messages.rhythm import Gap, Week
from campaigns.messages.tables import CadencePromise, MixTarget, QuietPeriod
from campaigns.strategies import strategies as room
from campaigns.strategies.tables import Programme, Strategy

from ..access import scoped
from . import Act

WEEKS_BACK, WEEKS_AHEAD = 4, 4
PERIODS_MAX = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """A promise with its strategy and its weeks, those to come included."""

    promise: CadencePromise
    strategy: Strategy
    weeks: list[Week]
    mine: bool  # the caller may change it


def promises(act: Act) -> list[Kept]:
    """The promises of the strategies that the caller may read."""
    given = rhythm.promises(act.session, act.caller.programmes("strategies:read"))
    weeks = rhythm.weeks(act.session, act.now, [one for one, _ in given], WEEKS_BACK, WEEKS_AHEAD)
    return [
        Kept(one, strategy, weeks[one.id], act.caller.may("strategies:write", strategy.programme_id))
        for one, strategy in given
    ]


def promise(
    act: Act, strategy_id: int, *, channel: str, times: int, warn_days: int, zone: str
) -> CadencePromise:
    """Promise so many messages a week, or change what was promised."""
    strategy = act.one(Strategy, strategy_id)
    act.need("strategies:write", strategy.programme_id)
    made = rhythm.promise(
        act.session, act.now, strategy, channel, times=times, warn_days=warn_days, zone=zone
    )
    act.note(
        "promise.made", "promise", made.id, programme_id=strategy.programme_id,
        after={"channel": channel, "times": times, "warn_days": warn_days},
    )  # fmt: skip
    return made


def withdraw(act: Act, promise_id: int) -> None:
    """Take a promise back."""
    given = act.one(CadencePromise, promise_id)
    strategy = room.get(act.session, given.strategy_id)
    act.need("strategies:write", strategy.programme_id)
    act.note(
        "promise.withdrawn", "promise", given.id, programme_id=strategy.programme_id,
        before={"channel": given.channel, "times": given.times},
    )  # fmt: skip
    rhythm.withdraw(act.session, given)


def gaps(act: Act) -> list[Gap]:
    """The gaps that are coming in the caller's strategies, soonest first."""
    return rhythm.gaps(act.session, act.now, act.caller.programmes("strategies:read"))


def strategies(act: Act) -> list[Strategy]:
    """The strategies in whose name the caller may promise something."""
    statement = scoped(select(Strategy), Strategy.programme_id, act.caller, "strategies:write")
    return list(act.session.scalars(statement.where(Strategy.state == "active").order_by(Strategy.name)))


# --- quiet periods ------------------------------------------------------------------------------------------------


def periods(act: Act) -> list[QuietPeriod]:
    """The quiet periods of the caller's programmes and those of all, the latest first."""
    statement = scoped(
        select(QuietPeriod), QuietPeriod.programme_id, act.caller, "messages:read", shared=True
    )
    return list(act.session.scalars(statement.order_by(QuietPeriod.from_at.desc()).limit(PERIODS_MAX)))


def quiet_between(act: Act, start: datetime, end: datetime) -> list[QuietPeriod]:
    """The quiet periods in force at some time between two instants."""
    statement = scoped(
        quiet.standing(start, end), QuietPeriod.programme_id, act.caller, "messages:read", shared=True
    )
    return list(act.session.scalars(statement))


def begin_quiet(act: Act, *, programme_id: int | None, **values: Any) -> QuietPeriod:
    """Let messages of a programme, or of all, wait for a time; needs the right to approve there."""
    act.need("messages:approve", programme_id)
    made = quiet.begin(act.session, act.now, programme_id=programme_id, by=act.caller.actor, **values)
    act.note(
        "quiet_period.made", "quiet_period", made.id, programme_id=programme_id,
        after={
            "name": made.name, "reason": made.reason, "from": made.from_at.isoformat(),
            "until": made.until_at.isoformat(),
        },
    )  # fmt: skip
    return made


def end_quiet(act: Act, period_id: int, *, why: str) -> QuietPeriod:
    """End a quiet period before its time; what it held goes."""
    found = act.one(QuietPeriod, period_id, lock=True)
    act.need("messages:approve", found.programme_id)
    quiet.end(act.session, act.now, found, by=act.caller.actor, why=why)
    act.note(
        "quiet_period.ended", "quiet_period", found.id, programme_id=found.programme_id, after={"why": why}
    )
    return found


# --- the mix ------------------------------------------------------------------------------------------------------


def mix(act: Act, quarter: str, zone: str, programme_id: int | None) -> list[shares.Share]:
    """What content was for in a quarter: of one programme, or of all the caller sees."""
    if programme_id is not None:
        act.need("messages:read", programme_id)
    return shares.mix(act.session, quarter, zone, programme_id, act.caller.programmes("messages:read"))


def plan_mix(act: Act, programme_id: int, quarter: str, wanted: Mapping[str, int]) -> MixTarget:
    """Say which mix a quarter of a programme is meant to have."""
    act.need("messages:write", programme_id)
    made = shares.plan(act.session, act.now, programme_id, quarter, wanted)
    act.note(
        "mix.planned", "programme", programme_id, programme_id=programme_id,
        after={"quarter": quarter, "shares": made.shares},
    )  # fmt: skip
    return made


def homes(act: Act) -> dict[int, str]:
    """The names of the programmes that the caller sees, by id."""
    statement = scoped(select(Programme), Programme.id, act.caller, "messages:read")
    return {one.id: one.name for one in act.session.scalars(statement)}
