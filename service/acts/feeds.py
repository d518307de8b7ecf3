"""What may be done with one's own calendar feed."""

from __future__ import annotations

from campaigns.errors import Forbidden

from .. import feeds
from ..tables import CalendarFeed
from . import Act


def mine(act: Act) -> CalendarFeed | None:
    """The caller's feed, where there is one; its address was shown once."""
    return feeds.of(act.session, _user(act))


def renew(act: Act) -> str:
    """A new path for the caller's calendar programs; the one before it stops working."""
    path = feeds.renew(act.session, act.now, _user(act))
    act.note("calendar_feed.renewed", "user", _user(act))
    return path


def revoke(act: Act) -> None:
    """End the caller's feed."""
    if feeds.revoke(act.session, _user(act)):
        act.note("calendar_feed.revoked", "user", _user(act))


def _user(act: Act) -> int:
    if act.caller.user_id is None:
        raise Forbidden("only a person has a calendar of their own")
    return act.caller.user_id
