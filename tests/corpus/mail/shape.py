"""How a sample is made and what it says about itself."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

DOMAIN = "post.cyngor.example"
DATE = "Mon, 02 Nov 2026 09:30:00 +0000"


@dataclass(frozen=True, slots=True)
class Expected:
    """What one event of a mail has to say; `words` are compared without regard to white space, None not at all."""

    kind: str
    about: str = ""
    hard: bool = False
    suspected: bool = False
    token: str = ""
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A mail, the group it belongs to (dsn, arf, auto_reply, person) and its events."""

    name: str
    group: str
    raw: bytes
    expected: tuple[Expected, ...]


@dataclass(frozen=True, slots=True)
class Ours:
    """A mail of ours that something came back about, with its token."""

    number: int
    to: str
    token: str = field(init=False)

    def __post_init__(self) -> None:
        digest = sha256(b"token %d" % self.number).digest()
        object.__setattr__(self, "token", base64.b32encode(digest).decode().lower()[:37])

    @property
    def message_id(self) -> str:
        """Its Message-ID."""
        return f"<dlv_01j9zx{self.number:07d}@{DOMAIN}>"

    @property
    def return_path(self) -> str:
        """Where bounces of it go."""
        return f"bounces+{self.token}@{DOMAIN}"

    def headers(self) -> str:
        """Its headers as a server returns them."""
        return lines(
            f"Return-Path: <{self.return_path}>",
            "Received: from dolen.cyngor.example by mx.example.net with ESMTPS; " + DATE,
            f"From: Cyngor <helo@{DOMAIN}>",
            f"To: {self.to}",
            f"Reply-To: replies+{self.token}@{DOMAIN}",
            "Subject: Cyfarfod y pentref",
            f"Date: {DATE}",
            f"Message-ID: {self.message_id}",
        )

    def whole(self) -> str:
        """Headers and words."""
        return f"{self.headers()}\n\nDewch i'r cyfarfod nos Fercher.\n"


def lines(*given: str) -> str:
    """Lines without an end; empty ones are left out."""
    return "\n".join(line for line in given if line)


def mail(headers: Iterable[str], body: str, charset: str = "utf-8") -> bytes:
    """A mail with CRLF; the body in `charset`, where the letters allow that."""
    head = "\n".join(header for header in headers if header)
    return f"{head}\n\n".replace("\n", "\r\n").encode() + body.replace("\n", "\r\n").encode(charset)


def part(kind: str, body: str, *headers: str) -> str:
    """One part of a multipart."""
    return "\n".join((f"Content-Type: {kind}", *headers)) + f"\n\n{body}"


def parts(boundary: str, *given: str) -> str:
    """The body of a multipart."""
    return "".join(f"--{boundary}\n{one}\n" for one in given) + f"--{boundary}--\n"


def coded(text: str, charset: str, transfer: str) -> tuple[str, str]:
    """A text as it travels, and the headers that say how."""
    raw = text.encode(charset)
    head = f"Content-Transfer-Encoding: {transfer}"
    if transfer == "base64":
        return base64.encodebytes(raw).decode(), head
    if transfer == "quoted-printable":
        return quopri.encodestring(raw).decode(), head
    return text, head


def word(text: str, charset: str = "utf-8", how: str = "b") -> str:
    """A header's words as programs encode them (RFC 2047)."""
    if text.isascii():
        return text
    raw = text.encode(charset)
    if how == "b":
        return f"=?{charset}?B?{base64.b64encode(raw).decode()}?="
    return f"=?{charset}?Q?{''.join(f'={byte:02X}' for byte in raw)}?="


def spaceless(text: str) -> str:
    """Words to compare, without regard to how they were broken in lines."""
    return " ".join(text.split())
