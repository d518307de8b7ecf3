"""`/feed/<secret>.ics`: somebody's calendar for other programs, without login; the address is the secret."""

from __future__ import annotations

from flask import Blueprint, Response, g
from werkzeug.exceptions import NotFound

from .. import feeds
from ..acts import Act, planning, tasks
from ..pages import frame
from ..wiring import Wiring


def blueprint(wiring: Wiring) -> Blueprint:
    """The feed; reading it changes nothing."""
    made = Blueprint("feed", __name__)

    @made.get("/feed/<secret>.ics")
    def read(secret: str) -> Response:
        now = wiring.now()
        with wiring.database.read() as session:
            user = feeds.reader(session, secret)
            if user is None:
                raise NotFound
            act = Act(wiring, frame.caller_of(session, user), session, now, g.get("request_id"))
            wanted = planning.Wanted(cancelled=True)
            span = (now - feeds.BACK, now + feeds.AHEAD)
            found, _more = planning.entries(act, *span, wanted, odd=False, most=feeds.ENTRIES_MAX)
            mine = tasks.of_feed(act, *span, feeds.ENTRIES_MAX)
            body = feeds.write(found, wiring.links.base_url, mine)
        answer = Response(body, content_type="text/calendar; charset=utf-8")
        answer.headers["Content-Disposition"] = 'inline; filename="dolen.ics"'
        answer.headers["Cache-Control"] = "private, no-cache"
        return answer

    return made
