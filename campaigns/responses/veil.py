"""The names of others in what is told to somebody about themselves: taken out, so that it tells of nobody else.

Rules: their own name and addresses stay, and what they wrote themselves is theirs as it is; of what others wrote, names
of people we know and addresses that are not theirs go. What no program can know stays for a person to look at.
Source: UK GDPR 15(4); Data Protection Act 2018, Schedule 2, paragraph 16.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..base import public_id
from ..stakeholders.tables import Address, Stakeholder
from . import spelling
from .spelling import Run

ANOTHER = "[another person]"
ADDRESS = "[address]"
COLLEAGUE, PROGRAM = "a colleague", "a program"
LOOK_UP = 2_000
# The same words come again and again: what a state is called, a title, a place.
REMEMBERED = 2_000
_MAIL = re.compile(r"([\w.+'-]+@[\w-]+(?:\.[\w-]+)+)")
_PHONE = re.compile(r"(?<![\w-])\+?\d(?:[ ()./-]?\d){8,14}(?![\w-])")
_BETWEEN = re.compile(r"\s*[,;&،؛\n]\s*|\s+(?:and|a|ac)\s+", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_BY_US = re.compile(r"[a-z0-9_:]+")
# A first name of fewer letters is too often another word.
FIRST_MIN = 3


class Veil:
    """Takes the names of others out of texts about one stakeholder.

    `theirs` are the records of the one; `others` are names to be taken out besides those of people we know.
    """

    def __init__(self, session: Session, theirs: Collection[int], others: Collection[str] = ()) -> None:
        self._session, self._ids = session, theirs
        self._own = {public_id("stk", number) for number in theirs}
        named = session.scalars(select(Stakeholder.name).where(Stakeholder.id.in_(theirs)))
        self._names = _all_turned(named)
        self._others = _all_turned(others) - self._names
        mine = select(Address.value, Address.key).where(Address.stakeholder_id.in_(theirs))
        self._theirs = {_bare(one) for row in session.execute(mine) for one in row}
        self._veiled = lru_cache(REMEMBERED)(self._veil)

    def who(self, actor: str | None) -> str | None:
        """Who did something, told to them: themselves as they are, anybody else by what they are to us."""
        if not actor or actor in self._own:
            return actor
        known = {"usr_": COLLEAGUE, "tok_": PROGRAM, "stk_": ANOTHER}
        if actor[:4] in known:
            return known[actor[:4]]
        if _BY_US.fullmatch(actor):
            return actor
        named = any(run.name in self._names for run in spelling.runs(actor))
        return self.text(actor) if named else ANOTHER

    def text(self, words: str, among: Iterable[str] = ()) -> str:
        """Words that others wrote, without the names of others; `among` are names that stand beside them."""
        return self._veiled(words, frozenset(self._called(among)))

    def names(self, listed: str) -> tuple[str, list[str]]:
        """A list of people by name: as it is told to them, and the names that were taken out."""
        parts = [one for one in _BETWEEN.split(listed) if one.strip()]
        others = [one for one in parts if spelling.plain(one) not in self._names]
        told = [ANOTHER if one in others else one for one in parts]
        return ", ".join(told), [one.strip() for one in others]

    def whole(self, value: Any) -> Any:
        """Everything that is text in a value of JSON."""
        if isinstance(value, dict):
            return {name: self.whole(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.whole(inner) for inner in value]
        if not isinstance(value, str):
            return value
        return self.who(value) if value[:4] in ("usr_", "tok_", "stk_") else self.text(value)

    def _veil(self, words: str, called: frozenset[str]) -> str:
        # What stands between addresses, each followed by one.
        pieces = _MAIL.split(words)
        told = [
            self._unless_theirs(piece) if place % 2 else self._without_names(piece, called)
            for place, piece in enumerate(pieces)
        ]
        return _PHONE.sub(lambda found: self._unless_theirs(found[0]), "".join(told))

    def _unless_theirs(self, address: str) -> str:
        return address if _bare(address) in self._theirs or _DAY.match(address) else ADDRESS

    def _called(self, names: Iterable[str]) -> set[str]:
        """These names and the first word of each: who was there is then mostly called by it."""
        whole = {spelling.plain(one) for one in names} - self._names - {""}
        first = {one.split()[0] for one in whole} - {word for name in self._names for word in name.split()}
        return whole | {one for one in first if len(one) >= FIRST_MIN}

    def _without_names(self, words: str, called: frozenset[str]) -> str:
        runs = list(spelling.runs(words))
        mine = [run for run in runs if run.name in self._names]
        others = [run for run in self._of_others(runs, called) if not any(_within(run, one) for one in mine)]
        for start, end in reversed(list(_joined(others))):
            words = words[:start] + ANOTHER + words[end:]
        return words

    def _of_others(self, runs: list[Run], called: frozenset[str]) -> Iterator[Run]:
        """Those of these words that name somebody else; one word alone is mostly no name."""
        asked: dict[str, list[Run]] = {}
        for run in runs:
            if run.name in called or run.name in self._others:
                yield run
            elif " " in run.name and run.name not in self._names:
                for name in spelling.spelt(run):
                    asked.setdefault(name, []).append(run)
        for name in self._known(sorted(asked)):
            yield from asked[name]

    def _known(self, names: list[str]) -> Iterator[str]:
        """Those of these names that somebody else has whom we know."""
        for place in range(0, len(names), LOOK_UP):
            known = select(Stakeholder.name_fold).where(
                Stakeholder.name_fold.in_(names[place : place + LOOK_UP]), Stakeholder.id.not_in(self._ids)
            )
            yield from set(self._session.scalars(known))


def _all_turned(names: Iterable[str]) -> set[str]:
    return {turned for name in names for turned in spelling.turned(spelling.plain(name))} - {""}


def _within(run: Run, other: Run) -> bool:
    return other.start <= run.start and run.end <= other.end


def _joined(runs: Iterable[Run]) -> Iterator[tuple[int, int]]:
    """Where these stand, those that overlap as one."""
    begin, end = 0, 0
    for run in sorted(runs):
        if run.start < end:
            end = max(end, run.end)
            continue
        if end:
            yield begin, end
        begin, end = run.start, run.end
    if end:
        yield begin, end


def _bare(address: str) -> str:
    """An address without what people put between: compared only with itself."""
    folded = address.casefold()
    return folded if "@" in folded else re.sub(r"[^\w+]", "", folded)
