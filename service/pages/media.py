"""Media: pictures with what they show in words, films and recordings with captions and transcript."""

from __future__ import annotations

from typing import Any

from flask import Response, g, request

from campaigns.errors import DomainError, NotFound
from campaigns.messages import media as domain
from campaigns.messages import pictures
from campaigns.messages.tables import Media

from .. import ids, words
from ..acts import begin, media, programmes
from ..public.pictures import served
from . import frame

pages = frame.Pages("media")
UPLOAD_MAX = pictures.BYTES_MAX + 1024 * 1024


@pages.page("/media")
def listed() -> Response:
    """Everything that can be put into a message, newest first."""
    kind = request.args.get("kind")
    page = media.listed(
        frame.act(), limit=48, after=request.args.get("after"), before=request.args.get("before"),
        kind=kind if kind in domain.KINDS else None, named=request.args.get("q", "")[:200],
        state="archived" if request.args.get("state") == "archived" else "active",
    )  # fmt: skip
    return frame.show("media", page=page, wanting=_wanting)


@pages.page("/media/new", "GET", "POST", outside=True, form_max=UPLOAD_MAX)
def new() -> Response:
    """Upload a picture, or name a film or recording that is kept elsewhere."""
    if request.method == "POST":
        try:
            return _added()
        except NotFound:
            raise
        except DomainError as error:
            frame.refuse(error)
    with frame.looking():
        return frame.show(
            "media_new", 422 if g.get("said") else 200, programmes=programmes.choices(frame.act(), media.WRITE),
            kind=_kind(), everywhere=frame.may(media.WRITE, None),
        )  # fmt: skip


@pages.page("/media/<med:number>", "GET", "POST")
def one(number: int) -> Response:
    """One medium: what it shows in words, and where it is used."""
    if request.method == "POST" and (done := frame.trying(lambda: _changed(number))):
        return done
    act = frame.act()
    found = media.get(act, number)
    return frame.show(
        "media_one", 422 if g.get("said") else 200, found=found, uses=media.uses(act, found), wanting=_wanting(found),
        address=frame.wiring().links.url(domain.path(found)) if found.sha256 else "",
        place=programmes.name_of(act, found.programme_id),
    )  # fmt: skip


@pages.page("/media/<med:number>/<name>")
def file(number: int, name: str) -> Response:
    """The picture itself, for whoever may see it here; its name is only for people."""
    return served(
        frame.wiring(), media.get(frame.act(), number), **{"Cache-Control": "private, max-age=86400"}
    )


def _added() -> Response:
    form, sent = request.form, request.files.get("file")
    place = ids.number("programme", form.get("programme"))
    # Drawn before the transaction: it may take seconds, in which nobody else could write.
    picture = pictures.read(sent.read(UPLOAD_MAX) if sent else b"") if _kind() == "picture" else None
    with begin(frame.wiring(), frame.caller(), request_id=g.get("request_id")) as act:
        if picture is not None:
            made = media.add_picture(
                act, programme_id=place, picture=picture,
                name=form.get("name", "").strip() or (sent.filename if sent else "") or "picture", **_words(),
            )  # fmt: skip
        else:
            made = media.add_link(
                act, programme_id=place, kind=_kind(), url=form.get("url", ""), name=form.get("name", ""),
                captions_url=form.get("captions_url", ""), transcript=form.get("transcript", ""),
            )  # fmt: skip
    return frame.go("pages_media.one", number=made.id, done="added")


def _changed(number: int) -> Response:
    act, form = frame.act(), request.form
    if form.get("act") == "archive":
        media.archive(act, number)
        return frame.go("pages_media.listed", done="archived")
    found = media.get(act, number)
    values: dict[str, Any] = {"name": form.get("name", "")}
    if found.kind == "picture":
        values |= _words()
    else:
        values |= {name: form.get(name, "") for name in ("captions_url", "transcript")}
    version = form.get("version", "")
    media.change(act, number, int(version) if version.isdecimal() else None, **values)
    return frame.go("pages_media.one", number=number, done="saved")


def _words() -> dict[str, Any]:
    """What a picture shows, as the form says it."""
    alts = {tag: request.form.get(f"alt-{tag}", "") for tag in words.LANGUAGES}
    return {"alts": alts, "decorative": "decorative" in request.form}


def _kind() -> str:
    kind = request.values.get("kind", "")
    return kind if kind in domain.KINDS else "picture"


def _wanting(found: Media) -> list[str]:
    return domain.wanting(found, tuple(words.LANGUAGES))
