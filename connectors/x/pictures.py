"""Gives X the pictures of a post: their bytes in pieces, and what they show for those who do not see them.

Rules: a picture by itself is seen by nobody, so trouble with it is never Uncertain: it is given again.
Source: docs.x.com/x-api/media/media-upload-initialize, …/media-upload-append, …/media-upload-finalize and
…/media-metadata-create (November 2026).
"""

from __future__ import annotations

from typing import Any

from ..api import Deferred, Medium, Refused
from .client import Client

TYPES = ("image/jpeg", "image/png", "image/webp")
BYTES_MAX = 5_000_000
PIECE = 4_000_000
ALT_MAX = 1000


def give(client: Client, medium: Medium) -> str:
    """X's id of the picture, to be named by a post."""
    body = medium.load()
    about = {"media_type": medium.type, "media_category": "tweet_image", "total_bytes": len(body)}
    number = str(_data(client.give("/2/media/upload/initialize", about)).get("id", ""))
    if not number.isdecimal():
        raise Deferred("the answer names no picture", phase="answer")
    for n, start in enumerate(range(0, len(body), PIECE)):
        client.append(number, n, medium, body[start : start + PIECE])
    done = _data(client.give(f"/2/media/upload/{number}/finalize", None)).get("processing_info")
    if isinstance(done, dict) and done.get("state") == "failed":
        raise Refused(f"X cannot use the picture: {done.get('error')}", code="picture", phase="answer")
    if medium.alt:
        client.give("/2/media/metadata", {"id": number, "metadata": {"alt_text": {"text": medium.alt}}})
    return number


def _data(answer: dict[str, Any]) -> dict[str, Any]:
    data = answer.get("data")
    return data if isinstance(data, dict) else {}
