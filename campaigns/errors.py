"""Everything that can go wrong in the domain, as one tree; each leaf has a stable `code`.

DomainError
├── NotFound            absent, or not the caller's to see
├── Invalid             the request says something that cannot be
│   ├── BadId · BadAddress · BadRule · BadTime · BadTemplate · BadField · BadImport
│   └── MissingData     words need values that this recipient has not
├── Conflict            true, but not now
│   ├── Stale           the version or digest that was read is no longer the current one
│   ├── AlreadyDone · AlreadySending · InUse
│   ├── OptedOut        their own no, which only they can undo
│   └── CannotAnswer    nobody wrote it, or nobody may be written to
├── Blocked             obstacles of a message, all of them listed
├── Busy                too much of the same at this moment
└── Forbidden
    ├── FourEyes        an author may not decide their own
    └── LinkNotValid    forged, expired or used
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


class Said(str):
    """English words for people, already filled in, which remember how they were made: others tell them anew.

    `template` has places like `{name}`; `many` is the template for more than one, chosen by `values["n"]`.
    """

    __slots__ = ("many", "template", "values")

    template: str
    many: str | None
    values: dict[str, Any]

    def __new__(cls, template: str, many: str | None, values: dict[str, Any]) -> Said:
        chosen = template if many is None or values["n"] == 1 else many
        made = super().__new__(cls, chosen.format(**{name: _shown(value) for name, value in values.items()}))
        made.template, made.many, made.values = template, many, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Said, (self.template, self.many, self.values)


class Recalled(str):
    """English that comes from where `said` is not known (a connector, a row): recognised by its shape when told."""

    __slots__ = ()


def said(template: str, /, **values: Any) -> Said:
    """Words with values in them: `said("there is no field called {name}", name=name)`; a list is told as a, b, c."""
    return Said(template, None, values)


def counted(one: str, many: str, n: int, /, **values: Any) -> Said:
    """Words that depend on a number: `counted("{n} row has", "{n} rows have", len(rows))`."""
    return Said(one, many, {"n": n, **values})


def _shown(value: Any) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, Collection) and not isinstance(value, str)
        else str(value)
    )


class DomainError(Exception):
    """Something true about the world that stops what was asked.

    `detail` is for people: a literal, or `said(…)` where it has values. `code` is for programs.
    """

    code = "error"

    def __init__(self, detail: str, *, pointer: str | None = None, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer
        self.facts = facts


class NotFound(DomainError):
    code = "not_found"


class Invalid(DomainError):
    """`pointer` is a JSON pointer to the field that is wrong."""

    code = "invalid"


class BadId(Invalid):
    code = "bad_id"


class BadAddress(Invalid):
    code = "bad_address"


class BadRule(Invalid):
    code = "bad_rule"


class BadTime(Invalid):
    code = "bad_time"


class BadTemplate(Invalid):
    code = "bad_template"


class BadField(Invalid):
    code = "bad_field"


class BadImport(Invalid):
    code = "bad_import"


class MissingData(Invalid):
    """`names` are the dotted names of the values that are missing, in the order the words use them."""

    code = "missing_data"

    def __init__(self, names: list[str]) -> None:
        super().__init__(said("the words need values that are missing: {names}", names=names), names=names)
        self.names = names


class Conflict(DomainError):
    code = "conflict"


class Stale(Conflict):
    code = "stale"


class AlreadyDone(Conflict):
    code = "already_done"


class AlreadySending(Conflict):
    code = "already_sending"


class InUse(Conflict):
    code = "in_use"


class OptedOut(Conflict):
    code = "opted_out"


class CannotAnswer(Conflict):
    code = "cannot_answer"


class Blocked(Conflict):
    """`facts["blockers"]` lists every obstacle."""

    code = "blocked"


class NoRoom(DomainError):
    """What may be stored is stored."""

    code = "no_room"


class Busy(DomainError):
    """The same will do in a moment."""

    code = "busy"


class Forbidden(DomainError):
    code = "forbidden"


class FourEyes(Forbidden):
    code = "four_eyes"


class LinkNotValid(Forbidden):
    code = "link_not_valid"
