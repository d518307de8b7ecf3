"""Marks: what stands in a letter for a value while the letter is made ready, and what it shows of its place.

Rules: a mark holds a probe of the letters that anybody escapes, so how the probe looks afterwards is how any value is
written there. A place where a value could decide more than its own words is no place for one: NotWalked.
Source: docs/decisions/0009.
"""

from __future__ import annotations

import html
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.api import Filled

from .walks import NotWalked

# A mark is OPEN, what stands there (a value's number or a token's use), MIDDLE, PROBE (for values) and CLOSE.
OPEN, MIDDLE, CLOSE = "\U000f1d00", "\U000f1d01", "\U000f1d02"
PROBE = "a&<>\"'\xa0= /;b"
_LOUD = re.compile("[&<>\"'\xa0]")
# Before the number of a value that is a whole address or the beginning of one.
ADDRESS = "@"

Change = Callable[[str], str]
# Which of a letter's values and tokens, and how it is written there.
Pick = tuple[int, Change]
Picker = Callable[[Any], tuple[Any, ...]]

_MARK = re.compile(f"{OPEN}([^{MIDDLE}]*){MIDDLE}([^{CLOSE}]*){CLOSE}")
_LEFT = re.compile(f"[{OPEN}{MIDDLE}{CLOSE}]")
# A value right behind these would go on with what they begin: a character reference, a tag.
_BEGUN = re.compile(f"(?:&[#0-9A-Za-z]*|<[/!?]?){OPEN}")
_TAG = re.compile(r'<(?:[^">]|"[^"]*")*>')
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
# The cleaner keeps or drops an address by its scheme and host: behind them a value decides nothing ...
_BEHIND_HOST = re.compile(rf"https?://[A-Za-z0-9.-]+(?::[0-9]{{1,5}})?[/?#][^{OPEN}]*{OPEN}")
# ... and in front of them only one whose scheme and host are as plain as these.
_IN_FRONT = re.compile(f'( (?:href|src)="){OPEN}([0-9]+{MIDDLE}[^{CLOSE}]*{CLOSE}(?=["/?#]))')
_PLAIN_ADDRESS = re.compile(r"https?://(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}(?:[/?#].*)?")


class TokenMarks(dict[str, str]):
    """A mark for each use of a token that was asked for."""

    def __missing__(self, use: str) -> str:
        mark = self[use] = f"{OPEN}{use}{MIDDLE}{CLOSE}"
        return mark


def value_mark(number: int) -> str:
    """The mark of a value."""
    return f"{OPEN}{number}{MIDDLE}{PROBE}{CLOSE}"


def marked(text: str) -> bool:
    """Whether a text holds a mark or a piece of one."""
    return _LEFT.search(text) is not None


def unmarked(text: str) -> tuple[str, int]:
    """A text without its marks, and how many of them are those of tokens."""
    return _MARK.sub("", text), sum(not found[2] for found in _MARK.finditer(text))


def is_quiet(text: str) -> bool:
    """Whether it holds no letter that is written otherwise anywhere."""
    return _LOUD.search(text) is None


def check_cleaned(before: str, after: str) -> None:
    """Cleaning has let every mark of the HTML through once and in order, and no value could go on with a tag."""
    if _BEGUN.search(before) or _labels(before) != _labels(after):
        raise NotWalked


@dataclass(frozen=True, slots=True)
class Part:
    """A subject, a text or an HTML part: between its constants the values it picks, and how each is written there.

    `quick` picks values that are quiet; None where one must be looked at all the same.
    """

    constants: tuple[str, ...]
    picks: tuple[Pick, ...]
    quick: Picker | None

    def filled(self, values: Sequence[str], quiet: bool) -> Filled:
        """The part with these values; NotWalked where one cannot stand in its place."""
        if quiet and self.quick is not None:
            return Filled(self.constants, self.quick(values))
        return Filled(self.constants, tuple([change(values[at]) for at, change in self.picks]))


def part(text: str, uses: list[str]) -> Part:
    """A finished text cut at its marks.

    It picks tokens from the end: that of the first of `uses` is the last. Uses that are not among them yet are added.
    """
    constants: list[str] = []
    picks: list[Pick] = []
    end = 0
    for found in _MARK.finditer(text):
        constants.append(text[end : found.start()])
        picks.append(_pick(found[1], found[2], uses))
        end = found.end()
    constants.append(text[end:])
    if any(map(marked, constants)):
        raise NotWalked
    quick = all(change is not _as_address for _, change in picks)
    return Part(tuple(constants), tuple(picks), picker([at for at, _ in picks]) if quick else None)


def picker(places: Sequence[Any]) -> Picker:
    """What takes several items at once."""
    if len(places) > 1:
        return operator.itemgetter(*places)
    return lambda given: tuple([given[place] for place in places])


def html_part(text: str, uses: list[str]) -> Part:
    """A finished HTML part cut at its marks, which stand between tags or where an attribute keeps every value."""
    text = _IN_FRONT.sub(rf"\1{OPEN}{ADDRESS}\2", text)
    for tag in _TAG.findall(text):
        if OPEN in tag:
            places = [(name, value) for name, value in _ATTRIBUTE.findall(tag) if OPEN in value]
            kept = sum(value.count(OPEN) for name, value in places if _keeps(name, value))
            if kept != tag.count(OPEN):
                raise NotWalked
    return part(text, uses)


def _keeps(name: str, value: str) -> bool:
    if name in ("href", "src"):
        return value.startswith(OPEN + ADDRESS) or _BEHIND_HOST.match(value) is not None
    return name in ("title", "alt")


def _labels(text: str) -> list[str]:
    return [found[1] for found in _MARK.finditer(text)]


def _pick(label: str, shown: str, uses: list[str]) -> Pick:
    number = label.removeprefix(ADDRESS)
    if not number.isdecimal():
        if label not in uses:
            uses.append(label)
        return -1 - uses.index(label), str
    if shown not in _CHANGES:
        raise NotWalked
    return int(number), _as_address if number != label else _CHANGES[shown]


def _as_text(value: str) -> str:
    """As the cleaner writes it between tags."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\xa0", "&nbsp;")


def _as_attribute(value: str) -> str:
    """As the cleaner writes it inside a tag."""
    return _as_text(value).replace('"', "&quot;")


def _as_address(value: str) -> str:
    """As the cleaner writes it inside a tag, if it surely keeps it."""
    if not _PLAIN_ADDRESS.fullmatch(value):
        raise NotWalked
    return _as_attribute(value)


# How the probe looks in a place, and so how any value is written there: what looks otherwise does not compile.
_CHANGES: dict[str, Change] = {
    change(PROBE): change for change in (str, _as_text, _as_attribute, html.escape)
}
