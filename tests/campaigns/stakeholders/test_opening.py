"""Tests of files that are no CSV: workbooks, ZIPs of CSV files and JSON, and what is refused of them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

import pytest

from campaigns.errors import BadImport, Busy
from campaigns.stakeholders import files, opening

TYPES = "http://schemas.openxmlformats.org"
RELATIONS = f"{TYPES}/officeDocument/2006/relationships"
MAIN = f"{TYPES}/spreadsheetml/2006/main"
# Styles 0 and 1: plain, and a day.
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
)


def workbook(*sheets: str, hidden: tuple[int, ...] = ()) -> bytes:
    """An XLSX file of sheets whose rows are given as XML; those of a number in `hidden` are not seen."""
    numbers = range(1, len(sheets) + 1)
    state = {number: ' state="hidden"' if number in hidden else "" for number in numbers}
    listed = "".join(f'<sheet name="Sheet {n}" sheetId="{n}" r:id="r{n}"{state[n]}/>' for n in numbers)
    related = "".join(
        f'<Relationship Id="r{n}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    sheet_type = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{TYPES}/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{sheet_type}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{TYPES}/package/2006/relationships"><Relationship Id="r1" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{TYPES}/package/2006/relationships">{related}'
        f'<Relationship Id="s1" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": STYLES,
    }  # fmt: skip
    for number, rows in enumerate(sheets, 1):
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
        )
    return zipped(parts)


def row(number: int, *cells: str) -> str:
    """A row of texts; a cell that begins with < is XML already."""
    told = ""
    for letter, one in zip("ABCDEFGH", cells, strict=False):
        text = f'<c r="{letter}{number}" t="inlineStr"><is><t>{escape(one)}</t></is></c>'
        told += one if one.startswith("<c") else text if one else ""
    return f'<row r="{number}">{told}</row>'


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def read(body: bytes, sheet: str | None = None) -> list[tuple[int, list[str]]]:
    opened = opening.opened(body, sheet=sheet)
    found = files.records(opened.packed, "utf-8", ",", by_row=True)
    return [(record.line, record.cells) for record in found]


PEOPLE = row(1, "name", "email", "born", "age") + row(
    2, "Siân\nRees", "sian@example.org", '<c r="C2" s="1"><v>32874</v></c>', '<c r="D2"><v>36</v></c>'
)


def test_a_workbook_is_read_as_its_rows_with_the_numbers_of_the_sheet() -> None:
    body = workbook(PEOPLE + row(5, "مريم", "m@example.org", "", '<c r="D5" t="b"><v>1</v></c>'))
    assert read(body) == [
        (2, ["Siân\nRees", "sian@example.org", "1990-01-01", "36"]),
        (5, ["مريم", "m@example.org", "", "yes"]),
    ]
    opened = opening.opened(body)
    assert (opened.kind, opened.sheets, opened.sheet) == ("workbook", ["Sheet 1"], "Sheet 1")
    assert files.shape_of(opened.packed, "utf-8", ",").header == ["name", "email", "born", "age"]


def test_rows_and_columns_without_anything_before_the_table_are_no_header() -> None:
    assert read(workbook(row(3, "", "name", "email") + row(4, "", "Ann", "a@x.org"))) == [
        (4, ["Ann", "a@x.org"])
    ]


def test_the_first_sheet_that_can_be_seen_is_read_or_the_one_that_is_named() -> None:
    body = workbook(row(1, "secret"), row(1, "id") + row(2, "1"), row(1, "id") + row(2, "2"), hidden=(1,))
    opened = opening.opened(body)
    assert (opened.sheets, opened.sheet) == (["Sheet 2", "Sheet 3"], "Sheet 2")
    assert read(body, "Sheet 3") == [(2, ["2"])]
    for name in ("Sheet 1", "Sheet 9"):
        with pytest.raises(BadImport) as refused:
            read(body, name)
        assert refused.value.pointer == "/sheet"


def test_the_csv_files_of_a_zip_are_one_table_and_each_row_says_its_file() -> None:
    body = zipped({
        "subscribed_members_1.csv": "Email,Name\nann@x.org,Ann\n",
        "unsubscribed_members_1.csv": "Email;UNSUB_TIME\nbob@x.org;2020-01-01 10:00:00\n",
        "cleaned_members_1.csv": "",
        "__MACOSX/._cleaned.csv": b"\x00\x05",
    })  # fmt: skip
    opened = opening.opened(body)
    assert opened.kind == "zip"
    assert files.shape_of(opened.packed, "utf-8", ",").header == ["file", "Email", "Name", "UNSUB_TIME"]
    assert [cells for _, cells in read(body)] == [
        ["subscribed_members_1", "ann@x.org", "Ann", ""],
        ["unsubscribed_members_1", "bob@x.org", "", "2020-01-01 10:00:00"],
    ]


def test_a_list_of_objects_is_read_wherever_it_stands() -> None:
    people = [
        {"email": "a@x.org", "tags": ["x", "y"], "attribs": {"town": "Y Bala"}},
        {"email": "b@x.org", "n": 1.0},
    ]
    for told in (
        people,
        {"data": {"results": people, "total": 2}},
        {"contacts": {"7": people[0], "9": people[1]}},
    ):
        assert [cells for _, cells in read(json.dumps(told).encode())] == [
            ["a@x.org", "x;y", '{"town": "Y Bala"}', ""], ["b@x.org", "", "", "1"],
        ]  # fmt: skip


BOMB = zipped({"[Content_Types].xml": b" " * (64 * 2**20)})
# One cell far away: a table of it would have seventeen thousand million cells.
FAR = workbook('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>')


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(BOMB, id="C20-ratio"),
        pytest.param(zipped({f"{n}.csv": "" for n in range(opening.PARTS_MAX + 1)}), id="C20-parts"),
        pytest.param(FAR, id="C7-far"),
        pytest.param(b"PK\x03\x04 spreadsheet", id="C20-broken"),
        pytest.param(workbook(PEOPLE)[:-40], id="C20-cut"),
        pytest.param(zipped({"xl/workbook.xml": "<workbook/>"}), id="C20-empty"),
        pytest.param(workbook(""), id="nothing"),
        pytest.param(zipped({"people.csv": "name\nAnn\n", "run.exe": "MZ"}), id="C20-other"),
        pytest.param(zipped({"people.csv": "name,town\nSiân,Llŷn\n".encode("iso-8859-14")}), id="C2-zip"),
        pytest.param(b'{"name": "Ann"}', id="object"),
        pytest.param(b'[{"name": "Ann"', id="cut-json"),
        pytest.param(b"[" * 100_000, id="R-deep"),
        pytest.param(b"[1, 2]", id="numbers"),
    ],
)
def test_what_cannot_be_opened_or_unpacks_into_too_much_is_refused(body: bytes) -> None:
    with pytest.raises(BadImport) as refused:
        opening.opened(body)
    assert refused.value.pointer == "/file"


def test_a_file_that_lies_about_its_size_ends_in_the_process_that_reads_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C20: what is declared is small; what comes out is stopped by the memory the process has."""
    body = bytearray(workbook(row(1, "x" * 60_000_000)))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = 0
        while (at := body.find(mark, at + 1)) > 0:
            body[at + place : at + place + 4] = (100).to_bytes(4, "little")
    monkeypatch.setattr(opening, "RATIO_FROM", 0)
    with pytest.raises(BadImport):
        opening.opened(bytes(body))


