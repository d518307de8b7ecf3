"""The part of a mail that holds words: what letters share is encoded once, and each letter's own values in between.

Rules: lines are ASCII of at most 76, end in CRLF and never begin with a dot. The encoding is the shorter one for what
is shared. In base64 a piece may end its line early; in quoted-printable a value has lines of its own, tied by soft
line breaks.
Source: RFC 2045 6.7 and 6.8.
"""

from __future__ import annotations

import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from .api import Filled, Words

LINE = 76
GROUPED = 57  # bytes fill a line of base64
END, SOFT = b"\r\n", b"=\r\n"
KEPT_MAX = 256
HIGH = bytes(range(127, 256))
# In base64 a byte outside ASCII costs 4/3, in quoted-printable 3: above this share base64 is the shorter one.
HIGH_SHARE = 6
DOTS = re.compile(rb"^\.{1,24}", re.MULTILINE)
LONG = re.compile(rb"^(.{74,})(=20|=09)$", re.MULTILINE)

Encode = Callable[[list[bytes]], list[bytes]]


def coded(kind: str, words: Words) -> list[bytes]:
    """The pieces of a part of type text/`kind`, from its headers to its last line end.

    UnicodeEncodeError where the words hold half a character.
    """
    if isinstance(words, Filled):
        encode, said = _encoder(kind, words.constants), "".join(words.values)
        # Each piece can be encoded by itself where no line end lies across two of them.
        if encode is not None and "\r" not in said and (words.constants[-1] or not _is_open(words.values)):
            values = list(map(str.encode, words.values))
            return encode(values if "\n" not in said else [value.replace(b"\n", END) for value in values])
    return _made(kind, [re.sub("\r\n?", "\n", str(words))])([])


def _is_open(values: Sequence[str]) -> bool:
    """Whether words that end with these may have ended their last line already."""
    return values != () and values[-1][-1:] in ("", "\n")


@lru_cache(maxsize=KEPT_MAX)
def _encoder(kind: str, constants: tuple[str, ...]) -> Encode | None:
    """What encodes the values between these constants; None where they cannot be encoded each by itself."""
    return None if any("\r" in one for one in constants) else _made(kind, constants)


def _made(kind: str, constants: Sequence[str]) -> Encode:
    pieces = [one.encode() for one in constants]
    pieces[-1] += b"" if pieces[-1].endswith(b"\n") else b"\n"
    size = sum(map(len, pieces))
    high = size - sum(len(one.translate(None, HIGH)) for one in pieces)
    name, make = ("base64", _Base64) if high * HIGH_SHARE > size else ("quoted-printable", _Quoted)
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {name}\r\n\r\n"
    return make(head.encode(), pieces)


class _Shared(NamedTuple):
    """A constant that fills a group of three begun before it: what it gives to that, a line end and whole groups, and
    the rest. `lines` is None where it is too short to fill it."""

    lead: bytes
    lines: bytes | None
    rest: bytes


class _Base64:
    """Values change where the groups of three bytes begin, so each constant is kept for all three places."""

    def __init__(self, head: bytes, pieces: list[bytes]) -> None:
        first, *others = (one.replace(b"\n", END) for one in pieces)
        whole = len(first) // 3 * 3
        self._head, self._rest = head + _lines(first[:whole]), first[whole:]
        self._behind = [tuple(_shared(one, begun) for begun in range(3)) for one in others]

    def __call__(self, values: list[bytes]) -> list[bytes]:
        made, rest = [self._head], self._rest
        for value, behind in zip(values, self._behind, strict=True):
            raw = rest + value
            lead, lines, rest = behind[len(raw) % 3]
            raw += lead
            if lines is None:
                rest = raw
            elif len(raw) <= GROUPED:
                made += (b2a_base64(raw, newline=False), lines)
            else:
                made += (_lines(raw), lines[2:])
        made.append(_lines(rest))
        return made


def _shared(piece: bytes, begun: int) -> _Shared:
    lead = -begun % 3
    whole = (len(piece) - lead) // 3 * 3
    if whole < 0:
        return _Shared(piece, None, b"")
    return _Shared(piece[:lead], END + _lines(piece[lead : lead + whole]), piece[lead + whole :])


def _lines(raw: bytes) -> bytes:
    """Base64 in lines, the last of them ended too."""
    flat = b2a_base64(raw, newline=False)
    if len(flat) <= LINE:
        return flat + b"\r\n" if flat else b""
    return b"\r\n".join([*(flat[place : place + LINE] for place in range(0, len(flat), LINE)), b""])


class _Quoted:
    """Constants and values end in soft line breaks, all but the last constant."""

    def __init__(self, head: bytes, pieces: list[bytes]) -> None:
        *shared, last = pieces
        coded = [*map(_soft, shared), _lawful(b2a_qp(last, istext=True))]
        self._head, self._behind = head + coded[0], coded[1:]

    def __call__(self, values: list[bytes]) -> list[bytes]:
        made = [self._head]
        for value, behind in zip(values, self._behind, strict=True):
            if value.isalnum() and len(value) < LINE:
                made += (value, SOFT, behind)
            else:
                made += (_soft(value), behind)
        return made


def _soft(raw: bytes) -> bytes:
    """Quoted-printable that the next piece goes on from: a letter behind it leaves room for the soft line break."""
    coded = b2a_qp(raw.replace(END, b"\n") + b"~", istext=True)[:-1]
    if coded.find(b"\n") < 0 and coded[:1] != b".":
        return coded + SOFT if coded else b""
    return _lawful(coded + b"=\n")


def _lawful(coded: bytes) -> bytes:
    """What `b2a_qp` leaves to do: no dot begins a line, and white space that ends one makes it no longer than 76."""
    while coded.startswith(b".") or b"\n." in coded:
        coded = DOTS.sub(lambda found: b"=2E" * len(found[0]) + b"=\n", coded)
    if b"=20\n" in coded or b"=09\n" in coded:
        coded = LONG.sub(rb"\1=\n\2", coded)
    return coded.replace(b"\n", b"\r\n")
