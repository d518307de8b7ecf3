"""A content calendar from a spreadsheet: each row becomes the draft of a message, with its time, words and pictures.

Rules: nothing is scheduled and nothing sent; a file is taken in whole or not at all; what is wrong is told by its cell;
a date that can be read in two ways is not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import or_, select

from campaigns import zones
from campaigns.delivery.tables import Account
from campaigns.errors import BadImport, BadTime, DomainError, said
from campaigns.messages.tables import Media, Message
from campaigns.stakeholders import files, opening
from campaigns.stakeholders.tables import Segment
from campaigns.stakeholders.text import fold
from campaigns.strategies import programmes
from campaigns.strategies.tables import Strategy

from . import Act, content, messages
from .stakeholders import home

WRITE = "messages:write"
BYTES_MAX = 512 * 1024
# A workbook of few bytes may stand for many.
UNPACKED_MAX = 8 * 1024 * 1024
ROWS_MAX = 200
# Others wait while so many rows are tried.
TRIED_AT_ONCE = 20
# What a column may be called.
NAMES = {
    "date": ("date", "day", "dyddiad", "التاريخ"),
    "time": ("time", "amser", "الوقت"),
    "zone": ("zone", "time zone", "cylchfa", "cylchfa amser", "المنطقة الزمنية"),
    "account": ("account", "accounts", "channel", "cyfrif", "cyfrifon", "sianel", "الحساب", "القناة"),
    "group": ("group", "segment", "grŵp", "المجموعة"),
    "strategy": ("strategy", "strategaeth", "الاستراتيجية"),
    "name": ("name", "title", "enw", "teitl", "الاسم", "العنوان"),
    "picture": ("picture", "pictures", "image", "llun", "lluniau", "الصورة", "الصور"),
    "language": ("language", "iaith", "اللغة"),
    "subject": ("subject", "pwnc", "الموضوع"),
    "text": ("text", "words", "testun", "geiriau", "النص"),
}
# Where the parts of a message come from: by the first step of what an error points at.
COLUMNS = {
    "send_at": "date", "accounts": "account", "to": "account", "segment": "group", "strategy_id": "strategy",
    "media": "picture", "programme_id": "strategy", "name": "name", "text": "text", "subject": "subject",
    "language": "language",
}  # fmt: skip
_LANGUAGE = re.compile(r"(.+?)[\s:_(-]+([a-z]{2,3}(?:-[a-z0-9]{2,8})?)\)?")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?", re.ASCII)
_BRITISH = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})(?::\d{2}(?:\.0+)?)?", re.ASCII)

Place = tuple[str, str]  # what a column holds, and in which language


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file as it was read: what each column holds, and its rows."""

    header: list[str]
    places: dict[Place, int]
    rows: list[files.Record]


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
    message: Message | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def message_id(self) -> int | None:
        """The draft, where it was made."""
        return self.message.id if self.message else None


class _Wrong(Exception):
    """What is wrong, and with which column."""

    def __init__(self, column: str, detail: str, language: str = "") -> None:
        super().__init__(detail)
        self.column, self.detail, self.language = column, detail, language


def read(body: bytes, filename: str) -> Sheet:
    """A CSV file or a workbook; BadImport where it cannot be read, or a column is not known."""
    if len(body) > BYTES_MAX:
        raise _too_large()
    packed = opening.opened(body, filename).packed
    if len(files.beginning(packed, UNPACKED_MAX + 1)) > UNPACKED_MAX:
        raise _too_large()
    shape = files.shape_of(packed)
    # By rows, as the spreadsheet counts them that people have open beside this.
    found = files.records(packed, shape.encoding, shape.delimiter, by_row=True)
    rows = list(islice(found, ROWS_MAX + 1))
    if not rows:
        raise BadImport("there is no row in this file", pointer="/file")
    if len(rows) > ROWS_MAX:
        raise BadImport(
            said("there are more than {most} rows: divide the file", most=ROWS_MAX), pointer="/file"
        )
    return Sheet(shape.header, _places(shape.header), rows)


def _too_large() -> BadImport:
    return BadImport("this file is larger than a content calendar may be", pointer="/file")


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
        except _Wrong as one:
            wrong.append(one)
        except DomainError as error:
            step = (error.pointer or "").strip("/").split("/")[0]
            wrong.append(_Wrong(COLUMNS.get(step, "text"), error.detail, planned.languages[0]))
    planned.problems = [_problem(sheet, row.line, one.column, one.detail, one.language) for one in wrong]
    return planned


def _read(cells: Mapping[Place, str], known: _Known, zone: str) -> tuple[dict[str, Any], list[_Wrong]]:
    """What the cells of a row mean, each by itself, so that everything that is wrong is told at once."""
    parts: dict[str, Callable[[], Any]] = {
        "send_at": lambda: _when(cells, zone),
        "through": lambda: known.accounts(cells.get(("account", ""), "")),
        "segment": lambda: known.named("group", cells.get(("group", ""), "")),
        "strategy_id": lambda: known.named("strategy", cells.get(("strategy", ""), "")),
        "media": lambda: known.pictures(cells.get(("picture", ""), "")),
        "words": lambda: _words(cells),
    }
    read: dict[str, Any] = {}
    wrong = []
    for name, part in parts.items():
        try:
            read[name] = part()
        except _Wrong as one:
            wrong.append(one)
    return read, wrong


