"""What may be done with jobs: imports and exports alike, seen as one list; their own rows stay the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from campaigns.errors import NotFound
from campaigns.stakeholders.tables import Import

from ..exports import KINDS as TAKEN
from ..tables import Export
from . import Act, exports, imports

# What the states of imports and exports are to somebody who waits for a job.
IMPORTS = {
    "checking": "running", "checked": "waiting", "running": "running", "finished": "finished",
    "cancelled": "cancelled",
}  # fmt: skip
STATES = ("waiting", "running", "finished", "failed", "cancelled")
KINDS = ("import", "export")
WHATS = ("people", *TAKEN)


@dataclass(frozen=True, slots=True)
class Job:
    """One job. `id` is that of the import or export that it is; `file` says whether there is one to take.

    `about` is the name of the file that is taken in, or of the person or programme that is taken out.
    """

    id: int
    kind: str
    what: str
    about: str
    state: str
    done: int
    total: int
    problems: int
    error: str | None
    file: bool
    actor: str
    created_at: datetime


def listed(act: Act, *, limit: int = 20) -> Sequence[Job]:
    """The latest jobs that the caller may see, newest first."""
    found = [_import(one) for one in imports.listed(act, limit=limit)]
    if act.caller.has(exports.EXPORT):
        found += _exports(act, exports.listed(act, limit=limit))
    return sorted(found, key=lambda job: -job.id)[:limit]


def get(act: Act, job_id: int) -> Job:
    """How far one job is; NotFound for whoever may not see what it is about."""
    if act.session.get(Export, job_id) is not None:
        return _exports(act, [exports.get(act, job_id)])[0]
    if act.session.get(Import, job_id) is not None:
        return _import(imports.get(act, job_id))
    raise NotFound("no such thing")


def cancel(act: Act, job_id: int) -> Job:
    """Stop it after what is in hand."""
    if act.session.get(Export, job_id) is not None:
        return _exports(act, [exports.cancel(act, job_id)])[0]
    if act.session.get(Import, job_id) is not None:
        return _import(imports.cancel(act, job_id))
    raise NotFound("no such thing")


def _import(one: Import) -> Job:
    out = sum(one.counts.get(name, 0) for name in ("refused", "held"))
    return Job(
        one.id, "import", "people", one.filename, IMPORTS[one.state], one.done, one.total, out, None, False,
        one.actor, one.created_at,
    )  # fmt: skip


def _exports(act: Act, found: Sequence[Export]) -> list[Job]:
    names = exports.names(act, found)
    return [_export(one, names.get(one.id, "")) for one in found]


def _export(one: Export, name: str) -> Job:
    state = "running" if one.state == "waiting" and one.total else one.state
    return Job(
        one.id, "export", one.kind, name, state, one.done, one.total, 0, one.error, one.state == "finished",
        one.actor, one.created_at,
    )  # fmt: skip
