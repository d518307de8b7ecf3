"""The words of one version of a message: plain, put together from blocks, or as HTML; and how they look to somebody.

Rules: blocks that are added, moved or taken out live in the form until it is saved, so nothing needs a script; the
look is a document of its own that runs nothing and asks nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, g, request

from campaigns.delivery.tables import Account
from campaigns.errors import DomainError, NotFound, Stale
from campaigns.messages import blocks, content, media
from campaigns.messages.tables import Message, Variant

from .. import ids
from ..acts import Act, listing, messages, writing
from . import frame
from .messages import framed

pages = frame.Pages("message_words")
MODES = ("text", "blocks", "html")
LOOK = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin"
)
PLACES_MORE = 4
# What stays the same in every language when a version is begun from another.
KEPT = ("kind", "url", "link", "decorative")


@pages.page("/messages/<msg:number>/words/<channel>/<tag>", "GET", "POST")
def edit(number: int, channel: str, tag: str) -> Response:
    """Write one version beside the others; the page shows at once how it reads."""
    act = frame.act()
    verb = request.form.get("act", "")
    if verb in ("save", "remove"):
        done = frame.trying(
            lambda: _removed(number, channel, tag) if verb == "remove" else _saved(number, channel, tag)
        )
        if done:
            return done
    message = messages.get(act, number)
    found, stale = writing.variants(act, message)
    saved = next((one for one in found if (one.channel, one.language) == (channel, tag)), None)
    source = _source(found, channel, tag)
    through = [one for one in writing.through(act, message) if one.channel == channel]
    rich = channel == "email" or any(one.limits.get("html") for one in through)
    mode = _mode(saved, source, rich)
    begun = _arranged(verb, _typed()) if request.method == "POST" else _begun(saved, source)
    held = [
        dict.fromkeys(blocks.KINDS[one["kind"]], "") | one for one in begun if one["kind"] in blocks.KINDS
    ]
    shown = saved or Variant(subject="", text="", html="")
    return framed(
        frame.show(
            "message_words", 422 if g.get("said") else 200, message=message,
            called=listing.called(act, [message.id])[message.id],
            channel=channel, tag=tag, saved=saved, shown=shown, source=source, mode=mode, rich=rich,
            modes=MODES if rich else MODES[:1],
            blocks=held, through=through, others=[one for one in found if one is not saved], stale=stale,
            measured=writing.measured(
                act, message, through, channel, tag, subject=shown.subject, text=shown.text
            ),
            kinds=tuple(blocks.KINDS),
            **_pictures(act, message, tag), places=_places(through, saved), chosen=_chosen(saved),
            threads=any((one.limits.get("parts_max") or 1) > 1 for one in through),
            people=_people(number),
        )
    )  # fmt: skip


def _pictures(act: Act, message: Message, tag: str) -> dict[str, Any]:
    """The pictures there are: for the text, and to go with a post, each with whether it says what it shows."""
    ours = writing.pictures(act, message)
    return {
        "pictures": [(media.path(one), media.alt(one, tag), one.name) for one in ours],
        "offered": [(one.id, one.name, media.alt(one, tag) is not None) for one in ours],
    }


@pages.page("/messages/<msg:number>/look", "GET", "POST", outside=True)
def look(number: int) -> Response:
    """How one version reads for one person: a document by itself, for a frame."""
    found, wrong = None, ""
    # Reading only, whatever the method: nobody who saves waits for somebody who looks.
    with frame.wiring().database.read() as session:
        act = Act(frame.wiring(), frame.caller(), session, frame.wiring().now(), g.get("request_id"))
        try:
            found = writing.look(act, number, **_asked())
        except NotFound:
            raise
        except DomainError as error:
            wrong = error.detail
    response = frame.show("look", found=found, wrong=wrong)
    response.headers["Content-Security-Policy"] = LOOK
    return response


def _asked() -> dict[str, Any]:
    """What is looked at: a saved version, or with a form the words as they stand in it."""
    asked, built, words = request.values, None, None
    if request.method == "POST":
        mode, form = request.form.get("mode", ""), request.form
        built = _typed() if mode == "blocks" else None
        text = form.get("text", "") if mode != "blocks" else ""
        words = writing.Words(form.get("subject", ""), text, form.get("html", "") if mode == "html" else "")
    return {
        "channel": asked.get("channel", ""), "language": asked.get("language", ""), "words": words, "built": built,
        "stakeholder": ids.number("stakeholder", asked.get("for")), "both": bool(asked.get("both")),
        "shows": _picked() if request.method == "POST" else None,
    }  # fmt: skip


def _saved(number: int, channel: str, tag: str) -> Response:
    act, form = frame.act(), request.form
    message = messages.get(act, number, scope="messages:write")
    if form.get("known", str(_n(message, channel, tag))) != str(_n(message, channel, tag)):
        raise Stale("somebody saved this version at the same moment: read theirs first")
    content_id = message.content_id
    subject = form.get("subject", "").strip()
    if form.get("mode") == "blocks":
        writing.save_blocks(act, content_id, channel, tag, subject=subject, built=_typed(), shows=_picked())
    else:
        html = form.get("html", "") if form.get("mode") == "html" else ""
        writing.save_words(
            act,
            content_id,
            channel,
            tag,
            subject=subject,
            text=form.get("text", ""),
            html=html,
            shows=_picked(),
        )
    return frame.go("pages_messages.one", "saved", number=number)


def _places(through: Sequence[Account], saved: Variant | None) -> int:
    """For how many pictures the form has a place: some more than there are, and no more than go with one post."""
    most = max((one.limits.get("media_max") or 0 for one in through), default=0)
    there = len(saved.media or ()) if saved else 0
    return max(there, min(most, there + PLACES_MORE))


def _chosen(saved: Variant | None) -> list[int]:
    """The pictures as they stand in the form, else as they were saved."""
    if request.method == "POST":
        return _picked()
    return list(saved.media or ()) if saved else []


def _picked() -> list[int]:
    """The pictures of a form, in their order: p0, p1, …"""
    found = [ids.number("media", request.form.get(f"p{place}")) for place in range(content.MEDIA_MAX)]
    return [one for one in found if one is not None]


def _n(message: Message, channel: str, tag: str) -> int:
    """Which form of a version stands; 0 before there is one."""
    found, _ = writing.variants(frame.act(), message)
    return next((one.n for one in found if (one.channel, one.language) == (channel, tag)), 0)


def _removed(number: int, channel: str, tag: str) -> Response:
    act = frame.act()
    writing.remove_words(act, messages.get(act, number, scope="messages:write"), channel, tag)
    return frame.go("pages_messages.one", "removed", number=number)


def _mode(saved: Variant | None, source: Variant | None, rich: bool) -> str:
    """As asked for, else as it was written, else as the others are."""
    asked = request.form.get("mode") or request.args.get("mode") or ""
    if not rich:
        return "text"
    if asked in MODES:
        return asked
    like = saved or source
    return "text" if like is None else "blocks" if like.blocks else "html" if like.html else "text"


def _source(found: list[Variant], channel: str, tag: str) -> Variant | None:
    """What this version says in the language it is made from, on its own channel where that is written."""
    others = [one for one in found if one.language != tag] or [one for one in found if one.channel != channel]
    return next((one for one in others if one.channel == channel), next(iter(others), None))


def _begun(saved: Variant | None, source: Variant | None) -> list[dict[str, Any]]:
    """The blocks of what is written; for a new version the same blocks as the source has, without its words."""
    if saved is not None:
        return list(saved.blocks or [{"kind": "text", "text": saved.text}])
    if source is not None and source.blocks:
        return [{name: value for name, value in one.items() if name in KEPT} for one in source.blocks]
    return [{"kind": "heading"}, {"kind": "text"}]


def _typed() -> list[dict[str, Any]]:
    """The blocks of a form, in their order: b0-kind, b0-text, …"""
    form = request.form
    found: list[dict[str, Any]] = []
    while (kind := form.get(f"b{len(found)}-kind")) is not None and len(found) <= blocks.BLOCKS_MAX:
        place = f"b{len(found)}-"
        block: dict[str, Any] = {name: form.get(place + name, "") for name in blocks.KINDS.get(kind, ())}
        if "decorative" in block:
            block["decorative"] = bool(block["decorative"])
        if form.get(place + "picture"):
            block["url"] = form[place + "picture"]
        found.append({"kind": kind} | block)
    return found


def _arranged(verb: str, held: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Blocks after one was added, moved or taken out; `up:3` is the fourth."""
    what, _, which = verb.partition(":")
    if what == "add" and which in blocks.KINDS:
        return [*held, {"kind": which}]
    place = int(which) if which.isdecimal() and int(which) < len(held) else -1
    if place < 0:
        return held
    if what == "out":
        return held[:place] + held[place + 1 :]
    other = place - 1 if what == "up" else place + 1
    if what in ("up", "down") and 0 <= other < len(held):
        held[place], held[other] = held[other], held[place]
    return held


def _people(number: int) -> list[tuple[int, str]]:
    """Whom one may look as: the first who would get it."""
    return writing.audience(frame.act(), number, most=1).first
