"""Limits: how much an account, an app and one recipient domain may carry, counted with the intent to send.

Rules: the narrower of what the connector declared and what was chosen here holds. A rate holds what one second of it
carries (a domain: five); days and months are those of UTC. What is counted stands in the database, so any number of
workers share it; no worker sleeps for it. An account that has used up a limit is not claimed before its next instant;
a row over its domain's waits by itself, which is no attempt.
Source: docs/delivery.md, "Limits".
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import floor
from typing import Any

from sqlalchemy import BigInteger, Double, Text, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from ..base import constant, given, listed, micros
from ..errors import BadField, said
from ..stakeholders.rows import insert_missing
from . import states
from .tables import Account, Budget, Delivery

PER_ACCOUNT = ("per_second", "per_day", "per_month")
PER_APP = ("app_per_second", "app_per_day", "app_per_month")
PER_DOMAIN = "domain_per_minute"
# Money, in the currency of the network: counted by costs.py, from the ledger.
COST = "cost_per_month"
KEYS = (*PER_ACCOUNT, *PER_APP, PER_DOMAIN, COST)
QUOTAS = ("day", "month")
MOST = 1_000_000_000
# A rate lets through at once what it carries in so many seconds, and at least one.
BURST_S = {"second": 1.0, "minute": 5.0}
SPAN_S = {"second": 1.0, "minute": 60.0}
# No row is given a place further ahead: who stood before it may have been cancelled meanwhile.
AHEAD = timedelta(hours=1)
# What has run down to nothing says nothing: it is forgotten after this.
IDLE = timedelta(days=2)
# An intent is settled, or given up, within this.
SETTLED_WITHIN = timedelta(minutes=15)
# Parts of a hand-over that come from adding fractions.
DUST = 1e-6


@dataclass(frozen=True, slots=True)
class Rule:
    """One limit as it is counted. `most` is a quota, or what a rate holds at once; `per_s` what a rate lets through."""

    key: str
    span: str
    most: float
    per_s: float = 0.0


@dataclass(slots=True)
class Count:
    """How much of a limit is used, read under its lock."""

    rule: Rule
    used: float
    since: datetime
    planned: datetime | None = None

    def run_down(self, now: datetime) -> None:
        """Bring it up to `now`; a clock that is behind the one before gives nothing back."""
        if self.rule.per_s:
            self.used = max(0.0, self.used - max(0.0, (now - self.since).total_seconds()) * self.rule.per_s)
        elif begins(self.rule.span, now) > self.since:
            self.used = 0.0
        self.since = max(self.since, now)

    @property
    def room(self) -> int:
        """How many may go now."""
        return max(0, floor(self.rule.most - self.used + DUST))

    def free_at(self, wanted: int) -> datetime:
        """When so many may go, as far as this limit goes; of a rate, when half of what it holds may."""
        if not self.rule.per_s:
            return ends(self.rule.span, self.since)
        worth = min(float(wanted), max(1.0, self.rule.most / 2))
        return self.since + timedelta(seconds=(self.used + worth - self.rule.most) / self.rule.per_s)


@dataclass(frozen=True, slots=True)
class Used:
    """A limit of an account as people see it; `used` is counted for days and months only."""

    key: str
    most: float
    used: float | None


def of(account: Account) -> dict[str, float]:
    """The limits that hold for an account by itself: the narrower of what was declared and what was chosen."""
    found: dict[str, float] = {}
    for source in (account.limits, account.own_limits):
        for key in KEYS:
            most = source.get(key) if source else None
            if most is not None:
                found[key] = min(most, found.get(key, most))
    return found


def check(values: Mapping[str, Any] | None) -> dict[str, float] | None:
    """Chosen limits as they are stored; an empty one is none. BadField with its name."""
    found = {key: value for key, value in (values or {}).items() if value is not None}
    for key, value in found.items():
        where = f"/own_limits/{key}"
        if key not in KEYS:
            raise BadField(said("there is no limit called {name}", name=key), pointer=where)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MOST:
            raise BadField("a limit is a number above 0", pointer=where)
        if not key.endswith("second") and key != COST and value != int(value):
            raise BadField("this limit is a whole number", pointer=where)
    return found or None


def at_once(account: Account, wave: int) -> int:
    """How many rows are worth preparing for one wave."""
    rates = [most for key, most in of(account).items() if key.endswith("per_second")]
    return min([wave, *(max(1, floor(most)) for most in rates)])


def admit(session: Session, now: datetime, account: Account, rows: Sequence[tuple[int, str]]) -> set[int]:
    """Count those of a wave's rows (id, address key) that may go within every limit; their ids.

    The others are left in their batch while the account waits, or put off where their domain's limit is used up.
    """
    shared = _of_account(session, account)
    domains = _of_domains(account, rows)
    if not shared and not domains:
        return {number for number, _ in rows}
    counts = _locked(session, now, [*shared, *domains.values()])
    left = min((counts[rule.key].room for rule in shared), default=len(rows))
    going: set[int] = set()
    over: list[tuple[int, Count]] = []
    for number, address_key in rows:
        of_domain = domains.get(domain_of(address_key))
        count = counts[of_domain.key] if of_domain else None
        if count is not None and count.room < 1:
            over.append((number, count))
        elif len(going) < left:
            going.add(number)
            if count is not None:
                count.used += 1
    for rule in shared:
        counts[rule.key].used += len(going)
    _put_off(session, now, over)
    _write(session, counts.values())
    if len(going) + len(over) < len(rows):
        _wait(session, account, [counts[rule.key] for rule in shared], len(rows) - len(over) - len(going))
    return going


def lay_aside(session: Session, places: Sequence[tuple[int, datetime]]) -> None:
    """Take rows out of their batch until the instant given for each. They stay what they are: nothing was tried.

    One that was withdrawn meanwhile waits for nothing.
    """
    if not places:
        return
    table = Delivery.__table__
    session.connection().execute(
        update(table)  # type: ignore[arg-type]
        .where(
            table.c.id == bindparam("row"), or_(*(table.c.state == constant(one) for one in states.TAKEABLE))
        )
        .values(batch_id=None, next_at=bindparam("at")),
        [{"row": number, "at": at} for number, at in places],
    )


def give_back(session: Session, now: datetime, account: Account, number: int) -> None:
    """Take back from days and months what was counted for rows that were certainly not handed over.

    Rates have let that much through again by themselves; what was counted before midnight is not the next day's.
    """
    rules = [rule for rule in _of_account(session, account) if rule.span in QUOTAS] if number else []
    rules = [rule for rule in rules if begins(rule.span, now) == begins(rule.span, now - SETTLED_WITHIN)]
    if rules:
        counts = _locked(session, now, rules).values()
        for count in counts:
            count.used = max(0.0, count.used - number)
        _write(session, counts)


def ask_anew(session: Session, account: Account) -> None:
    """Limits were changed: whether there is room is asked at the next wave, of every account of its app."""
    whose = or_(Account.id == account.id, Account.app == account.app)
    session.execute(update(Account).where(whose).values(limited_until_at=None))


def usage(session: Session, now: datetime, account: Account) -> list[Used]:
    """Every limit that holds for an account, its app's included, with what of it is used today and this month."""
    found = []
    rules = {rule.key: (name, rule) for name, rule in _named(session, account).items()}
    kept = {row.key: row for row in session.scalars(select(Budget).where(Budget.key.in_(rules)))}
    for key, (name, rule) in rules.items():
        count = Count(rule, kept[key].used, kept[key].since) if key in kept else Count(rule, 0.0, now)
        count.run_down(now)
        found.append(
            Used(name, rule.most, round(count.used)) if rule.span in QUOTAS else Used(name, _rate(rule), None)
        )
    if most := of(account).get(PER_DOMAIN):
        found.append(Used(PER_DOMAIN, most, None))
    return found


