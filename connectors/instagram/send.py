"""Posts pictures as the account and answers comments, and looks for both where nobody knows whether they went.

Rules: Instagram fetches each picture from its address into a container, and a container is published once. One that is
not published is seen by nobody and ends after a day, so what goes wrong before may be done again. Its name is kept, so
that a later try asks what became of it and goes on with it. An error of the publishing itself is not believed: whether
it was done, the container says. Instagram keeps no key of ours: a post is found by its words since the first intent,
never exact.
Source: developers.facebook.com/docs/instagram-platform/{content-publishing,reference/error-codes,
reference/instagram-user/media,reference/instagram-container,reference/instagram-user/content_publishing_limit}
(November 2026); github.com/gitroomhq/postiz-app, pull request 1681 (July 2026).
"""

from __future__ import annotations

from typing import Any

from ..api import AccountGone, ConnectorError, Deferred, Outbound, Receipt, Refused, Uncertain
from ..by_words import comparable
from ..meta import Graph, is_id, listed, no_older, obj, rows, write_below
from . import pictures

# What a container says that was not published, and is not about to be.
NOT_PUBLISHED = ("FINISHED", *pictures.ENDED)
PUBLISHED = "PUBLISHED"
NOT_SHOWN = "Instagram says that it was published, and does not show it"
# A container that is being published may say for a moment that it is not.
SHOWN_AFTER_S = 3.0
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
        return _named(write_below(graph, f"{outbound.in_reply_to}/replies", text))
    if not outbound.media:
        raise Refused("Instagram takes no post without a picture", code="no_media", phase="build")
    if not all(medium.url.startswith("https://") for medium in outbound.media):
        raise AccountGone(
            "Instagram fetches pictures by https: set http.base_url to an address that it reaches"
        )
    begun = outbound.begun
    state = pictures.state(graph, begun) if begun else ""
    if state == PUBLISHED:
        return _shown(graph, user_id, outbound)
    _ask_leave(graph, user_id)
    try:
        container = pictures.ready(graph, user_id, outbound, "" if state in pictures.ENDED else begun)
        return _publish(graph, user_id, outbound, container)
    except Refused as error:
        if error.code not in NOT_FETCHED:
            raise
        raise Deferred(error.words, code=error.code, phase="media", retry_after_s=pictures.LATER_S) from None


def find(graph: Graph, user_id: str, outbound: Outbound) -> Receipt | None:
    """What is there of it by its words, where its container does not say that it was not published."""
    state = pictures.state(graph, outbound.begun) if outbound.begun else ""
    found = None if state in NOT_PUBLISHED else _by_words(graph, user_id, outbound)
    if found is None and state == PUBLISHED:
        raise Deferred(NOT_SHOWN, phase="answer")
    return found


def _shown(graph: Graph, user_id: str, outbound: Outbound) -> Receipt:
    """The post of a container that was published before; another of it would be a second one."""
    found = _by_words(graph, user_id, outbound)
    if found is None:
        raise Uncertain(NOT_SHOWN, phase="answer")
    return found


def _by_words(graph: Graph, user_id: str, outbound: Outbound) -> Receipt | None:
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


def _publish(graph: Graph, user_id: str, outbound: Outbound, container: str) -> Receipt:
    try:
        return _named(graph.write(f"{user_id}/media_publish", creation_id=container))
    except ConnectorError as error:
        if error.phase != "answer":
            raise  # nothing was asked
        return _went(graph, user_id, outbound, container, error)


def _went(graph: Graph, user_id: str, outbound: Outbound, container: str, error: ConnectorError) -> Receipt:
    """The post, where it is there for all that was answered. Raises `error` where it surely is not, or Uncertain."""
    pictures.wait(SHOWN_AFTER_S)
    try:
        state = pictures.state(graph, container)
        found = _by_words(graph, user_id, outbound) if state == PUBLISHED else None
    except ConnectorError as other:
        words = f"{error.words}; asking whether it went: {other.words}"
        raise Uncertain(words, code=error.code, phase="answer") from error
    if found is not None:
        return found
    if state in NOT_PUBLISHED:
        raise error
    words = f"{error.words}; the container says {state or 'nothing'}"
    raise Uncertain(words, code=error.code, phase="answer") from error


def _named(told: dict[str, Any]) -> Receipt:
    if not is_id(told.get("id")):
        raise Uncertain("the answer names no post", phase="answer")
    return Receipt(told["id"])
