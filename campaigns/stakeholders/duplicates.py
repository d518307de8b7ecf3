"""Who may be on record twice: proposals for a person to decide, found a piece at a time.

Rules: an equal address; an equal or nearly equal name with something else in common; or a name that FEW have, where no
field tells them apart.
One look reads a bounded number of rows in the order of an index, however many people there are. What somebody has said
about two records is not asked again.
Source: A15.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, groupby
from typing import Any

from sqlalchemy import Executable, select, tuple_
from sqlalchemy.orm import Session

from ..errors import BadField
from . import fields
from .rows import insert_missing
from .tables import Address, Distinct, Membership, Stakeholder

LOOK = 2000  # rows that one look reads
BESIDE = 8  # names next to each other in their order that are compared
GROUP_MAX = 40  # more people at one address are an office
FEW = 3  # a name that more people have says nothing by itself
BY = ("address", "name")
# What two have in common, and how much each says; the name says more beside an address.
SCORES = {"address": 40, "name": 40, "near_name": 25, "field": 15, "body": 15}
LEAST = 40


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that may be one, the older first. `shared` are words of SCORES."""

    low_id: int
    high_id: int
    shared: tuple[str, ...]

    @property
    def score(self) -> int:
        """From 40 to 95: how much speaks for it."""
        return min(95, sum(SCORES[one] for one in self.shared))


@dataclass(frozen=True, slots=True)
class _Known:
    """What is compared of somebody."""

    id: int
    kind: str
    name: str
    texts: frozenset[tuple[str, str]]


def look(session: Session, by: str, after: int | None) -> tuple[list[Pair], int | None]:
    """What the next LOOK rows in the order of addresses or names tell, and after which to go on (None: that was all).

    Where to go on is the id of an address or a stakeholder: others learn no address from it.
    """
    if by == "address":
        couples, further = _by_address(session, after)
        return _weighed(session, couples), further
    couples, further, rare = _by_name(session, after)
    return _weighed(session, couples, rare), further


def of(session: Session, person: Stakeholder) -> list[Pair]:
    """Who one stakeholder may be as well, the likeliest first."""
    mine = select(Address.channel, Address.key).where(
        Address.stakeholder_id == person.id, Address.state == "active"
    )
    held = select(Address.stakeholder_id).where(
        tuple_(Address.channel, Address.key).in_([tuple(row) for row in session.execute(mine)]),
        Address.state == "active",
    )
    others = set(session.scalars(held.limit(GROUP_MAX)))
    place = tuple_(Stakeholder.name_fold, Stakeholder.id)
    here = (person.name_fold, person.id)
    active = select(Stakeholder.id).where(Stakeholder.state == "active", Stakeholder.kind == person.kind)
    order = (Stakeholder.name_fold, Stakeholder.id)
    others |= set(session.scalars(active.where(place > here).order_by(*order).limit(BESIDE)))
    back = [one.desc() for one in order]
    others |= set(session.scalars(active.where(place < here).order_by(*back).limit(BESIDE)))
    others.discard(person.id)
    named = active.where(Stakeholder.name_fold == person.name_fold).limit(FEW + 1)
    rare = {person.name_fold} if len(session.scalars(named).all()) <= FEW else set()
    found = _weighed(session, {(min(one, person.id), max(one, person.id)) for one in others}, rare)
    return sorted(found, key=lambda pair: -pair.score)


def say_distinct(session: Session, now: datetime, one: int, other: int, by: str) -> None:
    """These are two: it is not proposed again."""
    if one == other:
        raise BadField("name two records", pointer="/other_id")
    row = {"low_id": min(one, other), "high_id": max(one, other), "by": by, "at": now}
    insert_missing(session, Distinct, [row])


def _by_address(session: Session, after: int | None) -> tuple[set[tuple[int, int]], int | None]:
    order = (Address.channel, Address.key)
    wanted = select(*order, Address.stakeholder_id, Address.id).where(Address.state == "active")
    last = session.execute(select(*order).where(Address.id == after)).first()
    if last is not None:
        wanted = wanted.where(tuple_(*order) > tuple(last))
    rows = session.execute(wanted.order_by(*order, Address.id).limit(LOOK)).all()
    groups = [list(some) for _, some in groupby(rows, key=lambda row: (row[0], row[1]))]
    further = None
    if len(rows) == LOOK:
        # The last address may go on behind the look: it is read with the next, unless it fills this one.
        groups = groups[:-1] or groups
        further = groups[-1][-1][3]
    return {
        pair for some in groups if len(some) <= GROUP_MAX for pair in _couples(row[2] for row in some)
    }, further


