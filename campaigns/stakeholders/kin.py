"""Whose records are one person's: those that were merged, and the one that stands for them all.

Rules: a merge moves no fact, so whoever reads the facts of a stakeholder asks here for all of their records. A record
says itself that it stands for others (`joined`) or that another stands for it (`merged_into`, never a merged one).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, func, or_, select, union_all
from sqlalchemy.orm import Session

from .tables import Merge, Stakeholder

# All records of one person, the one that stands for them first; by each of those that were asked about.
Kin = Mapping[int, tuple[int, ...]]
CHUNK = 500
# Where a page of people begins and how many are on it; who says neither gets all of them.
AFTER, MOST = bindparam("after", -1, BigInteger), bindparam("most", 2**62, BigInteger)
# Whoever has more than one record.
MORE = or_(Stakeholder.joined.is_(True), Stakeholder.merged_into.is_not(None))
_HAS_MORE = select(Stakeholder.id).where(Stakeholder.id == bindparam("one"), MORE)


def root(session: Session, stakeholder_id: int) -> int:
    """The record that stands for this one: itself, unless it was merged into another."""
    return (
        session.scalar(select(Stakeholder.merged_into).where(Stakeholder.id == stakeholder_id))
        or stakeholder_id
    )


def records(session: Session, stakeholder_id: int) -> tuple[int, ...]:
    """All records of one person, the one that stands for them first."""
    if session.connection().scalar(_HAS_MORE, {"one": stakeholder_id}):
        return of(session, [stakeholder_id])[stakeholder_id]
    return (stakeholder_id,)


def of(session: Session, stakeholder_ids: Collection[int], until: datetime | None = None) -> Kin:
    """The records of those who have more than one; merges after `until` left out."""
    found: dict[int, tuple[int, ...]] = {}
    wanted = sorted(set(stakeholder_ids))
    for first in range(0, len(wanted), CHUNK):
        found |= _of(session, wanted[first : first + CHUNK], until)
    return found


def ever(session: Session, stakeholder_ids: Iterable[int]) -> set[int]:
    """These, and every record that stands for one of them or did so before a merge was undone."""
    found: set[int] = set()
    wanted = set(stakeholder_ids)
    while wanted:
        found |= wanted
        wanted = set(session.scalars(select(Merge.kept_id).where(Merge.gone_id.in_(wanted)))) - found
    return found


def standing_for(named: Select[Any]) -> Select[Any]:
    """The SELECT of the `most` stakeholders next `after` an id who stand for the ids that a SELECT names, in order.

    It looks no further than that (AFTER, MOST): of a million who are named, each page reads its own.
    """
    (number,) = named.selected_columns
    people, merged = Stakeholder.__table__.alias("named").c, Stakeholder.__table__.alias("merged").c
    themselves = (
        named.join(people.id.table, people.id == number)
        .where(number > AFTER, people.merged_into.is_(None))
        .distinct()
        .order_by(number)
        .limit(MOST)
    )
    # Few are merged: they are gone through, and not whoever is named.
    others = (
        select(merged.merged_into)
        .where(merged.merged_into > AFTER, named.where(number == merged.id).exists())
        .distinct()
        .order_by(merged.merged_into)
        .limit(MOST)
    )
    pages = (select(page.subquery()) for page in (themselves, others))
    return (
        select(Stakeholder).where(Stakeholder.id.in_(union_all(*pages))).order_by(Stakeholder.id).limit(MOST)
    )


def among(kin: Kin, numbers: Iterable[int]) -> set[int]:
    """These, and whatever else is a record of the same people."""
    return {one for number in numbers for one in kin.get(number, (number,))}


def touched(kin: Kin, numbers: Iterable[int], by: Collection[int]) -> set[int]:
    """Those of whom one record at least is among these."""
    return {number for number in numbers if any(one in by for one in kin.get(number, (number,)))}


def _of(session: Session, wanted: list[int], until: datetime | None) -> dict[int, tuple[int, ...]]:
    stands = func.coalesce(Stakeholder.merged_into, Stakeholder.id)
    rows = session.execute(select(Stakeholder.id, stands).where(Stakeholder.id.in_(wanted), MORE))
    asked = {number: into for number, into in rows}
    if not asked:
        return {}
    others = select(Stakeholder.id, Stakeholder.merged_into).where(
        Stakeholder.merged_into.in_(set(asked.values()))
    )
    if until is not None:
        others = others.where(Stakeholder.merged_at <= until)
    together: dict[int, list[int]] = {one: [one] for one in asked.values()}
    for number, into in session.execute(others.order_by(Stakeholder.id)):
        together[into or number].append(number)
    # Whoever was not merged yet by then was somebody alone.
    whole = {one: tuple(together[into]) for one, into in asked.items()}
    return {one: records for one, records in whole.items() if one in records and len(records) > 1}
