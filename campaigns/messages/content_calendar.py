"""A content calendar as a spreadsheet: what its columns are called, and what days, times and words in its cells mean.

Rules: a column that nobody knows is asked about, and what could be two days is refused: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import islice

from babel.core import Locale

from ..errors import BadImport, said
from ..stakeholders import files, opening
from ..stakeholders.text import fold

BYTES_MAX = 512 * 1024
# A workbook of few bytes may stand for many.
UNPACKED_MAX = 8 * 1024 * 1024
ROWS_MAX = 200
# What a column may be called. That of words may name their language too: text cy, Testun (Cymraeg), Welsh text.
NAMES = {
    "date": ("date", "day", "dyddiad", "التاريخ"),
    "time": ("time", "amser", "الوقت"),
    "zone": ("zone", "time zone", "cylchfa", "cylchfa amser", "المنطقة الزمنية"),
    "account": ("account", "accounts", "channel", "cyfrif", "cyfrifon", "sianel", "الحساب", "القناة"),
    "group": ("group", "segment", "grŵp", "المجموعة"),
    "purpose": ("purpose", "counts as", "diben", "yn cyfrif fel", "الغرض"),
    "strategy": ("strategy", "strategaeth", "الاستراتيجية"),
    "name": ("name", "title", "enw", "teitl", "الاسم", "العنوان"),
    "picture": ("picture", "pictures", "image", "llun", "lluniau", "الصورة", "الصور"),
    "language": ("language", "iaith", "اللغة"),
    "subject": ("subject", "pwnc", "الموضوع"),
    "text": ("text", "words", "testun", "geiriau", "النص"),
}
WORDED = ("text", "subject")
# What a file to start from has, in a language of ours: with subject and text in that one and in another.
HEADINGS = {
    "en": ("date", "time", "account", "group", "purpose", "name", "subject", "text"),
    "cy": ("dyddiad", "amser", "cyfrif", "grŵp", "diben", "enw", "pwnc", "testun"),
    "ar": ("التاريخ", "الوقت", "الحساب", "المجموعة", "الغرض", "الاسم", "الموضوع", "النص"),
}
NEEDED = ("account", "text")
PURPOSES = {
    "service": ("service", "service and answers", "gwasanaeth", "gwasanaeth ac atebion", "الخدمة", "الخدمة والردود"),
    "direct_marketing": (
        "news", "news and invitations", "newsletter", "direct_marketing", "marketing", "newyddion",
        "newyddion a gwahoddiadau", "الأخبار", "الأخبار والدعوات",
    ),
    "survey": ("survey", "surveys", "arolwg", "arolygon", "استطلاع", "استطلاعات الرأي"),
}  # fmt: skip
HALVES = {
    "am": 0,
    "a.m.": 0,
    "yb": 0,
    "y.b.": 0,
    "ص": 0,
    "pm": 12,
    "p.m.": 12,
    "yp": 12,
    "y.p.": 12,
    "yh": 12,
    "م": 12,
}
_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})?")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?", re.ASCII)
_BRITISH = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", re.ASCII)
_IN_WORDS = re.compile(r"(?:[^\W\d_]+,? )?(\d{1,2})(?:st|nd|rd|th)? ([^\W\d_]+)[.,]? (\d{4})")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?(?::\d{2}(?:\.0+)?)? ?([^\W\d][\w.]*)?")

Place = tuple[str, str]  # what a column holds, and in which language


@dataclass(frozen=True, slots=True)
class Table:
    """A file as it was opened: its first row, and the rows below."""

    header: list[str]
    rows: list[files.Record]
    sheets: list[str]
    sheet: str | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of which is known what each column holds."""

    header: list[str]
    places: dict[Place, int]
    rows: list[files.Record]


class Wrong(Exception):
    """What is wrong with a row, and with which of its columns."""

    def __init__(self, column: str, detail: str, language: str = "") -> None:
        super().__init__(detail)
        self.column, self.detail, self.language = column, detail, language


def read(body: bytes, filename: str, sheet: str | None = None) -> Table:
    """A CSV file or a workbook; BadImport where it cannot be read, or is too large."""
    if len(body) > BYTES_MAX:
        raise _too_large()
    opened = opening.opened(body, filename, sheet)
    if len(files.beginning(opened.packed, UNPACKED_MAX + 1)) > UNPACKED_MAX:
        raise _too_large()
    shape = files.shape_of(opened.packed)
    # By rows, as the spreadsheet counts them that people have open beside this.
    found = files.records(opened.packed, shape.encoding, shape.delimiter, by_row=True)
    rows = list(islice(found, ROWS_MAX + 1))
    if not rows:
        raise BadImport("there is no row in this file", pointer="/file")
    if len(rows) > ROWS_MAX:
        raise BadImport(
            said("there are more than {most} rows: divide the file", most=ROWS_MAX), pointer="/file"
        )
    return Table(shape.header, rows, opened.sheets, opened.sheet)


def _too_large() -> BadImport:
    return BadImport("this file is larger than a content calendar may be", pointer="/file")


