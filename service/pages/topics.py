"""Topics: what people can choose to get or not; named in each language."""

from __future__ import annotations

from flask import Response, g, request

from campaigns.base import parse_id

from .. import words
from ..acts import programmes, topics
from . import frame

pages = frame.Pages("topics")


@pages.page("/topics")
def listed() -> Response:
    """All of them, and a form for a new one."""
    act = frame.act()
    mine = programmes.listed(act, limit=200, after=None, before=None).rows
    return frame.show(
        "topics", 422 if g.get("said") else 200, topics=topics.listed(act),
        programmes={one.id: one.name for one in mine},
        choosable=[one for one in mine if frame.may("stakeholders:write", one.id)], named=words.LANGUAGES,
    )  # fmt: skip


@pages.page("/topics", "POST")
def create() -> Response:
    """A new one."""
    chosen = request.form.get("programme", "")

    def done() -> Response:
        topics.create(frame.act(), programme_id=parse_id("prg", chosen) if chosen else None, names=_names())
        return frame.go("pages_topics.listed", done="added")

    return frame.trying(done) or listed()


@pages.page("/topics/<top:number>")
def one(number: int) -> Response:
    """Its names."""
    found = topics.get(frame.act(), number)
    return frame.show("topic", 422 if g.get("said") else 200, topic=found, named=words.LANGUAGES)


@pages.page("/topics/<top:number>", "POST")
def change(number: int) -> Response:
    """Other names, or out of use and back."""
    state = {"archive": "archived", "use": "active"}.get(request.form.get("do", ""))

    def done() -> Response:
        topics.change(frame.act(), number, None, names=None if state else _names(), state=state)
        return frame.go("pages_topics.listed", done="saved")

    return frame.trying(done) or one(number)


def _names() -> dict[str, str]:
    return {code: request.form.get(f"name.{code}", "") for code in words.LANGUAGES}
