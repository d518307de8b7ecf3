"""Gives a picture to the server, which nobody sees until a post names it, and waits until the server is done with it.

Source: docs.joinmastodon.org/methods/media (November 2026).
"""

from __future__ import annotations

import time

from urllib3 import encode_multipart_formdata

from ..api import Deferred, Medium, Uncertain
from .client import Server, named

ASKS_MAX = 20
PAUSE_S = 0.5


def upload(server: Server, medium: Medium) -> str:
    """The picture's id. Nothing is posted by this: what fails may be given again."""
    body, kind = encode_multipart_formdata(
        {"description": medium.alt, "file": (medium.name, medium.load(), medium.type)}
    )
    try:
        answer = server.write("/api/v2/media", body=body, headers={"Content-Type": kind})
        name = named(answer)
        for _ in range(ASKS_MAX):
            if answer.status == 200:
                return name
            time.sleep(PAUSE_S)
            answer = server.read(f"/api/v1/media/{name}")
    except Uncertain as error:
        raise Deferred(error.words, code=error.code, phase="media") from None
    raise Deferred("the server is still working on a picture", phase="media", retry_after_s=60.0)
