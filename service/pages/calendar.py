"""The calendar: what goes when over all channels and programmes, and what keeps its rhythm."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from babel.core import Locale, get_global
from flask import Response, g, request

from campaigns.errors import BadField
from campaigns.messages import calendar as times
from campaigns.messages.mix import AIMS, quarter_of
from campaigns.messages.mix import days as quarter_days
from campaigns.messages.tables import STATES, QuietPeriod

from .. import words
from ..acts import feeds, planning, rhythm
from ..acts import hours as sending_hours
from ..acts.planning import Entry, Wanted
from . import frame, typed

pages = frame.Pages("calendar")
VIEWS = ("month", "week", "list")
LIST_DAYS = 28
GAPS_SHOWN = 5
# A Monday, from which the names of weekdays are told.
A_MONDAY = date(2024, 1, 1)


@dataclass(slots=True)
class Day:
    """One day of the calendar. `other`: it belongs to the month before or after the one shown."""

    on: date
    other: bool
    entries: list[Entry] = field(default_factory=list)
    quiet: list[QuietPeriod] = field(default_factory=list)


@pages.page("/calendar")
def calendar() -> Response:
    """Month, week or list."""
    act, view, on = frame.act(), _view(), _on()
    days = [
        Day(day, view == "month" and day.month != on.month)
        for day in _days(view, on, first_weekday(frame.reader_language()))
    ]
    start, end = _instant(days[0].on), _instant(days[-1].on + timedelta(days=1))
    entries, more = planning.entries(act, start, end, _wanted())
    _fill(days, entries, rhythm.quiet_between(act, start, end))
    drafts = planning.unplanned(act) if frame.may("messages:write") else []
    gaps = rhythm.gaps(act) if frame.may("strategies:read") else []
    return frame.show(
        "calendar", view=view, views=VIEWS, on=on, days=days, more=more, drafts=drafts, gaps=gaps[:GAPS_SHOWN],
        queued={account.id for account, slots in planning.queues(act) if slots} if drafts else set(),
        today=_today(), before=_step(view, on, -1), after=_step(view, on, 1), states=STATES,
        programmes=planning.programmes(act), groups=planning.groups(act), channels=planning.channels(act),
        filtered=any(request.args.get(name) for name in ("programme", "group", "channel", "language_of", "state")),
    )  # fmt: skip


@pages.page("/calendar/<msg:number>", "GET", "POST")
def one(number: int) -> Response:
    """One message: move it, put it into the queue, say what it is for, and what is odd about it."""
    if request.method == "POST":
        doing = {"move": _move, "queue": _queue, "tag": _tag}.get(typed.text("act"))
        done = doing and frame.trying(lambda: doing(number))
        if done is not None:
            return done
    act = frame.act()
    entry = planning.entry(act, number)
    return frame.show(
        "calendar_entry", _status(), entry=entry, aims=AIMS, back=_back(),
        slot=planning.queue_time(act, entry.message) if entry.movable else None,
    )  # fmt: skip


@pages.page("/calendar/queue", "GET", "POST")
def queue() -> Response:
    """The queue times of every connected account."""
    done = frame.trying(_change_queue) if request.method == "POST" else None
    return done or frame.show(
        "calendar_queue", _status(), queues=planning.queues(frame.act()), weekdays=_weekdays(),
    )  # fmt: skip


@pages.page("/calendar/promises", "GET", "POST")
def promises() -> Response:
    """What was promised a week, kept and missed, and the gaps that are coming."""
    done = frame.trying(_change_promise) if request.method == "POST" else None
    act = frame.act()
    return done or frame.show(
        "calendar_promises", _status(), kept=rhythm.promises(act), gaps=rhythm.gaps(act),
        strategies=rhythm.strategies(act), channels=planning.channels(act),
    )  # fmt: skip


@pages.page("/calendar/quiet", "GET", "POST")
def quiet() -> Response:
    """The times in which messages wait."""
    done = frame.trying(_change_quiet) if request.method == "POST" else None
    act = frame.act()
    return done or frame.show(
        "calendar_quiet", _status(), periods=rhythm.periods(act), homes=rhythm.homes(act),
        programmes=planning.programmes(act, "messages:approve"),
    )  # fmt: skip


@pages.page("/calendar/hours", "GET", "POST")
def hours() -> Response:
    """The hours of the week in which people may be written to."""
    done = frame.trying(_change_hours) if request.method == "POST" else None
    act = frame.act()
    if done is not None:
        return done
    kept = sending_hours.listed(act)
    return frame.show(
        "calendar_hours", _status(), hours=kept, people=sending_hours.names(act, kept), homes=rhythm.homes(act),
        programmes=planning.programmes(act, "messages:approve"), weekdays=_weekdays(),
    )  # fmt: skip


@pages.page("/calendar/mix", "GET", "POST")
def mix() -> Response:
    """What content was for in a quarter, as it was meant and as it became."""
    done = frame.trying(_plan_mix) if request.method == "POST" else None
    if done is not None:
        return done
    act = frame.act()
    quarter = request.values.get("quarter") or quarter_of(_today())
    programme_id = typed.number("prg", "programme", held=request.values.get("programme", ""))
    first, after = quarter_days(quarter)
    shares = rhythm.mix(act, quarter, frame.reader_zone().key, programme_id)
    return frame.show(
        "calendar_mix", _status(), quarter=quarter, first=first, shares=shares, programme_id=programme_id,
        programmes=planning.programmes(act), total=sum(one.went + one.planned for one in shares), aims=AIMS,
        before=quarter_of(first - timedelta(days=1)), after=quarter_of(after),
        targets={one.aim: one.target for one in shares if one.target is not None},
    )  # fmt: skip


@pages.page("/calendar/feed", "GET", "POST")
def feed() -> Response:
    """The reader's own calendar for other programs; its address is shown once."""
    act, path = frame.act(), ""
    if request.method == "POST":
        if typed.text("act") == "revoke":
            feeds.revoke(act)
            return frame.go("pages_calendar.feed", done="feed-off")
        path = feeds.renew(act)
    base = frame.wiring().links.base_url.rstrip("/")
    return frame.show("calendar_feed", mine=feeds.mine(act), address=f"{base}{path}" if path else "")


