"""/v1/jobs: work that takes longer than a call, as one list: imports and exports."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from ..acts import jobs
from ..ids import shown
from .resource import Resource, this_act
from .schemas import Choice, Id, Schema, Time

resource = Resource("jobs", "Imports and exports as jobs: how far each is, and where its file is.")


class JobOut(Schema):
    id = Id("job", required=True)
    kind = Choice(jobs.KINDS, required=True)
    ref = ma.fields.Function(lambda job: shown(job.kind, job.id), required=True, metadata={"type": "string"})
    what = Choice(jobs.WHATS, required=True, metadata={"description": "what it brings in or takes out"})
    about = ma.fields.String(
        required=True,
        metadata={"description": "the name of the file, or of the person or programme; of all: empty"},
    )
    state = Choice(jobs.STATES, required=True)
    done = ma.fields.Integer(required=True)
    total = ma.fields.Integer(required=True)
    problems = ma.fields.Integer(required=True, metadata={"description": "rows that were not taken in"})
    error = ma.fields.String(required=True, allow_none=True)
    file = ma.fields.Function(
        lambda job: f"/v1/exports/{shown('export', job.id)}/file" if job.file else None,
        required=True,
        metadata={"type": ["string", "null"], "description": "where its file is, once it is made"},
    )
    actor = ma.fields.String(required=True)
    created_at = Time(required=True)


class JobsOut(Schema):
    data = ma.fields.List(ma.fields.Nested(JobOut), required=True)


@resource.route("")
class Jobs(MethodView):
    @resource.response(200, JobsOut)
    def get(self) -> Any:
        """List the latest jobs, newest first"""
        return {"data": jobs.listed(this_act(), limit=100)}


@resource.route("/<job:id>")
class Job(MethodView):
    @resource.response(200, JobOut)
    def get(self, id: int) -> Any:
        """Read how far a job is"""
        return jobs.get(this_act(), id)


@resource.route("/<job:id>/cancel")
class Cancel(MethodView):
    @resource.response(200, JobOut)
    def post(self, id: int) -> Any:
        """Stop a job after what is in hand"""
        return jobs.cancel(this_act(), id)
