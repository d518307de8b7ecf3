"""Files that are no CSV, opened as one: workbooks (XLSX, ODS), a ZIP of CSV files, JSON; in a process of its own.

Rules: what a file is, its content says; the process has little memory and time, so what unpacks into more than we read
ends it and not us; only sheets that can be seen are read; what cannot be told for certain inside a ZIP is refused.
Source: bad input C2, C7, C20.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import subprocess
import sys
import threading
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import chain
from pathlib import Path
from typing import Any

from ..errors import BadImport, Busy, said
from . import files

CSV, WORKBOOK, ZIP, JSON = "csv", "workbook", "zip", "json"
KINDS = (CSV, WORKBOOK, ZIP, JSON)
SHEETS_MAX = 100
PARTS_MAX = 2_000
# What a packed file may say that it holds, and how many times its own size.
UNPACKED_MAX = 512 * 2**20
RATIO_MAX = 200
RATIO_FROM = 16 * 2**20
MEMORY_MAX = 1536 * 2**20
CPU_MAX_S = 60
TIME_MAX_S = 180.0
# One at a time in each process of ours: together they would take the memory of several.
_place = threading.Lock()
# Whoever looks on waits so long for the one place; a worker waits for as long as it takes.
WAIT_MAX_S = 5.0
# In a ZIP each row says which file it came from.
FILE = "file"
START = """
import sys, types
package = types.ModuleType("campaigns")
package.__path__ = [sys.argv[1]]
sys.modules["campaigns"] = package
from campaigns.stakeholders.opening import serve
serve()
"""

WRONG = {
    "unreadable": said(
        "this file cannot be opened; save it anew as XLSX or as CSV (UTF-8), without a password"
    ),
    "size": said("this file unpacks into more than is read at once; save it as CSV, or divide it"),
    "sheet": said("there is no such sheet in this file"),
    "empty": said("no sheet that can be seen holds anything"),
    "parts": said("a ZIP is read where it holds CSV files, and nothing else"),
    "encoding": said(
        "the encoding or the separator of a file in this ZIP is not certain; take them in one by one"
    ),
    "objects": said("JSON is read where it is a list of objects, one for each person"),
}


@dataclass(frozen=True)
class Opened:
    """A file as a packed CSV file. `sheets` are those that can be seen, `sheet` the one that was read."""

    kind: str
    packed: bytes
    sheets: list[str]
    sheet: str | None


class _Wrong(Exception):
    """Why a file cannot be opened: a key of WRONG."""


def opened(body: bytes, filename: str = "", sheet: str | None = None) -> Opened:
    """A file as it came, as CSV; BadImport where it is none of those that are read."""
    return opened_packed(files.pack(body), filename, sheet)


def opened_packed(
    packed: bytes, filename: str = "", sheet: str | None = None, *, patient: bool = False
) -> Opened:
    """The same for a file as it is kept; one of CSV is not held whole. Busy where others are before it."""
    if (kind := _packed_kind(files.beginning(packed, 512))) is None:
        return Opened(CSV, packed, [], None)
    if kind == ZIP and filename.lower().endswith((".csv", ".tsv", ".txt")):
        raise BadImport(
            "this file is named as text, but is a spreadsheet or a ZIP; give it its own name back",
            pointer="/file",
        )
    told, table = _ask({"kind": kind, "sheet": sheet}, packed, patient)
    if "wrong" in told:
        raise _refusal(told["wrong"])
    return Opened(told["kind"], table, told["sheets"], told["sheet"])


def table(packed: bytes, kind: str, sheet: str | None) -> bytes:
    """A stored file as a packed CSV file, for a worker."""
    return packed if kind == CSV else opened_packed(packed, "", sheet, patient=True).packed


def serve() -> None:
    """The inside of the process: a question and a packed file come on standard input, an answer and a table go out."""
    import python_calamine  # noqa: F401  before no file can be opened any more, as are all encodings

    for encoding in ("cp437", *files.ENCODINGS):
        codecs.lookup(encoding)
    asked = json.loads(sys.stdin.buffer.readline())
    body = sys.stdin.buffer.read()
    _shut_in()
    told: dict[str, Any]
    try:
        told, rows = _open(files.unpack(body), asked)
        packed = _pack(rows)
    except _Wrong as wrong:
        told, packed = {"wrong": str(wrong)}, b""
    except MemoryError:
        told, packed = {"wrong": "size"}, b""
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + packed)


def _packed_kind(start: bytes) -> str | None:
    """What has to be opened first: ZIP (workbooks are ZIPs) or JSON; None for text."""
    first = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return ZIP if start.startswith(b"PK\x03\x04") else JSON if first in (b"[", b"{") else None


def _refusal(code: str) -> BadImport:
    words = WRONG.get(code, WRONG["unreadable"])
    return BadImport(words, pointer="/sheet" if code == "sheet" else "/file")


def _ask(question: dict[str, Any], packed: bytes, patient: bool) -> tuple[dict[str, Any], bytes]:
    if not _place.acquire(timeout=-1 if patient else WAIT_MAX_S):
        raise Busy("another file is being opened at this moment: try again")
    package = str(Path(__file__).resolve().parent.parent)
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", START, package],
            input=json.dumps(question).encode() + b"\n" + packed,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=TIME_MAX_S, env={}, cwd="/", check=True,
        )  # fmt: skip
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        raise _refusal("size") from None
    finally:
        _place.release()
    told, _, table = done.stdout.partition(b"\n")
    return json.loads(told), table


def _open(body: bytes, asked: dict[str, Any]) -> tuple[dict[str, Any], Iterable[list[str]]]:
    if asked["kind"] == JSON:
        return {"kind": JSON, "sheets": [], "sheet": None}, _objects(body)
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            names = _check_sizes(archive, len(body))
            if not any(name in ("[Content_Types].xml", "xl/workbook.xml", "content.xml") for name in names):
                return {"kind": ZIP, "sheets": [], "sheet": None}, _parts(archive)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError) as error:
        raise _Wrong("unreadable") from error
    return _workbook(body, asked["sheet"])


def _check_sizes(archive: zipfile.ZipFile, size: int) -> list[str]:
    """The names inside, where what is said of their sizes can be read; lies about it meet the process's limits."""
    parts = archive.infolist()
    whole = sum(part.file_size for part in parts)
    if len(parts) > PARTS_MAX or whole > UNPACKED_MAX or (whole > RATIO_FROM and whole > size * RATIO_MAX):
        raise _Wrong("size")
    return [part.filename for part in parts]