def first_weekday(language: str) -> int:
    """The day on which a week begins where a language is mostly spoken, 0 for Monday."""
    locale = words.locale(language)
    likely = get_global("likely_subtags").get(locale, locale)
    found: int = Locale.parse(likely).first_week_day
    return found


# --- forms --------------------------------------------------------------------------------------------------------


def _move(number: int) -> Response:
    on = typed.day("on")
    if on is None:
        raise BadField("say on which day", pointer="/on")
    recheck = planning.entry(frame.act(), number).recheck
    planning.move(frame.act(), number, on=on, clock=typed.text("clock"), zone=frame.reader_zone().key)
    return _return("moved-recheck" if recheck else "moved", number)


def _queue(number: int) -> Response:
    planning.enqueue(frame.act(), number)
    return _return("queued", number)


def _tag(number: int) -> Response:
    planning.tag(frame.act(), number, typed.text("aim") or None)
    return _return("saved", number)


def _change_queue() -> Response:
    act = frame.act()
    slot = typed.number("slt", "remove")
    if slot is not None:
        planning.remove_slot(act, slot)
        return frame.go("pages_calendar.queue", done="removed")
    account = _needed(typed.number("acc", "account"), "account")
    planning.add_slot(
        act, account, weekday=_whole("weekday"), wall=typed.text("wall"),
        zone=typed.text("zone") or frame.reader_zone().key,
    )  # fmt: skip
    return frame.go("pages_calendar.queue", done="added")


def _change_promise() -> Response:
    act = frame.act()
    given = typed.number("pms", "withdraw")
    if given is not None:
        rhythm.withdraw(act, given)
        return frame.go("pages_calendar.promises", done="removed")
    rhythm.promise(
        act, _needed(typed.number("str", "strategy"), "strategy"), channel=typed.text("channel"),
        times=_whole("times"), warn_days=_whole("warn_days"), zone=frame.reader_zone().key,
    )  # fmt: skip
    return frame.go("pages_calendar.promises", done="saved")


def _change_quiet() -> Response:
    act = frame.act()
    period = typed.number("qtp", "end")
    if period is not None:
        rhythm.end_quiet(act, period, why=typed.text("why"))
        return frame.go("pages_calendar.quiet", done="quiet-ended")
    zone = frame.reader_zone().key
    rhythm.begin_quiet(
        act, programme_id=typed.number("prg", "programme"), name=typed.text("name"), reason=typed.text("reason"),
        from_at=times.resolve(typed.text("from"), zone, pointer="/from"),
        until_at=times.resolve(typed.text("until"), zone, pointer="/until"),
        except_service="service" in typed.several("except"), except_urgent="urgent" in typed.several("except"),
    )  # fmt: skip
    return frame.go("pages_calendar.quiet", done="quiet")


