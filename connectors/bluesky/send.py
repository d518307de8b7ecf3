"""Posts on Bluesky: one record under a name made of the delivery's key, so that a repeat changes nothing.

Rules: the same delivery gives the same record on every attempt, its time included; a server that has it already takes
the repeat for done and answers as before. Pictures go first and are seen by nobody until the post names them.
Source: docs.bsky.app/docs/advanced-guides/posts, atproto.com/specs/tid; that a repeat makes no commit stands in the
code of the reference server (packages/pds, putRecord), November 2026.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from ..api import Deferred, Medium, Outbound, Receipt, Refused, Uncertain
from ..shapes import field
from .client import Client, told
from .facets import facets

POST = "app.bsky.feed.post"
LANGUAGES_MAX = 3
_TID = "234567abcdefghijklmnopqrstuvwxyz"
_URI = re.compile(r"at://did:[a-z]+:[\w.:%-]+/[\w.-]+/[\w.:~-]+")


def send(client: Client, outbound: Outbound) -> Receipt:
    """Post it. `in_reply_to` is the address (at://…) of the post it answers, or of the part before."""
    parent = client.record(outbound.in_reply_to) if is_uri(outbound.in_reply_to) else None
    if parent is not None and not parent.get("cid"):
        return _went_before(client, outbound)
    record = {"$type": POST, **_words(client, outbound), **_reply(parent), **_pictures(client, outbound)}
    if outbound.language:
        record["langs"] = _languages(outbound.language)[:LANGUAGES_MAX]
    written = {"repo": client.handle, "collection": POST, "rkey": rkey(outbound.key), "record": record}
    answer = client.write("com.atproto.repo.putRecord", json=written)
    uri = told(answer).get("uri")
    if not is_uri(uri):
        raise Uncertain("the answer names no post", code=str(answer.status), phase="answer")
    return Receipt(str(uri), wait_s=answer.used_up_s)


def rkey(key: str) -> str:
    """The name of a delivery's record: 13 signs as of a TID, the same for the same key."""
    number = int.from_bytes(sha256(key.encode()).digest()[:8]) >> 1
    return "".join(_TID[number >> 5 * place & 31] for place in range(12, -1, -1))


def is_uri(value: Any) -> bool:
    """Whether this is the address of a record."""
    return isinstance(value, str) and _URI.fullmatch(value) is not None


def _words(client: Client, outbound: Outbound) -> dict[str, Any]:
    text = str(outbound.text)
    if not text.strip() and not outbound.media:
        raise Refused("a post needs a text", code="no_text", phase="build")
    at = (outbound.since or datetime.now(UTC)).astimezone(UTC)
    created = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    found = facets(text, lambda handle: _did(client, handle))
    return {"text": text, "createdAt": created, **({"facets": found} if found else {})}


def _languages(named: str) -> list[str]:
    """The languages of `cy`, `en-GB` or `cy, ar`, without their regions."""
    plain = [each.partition("-")[0].lower() for each in re.split("[, ]+", named)]
    return [each for each in plain if re.fullmatch("[a-z]{2,3}", each)]


def _did(client: Client, handle: str) -> str | None:
    answer = client.read("com.atproto.identity.resolveHandle", {"handle": handle})
    found = told(answer).get("did") if answer.status == 200 else None
    return found if isinstance(found, str) else None


def _reply(parent: dict[str, Any] | None) -> dict[str, Any]:
    """What it answers, and what the conversation began with."""
    if parent is None:
        return {}
    above = {"uri": parent.get("uri"), "cid": parent["cid"]}
    return {"reply": {"root": field(parent, "value", "reply", "root") or above, "parent": above}}


def _went_before(client: Client, outbound: Outbound) -> Receipt:
    """What this answers is gone; an earlier try may have been in time."""
    uri = client.record(f"at://{client.handle}/{POST}/{rkey(outbound.key)}").get("uri")
    if not is_uri(uri):
        raise Refused("what this answers is not there any more", code="no_parent", phase="build")
    return Receipt(str(uri))


def _pictures(client: Client, outbound: Outbound) -> dict[str, Any]:
    if not outbound.media:
        return {}
    images = [_picture(client, medium) for medium in outbound.media]
    return {"embed": {"$type": "app.bsky.embed.images", "images": images}}


def _picture(client: Client, medium: Medium) -> dict[str, Any]:
    """Give a picture to the server. Nothing is posted by this."""
    try:
        answer = client.write("com.atproto.repo.uploadBlob", body=medium.load(), kind=medium.type)
        blob = told(answer).get("blob")
    except Uncertain as error:
        raise Deferred(error.words, code=error.code, phase="media") from None
    if not isinstance(blob, dict):
        raise Deferred("the answer names no picture", phase="media")
    shape = {"width": medium.width, "height": medium.height}
    return {"image": blob, "alt": medium.alt, **({"aspectRatio": shape} if all(shape.values()) else {})}
