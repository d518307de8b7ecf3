"""The promise: how soon we answer, counted in the hours a programme keeps, and whether it was kept.

Rules: the promise of a response is that of the strategy in force for the message it answers, or for everyone in its
programme, else the programme's own, else the one below; a line that names more wins. Nothing here is stored: the
clock is computed from when it came, when it was answered and when it was closed.
Source: F8, CS7.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from .. import holidays
from ..errors import BadField, said
from ..messages.tables import Message
from ..stakeholders.text import TEXT_MAX, clean
from ..strategies import programmes, strategies
from ..strategies.tables import Strategy, StrategyVersion
from .tables import WRITTEN, Response, ResponsePromise

EVERYWHERE = 0
DAY_MINUTES = 1440
RULES = "*: 1 d / 5 d"
# Near its end: a quarter of the promised time is left.
NEAR = 0.75
DAYS_MAX = 3660  # a promise is due within ten years, or its hours are wrong

_LINE = re.compile(
    r"\s*(?P<channel>\*|[a-z][a-z0-9_]*)(?:\s+(?P<kind>reply|mention))?\s*:"
    r"\s*(?P<first>\d{1,3}\s*[hd])\s*/\s*(?P<whole>\d{1,3}\s*[hd])\s*"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: for this channel and kind ("*": any) first answer and resolution within so much (`4h`, `2d`)."""

    channel: str
    kind: str
    first: str
    whole: str

    def fits(self, channel: str, kind: str) -> int:
        """How closely it fits; 0: not at all."""
        if self.channel not in ("*", channel) or self.kind not in ("*", kind):
            return 0
        return 1 + (self.channel != "*") + 2 * (self.kind != "*")


