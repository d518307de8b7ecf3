"""What Slack pushes (Events API): one event a call, signed with the app's signing secret.

Rules: the challenge by which Slack proves our address is answered only where it is signed. Only what is meant for us is
told: answers in the threads of our posts, messages that name the bot, reactions to our posts. A person's reactions to
one post are one like.
Source: docs.slack.dev, "Verifying requests from Slack", Events API, message, reaction_added (November 2026).
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime
from hashlib import sha256
from html import unescape
from typing import Any

import orjson

from .. import signatures
from ..api import Call, Event, Heard, NotAuthentic
from .send import DISLIKES

# Kinds of messages that are somebody's words; all others tell of changes.
SPOKEN = (None, "thread_broadcast", "file_share")
# Slack's own robot. Of others an event names only a user, who may be one.
SLACKBOT = "USLACKBOT"
# What an app may be told of that is nobody's answer to us.
PASSED_OVER = frozenset((
    "app_mention", "reaction_removed", "member_joined_channel", "member_left_channel", "pin_added", "pin_removed",
    "channel_archive", "channel_unarchive", "channel_rename", "channel_created", "channel_deleted", "channel_left",
    "file_shared", "file_created", "file_change", "file_deleted", "file_public", "link_shared", "emoji_changed",
    "team_join", "team_rename", "user_change", "user_profile_changed", "app_home_opened",
))  # fmt: skip
MALFORMED = (KeyError, TypeError, ValueError, OverflowError, AttributeError, OSError, IndexError)
MARKUP = re.compile(r"<(?P<sign>[@#!]|mailto:)?(?P<what>[^|<>]*)(?:\|(?P<label>[^<>]*))?>")


def hear(secrets: str, channel: str, call: Call) -> Heard:
    """The event of a call that one of the secrets proves, or the answer to Slack's challenge."""
    _prove(secrets.split(), call)
    return read(channel, call.body)


def read(channel: str, body: bytes) -> Heard:
    """The event of a body, or the answer to Slack's challenge; what cannot be read is parked."""
    try:
        told = orjson.loads(body)
        if told["type"] == "url_verification":
            return Heard(answer=str(told["challenge"]).encode("utf-8", "replace"))
        if told["type"] == "app_rate_limited":
            return Heard()
        event = _event(told, channel, body)
    except MALFORMED:
        return Heard(parked=(body.decode("utf-8", "replace"),))
    return Heard((event,) if event else ())


def _prove(secrets: list[str], call: Call) -> None:
    stamp = call.headers.get("x-slack-request-timestamp", "")
    given = call.headers.get("x-slack-signature", "").encode()
    signatures.fresh(stamp, call.at)
    signed = b"v0:%s:%s" % (stamp.encode(), call.body)
    right = [b"v0=" + hmac.new(one.encode(), signed, sha256).hexdigest().encode() for one in secrets]
    if not any([hmac.compare_digest(one, given) for one in right]):
        raise NotAuthentic("the hook's signature does not hold")


def _event(told: dict[str, Any], channel: str, raw: bytes) -> Event | None:
    event, own = told["event"], str(told["authorizations"][0]["user_id"])
    if event["type"] == "message":
        return _message(event, own, channel, raw)
    if event["type"] == "reaction_added":
        return _reaction(event, own, channel, raw)
    if event["type"] not in PASSED_OVER:
        raise ValueError("nobody has seen such an event")
    return None


def _message(event: dict[str, Any], own: str, channel: str, raw: bytes) -> Event | None:
    if event["channel"] != channel or event.get("subtype") not in SPOKEN or event.get("bot_id"):
        return None
    name, thread, text = _name(event["ts"]), event.get("thread_ts"), str(event.get("text") or "")
    answers = bool(thread) and thread != name and event.get("parent_user_id", own) == own
    if event["user"] in (own, SLACKBOT) or not (answers or f"<@{own}>" in text):
        return None
    return Event(
        key=f"{channel}:{name}",
        kind="reply" if answers else "mention",
        at=_at(name),
        references=(_name(thread),) if answers else (),
        sender=str(event["user"]),
        text=_plain(text),
        meta={"message_id": str(thread or name)},  # an answer to it stands in the same thread
        raw=raw,
    )


def _reaction(event: dict[str, Any], own: str, channel: str, raw: bytes) -> Event | None:
    item = event["item"]
    if item.get("channel") != channel or event.get("item_user") != own or event["reaction"] in DISLIKES:
        return None
    if event["user"] in (own, SLACKBOT):
        return None
    name, who = _name(item["ts"]), str(event["user"])
    return Event(
        key=f"{channel}:{name}:like:{who}",
        kind="like",
        at=_at(event["event_ts"]),
        provider_id=name,
        sender=who,
        text=f":{event['reaction']}:",
        raw=raw,
    )


def _name(stamp: Any) -> str:
    """Slack names a message by when it was, as text."""
    float(stamp)
    return str(stamp)


def _at(stamp: Any) -> datetime:
    return datetime.fromtimestamp(float(stamp), UTC)


def _plain(text: str) -> str:
    """Words as people see them: links, names of people and channels out of Slack's markup."""

    def shown(found: re.Match[str]) -> str:
        if found["sign"] in (None, "mailto:"):
            return found["what"]
        return f"{found['sign'].replace('!', '@')}{found['label'] or found['what']}"

    return unescape(MARKUP.sub(shown, text))
