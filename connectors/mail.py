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
# Most addresses; what looks otherwise is looked at closely.
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}")
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
# '=_' stands neither in base64 nor in quoted-printable.
BOUNDARY = b"=_dolen"
ALTERNATIVES = b'Content-Type: multipart/alternative; boundary="%b"\r\n\r\n--%b\r\n' % (BOUNDARY, BOUNDARY)
BETWEEN, END = b"\r\n--%b\r\n" % BOUNDARY, b"\r\n--%b--\r\n" % BOUNDARY
WORD_BYTES = 39  # an encoded word of 39 bytes fits a line of 76 behind the longest name we write before one


def build(outbound: Outbound) -> bytes:
    """The whole mail with CRLF line ends. Refused with code `bad_header`, `bad_address` or `bad_text`.

    `text` and `html` become alternatives where both exist. Date is `since`; without one the relay writes it. No line
    begins with a dot, so SMTP has none to stuff.
    """
    standing = _standing(outbound.sender_name, outbound.sender, outbound.language, outbound.in_reply_to)
    own = "\r\n".join(_own(outbound))
    return b"".join((standing, own.encode(), *_body(outbound)))


def address(value: str) -> str:
    """An address with its domain as an A-label. Refused with code `bad_address` where mail cannot."""
    if PLAIN_ADDRESS.fullmatch(value):
        return value
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
    return not "".join(values).isascii() and not all(value.rpartition("@")[0].isascii() for value in values)


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


def _own(outbound: Outbound) -> list[str]:
    """The headers that are one letter's own, and nothing behind the last."""
    lines = [_header("To", address(outbound.to))]
    if outbound.reply_to:
        lines.append(_header("Reply-To", address(outbound.reply_to)))
    if subject := str(outbound.subject):
        lines.append(_subject(_checked("Subject", subject)))
    if outbound.since:
        lines.append(_date(outbound.since))
    lines.append(_header("Message-ID", message_id(outbound)))
    for name, value in outbound.headers.items():
        if value:
            lines.append(_extra(name, value))
    lines.append("")
    return lines


def _subject(text: str) -> str:
    """The subject; each encoded word has a line of its own."""
    return _header("Subject", text) if _survives(text) else "Subject: " + "\r\n ".join(_encoded(text))


@lru_cache(maxsize=KEPT_MAX)
def _date(since: datetime) -> str:
    return f"Date: {format_datetime(since.replace(microsecond=0))}"


@lru_cache(maxsize=KEPT_MAX)
def _extra(name: str, value: str) -> str:
    """A header from outside; all but one or two of a letter's are those of the last."""
    if not HEADER_NAME.fullmatch(name) or name.lower() in OURS:
        raise Refused(
            f"the header {name[:40]!a} cannot be set from outside", code="bad_header", phase="build"
        )
    return _header(name, _labelled(_checked(name, value)))


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
    first, *words = value.split(" ")
    if len(value.encode()) > TOKEN_MAX and any(len(word.encode()) > TOKEN_MAX for word in (first, *words)):
        raise Refused(f"the header {name} is too long", code="bad_header", phase="build")
    made, length = f"{name}: {first}", len(name) + 2 + len(first)
    for word in words:
        length += 1 + len(word)
        if length > LINE_MAX:
            made, length = f"{made}\r\n", 1 + len(word)
        made = f"{made} {word}"
    return made


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
    shown = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"' if plain else " ".join(_encoded(name))
    return f"{shown} <{address(value)}>"


def _labelled(value: str) -> str:
    """A header of our own, such as List-Id: words in front of an angle bracket may be in any script."""
    words, bracket, rest = value.partition(" <")
    if not rest.isascii():
        raise Refused(
            "a header holds a letter outside ASCII in its address", code="bad_header", phase="build"
        )
    return _words(words) + bracket + rest


def _words(text: str) -> str:
    """Text for a header, in any script."""
    return text if _survives(text) else " ".join(_encoded(text))


def _survives(text: str) -> bool:
    """Whether text comes out of folding as it went in."""
    if not text.isascii() or "  " in text or "=?" in text or text != text.strip():
        return False
    return len(text) <= TOKEN_MAX or all(len(word) <= TOKEN_MAX for word in text.split(" "))


def _encoded(text: str) -> list[str]:
    """RFC 2047 words."""
    raw, start, words = text.encode(), 0, []
    while start < len(raw):
        end = start + WORD_BYTES
        while end < len(raw) and raw[end] & 0xC0 == 0x80:  # never between the bytes of one character
            end -= 1
        words.append(f"=?utf-8?b?{b2a_base64(raw[start:end], newline=False).decode()}?=")
        start = end
    return words


def _body(outbound: Outbound) -> list[bytes]:
    text, html = outbound.text, outbound.html
    try:
        if text and html:
            return [ALTERNATIVES, *coding.coded("plain", text), BETWEEN, *coding.coded("html", html), END]
        return coding.coded("html", html) if html else coding.coded("plain", text)
    except UnicodeEncodeError:
        raise Refused("the text holds half a character", code="bad_text", phase="build") from None
