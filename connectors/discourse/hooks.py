"""What a forum calls us about: new posts that answer or name us, and likes of our posts.

Rules: a call is proven by HMAC-SHA256 over its body; Discourse signs no time, so what comes twice is known by its keys.
What happened stands in a header: a post that was edited or taken down is no new one. Whose topic a post stands in is
not told: what answers nobody in particular is left to the poll.
Source: discourse/discourse on GitHub, app/jobs/regular/emit_web_hook_event.rb and app/services/web_hook_emitter.rb.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import orjson

from ..api import Call, Event, Heard, NotAuthentic
from .events import answers, is_from, is_robot, names, of_like, of_post

NEWS = ("post_created", "post_liked")
PASSED_OVER = ("ping", "post_edited", "post_destroyed", "post_recovered")
# Webhooks of a forum can tell of all this too, and of nobody's words in it.
OTHER_THINGS = ("topic_", "user_", "group_", "category_", "tag_", "reviewable_", "notification_")
UNSEEN = "unseen_event"  # under this a body is kept of an event that nobody has seen


def hear(secrets: Sequence[str], username: str, call: Call) -> Heard:
    """The event of a call that one of the secrets proves."""
    _prove(secrets, call)
    what = call.headers.get("x-discourse-event", "post_created")
    if what in PASSED_OVER or what.startswith(OTHER_THINGS):
        return Heard()
    if what not in NEWS:
        return Heard(parked=(_named(what, call.body),))
    return read(username, call.body)


def read(username: str, body: bytes) -> Heard:
    """The event of a body; what cannot be read is parked."""
    try:
        told = orjson.loads(body)
        if UNSEEN in told:
            raise ValueError("nobody has seen such an event")
        found = _event(told, username)
    except (ValueError, TypeError, AttributeError):
        return Heard(parked=(body.decode("utf-8", "replace"),))
    return Heard((found,) if found else ())


def _named(what: str, body: bytes) -> str:
    """A body with what happened, which stands beside it: without that it would be read as what it looks like."""
    return orjson.dumps({UNSEEN: what, "body": body.decode("utf-8", "replace")}).decode()


def _prove(secrets: Sequence[str], call: Call) -> None:
    given = call.headers.get("x-discourse-event-signature", "").encode("latin-1", "replace")
    proven = False
    for secret in secrets:
        right = b"sha256=" + hmac.new(secret.encode(), call.body, sha256).hexdigest().encode()
        proven |= hmac.compare_digest(right, given)
    if call.method != "POST" or not proven:
        raise NotAuthentic("the hook's signature does not hold")


def _event(told: Any, username: str) -> Event | None:
    """None for what is nobody's answer to us: a ping, our own posts, others' talk."""
    if isinstance(like := told.get("like"), dict):
        return _like(like, username)
    if not isinstance(post := told.get("post"), dict) or is_from(post, username):
        return None
    if answers(post, username):
        return of_post(post, "reply")
    return of_post(post, "mention") if names(post, username) else None


def _like(like: dict[str, Any], username: str) -> Event | None:
    post, who = like.get("post"), like.get("user")
    if not isinstance(post, dict) or not isinstance(who, dict):
        raise ValueError("a like of nothing, or of nobody")
    if not is_from(post, username) or is_robot(who.get("id")):
        return None
    return of_like(like, post, who, like.get("created_at") or post.get("updated_at"))
