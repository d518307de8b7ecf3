"""Every sentence people can be told: read out of the templates and, for errors and reasons, out of the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import marshmallow as ma
from babel.messages.extract import extract

import service.app  # noqa: F401  so that every error of the domain is known
from campaigns.errors import DomainError
from connectors import registry
from service.problems import PROBLEMS

Saying = str | tuple[str, ...]
ROOT = Path(__file__).parents[2]
TEMPLATES = ("public", "pages", "mail")
# What only the console says is said in English, as all of it is.
CONSOLE = (
    "service/commands/",
    "service/demo/cast.py",
    "service/demo/client.py",
    "service/demo/story.py",
    "service/moving.py",
    "service/upgrade.py",
    "service/__main__.py",
)
# Functions that say the words they are given: the place of the words among the arguments.
SAYERS = {
    "said": 0, "Refusal": 1, "ValidationError": 0,
    "service/problems.py:answer": 1,
    "service/app.py:answer": 1,
    "service/access.py:_stranger": 0,
    "campaigns/messages/subset.py:_refuse": 1,
    "campaigns/stakeholders/desk.py:problem": 1,
    "campaigns/stakeholders/desk.py:_refused": 2,
    "campaigns/stakeholders/wishes.py:problem": 1,
}  # fmt: skip
# Errors of the connectors: the words are the provider's, or these of ours.
CONNECTORS = (
    "Refused",
    "AddressGone",
    "Deferred",
    "AccountGone",
    "Uncertain",
    "NotAuthentic",
    "NotYet",
    "BadSettings",
    "UnknownConnector",
)
# The sentences of marshmallow's checks that are put together from parts.
FRAMEWORK = (
    "Must be greater than or equal to {min}.",
    "Must be less than or equal to {max}.",
    "Must be greater than or equal to {min} and less than or equal to {max}.",
    "Shorter than minimum length {min}.",
    "Longer than maximum length {max}.",
    "Length must be between {min} and {max}.",
    "String does not match expected pattern.",
    "must be one of: {choices}",
    "Not a valid date.",
)
# Raised with words that are not written here: file, expression and why that is right.
ELSEWHERE = {
    ("service/acts/accounts.py", "str(error)"): "a connector says what is wrong with its own settings",
    ("service/pages/settings.py", "error.words"): "the provider's own words",
    ("service/pages/settings_accounts.py", "str(error)"): "the registry's; recognised when shown",
    ("campaigns/delivery/resolve.py", "str(missing)"): "kept with the row, in English; recognised when shown",
    ("campaigns/messages/content.py", "shown.wrong"): "from the helper process; recognised when shown",
    ("campaigns/messages/render_helper.py", "answer['wrong']"): "from the helper process; recognised when shown",
    ("campaigns/stakeholders/opening.py", "WRONG.get(code, WRONG['unreadable'])"): "said where WRONG is written",
    ("campaigns/messages/subset.py", "str(wrong.message)"): "the template language's own words about its syntax",
    ("service/strict_json.py", "problems[0]['detail']"): "one of those made by _unkeepable",
    ("service/problems.py", "refusal.detail"): "said where it was raised",
    ("service/problems.py", "error.detail"): "said where it was raised",
    ("service/problems.py", "errors[0]['detail']"): "a schema's sentence, which `framework` lists",
    ("service/problems.py", "PROBLEMS[code][1]"): "a title, which `framework` lists",
    ("service/problems.py", "detail or PROBLEMS[code][1]"): "of a framework, where it says more than its status",
    ("service/api/resource.py", "value"): "says which id a path cannot hold; answered as a 404",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """What one file of the code says, and where it says something that nobody could translate."""

    sayings: frozenset[Saying]
    unsayable: tuple[str, ...]


@cache
def errors_of(file: str) -> Found:
    """The sentences in the errors and reasons of one file, by its path from the root."""
    reader = _Reader(file)
    reader.visit(ast.parse((ROOT / file).read_text("utf-8")))
    return Found(frozenset(reader.sayings), tuple(reader.unsayable))


@cache
def code() -> tuple[str, ...]:
    """Every file that can raise an error towards people."""
    found = [
        path.relative_to(ROOT).as_posix()
        for room in ("service", "campaigns")
        for path in (ROOT / room).rglob("*.py")
    ]
    return tuple(sorted(file for file in found if not file.startswith((*CONSOLE, "campaigns/migrations/"))))


@cache
def templates() -> tuple[str, ...]:
    """Every template that people see, as `room/name.html`."""
    folder = ROOT / "templates"
    found = [
        path for room in TEMPLATES for path in (folder / room).rglob("*") if path.suffix in (".html", ".txt")
    ]
    return tuple(sorted(path.relative_to(folder).as_posix() for path in found))


@cache
def words_of(template: str) -> frozenset[Saying]:
    """Every msgid of one template, read with the options it is drawn with."""
    options = {
        "extensions": "jinja2.ext.do",
        "silent": "false",
        "trim_blocks": "true",
        "lstrip_blocks": "true",
    }
    with resources.as_file(resources.files("templates") / template) as path, path.open("rb") as file:
        found = extract("jinja2.ext:babel_extract", file, options=options)
        return frozenset(message for _line, message, _comments, _context in found)


def used() -> set[Saying]:
    """Every msgid there is."""
    found = set(framework() | of_connectors())
    for file in code():
        found |= errors_of(file).sayings
    for template in templates():
        found |= words_of(template)
    return found


@cache
def framework() -> frozenset[Saying]:
    """What is said in our name by what we build on: the titles of problems, and the checks of schemas."""
    fields = (
        ma.fields.Field, ma.fields.String, ma.fields.Integer, ma.fields.Boolean, ma.fields.List, ma.fields.Nested,
        ma.fields.Dict,
    )  # fmt: skip
    told = {title for _status, title in PROBLEMS.values()} | set(FRAMEWORK)
    for field in fields:
        told |= {str(words) for words in field.default_error_messages.values()}
    told |= {str(words) for words in ma.Schema._default_error_messages.values()}
    return frozenset(told)


@cache
def of_connectors() -> frozenset[Saying]:
    """What connectors say in words of ours: their settings, what is wrong with them, and why a provider was no use."""
    providers = [registry.provider(name) for name in registry.names()]
    told: set[Saying] = {one.about for one in providers}
    told |= {one.about for provider in providers for one in provider.settings if one.about}
    for path in (ROOT / "connectors").rglob("*.py"):
        if path.name not in ("testing.py", "running.py", "server.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                told |= {_shape(words) for words in _of_connector(node) if _shape(words)}
    return frozenset(told)


def _of_connector(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in CONNECTORS and node.args:
        first = node.args[0]
        return first.values if isinstance(first, ast.Dict) else [first]
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        return [node.value] if ast.unparse(node.targets[0].value) == "wrong" else []
    return []


def _shape(words: ast.expr) -> str:
    """A text with its places named: what a filled-in sentence is recognised by; "" where it is not written here."""
    if isinstance(words, ast.Constant):
        return str(words.value)
    if not isinstance(words, ast.JoinedStr):
        return ""
    names = iter(("{first}", "{second}", "{third}"))
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else next(names) for part in words.values
    )


def kinds() -> Iterator[type[DomainError]]:
    """Every error of the domain."""
    waiting: list[type[DomainError]] = [DomainError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        yield kind


class _Reader(ast.NodeVisitor):
    """Walks one file: collects what its errors say, and notes what is put together so that nobody can translate it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.sayings: set[Saying] = set()
        self.unsayable: list[str] = []
        self.functions: list[ast.FunctionDef] = []
        self.local: set[str] = set()
        self.errors = {kind.__name__ for kind in kinds()} - {"MissingData"}

    def visit_Module(self, node: ast.Module) -> None:
        self.local = {
            one.name for one in ast.walk(node)
            if isinstance(one, ast.FunctionDef) and one.returns is not None and ast.unparse(one.returns) == "Said"
        }  # fmt: skip
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.functions.append(node)
        self.generic_visit(node)
        self.functions.pop()

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = 0 if name in self.errors else SAYERS.get(f"{self.file}:{name}", SAYERS.get(name))
        if name == "counted":
            self.sayings.add((self._literal(node.args[0]), self._literal(node.args[1])))
        elif place is not None and len(node.args) > place:
            self._said(node.args[place])
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        """A class that was given as an argument (`raise error(…)`) says its words as any other."""
        made = node.exc
        if isinstance(made, ast.Call) and isinstance(made.func, ast.Name) and made.args and self.functions:
            given = self.functions[-1].args
            if made.func.id in {one.arg for one in (*given.args, *given.kwonlyargs)}:
                self._said(made.args[0])
        self.generic_visit(node)

    def _said(self, words: ast.expr) -> None:
        if isinstance(words, ast.Constant) and isinstance(words.value, str):
            self.sayings.add(words.value)
        elif isinstance(words, ast.IfExp):
            self._said(words.body)
            self._said(words.orelse)
        elif isinstance(words, ast.Name) and self._written(words.id):
            for value in self._written(words.id):
                self._said(value)
        elif not self._carried(words):
            self.unsayable.append(f"{self.file}:{words.lineno} {ast.unparse(words)}")

    def _written(self, name: str) -> list[ast.expr]:
        """What a name was given in this function."""
        inside = self.functions[-1] if self.functions else ast.Module([], [])
        return [
            one.value for one in ast.walk(inside)
            if isinstance(one, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id == name for target in one.targets)
        ]  # fmt: skip

    def _carried(self, words: ast.expr) -> bool:
        """Words that were said elsewhere: another error's, a helper's of this file, or those of ELSEWHERE."""
        if (self.file, ast.unparse(words)) in ELSEWHERE:
            return True
        if isinstance(words, ast.Call) and isinstance(words.func, ast.Name):
            return words.func.id in ("said", "counted") or words.func.id in self.local
        if isinstance(words, ast.Attribute) and words.attr == "detail":
            return True
        sayer = self.functions[-1].name if self.functions else ""
        return isinstance(words, ast.Name) and f"{self.file}:{sayer}" in SAYERS

    def _literal(self, words: ast.expr) -> str:
        if not (isinstance(words, ast.Constant) and isinstance(words.value, str)):
            self.unsayable.append(f"{self.file}:{words.lineno} {ast.unparse(words)}")
            return ""
        return words.value
