"""The words of one text as steps: which of its constants a letter has, and the values between them.

Rules: what a text means is said once, in `subset.py`; its filters, its gaps and its printing are used here, and
whatever raises there raises here. A text that asks more of an address made late than to print it is not walked, and
none that chooses inside a `for`.
Source: docs/decisions/0009.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import nodes
from markupsafe import escape

from .subset import FILTERS, LATE, OPTIONAL, Gap, constant, part, printable, tree

# A letter of more pieces shares its constants with hardly any other.
TRAIL_MAX = 400
KEPT_MAX = 256

Known = dict[str, Any]
Get = Callable[[Known], Any]
# What was walked over so far: numbers of runs, with -1 - n behind a run whose value n is empty; and the values.
Trail = list[int]
Step = Callable[[Known, Trail, list[str]], None]
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "gteq": operator.ge, "lt": operator.lt,
    "lteq": operator.le,
}  # fmt: skip


class NotWalked(Exception):
    """This has to be filled in by the sandbox."""


@dataclass(frozen=True, slots=True)
class LateSlot:
    """An address that is made when the letter goes out, where it is printed."""

    name: str


Piece = str | LateSlot | None  # None: here stands the run's next value


@dataclass(frozen=True, slots=True)
class Walk:
    """One text. `paths` are the values it looks at; `needed` those that must be there though no step may ask.

    `printed` are its values in order, where it chooses nothing and prints them as they are; else None.
    """

    steps: tuple[Step, ...]
    runs: tuple[tuple[Piece, ...], ...]
    paths: frozenset[str]
    needed: tuple[str, ...]
    html: bool
    printed: tuple[str, ...] | None

    def over(self, known: Known, found: list[str]) -> tuple[int, ...]:
        """The trail of these values, which are added to `found` as they are printed."""
        for slot in self.needed:
            if known.get(slot) is None:
                raise NotWalked
        trail: Trail = []
        for step in self.steps:
            step(known, trail, found)
        return tuple(trail)

    def written(self, trail: Iterable[int], values: Iterator[str], late: Mapping[str, str]) -> str:
        """The text along a trail, with the next of `values` wherever one stands that is not empty."""
        put: Callable[[str], str] = escape if self.html else str
        made = []
        for number, empty in _entries(trail):
            place = 0
            for piece in self.runs[number]:
                if isinstance(piece, str):
                    made.append(piece)
                elif isinstance(piece, LateSlot):
                    made.append(put(late[piece.name]))
                else:
                    made.append("" if place in empty else put(next(values)))
                    place += 1
        return "".join(made)


@lru_cache(maxsize=KEPT_MAX)
def walk(source: str, html: bool) -> Walk:
    """The steps of one text. NotWalked where the sandbox has to fill it in; BadTemplate where it is none."""
    reader = _Reader(html)
    steps = reader.steps(tree(source, html))
    # Without a `for` every value that must be there is printed, and a gap is found then.
    slots = part(source, html).slots if reader.looped else ()
    needed = tuple(slot for slot in slots if not slot.endswith(OPTIONAL) and slot not in LATE)
    printed = tuple(reader.printed) if reader.straight else None
    return Walk(tuple(steps), tuple(reader.runs), frozenset(reader.paths), needed, html, printed)


def _entries(trail: Iterable[int]) -> list[tuple[int, set[int]]]:
    """Each run of a trail with the places of its empty values."""
    entries: list[tuple[int, set[int]]] = []
    for number in trail:
        if number >= 0:
            entries.append((number, set()))
        else:
            entries[-1][1].add(-1 - number)
    return entries


class _Reader:
    """Makes steps of the nodes of one checked text."""

    def __init__(self, html: bool) -> None:
        self.html = html
        self.runs: list[tuple[Piece, ...]] = []
        self.paths: set[str] = set()
        self.loops: list[str] = []
        self.looped = False
        self.printed: list[str] = []
        self.straight = True

    def steps(self, found: Iterable[nodes.Node]) -> list[Step]:
        return [self._step(node) for node in found]

    def _step(self, node: nodes.Node) -> Step:
        if self.loops and not isinstance(node, nodes.Output):
            raise NotWalked  # nearly every letter would have a trail of its own, and share nothing
        if isinstance(node, nodes.If):
            return self._if(node)
        if isinstance(node, nodes.For):
            return self._for(node)
        assert isinstance(node, nodes.Output)
        return self._run(node)

    def _run(self, node: nodes.Output) -> Step:
        pieces: list[Piece] = []
        gets: list[Get] = []
        for child in node.nodes:
            if isinstance(child, nodes.TemplateData):
                pieces.append(child.data)
            elif isinstance(child, nodes.Name) and child.name in LATE:
                pieces.append(LateSlot(child.name))
            elif _is_constant(child):
                pieces.append(constant(child, self.html))
            else:
                pieces.append(None)
                gets.append(self._printed(child))
        self.runs.append(tuple(pieces))
        number, places = len(self.runs) - 1, tuple(enumerate(gets))

        def step(known: Known, trail: Trail, found: list[str]) -> None:
            trail.append(number)
            for place, get in places:
                value = get(known)
                if value:
                    found.append(value)
                else:
                    trail.append(-1 - place)

        return step

    def _if(self, node: nodes.If) -> Step:
        self.straight = False
        branches = [(self._test(one.test), self.steps(one.body)) for one in (node, *node.elif_)]
        other = self.steps(node.else_)

        def step(known: Known, trail: Trail, found: list[str]) -> None:
            taken = next((steps for test, steps in branches if test(known)), other)
            for one in taken:
                one(known, trail, found)

        return step

    def _for(self, node: nodes.For) -> Step:
        assert isinstance(node.target, nodes.Name)
        self.looped, self.straight = True, False
        each, name = self._get(node.iter), node.target.name
        self.loops.append(name)
        body = self.steps(node.body)
        self.loops.pop()
        other = self.steps(node.else_)

        def step(known: Known, trail: Trail, found: list[str]) -> None:
            items = each(known)
            for item in items:
                if len(trail) > TRAIL_MAX:
                    raise NotWalked
                known[name] = item
                for one in body:
                    one(known, trail, found)
            if not items:
                for one in other:
                    one(known, trail, found)

        return step

    def _test(self, node: nodes.Node) -> Get:
        if isinstance(node, nodes.And | nodes.Or):
            left, right = self._test(node.left), self._test(node.right)
            if isinstance(node, nodes.And):
                return lambda known: left(known) and right(known)
            return lambda known: left(known) or right(known)
        if isinstance(node, nodes.Not):
            inner = self._test(node.node)
            return lambda known: not inner(known)
        if isinstance(node, nodes.Compare):
            compared, compare = self._get(node.expr), _OPERATORS[node.ops[0].op]
            other = node.ops[0].expr.as_const()
            return lambda known: compare(compared(known), other)
        return self._get(node)

    def _get(self, node: nodes.Node) -> Get:
        """What gives a value: a path, with filters behind it."""
        if isinstance(node, nodes.Filter):
            assert node.node is not None
            inner, made = self._get(node.node), FILTERS[node.name]
            arguments = [one.as_const() for one in node.args]
            return lambda known: made(inner(known), *arguments)
        if isinstance(node, nodes.Const):
            value = node.value
            return lambda known: value
        name, *steps = _dotted(node)
        return self._item(name, steps) if name in self.loops else self._path(name, steps)

    def _printed(self, node: nodes.Node) -> Get:
        if isinstance(node, nodes.Filter):
            self.straight = False
        else:
            self.printed.append(".".join(_dotted(node)))
        get = self._get(node)

        def printed(known: Known) -> Any:
            value = get(known)
            return value if value.__class__ is str else printable(value)

        return printed

    def _path(self, name: str, steps: list[str]) -> Get:
        path = ".".join((name, *steps))
        if name in LATE:
            raise NotWalked
        self.paths.add(path)
        gap = Gap(name=path)
        return lambda known: known.get(path, gap)

    def _item(self, name: str, steps: list[str]) -> Get:
        return lambda known: look(known[name], steps)


def _dotted(node: nodes.Node) -> list[str]:
    """A name and what it is followed into."""
    steps: list[str] = []
    while isinstance(node, nodes.Getattr):
        steps.insert(0, node.attr)
        node = node.node
    assert isinstance(node, nodes.Name)
    return [node.name, *steps]


def look(value: Any, steps: Iterable[str]) -> Any:
    """What lies at the end of these steps into objects, or the gap where one is missing."""
    for step in steps:
        if not isinstance(value, dict) or step not in value:
            return Gap(name=step)
        value = value[step]
    return value


def _is_constant(node: nodes.Node | None) -> bool:
    while isinstance(node, nodes.Filter):
        node = node.node
    return isinstance(node, nodes.Const)
