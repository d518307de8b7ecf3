"""Words with slots become one person's words; the same words and values give the same bytes every time.

Rules: a value that is missing is an error, never a gap; a subject stays one line; outgoing HTML passes the
allow-list; nothing grows beyond its cap.
Source: C1, bad input T2, T5, T12, T13.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import regex
from jinja2 import TemplateError

from ..canonical import canonical
from ..errors import BadField, BadTemplate, said
from ..errors import MissingData as MissingData  # callers catch it where they render
from ..stakeholders.text import clean
from . import markup
from .subset import ITEMS_MAX, OPTIONAL, part

SUBJECT_MAX = 1_000
TEXT_MAX = 100_000
HTML_MAX = 1_000_000
DATA_MAX = 100_000

_MAPS = (dict, Mapping)  # the first is asked quickly
_NOT_IN_SUBJECTS = regex.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


class Words(Protocol):
    """What has words: a variant, a template version, or the words alone."""

    @property
    def subject(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def html(self) -> str: ...


class Person(Protocol):
    """What the words may know of somebody."""

    @property
    def name(self) -> str: ...
    @property
    def languages(self) -> Sequence[str]: ...
    @property
    def attrs(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Rendered:
    """One person's words. `html` is the inside of a body: clean, and without html, head or body tags."""

    subject: str = ""
    text: str = ""
    html: str = ""


def cleaned(subject: object, text: object, html: object) -> dict[str, str]:
    """Words as they are stored: NFC, line ends as LF, the subject on one line; BadField points at what is not.

    At least one of text and HTML must say something.
    """
    words = {
        "subject": clean(subject, "/subject", length_max=SUBJECT_MAX, empty=True),
        "text": clean(text, "/text", length_max=TEXT_MAX, lines=True, empty=True),
        "html": clean(html, "/html", length_max=HTML_MAX, lines=True, empty=True),
    }
    if not words["text"].strip() and not words["html"].strip():
        raise BadField("there are no words: write a text", pointer="/text")
    return words


def check(subject: str, text: str, html: str) -> list[str]:
    """The slots the words use, in order of first use; one that may be missing ends in `?`.

    BadTemplate points at /subject, /text or /html and carries the `line`.
    """
    required: dict[str, bool] = {}
    for source, field, escape, size_max in (
        (subject, "subject", False, SUBJECT_MAX),
        (text, "text", False, TEXT_MAX),
        (html, "html", True, HTML_MAX),
    ):
        if len(source.encode("utf-8", "surrogatepass")) > size_max:
            raise BadTemplate(
                said("this is longer than {size_max} bytes", size_max=size_max), pointer=f"/{field}", line=1
            )
        try:
            slots = part(source, escape).slots
        except BadTemplate as wrong:
            raise BadTemplate(wrong.detail, pointer=f"/{field}", **wrong.facts) from None
        for slot in slots:
            name = slot.removesuffix(OPTIONAL)
            required[name] = required.get(name, False) or not slot.endswith(OPTIONAL)
    return [name if needed else name + OPTIONAL for name, needed in required.items()]


def check_data(data: object) -> dict[str, Any]:
    """Declared data as it is stored; BadField when it is no JSON object or larger than words may use."""
    if not isinstance(data, dict):
        raise BadField("data is an object of names and values", pointer="/data")
    try:
        size, items = len(canonical(data)), _items(data)
    except (ValueError, RecursionError):
        raise BadField("data must be plain JSON", pointer="/data") from None
    if size > DATA_MAX or items > ITEMS_MAX:
        raise BadField(
            said(
                "data holds at most {data_max} bytes and {items_max} list items",
                data_max=DATA_MAX, items_max=ITEMS_MAX,
            ),
            pointer="/data", bytes=size, items=items,
        )  # fmt: skip
    return data


def facts(stakeholder: Person | None, data: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """What the words may name: `name`, `language`, `fields`, `data`; `extra` adds others (unsubscribe_url)."""
    known: dict[str, Any] = {"data": data}
    if stakeholder is not None:
        known["name"] = stakeholder.name
        known["language"] = stakeholder.languages[0] if stakeholder.languages else ""
        known["fields"] = stakeholder.attrs
    known.update(extra)
    return known


def values(slots: Sequence[str], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted slot name to value, for these slots only; MissingData lists all that are absent or empty."""
    found: dict[str, Any] = {}
    missing = []
    for slot in slots:
        name, path, needed = _way(slot)
        value = _walk(facts, path)
        if value is not None and not (isinstance(value, str) and not value.strip()):
            found[name] = value
        elif needed:
            missing.append(name)
    if missing:
        raise MissingData(missing)
    return found


def nest(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as objects in objects, which is what the words look into."""
    known: dict[str, Any] = {}
    for name in sorted(values):
        *above, last = name.split(".")
        place = known
        for step in above:
            inner = place.get(step)
            place[step] = place = dict(inner) if isinstance(inner, dict) else {}
        place.setdefault(last, values[name])
    return known


def render(words: Words, values: Mapping[str, Any]) -> Rendered:
    """The words with these values (dotted name to value) in their slots.

    MissingData where a value is missing; BadTemplate where the result would be too large, print a list or break
    the subject's one line.
    """
    known = nest(values)
    return whole(
        _fill(words.subject, False, known, SUBJECT_MAX),
        _fill(words.text, False, known, TEXT_MAX),
        _fill(words.html, True, known, HTML_MAX),
    )


def whole(subject: str, text: str, html: str) -> Rendered:
    """Words whose slots are filled, as they may go out: the subject on one line, the HTML clean."""
    subject = subject.strip()
    if odd := _NOT_IN_SUBJECTS.search(subject):
        raise BadTemplate(
            said("the subject would hold the character {name}", name=f"U+{ord(odd.group()):04X}"),
            pointer="/subject",
        )
    return Rendered(subject, text, markup.clean(html))


def _fill(source: str, escape: bool, known: dict[str, Any], size_max: int) -> str:
    if not source:
        return ""
    ready = part(source, escape)
    missing = [
        slot for slot in ready.slots if not slot.endswith(OPTIONAL) and _walk(known, slot.split(".")) is None
    ]
    if missing:
        raise MissingData(missing)
    pieces, length = [], 0
    try:
        for piece in ready.template.generate(known):
            length += len(piece)
            if length > size_max:
                break
            pieces.append(piece)
        made = "".join(pieces)
        too_long = length > size_max or len(made.encode()) > size_max
    except (TemplateError, TypeError, UnicodeEncodeError) as wrong:  # the last: half a character
        raise BadTemplate(said("these values do not fit the words: {wrong}", wrong=wrong)) from None
    if too_long:
        raise BadTemplate(
            said("with these values the words are longer than {size_max} bytes", size_max=size_max)
        )
    return made


@lru_cache(maxsize=1000)
def _way(slot: str) -> tuple[str, tuple[str, ...], bool]:
    """A slot's dotted name, the steps to its value, and whether it is needed."""
    name = slot.removesuffix(OPTIONAL)
    return name, tuple(name.split(".")), name == slot


def _walk(known: Any, path: Sequence[str]) -> Any:
    for step in path:
        if not isinstance(known, _MAPS) or step not in known:
            return None
        known = known[step]
    return known


def _items(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_items(item) for item in value.values())
    return len(value) + sum(_items(item) for item in value) if isinstance(value, list) else 0
