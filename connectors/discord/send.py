"""Posts on Discord under a nonce of ours, and proves that the bot sees the channel.

Rules: nobody is called by a post (`@everyone` is a word like any other). A picture and its post are one request.
Source: docs.discord.com, "Create Message" (nonce, enforce_nonce, attachments), November 2026.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from ..api import AccountGone, Outbound, Receipt, Refused
from .client import Client, one

NONCE_MAX = 25
# Text, voice and announcement channels, and threads; not forums, which take posts in another way.
TYPES = (0, 2, 5, 10, 11, 12)


def send(client: Client, outbound: Outbound) -> Receipt:
    """Post it. `in_reply_to` is the number of a message to answer."""
    text, media = str(outbound.text), outbound.media
    if not text.strip() and not media:
        raise Refused("a post needs a text or a picture", code="no_text", phase="build")
    told: dict[str, Any] = {
        "content": text,
        "nonce": sha256(outbound.key.encode()).hexdigest()[:NONCE_MAX],
        "enforce_nonce": True,
        "allowed_mentions": {"parse": []},
    }
    if outbound.in_reply_to.isdecimal():
        told["message_reference"] = {"message_id": outbound.in_reply_to, "fail_if_not_exists": False}
    names = [f"{n}.{each.type.rpartition('/')[2]}" for n, each in enumerate(media, start=1)]
    if media:
        told["attachments"] = [
            {"id": n, "filename": name, "description": each.alt}
            for n, (name, each) in enumerate(zip(names, media, strict=True))
        ]
    files = [(name, each.type, each.load()) for name, each in zip(names, media, strict=True)]
    answer = client.write(f"{client.channel}/messages", told, files)
    return Receipt(one(answer)["id"], wait_s=answer.used_up_s)


def verify(client: Client) -> None:
    """The token works, and the bot sees a channel that takes posts."""
    if one(client.read(client.channel)).get("type") not in TYPES:
        raise AccountGone(
            "this channel takes no posts: choose a text or announcement channel", phase="answer"
        )
