"""Merging two records of one stakeholder, and undoing it exactly.

Rules: no fact moves. The record that is gone points to the one that is kept, and whoever reads facts asks `kin.py`
for all records. What is no fact but says how things are (addresses, groups, tags, involvement, hours) the kept record
gets where it has none of its own, and the merge remembers each row, so that the undo takes away just these. Where the
two say different things of themselves, the merge asks which counts. The last merge of a record is undone first.
Source: A15.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import inspect, or_, select
from sqlalchemy.orm import Session

from ..base import Base, new_id
from ..errors import AlreadyDone, BadField, Conflict, NotFound, said
from ..messages.tables import SendingHours
from ..stakeholders import consent, fields, kin, people
from ..stakeholders.tables import (
    Address,
    Involvement,
    Membership,
    Merge,
    SegmentMember,
    Stakeholder,
    StakeholderTag,
)
from ..stakeholders.text import TEXT_MAX, clean
from . import apart

KEPT, GONE = "kept", "gone"
LEFT = "addresses.stakeholder_id"
NOTHING: Mapping[str, Any] = {"columns": [], "rows": []}
FIELD = "fields."
OWN = ("name", "languages", "zone")


def differences(kept: Stakeholder, gone: Stakeholder) -> dict[str, tuple[Any, Any]]:
    """What both say of themselves, and differently: by name what each says."""
    mine, theirs = _says(kept), _says(gone)
    return {
        name: (mine[name], theirs[name]) for name in mine if name in theirs and mine[name] != theirs[name]
    }


def merge(
    session: Session, now: datetime, kept_id: int, gone_id: int, *, take: Mapping[str, str], reason: str, by: str
) -> Merge:  # fmt: skip
    """Let one record stand for both. `take` says of each of their `differences` whose word counts, `kept` or `gone`.

    BadField where one is not decided, or where the two cannot be the same; Conflict where either was merged already.
    """
    consent.lock(session, kin.among(kin.of(session, (kept_id, gone_id)), (kept_id, gone_id)))
    kept, gone = (_open(session, number) for number in (kept_id, gone_id))
    if kept.id == gone.id:
        raise BadField("a record cannot be merged into itself", pointer="/gone_id")
    if kept.kind != gone.kind:
        raise BadField("these two are of different kinds", pointer="/gone_id")
    if kept.state != "active":
        raise Conflict("the record to keep is archived")
    made = Merge(
        kept_id=kept.id, gone_id=gone.id, was=gone.state, by=by, at=now, values=_decide(session, now, kept, gone, take),
        reason=_why(reason),
    )  # fmt: skip
    made.added = _give(session, kept.id, gone.id)
    session.add(made)
    gone.state, gone.merged_into, gone.merged_at = "merged", kept.id, now
    gone.joined, kept.joined = False, True
    _point(session, _under(session, gone.id), kept.id)
    kept.touch(now)
    gone.touch(now)
    session.flush()
    return made


def undo(session: Session, now: datetime, made: Merge, by: str, why: str = "") -> Merge:
    """Two records again, each as it was; what people have changed of the kept one since stays as they said.

    What was refused meanwhile stands on both, unless it is known which of them said so.
    """
    consent.lock(session, kin.records(session, made.kept_id))
    session.refresh(made)
    if made.undone_at is not None:
        raise AlreadyDone("this merge is undone already")
    if _last(session, made.kept_id) != made.id:
        raise Conflict("one of these was merged again since: undo that first")
    kept, gone = people.get(session, made.kept_id), people.get(session, made.gone_id)
    if "erased" in (kept.state, gone.state):
        raise Conflict("they were erased: there is nothing to go back to")
    made.added = _take(session, made.added)
    _restore(session, now, kept, made.values)
    made.undone_at, made.undone_by, made.undone_why = now, by, _why(why)
    gone.state, gone.merged_into, gone.merged_at = made.was, None, None
    session.flush()
    under = _under(session, gone.id)
    _point(session, under, gone.id)
    gone.joined, kept.joined = bool(under), bool(_under(session, kept.id))
    kept.touch(now)
    gone.touch(now)
    session.flush()
    apart.tell_both(session, now, made)
    return made


def get(session: Session, merge_id: int) -> Merge:
    """A merge; NotFound."""
    found = session.get(Merge, merge_id)
    if found is None:
        raise NotFound("there is no such merge")
    return found


def of(session: Session, stakeholder_id: int) -> list[Merge]:
    """The merges of somebody's records that stand, the last first: that one can be undone."""
    mine = kin.records(session, stakeholder_id)
    found = select(Merge).where(Merge.kept_id.in_(mine), Merge.undone_at.is_(None))
    return list(session.scalars(found.order_by(Merge.at.desc(), Merge.id.desc())))


def left(made: Merge) -> list[int]:
    """Of a merge that was undone: the addresses that stay on the kept record, since they were changed there."""
    return [key[0] for key, _ in made.added.get(LEFT, NOTHING)["rows"]] if made.undone_at is not None else []


def _why(text: str) -> str:
    return clean(text, "/reason", length_max=TEXT_MAX, lines=True, empty=True).strip()


def _open(session: Session, number: int) -> Stakeholder:
    found = session.get(Stakeholder, number, populate_existing=True)
    if found is None or found.state == "erased":
        raise NotFound("there is no such stakeholder")
    if found.merged_into is not None:
        raise Conflict("this record was merged into another already")
    return found


def _says(one: Stakeholder) -> dict[str, Any]:
    """What somebody's record says of itself, without what is empty."""
    plain = {name: getattr(one, name) for name in OWN} | {FIELD + name: one.attrs[name] for name in one.attrs}
    return {name: value for name, value in plain.items() if value not in (None, "", [])}


