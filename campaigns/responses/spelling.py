"""How names stand in sentences: every few words that may be one, and the ways in which a record may spell it.

Rules: names are compared without dots and commas, and with one kind of apostrophe and hyphen; what a language joins on
to a name (the English 's, Welsh 'n, Arabic و or ل) is not of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import regex

from ..stakeholders.text import fold

# As many words as a name has at most; of words without a capital letter fewer, so that prose costs little.
WORDS_MAX, SMALL_MAX = 8, 4
TITLES = (
    "dr",
    "mr",
    "mrs",
    "ms",
    "miss",
    "prof",
    "rev",
    "parch",
    "sir",
    "lord",
    "cllr",
    "cyng",
    "sheikh",
    "د",
)
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}\p{N}]*(?:['’‘ʼ´`‐‑-][\p{L}\p{M}\p{N}]+)*")
_ALIKE = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "‐": "-", "‑": "-"})
_ARABIC = regex.compile(r"[وفبلكس]{1,2}(?=\p{Arabic}{2})")
_JOINED = regex.compile(r"'\p{L}{1,2}$")
_INITIAL = regex.compile(r"(?<![\w'])(\w)(?=[ ,]|$)")
_APART = regex.compile(r"(?<!\w)(\w)\. (?=\w\.)")


class Run(NamedTuple):
    """A few words side by side: where they stand, and the name that they may be."""

    start: int
    end: int
    name: str  # as `plain` gives it
    large: bool  # written as names are


class _Word(NamedTuple):
    start: int
    end: int
    told: str
    large: bool


def plain(name: str) -> str:
    """A name as it is compared."""
    return " ".join(word.told for word in _words(name))


def turned(name: str) -> set[str]:
    """A plain name, and with its first or last word at the other end."""
    words = name.split()
    return {name, " ".join(words[1:] + words[:1]), " ".join(words[-1:] + words[:-1])}


def runs(text: str) -> Iterator[Run]:
    """Every run of words that may be a name, also without what is joined on."""
    words = list(_words(text))
    for place, first in enumerate(words):
        for size in range(1, min(WORDS_MAX, len(words) - place) + 1):
            last = words[place + size - 1]
            large = first.large and last.large
            if large or size <= SMALL_MAX:
                whole = " ".join(one.told for one in words[place : place + size])
                for front, back in product(_fronts(first.told), _backs(last.told)):
                    name = whole[front : len(whole) - back]
                    yield Run(first.start + front, last.end - back, name, large)


def spelt(run: Run) -> set[str]:
    """How a record may spell this name: with a title, with dots, the last word first."""
    if not run.large:
        return set(_dotted(run.name))
    words = run.name.split()
    orders = turned(run.name)
    orders |= {f"{words[-1]}, {' '.join(words[:-1])}", f"{words[0]}, {' '.join(words[1:])}"}
    entitled = {f"{title}{dot} {run.name}" for title in TITLES for dot in ("", ".")}
    return {spelling for order in orders for spelling in _dotted(order)} | entitled


def _words(text: str) -> Iterator[_Word]:
    for found in _WORD.finditer(text):
        told = fold(found[0]).translate(_ALIKE)
        yield _Word(
            found.start(), found.end(), told, any(not one.islower() for one in found[0] if one.isalpha())
        )


def _fronts(word: str) -> list[int]:
    """How many letters before a name may be none of it."""
    joined = _ARABIC.match(word)
    return list(range(len(joined[0]) + 1)) if joined else [0]


def _backs(word: str) -> list[int]:
    joined = _JOINED.search(word)
    return [0, len(joined[0])] if joined else [0]


def _dotted(name: str) -> set[str]:
    """With and without dots after initials and titles, and with the other apostrophe."""
    forms = {name}
    if _INITIAL.search(name):
        dotted = _INITIAL.sub(r"\1.", name)
        forms |= {dotted, _APART.sub(r"\1.", dotted)}
    head = name.partition(" ")[0]
    if head in TITLES:
        forms |= {f"{head}.{form[len(head) :]}" for form in forms}
    if "'" in name:
        forms |= {form.replace("'", "’") for form in forms}
    return forms
