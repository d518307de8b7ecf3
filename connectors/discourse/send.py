"""Opens a topic in a forum, or answers in one; looks for either where nobody knows whether it went.

Rules: the outside id of a topic is made of the delivery's key, and Discourse takes each once. An answer ends with a
mark of that key, which Markdown shows to nobody. A text is shown as it was written, unless the account says Markdown.
Source: docs.discourse.org (createTopicPostPM, getTopicByExternalId, createUpload), November 2026.
"""

from __future__ import annotations

import re
from hashlib import sha256
from secrets import token_hex
from typing import Any

from ..api import AccountGone, Deferred, Medium, Outbound, Receipt, Refused, Uncertain
from .client import PLACE, Client, number, one, place, rows, verify

TITLE_MAX = 80
LOOK_BACK = 100
AT_ONCE = 20
_LINK = re.compile(r"https?://\S+")
_MARKUP = re.compile(r"([\\`*_\[\]<>&#~|])")
_LIST = re.compile(r"(?m)^([ \t]*)([-+=]|[0-9]{1,9}(?=[.)]))")


def send(client: Client, outbound: Outbound) -> Receipt:
    """Post it. `in_reply_to` is the place that it answers."""
    if not str(outbound.text).strip():
        raise Refused("a post needs a text", code="no_text", phase="build")
    uploads = "".join(f"\n\n{_upload(client, medium)}" for medium in outbound.media)
    raw = source(client, str(outbound.text)) + uploads
    if answered := PLACE.fullmatch(outbound.in_reply_to):
        return _answer(client, outbound, raw, int(answered[1]), int(answered[2]))
    told: dict[str, Any] = {"title": title(outbound), "raw": raw, "external_id": external_id(outbound)}
    if client.category:
        told["category"] = client.category
    answer = client.ask("POST", "posts.json", json=told, show=(422,))
    if answer.status == 422:  # this title or this id is there already: maybe it is this very topic
        found = find(client, outbound)
        if found is None:
            raise Refused(
                client.door.redact(f"422 {answer.body[:400].decode('utf-8', 'replace')}"), code="422"
            )
        return found
    return _receipt(one(answer))


def find(client: Client, outbound: Outbound) -> Receipt | None:
    """The topic by its outside id, or our answer among the last of its topic by its mark."""
    if answered := PLACE.fullmatch(outbound.in_reply_to):
        return _find_answer(client, mark(outbound), int(answered[1]))
    answer = client.get(f"t/external_id/{external_id(outbound)}.json", show=(301, 302, 404))
    if answer.status == 404:
        return None
    led = re.search(r"/t/(?:[^/]+/)?([0-9]{1,18})(?:\.json)?(?:\?.*)?$", answer.headers.get("location", ""))
    topic = int(led[1]) if led else number(one(answer), "id")
    if not topic:
        raise Deferred("the answer names no topic", phase="answer", scope="account")
    return Receipt(f"{topic}/1")


def external_id(outbound: Outbound) -> str:
    """What Discourse takes as an outside id: letters, digits and hyphens, at most fifty."""
    return f"dolen-{sha256(outbound.key.encode()).hexdigest()[:32]}"


def mark(outbound: Outbound) -> str:
    """What an answer ends with: a comment of Markdown."""
    return f"<!-- {external_id(outbound)} -->"


def title(outbound: Outbound) -> str:
    """Its subject, or else the beginning of its first line."""
    first = str(outbound.text).strip().partition("\n")[0].strip()
    short = first if len(first) <= TITLE_MAX else f"{first[: TITLE_MAX - 1].rstrip()}…"
    return str(outbound.subject).strip() or short


def source(client: Client, text: str) -> str:
    """The text as Markdown in which nothing is markup but links; as it is where it is Markdown."""
    if client.markdown:
        return text
    pieces, end = [], 0
    for link in _LINK.finditer(text):
        pieces += [_MARKUP.sub(r"\\\1", text[end : link.start()]), link[0]]
        end = link.end()
    return _LIST.sub(r"\1\\\2", "".join(pieces) + _MARKUP.sub(r"\\\1", text[end:]))


def _answer(client: Client, outbound: Outbound, raw: str, topic: int, post: int) -> Receipt:
    told: dict[str, Any] = {"raw": f"{raw}\n\n{mark(outbound)}", "topic_id": topic}
    if post > 1:
        told["reply_to_post_number"] = post
    try:
        return _receipt(one(client.ask("POST", "posts.json", json=told)))
    except AccountGone as error:
        verify(
            client
        )  # raises where it is the account; otherwise it is this topic: closed, gone, or not for us
        raise Refused(error.words, code=error.code, phase="answer") from None


def _receipt(made: dict[str, Any]) -> Receipt:
    if place(made):
        return Receipt(place(made))
    pending = made.get("pending_post")
    if made.get("action") == "enqueued" and isinstance(pending, dict) and number(pending, "id"):
        return Receipt(f"pending/{number(pending, 'id')}", words="waits for a moderator of the forum")
    raise Uncertain("the answer names no post", phase="answer")


def _find_answer(client: Client, wanted: str, topic: int) -> Receipt | None:
    answer = client.get(f"t/{topic}.json", show=(404,))
    stream = one(answer).get("post_stream") if answer.status != 404 else None
    ids = stream.get("stream") if isinstance(stream, dict) else None
    last = [each for each in ids if isinstance(each, int)][-LOOK_BACK:] if isinstance(ids, list) else []
    for end in range(len(last), 0, -AT_ONCE):
        some = last[max(end - AT_ONCE, 0) : end]
        found = one(client.get(f"t/{topic}/posts.json", {"post_ids[]": some, "include_raw": "true"}))
        for post in rows(found, "post_stream", "posts"):
            mine = str(post.get("username")).lower() == client.username.lower()
            if mine and wanted in str(post.get("raw")) and place(post):
                return Receipt(place(post))
    return None


def _upload(client: Client, medium: Medium) -> str:
    """Give the forum a picture; how it stands in a text. Nothing is posted by that, so trouble is never Uncertain."""
    border = token_hex(16)
    name = re.sub(r'[\r\n"\\]', "_", medium.name)
    fields = "".join(
        f'--{border}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in (("type", "composer"), ("synchronous", "true"))
    )
    head = f'{fields}--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    head += f"Content-Type: {medium.type}\r\n\r\n"
    body = head.encode() + medium.load() + f"\r\n--{border}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={border}"}
    try:
        made = one(client.ask("POST", "uploads.json", body=body, headers=kind))
    except Uncertain as error:
        raise Deferred(error.words, code=error.code, phase="media") from None
    short = made.get("short_url")
    if not isinstance(short, str) or not re.fullmatch(r"upload://[\w.-]{1,100}", short):
        raise Deferred("the answer names no picture", phase="media")
    shown = _MARKUP.sub(r"\\\1", " ".join(medium.alt.split()))
    return f"![{shown}]({short})"
