"""Tasks: what colleagues are to do by when, mine and those of my programmes; giving, changing and ending one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import Response, g, request, url_for

from campaigns.errors import BadField
from campaigns.responses import tasks as domain
from campaigns.responses.tables import Task
from campaigns.strategies import programmes as rooms

from .. import ids
from ..acts import names, programmes, tasks
from . import frame, typed

pages = frame.Pages("tasks")


@pages.page("/tasks", "GET", "POST")
def listed() -> Response:
    """Mine, everybody's, what is overdue, what has ended."""
    if request.method == "POST" and (done := frame.trying(_ended)):
        return done
    act, which = frame.act(), request.args.get("show", "")
    which = which if which in tasks.LISTS else tasks.LISTS[0]
    page = tasks.listed(
        act, which, programme_id=ids.number("programme", request.args.get("programme")),
        after=request.args.get("after"),
    )  # fmt: skip
    return frame.show(
        "tasks", 422 if g.get("said") else 200, page=page, which=which, lists=tasks.LISTS,
        programmes=programmes.choices(act, tasks.READ), **told(page.rows),
    )  # fmt: skip


@pages.page("/tasks/new", "GET", "POST")
def new() -> Response:
    """Give somebody something to do, about whatever the link that led here named."""
    act, key = frame.act(), request.values.get("about", "")
    about = tasks.target(act, key) if key else None
    if request.method == "POST" and (done := frame.trying(lambda: _given(about))):
        return done
    homes = about.homes if about else tasks.homes(act)
    return frame.show(
        "task_new", 422 if g.get("said") else 200, about=about, rooms=frame.ROOMS, reminders=list(domain.REMINDERS),
        owners=tasks.owners(act, homes), me=act.caller.actor, usual=ids.shown("programme", _usual(homes)),
        programmes=[one for one in programmes.choices(act, tasks.READ) if ids.number("programme", one[0]) in homes],
    )  # fmt: skip


@pages.page("/tasks/<tsk:number>", "GET", "POST")
def one(number: int) -> Response:
    """One task, who gave it, what it is about; to change it, end it or open it again."""
    act = frame.act()
    if request.method == "POST" and (done := frame.trying(lambda: _done(number))):
        return done
    found = tasks.get(act, number)
    return frame.show(
        "task", 422 if g.get("said") else 200, task=found, day_of=domain.day(found), clock_of=domain.clock(found),
        remind_of=domain.reminder(found), reminders=list(domain.REMINDERS),
        owners=_owners(found), writable=tasks.writable(act, found),
        place=programmes.name_of(act, found.programme_id), **told([found]),
    )  # fmt: skip


def told(found: Any) -> dict[str, Any]:
    """What the words of some tasks need: who has them, and what they are about."""
    act = frame.act()
    actors = [actor for task in found for actor in (task.owner, task.by, task.ended_by)]
    return {
        "abouts": tasks.named(act, [(task.about_kind, task.about_id) for task in found]),
        "names": names.of(act, actors), "rooms": frame.ROOMS, "day_of_task": domain.day, "me": act.caller.actor,
        "may_end": {task.id for task in found if task.state == "open" and tasks.writable(act, task)},
    }  # fmt: skip


def beside(kind: str, number: int) -> dict[str, Any]:
    """What the page of something says of the tasks about it: `follow` for tasks_parts.html."""
    found = tasks.about(frame.act(), kind, number)
    return {"follow": {"rows": found, "about": ids.shown(kind, number), **told(found)}}


def mine_due(until: datetime) -> dict[str, Any]:
    """The reader's own tasks that are due by then, as `follow` too."""
    found = tasks.due(frame.act(), until)
    return {"follow": {"rows": found, **told(found)}}


def hands(homes: Iterable[int]) -> dict[str, Any]:
    """Whom a task can be given to in one of these programmes, for `fields` of tasks_parts.html."""
    act = frame.act()
    return {"colleagues": tasks.owners(act, set(homes)), "me": act.caller.actor}


def given_with(programme_id: int, about: str) -> Task:
    """The task that the fields of `task_fields` in the form in hand ask for."""
    act = frame.act()
    return tasks.give(
        act, programme_id=programme_id, title=typed.text("title"), owner=typed.text("owner") or act.caller.actor,
        on=typed.day("on"), clock=typed.text("clock"), zone=frame.reader_zone().key, remind=typed.text("remind"),
        about=tasks.target(act, about) if about else None,
    )  # fmt: skip


def _given(about: tasks.About | None) -> Response:
    programme_id = typed.number("prg", "programme_id")
    if programme_id is None:
        raise BadField("choose a programme", pointer="/programme_id")
    given_with(programme_id, str(ids.shown(about.kind, about.number)) if about else "")
    if about is None:
        return frame.go("pages_tasks.listed", done="added")
    return frame.see(f"{frame.ROOMS[about.kind]}/{ids.shown(about.kind, about.number)}?done=added")


def _ended() -> Response:
    number = typed.number("tsk", "task")
    if number is None:
        raise BadField("choose one of the list", pointer="/task")
    tasks.end(frame.act(), number, typed.text("state"))
    return frame.see(frame.inside(typed.text("back") or url_for("pages_tasks.listed")))


def _done(number: int) -> Response:
    act, verb = frame.act(), typed.text("act")
    if verb in ("done", "dropped"):
        tasks.end(act, number, verb)
    elif verb == "reopen":
        tasks.reopen(act, number)
    else:
        tasks.change(
            act, number, title=typed.text("title"), owner=typed.text("owner"), on=typed.day("on"),
            clock=typed.text("clock"), zone=frame.reader_zone().key, remind=typed.text("remind"),
        )  # fmt: skip
    return frame.go("pages_tasks.one", done="saved", number=number)


def _owners(task: Task) -> list[tuple[str, str]]:
    """Whom it may be given to; whoever has it stays in the list."""
    act = frame.act()
    found = tasks.owners(act, [task.programme_id])
    if task.owner in dict(found):
        return found
    return [(task.owner, names.of(act, [task.owner])[task.owner]), *found]


def _usual(homes: tuple[int, ...]) -> int | None:
    return rooms.GENERAL if rooms.GENERAL in homes else next(iter(homes), None)
