"""`/pack/<token>`: a partner organisation sees what it is to put up, takes its pictures, and says what became of it.

Rules: reading changes nothing; whoever holds the link sees this one piece of work and nothing beside it, and says once
what became of it. Photos are drawn while that is open, and of one link only so many in a quarter of an hour.
Source: L4; bad input D3, U12.
"""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from campaigns.delivery import by_hand
from campaigns.delivery.by_hand import Work
from campaigns.errors import DomainError, LinkNotValid
from campaigns.messages import pictures

from .. import knocks, words
from ..acts import by_hand as acts
from ..wiring import Wiring
from . import page

BODY_MAX = pictures.BYTES_MAX + 64 * 1024
FIELD_MAX = 2_000
ACTS = {"done": True, "not_done": False}


def blueprint(wiring: Wiring) -> Blueprint:
    """The pack and the one act: to say what became of it."""
    made = Blueprint("packs", __name__)

    @made.get("/pack/<token>")
    def read(token: str) -> Response:
        try:
            return _show(wiring, token)
        except LinkNotValid:
            return page.link_not_valid()

    @made.post("/pack/<token>")
    def act(token: str) -> Response:
        request.max_content_length = BODY_MAX
        try:
            waits = _waits(wiring, token)  # before anything of a stranger's is read or drawn
            chosen = ACTS.get(request.form.get("act", ""))
            if chosen is None:
                return page.show("nothing_changed", page.language(), 400)
            return _show(wiring, token, _said(wiring, token, chosen, _photo() if waits and chosen else b""))
        except LinkNotValid:
            return page.link_not_valid()

    return made


def _waits(wiring: Wiring, token: str) -> bool:
    """Whether nobody has said yet what became of it."""
    with wiring.database.read() as session:
        return by_hand.read_link(session, wiring.now(), token).standing == "waiting"


def _photo() -> bytes:
    sent = request.files.get("photo")
    return sent.read(BODY_MAX) if sent else b""


def _said(wiring: Wiring, token: str, done: bool, photo: bytes) -> str:
    """Write down what they say; "" or what was wrong, as the page names it."""
    picture = None
    try:
        if photo:
            knocks.knock(wiring.database, wiring.now(), (knocks.PHOTO, token))
            picture = pictures.read(photo)  # drawn outside the transaction: it may take seconds
        with wiring.database.write() as session:
            acts.end_by_link(
                session, wiring, token, g.get("request_id"), picture=picture, done=done, where=_field("where"),
                words=_field("words"),
            )  # fmt: skip
    except LinkNotValid:
        raise
    except DomainError as error:
        pointer = getattr(error, "pointer", None)
        return {"/where": "where", "/words": "words"}.get(str(pointer), "not_saved")
    return ""


def _field(name: str) -> str:
    return request.form.get(name, "")[:FIELD_MAX]


def _show(wiring: Wiring, token: str, problem: str = "") -> Response:
    with wiring.database.read() as session:
        work = by_hand.read_link(session, wiring.now(), token)
        pack = by_hand.pack(session, wiring.links, wiring.settings.folder, work)
        language = page.language(work.row.language)
        return page.show(
            "pack", language, 422 if problem else 200, organisation=page.organisation(session, work.row),
            partner=work.hand.partner, pack=pack, written=page.written(pack.language),
            pictures=[(one, one.url.removeprefix(wiring.links.base_url)) for one in pack.media],
            place=str(work.account.settings.get("place") or ""), standing=work.standing,
            works_until=_day(work, language), problem=problem,
            typed={name: _field(name) for name in ("where", "words")},
        )  # fmt: skip


def _day(work: Work, language: str) -> str:
    return words.day(work.hand.expires_at.date(), language) if work.hand.expires_at else ""