def _change_hours() -> Response:
    act = frame.act()
    kept = typed.number("shr", "remove")
    if kept is not None:
        sending_hours.remove(act, kept)
        return frame.go("pages_calendar.hours", done="removed")
    sending_hours.keep(
        act, programme_id=typed.number("prg", "programme"), stakeholder_id=None, opens=typed.minutes("opens"),
        closes=typed.minutes("closes"), weekdays=[int(one) for one in typed.several("weekdays") if one in "0123456"],
        zone=typed.text("zone"), bank_holidays=typed.text("bank_holidays"), outside=typed.text("outside"),
    )  # fmt: skip
    return frame.go("pages_calendar.hours", done="saved")


def _plan_mix() -> Response:
    programme_id = _needed(typed.number("prg", "programme"), "programme")
    wanted = {aim: _whole(aim) for aim in AIMS if typed.text(aim)}
    rhythm.plan_mix(frame.act(), programme_id, typed.text("quarter"), wanted)
    return frame.go(
        "pages_calendar.mix", done="saved", quarter=typed.text("quarter"), programme=typed.text("programme")
    )


def _whole(name: str) -> int:
    given = typed.text(name)
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise BadField("this must be a whole number", pointer=f"/{name}")
    return int(given)


def _needed(value: int | None, name: str) -> int:
    if value is None:
        raise BadField("choose one of the list", pointer=f"/{name}")
    return value


def _return(done: str, number: int) -> Response:
    """Back to where the form stood, saying what was done."""
    back = _back()
    if not back:
        return frame.go("pages_calendar.one", done=done, number=number)
    return frame.see(f"{back}{'&' if '?' in back else '?'}{urlencode({'done': done})}")


def _back() -> str:
    given = request.values.get("back", "")
    return frame.inside(given) if given else ""


def _status() -> int:
    return 422 if g.get("said") else 200


# --- days ---------------------------------------------------------------------------------------------------------


def _view() -> str:
    view = request.args.get("view", "")
    return view if view in VIEWS else VIEWS[0]


def _on() -> date:
    """The day that is asked for; today where none is, or where it lies outside what a calendar can show."""
    try:
        on = date.fromisoformat(request.args.get("on", ""))
    except ValueError:
        return _today()
    return on if 2000 <= on.year < 2200 else _today()


def _wanted() -> Wanted:
    args, state = request.args, request.args.get("state") or None
    return Wanted(
        programme_id=typed.number("prg", "programme", held=args.get("programme", "")),
        segment_id=typed.number("seg", "group", held=args.get("group", "")),
        channel=args.get("channel") or None, language=args.get("language_of") or None,
        state=state if state in STATES else None,
    )  # fmt: skip


def _days(view: str, on: date, first: int) -> list[date]:
    start, count = on, LIST_DAYS
    if view == "week":
        start, count = on - timedelta(days=(on.weekday() - first) % 7), 7
    if view == "month":
        begins = on.replace(day=1)
        start = begins - timedelta(days=(begins.weekday() - first) % 7)
        shown = (begins - start).days + monthrange(on.year, on.month)[1]
        count = -(-shown // 7) * 7
    return [start + timedelta(days=place) for place in range(count)]


def _step(view: str, on: date, by: int) -> date:
    if view == "month":
        near = on.replace(day=1) + timedelta(days=-1 if by < 0 else 31)
        return near.replace(day=1)
    return on + timedelta(days=by * (7 if view == "week" else LIST_DAYS))


def _fill(days: Sequence[Day], entries: Sequence[Entry], periods: Sequence[QuietPeriod]) -> None:
    zone = frame.reader_zone()
    by_day: dict[date, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.due_at is not None:
            by_day[entry.due_at.astimezone(zone).date()].append(entry)
    for day in days:
        day.entries = by_day[day.on]
        begins, ends = _instant(day.on), _instant(day.on + timedelta(days=1))
        day.quiet = [one for one in periods if one.from_at < ends and one.until_at > begins]


def _instant(on: date) -> datetime:
    """When a day of the reader begins; where the clocks jump over midnight, the first instant after it."""
    return times.resolve(f"{on}T00:00", frame.reader_zone().key)


def _today() -> date:
    return frame.wiring().now().astimezone(frame.reader_zone()).date()


def _weekdays() -> list[tuple[int, date]]:
    first = first_weekday(frame.reader_language())
    numbers = [(first + place) % 7 for place in range(7)]
    return [(number, A_MONDAY + timedelta(days=number)) for number in numbers]
