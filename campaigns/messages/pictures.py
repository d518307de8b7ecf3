"""Pictures from outside: what is taken, how it is made harmless, and where it is kept.

Rules: what is stored was drawn anew by us, so nothing but pixels is left of a file (no place where it was taken,
no script, no second file inside); what it is follows from its content, never from its name; sizes are known
before anything is drawn, and few are drawn at once: each takes much memory.
Source: bad input D1 to D8 and D11.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import threading
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, ImageSequence

from ..errors import BadField, Busy, said

# Where pictures lie, inside the data folder.
FOLDER = "media"
BYTES_MAX = 10 * 1024 * 1024
# Over all frames together: what must be held and drawn at the most.
PIXELS_MAX = 40_000_000
FRAMES_MAX = 200
# A JPEG may be drawn over and over, scan upon scan of a few bytes each: programs make some ten, and twice that for a
# photo with a second one inside.
SCANS_MAX = 100
# A picture of so many points takes up to half a gigabyte while it is drawn, however small its file: so many at once in
# one process, and whoever comes then waits so long for a place.
AT_ONCE, PATIENCE_S = 2, 2.0
# How a file of each kind ends, and as what it is served.
ENDINGS = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "WEBP": "webp"}
TYPES = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
# The parts of a JPEG begin with these, and say how long they are; 00, 01 and D0 to D7 stand alone.
SCAN, END = b"\xff\xda", b"\xff\xd9"
MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd7]")
MODES = {"PNG": ("L", "LA", "RGB", "RGBA"), "JPEG": ("L", "RGB"), "WEBP": ("RGB", "RGBA")}

_places = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that may be stored and shown: its own bytes, named by their SHA-256."""

    body: bytes
    type: str
    width: int
    height: int

    @property
    def sha256(self) -> str:
        """The name it is stored under."""
        return hashlib.sha256(self.body).hexdigest()


def read(body: bytes) -> Picture:
    """The picture inside a file, drawn anew; BadField at /file says why a file is not taken and what to do. Busy where
    others are drawn and no place comes free."""
    if not body:
        raise BadField("there is no picture: choose a file", pointer="/file")
    if len(body) > BYTES_MAX:
        large = said("a picture holds at most {megabytes} MB: save it smaller", megabytes=BYTES_MAX // 2**20)
        raise BadField(large, pointer="/file")
    if _is_drawing(body):
        raise BadField("SVG drawings can carry programs and are not taken: save it as PNG", pointer="/file")
    if not _places.acquire(timeout=PATIENCE_S):
        raise Busy("too many pictures are being drawn at this moment: try again")
    try:
        return _harmless(body)
    finally:
        _places.release()


def keep(folder: Path, picture: Picture) -> None:
    """Store it under its SHA-256; the same picture is stored once, and never half."""
    target = place(folder, picture.sha256, picture.type)
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = target.with_name(f"{secrets.token_hex(8)}.part")
    with beside.open("xb") as file:
        file.write(picture.body)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(target)


def place(folder: Path, sha256: str, type: str) -> Path:
    """Where a picture lies under the data folder."""
    return folder / FOLDER / sha256[:2] / f"{sha256}.{type}"


def _harmless(body: bytes) -> Picture:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _drawn(body)
    except BadField:
        raise
    except Image.DecompressionBombError:
        raise _too_large() from None
    except Exception:  # a broken file leads a decoder to any error there is
        raise BadField(
            "this is no PNG, JPEG, GIF or WebP picture, or it is damaged: save it again", pointer="/file"
        ) from None


def _drawn(body: bytes) -> Picture:
    with Image.open(BytesIO(body), formats=tuple(ENDINGS)) as image:
        # Telephones put more pictures behind the first of a JPEG, which is called MPO then.
        form = "JPEG" if image.format == "MPO" else image.format or ""
        if image.width * image.height > PIXELS_MAX:
            raise _too_large()
        if form == "JPEG" and _scans(body) > SCANS_MAX:
            raise ValueError("drawn over and over")
        frames = _frames(image) if form in ("GIF", "WEBP") else 1
        image.seek(0)
        out = BytesIO()
        if frames > 1:
            _save_moving(image, form, out)
        else:
            _save_still(image, form, out)
    made = out.getvalue()
    with Image.open(BytesIO(made)) as again:
        return Picture(made, ENDINGS[form], again.width, again.height)


def _frames(image: Image.Image) -> int:
    """How many frames it has, going no further than may be drawn."""
    for count in range(1, FRAMES_MAX + 1):
        try:
            image.seek(count)
        except EOFError:
            return count
        # A later frame may be larger than those before it.
        if (count + 1) * image.width * image.height > PIXELS_MAX:
            break
    long = said(
        "this moving picture is too long: keep it under {frames} frames, or smaller", frames=FRAMES_MAX
    )
    raise BadField(long, pointer="/file")


def _scans(body: bytes) -> int:
    """In how many scans the first picture of a JPEG is drawn; what lies behind its end is not looked at."""
    found, at = 0, 2
    while (marker := MARKER.search(body, at)) and marker[0] != END:
        found += marker[0] == SCAN
        at = marker.end() + int.from_bytes(body[marker.end() : marker.end() + 2])
    return found


def _save_still(image: Image.Image, form: str, out: BytesIO) -> None:
    image.load()
    still = ImageOps.exif_transpose(image)
    clear = still.mode in ("RGBA", "LA", "PA") or "transparency" in still.info
    if form == "GIF":
        still = still.convert("RGBA") if clear else still.convert("RGB")
    elif still.mode not in MODES[form]:
        still = still.convert("RGBA" if clear and form != "JPEG" else "RGB")
    still.info = {}
    options: dict[str, Any] = {"JPEG": {"quality": 88, "optimize": True}, "WEBP": {"quality": 88}}.get(
        form, {}
    )
    still.save(out, form, **options)


def _save_moving(image: Image.Image, form: str, out: BytesIO) -> None:
    loop = image.info.get("loop", 1)
    waits, frames = [], []
    for frame in ImageSequence.Iterator(image):
        waits.append(int(frame.info.get("duration") or 100))
        drawn = frame.convert("RGBA")
        drawn.info = {}
        frames.append(drawn)
    frames[0].save(
        out, form, save_all=True, append_images=frames[1:], duration=waits, loop=loop if isinstance(loop, int) else 0
    )  # fmt: skip


def _is_drawing(body: bytes) -> bool:
    start = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<svg", b"<?xml", b"<!doctype svg")) or (start[:1] == b"<" and b"<svg" in start)


def _too_large() -> BadField:
    large = said(
        "this picture has over {millions} million points: save it smaller", millions=PIXELS_MAX // 10**6
    )
    return BadField(large, pointer="/file")
