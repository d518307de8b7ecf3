"""`/u/<token>`: the way out of every mail. Opening it changes nothing; a press, or one-click (RFC 8058), acts.

Rules: whoever holds the link may use it, without login, cookie or address; every act may be repeated.
Source: RFC 8058, RFC 2369; H4, bad input U12 to U14.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, g, request
from sqlalchemy.orm import Session

from campaigns import audit
from campaigns.base import public_id
from campaigns.delivery.tables import Delivery
from campaigns.errors import LinkNotValid, NotFound
from campaigns.responses import effects
from campaigns.stakeholders.tables import Stakeholder

from ..wiring import Wiring
from . import page

BODY_MAX = 4096
ONE_CLICK = ("List-Unsubscribe", "One-Click")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who holds the link: the delivery it came with, and the languages we know of."""

    delivery: Delivery
    languages: tuple[str, ...]
    organisation: str


def blueprint(wiring: Wiring) -> Blueprint:
    """The page and its two acts."""
    made = Blueprint("unsubscribe", __name__)

    @made.get("/u/<token>")
    def read(token: str) -> Response:
        try:
            with wiring.database.read() as session:
                reader = _reader(session, wiring, token)
                stopped = effects.is_unsubscribed(session, wiring.now(), reader.delivery.id)
        except (LinkNotValid, NotFound):
            return page.link_not_valid()
        choices = f"/p/{wiring.links.token('preferences', reader.delivery.id)}"
        return _show("unsubscribed" if stopped else "unsubscribe", reader, undo=stopped, choices=choices)

    @made.post("/u/<token>")
    def act(token: str) -> Response:
        request.max_content_length = BODY_MAX
        wanted = request.form.get("act", "")
        one_click = request.form.get(ONE_CLICK[0]) == ONE_CLICK[1]
        if not one_click and wanted not in ("stop", "undo"):
            return page.show("nothing_changed", page.language(), 400)
        try:
            with wiring.database.write() as session:
                reader = _reader(session, wiring, token)
                if wanted == "undo" and not one_click:
                    _undo(session, wiring, reader.delivery)
                    return _show("resubscribed", reader)
                _stop(session, wiring, reader.delivery, "one_click" if one_click else "page")
                undo = effects.is_unsubscribed(session, wiring.now(), reader.delivery.id)
        except (LinkNotValid, NotFound):
            return page.link_not_valid()
        return _show("unsubscribed", reader, undo=undo)

    return made


def _reader(session: Session, wiring: Wiring, token: str) -> _Reader:
    delivery = session.get(Delivery, wiring.links.read("unsubscribe", token))
    if delivery is None:
        raise LinkNotValid("the delivery of this link is not there any more")
    person = session.get(Stakeholder, delivery.stakeholder_id) if delivery.stakeholder_id else None
    languages = (*(person.languages if person else ()), delivery.language)
    return _Reader(delivery, languages, page.organisation(session, delivery))


def _stop(session: Session, wiring: Wiring, delivery: Delivery, how: str) -> None:
    if effects.unsubscribe(session, wiring.now(), delivery.id, how=how):
        _note(session, wiring, delivery, "delivery.unsubscribed", how)


def _undo(session: Session, wiring: Wiring, delivery: Delivery) -> None:
    if effects.resubscribe(session, wiring.now(), delivery.id):
        _note(session, wiring, delivery, "delivery.resubscribed", "page")


def _note(session: Session, wiring: Wiring, delivery: Delivery, act: str, how: str) -> None:
    who = public_id("stk", delivery.stakeholder_id) if delivery.stakeholder_id else "recipient"
    audit.note(
        session, wiring.now(), who, act, "delivery", delivery.id, after={"how": how},
        request_id=g.get("request_id"),
    )  # fmt: skip


def _show(template: str, reader: _Reader, *, undo: bool = False, choices: str = "") -> Response:
    return page.show(
        template,
        page.language(*reader.languages),
        organisation=reader.organisation,
        address=page.masked(reader.delivery.address_key),
        undo_days=effects.UNDO_FOR.days if undo else 0,
        choices=choices if reader.delivery.stakeholder_id else "",
    )
