"""The template language: what may stand in words with slots, checked when they are saved.

Rules: a small subset of Jinja: names, attributes, a few filters, `if`, and `for` over declared data at most
two deep. No calls and no arithmetic, so the work of a template is bounded by the length of its data.
Source: security 5, bad input T1 to T11.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, NoReturn

from jinja2 import Template, TemplateError, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..errors import BadTemplate, MissingData, Said, said

# Made for each letter when it goes out, so they are never missing and never stored.
LATE = ("unsubscribe_url", "preferences_url", "reader_token")
SINGLE = ("name", "language", *LATE)
DOTTED = ("fields", "data")
# At the end of a slot's name: the words may do without it, because it stands in an `if` or has a default.
# Where they turn out to need it after all, filling in says so.
OPTIONAL = "?"
ITEMS_MAX = 2_000
EXPRESSIONS_MAX = 1_000
HEAVY_MAX = 50
CONST_MAX = 500
IFS_DEEP = 8
LOOPS_DEEP = 2
COMPILED_MAX = 256

_LOOP_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


@dataclass(frozen=True, slots=True)
class Part:
    """One checked text: ready to fill, and its slots in order of first use; an optional one ends in `?`."""

    template: Template
    slots: tuple[str, ...]


@lru_cache(maxsize=COMPILED_MAX)
def part(source: str, html: bool) -> Part:
    """Check and compile one text; `html` escapes what is filled in. BadTemplate carries the `line`."""
    with _told():
        parsed, reader = _read(source, html)
        template = _ENVIRONMENTS[html].from_string(parsed)
    return Part(template, tuple(name if needed else name + OPTIONAL for name, needed in reader.slots.items()))


def tree(source: str, html: bool) -> list[nodes.Node]:
    """The nodes of one checked text: output, `if` and `for` and what stands in them, nothing else."""
    with _told():
        return _read(source, html)[0].body


def constant(node: nodes.Expr, html: bool) -> str:
    """What is printed for a text in quotes or a number, and the filters behind it."""
    return (
        _ENVIRONMENTS[html].from_string(nodes.Template([nodes.Output([node], lineno=1)], lineno=1)).render()
    )


def _read(source: str, html: bool) -> tuple[nodes.Template, _Reader]:
    parsed, reader = _ENVIRONMENTS[html].parse(source), _Reader()
    reader.body(parsed.body)
    return parsed, reader


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except TemplateError as wrong:
        raise BadTemplate(str(wrong.message), line=getattr(wrong, "lineno", None) or 1) from None
    except (SyntaxError, RecursionError, ValueError):
        raise BadTemplate("this is nested too deeply to be read", line=1) from None


class Gap(Undefined):
    """A value that is not there: false in an `if`, an error wherever it would be printed or walked over."""

    __slots__ = ()

    @property
    def path(self) -> str:
        return str(self._undefined_name)

    def __str__(self) -> str:
        raise MissingData([self.path])


class _Environment(ImmutableSandboxedEnvironment):
    """Looks into plain dicts and nowhere else: no attribute of any Python object is ever read."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        name = f"{obj.path}.{attribute}" if isinstance(obj, Gap) else attribute
        return self.undefined(name=name)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self.getattr(obj, str(argument))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return False


