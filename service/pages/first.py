"""The first visit after the password: connect something, add people, write. Every step can wait."""

from __future__ import annotations

from flask import Response, g, request

from campaigns.errors import DomainError, said
from connectors.smtp.presets import PRESETS

from .. import words
from ..acts import accounts, begin, first
from ..demo import loading, removing
from . import frame

pages = frame.Pages("first")


@pages.page("/first")
def steps() -> Response:
    """The three steps, and how far one has come."""
    return _steps()


@pages.page("/first/practice", "POST")
def practised() -> Response:
    """An account that hands nothing to anybody, to look around with."""

    def connect() -> Response:
        accounts.practice(frame.act(), words.tell(said("Practice"), frame.reader_language()))
        return frame.go("pages_first.steps", done="practice")

    return frame.trying(connect) or _steps(422)


@pages.page("/first/year", "POST", outside=True)
def sampled() -> Response:
    """Let a worker load the sample year, or remove it with everything in it."""
    try:
        if request.form.get("do") == "remove":
            removing.remove(frame.wiring(), frame.caller())
            return frame.go("pages_first.steps", done="sample-gone")
        with begin(frame.wiring(), frame.caller(), request_id=g.get("request_id")) as act:
            loading.want(act)
        return frame.go("pages_first.steps", _anchor="sample-year")
    except DomainError as error:
        frame.refuse(error)
    with frame.looking():
        return _steps(422)


def standing() -> first.Progress | None:
    """What Today shows to whoever can do the first steps, until the first message has gone."""
    if not frame.may("connectors:admin") or not frame.may("messages:write"):
        return None
    done = first.progress(frame.act())
    return None if done.sent else done


def _steps(status: int = 200) -> Response:
    act = frame.act()
    sample = loading.standing(act) if frame.may("users:admin", None) else None
    progress = first.progress(act)
    return frame.show(
        "first", status, progress=progress, presets=PRESETS, providers=accounts.providers(act), sample=sample,
        unreachable=progress.account is not None and accounts.out_of_reach(act, [progress.account]),
    )  # fmt: skip
