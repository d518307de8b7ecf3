"""Text from outside: what we take, how it is stored, how it is compared, and what is odd about it.

Rules: stored text is NFC; what no database or reader can hold (lone surrogates, NUL, control characters) is
refused; everything else is data and stays as it was written.
"""

from __future__ import annotations

import unicodedata

import regex

from ..errors import BadField, Invalid, said

NAME_MAX = 500
TEXT_MAX = 10_000

_ONE_LINE = regex.compile(r"[\p{Cc}\p{Cs}\u2028\u2029]")
_LINES = regex.compile(r"[[\p{Cc}\p{Cs}]--[\t\n]]", flags=regex.V1)
_BIDI = regex.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = regex.compile(r"[\u00ad\u180e\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_WORD = regex.compile(r"\w+")
_LOOKALIKES = tuple(regex.compile(rf"\p{{Script={name}}}") for name in ("Latin", "Cyrillic", "Greek"))


def fold(text: str) -> str:
    """The form in which text is compared: NFC and lower case. Not casefold, which makes ß and ss one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def clean(
    value: object,
    pointer: str,
    *,
    length_max: int = NAME_MAX,
    lines: bool = False,
    empty: bool = False,
    error: type[Invalid] = BadField,
) -> str:
    """The text as it is stored (NFC), or an Invalid that says where it is wrong.

    `lines` takes tabs and line ends (CRLF becomes LF); `empty` takes text without a visible character.
    """
    if not isinstance(value, str):
        raise error("this must be text", pointer=pointer)
    text = unicodedata.normalize("NFC", value)
    if lines:
        text = text.replace("\r\n", "\n")
    if odd := (_LINES if lines else _ONE_LINE).search(text):
        name = f"U+{ord(odd.group()):04X}"
        raise error(
            said(
                "the character {name} at place {place} cannot be stored; take it out",
                name=name,
                place=odd.start() + 1,
            ),
            pointer=pointer,
        )
    if not empty and not text.strip():
        raise error("this must not be empty", pointer=pointer)
    if len(text) > length_max:
        raise error(
            said(
                "this has {length} characters; at most {length_max} are kept",
                length=len(text),
                length_max=length_max,
            ),
            pointer=pointer,
        )
    return text


def flags(text: str) -> list[str]:
    """What a reader should be warned of: `bidi_control`, `invisible`, `mixed_script` (R42)."""
    found = []
    if _BIDI.search(text):
        found.append("bidi_control")
    if _INVISIBLE.search(text):
        found.append("invisible")
    if any(sum(bool(script.search(word)) for script in _LOOKALIKES) > 1 for word in _WORD.findall(text)):
        found.append("mixed_script")
    return found
