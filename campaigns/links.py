"""Signed tokens for links and reply addresses, made with the installation's keys.

Rules: a token names one thing and one use of it; it is lower-case base32, so it survives a mail address; the
newest key signs, every key of the ring verifies.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b32decode, b32encode
from dataclasses import dataclass

from .errors import LinkNotValid

MAC_BYTES = 15  # 120 bits; with the 8 bytes of the id a token has 37 letters


@dataclass(frozen=True)
class Links:
    """Makes and reads tokens. `keys` are 32 bytes each, newest first; `base_url` has no slash at its end."""

    base_url: str
    keys: tuple[bytes, ...]
    mail_domain: str = "localhost"

    def token(self, use: str, number: int) -> str:
        """A token for one use (`unsubscribe`, `reply`, …) of one 63-bit id."""
        body = number.to_bytes(8, "big")
        return b32encode(body + _mac(self.keys[0], use, body)).decode().rstrip("=").lower()

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
    return hmac.new(key, use.encode() + b"\0" + body, hashlib.sha256).digest()[:MAC_BYTES]
