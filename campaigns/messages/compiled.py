"""Compiled letters: what letters share is made ready once, and a letter is its own values put in between.

Rules: how words become a letter is written once (`render.whole`, and what the caller does with it) and runs here once
for each shape of a letter, with a mark (`marks.py`) where each value stands. A place where nobody can know what becomes
of a value, or a value that is not plain, goes through the sandbox. Words and values alone decide which, so a letter has
the same bytes on every attempt.
Source: docs/decisions/0009.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import count, cycle
from typing import Any, NamedTuple

from jinja2 import TemplateError

from connectors.api import Filled, Words

from ..errors import DomainError
from ..links import Tokens
from . import marks, markup, render
from .subset import Gap
from .walks import NotWalked, Walk, look, walk

# Beyond these a letter is filled in by the sandbox: its pieces would cost more to keep than to make.
SOURCE_MAX = 200_000
VALUES_MAX = 200
SHAPES_MAX = 128
FLAT_MAX = 256
# The most bytes that a character of a value takes: `&#34;`.
ESCAPED_MAX = 5
BYTES_MAX = 4
TOKEN_BYTES = 64
SIZES = (render.SUBJECT_MAX, render.TEXT_MAX, render.HTML_MAX)

# Between values that are looked at together.
SEAM = "\xa6"
TEXT = frozenset((str,))
# Controls, line ends, half characters, the mark of byte order; and white space at either end of a value.
ODD = re.compile(f"[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff]|\\s{SEAM}|{SEAM}\\s")

# What a letter that is filled in by the sandbox shares with others is looked for from this length on.
LONG_MIN = 64
BETWEEN = re.compile(r'[{}]|src="/m/')

Slots = Mapping[str, Any]
# The way over the steps of each text; and where its values begin among those of all texts.
Trails = tuple[tuple[int, ...], ...]
Starts = Sequence[int]
# The names of what is made late to what is printed, by the tokens it is made of.
Late = Callable[[Mapping[str, str]], Mapping[str, str]]
Finish = Callable[[Sequence[render.Rendered], Mapping[str, str]], tuple[str, str, str]]


class Source(NamedTuple):
    """The words of one variant."""

    subject: str
    text: str
    html: str


class Stencil:
    """What the letters of one variant have in common, or of two in one letter."""

    def __init__(self, words: Sequence[Source], late: Late, finish: Finish) -> None:
        """`finish` makes subject, text and HTML of the words of each variant and of what is made late."""
        self._words, self._late, self._finish = words, late, finish
        tokens = marks.TokenMarks()
        self._marks = late(tokens)
        self._uses = tuple(tokens)
        self._walks = _walks(words)
        self._paths = frozenset(path for one in self._walks or () for path in one.paths)
        self._straight = _straight(self._walks or ())

    def fill(self, slots: Slots, tokens: Tokens) -> tuple[Words, Words, Words]:
        """Subject, text and HTML of one letter. Raises what `render.render` raises."""
        read = self._read(slots)
        return (self._compiled(read, tokens) if read else None) or self._rendered(slots, tokens, read)

    def shape(self, trails: Trails, one_subject: bool) -> Shape | None:
        """What all letters with these trails share; None where only the sandbox knows."""
        values = map(marks.value_mark, count())
        texts = [
            one.written(trail, values, self._marks)
            for one, trail in zip(self._walks or (), trails, strict=True)
        ]
        try:
            made = [_ready(*texts[at : at + 3]) for at in range(0, len(texts), 3)]
            if one_subject:
                made[1] = replace(made[1], subject=made[0].subject)
            return _shaped(_rooms(texts), *self._finish(made, self._marks))
        except (NotWalked, DomainError):
            return None

    def _rendered(self, slots: Slots, tokens: Tokens, read: _Read | None) -> tuple[Words, Words, Words]:
        """The letter as the sandbox makes it, cut at what stands in it of the words, which is encoded once."""
        tokens.of(self._uses)
        late = self._late(tokens)
        values = {**slots, **late}
        made = self._half_rendered(values, late, read) if read else None
        subject, text, html = self._finish(made or [render.render(one, values) for one in self._words], late)
        return subject, _cut(text, self._shared[0]), _cut(html, self._shared[1])

    @cached_property
    def _shared(self) -> tuple[list[str], list[str]]:
        """What the texts and the HTML parts of letters may share that the sandbox fills in."""
        return (
            [piece for one in self._words for piece in _long(one.text)],
            [piece for one in self._words for piece in _long(markup.clean(one.html))],
        )

    def _half_rendered(
        self, values: Slots, late: Mapping[str, str], read: _Read
    ) -> list[render.Rendered] | None:
        """As the sandbox makes it, which is asked for the HTML alone; None where a text may be too long."""
        made = []
        for at, words in enumerate(self._words):
            html = render.render(Source("", "", words.html), values).html
            subject, text = (self._written(read, 3 * at + part, late) for part in (0, 1))
            if len(subject) * BYTES_MAX > render.SUBJECT_MAX or len(text) * BYTES_MAX > render.TEXT_MAX:
                return None
            made.append(replace(render.whole(subject, text, ""), html=html))
        return made

    def _compiled(self, read: _Read, tokens: Tokens) -> tuple[Words, Words, Words] | None:
        one_subject = len(self._words) > 1 and self._one_subject(read)
        shape = _shape(self, read.trails, one_subject)
        return shape.filled(read, tokens) if shape is not None else None

    def _read(self, slots: Slots) -> _Read | None:
        """What the words get of these values; None where only the sandbox knows."""
        if self._walks is None:
            return None
        try:
            trails, starts, found = self._found(self._walks, slots)
        except (NotWalked, DomainError, TemplateError, TypeError):
            return None
        # Looked at together; what Python can print is looked at no closer.
        seen = f"{SEAM}{SEAM.join(found)}{SEAM}"
        return _Read(trails, starts, found, seen) if len(found) <= VALUES_MAX and _plain(seen) else None

    def _found(self, walks: Sequence[Walk], slots: Slots) -> tuple[Trails, Starts, Sequence[str]]:
        """The trail of each text, where its values begin, and all values as they are printed."""
        straight = self._straight
        if straight is not None and _flat(self._paths, tuple(slots)):
            with suppress(KeyError):
                picked = straight.pick(slots)
                if "" not in picked and TEXT.issuperset(map(type, picked)):
                    return straight.trails, straight.starts, picked
        known, starts = self._known(slots), [0]
        found: list[str] = []
        trails: list[tuple[int, ...]] = []
        for one in walks:
            trails.append(one.over(known, found))
            starts.append(len(found))
        return tuple(trails), starts, found

    def _known(self, slots: Slots) -> dict[str, Any]:
        """Path to value, for the paths the words look at."""
        if _flat(self._paths, tuple(slots)):
            return dict(slots)
        nested = render.nest(slots)
        values = ((path, look(nested, path.split("."))) for path in self._paths)
        return {path: value for path, value in values if not isinstance(value, Gap)}

    def _one_subject(self, read: _Read) -> bool:
        """Whether both variants have the same subject for this reader: their letter has it once then."""
        above, below = (self._written(read, at, self._marks).strip() for at in (0, 3))
        return above == below

    def _written(self, read: _Read, at: int, late: Mapping[str, str]) -> str:
        """One of the texts with its values."""
        assert self._walks is not None
        return self._walks[at].written(read.trails[at], iter(read.found[read.starts[at] :]), late)


class _Read(NamedTuple):
    """What words get of one reader's values: the trail of each text, where its values begin, and all values as they are
    printed, one by one and together."""

    trails: Trails
    starts: Starts
    found: Sequence[str]
    seen: str


class _Straight(NamedTuple):
    """Words that choose nothing and print values as they are: what picks these, and their one trail."""

    pick: marks.Picker
    trails: Trails
    starts: Starts


@dataclass(frozen=True, slots=True)
class Shape:
    """A letter whose values have chosen its branches.

    `rooms` is how many characters of values each text can take, `room` the least of them.
    """

    room: int
    rooms: tuple[int, ...]
    uses: tuple[str, ...]
    subject: marks.Part
    text: marks.Part
    html: marks.Part

    def filled(self, read: _Read, tokens: Tokens) -> tuple[Words, Words, Words] | None:
        """The letter with these values; None where only the sandbox knows whether they fit."""
        found, starts = read.found, read.starts
        if len(read.seen) > self.room:
            for at, room in enumerate(self.rooms):
                if sum(map(len, found[starts[at] : starts[at + 1]])) > room:
                    return None
        quiet, values = marks.is_quiet(read.seen), (*found, *tokens.of(self.uses))
        try:
            return (
                self.subject.filled(values, quiet), self.text.filled(values, quiet), self.html.filled(values, quiet)
            )  # fmt: skip
        except NotWalked:
            return None


@lru_cache(maxsize=SHAPES_MAX)
def _shape(stencil: Stencil, trails: Trails, one_subject: bool) -> Shape | None:
    return stencil.shape(trails, one_subject)


@lru_cache(maxsize=FLAT_MAX)
def _flat(paths: frozenset[str], names: tuple[str, ...]) -> bool:
    """Whether no name lies inside a path or around it, so that each path is a name itself or is missing."""
    return not any(
        path.startswith(f"{name}.") or name.startswith(f"{path}.") for path in paths for name in names
    )


def _walks(words: Sequence[Source]) -> tuple[Walk, ...] | None:
    if sum(len(text) for source in words for text in source) > SOURCE_MAX:
        return None
    try:
        walks = tuple(
            walk(text, html)
            for source in words
            for text, html in ((source.subject, False), (source.text, False), (source.html, True))
        )
    except (NotWalked, DomainError, TemplateError, TypeError):
        return None
    pieces = (piece for one in walks for run in one.runs for piece in run)
    return None if any(isinstance(piece, str) and marks.marked(piece) for piece in pieces) else walks


def _straight(walks: Sequence[Walk]) -> _Straight | None:
    paths: list[str] = []
    starts = [0]
    for one in walks:
        if one.printed is None:
            return None
        paths += one.printed
        starts.append(len(paths))
    return _Straight(marks.picker(paths), tuple(tuple(range(len(one.runs))) for one in walks), tuple(starts))


def _shaped(rooms: tuple[int, ...], subject: str, text: str, html: str) -> Shape:
    uses: list[str] = []
    parts = marks.part(subject, uses), marks.part(text, uses), marks.html_part(html, uses)
    return Shape(min(rooms), rooms, tuple(reversed(uses)), *parts)


def _plain(seen: str) -> bool:
    """Whether every value is the same in any place of its kind."""
    if seen.isprintable() and f" {SEAM}" not in seen and f"{SEAM} " not in seen:
        return True
    return ODD.search(seen) is None


def _long(source: str) -> list[str]:
    """The long pieces of words between slots and pictures, in their order."""
    return [piece for piece in BETWEEN.split(source) if len(piece) >= LONG_MIN]


def _cut(text: str, pieces: Sequence[str]) -> Words:
    """A text cut at those of the pieces that stand in it, in their order."""
    constants, values, start = [""], [], 0
    for piece in pieces:
        at = text.find(piece[:LONG_MIN], start)  # to look for all of it takes long to begin
        if at >= 0 and text.startswith(piece, at):
            constants.append(piece)
            values.append(text[start:at])
            start = at + len(piece)
    if start == 0:
        return text
    if start < len(text):
        constants.append("")
        values.append(text[start:])
    return Filled(tuple(constants), tuple(values))


def _ready(subject: str, text: str, html: str) -> render.Rendered:
    made = render.whole(subject, text, html)
    marks.check_cleaned(html, made.html)
    return made


def _rooms(texts: Sequence[str]) -> tuple[int, ...]:
    rooms = []
    for text, size_max in zip(texts, cycle(SIZES), strict=False):
        constant, tokens = marks.unmarked(text)
        rooms.append((size_max - len(constant.encode()) - tokens * TOKEN_BYTES) // ESCAPED_MAX)
    return tuple(rooms)
