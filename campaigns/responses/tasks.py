"""Tasks: what a colleague is to do by when, about somebody or something in a programme.

Rules: a task belongs to one programme; it ends once, done or dropped, and can be opened again. A whole day is due
until its last minute and told of in its morning.
Source: I6, F4.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from .. import zones
from ..errors import AlreadyDone, BadField, BadTime, NotFound
from ..messages import calendar
from ..stakeholders import kin, people
from ..stakeholders.text import clean
from ..strategies.tables import Programme
from .tables import TASK_ABOUT, TASK_STATES, Task

TITLE_MAX = 300
# How long before it is due its owner is reminded.
REMINDERS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
MORNING, EVENING = time(8, 0), time(23, 59)
AHEAD_MAX = timedelta(days=5 * 366)
LISTED_MAX = 500


def give(
    session: Session,
    now: datetime,
    *,
    programme_id: int,
    title: str,
    owner: str,
    by: str,
    on: date | None,
    clock: str,
    zone: str,
    remind: str = "",
    about: tuple[str, int] | None = None,
) -> Task:
    """Give somebody something to do; `on` a day of `zone`, `clock` such as 09:30 or "" for the whole day.

    `remind` is of REMINDERS, or "" for none; `about` is one of TASK_ABOUT and its id.
    """
    if session.get(Programme, programme_id) is None:
        raise NotFound("there is no such programme", pointer="/programme_id")
    if about is not None:
        people.one_of(about[0], TASK_ABOUT, "/about")
    made = Task(
        programme_id=programme_id, title=_title(title), owner=owner, by=by, given_at=now,
        about_kind=about[0] if about else None, about_id=about[1] if about else None,
        created_at=now, updated_at=now, **_when(now, on, clock, zone, remind),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def change(
    session: Session,
    now: datetime,
    task: Task,
    *,
    title: str,
    owner: str,
    by: str,
    on: date | None,
    clock: str,
    zone: str,
    remind: str = "",
) -> Task:
    """Say it better, for another day or for somebody else, who is then told who gave it to them."""
    if task.state != "open":
        raise AlreadyDone("this task has ended: open it again to change it")
    task.title = _title(title)
    if owner != task.owner:
        task.owner, task.by, task.given_at = owner, by, now
    for name, value in _when(now, on, clock, zone, remind).items():
        setattr(task, name, value)
    task.touch(now)
    session.flush()
    return task


def end(session: Session, now: datetime, task: Task, state: str, by: str) -> Task:
    """Done, or dropped; AlreadyDone where somebody said so before."""
    people.one_of(state, TASK_STATES[1:], "/state")
    if task.state != "open":
        raise AlreadyDone("this task has ended already")
    task.state, task.ended_by, task.ended_at = state, by, now
    task.touch(now)
    session.flush()
    return task


def reopen(session: Session, now: datetime, task: Task) -> Task:
    """It is to be done after all."""
    if task.state == "open":
        raise AlreadyDone("this task is open already")
    task.state, task.ended_by, task.ended_at = "open", None, None
    task.touch(now)
    session.flush()
    return task


def about(session: Session, kind: str, number: int, *where: ColumnElement[bool]) -> list[Task]:
    """What is still to be done about something, by when."""
    about_ids = kin.records(session, number) if kind == "stakeholder" else (number,)
    open_ones = select(Task).where(
        Task.about_kind == kind, Task.about_id.in_(about_ids), Task.state == "open", *where
    )
    return list(session.scalars(open_ones.order_by(Task.due_at, Task.id).limit(LISTED_MAX)))


def due(session: Session, until: datetime, *where: ColumnElement[bool], limit: int) -> list[Task]:
    """Open tasks that are due by then, the longest due first."""
    open_ones = select(Task).where(Task.state == "open", Task.due_at <= until, *where)
    return list(session.scalars(open_ones.order_by(Task.due_at, Task.id).limit(limit)))


def between(session: Session, owner: str, since: datetime, until: datetime, *, limit: int) -> list[Task]:
    """Somebody's open tasks that are due in a span, for their calendar."""
    mine = select(Task).where(
        Task.owner == owner, Task.state == "open", Task.due_at >= since, Task.due_at < until
    )
    return list(session.scalars(mine.order_by(Task.due_at, Task.id).limit(limit)))


def to_tell(session: Session, now: datetime, since: datetime, limit: int) -> list[tuple[Task, str, datetime]]:
    """What open tasks are to be told of now, as (task, "reminder" or "due", when that was)."""
    near = due(session, now + max(REMINDERS.values()) + timedelta(days=1), Task.due_at > since, limit=limit)
    found = [(one, "reminder", one.remind_at) for one in near if one.remind_at is not None]
    found += [(one, "due", told_at(one)) for one in near]
    return [(one, what, at) for one, what, at in found if at is not None and since < at <= now]


def told_at(task: Task) -> datetime:
    """When its owner hears that it is due: a whole day in its morning."""
    return _told(task.due_at, task.whole_day, task.zone)


def day(task: Task) -> date:
    """The day on which it is due, where it was said."""
    return task.due_at.astimezone(ZoneInfo(task.zone)).date()


def clock(task: Task) -> str:
    """The time of day at which it is due, where it was said; "" for a whole day."""
    return "" if task.whole_day else f"{task.due_at.astimezone(ZoneInfo(task.zone)):%H:%M}"


def reminder(task: Task) -> str:
    """Which of REMINDERS was chosen; "" for none."""
    before = None if task.remind_at is None else told_at(task) - task.remind_at
    return next((name for name, length in REMINDERS.items() if length == before), "")


def _title(title: str) -> str:
    return clean(title, "/title", length_max=TITLE_MAX)


def _when(now: datetime, on: date | None, clock: str, zone: str, remind: str) -> dict[str, Any]:
    if on is None:
        raise BadField("say by which day", pointer="/on")
    if remind and remind not in REMINDERS:
        raise BadField("choose one of the list", pointer="/remind")
    place = zones.canonical(zone)
    due_at = calendar.resolve(f"{on}T{clock or EVENING.isoformat('minutes')}", place, pointer="/clock")
    if due_at > now + AHEAD_MAX:
        raise BadTime("this time lies more than five years ahead", pointer="/on")
    told = _told(due_at, not clock, place)
    return {
        "due_at": due_at, "whole_day": not clock, "zone": place,
        "remind_at": told - REMINDERS[remind] if remind else None,
    }  # fmt: skip


def _told(due_at: datetime, whole_day: bool, zone: str) -> datetime:
    if not whole_day:
        return due_at
    place = ZoneInfo(zone)
    return datetime.combine(due_at.astimezone(place).date(), MORNING, place).astimezone(UTC)
