"""How like two posts are: the same words and pictures, or nearly.

Rules: compared without case, links and punctuation, by runs of three words; only the beginning of a long text counts,
so that a comparison costs the same whatever was written. A picture counts as one run of words.
"""

from __future__ import annotations

from collections.abc import Iterable

import regex

from ..stakeholders.text import fold

READ_MAX = 500
RUN = 3
# From this share of common runs on two texts are told as nearly the same.
NEARLY = 0.6

Runs = frozenset[tuple[str, ...]]

_LINK = regex.compile(r"https?://\S+")
_WORD = regex.compile(r"[\w']+")


def words(text: str) -> list[str]:
    """What is compared of a text."""
    found: list[str] = _WORD.findall(_LINK.sub(" ", fold(text[:READ_MAX])))
    return found


def runs(text: str, pictures: Iterable[int] = ()) -> Runs:
    """Every run of three words; of a shorter text all of it; and its pictures, by their ids."""
    found = words(text)
    shown: Runs = frozenset(("", str(one)) for one in pictures)
    if len(found) <= RUN:
        return frozenset([tuple(found)] if found else []) | shown
    return shown.union(tuple(found[place : place + RUN]) for place in range(len(found) - RUN + 1))


def likeness(ones: Iterable[Runs], others: Iterable[Runs]) -> float:
    """The share of common runs of the two texts that are most alike, 0 to 1."""
    others = [other for other in others if other]
    return max((_share(one, other) for one in ones if one for other in others), default=0.0)


def _share(one: Runs, other: Runs) -> float:
    common = len(one & other)
    return common / (len(one) + len(other) - common)
