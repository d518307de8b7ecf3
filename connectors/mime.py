"""Reads mail that may be malformed, mislabelled or hostile: never an error, never without bounds.

Rules: a part is a span of the one buffer, so nothing is copied but what is asked for; every search is
linear in what it reads; what goes over a bound is left as it stands. A charset is believed only where it is
a real one and fits.
Source: RFC 2045 to 2047, RFC 5322; bad input M11, M12, M14. Not the standard library's parser: its time and
depth grow without bound on input made for that."""

from __future__ import annotations

import re
from binascii import Error as NotBase64
from binascii import a2b_base64, a2b_qp
from collections.abc import Iterator
from dataclasses import dataclass, field

SIZE_MAX = 64 * 1024 * 1024
HITS_MAX = 20_000  # boundary lines looked at in one mail, so about 10,000 parts
DEPTH_MAX = 30
HEAD_MAX = 256 * 1024
FIELDS_MAX = 1_000
VALUE_MAX = 20_000
LEAF_MAX = 4 * 1024 * 1024

HEAD_END = re.compile(rb"\r?\n\r?\n")
FIELD = re.compile(r"([!-9;-~]{1,200})[ \t]*:[ \t]*(.*)", re.DOTALL)
PARAMETER = re.compile(r';\s*([!#-+\--:<>-~]+)\s*=\s*("(?:[^"\\]|\\.)*+"?|[^;\s]*)')
WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?\s]*)\?=")
CHARSET = re.compile(
    r"(us-)?ascii|utf-?(8|16|32)(-?[bl]e)?|latin-?[0-9]+|iso-?(ir-)?[0-9-]+|iso-2022-(jp|kr)[0-9a-z-]*"
    r"|(windows|cp|ibm)-?[0-9]+|koi8-?[rutk]|gb(2312|k|18030)|big5(-?hkscs)?|euc-?(jp|kr|cn)|(shift|s)[_-]?jis"
    r"|hz(-gb-2312)?|tis-?620|viscii|mac-?[a-z]+|ks_c_5601-1987"
)
UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(slots=True)
class Part:
    """A mail or one part of it. `fields` are (lower-case name, unfolded value) in order; `kind` such as
    text/plain.

        `parts` are those of a multipart; of a message/rfc822 it is the one message inside.
    """

    raw: bytes
    start: int
    end: int
    fields: list[tuple[str, str]] = field(default_factory=list)
    kind: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)

    def get(self, name: str) -> str:
        """The first header of this name with its encoded words decoded; "" where there is none."""
        return decoded(next(iter(self.all(name)), ""))

    def all(self, name: str) -> list[str]:
        """Every header of this name, as it was written."""
        return [value for known, value in self.fields if known == name]

    def body(self) -> bytes:
        """The content, its transfer encoding undone; cut at LEAF_MAX."""
        raw = self.raw[self.start : min(self.end, self.start + LEAF_MAX)]
        encoding = self.get("content-transfer-encoding").strip().lower()
        if encoding == "base64":
            return _base64(raw)
        return a2b_qp(raw) if encoding == "quoted-printable" else raw

    def text(self) -> tuple[str, bool]:
        """The content as text, and whether its charset was not the one it claims."""
        text, replaced = decode(self.body(), self.parameters.get("charset", ""))
        return clean(text), replaced

    def walk(self, messages: int = 0) -> Iterator[Part]:
        """This part and all below it in order, into at most `messages` messages inside messages."""
        waiting = [(self, messages)]
        while waiting:
            part, left = waiting.pop()
            yield part
            left -= part.kind in ("message/rfc822", "message/global")
            if left >= 0:
                waiting += [(inner, left) for inner in reversed(part.parts)]


def parse(raw: bytes) -> Part:
    """A mail as its parts; what lies beyond SIZE_MAX is not looked at."""
    raw = raw if len(raw) <= SIZE_MAX else raw[:SIZE_MAX]
    return _Parser(raw).part(0, len(raw), 0, "text/plain")


def decoded(value: str) -> str:
    """A header value with its RFC 2047 words decoded, on one line and without control characters."""
    out, pending, charset, at = [], b"", "", 0
    for word in WORD.finditer(value):
        between = value[at : word.start()]
        if not pending or between.strip() or word[1].lower() != charset:
            out += [decode(pending, charset)[0], between if between.strip() or not pending else ""]
            pending, charset = b"", word[1].lower()
        coded = word[3].encode("ascii", "replace")
        pending += _base64(coded) if word[2] in "bB" else a2b_qp(coded, header=True)
        at = word.end()
    out += [decode(pending, charset)[0], value[at:]]
    return " ".join(clean("".join(out)).split("\n")).strip()


def decode(raw: bytes, charset: str) -> tuple[str, bool]:
    """Bytes as text, and whether it was not by the charset they claim but by UTF-8 or Windows-1252."""
    name = charset.strip().strip("\"'").lower()
    claimed = [name] if CHARSET.fullmatch(name) else []
    for codec in [*claimed, "utf-8"]:
        try:
            return raw.decode(codec), bool(name) and codec != name
        except (UnicodeError, LookupError):
            continue
    return raw.decode("cp1252", "replace"), True


