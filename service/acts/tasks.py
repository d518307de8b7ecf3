"""What may be done with tasks: give, change, end; the lists of them, and what each is about by name.

Rules: whoever sees the programme sees its tasks and may give themselves one; giving others one needs the right to work
with responses there. What a task is about is named only to whoever may see that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, select, tuple_

from campaigns.base import instant, micros
from campaigns.errors import BadField, BadId, NotFound
from campaigns.responses import tasks
from campaigns.responses.tables import TASK_ABOUT, Task
from campaigns.stakeholders.tables import Involvement
from campaigns.strategies.tables import Programme

from .. import ids, paging
from ..access import scoped
from ..tables import Grant, User
from . import Act, messages, programmes, responses, stakeholders, strategies, things

READ, WRITE = "programmes:read", "responses:write"
LISTS = ("mine", "all", "overdue", "ended")
SHOWN = 8


@dataclass(frozen=True, slots=True)
class About:
    """What a task is about, as its reader may see it; `homes` are the programmes that such a task may belong to."""

    kind: str
    number: int
    name: str
    homes: tuple[int, ...] = ()


def listed(act: Act, which: str, *, programme_id: int | None = None, after: str | None = None) -> paging.Page:
    """One of LISTS within the caller's reach, by when they are due; what has ended, the latest first."""
    statement = select(Task).where(*_seen(act))
    if programme_id is not None:
        act.need(READ, programme_id)
        statement = statement.where(Task.programme_id == programme_id)
    if which == "mine":
        statement = statement.where(Task.owner == act.caller.actor)
    if which == "overdue":
        statement = statement.where(Task.due_at < act.now)
    if which == "ended":
        return _cut(act, statement.where(Task.state != "open"), after, latest_first=True)
    return _cut(act, statement.where(Task.state == "open"), after)


def get(act: Act, task_id: int, *, lock: bool = False) -> Task:
    """One task; NotFound where the caller has no grant on its programme."""
    found = act.one(Task, task_id, lock=lock)
    act.need(READ, found.programme_id)
    return found


def give(
    act: Act,
    *,
    programme_id: int,
    title: str,
    owner: str,
    on: date | None,
    clock: str,
    zone: str,
    remind: str = "",
    about: About | None = None,
) -> Task:
    """Give a colleague, or oneself, something to do."""
    _may_give(act, programme_id, owner)
    if about is not None and programme_id not in about.homes:
        raise BadField("choose one of the list", pointer="/programme_id")
    made = tasks.give(
        act.session, act.now, programme_id=programme_id, title=title, owner=owner, by=act.caller.actor, on=on,
        clock=clock, zone=zone, remind=remind, about=(about.kind, about.number) if about else None,
    )  # fmt: skip
    _note(act, "task.given", made, owner=owner)
    return made


def change(
    act: Act,
    task_id: int,
    *,
    title: str,
    owner: str,
    on: date | None,
    clock: str,
    zone: str,
    remind: str,
    version: int | None = None,
) -> Task:
    """Say it better, for another day, or give it to somebody else."""
    found = _mine(act, task_id)
    act.unchanged(found, version)
    if owner != found.owner:
        _may_give(act, found.programme_id, owner)
    tasks.change(
        act.session, act.now, found, title=title, owner=owner, by=act.caller.actor, on=on, clock=clock, zone=zone,
        remind=remind,
    )  # fmt: skip
    _note(act, "task.changed", found, owner=owner)
    return found


def end(act: Act, task_id: int, state: str) -> Task:
    """Done, or dropped."""
    found = tasks.end(act.session, act.now, _mine(act, task_id), state, act.caller.actor)
    _note(act, "task.ended", found, state=state)
    return found


def reopen(act: Act, task_id: int) -> Task:
    """It is to be done after all."""
    found = tasks.reopen(act.session, act.now, _mine(act, task_id))
    _note(act, "task.reopened", found)
    return found


def writable(act: Act, task: Task) -> bool:
    """Whether the caller may change and end it: their own, or where they may give some."""
    return act.caller.actor == task.owner or act.caller.may(WRITE, task.programme_id)


def about(act: Act, kind: str, number: int) -> list[Task]:
    """What is still to be done about something the caller was shown."""
    return tasks.about(act.session, kind, number, *_seen(act))


def due(act: Act, until: datetime) -> list[Task]:
    """The caller's own tasks that are due by then."""
    return tasks.due(act.session, until, Task.owner == act.caller.actor, *_seen(act), limit=SHOWN)


def of_feed(act: Act, since: datetime, until: datetime, limit: int) -> list[Task]:
    """The caller's own tasks of a span, for their calendar."""
    found = tasks.between(act.session, act.caller.actor, since, until, limit=limit)
    return [one for one in found if act.caller.may(READ, one.programme_id)]