def _workbook(body: bytes, sheet: str | None) -> tuple[dict[str, Any], list[list[str]]]:
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        seen = [
            one.name
            for one in book.sheets_metadata
            if one.visible == SheetVisibleEnum.Visible and one.typ == SheetTypeEnum.WorkSheet
        ][:SHEETS_MAX]
        if sheet is not None and sheet not in seen:
            raise _Wrong("sheet")
        for name in seen if sheet is None else [sheet]:
            if rows := _cut(book.get_sheet_by_name(name).to_python(skip_empty_area=False)):
                return {"kind": WORKBOOK, "sheets": seen, "sheet": name}, rows
    except (CalamineError, ValueError, OSError) as error:
        raise _Wrong("unreadable") from error
    raise _Wrong("empty")


def _cut(rows: list[list[Any]]) -> list[list[str]]:
    """The cells as text; columns in which nothing stands are left out."""
    texts = [[_text(cell) for cell in row] for row in rows]
    width = max(map(len, texts), default=0)
    used = [place for place in range(width) if any(place < len(row) and row[place] for row in texts)]
    return [[row[place] if place < len(row) else "" for place in used] for row in texts] if used else []


def _text(cell: Any) -> str:
    """A cell as somebody would write it into a CSV file."""
    match cell:
        case str():
            return cell
        case bool():
            return "yes" if cell else "no"
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        case datetime() if cell.time() == time():
            return cell.date().isoformat()
        case datetime() | date() | time():
            return cell.isoformat()
        case _:
            return "" if cell is None else str(cell)


def _parts(archive: zipfile.ZipFile) -> Iterator[list[str]]:
    """The CSV files of a ZIP one after the other, under the columns of all of them."""
    parts = [part for part in archive.infolist() if not part.is_dir() and not _of_a_mac(part.filename)]
    if not parts or not all(part.filename.lower().endswith((".csv", ".tsv", ".txt")) for part in parts):
        raise _Wrong("parts")
    shapes = {}
    for part in parts:
        body = archive.read(part)
        if body.strip():
            shapes[part.filename] = _certain(body), files.pack(body)
    columns = list(dict.fromkeys(chain.from_iterable(shape.header for shape, _ in shapes.values())))
    return chain([[FILE, *columns]], _joined(shapes, columns))


def _certain(body: bytes) -> files.Shape:
    try:
        shape = files.shape(body)
    except BadImport as error:
        raise _Wrong("unreadable") from error
    if shape.doubts:
        raise _Wrong("encoding")
    return shape


def _joined(shapes: dict[str, tuple[files.Shape, bytes]], columns: list[str]) -> Iterator[list[str]]:
    for name, (shape, packed) in shapes.items():
        places = [shape.header.index(one) if one in shape.header else None for one in columns]
        stem = Path(name).stem
        try:
            for record in files.records(packed, shape.encoding, shape.delimiter):
                cells = record.cells
                yield [
                    stem,
                    *(cells[place] if place is not None and place < len(cells) else "" for place in places),
                ]
        except BadImport as error:
            raise _Wrong("unreadable") from error


def _of_a_mac(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] == ".DS_Store"


def _objects(body: bytes) -> Iterator[list[str]]:
    """A list of objects as rows; one of them may stand under `data`, `results`, `subscribers` or `contacts`."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _Wrong("unreadable") from error
    for name in ("data", "results", "subscribers", "contacts"):
        if isinstance(found, dict) and isinstance(found.get(name), dict | list):
            found = found[name]
    if isinstance(found, dict) and found and all(isinstance(one, dict) for one in found.values()):
        found = list(found.values())  # by their ids, as Mautic has them
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise _Wrong("objects")
    columns = list(dict.fromkeys(chain.from_iterable(found)))
    return chain([columns], ([_value(one.get(column)) for column in columns] for one in found))


def _value(value: Any) -> str:
    """A value of an object as a cell; what has parts of its own stays JSON."""
    if isinstance(value, list) and value and all(isinstance(one, str | int | float) for one in value):
        return ";".join(_text(one) for one in value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return _text(value)


def _pack(rows: Iterable[list[str]]) -> bytes:
    """A table as a packed CSV file, no larger than a CSV file may be: a few bytes may stand for a million rows."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as zipped,
        io.TextIOWrapper(zipped, encoding="utf-8", errors="replace", newline="") as text,
    ):
        writer = csv.writer(text)
        for row in rows:
            writer.writerow(row)
            if zipped.tell() > files.BYTES_MAX:
                raise _Wrong("size")
    return packed.getvalue()


def _shut_in() -> None:
    """Take away what reading a file does not need; it cannot be had back."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_MAX_S, CPU_MAX_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
