"""/v1/tasks: what colleagues are to do by when."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.base import public_id
from campaigns.responses.tables import TASK_STATES
from campaigns.responses.tasks import REMINDERS

from ..acts import tasks
from ..ids import shown
from .resource import ETAG_HEADER, Resource, created, if_match, listed, single, this_act
from .schemas import Choice, Day, Id, Made, Schema, Text, Time, page_of

resource = Resource("tasks", "What colleagues are to do by when.")


class TaskQuery(Schema):
    which = Choice(tasks.LISTS, load_default="mine")
    programme_id = Id("programme", load_default=None)
    after = ma.fields.String(load_default=None, metadata={"description": "the `next` of an earlier answer"})


class TaskValues(Schema):
    title = Text(required=True)
    owner = Id("user", required=True)
    on = Day(required=True)
    clock = Text(5, empty=True, load_default="", metadata={"description": "09:30; empty: the whole day"})
    zone = Text(64, load_default="UTC", metadata={"example": "Europe/London"})
    remind = Choice(("", *REMINDERS), load_default="", metadata={"description": "told so long before"})


class TaskNew(TaskValues):
    programme_id = Id("programme", required=True)
    about = Text(
        20,
        load_default=None,
        metadata={"description": "the id of a stakeholder, message, response, strategy"},
    )


class TaskEnd(Schema):
    state = Choice(TASK_STATES[1:], required=True)


class TaskOut(Made):
    id = Id("task", required=True)
    programme_id = Id("programme", required=True)
    title = ma.fields.String(required=True)
    owner = ma.fields.String(required=True)
    due_at = Time(required=True)
    whole_day = ma.fields.Boolean(required=True)
    zone = ma.fields.String(required=True)
    remind_at = Time(required=True, allow_none=True)
    about = ma.fields.Function(
        lambda row: shown(row.about_kind, row.about_id) if row.about_kind else None,
        required=True,
        metadata={"type": ["string", "null"]},
    )
    state = Choice(TASK_STATES, required=True)
    by = ma.fields.String(required=True)
    given_at = Time(required=True)
    ended_by = ma.fields.String(required=True, allow_none=True)
    ended_at = Time(required=True, allow_none=True)


@resource.route("")
class Tasks(MethodView):
    @resource.arguments(TaskQuery, location="query")
    @resource.response(200, page_of(TaskOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List tasks by when they are due: yours, all, those overdue, or those that have ended"""
        return listed(tasks.listed(this_act(), query.pop("which"), **query))

    @resource.arguments(TaskNew)
    @resource.response(201, TaskOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any]) -> Any:
        """Give a colleague, or yourself, something to do"""
        act, about = this_act(), body.pop("about")
        values = body | {"owner": public_id("usr", body["owner"])}
        return created(tasks.give(act, about=tasks.target(act, about) if about else None, **values), "task")


@resource.route("/<tsk:id>")
class Task(MethodView):
    @resource.response(200, TaskOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Show a task"""
        return single(tasks.get(this_act(), id))

    @resource.guarded
    @resource.arguments(TaskValues)
    @resource.response(200, TaskOut, headers=ETAG_HEADER)
    def put(self, body: dict[str, Any], id: int) -> Any:
        """Say a task better, for another day, or give it to somebody else"""
        values = body | {"owner": public_id("usr", body["owner"])}
        return single(tasks.change(this_act(), id, version=if_match(), **values))


@resource.route("/<tsk:id>/end")
class TaskDone(MethodView):
    @resource.arguments(TaskEnd)
    @resource.response(200, TaskOut)
    def post(self, body: dict[str, Any], id: int) -> Any:
        """Say that it is done, or dropped"""
        return tasks.end(this_act(), id, **body)


@resource.route("/<tsk:id>/reopen")
class TaskAgain(MethodView):
    @resource.response(200, TaskOut)
    def post(self, id: int) -> Any:
        """Say that it is to be done after all"""
        return tasks.reopen(this_act(), id)
