"""What changed between two texts, word by word, for people who compare versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

import regex

from . import strategies

Kind = Literal["same", "added", "removed"]
# Above this many words the comparison is by line: its cost grows with the square.
WORDS_MAX = 4_000

_WORDS = regex.compile(r"\s+|\w+|[^\w\s]")
_LINES = regex.compile(r".*\n|.+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text that is in both versions, or in one of them only."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One section of a strategy in two versions. `pieces` tell the whole of both; `same` where nothing changed."""

    section: str
    pieces: list[Piece]

    @property
    def same(self) -> bool:
        """Whether the section says the same in both."""
        return all(piece.kind == "same" for piece in self.pieces)


def words(old: str, new: str) -> list[Piece]:
    """The pieces of two texts in reading order: what was taken out stands before what replaced it."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if max(len(before), len(after)) > WORDS_MAX:
        before, after = _LINES.findall(old), _LINES.findall(new)
    found: list[Piece] = []
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(Piece("same", "".join(before[a:b])))
            continue
        if a < b:
            found.append(Piece("removed", "".join(before[a:b])))
        if c < d:
            found.append(Piece("added", "".join(after[c:d])))
    return found


def bodies(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Every section that one of two versions has, in the order in which people read them."""
    return [
        Change(section, words(_text(old.get(section)), _text(new.get(section))))
        for section in strategies.SECTIONS
        if old.get(section) or new.get(section)
    ]


def _text(value: Any) -> str:
    return "\n".join(f"• {one}" for one in value) if isinstance(value, list) else str(value or "")