def _draft(
    act: Act,
    planned: Planned,
    known: _Known,
    *,
    through: list[Account],
    words: dict[str, tuple[str, str]],
    media: list[int],
    **more: Any,
) -> Message:
    first, (subject, text) = next(iter(words.items()))
    made = messages.create(
        act, programme_id=known.programme_id, accounts=[one.id for one in through], subject=subject, text=text,
        language=first or None, media=media, name=planned.name, draft=True, **more,
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
            raise _Wrong("text", error.detail, language) from error


def _words(cells: Mapping[Place, str]) -> dict[str, tuple[str, str]]:
    """Subject and text by language, in the order of the columns; "" for the strategy's own."""
    own = cells.get(("language", ""), "").lower()
    found = {
        language or own: (cells.get(("subject", language), ""), text)
        for (what, language), text in cells.items()
        if what == "text" and text
    }
    if not found:
        raise _Wrong("text", said("there are no words: write them in a column called text"))
    return found


def _when(cells: Mapping[Place, str], zone: str) -> dict[str, Any] | None:
    on, clock = cells.get(("date", ""), ""), cells.get(("time", ""), "")
    if not on and not clock:
        return None
    if not on:
        raise _Wrong("date", said("a time needs a day beside it"))
    at = _CLOCK.fullmatch(clock)
    if at is None:
        raise _Wrong("time", said("write a time of day such as 09:30"))
    local = f"{_day(on).isoformat()}T{int(at[1]):02}:{at[2]}"
    own = cells.get(("zone", ""), "")
    try:
        return {"local": local, "zone": zones.canonical(own or zone)}
    except BadTime as error:
        raise _Wrong("zone", error.detail) from error


def _day(text: str) -> date:
    """2026-12-01, or 25/12/2026; what could be two days is refused."""
    iso, british = _ISO.fullmatch(text), _BRITISH.fullmatch(text)
    if (
        british
        and int(british[2]) <= 12
        and int(british[1]) <= 12
        and british[1].lstrip("0") != british[2].lstrip("0")
    ):
        raise _Wrong("date", said("this could be two days: write it as 2026-12-31"))
    parts = (iso[1], iso[2], iso[3]) if iso else (british[3], british[2], british[1]) if british else None
    try:
        return date(*map(int, parts or ()))
    except (TypeError, ValueError):
        raise _Wrong("date", said("write a day such as 2026-12-31")) from None


class _Known:
    """What names in cells stand for, in one programme: each must name one thing."""

    def __init__(self, act: Act, programme_id: int) -> None:
        self._act, self.programme_id = act, programme_id
        self._lineage = programmes.lineage(act.session, programme_id)
        self._found: dict[str, dict[str, list[Any]]] = {}

    def accounts(self, cell: str) -> list[Account]:
        """Connected accounts by name, or by a channel that has only one."""
        if not cell:
            raise _Wrong("account", said("say through which connected account it goes"))
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
            raise _Wrong(what, said("nothing here is called {name}", name=repr(name[:80])))
        if len(found) > 1:
            raise _Wrong(what, said("several are called {name}", name=repr(name[:80])))
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


def _places(header: Sequence[str]) -> dict[Place, int]:
    """What each column holds; BadImport names the first that is not known, or is there twice."""
    found: dict[Place, int] = {}
    for number, title in enumerate(header):
        if not title.strip():
            continue
        place = _place(title)
        if place is None or place in found:
            why = (
                said("nobody knows what this column holds")
                if place is None
                else said("this column is there twice")
            )
            raise BadImport(
                said("{cell}: {why}: {name}", cell=_cell(number, 1), why=why, name=title.strip()[:80]),
                pointer="/file",
            )
        found[place] = number
    missing = sorted({"account", "text"} - {what for what, _ in found})
    if missing:
        raise BadImport(said("there is no column called {name}", name=missing[0]), pointer="/file")
    return found


def _place(title: str) -> Place | None:
    name = fold(" ".join(title.split()))
    for what, names in NAMES.items():
        if name in names:
            return what, ""
    spelt = _LANGUAGE.fullmatch(name)
    if spelt:
        return next(
            ((what, spelt[2]) for what in ("text", "subject") if spelt[1].strip() in NAMES[what]), None
        )
    return None


def _problem(sheet: Sheet, line: int, column: str, detail: str, language: str = "") -> Problem:
    number = sheet.places.get((column, language), sheet.places.get((column, "")))
    if number is None:
        number = next((place for (what, _), place in sheet.places.items() if what == column), 0)
    return Problem(_cell(number, line), sheet.header[number], detail)


def _cell(column: int, line: int) -> str:
    """As spreadsheets call a cell: A1, AB12."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{line}"
