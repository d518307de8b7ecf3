"""What people see instead of the ids of who did something: colleagues, people outside, programs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import select

from campaigns.errors import BadField, BadId
from campaigns.stakeholders.tables import Stakeholder
from campaigns.stakeholders.text import fold

from .. import ids
from ..access import involved
from ..tables import Token, User
from . import Act

_NAMED = re.compile(r"@(\w[^@\n]{0,80})")
TABLES: dict[str, type[User | Stakeholder | Token]] = {
    "user": User,
    "stakeholder": Stakeholder,
    "token": Token,
}


def of(act: Act, actors: Iterable[str | None]) -> dict[str | None, str]:
    """Each actor's name; what is no id of somebody (`console`, `dolen`) stays as it is. One statement a kind."""
    wanted = {actor for actor in actors if actor}
    named: dict[str | None, str] = {actor: actor for actor in wanted}
    numbers: dict[str, dict[int, str]] = {kind: {} for kind in TABLES}
    for actor in wanted:
        try:
            kind, number = ids.any_id(actor)
        except BadId:
            continue
        if kind in numbers:
            numbers[kind][number] = actor
    for kind, table in TABLES.items():
        if numbers[kind]:
            for number, name in act.session.execute(
                select(table.id, table.name).where(table.id.in_(numbers[kind]))
            ):
                named[numbers[kind][number]] = name
    return named


def mentioned(text: str, able: Iterable[tuple[str, str]], pointer: str, call: str = "") -> set[str]:
    """Who is named after an @ by their whole name or its first word, or was chosen as `call`; ids of those `able`.

    A first word that several share names nobody; BadField where `call` is none of them.
    """
    folded = [(actor, fold(name)) for actor, name in able]
    found = {actor for actor, _ in folded if actor == call}
    if call and not found:
        raise BadField("choose a colleague from the list", pointer=pointer)
    for tail in (fold(one) for one in _NAMED.findall(text)):
        whole = [actor for actor, name in folded if tail.startswith(name)]
        first = [actor for actor, name in folded if re.match(rf"{re.escape(name.split()[0])}\b", tail)]
        found |= set(whole or (first if len(first) == 1 else []))
    return found


def called(act: Act, text: str, limit: int = 8) -> list[Stakeholder]:
    """People and organisations whose name begins so, of those the caller reaches; an index answers."""
    wanted = fold(text.strip())
    if not wanted:
        return []
    mine = involved(select(Stakeholder), Stakeholder.id, act.caller, "stakeholders:read").where(
        Stakeholder.state == "active",
        Stakeholder.name_fold >= wanted,
        Stakeholder.name_fold < wanted + "\U0010ffff",
    )
    return list(act.session.scalars(mine.order_by(Stakeholder.name_fold).limit(limit)))
