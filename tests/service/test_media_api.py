"""Media by the API: what is uploaded is drawn anew, and what is no picture stays out."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from werkzeug.datastructures import FileStorage

from service.wiring import Wiring
from tests.campaigns.messages.test_media import SVG, claims, drawn, moving

from .conftest import Answer, Api, People


@pytest.fixture
def author(people: People) -> str:
    return people("author")


def upload(api: Api, token: str, body: bytes, called: str = "river.png", **parts: Any) -> Answer:
    file = FileStorage(BytesIO(body), filename=called, content_type=parts.pop("type", "image/png"))
    return api.post("/v1/media", token, data={"file": file, **parts}, content_type="multipart/form-data")


def stored(wiring: Wiring) -> list[Path]:
    return [one for one in (wiring.settings.folder / "media").rglob("*") if one.is_file()]


def test_a_picture_goes_up_is_described_and_read_back(api: Api, author: str) -> None:
    made = upload(api, author, drawn("JPEG"), "river.jpg", alts='{"en": "A river"}')
    assert made.status_code == 201, made.text
    assert (made.json["type"], made.json["width"], made.json["alts"]) == ("image/jpeg", 8, {"en": "A river"})
    path = made.headers["Location"]
    assert path == f"/v1/media/{made.json['id']}"
    file = api.get(made.json["path"])
    assert file.content_type == "image/jpeg" and Image.open(BytesIO(file.data)).size == (8, 6)
    changed = api.patch(path, author, headers={"If-Match": made.headers["ETag"]}, json={"decorative": True})
    assert changed.json["decorative"] is True
    stale = api.patch(path, author, headers={"If-Match": made.headers["ETag"]}, json={"name": "x"})
    assert stale.status_code == 412
    assert api.get("/v1/media?kind=picture&named=riv", author).json["data"][0]["id"] == made.json["id"]
    assert api.get(f"{path}/uses", author).json == {"data": []}
    assert api.delete(path, author).status_code == 204
    assert api.get("/v1/media", author).json["data"] == []
    assert api.get("/v1/media?state=archived", author).json["data"][0]["id"] == made.json["id"]
    assert api.get(made.json["path"]).status_code == 200


def test_a_film_is_named_and_never_fetched(api: Api, author: str) -> None:
    body = {"kind": "film", "url": "https://films.example/1", "name": "Tour"}
    made = api.post("/v1/media/links", author, json=body)
    assert made.status_code == 201 and made.headers["Location"] == f"/v1/media/{made.json['id']}"
    assert made.json["path"] == "https://films.example/1"
    wrong = api.post("/v1/media/links", author, json=body | {"url": "javascript:alert(1)"})
    assert wrong.json["errors"][0]["pointer"] == "/url"


@pytest.mark.parametrize(
    ("row", "body", "name", "type"),
    [
        ("D1", SVG, "a.svg", "image/svg+xml"),
        (
            "D1",
            b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + SVG,
            "a.png",
            "",
        ),
        ("D2", b"<html><script>alert(1)</script></html>", "a.png", "image/png"),
        ("D2", b"alert(1)//", "a.png", "image/png"),
        ("D3", b"GIF89a/*\0\0\0\0\0*/=alert(1)//;", "a.gif", "image/gif"),
        ("D3", b"%PDF-1.7\n1 0 obj<</OpenAction 2 0 R>>endobj", "a.jpg", "image/jpeg"),
        ("D4", claims(50_000, 50_000), "a.png", "image/png"),
        ("D4", moving(10_000, (1, 1)), "a.gif", "image/gif"),
        ("D5", drawn("TIFF"), "a.tiff", "image/tiff"),
        ("D5", drawn("ICO", (16, 16)), "a.png", "image/png"),
        ("D5", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 6\n", "a.png", "image/png"),
        ("D8", drawn()[:40], "a.png", "image/png"),
        ("D8", b"", "a.png", "image/png"),
    ],
)
def test_what_is_no_picture_is_refused_and_nothing_is_stored(
    api: Api, wiring: Wiring, author: str, row: str, body: bytes, name: str, type: str
) -> None:
    """D1, D2, D3, D4, D5, D8"""
    answer = upload(api, author, body, name, type=type)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/file"), row
    assert stored(wiring) == []


def test_the_content_says_what_a_picture_is_and_nothing_else_of_the_file_is_left(
    api: Api, wiring: Wiring, author: str
) -> None:
    """D2, D3, D6"""
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    body = drawn("JPEG", exif=exif) + b"PK\x03\x04<script>alert(1)</script>"
    made = upload(api, author, body, "page.html", type="text/html")
    assert made.json["type"] == "image/jpeg" and made.json["path"].endswith(".jpg")
    read = api.get(made.json["path"])
    assert (read.content_type, read.headers["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    assert b"home" not in read.data and b"script" not in read.data and b"PK" not in read.data


@pytest.mark.parametrize("part", ["name", "file"])
@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "CON", "a" * 4_000, "\u202egnp.exe", "..\\..\\boot.ini", "a\nb"]
)
def test_a_name_is_words_and_never_a_place(
    api: Api, wiring: Wiring, author: str, name: str, part: str
) -> None:
    """D7: whether it is said, or is only what the file was called."""
    made = upload(api, author, drawn(), **({"called": name} if part == "file" else {"name": name}))
    if made.status_code == 201:
        assert (
            "/" not in made.json["name"] and "\\" not in made.json["name"] and len(made.json["name"]) <= 200
        )
        assert [one.stem for one in stored(wiring)] == [made.json["sha256"]]
    else:
        assert (made.status_code, made.json["errors"][0]["pointer"]) in ((422, "/name"), (422, "/file"))
        assert stored(wiring) == []


FORM = "multipart/form-data; boundary=x"


def test_a_form_that_was_cut_off_is_refused(api: Api, wiring: Wiring, author: str) -> None:
    """D8"""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    for body in (head + drawn(), head[:30], b""):
        answer = api.post("/v1/media", author, data=body, content_type=FORM)
        assert answer.status_code in (400, 422), body[:20]
    whole = head + drawn() + b"\r\n--x--\r\n"
    for length in (len(whole) - 20, len(whole) // 2):
        told = {"CONTENT_LENGTH": str(length)}
        short = api.post("/v1/media", author, data=whole, content_type=FORM, environ_overrides=told)
        assert short.status_code in (400, 422), length
    assert stored(wiring) == []


def test_a_form_of_two_thousand_parts_is_not_read_to_its_end(api: Api, author: str) -> None:
    """D9"""
    parts = {f"p{n}": "x" for n in range(2_000)}
    answer = upload(api, author, drawn(), **parts)
    assert (answer.status_code, answer.json["code"]) == (400, "bad_request")


def test_an_upload_over_the_limit_is_refused_by_its_size(api: Api, author: str) -> None:
    """D8"""
    assert upload(api, author, b"\x89PNG" + b"\0" * 12 * 2**20).status_code == 413


def test_without_words_a_picture_is_known_to_lack_them(api: Api, author: str) -> None:
    """D10: what it shows is asked for when a post with it is to go."""
    made = upload(api, author, drawn())
    assert (made.json["alts"], made.json["decorative"]) == ({}, False)
    assert upload(api, author, drawn(), decorative="perhaps").status_code == 422
    assert upload(api, author, drawn(), alts="[1]").status_code == 422


def test_the_same_file_is_stored_once_however_often_it_comes(api: Api, wiring: Wiring, author: str) -> None:
    """D11"""
    ids = {upload(api, author, drawn()).json["id"] for _ in range(20)}
    assert len(ids) == 1 and len(stored(wiring)) == 1


def test_when_the_room_is_used_up_the_figure_is_told(api: Api, wiring: Wiring, author: str) -> None:
    """D12"""
    assert upload(api, author, drawn()).status_code == 201
    data = replace(wiring.settings.data, pictures_mb=0)
    wiring.settings = replace(wiring.settings, data=data)
    full = upload(api, author, drawn(colour="blue"))
    assert (full.status_code, full.json["code"], full.json["most"]) == (413, "no_room", 0)
    assert full.json["used"] > 0 and len(stored(wiring)) == 1
    assert upload(api, author, drawn()).status_code == 201


def test_a_picture_of_another_programme_is_not_there(api: Api, people: People, author: str) -> None:
    made = upload(api, author, drawn())
    assert api.get(f"/v1/media/{made.json['id']}", people(None)).status_code == 403
