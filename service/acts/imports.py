"""What may be done with imports: a file is checked, looked at, confirmed, and then taken in by a worker.

Rules: only people whom the caller reaches are recognised; a declaration of consent needs the scope for consents, and so
does a file that says who has opted out or whose mail comes back: it stops mail to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, BinaryIO

from babel.core import get_global
from sqlalchemy import or_, select

from campaigns.errors import Forbidden, said
from campaigns.stakeholders import calling, files, imports
from campaigns.stakeholders.tables import Import, ImportRow, Involvement, Segment

from .. import paging
from ..access import Caller, scoped
from ..wiring import Wiring
from . import Act, begin, consents, segments
from .stakeholders import READ, WRITE, home

TAKEN = ("created", "updated", "unchanged")
LEFT_OUT = ("refused", "held")


def check(
    wiring: Wiring,
    caller: Caller,
    request_id: str | None,
    *,
    programme_id: int | None = None,
    declaration: Mapping[str, Any] | None = None,
    country: str | None = None,
    **file: Any,
) -> Import:
    """Say what importing a file would do; a large one is only stored, and checked by a worker.

    `country`: whose numbers stand in it without a country's code; else that of the workspace's zone.
    """
    with begin(wiring, caller, request_id=request_id) as act:
        programme_id = home(act, WRITE, programme_id)
        _need_consents(act, programme_id, declaration is not None)
    with begin(wiring, caller, request_id=request_id) as act:
        made = imports.check(
            act.session, act.now, programme_id=programme_id, declaration=declaration, actor=caller.actor,
            within=caller.programmes(WRITE), country=home_country(wiring) if country is None else country, **file,
        )  # fmt: skip
        _need_all(act, made)
        act.note(
            "import.checked", "import", made.id,
            programme_id=programme_id, after={"sha256": made.sha256, "rows": made.total},
        )  # fmt: skip
        return made


def home_country(wiring: Wiring) -> str | None:
    """The country of the workspace's zone, where its numbering is known."""
    found: str | None = get_global("zone_territories").get(wiring.settings.workspace.zone)
    return found if found in calling.COUNTRIES else None


def get(act: Act, import_id: int, scope: str = READ, *, lock: bool = False) -> Import:
    """One import, for what this scope allows."""
    found = act.one(Import, import_id, lock=lock)
    act.need(scope, found.programme_id)
    return found


def listed(act: Act, *, limit: int = 20) -> Sequence[Import]:
    """The latest imports of the caller's programmes, newest first."""
    statement = scoped(select(Import), Import.programme_id, act.caller, READ)
    return list(act.session.scalars(statement.order_by(Import.id.desc()).limit(limit)))


def again(
    wiring: Wiring,
    caller: Caller,
    request_id: str | None,
    import_id: int,
    *,
    meant: Mapping[str, Any],
    **reading: str | None,
) -> Import:
    """Read a checked file in another way: `encoding`, `delimiter`, `sheet`. Nobody waits meanwhile.

    `meant`: what is in it, as `mapping`, `declaration` and `country`.
    """
    with wiring.database.read() as session:
        found = get(Act(wiring, caller, session, wiring.now()), import_id, WRITE)
        body, name, version = imports.to_look_at(found), found.filename, found.version
    read = imports.look(body, name, **reading)
    with begin(wiring, caller, request_id=request_id) as act:
        found = get(act, import_id, WRITE, lock=True)
        act.unchanged(found, version)
        imports.again(act.session, act.now, found, read, **meant)
        _need_all(act, found)
        act.note("import.checked", "import", found.id, programme_id=found.programme_id)
        return found


def pasted(act: Act, import_id: int) -> str:
    """What was pasted, one on each line, while it is kept: to change it and check it anew."""
    found = get(act, import_id, WRITE)
    header = found.detected["header"]
    return "\n".join(_as_pasted(dict(zip(header, one.cells, strict=False))) for one in imports.records(found))