def owners(act: Act, homes: Collection[int]) -> list[tuple[str, str]]:
    """Whom the caller may give a task in one of these programmes, as (public id, name), themselves first."""
    me = act.caller.actor
    if len(homes) == 1:
        found = programmes.colleagues(act, next(iter(homes)))
    else:
        here = select(Grant.user_id).where(Grant.programme_id.is_(None) | Grant.programme_id.in_(homes))
        people = (
            select(User.id, User.name).where(User.id.in_(here), User.state == "active").order_by(User.name)
        )
        found = [(str(ids.shown("user", number)), name) for number, name in act.session.execute(people)]
    gives = any(act.caller.may(WRITE, home) for home in homes)
    return sorted((one for one in found if gives or one[0] == me), key=lambda one: one[0] != me)


def target(act: Act, text: str) -> About:
    """What is meant by a public id, with its name; NotFound where the caller may not see it."""
    try:
        kind, number = ids.any_id(text)
    except BadId:
        raise NotFound("no such thing") from None
    if kind not in _TARGETS:
        raise NotFound("no such thing")
    homes = _TARGETS[kind](act, number)
    known = named(act, [(kind, number)])
    return About(kind, number, known[kind, number].name if known else "", tuple(homes))


def homes(act: Act) -> tuple[int, ...]:
    """The programmes in which the caller may give a task about nothing else."""
    mine = scoped(select(Programme.id), Programme.id, act.caller, READ)
    return tuple(act.session.scalars(mine.order_by(Programme.id).limit(500)))


def named(act: Act, wanted: Iterable[tuple[str | None, int | None]]) -> dict[tuple[str, int], About]:
    """What tasks are about, by name, as far as the caller may see it; one statement for each kind."""
    return {key: About(*key, one.name) for key, one in things.named(act, wanted).items()}


def _of_stakeholder(act: Act, number: int) -> Sequence[int]:
    stakeholders.get(act, number)
    theirs = select(Involvement.programme_id).where(Involvement.stakeholder_id == number)
    return act.session.scalars(scoped(theirs, Involvement.programme_id, act.caller, READ)).all()


def _of_message(act: Act, number: int) -> Sequence[int]:
    return (messages.get(act, number).programme_id,)


def _of_response(act: Act, number: int) -> Sequence[int]:
    """What nobody knows the sender of belongs to no programme yet."""
    found = responses.get(act, number)
    return homes(act) if found.programme_id is None else (found.programme_id,)


def _of_strategy(act: Act, number: int) -> Sequence[int]:
    return (strategies.get(act, number).programme_id,)


def _of_programme(act: Act, number: int) -> Sequence[int]:
    return (programmes.get(act, number).id,)


_TARGETS: dict[str, Callable[[Act, int], Sequence[int]]] = dict(
    zip(TASK_ABOUT, (_of_stakeholder, _of_message, _of_response, _of_strategy, _of_programme), strict=True)
)


def _may_give(act: Act, programme_id: int, owner: str) -> None:
    act.need(READ if owner == act.caller.actor else WRITE, programme_id)
    if owner not in dict(programmes.colleagues(act, programme_id)):
        raise BadField("choose a colleague from the list", pointer="/owner")


def _mine(act: Act, task_id: int) -> Task:
    found = get(act, task_id, lock=True)
    if not writable(act, found):
        act.need(WRITE, found.programme_id)
    return found


def _seen(act: Act) -> list[ColumnElement[bool]]:
    reach = act.caller.programmes(READ)
    return [] if reach is None else [Task.programme_id.in_(reach)]


def _cut(act: Act, statement: Select[Any], after: str | None, *, latest_first: bool = False) -> paging.Page:
    """A page by when tasks are due."""
    key = tuple_(Task.due_at, Task.id)
    if after is not None:
        at, number = paging.read_cursor(after, (int, int))
        edge = tuple_(literal(instant(at), Task.due_at.type), literal(number, Task.id.type))
        statement = statement.where(key < edge if latest_first else key > edge)
    order = (Task.due_at.desc(), Task.id.desc()) if latest_first else (Task.due_at, Task.id)
    rows = list(act.session.scalars(statement.order_by(*order).limit(paging.LIMIT_DEFAULT + 1)))
    page = rows[: paging.LIMIT_DEFAULT]
    more = len(rows) > paging.LIMIT_DEFAULT
    return paging.Page(page, paging.cursor(micros(page[-1].due_at), page[-1].id) if more else None, None)


def _note(act: Act, name: str, task: Task, **after: Any) -> None:
    act.note(name, "task", task.id, programme_id=task.programme_id, after=after or None)