@dataclass(frozen=True)
class Hours:
    """When somebody is there: minutes after midnight of these weekdays (0 is Monday), days off left out."""

    zone: str = "Europe/London"
    opens: int = 9 * 60
    closes: int = 17 * 60
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    bank_holidays: str = "england_and_wales"
    days_off: tuple[str, ...] = ()
    _known: dict[date, tuple[datetime, datetime] | None] = field(
        default_factory=dict, compare=False, repr=False
    )

    def minutes(self, length: str) -> int:
        """`4h` and `2d` in minutes of these hours; a day is as long as we are there."""
        number, unit = int(length[:-1]), length[-1]
        return number * (60 if unit == "h" else self.closes - self.opens)

    def after(self, start: datetime, minutes: float) -> datetime:
        """The moment so many minutes of these hours after `start`."""
        on, left = start.astimezone(ZoneInfo(self.zone)).date(), timedelta(minutes=minutes)
        for _day in range(DAYS_MAX):
            window = self._window(on)
            if window is not None and window[1] > start:
                begins = max(window[0], start)
                if begins + left <= window[1]:
                    return begins + left
                left -= window[1] - begins
            on += timedelta(days=1)
        return start + timedelta(days=DAYS_MAX)

    def _window(self, on: date) -> tuple[datetime, datetime] | None:
        if on not in self._known:
            off = (
                on.weekday() not in self.weekdays
                or on.isoformat() in self.days_off
                or (bool(self.bank_holidays) and on in holidays.bank_holidays(on.year))
            )
            self._known[on] = None if off else (self._at(on, self.opens), self._at(on, self.closes))
        return self._known[on]

    def _at(self, on: date, minutes: int) -> datetime:
        # Midnight at the end of a day is the next day's; between two fixed moments DST makes no difference.
        day, rest = divmod(minutes, DAY_MINUTES)
        wall = datetime.combine(on + timedelta(days=day), time(rest // 60, rest % 60), ZoneInfo(self.zone))
        return wall.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of one response. `state`: running | near | overdue | kept | missed | none (nothing was promised).

    `due` is the end that counts now: of the first answer until there is one, then of the resolution.
    """

    state: str
    due: datetime | None = None
    first_due: datetime | None = None
    whole_due: datetime | None = None
    waits_for: str = "first"  # first | whole


@dataclass(frozen=True, slots=True)
class Terms:
    """What is promised in one place: its lines, the nearer ones first, and the hours they are counted in."""

    rules: tuple[Rule, ...]
    hours: Hours

    def of(self, channel: str, kind: str) -> Rule | None:
        """The line for this channel and kind that says most; of equals the first."""
        best = max(self.rules, key=lambda rule: rule.fits(channel, kind), default=None)
        return best if best is not None and best.fits(channel, kind) else None


@dataclass(frozen=True, slots=True)
class Week:
    """The responses of one week whose first answer is known to be in time or late; `share` is kept / n."""

    begins: date
    n: int
    kept: int

    @property
    def share(self) -> float | None:
        """None where nothing was due."""
        return self.kept / self.n if self.n else None


class Desk:
    """The promises of many responses at once: each programme and each strategy is read once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: dict[int, ResponsePromise] = {
            row.programme_id: row for row in session.scalars(select(ResponsePromise))
        }
        self._terms: dict[tuple[int | None, int | None], Terms] = {}
        self._hours: dict[int | None, Hours] = {}
        self._first: dict[tuple[int | None, int | None, str, str], tuple[Hours, int] | None] = {}
        # Learnt of many at once: the strategy of a message, that for everyone in a programme, what they promise,
        # and the programmes above one.
        self._strategies: dict[int, int | None] = {}
        self._everyone: dict[int, int | None] = {}
        self._words: dict[int, str] = {}
        self._above: dict[int, list[int]] = {}

    def learn(self, responses: Sequence[Any]) -> None:
        """What these stand under, in a fixed number of statements however many they are."""
        messages = {one.message_id for one in responses if one.message_id} - self._strategies.keys()
        homes = {
            one.programme_id for one in responses if one.programme_id is not None
        } - self._everyone.keys()
        if not messages and not homes:
            return
        stands = (
            select(Message.id, StrategyVersion.strategy_id)
            .join(StrategyVersion, StrategyVersion.id == Message.strategy_version_id)
            .where(Message.id.in_(messages))
        )
        under = {number: strategy for number, strategy in self._session.execute(stands)}
        self._strategies |= dict.fromkeys(messages) | under
        for_all = and_(Strategy.programme_id.in_(homes), Strategy.segment_id == 0, Strategy.state == "active")
        wanted = select(Strategy).where(or_(Strategy.id.in_(set(under.values())), for_all))
        found = self._session.scalars(wanted).all()
        held = {one.programme_id: one.id for one in found if one.segment_id == 0 and one.state == "active"}
        self._everyone |= {home: held.get(home) for home in homes}
        for number, version in strategies.in_force_of(self._session, found).items():
            self._words[number] = str(version.body.get("response_rules") or "")
        if self._kept.keys() - {EVERYWHERE}:
            self._above |= programmes.lineages(self._session, homes)

    def clocks(self, now: datetime, responses: Sequence[Response]) -> dict[int, Clock]:
        """The clock of each response by its id."""
        self.learn(responses)
        return {one.id: self.clock(now, one) for one in responses}

    def clock(self, now: datetime, one: Response) -> Clock:
        """The clock of one response; what no person wrote has none."""
        if one.kind not in WRITTEN:
            return Clock("none")
        terms = self._of(one)
        rule = terms.of(one.channel, one.kind)
        if rule is None:
            return Clock("none")
        first_min, whole_min = terms.hours.minutes(rule.first), terms.hours.minutes(rule.whole)
        first, whole = terms.hours.after(one.at, first_min), terms.hours.after(one.at, whole_min)
        answered = min((at for at in (one.answered_at, one.closed_at) if at is not None), default=None)
        if one.closed_at is not None:
            kept = answered is not None and answered <= first and one.closed_at <= whole
            return Clock("kept" if kept else "missed", None, first, whole, "nothing")
        due, length, waits = (first, first_min, "first") if answered is None else (whole, whole_min, "whole")
        state = "running"
        if now > due:
            state = "overdue"
        elif now >= terms.hours.after(one.at, length * NEAR):
            state = "near"
        return Clock(state, due, first, whole, waits)

    def first_due(self, one: Any) -> datetime | None:
        """Until when the first answer was promised; `one` has the columns of Response. None: nothing was."""
        key = (one.programme_id, self._strategy_of(one), one.channel, one.kind)
        if key not in self._first:  # thousands are asked about for a report, and few of them differ
            terms = self._of(one)
            rule = terms.of(one.channel, one.kind) if one.kind in WRITTEN else None
            self._first[key] = None if rule is None else (terms.hours, terms.hours.minutes(rule.first))
        promised = self._first[key]
        return None if promised is None else promised[0].after(one.at, promised[1])

    def hours(self, programme_id: int | None) -> Hours:
        """The hours that a programme keeps."""
        if programme_id not in self._hours:
            row = self._nearest(programme_id)
            self._hours[programme_id] = _hours(row) if row is not None else Hours()
        return self._hours[programme_id]

    def urgent_to(self, programme_id: int | None) -> list[str]:
        """Who is told of urgent harm in a programme; empty where nobody is named."""
        row = self._nearest(programme_id)
        return list(row.urgent_to) if row is not None else []

    def row(self, programme_id: int | None) -> ResponsePromise | None:
        """What was set for a programme, or above it; None where nothing was."""
        return self._nearest(programme_id)

    def _of(self, one: Any) -> Terms:
        key = (one.programme_id, self._strategy_of(one))
        if key not in self._terms:
            self._terms[key] = Terms(tuple(self._rules(*key)), self.hours(one.programme_id))
        return self._terms[key]

    def _strategy_of(self, one: Any) -> int | None:
        if one.message_id not in self._strategies or one.programme_id not in self._everyone:
            self.learn([one])
        return self._strategies.get(one.message_id)

    def _rules(self, programme_id: int | None, strategy_id: int | None) -> Iterable[Rule]:
        """The lines of the nearest place that has any."""
        for text in self._texts(programme_id, strategy_id):
            if rules := read(text):
                return rules
        return read(RULES)

    def _texts(self, programme_id: int | None, strategy_id: int | None) -> Iterable[str]:
        everyone = self._everyone.get(programme_id) if programme_id is not None else None
        yield from (self._words.get(number, "") for number in (strategy_id, everyone) if number is not None)
        row = self._nearest(programme_id)
        if row is not None:
            yield row.rules

    def _nearest(self, programme_id: int | None) -> ResponsePromise | None:
        if programme_id is not None and self._kept.keys() - {EVERYWHERE}:
            if programme_id not in self._above:
                self._above |= programmes.lineages(self._session, [programme_id])
            for number in self._above[programme_id]:
                if number in self._kept:
                    return self._kept[number]
        return self._kept.get(EVERYWHERE)


def attainment(
    session: Session, now: datetime, responses: Sequence[Any], zone: str, weeks: int
) -> list[Week]:
    """Week by week, oldest first, how many were answered (or closed without need) within the promise.

    `responses` have the columns of Response. What is still within its time counts neither way.
    """
    begins = [week_begins(now, zone, back) for back in range(weeks - 1, -1, -1)]
    counted = [[0, 0] for _week in begins]
    desk = Desk(session)
    desk.learn(responses)
    for one in responses:
        due, place = desk.first_due(one), bisect_right(begins, one.at) - 1
        answered = min((at for at in (one.answered_at, one.closed_at) if at is not None), default=None)
        if due is None or place < 0 or (answered is None and now <= due):
            continue
        counted[place][0] += 1
        counted[place][1] += answered is not None and answered <= due
    return [Week(at.date(), n, kept) for at, (n, kept) in zip(begins, counted, strict=True)]


def week_begins(at: datetime, zone: str, back: int = 0) -> datetime:
    """Midnight of the Monday of this week in this zone, or of as many weeks before."""
    local = at.astimezone(ZoneInfo(zone)).date()
    monday = local - timedelta(days=local.weekday(), weeks=back)
    return datetime.combine(monday, time(), ZoneInfo(zone))


def read(text: str) -> list[Rule]:
    """The lines of a text that promise something, `email reply: 4 h / 2 d`; every other line is for people."""
    found = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is not None:
            first, whole = (match[name].replace(" ", "") for name in ("first", "whole"))
            found.append(Rule(match["channel"], match["kind"] or "*", first, whole))
    return found


def put(
    session: Session, now: datetime, programme_id: int, *, rules: str, zone: str, opens: int, closes: int,
    weekdays: Iterable[int], bank_holidays: str, days_off: Iterable[str], urgent_to: Iterable[str], by: str,
) -> ResponsePromise:  # fmt: skip
    """Set what a programme promises (EVERYWHERE: all that have nothing of their own)."""
    days = set(weekdays)
    values = {
        "rules": _rules(rules), "zone": _zone(zone), "weekdays": sorted(days), "by": by,
        "bank_holidays": bank_holidays, "days_off": [_day(one) for one in days_off],
        "urgent_to": sorted(set(urgent_to)), "opens": opens, "closes": closes,
    }  # fmt: skip
    if not 0 <= opens < closes <= DAY_MINUTES:
        raise BadField("the day must end after it begins", pointer="/closes")
    if not days or not days <= set(range(7)):
        raise BadField("choose at least one day of the week", pointer="/weekdays")
    if bank_holidays not in holidays.KNOWN:
        raise BadField("these bank holidays are not known", pointer="/bank_holidays")
    row = session.scalar(select(ResponsePromise).where(ResponsePromise.programme_id == programme_id))
    if row is None:
        row = ResponsePromise(programme_id=programme_id, created_at=now, updated_at=now, **values)
        session.add(row)
    else:
        for name, value in values.items():
            setattr(row, name, value)
        row.touch(now)
    session.flush()
    return row


def _hours(row: ResponsePromise) -> Hours:
    return Hours(row.zone, row.opens, row.closes, tuple(row.weekdays), row.bank_holidays, tuple(row.days_off))


def _rules(text: str) -> str:
    words = clean(text, "/rules", length_max=TEXT_MAX, lines=True)
    for line in words.splitlines():
        if line.strip() and _LINE.fullmatch(line) is None:
            raise BadField(
                said(
                    "this line is not understood: {line}; write for example email reply: 4 h / 2 d", line=line
                ),
                pointer="/rules",
            )
    return words.strip()


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise BadField("there is no such time zone", pointer="/zone") from None


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise BadField(said("{day} is not a day such as 2026-12-29", day=text), pointer="/days_off") from None