def _by_name(session: Session, after: int | None) -> tuple[set[tuple[int, int]], int | None, set[str]]:
    """Couples, after which to go on, and the names that FEW have."""
    order = (Stakeholder.name_fold, Stakeholder.id)
    wanted = select(*order, Stakeholder.kind).where(Stakeholder.state == "active")
    last = session.execute(select(*order).where(Stakeholder.id == after)).first()
    if last is not None:
        wanted = wanted.where(tuple_(*order) > tuple(last))
    rows = session.execute(wanted.order_by(*order).limit(LOOK + BESIDE)).all()
    found = set()
    for place, (name, number, kind) in enumerate(rows[:LOOK]):
        for other_name, other, other_kind in rows[place + 1 : place + 1 + BESIDE]:
            if kind == other_kind and is_near(name, other_name):
                found.add((min(number, other), max(number, other)))
    rare = {name for name, count in Counter(row[0] for row in rows).items() if count <= FEW}
    if last is not None:
        rare.discard(last[0])  # how many of them stood before this look is not known
    return found, rows[LOOK - 1][1] if len(rows) > LOOK else None, rare


def _couples(ids: Iterable[int]) -> Iterator[tuple[int, int]]:
    return combinations(sorted(set(ids)), 2)


def is_near(one: str, other: str) -> bool:
    """Whether two folded names are the same, in any order of their parts, or one letter apart."""
    if one == other or abs(len(one) - len(other)) > 1:
        return one == other
    return _one_letter(one, other) or sorted(one.split()) == sorted(other.split())


def _one_letter(one: str, other: str) -> bool:
    """One letter more, less or other, or two next to each other changed round; short names do not count."""
    short, long = sorted((one, other), key=len)
    if len(short) < 5 or len(long) - len(short) > 1:
        return False
    at = next((place for place in range(len(short)) if short[place] != long[place]), len(short))
    rest = (short[at:], long[at:])
    if len(short) != len(long):
        return rest[0] == rest[1][1:]
    return rest[0][1:] == rest[1][1:] or (rest[0][:2] == rest[1][1::-1] and rest[0][2:] == rest[1][2:])


def _weighed(
    session: Session, couples: Collection[tuple[int, int]], rare: Collection[str] = ()
) -> list[Pair]:
    """The couples for which enough speaks, and about whom nobody has said that they are two; `rare` are names."""
    ids = {one for pair in couples for one in pair}
    known = _known(session, ids)
    held = _sets(session, select(Address.stakeholder_id, Address.channel, Address.key).where(
        Address.stakeholder_id.in_(ids), Address.state == "active"
    ))  # fmt: skip
    bodies = _sets(
        session, select(Membership.person_id, Membership.body_id).where(Membership.person_id.in_(ids))
    )
    told = session.execute(select(Distinct.low_id, Distinct.high_id).where(Distinct.low_id.in_(ids)))
    decided = {(low, high) for low, high in told}
    found = []
    for low, high in sorted(couples):
        one, other = known.get(low), known.get(high)
        if one is None or other is None or one.kind != other.kind or (low, high) in decided:
            continue
        pair = Pair(low, high, tuple(_shared(one, other, held, bodies)))
        enough = pair.shared != ("name",) or (one.name in rare and not _told_apart(one, other))
        if pair.score >= LEAST and enough:
            found.append(pair)
    return found


def _told_apart(one: _Known, other: _Known) -> bool:
    """Whether a field says one thing of one and another of the other."""
    mine, theirs = dict(one.texts), dict(other.texts)
    return any(mine[name] != theirs[name] for name in mine.keys() & theirs.keys())


def _shared(
    one: _Known, other: _Known, held: Mapping[int, set[Any]], bodies: Mapping[int, set[Any]]
) -> Iterator[str]:
    if held[one.id] & held[other.id]:
        yield "address"
    if one.name == other.name:
        yield "name"
    elif is_near(one.name, other.name):
        yield "near_name"
    if one.texts & other.texts:
        yield "field"
    if bodies[one.id] & bodies[other.id]:
        yield "body"


def _known(session: Session, ids: Collection[int]) -> dict[int, _Known]:
    """Those of them who are in use, with what they wrote into fields of text, such as a town."""
    texts = {name for name, field in fields.every(session).items() if field.type == "text"}
    columns = (Stakeholder.id, Stakeholder.kind, Stakeholder.name_fold, Stakeholder.attrs_fold)
    rows = session.execute(select(*columns).where(Stakeholder.id.in_(ids), Stakeholder.state == "active"))
    return {
        number: _Known(number, kind, name, frozenset((key, attrs[key]) for key in texts & attrs.keys()))
        for number, kind, name, attrs in rows
    }


def _sets(session: Session, pairs: Executable) -> defaultdict[int, set[Sequence[Any]]]:
    """What each has, by their id in the first column."""
    found: defaultdict[int, set[Sequence[Any]]] = defaultdict(set)
    for number, *what in session.execute(pairs):
        found[number].add(tuple(what))
    return found
