"""The promised rhythm: so many messages a week on a channel, whether it was kept, and the gaps that are coming.

Rules: a week begins on Monday in the promise's zone. A past week is kept by what went out, a coming one by what is
planned; drafts and what was cancelled never count.
Source: C7.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import zones
from ..errors import BadField
from ..strategies.tables import Strategy, StrategyVersion
from . import calendar, planning
from .content import CHANNEL
from .tables import CadencePromise, Message, MessageAccount, Timing

TIMES_MAX = 50
WARN_DAYS_MAX = 60
STATES = ("kept", "missed", "gap", "open")


@dataclass(frozen=True, slots=True)
class Week:
    """One week of a promise. `state`: kept, missed (over), gap (too little, and time to be told), open (not yet)."""

    starts_on: date
    count: int
    state: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A week that begins soon, or has begun, with less than was promised."""

    promise: CadencePromise
    strategy: Strategy
    starts_on: date
    count: int


def promise(
    session: Session,
    now: datetime,
    strategy: Strategy,
    channel: str,
    *,
    times: int,
    warn_days: int,
    zone: str,
) -> CadencePromise:
    """Promise `times` messages a week on a channel; one that was made before is changed."""
    if not CHANNEL.fullmatch(channel):
        raise BadField("a channel is a word such as email, x or mastodon", pointer="/channel")
    if not 1 <= times <= TIMES_MAX:
        raise BadField("promise 1 to 50 messages a week", pointer="/times")
    if not 0 <= warn_days <= WARN_DAYS_MAX:
        raise BadField("a warning comes 0 to 60 days before", pointer="/warn_days")
    known = select(CadencePromise).where(
        CadencePromise.strategy_id == strategy.id, CadencePromise.channel == channel
    )
    made = session.scalar(known)
    if made is None:
        made = CadencePromise(strategy_id=strategy.id, channel=channel, created_at=now, updated_at=now)
        session.add(made)
    else:
        made.touch(now)
    made.times, made.warn_days, made.zone = times, warn_days, zones.canonical(zone)
    session.flush()
    return made


def withdraw(session: Session, given: CadencePromise) -> None:
    """Take a promise back."""
    session.delete(given)
    session.flush()


def promises(
    session: Session, programmes: Collection[int] | None = None
) -> list[tuple[CadencePromise, Strategy]]:
    """Every promise of active strategies, with its strategy; `programmes`: only of these."""
    found = (
        select(CadencePromise, Strategy)
        .join(Strategy, Strategy.id == CadencePromise.strategy_id)
        .where(Strategy.state == "active")
        .order_by(Strategy.name, CadencePromise.channel)
    )
    if programmes is not None:
        found = found.where(Strategy.programme_id.in_(programmes))
    return [(given, strategy) for given, strategy in session.execute(found)]


def weeks(
    session: Session, now: datetime, given: Sequence[CadencePromise], back: int, ahead: int
) -> dict[int, list[Week]]:
    """By promise the weeks around this one, from the one in which it was given, in one statement."""
    if not given:
        return {}
    this_week = {one.id: monday(now, one.zone) for one in given}
    start, end = min(this_week.values()), max(this_week.values())
    counts = _counts(
        session,
        now,
        given,
        _midnight(start - timedelta(weeks=back)),
        _midnight(end + timedelta(weeks=ahead + 2)),
    )
    found = {}
    for one in given:
        first = this_week[one.id] - timedelta(weeks=back)
        days = [first + timedelta(weeks=place) for place in range(back + ahead + 1)]
        promised = [day for day in days if day >= monday(one.created_at, one.zone)]
        found[one.id] = [_week(now, one, day, counts[one.id, day]) for day in promised]
    return found


def gaps(session: Session, now: datetime, programmes: Collection[int] | None = None) -> list[Gap]:
    """The weeks of which it is time to say that less is planned than was promised, soonest first."""
    known = promises(session, programmes)
    if not known:
        return []
    ahead = max(given.warn_days for given, _ in known) // 7 + 1
    by_promise = weeks(session, now, [given for given, _ in known], 0, ahead)
    found = [
        Gap(given, strategy, week.starts_on, week.count)
        for given, strategy in known
        for week in by_promise[given.id]
        if week.state == "gap"
    ]
    return sorted(found, key=lambda one: (one.starts_on, one.strategy.name))


def monday(at: datetime, zone: str) -> date:
    """The day on which the week of an instant begins in a zone."""
    day = at.astimezone(ZoneInfo(zone)).date()
    return day - timedelta(days=day.weekday())


def _week(now: datetime, given: CadencePromise, starts_on: date, count: int) -> Week:
    ends = calendar.resolve(f"{starts_on + timedelta(weeks=1)}T00:00", given.zone)
    begins = calendar.resolve(f"{starts_on}T00:00", given.zone)
    if count >= given.times:
        return Week(starts_on, count, "kept")
    if ends <= now:
        return Week(starts_on, count, "missed")
    soon = begins - timedelta(days=given.warn_days) <= now
    return Week(starts_on, count, "gap" if soon else "open")


def _counts(
    session: Session, now: datetime, given: Sequence[CadencePromise], start: datetime, end: datetime
) -> Counter[tuple[int, date]]:
    when = planning.times(start, end).subquery()
    this_week = _midnight(min(monday(now, one.zone) for one in given))
    # One that recurs has gone out at the times before, and has not begun the next.
    rests = (Message.state == "scheduled") & Message.id.in_(select(Timing.message_id))
    wanted = (
        select(Message.id, StrategyVersion.strategy_id, MessageAccount.channel, when.c.due_at)
        .join(when, when.c.message_id == Message.id)
        .join(StrategyVersion, StrategyVersion.id == Message.strategy_version_id)
        .join(MessageAccount, MessageAccount.message_id == Message.id)
        .where(
            StrategyVersion.strategy_id.in_({one.strategy_id for one in given}),
            Message.kind == "message", Message.test.is_(False), Message.state.not_in(("draft", "cancelled")),
            Message.started_at.is_not(None) | rests | (when.c.due_at >= this_week),
        )
        .distinct()
    )  # fmt: skip
    by_place = {(one.strategy_id, one.channel): one for one in given}
    counts: Counter[tuple[int, date]] = Counter()
    for _, strategy_id, channel, due_at in session.execute(wanted):
        one = by_place.get((strategy_id, channel))
        if one is not None:
            counts[one.id, monday(due_at, one.zone)] += 1
    return counts


def _midnight(day: date) -> datetime:
    """A bound that no zone lies outside of by more than a day, which the weeks themselves then cut."""
    return calendar.resolve(f"{day - timedelta(days=1)}T00:00", "UTC")