def _as_pasted(row: Mapping[str, str]) -> str:
    name, address = row.get("name", ""), row.get("email", "")
    whole = f"{name} <{address}>" if name and address else name or address
    return " ".join(part for part in (whole, row.get("mobile", "")) if part)


def group_of(act: Act, import_id: int, name: str) -> Segment:
    """A new group of everybody whom an import took in or found there already."""
    found = get(act, import_id)
    made = segments.create(act, name=name, programme_id=found.programme_id)
    mine = select(ImportRow.stakeholder_id).where(
        ImportRow.import_id == found.id, ImportRow.outcome.in_(TAKEN), ImportRow.stakeholder_id.is_not(None)
    )
    present = mine.join(
        Involvement,
        (Involvement.stakeholder_id == ImportRow.stakeholder_id)
        & (Involvement.programme_id == found.programme_id),
    )
    segments.pick(act, made.id, stakeholders=[one for one in act.session.scalars(present.distinct()) if one])
    return made


def refused(act: Act, import_id: int) -> BinaryIO:
    """The rows that were not taken in, or without a cell, as they came, each with the reason: a CSV file to mend.

    There may be a million: whoever asks closes the file.
    """
    found = get(act, import_id)
    header = list(found.detected["header"])
    mended = or_(ImportRow.outcome.in_(LEFT_OUT), ImportRow.cells.is_not(None))
    out = select(ImportRow).where(ImportRow.import_id == found.id, mended).order_by(ImportRow.line)
    every = act.session.scalars(out.execution_options(yield_per=1000))
    rows = (row for row in every if row.outcome in LEFT_OUT or any(one["column"] for one in row.problems))
    lines = (
        [*(row.cells or [""] * len(header)), str(row.line), "; ".join(one["detail"] for one in row.problems)]
        for row in rows
    )
    return files.spreadsheet_file(chain([[*header, "line", "reason"]], lines))


def confirm(act: Act, import_id: int) -> Import:
    """A person has looked at the check: let a worker take the file in."""
    found = get(act, import_id, WRITE, lock=True)
    _need_all(act, found)
    imports.start(act.session, act.now, found)
    act.note("import.confirmed", "import", found.id, programme_id=found.programme_id)
    return found


def cancel(act: Act, import_id: int) -> Import:
    """Stop it after the rows in hand; who has been taken in stays."""
    found = get(act, import_id, WRITE, lock=True)
    imports.cancel(act.session, act.now, found)
    act.note("import.cancelled", "import", found.id, programme_id=found.programme_id)
    return found


def lift_stops(act: Act, import_id: int, *, why: str) -> int:
    """Lift all that a file stopped by mistake; gives how many suppressions that were."""
    found = get(act, import_id, consents.WRITE)
    lifted = imports.lift_stops(act.session, act.now, found, act.caller.actor, why)
    act.note(
        "import.stops_lifted", "import", found.id,
        programme_id=found.programme_id, after={"why": why, "lifted": lifted},
    )  # fmt: skip
    return lifted


def rows(
    act: Act,
    import_id: int,
    *,
    limit: int,
    after: str | None,
    before: str | None,
    outcome: str | None = None,
) -> paging.Page:
    """What became, or would become, of each row, in the order of the file."""
    found = get(act, import_id)
    statement = select(ImportRow).where(ImportRow.import_id == found.id)
    if outcome is not None:
        statement = statement.where(ImportRow.outcome == outcome)
    return paging.cut(act.session, statement, ImportRow.line, limit=limit, after=after, before=before)


def _need_all(act: Act, found: Import) -> None:
    """The scope for consents too, where the file speaks of them."""
    if imports.stops(found) and not act.caller.may(consents.WRITE, found.programme_id):
        raise Forbidden(
            said("this file says who must not be written to, and that needs {scope}", scope=consents.WRITE)
        )
    _need_consents(act, found.programme_id, found.declaration is not None)


def _need_consents(act: Act, programme_id: int, declared: bool) -> None:
    if declared:
        act.need(consents.WRITE, programme_id)
