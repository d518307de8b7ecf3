"""Signed tokens for links and reply addresses, made with the installation's keys.

Rules: a token names one thing and one use of it; it is lower-case base32, so it survives a mail address; the
newest key signs, every key of the ring verifies.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b32decode
from dataclasses import dataclass
from functools import lru_cache

from .errors import LinkNotValid

MAC_BYTES = 15  # 120 bits; with the 8 bytes of the id a token has 37 letters
TOKEN_LETTERS = 37

_LETTERS = bytes.maketrans(bytes(range(32)), b"abcdefghijklmnopqrstuvwxyz234567")
# For each step of `_base32`: the upper half of what lies in each place, and what moves it to where it belongs.
_MOVES = tuple(
    (sum(((1 << half) - 1) << (half + lane) for lane in range(0, 320, 2 * (half + free))), (1 << free) - 1)
    for half, free in ((20, 12), (10, 6), (5, 3))
)


@dataclass(frozen=True)
class Links:
    """Makes and reads tokens. `keys` are 32 bytes each, newest first; `base_url` has no slash at its end."""

    base_url: str
    keys: tuple[bytes, ...]
    mail_domain: str = "localhost"

    def token(self, use: str, number: int) -> str:
        """A token for one use (`unsubscribe`, `reply`, …) of one 63-bit id."""
        body = number.to_bytes(8, "big")
        return _base32(body + _mac(self.keys[0], use, body))

    def read(self, use: str, token: str) -> int:
        """The id inside a token of this use; LinkNotValid for anything else."""
        try:
            raw = b32decode(token.upper() + "=" * (-len(token) % 8))
        except ValueError:
            raw = b""
        if len(raw) != 8 + MAC_BYTES:
            raise LinkNotValid("this link is not one of ours")
        body, mac = raw[:8], raw[8:]
        if not any(hmac.compare_digest(mac, _mac(key, use, body)) for key in self.keys):
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


def _mac(key: bytes, use: str, body: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104), shortened; a letter has up to four, so what key and use give is kept."""
    begun = _begun(key, use)
    inner, outer = begun[0].copy(), begun[1].copy()
    inner.update(body)
    outer.update(inner.digest())
    return outer.digest()[:MAC_BYTES]


@lru_cache(maxsize=64)
def _begun(key: bytes, use: str) -> tuple[hashlib._Hash, hashlib._Hash]:
    inner, outer = (
        hashlib.sha256(bytes(byte ^ pad for byte in key.ljust(64, b"\0"))) for pad in (0x36, 0x5C)
    )
    inner.update(use.encode() + b"\0")
    return inner, outer


def _base32(raw: bytes) -> str:
    """The base32 of a token in small letters, without padding; `b32encode` takes five times as long.

    Each 5 bytes get 8, then the upper halves of 40, of 20 and of 10 bits move up, until a byte holds 5.
    """
    blocks = (b"", raw[:5], raw[5:10], raw[10:15], raw[15:20], raw[20:] + b"\0\0")
    number = int.from_bytes(b"\0\0\0".join(blocks), "big")
    for upper, move in _MOVES:
        number += (number & upper) * move
    return number.to_bytes(40, "big").translate(_LETTERS)[:TOKEN_LETTERS].decode()
