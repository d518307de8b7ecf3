"""The names of others in what is told to somebody about themselves: taken out, so that it tells of nobody else.

Rules: their own name and addresses stay, and what they wrote themselves is theirs as it is; of what others wrote, names
of people we know and addresses that are not theirs go. What no program can know stays for a person to look at.
Source: UK GDPR 15(4); Data Protection Act 2018, Schedule 2, paragraph 16.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..base import public_id
from ..stakeholders.tables import Address, Stakeholder
from ..stakeholders.text import fold

ANOTHER = "[another person]"
ADDRESS = "[address]"
COLLEAGUE, PROGRAM = "a colleague", "a program"
# As many words as a name has at most, and as few: one word alone is mostly no name.
WORDS_MAX, WORDS_MIN = 4, 2
LOOK_UP = 400
_WORD = re.compile(r"[^\W\d_][\w'’.-]*")
_MAIL = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w-])\+?\d(?:[ ()./-]?\d){8,14}(?![\w-])")
_BETWEEN = re.compile(r"\s*[,;&،؛\n]\s*|\s+(?:and|a|ac)\s+", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
# A first name of fewer letters is too often another word.
FIRST_MIN = 3


class Veil:
    """Takes the names of others out of texts about one stakeholder, whose records are `theirs`; `others` are names to be taken out besides."""

    def __init__(self, session: Session, theirs: Collection[int], others: Collection[str] = ()) -> None:
        self._session, self._ids = session, theirs
        self._own = {public_id("stk", number) for number in theirs}
        named = select(Stakeholder.name_fold).where(Stakeholder.id.in_(theirs))
        self._names = set(session.scalars(named))
        self._others = {fold(one) for one in others if one.strip()} - self._names
        mine = select(Address.value, Address.key).where(Address.stakeholder_id.in_(theirs))
        self._theirs = {_bare(one) for row in session.execute(mine) for one in row}

    def who(self, actor: str | None) -> str | None:
        """Who did something, told to them: themselves as they are, anybody else by what they are to us."""
        if not actor or actor in self._own:
            return actor
        known = {"usr_": COLLEAGUE, "tok_": PROGRAM, "stk_": ANOTHER}
        return known.get(actor[:4], actor)

    def text(self, words: str, among: Iterable[str] = ()) -> str:
        """Words that others wrote, without the names of others; `among` are names that stand beside them."""
        if not words:
            return words
        hidden = self._known(words) | self._called(among)
        for name in sorted(hidden, key=len, reverse=True):
            words = re.sub(_spelt(name), ANOTHER, words, flags=re.IGNORECASE)
        words = _MAIL.sub(self._unless_theirs, words)
        return _PHONE.sub(self._unless_theirs, words)

    def names(self, listed: str) -> tuple[str, list[str]]:
        """A list of people by name: as it is told to them, and the names that were taken out."""
        parts = [one for one in _BETWEEN.split(listed) if one.strip()]
        others = [one for one in parts if fold(one.strip()) not in self._names]
        told = [ANOTHER if one in others else one for one in parts]
        return ", ".join(told), [one.strip() for one in others]

    def whole(self, value: Any) -> Any:
        """Everything that is text in a value of JSON."""
        if isinstance(value, dict):
            return {name: self.whole(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.whole(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value

    def _unless_theirs(self, found: re.Match[str]) -> str:
        return found[0] if _bare(found[0]) in self._theirs or _DAY.match(found[0]) else ADDRESS

    def _called(self, names: Iterable[str]) -> set[str]:
        """These names and the first word of each: who was there is then mostly called by it."""
        whole = {fold(one.strip()) for one in names} - self._names - {""}
        first = {one.split()[0] for one in whole} - {word for name in self._names for word in name.split()}
        return whole | {one for one in first if len(one) >= FIRST_MIN}

    def _known(self, words: str) -> set[str]:
        """Names in these words that belong to somebody else whom we know."""
        runs = set(_runs(words)) - self._names
        found = {run for run in runs if run in self._others}
        asked = sorted(runs - found)
        for place in range(0, len(asked), LOOK_UP):
            known = select(Stakeholder.name_fold).where(
                Stakeholder.name_fold.in_(asked[place : place + LOOK_UP]), Stakeholder.id.not_in(self._ids)
            )
            found |= set(self._session.scalars(known))
        return found


def _runs(words: str) -> Iterator[str]:
    """Every two to four words that stand side by side, as names are compared."""
    for line in words.splitlines():
        known = [one.strip(".'’-") for one in _WORD.findall(line)]
        for size in range(WORDS_MIN, WORDS_MAX + 1):
            for place in range(len(known) - size + 1):
                yield fold(" ".join(known[place : place + size]))


def _spelt(name: str) -> str:
    return r"(?<!\w)" + r"[\s.]+".join(re.escape(one) for one in name.split()) + r"(?!\w)"


def _bare(address: str) -> str:
    """An address without what people put between: compared only with itself."""
    folded = address.casefold()
    return folded if "@" in folded else re.sub(r"[^\w+]", "", folded)
