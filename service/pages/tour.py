"""The two-minute tour of the demo: a page that asks for each step and shows what came of it. Only where the demo runs.

Rules: everything on the tour is done for real, by whoever runs the demo; nothing here is acted.
"""

from __future__ import annotations

import hmac
from pathlib import Path

from flask import Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.errors import NotFound

from .. import logins
from ..demo.tour import Tour
from ..tables import User
from . import frame

pages = frame.Pages("tour")
# In the order of the story; the first is only looked at.
STEPS = ("look", "send", "plug", "reply", "opt_out", "agree", "call")


@pages.get("/tour/<key>")
def door(key: str) -> Response:
    """The way in for whoever started the demo: a press signs them in."""
    _right(key)
    return frame.show("tour_door", key=key)


@pages.post("/tour/<key>")
def come_in(key: str) -> Response:
    """Sign the demo's first administrator in at this browser."""
    _right(key)
    wiring = frame.wiring()
    with wiring.database.write() as session:
        cookie = logins.begin(session, wiring.now(), _host(session))
    return frame.set_cookie(frame.see("/"), cookie)


@pages.page("/tour")
def tour() -> Response:
    """Where the tour stands."""
    told = _tour().told()
    return frame.show("tour", steps=STEPS, ids_made=told["ids"], played=told["played"], playing=told.get("playing", ""),
                      problem=told.get("problem", ""))  # fmt: skip


@pages.page("/tour", "POST")
def next_step() -> Response:
    """Ask for the next step, in the order of the story."""
    step, told = request.form.get("step", ""), _tour().told()
    if step in STEPS[1:] and all(earlier in told["played"] for earlier in STEPS[1 : STEPS.index(step)]):
        _tour().ask(step)
    return frame.go("pages_tour.tour")


def running() -> bool:
    """Whether this installation is a demo with its tour under way."""
    folder = frame.wiring().settings.demo.folder
    return bool(folder) and bool(Tour(Path(folder)).told())


def _tour() -> Tour:
    if not running():
        raise NotFound("no such thing")
    return Tour(Path(frame.wiring().settings.demo.folder))


def _right(key: str) -> None:
    if not hmac.compare_digest(_tour().told().get("key", "").encode(), key.encode()):
        raise NotFound("no such thing")


def _host(session: Session) -> int:
    """The administrator whom the demo made before anybody else."""
    return session.scalars(select(User.id).order_by(User.id).limit(1)).one()