def laid_out(table: Table, names: Sequence[str] | None = None) -> Sheet:
    """The table with what each column holds; `names` are other names for its columns, "" for one that is not taken in.

    BadImport names the first column that is not known, or is there twice.
    """
    names = table.header if names is None else names
    found: dict[Place, int] = {}
    for number, name in enumerate(names):
        if not name.strip():
            continue
        held = place(name)
        if held is None or held in found:
            why = (
                said("nobody knows what this column holds")
                if held is None
                else said("this column is there twice")
            )
            title = table.header[number].strip()[:80]
            raise BadImport(
                said("{cell}: {why}: {name}", cell=cell(number, 1), why=why, name=title), pointer="/columns"
            )
        found[held] = number
    missing = sorted(set(NEEDED) - {what for what, _ in found})
    if missing:
        raise BadImport(said("there is no column called {name}", name=missing[0]), pointer="/columns")
    return Sheet(table.header, found, table.rows)


def beginning(language: str) -> list[str]:
    """The titles of a file to start from, for a reader of this language."""
    *plain, subject, text = HEADINGS[language]
    tags = (language, "cy" if language == "en" else "en")
    return plain + [f"{worded} {tag}" for tag in tags for worded in (subject, text)]


def place(title: str) -> Place | None:
    """What a column of this title holds; None where nobody knows."""
    name = fold(" ".join(title.split()))
    for what, names in NAMES.items():
        if name in names:
            return what, ""
    for what in WORDED:
        for known in NAMES[what]:
            behind = re.fullmatch(rf"{known}[\s:_(\[-]+(.+?)[)\]]?", name)
            before = re.fullmatch(rf"(.+?)[\s:_-]+{known}", name)
            if (found := behind or before) and (language := _language(found[1])):
                return what, language
    return None


def _language(name: str) -> str | None:
    """A language by its tag, or by its name in one of ours."""
    tagged = _TAG.fullmatch(name) and name.split("-")[0] in _languages().values()
    return name if tagged else _languages().get(name)


@lru_cache(maxsize=1)
def _languages() -> dict[str, str]:
    named = [item for tongue in HEADINGS for item in Locale.parse(tongue).languages.items()]
    return {fold(name): code.replace("_", "-").lower() for code, name in named}


def words(cells: Mapping[Place, str]) -> dict[str, tuple[str, str]]:
    """Subject and text by language, in the order of the columns; "" for the strategy's own language.

    A subject that names no language is that of every text without one of its own.
    """
    own, shared = cells.get(("language", ""), "").lower(), cells.get(("subject", ""), "")
    found = {
        language or own: (cells.get(("subject", language or own)) or shared, text)
        for (what, language), text in cells.items()
        if what == "text" and text
    }
    if not found:
        raise Wrong("text", said("there are no words: write them in a column called text"))
    for (what, language), subject in cells.items():
        if what == "subject" and language and subject and language not in found:
            raise Wrong("subject", said("there are no words in the language of this subject"), language)
    return found


def purpose(cells: Mapping[Place, str]) -> str | None:
    """What a row counts as; None where it does not say."""
    told = fold(cells.get(("purpose", ""), ""))
    if not told:
        return None
    for code, names in PURPOSES.items():
        if told in names:
            return code
    raise Wrong("purpose", said("write what it counts as: news, service or survey"))


def day(text: str) -> date:
    """2026-12-01, 25/12/2026 or 25 December 2026; what could be two days is refused."""
    iso, british, told = _ISO.fullmatch(text), _BRITISH.fullmatch(text), _IN_WORDS.fullmatch(text)
    if (
        british
        and int(british[2]) <= 12
        and int(british[1]) <= 12
        and british[1].lstrip("0") != british[2].lstrip("0")
    ):
        raise Wrong("date", said("this could be two days: write it as 2026-12-31"))
    parts: tuple[str | int, ...] = ()
    if iso:
        parts = (iso[1], iso[2], iso[3])
    elif british:
        parts = (british[3], british[2], british[1])
    elif told:
        parts = (told[3], _months().get(fold(told[2]), 0), told[1])
    try:
        return date(*map(int, parts))
    except (TypeError, ValueError):
        raise Wrong("date", said("write a day such as 2026-12-31")) from None


@lru_cache(maxsize=1)
def _months() -> dict[str, int]:
    named = [
        (name, number)
        for tongue in HEADINGS
        for width in ("wide", "abbreviated")
        for number, name in Locale.parse(tongue).months["format"][width].items()
    ]
    return {fold(name): number for name, number in named}


def clock(text: str) -> str:
    """09:30, 9.30 or 2pm as HH:MM."""
    at = _CLOCK.fullmatch(fold(text))
    half = HALVES.get(at[3] or "") if at else None
    if at is None or (at[3] and half is None) or (half is None and not at[2]):
        raise Wrong("time", said("write a time of day such as 09:30"))
    hour = int(at[1])
    if half is not None and not 1 <= hour <= 12:
        raise Wrong("time", said("write a time of day such as 09:30"))
    return f"{hour if half is None else hour % 12 + half:02}:{at[2] or '00'}"


def cell(column: int, line: int) -> str:
    """As spreadsheets call a cell: A1, AB12."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{line}"
