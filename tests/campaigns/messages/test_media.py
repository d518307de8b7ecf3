"""Media: what is taken for a picture, what is left of it, what it shows in words, and where it is used."""

from __future__ import annotations

import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.base import public_id
from campaigns.errors import BadField, Busy
from campaigns.messages import content, media, pictures
from campaigns.messages.tables import Media

from .conftest import Desk

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def drawn(form: str = "PNG", size: tuple[int, int] = (8, 6), colour: str = "red", **options: Any) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, form, **options)
    return out.getvalue()


def moving(frames: int, size: tuple[int, int] = (4, 4)) -> bytes:
    out = BytesIO()
    pages = [Image.new("RGB", size, (n % 256, n // 256, 9)) for n in range(frames)]
    pages[0].save(out, "GIF", save_all=True, append_images=pages[1:], duration=40, loop=0)
    return out.getvalue()


def claims(width: int, height: int) -> bytes:
    """A small PNG that says it is huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_keeps_its_size_and_is_named_by_what_it_is(form: str) -> None:
    made = pictures.read(drawn(form))
    assert (made.width, made.height, made.type) == (8, 6, pictures.ENDINGS[form])
    with Image.open(BytesIO(made.body)) as again:
        assert again.format == form


def test_nothing_but_the_picture_is_left_of_a_file() -> None:
    """D3, D6: no place, no comment, nothing behind the end."""
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    info = PngInfo()
    info.add_text("Author", "taken at home")
    for body in (
        drawn("JPEG", exif=exif, comment=b"taken at home"),
        drawn("PNG", pnginfo=info),
        drawn("GIF"),
    ):
        made = pictures.read(body + b"taken at home <script>")
        assert b"taken at home" not in made.body and b"<script>" not in made.body


def test_a_picture_that_was_taken_sideways_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = pictures.read(drawn("JPEG", exif=exif))
    assert (made.width, made.height) == (6, 8)


def test_what_is_clear_stays_clear() -> None:
    out = BytesIO()
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(out, "PNG")
    with Image.open(BytesIO(pictures.read(out.getvalue()).body)) as again:
        assert again.getpixel((0, 0)) == (0, 0, 0, 0)


def test_a_moving_picture_goes_on_moving() -> None:
    with Image.open(BytesIO(pictures.read(moving(5)).body)) as again:
        assert getattr(again, "n_frames", 1) == 5


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "choose a file"),
        (SVG, "SVG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>' + SVG, "SVG"),
        (b"<html><script>alert(1)</script></html>", "no PNG"),
        (drawn()[:40], "damaged"),
        (drawn("TIFF"), "no PNG"),
        (claims(50_000, 50_000), "million points"),
        (claims(6_400, 6_400), "million points"),
        (moving(pictures.FRAMES_MAX + 1), "too long"),
        (b"\x89PNG" + b"\0" * pictures.BYTES_MAX, "MB"),
    ],
)
def test_what_is_no_picture_of_ours_is_refused_with_the_reason(body: bytes, why: str) -> None:
    """D1, D2, D4, D5, D8."""
    with pytest.raises(BadField, match=why) as refused:
        pictures.read(body)
    assert refused.value.pointer == "/file"


def test_only_so_many_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """D4: forty million points in a small file take half a gigabyte each, and there are many threads."""
    drawing, go_on = threading.Semaphore(0), threading.Event()
    made = pictures._drawn

    def slow(body: bytes) -> pictures.Picture:
        drawing.release()
        assert go_on.wait(10)
        return made(body)

    monkeypatch.setattr(pictures, "_drawn", slow)
    monkeypatch.setattr(pictures, "PATIENCE_S", 0)
    with ThreadPoolExecutor() as pool:
        first = [pool.submit(pictures.read, drawn()) for _ in range(pictures.AT_ONCE)]
        assert all(drawing.acquire(timeout=10) for _ in first)
        with pytest.raises(Busy):
            pictures.read(drawn())
        go_on.set()
        assert all(one.result(10).type == "png" for one in first)
    assert pictures.read(drawn()).type == "png"


def add(session: Session, now: datetime, folder: Path, body: bytes | None = None, **values: Any) -> Media:
    given: dict[str, Any] = {"programme_id": None, "name": "river.png", "author": "ann"}
    return media.add_picture(session, now, folder, picture=pictures.read(body or drawn()), **given | values)


def test_the_same_picture_is_stored_once(session: Session, now: datetime, tmp_path: Path) -> None:
    """D11."""
    first, again = (add(session, now, tmp_path) for _ in range(2))
    assert first.id == again.id and session.scalar(select(func.count(Media.id))) == 1
    files = [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
    assert [path.name for path in files] == [f"{first.sha256}.png"]


def test_another_programme_has_a_row_of_its_own_for_the_same_picture(desk: Desk, tmp_path: Path) -> None:
    shared = add(desk.session, desk.now, tmp_path)
    own = add(desk.session, desk.now, tmp_path, programme_id=desk.programme.id)
    assert own.id != shared.id and own.sha256 == shared.sha256


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\secret\\passwd", "a/" * 900 + "passwd"])
def test_a_name_is_a_label_and_never_a_path(
    session: Session, now: datetime, tmp_path: Path, name: str
) -> None:
    """D7."""
    assert add(session, now, tmp_path, name=name).name == "passwd"


def test_a_picture_says_in_each_language_what_it_shows_or_is_decoration(
    session: Session, now: datetime, tmp_path: Path
) -> None:
    """D10, C5."""
    found = add(session, now, tmp_path, alts={"en": "A river", "cy": " "})
    assert media.alt(found, "cy") is None and media.alt(found, "cy", "en-GB") == "A river"
    assert media.wanting(found, ("en", "cy", "ar")) == ["cy", "ar"]
    media.change(session, now, found, decorative=True)
    assert media.alt(found, "ar") == "" and media.wanting(found, ("ar",)) == []


def test_a_film_needs_an_address_on_the_web(session: Session, now: datetime) -> None:
    values: dict[str, Any] = {"programme_id": None, "kind": "film", "name": "Tour", "author": "ann"}
    made = media.add_link(session, now, url="https://films.example/1", transcript="Hello", **values)
    assert made.transcript == "Hello" and media.wanting(made, ("en",)) == []
    for url in ("javascript:alert(1)", "https://", "https://user@films.example", "films.example"):
        with pytest.raises(BadField) as refused:
            media.add_link(session, now, url=url, **values)
        assert refused.value.pointer == "/url"


def test_where_a_picture_is_used_follows_the_words_as_they_are_now(desk: Desk, tmp_path: Path) -> None:
    by_address = add(desk.session, desk.now, tmp_path)
    by_name = add(desk.session, desk.now, tmp_path, drawn(colour="blue"))
    desk.write(html=f'<img src="{media.path(by_address)}" alt="">')
    desk.write(language="cy", options={"blocks": [{"media": public_id("med", by_name.id)}]})
    assert [media.uses(desk.session, one) for one in (by_address, by_name)] == [[desk.item], [desk.item]]
    desk.write(html="<p>Nothing</p>")
    content.remove_variant(desk.session, desk.now, desk.item, channel="email", language="cy", author="ann")
    assert [media.uses(desk.session, one) for one in (by_address, by_name)] == [[], []]