def clean(text: str) -> str:
    """Text with one kind of line end and without control characters or half characters."""
    text = re.sub(r"\r\n?", "\n", text)
    return UNSEEN.sub("", text).encode("utf-8", "replace").decode()


class _Parser:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._hits = 0

    def part(self, start: int, end: int, depth: int, kind: str) -> Part:
        """The part whose head begins at `start`; `kind` is what it is unless it says so."""
        body, fields = _head(self._raw, start, end)
        part = Part(self._raw, body, end, fields, kind)
        if claimed := next(iter(part.all("content-type")), ""):
            part.kind, part.parameters = content_type(claimed, kind)
        if depth < DEPTH_MAX:
            part.parts = self._inside(part, depth + 1)
        return part

    def _inside(self, part: Part, depth: int) -> list[Part]:
        if part.kind in ("message/rfc822", "message/global"):
            if part.get("content-transfer-encoding").lower() in ("base64", "quoted-printable"):
                inner = part.body()
                return [_Parser(inner).part(0, len(inner), depth + DEPTH_MAX // 2, "text/plain")]
            return [self.part(part.start, part.end, depth, "text/plain")]
        boundary = part.parameters.get("boundary", "")
        if not part.kind.startswith("multipart/") or not 0 < len(boundary) <= 200:
            return []
        kind = "message/rfc822" if part.kind == "multipart/digest" else "text/plain"
        return [
            self.part(*span, depth, kind) for span in self._spans(part, boundary.encode("utf-8", "replace"))
        ]

    def _spans(self, part: Part, boundary: bytes) -> list[tuple[int, int]]:
        """Where the parts of a multipart lie; a last boundary that is missing is the end."""
        raw, line = self._raw, b"\n--" + boundary
        spans: list[tuple[int, int]] = []
        opened, at = -1, part.start - 1
        while self._hits < HITS_MAX and (at := raw.find(line, max(at, 0), part.end)) >= 0:
            self._hits += 1
            after = raw.find(b"\n", at + 1, part.end)
            tail = raw[at + len(line) : after if after >= 0 else part.end][:100].strip()
            if tail not in (b"", b"--"):
                at += 1
                continue
            if opened >= 0:
                spans.append((opened, max(at - (raw[at - 1 : at] == b"\r"), opened)))
            opened = -1 if tail == b"--" or after < 0 else after + 1
            if opened < 0:
                break
            at = after
        if opened >= 0:
            spans.append((opened, part.end))
        return spans


def content_type(value: str, otherwise: str = "text/plain") -> tuple[str, dict[str, str]]:
    """A Content-Type as (lower-case kind, parameters with lower-case names)."""
    kind = value[:VALUE_MAX].partition(";")[0].strip().lower()
    parameters: dict[str, str] = {}
    for name, found in PARAMETER.findall(value[:2_000]):
        bare = re.sub(r"\\(.)", r"\1", found.strip('"')) if found.startswith('"') else found
        parameters.setdefault(name.lower().rstrip("*"), bare)
    return kind if re.fullmatch(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", kind) else otherwise, parameters


def fields_of(text: str) -> list[tuple[str, str]]:
    """Header fields of a text, such as a group of a delivery report."""
    raw = text.encode("utf-8", "replace")
    return _head(raw, 0, len(raw))[1]


def _head(raw: bytes, start: int, end: int) -> tuple[int, list[tuple[str, str]]]:
    """Where the body begins, and the fields before it."""
    if raw[start : min(start + 2, end)].lstrip(b"\r")[:1] == b"\n":
        return raw.index(b"\n", start) + 1, []
    limit = min(end, start + HEAD_MAX)
    found = HEAD_END.search(raw, start, limit)
    head, body = (raw[start : found.start()], found.end()) if found else (raw[start:limit], limit)
    fields: list[tuple[str, str]] = []
    for line in _lenient(head).split("\n")[: FIELDS_MAX * 4]:
        if line[:1] in " \t":
            if fields and len(fields[-1][1]) < VALUE_MAX:
                fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line.strip()}"[:VALUE_MAX])
        elif (match := FIELD.fullmatch(line)) and len(fields) < FIELDS_MAX:
            fields.append((match[1].lower(), match[2].strip()[:VALUE_MAX]))
    return body, fields


def _lenient(raw: bytes) -> str:
    """Header bytes as text: UTF-8 where it is (RFC 6532), Windows-1252 where some mailer forgot to encode."""
    return UNSEEN.sub("", decode(raw, "")[0].replace("\r\n", "\n").replace("\r", " "))


def _base64(raw: bytes) -> bytes:
    """What can be read of base64, whatever stands between or is missing at the end."""
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", raw.partition(b"=")[0])
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    try:
        return a2b_base64(letters + b"=" * (-len(letters) % 4))
    except NotBase64:
        return b""
