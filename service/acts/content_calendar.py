"""A content calendar from a spreadsheet: each row becomes the draft of a message, with its time, words and pictures.

Rules: nothing is scheduled and nothing sent; a file is taken in whole or not at all; what is wrong is told by its cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import or_, select

from campaigns import zones
from campaigns.delivery.tables import Account
from campaigns.errors import BadImport, BadTime, DomainError, said
from campaigns.messages import content_calendar
from campaigns.messages.content_calendar import Place, Sheet, Wrong
from campaigns.messages.tables import Media, Message
from campaigns.stakeholders import files
from campaigns.stakeholders.tables import Segment
from campaigns.stakeholders.text import fold
from campaigns.strategies import programmes
from campaigns.strategies.tables import Strategy

from . import Act, content, messages, writing
from .stakeholders import home

WRITE = "messages:write"
# Others wait while so many rows are tried.
TRIED_AT_ONCE = 20
# Where the parts of a message come from: by the first step of what an error points at.
COLUMNS = {
    "send_at": "date", "accounts": "account", "to": "account", "segment": "group", "strategy_id": "strategy",
    "media": "picture", "programme_id": "strategy", "name": "name", "text": "text", "subject": "subject",
    "language": "language", "purpose": "purpose",
}  # fmt: skip


@dataclass(slots=True)
class Problem:
    """What is wrong with one cell; `cell` is how a spreadsheet calls it."""

    cell: str
    column: str
    detail: str


@dataclass(slots=True)
class Planned:
    """One row: what it would become, or why it cannot."""

    line: int
    name: str = ""
    languages: list[str] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    purpose: str = ""  # what it counts as, where it goes to a group
    message: Message | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def message_id(self) -> int | None:
        """The draft, where it was made."""
        return self.message.id if self.message else None


def propose(
    trying: Callable[[], AbstractContextManager[Act]], sheet: Sheet, *, programme_id: int | None, zone: str
) -> list[Planned]:
    """What each row would become; `trying` gives acts of which nothing is kept."""
    found: list[Planned] = []
    for start in range(0, len(sheet.rows), TRIED_AT_ONCE):
        some = replace(sheet, rows=sheet.rows[start : start + TRIED_AT_ONCE])
        with trying() as act:
            found += _all(act, some, programme_id, zone)
    for one in found:
        one.message = None
    return found


def take_in(act: Act, sheet: Sheet, *, programme_id: int | None, zone: str) -> list[Planned]:
    """Make the drafts; BadImport, and none is kept, where one row cannot be taken."""
    found = _all(act, sheet, programme_id, zone)
    wrong = [one for one in found if one.problems]
    if wrong:
        first = wrong[0].problems[0]
        raise BadImport(said("{cell}: {why}", cell=first.cell, why=first.detail), pointer="/file")
    return found


def _all(act: Act, sheet: Sheet, programme_id: int | None, zone: str) -> list[Planned]:
    programme_id = home(act, WRITE, programme_id)
    known = _Known(act, programme_id)
    return [_planned(act, sheet, row, known, zone) for row in sheet.rows]


def _planned(act: Act, sheet: Sheet, row: files.Record, known: _Known, zone: str) -> Planned:
    cells = {
        place: row.cells[number].strip() for place, number in sheet.places.items() if number < len(row.cells)
    }
    planned = Planned(row.line, name=cells.get(("name", ""), ""))
    read, wrong = _read(cells, known, zone)
    planned.languages = list(read.get("words", ()))
    planned.accounts = [one.name for one in read.get("through", ())]
    if not wrong:
        try:
            with act.session.begin_nested():
                planned.message = _draft(act, planned, known, **read)
                planned.purpose = planned.message.purpose if planned.message.segment_id else ""
        except Wrong as one:
            wrong.append(one)
        except DomainError as error:
            step = (error.pointer or "").strip("/").split("/")[0]
            wrong.append(Wrong(COLUMNS.get(step, "text"), error.detail, planned.languages[0]))
    planned.problems = [_problem(sheet, row.line, one.column, one.detail, one.language) for one in wrong]
    return planned


def _read(cells: Mapping[Place, str], known: _Known, zone: str) -> tuple[dict[str, Any], list[Wrong]]:
    """What the cells of a row mean, each by itself, so that everything that is wrong is told at once."""
    parts: dict[str, Callable[[], Any]] = {
        "on": lambda: _day(cells),
        "clock": lambda: _clock(cells),
        "zone": lambda: _zone(cells, zone),
        "through": lambda: known.accounts(cells.get(("account", ""), "")),
        "segment": lambda: known.named("group", cells.get(("group", ""), "")),
        "strategy_id": lambda: known.named("strategy", cells.get(("strategy", ""), "")),
        "media": lambda: known.pictures(cells.get(("picture", ""), "")),
        "words": lambda: content_calendar.words(cells),
        "purpose": lambda: content_calendar.purpose(cells),
    }
    read: dict[str, Any] = {}
    wrong = []
    for name, part in parts.items():
        try:
            read[name] = part()
        except Wrong as one:
            wrong.append(one)
    return read, wrong


def _draft(
    act: Act,
    planned: Planned,
    known: _Known,
    *,
    on: str | None,
    clock: str,
    zone: str,
    through: list[Account],
    words: dict[str, tuple[str, str]],
    media: list[int],
    purpose: str | None,
    **more: Any,
) -> Message:
    first, (subject, text) = next(iter(words.items()))
    if purpose is None and more["segment"] is not None and more["strategy_id"] is None:
        purpose = known.of_groups
    made = messages.create(
        act, programme_id=known.programme_id, accounts=[one.id for one in through], subject=subject, text=text,
        language=first or None, media=media, name=planned.name, draft=True, purpose=purpose,
        send_at=None if on is None else {"local": f"{on}T{clock}", "zone": zone}, **more,
    )  # fmt: skip
    for language, (subject, text) in list(words.items())[1:]:
        _in_another(act, made, through, language, subject, text, media)
    return made


def _in_another(
    act: Act,
    made: Message,
    through: Sequence[Account],
    language: str,
    subject: str,
    text: str,
    pictures: list[int],
) -> None:
    """The same in one more language, for each channel."""
    shown = {one.channel for one in through if one.limits.get("media_max")}
    for channel in sorted({one.channel for one in through}):
        try:
            content.save_variant(
                act, made.content_id, channel, language, subject=subject, text=text,
                media=pictures if channel in shown else (),
            )  # fmt: skip
        except DomainError as error:
            raise Wrong("text", error.detail, language) from error


def _day(cells: Mapping[Place, str]) -> str | None:
    on = cells.get(("date", ""), "")
    if not on and cells.get(("time", "")):
        raise Wrong("date", said("a time needs a day beside it"))
    return content_calendar.day(on).isoformat() if on else None


def _clock(cells: Mapping[Place, str]) -> str:
    told = cells.get(("time", ""), "")
    return content_calendar.clock(told) if told or cells.get(("date", "")) else ""


def _zone(cells: Mapping[Place, str], usual: str) -> str:
    try:
        return zones.canonical(cells.get(("zone", "")) or usual)
    except BadTime as error:
        raise Wrong("zone", error.detail) from error


class _Known:
    """What names in cells stand for, in one programme: each must name one thing."""

    def __init__(self, act: Act, programme_id: int) -> None:
        self._act, self.programme_id = act, programme_id
        usual = writing.usual_purpose(act, programme_id)
        # What goes to a group is often news, and as service it would go to those too who want none.
        self.of_groups = "direct_marketing" if usual == "service" else usual
        self._lineage = programmes.lineage(act.session, programme_id)
        self._found: dict[str, dict[str, list[Any]]] = {}

    def accounts(self, cell: str) -> list[Account]:
        """Connected accounts by name, or by a channel that has only one."""
        if not cell:
            raise Wrong("account", said("say through which connected account it goes"))
        return [self._account(one.strip()) for one in re.split(r"[;\n]", cell) if one.strip()]

    def pictures(self, cell: str) -> list[int]:
        """Media by name."""
        names = [one.strip() for one in re.split(r"[;\n]", cell) if one.strip()]
        return [self._one("picture", one).id for one in names]

    def named(self, what: str, cell: str) -> int | None:
        """A group or a strategy by name; None for none."""
        return self._one(what, cell).id if cell else None

    def _account(self, name: str) -> Account:
        everywhere = [one for ones in self._all("account").values() for one in ones]
        by_channel = [one for one in everywhere if fold(one.channel) == fold(name)]
        if len(by_channel) == 1 and fold(name) not in self._all("account"):
            return by_channel[0]  # type: ignore[no-any-return]
        return self._one("account", name)  # type: ignore[no-any-return]

    def _one(self, what: str, name: str) -> Any:
        found = self._all(what).get(fold(name), [])
        if not found:
            raise Wrong(what, said("nothing here is called {name}", name=repr(name[:80])))
        if len(found) > 1:
            raise Wrong(what, said("several are called {name}", name=repr(name[:80])))
        return found[0]

    def _all(self, what: str) -> dict[str, list[Any]]:
        if what not in self._found:
            found: dict[str, list[Any]] = {}
            for one in self._act.session.scalars(self._query(what)):
                found.setdefault(fold(one.name.strip()), []).append(one)
            self._found[what] = found
        return self._found[what]

    def _query(self, what: str) -> Any:
        """Those of the programme and of what it lies under, and those all share."""
        queries: dict[str, Callable[[], Any]] = {
            "account": lambda: select(Account).where(
                Account.state != "disabled", self._ours(Account.programme_id)
            ),
            "picture": lambda: select(Media).where(
                Media.kind == "picture", Media.state == "active", self._ours(Media.programme_id)
            ),
            "group": lambda: select(Segment).where(
                Segment.state == "active", Segment.programme_id.in_(self._lineage)
            ),
            "strategy": lambda: select(Strategy).where(
                Strategy.state == "active", Strategy.programme_id.in_(self._lineage)
            ),
        }
        return queries[what]()

    def _ours(self, column: Any) -> Any:
        return or_(column.is_(None), column.in_(self._lineage))


def _problem(sheet: Sheet, line: int, column: str, detail: str, language: str = "") -> Problem:
    number = sheet.places.get((column, language), sheet.places.get((column, "")))
    if number is None:
        number = next((place for (what, _), place in sheet.places.items() if what == column), 0)
    return Problem(content_calendar.cell(number, line), sheet.header[number], detail)
