"""CSV files from anywhere: which encoding and separator they have, their header, and their records one by one.

Rules: what cannot be told for certain is named as a doubt, for a person to confirm, and never guessed silently; a
file whose records cannot be told apart is refused with the line; a file is read as a stream, whatever its size.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..errors import BadImport, said
from .text import clean, fold

BYTES_MAX = 256 * 1024 * 1024
COLUMNS_MAX = 200
CELL_MAX = 131_072
SAMPLE = 64 * 1024
CHUNK = 1024 * 1024
DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = (
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "windows-1252", "iso-8859-14", "windows-1256",
    "iso-8859-1", "iso-8859-15", "iso-8859-6", "mac-roman",
)  # fmt: skip
# The encodings of old files in the languages we meet most; in the order in which they win a tie.
LEGACY = ("windows-1252", "iso-8859-14", "windows-1256")

_NOT_TEXT = {
    b"\xd0\xcf\x11\xe0": said("an old spreadsheet"),
    b"\x1f\x8b": said("a compressed file"),
    b"%PDF": said("a PDF"),
}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What a spreadsheet takes for the beginning of a formula, the wide forms included.
_FORMULA = frozenset("=+-@\t\r\n\x00＝＋－＠")
_ADDRESS = re.compile(r"[^\s<>,;\"'()]+@[^\s<>,;\"'()]+")
_TELEPHONE = re.compile(r"[+(]?[0-9][0-9 ().\-/]{5,}[0-9]")
_AROUND = " \t<>,;:\"'()"
_WORD = re.compile(r"\w*[^\W\x00-\x7f]\w*")
# No database keeps all of these, so a sample shows that there was something.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ARABIC = re.compile(r"[\u0600-\u06ff]+")
_LATIN = frozenset("àáâäåæçèéêëìíîïñòóôöøùúûüýÿœßŵŷẁẃẅỳ")

# Python's limit is the whole process's. It is raised so that one long cell is a row's fault; the one below it
# stops a quote that is never closed from eating the file.
csv.field_size_limit(8 * CELL_MAX)


@dataclass(frozen=True)
class Shape:
    """How a file is to be read. `doubts` names what a person should confirm: encoding, delimiter.

    `candidates` are the encodings it may be in, the likeliest first, each with a line as it would read.
    """

    encoding: str
    delimiter: str
    header: list[str]
    doubts: list[str]
    candidates: list[dict[str, str]]


@dataclass(frozen=True)
class Record:
    """One record: the line it begins on (the first is 1; in a workbook the row) and its cells."""

    line: int
    cells: list[str]


def pack(body: bytes) -> bytes:
    """The file as it is kept until it is imported."""
    return gzip.compress(body, compresslevel=1, mtime=0)


def kept(source: BinaryIO) -> tuple[bytes, str]:
    """The same for a file that is too large to be held whole, and its SHA-256; BadImport where it is larger still."""
    digest, packed, size = hashlib.sha256(), io.BytesIO(), 0
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as out:
        while part := source.read(CHUNK):
            size += len(part)
            if size > BYTES_MAX:
                raise too_large()
            digest.update(part)
            out.write(part)
    return packed.getvalue(), digest.hexdigest()


def unpack(packed: bytes) -> bytes:
    """The file as it came."""
    return gzip.decompress(packed)


def beginning(packed: bytes, size: int) -> bytes:
    """As much of a packed file."""
    return gzip.GzipFile(fileobj=io.BytesIO(packed)).read(size)


def too_large() -> BadImport:
    """What is said of a file with more than is read at once."""
    return BadImport(
        said("the file has more than {size} MB; divide it", size=BYTES_MAX >> 20), pointer="/file"
    )


def pasted(text: str, language: str = "", tags: str = "") -> bytes:
    """Addresses as people paste them (`Ann <ann@example.org>; bob@example.org`, or one a line) as a CSV file.

    What stands before an address is a name; a line without one may be a number, and else stays, so that it is told why
    it is refused.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["name", "email", "mobile", "language", "tags"])
    for line in text.splitlines():
        end = 0
        for found in _ADDRESS.finditer(line):
            writer.writerow([line[end : found.start()].strip(_AROUND), found.group(), "", language, tags])
            end = found.end()
        if not end and line.strip(_AROUND):
            number = _TELEPHONE.search(line)
            name = line[: number.start()].strip(_AROUND) if number else line.strip()
            writer.writerow([name, "", number.group() if number else "", language, tags])
    return out.getvalue().encode()


