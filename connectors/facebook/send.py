"""Posts as the page and answers comments, and looks for both where nobody knows whether they went.

Rules: Facebook keeps no key of ours, so a post is found by its words since the first intent: never exact. Pictures are
given unpublished before the post, and seen by nobody until then; without pictures the first link of the text gets its
preview.
Source: developers.facebook.com/docs/pages-api/posts, /docs/graph-api/reference/{page/photos,page/published_posts,
object/comments} (November 2026).
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from urllib3.filepost import encode_multipart_formdata

from ..api import AccountGone, Deferred, Medium, Outbound, Receipt, Refused, Uncertain
from ..by_words import comparable, went_before
from ..meta import Duplicate, Graph, is_id, listed, no_older, obj, write_below

_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")


def verify(graph: Graph, page_id: str) -> None:
    """The token works, and is the page's own."""
    if graph.read("me", fields="id").get("id") != page_id:
        raise AccountGone("this token belongs to another page than page_id", code="page_id", phase="answer")


def send(graph: Graph, page_id: str, outbound: Outbound) -> Receipt:
    """Post it, or comment where `in_reply_to` names a post or comment. Uncertain with code `duplicate`: it may have
    gone before."""
    text = str(outbound.text)
    if not text.strip() and not outbound.media:
        raise Refused("a post needs a text or a picture", code="no_text", phase="build")
    if is_id(outbound.in_reply_to):
        return _named(write_below(graph, f"{outbound.in_reply_to}/comments", text))
    pictures = [_given(graph, page_id, medium) for medium in outbound.media]
    form = {f"attached_media[{n}]": f'{{"media_fbid":"{one}"}}' for n, one in enumerate(pictures)}
    if not pictures and (link := _LINK.search(text)):
        form["link"] = link[0]
    try:
        return _named(graph.write(f"{page_id}/feed", message=text, **form))
    except Duplicate as error:
        return went_before(partial(find, graph, page_id), outbound, error)


def find(graph: Graph, page_id: str, outbound: Outbound) -> Receipt | None:
    """The newest of the page's own with the same words since the first intent."""
    if is_id(outbound.in_reply_to):
        path, fields = f"{outbound.in_reply_to}/comments", "id,from,message,created_time"
        query = {"fields": fields, "filter": "stream", "order": "reverse_chronological"}
    else:
        path, query = f"{page_id}/published_posts", {"fields": "id,message,created_time"}
    wanted = comparable(str(outbound.text))
    for one in listed(graph, path, lambda row: no_older(outbound, row.get("created_time")), **query):
        if not no_older(outbound, one.get("created_time")):
            return None
        ours = not is_id(outbound.in_reply_to) or obj(one, "from").get("id") == page_id
        if ours and is_id(one.get("id")) and comparable(str(one.get("message", ""))) == wanted:
            return Receipt(one["id"])
    return None


def _given(graph: Graph, page_id: str, medium: Medium) -> str:
    """A picture that Facebook has, and shows to nobody yet."""
    fields: dict[str, Any] = {
        "published": "false", "source": (medium.name, medium.load(), medium.type),
        **({"alt_text_custom": medium.alt} if medium.alt else {}),
    }  # fmt: skip
    body, content_type = encode_multipart_formdata(fields)
    name = graph.upload(f"{page_id}/photos", body, content_type).get("id")
    if not is_id(name):
        raise Deferred("the answer names no picture", phase="media")
    return str(name)


def _named(told: dict[str, Any]) -> Receipt:
    if not is_id(told.get("id")):
        raise Uncertain("the answer names no post", phase="answer")
    return Receipt(told["id"])
