"""Posts pictures as the account and answers comments, and looks for both where nobody knows whether they went.

Rules: Instagram fetches each picture from its address into a container, and a container is published once. One that is
not published is seen by nobody and ends after a day, so what goes wrong before may be done again. Instagram keeps no
key of ours: a post is found by its words since the first intent, never exact.
Source: developers.facebook.com/docs/instagram-platform/{content-publishing,reference/error-codes,
reference/instagram-user/media,reference/instagram-user/content_publishing_limit} (November 2026).
"""

from __future__ import annotations

from typing import Any

from ..api import AccountGone, Deferred, Medium, Outbound, Receipt, Refused, Uncertain
from ..meta import Graph, comparable, is_id, listed, no_older, obj, rows

# How often a container is asked whether its picture has come; they are there within a second or so.
LOOKS = 5
LATER_S = 30.0
QUOTA_WAIT_S = 3600.0
# The picture could not be fetched, in time, or yet.
NOT_FETCHED = ("-2", "9004", "9007")


def verify(graph: Graph, user_id: str) -> None:
    """The token works, and is of this account."""
    if str(graph.read("me", fields="user_id").get("user_id", "")) != user_id:
        raise AccountGone(
            "this token belongs to another account than user_id", code="user_id", phase="answer"
        )


def send(graph: Graph, user_id: str, outbound: Outbound) -> Receipt:
    """Post it, or answer where `in_reply_to` names a comment."""
    text = str(outbound.text)
    if is_id(outbound.in_reply_to):
        return _named(graph.write(f"{outbound.in_reply_to}/replies", message=text))
    if not outbound.media:
        raise Refused("Instagram takes no post without a picture", code="no_media", phase="build")
    if not all(medium.url.startswith("https://") for medium in outbound.media):
        raise AccountGone(
            "Instagram fetches pictures by https: set http.base_url to an address that it reaches"
        )
    _ask_leave(graph, user_id)
    try:
        container = _container(graph, user_id, text, outbound.media)
        _wait_for(graph, container)
        return _named(graph.write(f"{user_id}/media_publish", creation_id=container))
    except Refused as error:
        if error.code not in NOT_FETCHED:
            raise
        raise Deferred(error.words, code=error.code, phase="media", retry_after_s=LATER_S) from None


def find(graph: Graph, user_id: str, outbound: Outbound) -> Receipt | None:
    """The newest of the account's own with the same words since the first intent."""
    if is_id(outbound.in_reply_to):
        path, said, fields = f"{outbound.in_reply_to}/replies", "text", "id,text,timestamp,from"
    else:
        path, said, fields = f"{user_id}/media", "caption", "id,caption,timestamp"
    wanted = comparable(str(outbound.text))
    for one in listed(graph, path, lambda row: no_older(outbound, row.get("timestamp")), fields=fields):
        ours = said == "caption" or obj(one, "from").get("id") == user_id
        same = comparable(str(one.get(said) or "")) == wanted
        if ours and same and is_id(one.get("id")) and no_older(outbound, one.get("timestamp")):
            return Receipt(one["id"])
    return None


def _ask_leave(graph: Graph, user_id: str) -> None:
    """Instagram says itself how many posts a day it takes of the account, and how many it has had."""
    for one in rows(graph.read(f"{user_id}/content_publishing_limit", fields="quota_usage,config")):
        used, most = one.get("quota_usage"), obj(one, "config").get("quota_total")
        if isinstance(used, int) and isinstance(most, int) and used >= most:
            raise Deferred(
                f"Instagram takes {most} posts a day and has had {used}",
                scope="account",
                retry_after_s=QUOTA_WAIT_S,
            )


def _container(graph: Graph, user_id: str, text: str, media: Any) -> str:
    if len(media) == 1:
        return _made(graph.prepare(f"{user_id}/media", caption=text, **_picture(media[0])))
    children = [
        _made(graph.prepare(f"{user_id}/media", is_carousel_item="true", **_picture(medium)))
        for medium in media
    ]
    for child in children:
        _wait_for(graph, child)
    return _made(
        graph.prepare(f"{user_id}/media", media_type="CAROUSEL", caption=text, children=",".join(children))
    )


def _picture(medium: Medium) -> dict[str, str]:
    return {"image_url": medium.url, **({"alt_text": medium.alt} if medium.alt else {})}


def _made(told: dict[str, Any]) -> str:
    if not is_id(told.get("id")):
        raise Deferred("the answer names no picture", phase="media")
    return str(told["id"])


def _wait_for(graph: Graph, container: str) -> None:
    """Until its picture is there."""
    for _ in range(LOOKS):
        told = graph.read(container, fields="status_code,status")
        if told.get("status_code") == "FINISHED":
            return
        if told.get("status_code") in ("ERROR", "EXPIRED"):
            raise Refused(f"Instagram does not take the picture: {told.get('status')}", phase="media")
    raise Deferred("Instagram is still fetching the picture", phase="media", retry_after_s=LATER_S)


def _named(told: dict[str, Any]) -> Receipt:
    if not is_id(told.get("id")):
        raise Uncertain("the answer names no post", phase="answer")
    return Receipt(told["id"])