def _decide(
    session: Session, now: datetime, kept: Stakeholder, gone: Stakeholder, take: Mapping[str, str]
) -> dict[str, Any]:
    """Write into the kept record what counts of the other; what was changed, before and after."""
    asked = differences(kept, gone)
    for name, whose in take.items():
        if name not in asked:
            raise BadField("the two records do not differ in this", pointer=f"/take/{name}")
        people.one_of(whose, (KEPT, GONE), f"/take/{name}")
    if missing := sorted(asked.keys() - take.keys()):
        raise BadField(
            said("say which of the two counts: {names}", names=missing), pointer=f"/take/{missing[0]}"
        )
    mine, theirs = _says(kept), _says(gone)
    fresh = {name: value for name, value in theirs.items() if name not in mine or take.get(name) == GONE}
    before = {name: mine.get(name) for name in fresh if mine.get(name) != fresh[name]}
    _write(session, now, kept, {name: fresh[name] for name in before})
    return {name: [before[name], fresh[name]] for name in before}


def _restore(session: Session, now: datetime, kept: Stakeholder, changed: Mapping[str, Any]) -> None:
    says = _says(kept)
    _write(
        session, now, kept, {name: was for name, (was, became) in changed.items() if says.get(name) == became}
    )


def _write(session: Session, now: datetime, one: Stakeholder, values: Mapping[str, Any]) -> None:
    """As people change a record; None takes a value away."""
    own = {name: value for name, value in values.items() if name in OWN}
    if "languages" in own:
        own["languages"] = own["languages"] or []
    for name, value in people.checked(own).items():
        setattr(one, name, value)
    attrs = {name.removeprefix(FIELD): value for name, value in values.items() if name.startswith(FIELD)}
    if attrs:
        one.attrs, one.attrs_fold = fields.check(session, {**one.attrs, **attrs})


# What says how things are with somebody: the column that names them, and those by which two rows say the same.
GIVEN: tuple[tuple[type[Base], str, tuple[str, ...]], ...] = (
    (Address, "stakeholder_id", ("channel", "key")),
    (Involvement, "stakeholder_id", ("programme_id",)),
    (Membership, "person_id", ("body_id",)),
    (Membership, "body_id", ("person_id",)),
    (StakeholderTag, "stakeholder_id", ("tag_id",)),
    (SegmentMember, "stakeholder_id", ("segment_id",)),
    (SendingHours, "stakeholder_id", ()),
)


def _give(session: Session, kept_id: int, gone_id: int) -> dict[str, Any]:
    """Copy what the kept record has not: by table and column, the key of each new row and how it was.

    The names of what was compared are kept too: a later version of Dolen knows more of a row, and that changes none.
    """
    added: dict[str, Any] = {}
    for table, column, alike in GIVEN:
        mine, theirs = (_rows(session, table, column, number) for number in (kept_id, gone_id))
        has = {tuple(getattr(row, name) for name in alike) for row in mine}
        made = [
            _copy(table, row, {column: kept_id})
            for row in theirs
            if tuple(getattr(row, name) for name in alike) not in has
            and getattr(row, "state", "") != "retired"
        ]
        session.add_all(made)
        session.flush()
        columns = _names(table)
        rows = [[_key(row), _sha256(row, columns)] for row in made]
        added[f"{table.__tablename__}.{column}"] = {"columns": columns, "rows": rows}
    return added


def _take(session: Session, added: Mapping[str, Any]) -> dict[str, Any]:
    """Take away what `_give` gave, as far as nobody has changed it since; what stays, in the same form."""
    stays: dict[str, Any] = {}
    for table, column, _ in GIVEN:
        name = f"{table.__tablename__}.{column}"
        given = added.get(name, NOTHING)
        stays[name] = {**given, "rows": []}
        for key, was in given["rows"]:
            row = session.get(table, tuple(key), populate_existing=True)
            if row is not None and _sha256(row, given["columns"]) == was:
                session.delete(row)
            elif row is not None:
                stays[name]["rows"].append([key, was])
    session.flush()
    return stays


def _rows(session: Session, table: type[Base], column: str, number: int) -> Sequence[Any]:
    found = select(table).where(getattr(table, column) == number).order_by(*inspect(table).primary_key)
    return session.scalars(found).all()


def _copy(table: type[Base], row: Any, other: dict[str, Any]) -> Any:
    values = {name: getattr(row, name) for name in _names(table)} | other
    if "id" in values:
        values["id"] = new_id()
    return table(**values)


def _names(table: type[Base]) -> list[str]:
    return sorted(one.key for one in inspect(table).column_attrs)


def _key(row: Any) -> list[int]:
    return list(inspect(row).identity)


def _sha256(row: Any, names: Sequence[str]) -> str:
    """What tells that a row is as it was, without keeping what it says of somebody."""
    return sha256(repr([(name, getattr(row, name, None)) for name in names]).encode()).hexdigest()


def _last(session: Session, number: int) -> int | None:
    """The last merge that stands of a record, whichever part it has in that."""
    mine = or_(Merge.kept_id == number, Merge.gone_id == number)
    return session.scalar(
        select(Merge.id)
        .where(mine, Merge.undone_at.is_(None))
        .order_by(Merge.at.desc(), Merge.id.desc())
        .limit(1)
    )


def _under(session: Session, number: int) -> set[int]:
    """Every record that was merged into this one, or into one of those."""
    found: set[int] = set()
    wanted = {number}
    while wanted:
        into = select(Merge.gone_id).where(Merge.kept_id.in_(wanted), Merge.undone_at.is_(None))
        wanted = set(session.scalars(into)) - found
        found |= wanted
    return found


def _point(session: Session, numbers: set[int], root: int) -> None:
    for one in session.scalars(select(Stakeholder).where(Stakeholder.id.in_(numbers))):
        one.merged_into = root
