"""An Outbound becomes the bytes of one mail: same Outbound, same bytes.

Rules: control characters in a header are refused before anything is built; bodies are base64 or
quoted-printable (`coding.py`), so every line is short ASCII with CRLF, no relay needs to re-encode it, and no part
can hold the boundary.
Source: RFC 5322, RFC 2045 to 2047, RFC 6532 (addresses whose local part is not ASCII).
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256

import idna

from . import coding
from .api import Outbound, Refused

# Lone surrogates are here too: they cannot be written as UTF-8.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
HEADER_NAME = re.compile(r"[!-9;-~]{1,76}")
MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
LOCAL_PART = re.compile(r"[^\x00-\x20\"(),:;<>@\[\\\]\x7f-\xa0]{1,64}|\"[^\x00-\x1f\"\\\x7f-\xa0]{1,62}\"")
OURS = frozenset(
    (
        "from",
        "to",
        "cc",
        "bcc",
        "sender",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "reply-to",
    )
    + ("mime-version", "return-path", "content-type", "content-transfer-encoding", "content-language")
)
LINE_MAX = 76
TOKEN_MAX = 900  # RFC 5322 allows a line 998 octets
KEPT_MAX = 1_000
WORD_BYTES = 39  # an encoded word of 39 bytes fits a line of 76 behind the longest name we write before one


def build(outbound: Outbound) -> bytes:
    """The whole mail with CRLF line ends. Refused with code `bad_header`, `bad_address` or `bad_text`.

    `text` and `html` become alternatives where both exist. Date is `since`; without one the relay writes it. No line
    begins with a dot, so SMTP has none to stuff.
    """
    lines = [_header(name, value) for name, value in _headers(outbound) if value]
    standing = _standing(outbound.sender_name, outbound.sender, outbound.language, outbound.in_reply_to)
    return b"".join((standing, "\r\n".join(lines).encode(), b"\r\n", *_body(outbound)))


def address(value: str) -> str:
    """An address with its domain as an A-label. Refused with code `bad_address` where mail cannot."""
    local, at, domain = value.rpartition("@")
    host = _host(domain)
    if not at or not LOCAL_PART.fullmatch(local):
        raise Refused("this is not an address mail can be sent to", code="bad_address", phase="build")
    return f"{local}@{host}"


@lru_cache(maxsize=KEPT_MAX)
def _host(domain: str) -> str:
    """A domain as DNS knows it."""
    try:
        host = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise Refused(
            f"the domain of an address is not valid: {error}", code="bad_address", phase="build"
        ) from error
    if not re.fullmatch(r"[A-Za-z0-9.\-]{1,253}", host):
        raise Refused("this is not an address mail can be sent to", code="bad_address", phase="build")
    return host


def needs_eai(outbound: Outbound) -> bool:
    """Whether an address has letters that only a server with SMTPUTF8 takes (RFC 6531)."""
    values = (outbound.to, outbound.sender, outbound.reply_to, str(outbound.options.get("envelope_from", "")))
    return not all(value.rpartition("@")[0].isascii() for value in values)


@lru_cache(maxsize=KEPT_MAX)
def _standing(sender_name: str, sender: str, language: str, in_reply_to: str) -> bytes:
    """The headers that all letters of one sender in one language share."""
    answers = in_reply_to if MESSAGE_ID.fullmatch(in_reply_to) else ""
    headers = [
        ("From", _mailbox(sender_name, sender)),
        ("In-Reply-To", answers),
        ("References", answers),
        ("Content-Language", _checked("Content-Language", language)),
        ("MIME-Version", "1.0"),
    ]
    return "".join(f"{_header(name, value)}\r\n" for name, value in headers if value).encode()


def _headers(outbound: Outbound) -> list[tuple[str, str]]:
    """The headers that are one letter's own."""
    headers = [
        ("To", address(outbound.to)),
        ("Reply-To", address(outbound.reply_to) if outbound.reply_to else ""),
        ("Subject", _words(_checked("Subject", str(outbound.subject)))),
        ("Date", _date(outbound.since.replace(microsecond=0)) if outbound.since else ""),
        ("Message-ID", message_id(outbound)),
    ]
    for name, value in outbound.headers.items():
        headers.append((_free(name), _labelled(_checked(name, value))))
    return headers


