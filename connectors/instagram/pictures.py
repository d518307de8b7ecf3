"""Has Instagram fetch the pictures of a post, and waits until they are there.

Rules: nobody sees a container before it is published. All pictures of a post share its pauses, so that many do not wait
longer than one.
Source: developers.facebook.com/docs/instagram-platform/{content-publishing,reference/instagram-user/media,
reference/instagram-container} (November 2026); github.com/gitroomhq/postiz-app, issue 1562 (June 2026): there after
some five seconds, and at times denied (code 100) when asked about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import sleep
from typing import Any

from ..api import Deferred, Medium, Outbound, Refused
from ..meta import Graph, if_told, is_id

PAUSES_S = (0.5, 1.0, 2.0, 2.0, 4.0, 4.0, 8.0)
LATER_S = 30.0
# What a container says of which nothing more can come.
ENDED = ("ERROR", "EXPIRED")


def ready(graph: Graph, user_id: str, outbound: Outbound, begun: str) -> str:
    """A container with the words and the pictures in it that waits to be published: the one that was begun, or a new
    one, whose name is kept."""
    pauses = iter(PAUSES_S)
    container = begun or _container(graph, user_id, str(outbound.text), outbound.media, pauses)
    if not begun:
        outbound.keep(container)
    _wait_for(graph, container, pauses)
    return container


def state(graph: Graph, container: str) -> str:
    """What a container says of itself; "" where Instagram does not know it."""
    return str(if_told(graph, container, fields="status_code").get("status_code") or "")


def wait(seconds: float) -> None:
    """Let Instagram work meanwhile."""
    sleep(seconds)


def _container(
    graph: Graph, user_id: str, text: str, media: Sequence[Medium], pauses: Iterator[float]
) -> str:
    if len(media) == 1:
        return _made(graph.prepare(f"{user_id}/media", caption=text, **_picture(media[0])))
    children = [
        _made(graph.prepare(f"{user_id}/media", is_carousel_item="true", **_picture(medium)))
        for medium in media
    ]
    for child in children:
        _wait_for(graph, child, pauses)
    return _made(
        graph.prepare(f"{user_id}/media", media_type="CAROUSEL", caption=text, children=",".join(children))
    )


def _picture(medium: Medium) -> dict[str, str]:
    return {"image_url": medium.url, **({"alt_text": medium.alt} if medium.alt else {})}


def _made(told: dict[str, Any]) -> str:
    if not is_id(told.get("id")):
        raise Deferred("the answer names no picture", phase="media")
    return str(told["id"])


def _wait_for(graph: Graph, container: str, pauses: Iterator[float]) -> None:
    """Until its picture is there."""
    while True:
        told = if_told(graph, container, fields="status_code,status")  # at times Meta does not know it yet
        if told.get("status_code") == "FINISHED":
            return
        if told.get("status_code") in ENDED:
            raise Refused(f"Instagram does not take the picture: {told.get('status')}", phase="media")
        pause_s = next(pauses, None)
        if pause_s is None:
            raise Deferred("Instagram is still fetching the picture", phase="media", retry_after_s=LATER_S)
        wait(pause_s)
