"""What may be done with exports: ask for one, see how far it is, take its file away.

Rules: who asks needs to see whatever is in it, and it holds no more than they reach; who else reaches as much may take
it too. That it was asked for stands in the audit entries.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import or_, select

from campaigns.errors import Forbidden, NotFound, said
from campaigns.responses import held
from campaigns.stakeholders.tables import Involvement, Stakeholder
from campaigns.stakeholders.text import clean
from campaigns.strategies.tables import Programme

from .. import exports, recipes, signed_zip
from ..access import Caller, involved, scoped, subtree
from ..ids import shown
from ..permissions import SCOPES
from ..tables import Export
from ..wiring import Wiring
from . import Act, begin
from .stakeholders import reached

EXPORT = "stakeholders:export"
AUDIT = "audit:read"
# All that a file of a programme shows, but for its audit entries.
SEEN = tuple(scope for scope in SCOPES if scope.endswith(":read") and scope != AUDIT)
# A record of so many facts is made while the asker waits.
AT_ONCE = 500
WEIGHT_AT_ONCE = 10_000_000  # bytes of files
WHY_MAX = 2_000
NAME_MAX = 60  # of a file, before its day


def of_person(
    wiring: Wiring,
    caller: Caller,
    stakeholder_id: int,
    *,
    withheld: str = "",
    request_id: str | None = None,
) -> Export:
    """All that is held on somebody, as far as the caller may take it out; a large record is made by a worker.

    `withheld`: why the notes of colleagues are left out; empty: they are in it.
    """
    with begin(wiring, caller, request_id=request_id) as act:
        person = reached(act, stakeholder_id, EXPORT)
        why = clean(withheld.strip(), "/withheld", length_max=WHY_MAX, lines=True, empty=True)
        made = _made(act, "person", person.id, within=_reach(caller), withheld=why)
        act.note(
            "stakeholder.exported", "stakeholder", person.id,
            after={"export_id": made.id, "whole": made.within is None, "notes": not why},
        )  # fmt: skip
        light = held.weight(act.session, person.id) <= WEIGHT_AT_ONCE
        small = light and held.count(act.session, person.id) <= AT_ONCE
        number = made.id
    if small:
        exports.make(wiring, number, recipes.recipe)
    with wiring.database.read() as session:
        return session.get_one(Export, number)


def of_programme(act: Act, programme_id: int) -> Export:
    """Everything of a programme and of what lies under it; the one that the caller waits for already, if any."""
    for scope in (EXPORT, *SEEN):
        act.need(scope, programme_id)
    programme = act.one(Programme, programme_id)
    if waiting := _waiting(act, "programme", programme.id):
        return waiting
    made = _made(
        act, "programme", programme.id, within=subtree(act.session, [programme.id])[programme.id],
        programme_id=programme.id, audit=act.caller.may(AUDIT, programme.id),
    )  # fmt: skip
    act.note(
        "programme.exported",
        "programme",
        programme.id,
        programme_id=programme.id,
        after={"export_id": made.id},
    )
    return made


def of_everything(act: Act) -> Export:
    """Everything of the installation; the one that the caller waits for already, if any."""
    _need_everything(act)
    if waiting := _waiting(act, "installation", 0):
        return waiting
    made = _made(act, "installation", 0, within=None)
    act.note("installation.exported", "export", made.id)
    return made


def get(act: Act, export_id: int, *, lock: bool = False) -> Export:
    """One export; NotFound for whoever could not have asked for it."""
    found = act.one(Export, export_id, lock=lock)
    _need(act, found)
    return found


def listed(act: Act, *, limit: int = 20) -> Sequence[Export]:
    """The latest exports that the caller asked for or that are of their programmes, newest first."""
    statement = select(Export)
    reach = act.caller.programmes(EXPORT)
    if reach is not None:
        statement = statement.where(or_(Export.programme_id.in_(reach), Export.actor == act.caller.actor))
    return list(act.session.scalars(statement.order_by(Export.id.desc()).limit(limit)))


def cancel(act: Act, export_id: int) -> Export:
    """Make it no further."""
    found = get(act, export_id, lock=True)
    exports.cancel(act.session, act.now, found)
    act.note("export.cancelled", "export", found.id, programme_id=found.programme_id)
    return found


def everywhere(caller: Caller) -> bool:
    """Whether the caller may take out everything of the installation."""
    return all(caller.programmes(scope) is None for scope in (EXPORT, AUDIT, *SEEN))


def fingerprint(act: Act) -> str:
    """Of the key that signs what is taken out now, as people compare it."""
    return signed_zip.fingerprint(signed_zip.public_key(act.wiring.keyring.export_keys()[0]))


def names(act: Act, found: Sequence[Export]) -> dict[int, str]:
    """What the person or the programme of each export is called, as far as the caller reaches them."""
    people, homes = ({one.ref_id for one in found if one.kind == kind} for kind in ("person", "programme"))
    persons = select(Stakeholder.id, Stakeholder.name).where(Stakeholder.id.in_(people))
    programmes = select(Programme.id, Programme.name).where(Programme.id.in_(homes))
    known = {
        ("person", number): name
        for number, name in act.session.execute(involved(persons, Stakeholder.id, act.caller, EXPORT))
    } | {
        ("programme", number): name
        for number, name in act.session.execute(scoped(programmes, Programme.id, act.caller, EXPORT))
    }
    return {one.id: known.get((one.kind, one.ref_id), "") for one in found}


def file_name(act: Act, export: Export) -> str:
    """How its file is called where somebody keeps it: whose it is, and of which day."""
    name = names(act, [export])[export.id] if export.kind != "installation" else "Dolen"
    words = "-".join(re.findall(r"\w+", name))[:NAME_MAX] or str(shown("export", export.id))
    return f"{words}-{(export.finished_at or act.now):%Y-%m-%d}.zip"


def file(act: Act, export_id: int) -> Path:
    """Where its finished file lies."""
    return exports.finished(act.session, act.wiring, get(act, export_id).id)


def _waiting(act: Act, kind: str, ref_id: int) -> Export | None:
    """What they asked for before and is not there yet: a second one takes the room of the first again."""
    same = select(Export).where(
        Export.kind == kind,
        Export.ref_id == ref_id,
        Export.actor == act.caller.actor,
        Export.state == "waiting",
    )
    return act.session.scalar(same.order_by(Export.id).limit(1))


def _made(
    act: Act,
    kind: str,
    ref_id: int,
    *,
    within: frozenset[int] | None,
    programme_id: int | None = None,
    withheld: str = "",
    audit: bool = False,
) -> Export:
    made = Export(
        kind=kind, ref_id=ref_id, programme_id=programme_id, withheld=withheld, audit=audit, actor=act.caller.actor,
        within=None if within is None else sorted(within), created_at=act.now,
    )  # fmt: skip
    act.session.add(made)
    act.session.flush()
    return made


def _need(act: Act, export: Export) -> None:
    """What it takes to ask for it: the same as to take it away."""
    if export.kind == "installation":
        _need_everything(act)
    elif export.kind == "programme":
        for scope in (EXPORT, *SEEN, *([AUDIT] if export.audit else [])):
            act.need(scope, export.ref_id)
    else:
        _need_person(act, export)


def _need_person(act: Act, export: Export) -> None:
    """A file about somebody is for who reaches them, and every programme that it tells of."""
    reach = _reach(act.caller)
    if reach is None:
        return
    mine = select(Involvement.programme_id).where(
        Involvement.stakeholder_id == export.ref_id, Involvement.programme_id.in_(reach)
    )
    whole = export.within is not None and reach.issuperset(export.within)
    if not whole or act.session.scalar(mine.limit(1)) is None:
        raise NotFound("no such thing")


def _reach(caller: Caller) -> frozenset[int] | None:
    """The programmes of which the caller may take everything out; None: all."""
    found = None
    for scope in (EXPORT, *SEEN):
        if not caller.has(scope):
            raise Forbidden(said("this needs {scope} in a programme they are involved in", scope=scope))
        reach = caller.programmes(scope)
        found = reach if found is None else found if reach is None else found & reach
    return found


def _need_everything(act: Act) -> None:
    if not everywhere(act.caller):
        raise Forbidden(said("this needs {scope} in all programmes", scope=f"{EXPORT}, {AUDIT}"))