@lru_cache(maxsize=KEPT_MAX)
def _date(second: datetime) -> str:
    return format_datetime(second)


@lru_cache(maxsize=KEPT_MAX)
def _free(name: str) -> str:
    """The name of a header that is nobody's yet."""
    if not HEADER_NAME.fullmatch(name) or name.lower() in OURS:
        raise Refused(
            f"the header {name[:40]!a} cannot be set from outside", code="bad_header", phase="build"
        )
    return name


def message_id(outbound: Outbound) -> str:
    """The mail's own name, with its angle brackets; derived from the key where none was given."""
    given = (
        outbound.message_id
        or f"<{sha256(outbound.key.encode()).hexdigest()[:32]}@{_domain(outbound.sender)}>"
    )
    if not MESSAGE_ID.fullmatch(given):
        raise Refused("this is not a Message-ID", code="bad_header", phase="build")
    return given


def _domain(value: str) -> str:
    return address(value).rpartition("@")[2]


def _checked(name: str, value: str) -> str:
    """The header injection check, before any encoding. What Python can print holds no control character."""
    if not value.isprintable() and CONTROL.search(value):
        raise Refused(f"the header {name} holds a control character", code="bad_header", phase="build")
    return value


def _header(name: str, value: str) -> str:
    """One header, folded at single spaces; a word longer than a line stands alone on its line."""
    if len(name) + 2 + len(value) <= LINE_MAX:
        return f"{name}: {value}"
    lines = [f"{name}:"]
    for word in value.split(" "):
        if len(word.encode()) > TOKEN_MAX:
            raise Refused(f"the header {name} is too long", code="bad_header", phase="build")
        if len(lines[-1]) + 1 + len(word) > LINE_MAX and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines)


def _mailbox(name: str, value: str) -> str:
    _checked("From", name)
    if not name:
        return address(value)
    plain = (
        name.isascii()
        and "  " not in name
        and "=?" not in name
        and len(name) <= LINE_MAX
        and name == name.strip()
    )
    shown = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"' if plain else _words(name, always=True)
    return f"{shown} <{address(value)}>"


def _labelled(value: str) -> str:
    """A header of our own, such as List-Id: words in front of an angle bracket may be in any script."""
    words, bracket, rest = value.partition(" <")
    if not rest.isascii():
        raise Refused(
            "a header holds a letter outside ASCII in its address", code="bad_header", phase="build"
        )
    return _words(words) + bracket + rest


def _words(text: str, always: bool = False) -> str:
    """Text for a header: as it is where it survives folding, otherwise as RFC 2047 words."""
    survives = text.isascii() and "  " not in text and "=?" not in text and text == text.strip()
    short = len(text) <= TOKEN_MAX or all(len(word) <= TOKEN_MAX for word in text.split(" "))
    if survives and short and not always:
        return text
    raw, start, pieces = text.encode(), 0, []
    while start < len(raw):
        end = min(start + WORD_BYTES, len(raw))
        while end < len(raw) and raw[end] & 0xC0 == 0x80:  # never between the bytes of one character
            end -= 1
        pieces.append(f"=?utf-8?b?{b2a_base64(raw[start:end], newline=False).decode()}?=")
        start = end
    return " ".join(pieces)


def _body(outbound: Outbound) -> list[bytes]:
    try:
        parts = [
            coding.coded(kind, body)
            for kind, body in (("plain", outbound.text), ("html", outbound.html))
            if body
        ]
    except UnicodeEncodeError:
        raise Refused("the text holds half a character", code="bad_text", phase="build") from None
    if len(parts) < 2:
        return parts[0] if parts else coding.coded("plain", "")
    # '=_' stands neither in base64 nor in quoted-printable.
    boundary = f"=_{sha256(outbound.key.encode()).hexdigest()[:32]}"
    head = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n--{boundary}\r\n'.encode()
    line = f"\r\n--{boundary}".encode()
    # The line end before a boundary belongs to the boundary, not to the part.
    return [head, *parts[0], line, b"\r\n", *parts[1], line, b"--\r\n"]