def storable(cell: str) -> str:
    """A cell as every database can keep it, whatever was in it."""
    return _CONTROL.sub("\ufffd", cell).encode("utf-8", "replace").decode()


def spreadsheet(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as a CSV file that a spreadsheet opens without running anything in it (C16)."""
    out = io.StringIO()
    csv.writer(out).writerows([harmless(cell) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + out.getvalue().encode()


def spreadsheet_file(rows: Iterable[Sequence[str]]) -> BinaryIO:
    """The same as a file on disk, for rows that nobody can count; it is gone when it is closed."""
    out = tempfile.TemporaryFile()  # noqa: SIM115  whoever asked closes it
    out.write(codecs.BOM_UTF8)
    text = io.TextIOWrapper(out, encoding="utf-8", newline="")
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    text.detach()
    out.seek(0)
    return out


def harmless(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula."""
    return f"'{cell}" if cell[:1] in _FORMULA and cell else cell


def shape(body: bytes, encoding: str | None = None, delimiter: str | None = None) -> Shape:
    """How this file is to be read, given what is said and what it shows; BadImport where it is no CSV file."""
    return shape_of(pack(body), encoding, delimiter)


def shape_of(packed: bytes, encoding: str | None = None, delimiter: str | None = None) -> Shape:
    """The same for a packed file, of which only a part is held at a time."""
    start = beginning(packed, CHUNK)
    _refuse_other_files(start)
    doubts, candidates = [], []
    if encoding is None:
        encoding, certain = _encoding(start, packed)
        if not certain:
            doubts.append("encoding")
            candidates = _candidates(start, encoding)
    elif encoding not in ENCODINGS:
        raise BadImport(said("write one of {encodings}", encodings=ENCODINGS), pointer="/encoding")
    if delimiter is None:
        delimiter, certain = _delimiter(_sample(start, encoding))
        doubts += [] if certain else ["delimiter"]
    elif delimiter not in DELIMITERS:
        raise BadImport("write a comma, a semicolon, a tab or a bar", pointer="/delimiter")
    first = next(filter(_says_something, _all(pack(start[:SAMPLE]), encoding, delimiter)), None)
    header = [] if first is None else [cell.strip() for cell in first.cells]
    _check_header(header)
    return Shape(encoding, delimiter, header, doubts, candidates)


def records(packed: bytes, encoding: str, delimiter: str, *, by_row: bool = False) -> Iterator[Record]:
    """The records after the header, those without any text left out; BadImport names the line that cannot be read.

    `by_row`: the file was made of a table's rows, so a line end inside a cell begins no other.
    """
    found = filter(_says_something, _all(packed, encoding, delimiter, by_row=by_row))
    next(found, None)
    return found


def _says_something(record: Record) -> bool:
    return any(cell.strip() for cell in record.cells)


def _all(packed: bytes, encoding: str, delimiter: str, *, by_row: bool = False) -> Iterator[Record]:
    stream = io.TextIOWrapper(gzip.GzipFile(fileobj=io.BytesIO(packed)), encoding=encoding, newline="")
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    row = 0
    while True:
        row += 1
        line = row if by_row else reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            words = said(
                "the record that begins on line {line} cannot be read; look for a quote that is not closed"
                " ({error})",
                line=line,
                error=str(error),
            )
            raise BadImport(words, pointer="/file", line=line) from error
        except UnicodeError as error:
            words = said(
                "from line {line} on the file is not in {encoding}; say which encoding it has",
                line=line,
                encoding=encoding,
            )
            raise BadImport(words, pointer="/encoding", line=line) from error
        yield Record(line, cells)


def _refuse_other_files(start: bytes) -> None:
    if not start or start.isspace():
        raise BadImport("the file is empty", pointer="/file")
    for mark, what in _NOT_TEXT.items():
        if start.startswith(mark):
            raise BadImport(
                said("this is {what}, not a CSV file; save it as CSV (UTF-8)", what=what), pointer="/file"
            )


def _check_header(header: list[str]) -> None:
    if len(header) > COLUMNS_MAX:
        raise BadImport(
            said(
                "the file has {columns} columns; at most {columns_max} are read",
                columns=len(header),
                columns_max=COLUMNS_MAX,
            ),
            pointer="/file",
        )
    if any("@" in name for name in header):
        raise BadImport("the first line must name the columns; this one holds data", pointer="/file")
    seen: set[str] = set()
    for place, name in enumerate(header, 1):
        if not name:
            raise BadImport(
                said("column {place} has no name in the first line", place=place), pointer="/file"
            )
        clean(name, "/file", error=BadImport)
        if fold(name) in seen:
            raise BadImport(said("two columns are named {name}", name=name), pointer="/file")
        seen.add(fold(name))


def _encoding(start: bytes, packed: bytes) -> tuple[str, bool]:
    """The encoding, and whether it is certain."""
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding, True
    few = start[:4096]
    if few.count(0) * 5 > len(few):
        return ("utf-16-le" if few[1::2].count(0) > few[::2].count(0) else "utf-16-be"), False
    good, bad, line = _utf8(packed)
    if not bad:
        return "utf-8", True
    if good * 5 > bad:
        words = said(
            "most of the file is UTF-8, but line {line} is not; save all of it in one encoding", line=line
        )
        raise BadImport(words, pointer="/encoding", line=line)
    return _likeliest(start)[0], False


def _utf8(packed: bytes) -> tuple[int, int, int]:
    """How many characters beyond ASCII are UTF-8, how many bytes are not, and the line of the first of those."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = bad = 0
    line = place = 0
    stream, more = gzip.GzipFile(fileobj=io.BytesIO(packed)), True
    while more:
        chunk = stream.read(CHUNK)
        more = bool(chunk)
        text = decoder.decode(chunk, final=not more)
        if text.isascii():
            place += text.count("\n")
            continue
        odd = re.search("[\udc80-\udcff]", text)
        if odd and not bad:
            line = place + text.count("\n", 0, odd.start()) + 1
        escaped = len(re.findall("[\udc80-\udcff]", text))
        bad += escaped
        good += len(re.findall(r"[^\x00-\x7f]", text)) - escaped
        place += text.count("\n")
    return good, bad, line


def _likeliest(start: bytes) -> list[str]:
    """The old encodings in which the file can be read, the one that gives the most words first."""
    scores: dict[str, int] = {}
    for encoding in LEGACY:
        try:
            text = b"\n".join(_odd_lines(start)).decode(encoding)
        except UnicodeDecodeError:
            continue
        scores[encoding] = sum(map(_likeness, _WORD.findall(text))) - 2 * len(
            re.findall(r"[\x80-\x9f]", text)
        )
    if max(scores.values(), default=-1) < 0:
        raise BadImport("the encoding cannot be told; save the file as UTF-8 or name it", pointer="/encoding")
    return sorted(scores, key=lambda encoding: -scores[encoding])


def _likeness(word: str) -> int:
    """1 for what looks like a word in Welsh, English or Arabic, -1 for what does not."""
    if _ARABIC.search(word):
        return 1 if _ARABIC.fullmatch(word) and len(word) > 1 else -1
    marked = [letter for letter in word.lower() if not letter.isascii()]
    return 1 if _LATIN.issuperset(marked) and len(marked) * 2 <= len(word) else -1


def _odd_lines(start: bytes) -> list[bytes]:
    """Some lines with bytes beyond ASCII."""
    return re.findall(rb"[^\r\n]*[\x80-\xff][^\r\n]*", start)[:200]


def _candidates(start: bytes, encoding: str) -> list[dict[str, str]]:
    if encoding.startswith("utf-16"):
        samples = {encoding: _sample(start, encoding)[:200]}
    else:
        line = next(iter(_odd_lines(start)), start)[:200]
        samples = {name: line.decode(name, "replace") for name in _likeliest(start)}
    return [{"encoding": name, "sample": _CONTROL.sub("\ufffd", text)} for name, text in samples.items()]


def _sample(start: bytes, encoding: str) -> str:
    """The beginning of the file, to its last full line."""
    text = codecs.getincrementaldecoder(encoding)("replace").decode(start[:SAMPLE])
    end = max(text.rfind("\n"), text.rfind("\r"))
    return text[: end + 1] if end > 0 and len(start) > SAMPLE else text


def _delimiter(sample: str) -> tuple[str, bool]:
    """The separator under which the records agree with the header best, and whether no other comes near."""
    fits: dict[str, tuple[float, int]] = {}
    for delimiter in DELIMITERS:
        rows = [row for row in _lenient(sample, delimiter) if row][:100]
        width = len(rows[0]) if rows else 0
        if width > 1:
            fits[delimiter] = (sum(len(row) == width for row in rows) / len(rows), width)
    if not fits:
        return ",", True
    best, *others = sorted(fits, key=lambda delimiter: fits[delimiter], reverse=True)
    return best, not any(fits[other][0] > 0.8 for other in others)


def _lenient(sample: str, delimiter: str) -> Iterator[list[Any]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    try:
        yield from reader
    except csv.Error:
        return