def forget(session: Session, now: datetime) -> int:
    """Drop what was counted for domains that nothing went to for days; how many."""
    done = session.execute(delete(Budget).where(Budget.key.like("domain:%"), Budget.since < now - IDLE))
    return int(done.rowcount)  # type: ignore[attr-defined]


def begins(span: str, at: datetime) -> datetime:
    """When the day or month of an instant began."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day.replace(day=1) if span == "month" else day


def ends(span: str, at: datetime) -> datetime:
    """When the day or month of an instant is over."""
    return begins(span, begins(span, at) + timedelta(days=32 if span == "month" else 1))


def _of_account(session: Session, account: Account) -> list[Rule]:
    """What the account and its app are counted by."""
    return list(_named(session, account).values())


def _named(session: Session, account: Account) -> dict[str, Rule]:
    """The same by the names of the limits; of an app, the narrowest that any of its accounts says."""
    mine = of(account)
    found = {key: mine[key] for key in PER_ACCOUNT if key in mine}
    rules = {key: _rule(f"account:{account.id}", key, most) for key, most in found.items()}
    if account.app:
        told: dict[str, float] = {}
        for other in session.scalars(select(Account).where(Account.app == account.app)):
            for key, most in of(other).items():
                if key in PER_APP:
                    told[key] = min(most, told.get(key, most))
        rules |= {key: _rule(f"app:{account.app}", key, told[key]) for key in PER_APP if key in told}
    return rules


def _of_domains(account: Account, rows: Sequence[tuple[int, str]]) -> dict[str, Rule]:
    """What the domains of a wave are counted by, by domain."""
    most = of(account).get(PER_DOMAIN)
    if most is None:
        return {}
    found = {domain_of(key) for _, key in rows} - {""}
    return {name: _rule(f"domain:{account.id}:{name}", PER_DOMAIN, most) for name in sorted(found)}


def _rule(whose: str, key: str, most: float) -> Rule:
    span = key.rpartition("_")[2]
    if span in QUOTAS:
        return Rule(f"{whose}:{span}", span, most)
    per_s = most / SPAN_S[span]
    return Rule(f"{whose}:{span}", span, max(1.0, per_s * BURST_S[span]), per_s)


def _rate(rule: Rule) -> float:
    return rule.per_s * SPAN_S[rule.span]


def domain_of(address_key: str) -> str:
    """The domain of an address; empty where it has none."""
    return address_key.rpartition("@")[2] if "@" in address_key else ""


def _locked(session: Session, now: datetime, rules: Sequence[Rule]) -> dict[str, Count]:
    """The counts up to now, each made where it is not there, locked in one order by everybody."""
    by_key = {rule.key: rule for rule in sorted(rules, key=lambda rule: rule.key)}
    told = {"keys": json.dumps([*by_key])}
    rows = session.execute(_KEPT, told).all()
    if len(rows) < len(by_key):
        there = {row.key for row in rows}
        missing = [{"key": key, "used": 0.0, "since": now} for key in by_key if key not in there]
        insert_missing(session, Budget, missing)
        rows = session.execute(_KEPT, told).all()
    found = {row.key: Count(by_key[row.key], row.used, row.since_at, row.planned_at) for row in rows}
    for count in found.values():
        count.run_down(now)
    return found


def _write(session: Session, counts: Collection[Count]) -> None:
    told = [
        [count.rule.key, count.used, micros(count.since), count.planned and micros(count.planned)]
        for count in counts
    ]
    session.execute(_COUNTED, {"counts": json.dumps(told)}, execution_options={"synchronize_session": False})


def _kept() -> Any:
    table, wanted = Budget.__table__, listed("keys", Text)
    row = table.c
    return (
        select(row.key, row.used, row.since_at, row.planned_at)
        .join(wanted, wanted.c.one == row.key)
        .order_by(row.key)
        .with_for_update(of=table)
    )


def _counted() -> Any:
    table = Budget.__table__
    row = given("counts", key=Text, used=Double, since=BigInteger, planned=BigInteger)
    return (
        update(table)  # type: ignore[arg-type]
        .where(table.c.key == row.c.key)
        .values(used=row.c.used, since_at=row.c.since, planned_at=row.c.planned)
    )


_KEPT, _COUNTED = _kept(), _counted()


def _put_off(session: Session, now: datetime, over: Sequence[tuple[int, Count]]) -> None:
    """Give each row the next place of its domain. It stays what it is: nothing was tried."""
    if not over:
        return
    places = []
    for number, count in over:
        step = timedelta(seconds=1 / count.rule.per_s)
        count.planned = min(max(count.free_at(1), (count.planned or now) + step), now + AHEAD)
        places.append((number, count.planned))
    lay_aside(session, places)


def _wait(session: Session, account: Account, counts: Sequence[Count], wanted: int) -> None:
    """The account, or every account of its app, goes on when what is short has room again."""
    for count in counts:
        if count.room >= wanted:
            continue
        until = count.free_at(wanted)
        whose = Account.app == account.app if count.rule.key.startswith("app:") else Account.id == account.id
        session.execute(
            update(Account)
            .where(whose, or_(Account.limited_until_at.is_(None), Account.limited_until_at < until))
            .values(limited_until_at=until)
            .execution_options(synchronize_session=False)
        )


__all__ = [
    "KEYS", "PER_APP", "PER_DOMAIN", "Count", "Rule", "Used", "admit", "ask_anew", "at_once", "begins", "check",
    "domain_of", "ends", "forget", "give_back", "lay_aside", "of", "usage",
]  # fmt: skip
