"""By hand: what people are to put up, print or read out; its words and pictures, and what became of it."""

from __future__ import annotations

from flask import Response, g, request

from campaigns.errors import BadField, DomainError, Forbidden, NotFound
from campaigns.messages import pictures

from ..acts import begin, by_hand, names
from . import frame
from .media import UPLOAD_MAX

pages = frame.Pages("by_hand")
LINK_DAYS = 30


@pages.page("/by-hand")
def listed() -> Response:
    """What is still to be done, longest waiting first."""
    return frame.show("by_hand", works=by_hand.waiting(frame.act()))


@pages.page("/by-hand/<dlv:number>", "GET", "POST", outside=True, form_max=UPLOAD_MAX)
def one(number: int) -> Response:
    """One piece of work: what to put up and where; saying what became of it; a link for a partner."""
    link = ""
    if request.method == "POST":
        try:
            if request.form.get("act") != "link":
                return _done(number)
            link = _linked(number)
        except (NotFound, Forbidden):
            raise
        except DomainError as error:
            frame.refuse(error)
    with frame.looking():
        act = frame.act()
        work = by_hand.get(act, number)
        return frame.show(
            "by_hand_one", 422 if g.get("said") else 200, work=work, pack=by_hand.pack(act, work), link=link,
            photo=by_hand.photo(act, work), days=LINK_DAYS, partner_by=by_hand.PARTNER,
            names=names.of(act, [work.hand.ended_by] if work.hand.ended_by else []),
            may_say=frame.may(by_hand.SEND, work.message.programme_id),
        )  # fmt: skip


def _done(number: int) -> Response:
    form, verb = request.form, request.form.get("act", "")
    if verb not in ("done", "not_done", "take_back"):
        raise BadField("choose one of the list", pointer="/act")
    sent = request.files.get("photo")
    body = sent.read(UPLOAD_MAX) if sent and verb == "done" else b""
    # Drawn before the transaction: it may take seconds, in which nobody else could write.
    picture = pictures.read(body) if body else None
    with begin(frame.wiring(), frame.caller(), request_id=g.get("request_id")) as act:
        if verb == "take_back":
            by_hand.take_link_back(act, number)
        else:
            by_hand.end(
                act, number, done=verb == "done", where=form.get("where", ""), words=form.get("words", ""),
                picture=picture,
            )  # fmt: skip
    return frame.go("pages_by_hand.one", number=number, done="saved")


def _linked(number: int) -> str:
    days = request.form.get("days", "")
    with begin(frame.wiring(), frame.caller(), request_id=g.get("request_id")) as act:
        return by_hand.give_link(
            act,
            number,
            request.form.get("partner", ""),
            int(days) if days.isdecimal() and len(days) < 4 else 0,
        )
