"""`/feed/<secret>.ics`, `.atom`, `.csv`: somebody's calendar for other programs; the address is the secret."""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import NotFound

from .. import feeds
from ..acts import Act, planning, tasks
from ..pages import frame
from ..wiring import Wiring

TYPES = {
    "ics": "text/calendar; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
}


def blueprint(wiring: Wiring) -> Blueprint:
    """The feed; reading it changes nothing."""
    made = Blueprint("feed", __name__)

    @made.get("/feed/<secret>.ics", defaults={"form": "ics"})
    @made.get("/feed/<secret>.atom", defaults={"form": "atom"})
    @made.get("/feed/<secret>.csv", defaults={"form": "csv"})
    def read(secret: str, form: str) -> Response:
        answer = Response(_body(wiring, secret, form), content_type=TYPES[form])
        answer.headers["Content-Disposition"] = f'inline; filename="dolen.{form}"'
        answer.headers["Cache-Control"] = "private, no-cache"
        answer.add_etag()
        answer.make_conditional(request)
        return answer

    return made


def _body(wiring: Wiring, secret: str, form: str) -> bytes:
    now = wiring.now()
    with wiring.database.read() as session:
        user = feeds.reader(session, secret)
        if user is None:
            raise NotFound
        act = Act(wiring, frame.caller_of(session, user), session, now, g.get("request_id"))
        wanted, base_url = planning.Wanted(cancelled=True), wiring.links.base_url
        span = (now - feeds.BACK, now + feeds.AHEAD)
        found, _more = planning.entries(act, *span, wanted, odd=False, most=feeds.ENTRIES_MAX)
        if form != "ics":
            return (feeds.atom if form == "atom" else feeds.table)(found, base_url)
        return feeds.write(found, base_url, tasks.of_feed(act, *span, feeds.ENTRIES_MAX))
