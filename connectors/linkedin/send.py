"""Posts and comments as the organisation, and looks for them where nobody knows whether they went.

Rules: LinkedIn keeps no key of ours, so a post is found by its words since the first intent: never exact. It refuses
words that the page has posted before, and at times says yes to them and shows nothing, so a yes is looked at once.
A picture is given before the post, and seen by nobody until then.
Source: learn.microsoft.com/linkedin/marketing/community-management/shares/{posts-api,images-api,multiimage-post-api,
comments-api,little-text-format} (July 2026).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from .. import by_words
from ..api import AccountGone, ConnectorError, Deferred, Medium, Outbound, Receipt, Refused, Uncertain
from .client import Client, Duplicate, coded, is_post, is_thread, obj, rows, thread_of

PAGE = 100
PAGES_MAX = 5
# What means something in a post's text and is written with a backslash; a hashtag stays one.
_RESERVED = re.compile(r"[|{}@\[\]()<>*_~\\]|#(?!\w)")
_ESCAPED = re.compile(r"\\(.)")
_HASHTAG = re.compile(r"\{hashtag\|\\?([#\uff03])\|([^{}|]*)\}")
_POST = re.compile(r"urn:li:(?:share|ugcPost):[0-9]{1,20}")


def verify(client: Client) -> None:
    """The token works, and is of somebody who has a role on this page."""
    if any(
        one.get("organization") == client.organisation
        for one in _all(client, "organizationAcls?q=roleAssignee&state=APPROVED&")
    ):
        return
    raise AccountGone("whoever signed in has no role on this page", code="organization_id", phase="answer")


def send(client: Client, outbound: Outbound) -> Receipt:
    """Post it, or comment where `in_reply_to` names a post or comment. Uncertain with code `duplicate`: it may have
    gone before."""
    text = str(outbound.text)
    if not text.strip() and not outbound.media:
        raise Refused("a post needs a text or a picture", code="no_text", phase="build")
    if is_thread(outbound.in_reply_to):
        return _comment(client, outbound.in_reply_to, text)
    pictures = [_given(client, medium) for medium in outbound.media]
    try:
        answer = client.write("posts", _post(client, text, pictures))
    except Duplicate as error:
        return _went_before(client, outbound, error)
    name = answer.headers.get("x-restli-id", "")
    if not is_post(name):
        raise Uncertain("the answer names no post", phase="answer")
    _look(client, name)
    return Receipt(name, wait_s=answer.used_up_s)


def find(client: Client, outbound: Outbound) -> Receipt | None:
    """The newest of the organisation's own with the same words since the first intent."""
    if is_thread(outbound.in_reply_to):
        return _find_comment(client, outbound)
    for post in _all(client, f"posts?author={coded(client.organisation)}&q=author&sortBy=CREATED&"):
        if not _since(outbound, post.get("createdAt")):
            return None
        if is_post(post.get("id")) and _same(outbound, post):
            return Receipt(post["id"])
    return None


def escaped(text: str) -> str:
    """A text in LinkedIn's own format, that means itself."""
    return _RESERVED.sub(lambda found: f"\\{found[0]}", text)


def unescaped(text: str) -> str:
    """What a text in LinkedIn's own format says; it gives hashtags back in another form than they were given."""
    return _ESCAPED.sub(r"\1", _HASHTAG.sub(r"\1\2", text))


def _all(client: Client, path: str, finder: bool = True) -> Iterator[dict[str, Any]]:
    """The rows of a list, a page at a time; the path ends where a query goes on."""
    start = 0
    for _ in range(PAGES_MAX):
        page = rows(client.read(f"{path}start={start}&count={PAGE}", finder=finder))
        yield from page
        start += len(page)
        if not page:
            return


def _post(client: Client, text: str, pictures: list[dict[str, str]]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "author": client.organisation, "commentary": escaped(text), "visibility": "PUBLIC",
        "distribution": {
            "feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []
        },
        "lifecycleState": "PUBLISHED", "isReshareDisabledByAuthor": False,
    }  # fmt: skip
    if len(pictures) == 1:
        body["content"] = {"media": pictures[0]}
    elif pictures:
        body["content"] = {"multiImage": {"images": pictures}}
    return body


def _given(client: Client, medium: Medium) -> dict[str, str]:
    """A picture that LinkedIn has. Nothing is posted by that, so it may be given again: never Uncertain."""
    try:
        asked = {"initializeUploadRequest": {"owner": client.organisation}}
        told = client.write("images?action=initializeUpload", asked).json()
        value = obj(told, "value") if isinstance(told, dict) else {}
        if not (isinstance(value.get("uploadUrl"), str) and isinstance(value.get("image"), str)):
            raise Deferred("LinkedIn does not say where the picture goes", phase="media")
        client.upload(value["uploadUrl"], medium.load(), medium.type)
    except Uncertain as error:
        raise Deferred(error.words, code=error.code, phase="media") from None
    return {"id": value["image"], **({"altText": medium.alt} if medium.alt else {})}


def _look(client: Client, name: str) -> None:
    """LinkedIn drops repeats while it says yes: a post it does not show may not be there."""
    try:
        answer = client.read(f"posts/{coded(name)}", show=(404,))
    except ConnectorError:  # it said yes, and nothing says no
        return
    if answer.status == 404:
        raise Uncertain("LinkedIn said yes and does not show the post", code="duplicate", phase="answer")


def _went_before(client: Client, outbound: Outbound, refused: Duplicate) -> Receipt:
    """LinkedIn names what it has already, though at times a post that it shows to nobody."""
    with suppress(ConnectorError):
        if (named := _POST.search(refused.words)) and _is_there(client, outbound, named[0]):
            return Receipt(named[0])
    return by_words.went_before(partial(find, client), outbound, refused)


def _is_there(client: Client, outbound: Outbound, name: str) -> bool:
    answer = client.read(f"posts/{coded(name)}", show=(404,))
    told = answer.json() if answer.status == 200 else None
    return isinstance(told, dict) and _same(outbound, told)


def _same(outbound: Outbound, post: Mapping[str, Any]) -> bool:
    """Whether a post says the same and is no older than the first intent."""
    said = by_words.comparable(unescaped(str(post.get("commentary", ""))))
    return said == by_words.comparable(str(outbound.text)) and _since(outbound, post.get("createdAt"))


def _comment(client: Client, about: str, text: str) -> Receipt:
    thread = thread_of(about)
    body = {"actor": client.organisation, "object": thread or about, "message": {"text": text}}
    if thread:
        body["parentComment"] = about
    told = client.write(f"socialActions/{coded(about)}/comments", body).json()
    name = told.get("commentUrn") if isinstance(told, dict) else None
    if not (isinstance(name, str) and thread_of(name)):
        raise Uncertain("the answer names no comment", phase="answer")
    return Receipt(name)


def _find_comment(client: Client, outbound: Outbound) -> Receipt | None:
    for one in _all(client, f"socialActions/{coded(outbound.in_reply_to)}/comments?", finder=False):
        ours = one.get("actor") == client.organisation
        said = str(obj(one, "message").get("text"))
        same = by_words.comparable(said) == by_words.comparable(str(outbound.text))
        name = str(one.get("commentUrn", ""))
        if ours and same and thread_of(name) and _since(outbound, obj(one, "created").get("time")):
            return Receipt(name)
    return None


def _since(outbound: Outbound, at_ms: Any) -> bool:
    """Whether it is no older than the first intent; what has no time is."""
    least = by_words.since(outbound)
    return least is None or not isinstance(at_ms, int) or at_ms >= least.timestamp() * 1000
