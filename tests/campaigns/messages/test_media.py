"""Media: what is taken for a picture, what is left of it, what it shows in words, and where it is used."""

from __future__ import annotations

import gzip
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.base import public_id
from campaigns.errors import BadField, Busy
from campaigns.messages import content, media, pictures
from campaigns.messages.tables import Media

from .conftest import Desk

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script>'
    b'<foreignObject><iframe src="javascript:alert(1)"/></foreignObject></svg>'
)


def drawn(form: str = "PNG", size: tuple[int, int] = (8, 6), colour: str = "red", **options: Any) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, form, **options)
    return out.getvalue()


def moving(frames: int, size: tuple[int, int] = (4, 4)) -> bytes:
    out = BytesIO()
    pages = [Image.new("RGB", size, (n % 256, n // 256, 9)) for n in range(frames)]
    pages[0].save(out, "GIF", save_all=True, append_images=pages[1:], duration=40, loop=0)
    return out.getvalue()


def growing(*sizes: tuple[int, int]) -> bytes:
    """A GIF whose frames are of these sizes, on a screen of one point."""
    pieces = [drawn("GIF", size, colour="white") for size in sizes]
    first = pieces[0].index(b"\x2c")
    frames = b"".join(one[one.index(b"\x2c") : -1] for one in pieces)
    return pieces[0][:6] + struct.pack("<HH", 1, 1) + pieces[0][10:first] + frames + b";"


def drawn_over(times: int) -> bytes:
    """A JPEG whose last scan comes again and again."""
    body = drawn("JPEG", progressive=True)
    return body[:-2] + body[body.rindex(b"\xff\xda") : -2] * times + b"\xff\xd9"


def animated(frames: int) -> bytes:
    """A PNG that moves."""
    others = [Image.new("RGB", (4, 4), (n % 256, n // 256, 9)) for n in range(1, frames)]
    return drawn("PNG", (4, 4), save_all=True, append_images=others)


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


def told_of(form: str, frames: int) -> bytes:
    """A picture that tells where, when and by whom it was taken, in every way its form has."""
    exif = Image.Exif()
    exif[0x010E] = HOME
    exif.get_ifd(0x8825).update({1: "N", 2: (53.0, 14.0, 5.0), 29: HOME})  # GPS, with a field of words
    info = PngInfo()
    info.add_text("Author", HOME)
    info.add_itxt("XML:com.adobe.xmp", f"<x:xmpmeta>{HOME}</x:xmpmeta>")
    others = [Image.new("RGB", (8, 6), (n, 9, 9)) for n in range(1, frames)]
    told: dict[str, Any] = {"comment": HOME} if form in ("JPEG", "GIF") else {}
    told |= {"pnginfo": info} if form == "PNG" else {"xmp": f"<x:xmpmeta>{HOME}</x:xmpmeta>".encode()}
    moves: dict[str, Any] = {"save_all": True, "append_images": others} if frames > 1 else {}
    return drawn(form, exif=exif, icc_profile=COLOURS, **told, **moves)


HOME = "taken at home"
COLOURS = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_nothing_but_the_picture_is_left_of_a_file(form: str, frames: int) -> None:
    """D3, D6: no place, no profile, no comment, nothing behind the end."""
    body = told_of(form, frames if form != "JPEG" else 1)
    assert HOME.encode() in body and beside(body)
    made = pictures.read(body + b"PK\x03\x04 <script>alert(1)</script>").body
    for left in (
        HOME.encode(),
        b"<script>",
        b"PK\x03\x04",
        b"iCCP",
        b"ICCP",
        b"XMP",
        b"xmp",
        b"Exif",
        b"EXIF",
    ):
        assert left not in made
    assert not beside(made)


def beside(body: bytes) -> set[str]:
    """What a picture holds beside itself."""
    with Image.open(BytesIO(body)) as image:
        return {"icc_profile", "xmp", "comment", "exif"} & set(image.info)


def test_a_picture_that_was_taken_sideways_stands_upright() -> None:
    """D6"""
    exif = Image.Exif()
    exif[0x0112] = 6
    made = pictures.read(drawn("JPEG", exif=exif))
    assert (made.width, made.height) == (6, 8)


def test_a_photo_with_more_behind_it_is_the_photo() -> None:
    """D5: as telephones make them, with a second picture or a film behind the first."""
    two = drawn("MPO", save_all=True, append_images=[Image.new("RGB", (8, 6), "blue")])
    for body in (two, drawn("JPEG") + b"\xff\xda" * 2 * pictures.SCANS_MAX):
        made = pictures.read(body)
        assert (made.type, made.width, made.height) == ("jpg", 8, 6)
        with Image.open(BytesIO(made.body)) as again:
            assert again.format == "JPEG" and again.getpixel((0, 0)) == (254, 0, 0)


def test_of_a_png_that_moves_the_first_picture_is_left() -> None:
    """D4: however many there are, one is drawn."""
    with Image.open(BytesIO(pictures.read(animated(1_000)).body)) as again:
        assert getattr(again, "n_frames", 1) == 1 and again.size == (4, 4)


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
        (SVG.decode().encode("utf-16"), "no PNG"),
        (gzip.compress(SVG), "no PNG"),
        (b"<html><script>alert(1)</script></html>", "no PNG"),
        (b"alert(1)//", "no PNG"),
        (b"GIF89a/*\0\0\0\0\0*/=alert(1)//;", "damaged"),
        (b"%PDF-1.7\n1 0 obj<</OpenAction 2 0 R>>endobj", "no PNG"),
        (b"PK\x03\x04" + b"\0" * 99, "no PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 6\n", "no PNG"),
        (drawn("ICO", (16, 16)), "no PNG"),
        (drawn("BMP"), "no PNG"),
        (drawn()[:40], "damaged"),
        (drawn("TIFF"), "no PNG"),
        (claims(50_000, 50_000), "million points"),
        (claims(6_400, 6_400), "million points"),
        (moving(pictures.FRAMES_MAX + 1), "too long"),
        (growing((1, 1), (4_000, 5_001)), "too long"),
        (drawn_over(pictures.SCANS_MAX), "damaged"),
        (b"\x89PNG" + b"\0" * pictures.BYTES_MAX, "MB"),
    ],
)
def test_what_is_no_picture_of_ours_is_refused_with_the_reason(body: bytes, why: str) -> None:
    """D1, D2, D3, D4, D5, D8."""
    with pytest.raises(BadField, match=why) as refused:
        pictures.read(body)
    assert refused.value.pointer == "/file"


SEEDS = [told_of(form, frames) for form in ("PNG", "GIF", "WEBP") for frames in (1, 3)] + [told_of("JPEG", 1)]
CUTS = st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=12))


@given(seed=st.sampled_from(SEEDS), cuts=st.lists(CUTS, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_a_mutilated_file_is_a_picture_or_is_refused(
    seed: bytes, cuts: list[tuple[float, int, bytes]]
) -> None:
    """D3, D8: no error of another kind, and nothing of what is beside the picture."""
    for part, length, instead in cuts:
        at = int(part * len(seed))
        seed = seed[:at] + instead + seed[at + length :]
    try:
        made = pictures.read(seed)
    except BadField as refused:
        assert refused.pointer == "/file"
        return
    assert not beside(made.body) and made.width * made.height <= pictures.PIXELS_MAX
    assert pictures.read(made.body).type == made.type


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
