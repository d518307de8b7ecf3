"""Who got it: every recipient with what became of it, and what a person decides where nobody can know."""

from __future__ import annotations

from flask import Response, g, request

from campaigns.delivery.states import STATES
from campaigns.errors import BadField

from .. import ids
from ..acts import listing, messages, stakeholders, writing
from . import frame

pages = frame.Pages("who")
LIST = 50
# Across all messages only states that an index answers for, and the usual one.
ANYWHERE = ("unknown", "failed", "bounced", "sent")


@pages.page("/messages/<msg:number>/who", "GET", "POST")
def one(number: int) -> Response:
    """The ledger of one message."""
    if request.method == "POST" and (done := frame.trying(lambda: _done(number))):
        return done
    act, asked = frame.act(), request.args
    message = messages.get(act, number)
    state = asked.get("state") if asked.get("state") in STATES else None
    page = messages.deliveries(
        act, message_id=number, stakeholder=None, state=state, limit=LIST, after=asked.get("after"),
        before=asked.get("before"),
    )  # fmt: skip
    shown = messages.shown(act, message)
    return frame.show(
        "message_who", 422 if g.get("said") else 200, message=message,
        called=listing.called(act, [message.id])[message.id], page=page,
        rows=listing.rows_told(act, page.rows), shown=shown, states=STATES, state=state,
    )  # fmt: skip


@pages.page("/who", "GET", "POST")
def everybody() -> Response:
    """The ledger across messages, newest first."""
    if request.method == "POST" and (done := frame.trying(lambda: _done(None))):
        return done
    act, asked = frame.act(), request.args
    state = asked.get("state") if asked.get("state") in ANYWHERE else None
    person = ids.number("stakeholder", asked.get("person"))
    page = messages.deliveries(
        act, message_id=None, stakeholder=person, state=state, limit=LIST, after=asked.get("after"),
        before=asked.get("before"), newest_first=True,
    )  # fmt: skip
    who = stakeholders.get(act, person).name if person else ""
    return frame.show(
        "who", 422 if g.get("said") else 200, page=page, rows=listing.rows_told(act, page.rows), states=ANYWHERE,
        state=state, who=who, person=person,
    )  # fmt: skip


def _done(number: int | None) -> Response:
    """Decide on rows that are ticked, on all of a message, or send again what failed."""
    act, form = frame.act(), request.form
    outcome, evidence = form.get("outcome", ""), form.get("evidence", "")
    if form.get("act") == "retry" and number is not None:
        messages.retry(act, number)
        return frame.go("pages_who.one", "retried", number=number)
    if form.get("act") == "all" and number is not None:
        writing.decide_unknown(act, number, outcome=outcome, evidence=evidence)
    else:
        chosen = [ids.number("delivery", one) or 0 for one in form.getlist("row")]
        if not chosen:
            raise BadField("choose at least one", pointer="/row")
        for row in chosen:
            messages.decide_delivery(act, row, outcome=outcome, evidence=evidence)
    if number is None:
        return frame.go("pages_who.everybody", "decided", state="unknown")
    return frame.go("pages_who.one", "decided", number=number)