def test_a_table_of_few_bytes_ends_where_a_csv_file_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """C20: ten rows may stand for a million."""
    monkeypatch.setattr(files, "BYTES_MAX", 100_000)
    seen = []
    rows = (seen.append(number) or ["x" * 1_000] for number in range(1_000_000))  # type: ignore[func-returns-value]
    with pytest.raises(opening._Wrong, match="size"):
        opening._pack(rows)
    assert len(seen) < 300


def test_whoever_comes_while_a_file_is_opened_is_asked_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C20"""
    monkeypatch.setattr(opening, "WAIT_MAX_S", 0.0)
    body = workbook(row(1, "name") + row(2, "Ann"))
    with opening._place, pytest.raises(Busy):
        opening.opened(body)
    assert read(body) == [(2, ["Ann"])]


def test_a_workbook_under_the_name_of_a_text_is_refused() -> None:
    """C20"""
    with pytest.raises(BadImport, match="named as text"):
        opening.opened(workbook(PEOPLE), "people.csv")


def test_a_file_is_packed_while_it_is_read_and_one_that_is_too_large_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C7"""
    body = b"name,email\n" + b"Ann,ann@example.org\n" * 1_000
    packed, sha256 = files.kept(io.BytesIO(body))
    assert (files.unpack(packed), sha256) == (body, hashlib.sha256(body).hexdigest())
    monkeypatch.setattr(files, "BYTES_MAX", len(body) - 1)
    monkeypatch.setattr(files, "CHUNK", 100)
    with pytest.raises(BadImport) as refused:
        files.kept(io.BytesIO(body))
    assert refused.value.pointer == "/file"