def printable(value: Any) -> Any:
    """What a slot prints; lists and objects have no words of their own."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Gap):
        raise MissingData([value.path])
    if value is None:
        raise MissingData(["a value inside a list"])
    raise BadTemplate("a list or object cannot be printed: use `for`, or the filter join")


def _each(value: Any) -> list[Any]:
    """What `for` walks over: a list, and nothing that only looks like one."""
    if isinstance(value, Gap):
        raise MissingData([value.path])
    if not isinstance(value, list) or len(value) > ITEMS_MAX:
        raise BadTemplate(said("`for` needs a list of at most {items_max} items", items_max=ITEMS_MAX))
    return value


def _end(place: int) -> Callable[[Any], Any]:
    def pick(value: Any) -> Any:
        found = _each(value)
        return found[place] if found else Gap(name="an item of an empty list")

    return pick


HEAVY: dict[str, Callable[..., Any]] = {
    "upper": lambda value: printable(value).upper(),
    "lower": lambda value: printable(value).lower(),
    "capitalize": lambda value: printable(value)[:1].upper() + printable(value)[1:],
    "trim": lambda value: printable(value).strip(),
    "join": lambda value, between=", ": between.join(printable(item) for item in _each(value)),
}
LIGHT: dict[str, Callable[..., Any]] = {
    "default": lambda value, other="": other if isinstance(value, Gap) or value in (None, "") else value,
    "first": _end(0),
    "last": _end(-1),
    "length": lambda value: len(_each(value)),
}
FILTERS = {**HEAVY, **LIGHT, "each": _each}


def _environment(escape: bool) -> _Environment:
    made = _Environment(
        autoescape=escape, undefined=Gap, finalize=printable, keep_trailing_newline=True, trim_blocks=True,
        lstrip_blocks=True, cache_size=0,
    )  # fmt: skip
    made.globals.clear()
    made.tests.clear()
    made.filters = dict(FILTERS)
    return made


_ENVIRONMENTS = {escape: _environment(escape) for escape in (False, True)}


class _Reader:
    """Walks a parsed template once: refuses what is not in the subset, collects slots, counts the work."""

    def __init__(self) -> None:
        self.slots: dict[str, bool] = {}
        self.expressions = 0
        self.heavy = 0
        self.loops: list[str] = []
        self.ifs = 0

    def body(self, found: Iterable[nodes.Node]) -> None:
        for node in found:
            if isinstance(node, nodes.Output):
                self._output(node)
            elif isinstance(node, nodes.If):
                self._if(node)
            elif isinstance(node, nodes.For):
                self._for(node)
            else:
                _refuse(
                    node,
                    said("{name} is not part of the template language", name=type(node).__name__.lower()),
                )

    def _output(self, node: nodes.Output) -> None:
        for child in node.nodes:
            if not isinstance(child, nodes.TemplateData):
                self._value(child)

    def _if(self, node: nodes.If) -> None:
        if self.ifs >= IFS_DEEP:
            _refuse(node, said("`if` may stand at most {ifs_deep} deep", ifs_deep=IFS_DEEP))
        self.ifs += 1
        for branch in (node, *node.elif_):
            self._test(branch.test)
            self.body(branch.body)
        self.body(node.else_)
        self.ifs -= 1

    def _for(self, node: nodes.For) -> None:
        if len(self.loops) >= LOOPS_DEEP:
            _refuse(node, said("`for` may stand at most {loops_deep} deep", loops_deep=LOOPS_DEEP))
        if node.recursive or node.test is not None or not isinstance(node.target, nodes.Name):
            _refuse(node, "`for` is written `{% for item in data.items %}`")
        path = self._path(node.iter, needed=True)
        # A loop in a loop walks over its own item's list, so all loops together are no longer than the data.
        if self.loops and path[0] != self.loops[-1]:
            _refuse(node, said("a `for` inside a `for` walks over a list of {item}", item=self.loops[-1]))
        name = node.target.name
        if not _LOOP_NAME.fullmatch(name) or name in (*SINGLE, *DOTTED, "loop", *self.loops):
            _refuse(
                node, said("{name} cannot name the items of a `for`: choose another word", name=repr(name))
            )
        node.iter = nodes.Filter(node.iter, "each", [], [], None, None, lineno=node.lineno)
        self.loops.append(name)
        self.body(node.body)
        self.loops.pop()
        self.body(node.else_)

    def _test(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.And | nodes.Or):
            self._test(node.left)
            self._test(node.right)
        elif isinstance(node, nodes.Not):
            self._test(node.node)
        elif isinstance(node, nodes.Compare):
            self._light(node.expr)
            if len(node.ops) != 1 or node.ops[0].op in ("in", "notin"):
                _refuse(node, "a comparison has two sides and one of == != < <= > >=")
            self._const(node.ops[0].expr)
        else:
            self._light(node)

    def _light(self, node: nodes.Node) -> None:
        """A path in a test: it may be missing, and only filters that cost nothing may stand behind it."""
        self._count(node)
        if isinstance(node, nodes.Filter):
            if node.name not in LIGHT:
                _refuse(node, said("in an `if` only these filters may stand: {light}", light=sorted(LIGHT)))
            self._arguments(node)
            self._path(node.node, needed=node.name in ("first", "last"))
        else:
            self._path(node, needed=False)

    def _value(self, node: nodes.Node | None, needed: bool = True) -> None:
        self._count(node)
        if isinstance(node, nodes.Const):
            self._const(node)
        elif isinstance(node, nodes.Filter):
            self._filter(node, needed)
        else:
            self._path(node, needed=needed)

    def _filter(self, node: nodes.Filter, needed: bool) -> None:
        if node.name not in HEAVY and node.name not in LIGHT:
            _refuse(
                node,
                said(
                    "there is no filter {name}; there are {filters}",
                    name=repr(node.name),
                    filters=sorted(HEAVY | LIGHT),
                ),
            )
        self._arguments(node)
        if node.name in HEAVY:
            self.heavy += 1
            if self.heavy > HEAVY_MAX:
                _refuse(
                    node,
                    said(
                        "at most {heavy_max} filters such as {name} may stand in one text",
                        heavy_max=HEAVY_MAX,
                        name=node.name,
                    ),
                )
            if self.loops and self._root(node) != self.loops[-1]:
                _refuse(
                    node,
                    said(
                        "inside a `for` the filter {name} is for {item} only",
                        name=node.name,
                        item=self.loops[-1],
                    ),
                )
        self._value(node.node, needed and node.name != "default")

    def _root(self, node: nodes.Node | None) -> str:
        while isinstance(node, nodes.Filter | nodes.Getattr):
            node = node.node
        return node.name if isinstance(node, nodes.Name) else ""

    def _arguments(self, node: nodes.Filter) -> None:
        if (
            node.kwargs
            or node.dyn_args
            or node.dyn_kwargs
            or len(node.args) > (node.name in ("default", "join"))
        ):
            _refuse(node, said("the filter {name} takes no such argument", name=node.name))
        for argument in node.args:
            self._const(argument)
            if not isinstance(argument, nodes.Const) or not isinstance(argument.value, str):
                _refuse(node, said("the argument of {name} is a text in quotes", name=node.name))

    def _path(self, node: nodes.Node | None, *, needed: bool) -> list[str]:
        """The dotted path of a value; noted as a slot unless it starts at the item of a loop."""
        steps: list[str] = []
        step = node
        while isinstance(step, nodes.Getattr):
            steps.insert(0, step.attr)
            step = step.node
        if node is None or not isinstance(step, nodes.Name) or step.ctx != "load":
            _refuse(node, "here stands a name such as name, fields.town or data.order.number")
        path = [step.name, *steps]
        if step.name in self.loops:
            return path
        if not (step.name in SINGLE and not steps) and not (step.name in DOTTED and steps):
            _refuse(node, _unknown(".".join(path)))
        slot = ".".join(path)
        self.slots[slot] = self.slots.get(slot, False) or (needed and not self.ifs)
        return path

    def _const(self, node: nodes.Node) -> None:
        if not isinstance(node, nodes.Const) or not isinstance(node.value, str | int | float | bool):
            _refuse(node, "here stands a text in quotes or a number")
        if len(str(node.value)) > CONST_MAX:
            _refuse(
                node, said("a text inside braces has at most {const_max} characters", const_max=CONST_MAX)
            )

    def _count(self, node: nodes.Node | None) -> None:
        self.expressions += 1
        if self.expressions > EXPRESSIONS_MAX:
            _refuse(
                node,
                said(
                    "at most {expressions_max} values may stand in one text", expressions_max=EXPRESSIONS_MAX
                ),
            )


def _unknown(name: str) -> Said:
    near = get_close_matches(name.lower(), SINGLE, 1)
    if near:
        return said("there is no value named {name}: did you mean {near}?", name=name, near=near[0])
    return said(
        "there is no value named {name}: write name, or fields. and what the field is called", name=name
    )


def _refuse(node: nodes.Node | None, words: str) -> NoReturn:
    raise BadTemplate(words, line=(node.lineno if node is not None else None) or 1)
