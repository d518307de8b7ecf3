"""Signed tokens for links and reply addresses, made with the installation's keys.

Rules: a token names one thing and one use of it; it is lower-case base32, so it survives a mail address; the
newest key signs, every key of the ring verifies.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from base64 import b32decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from .errors import LinkNotValid

MAC_BYTES = 15  # 120 bits; with the 8 bytes of the id a token has 37 letters
TOKEN_LETTERS = 37

_LETTERS = bytes.maketrans(bytes(range(32)), b"abcdefghijklmnopqrstuvwxyz234567")
_PADDING = b"\0\0"  # to whole groups of 5 bytes
_GROUPS, _CODED = 5, 40  # groups of a token, and the letters they give


@dataclass(frozen=True)
class Links:
    """Makes and reads tokens. `keys` are 32 bytes each, newest first; `base_url` has no slash at its end."""

    base_url: str
    keys: tuple[bytes, ...]
    mail_domain: str = "localhost"

    def token(self, use: str, number: int) -> str:
        """A token for one use (`unsubscribe`, `reply`, …) of one 63-bit id."""
        return self.tokens((use,), number)[0]

    def tokens(self, uses: tuple[str, ...], number: int) -> list[str]:
        """A token for each of these uses of one id; making them together costs half."""
        body = number.to_bytes(8, "big")
        return _base32([body + mac for mac in _macs(self.keys[0], uses, body)])

    def read(self, use: str, token: str) -> int:
        """The id inside a token of this use; LinkNotValid for anything else."""
        try:
            raw = b32decode(token.upper() + "=" * (-len(token) % 8))
        except ValueError:
            raw = b""
        if len(raw) != 8 + MAC_BYTES:
            raise LinkNotValid("this link is not one of ours")
        body, mac = raw[:8], raw[8:]
        if not any(hmac.compare_digest(mac, _macs(key, (use,), body)[0]) for key in self.keys):
            raise LinkNotValid("this link is not one of ours")
        return int.from_bytes(body, "big")

    def letter_id(self, number: int) -> str:
        """The Message-ID of a letter to a colleague, by which it is known again should it come back to a mailbox."""
        return f"<letter.{self.token('letter', number)}@{self.mail_domain}>"

    def is_letter(self, message_id: str) -> bool:
        """Whether this is the Message-ID of one of our letters to colleagues."""
        kind, _, token = message_id.strip().strip("<>").partition("@")[0].partition(".")
        try:
            return kind == "letter" and self.read("letter", token) >= 0
        except LinkNotValid:
            return False

    def url(self, path: str) -> str:
        """An absolute address on this installation."""
        return f"{self.base_url}{path}"


class Tokens(dict[str, str]):
    """The signed tokens of one delivery by their use, each made when it is asked for."""

    def __init__(self, links: Links, number: int) -> None:
        self._links, self._number = links, number

    def __missing__(self, use: str) -> str:
        token = self[use] = self._links.token(use, self._number)
        return token

    def of(self, uses: tuple[str, ...]) -> list[str]:
        """The tokens of these uses."""
        made = self._links.tokens(uses, self._number) if uses else []
        for use, token in zip(uses, made, strict=True):
            self[use] = token
        return made


def _macs(key: bytes, uses: tuple[str, ...], body: bytes) -> list[bytes]:
    """For each use its HMAC-SHA256 (RFC 2104), shortened."""
    made = []
    for begun, ending in _begun(key, uses):
        inner, outer = begun.copy(), ending.copy()
        inner.update(body)
        outer.update(inner.digest())
        made.append(outer.digest()[:MAC_BYTES])
    return made


@lru_cache(maxsize=64)
def _begun(key: bytes, uses: tuple[str, ...]) -> list[tuple[hashlib._Hash, hashlib._Hash]]:
    """The inner and the outer hash of each use, as far as key and use decide them: a letter has up to four."""
    pads = [bytes(byte ^ pad for byte in key.ljust(64, b"\0")) for pad in (0x36, 0x5C)]
    return [(hashlib.sha256(pads[0] + use.encode() + b"\0"), hashlib.sha256(pads[1])) for use in uses]


def _base32(raw: Sequence[bytes]) -> list[str]:
    """The base32 of tokens in small letters, without padding; `b32encode` takes eight times as long.

    Each 5 bytes get 8, then the upper halves of 40, of 20 and of 10 bits move up, until a byte holds 5.
    """
    groups, moves = _spreading(len(raw))
    spread = b"\0\0\0".join(groups(_PADDING.join((*raw, b""))))
    number = int.from_bytes(spread, "big")
    for upper, move in moves:
        number += (number & upper) * move
    coded = number.to_bytes(_CODED * len(raw), "big").translate(_LETTERS).decode()
    return [coded[start : start + TOKEN_LETTERS] for start in range(0, len(coded), _CODED)]


@cache
def _spreading(count: int) -> tuple[Callable[[bytes], tuple[bytes, ...]], list[tuple[int, int]]]:
    """What cuts so many tokens in groups of 5 bytes; and for each step of `_base32` the upper halves, and what moves
    them up."""
    bits = 8 * _CODED * count
    moves = [
        (sum(((1 << half) - 1) << at for at in range(half, bits, 2 * (half + free))), (1 << free) - 1)
        for half, free in ((20, 12), (10, 6), (5, 3))
    ]
    return struct.Struct("5s" * (_GROUPS * count)).unpack, moves
