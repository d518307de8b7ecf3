"""`/m/<digest>.<ending>`: a picture in a mail, for whoever was sent it.

Rules: the digest of its bytes cannot be guessed; what it leads to never changes, so it may be kept for ever; it is
served as the picture it is and as nothing else.
Source: bad input D3.
"""

from __future__ import annotations

import re

from flask import Blueprint, Response, abort

from campaigns.messages import media, pictures
from campaigns.messages.tables import Media

from ..wiring import Wiring

DIGEST = re.compile(r"[0-9a-f]{64}")
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    # Mail is read on other people's pages.
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def blueprint(wiring: Wiring) -> Blueprint:
    """The one address of a picture."""
    made = Blueprint("pictures", __name__)

    @made.get("/m/<sha256>.<ending>")
    def read(sha256: str, ending: str) -> Response:
        if not DIGEST.fullmatch(sha256) or ending not in pictures.TYPES:
            abort(404)
        with wiring.database.read() as session:
            found = media.for_anybody(session, sha256)
        if found is None or found.type != ending:
            abort(404)
        return served(wiring, found, **HEADERS)

    return made


def served(wiring: Wiring, picture: Media, **headers: str) -> Response:
    """The bytes of a picture as what they are, never as a page."""
    where = pictures.place(wiring.settings.folder, picture.sha256 or "", picture.type)
    try:
        body = where.read_bytes()
    except FileNotFoundError:
        abort(404)
    answer = Response(body, content_type=pictures.TYPES[picture.type])
    answer.headers.update(
        {
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Content-Disposition": f'inline; filename="{picture.sha256}.{picture.type}"',
            **headers,
        }
    )
    answer.set_etag(picture.sha256 or "")
    return answer
