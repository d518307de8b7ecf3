"""Telegram's updates in our words.

Rules: only what is meant for us is told: answers to what the bot posted, comments on a post of the channel in its
discussion group, words to the bot, and reactions; what a group says otherwise is its own, and what other bots do is
nobody's doing. A person's reactions to one post are one like.
Source: core.telegram.org/bots/api, Update, Message, MessageReactionUpdated (November 2026).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..api import Event

KINDS = ("message", "message_reaction")
# What may still come that was waiting before these were asked for.
PASSED_OVER = frozenset((
    "edited_message", "channel_post", "edited_channel_post", "message_reaction_count", "inline_query", "callback_query",
    "chosen_inline_result", "shipping_query", "pre_checkout_query", "purchased_paid_media", "poll", "poll_answer",
    "my_chat_member", "chat_member", "chat_join_request", "chat_boost", "removed_chat_boost", "business_connection",
    "business_message", "edited_business_message", "deleted_business_messages",
))  # fmt: skip
DISLIKES = ("👎", "💩", "🤮", "🤬")
# What an update that is not shaped as documented raises.
MALFORMED = (KeyError, TypeError, ValueError, OverflowError, AttributeError, OSError)


@dataclass(frozen=True, slots=True)
class Us:
    """Who we are there: the account's chat as it was set, the bot's number and its name."""

    chat: str
    bot_id: int
    username: str

    def own(self, chat: dict[str, Any]) -> bool:
        """Whether this is the account's chat."""
        return self.chat.lower() in (str(chat["id"]), f"@{chat.get('username', '')}".lower())

    def name(self, chat: dict[str, Any], number: int) -> str:
        """A message's name, as it is given to `in_reply_to`."""
        return str(int(number)) if self.own(chat) else f"{int(chat['id'])}:{int(number)}"


def event(us: Us, update: dict[str, Any]) -> Event | None:
    """What an update tells us; None where it is not meant for us. One of MALFORMED for what cannot be read."""
    raw = json.dumps(update, ensure_ascii=False).encode("utf-8", "replace")
    if "message" in update:
        return _message(us, update["message"], raw)
    if "message_reaction" in update:
        return _reaction(us, update["message_reaction"], raw)
    if PASSED_OVER.isdisjoint(update):
        raise ValueError("nobody has seen such an update")
    return None


def _message(us: Us, message: dict[str, Any], raw: bytes) -> Event | None:
    chat, number = message["chat"], message["message_id"]
    at = datetime.fromtimestamp(message["date"], UTC)
    # Who speaks for a chat comes with it, and with a bot that stands for them.
    sender = message.get("sender_chat") or message["from"]
    if sender["id"] == us.bot_id or sender.get("is_bot") or ("title" in sender and us.own(sender)):
        return None
    text = str(message.get("text") or message.get("caption") or "")
    about = _answered(us, message)
    if not about and chat["type"] != "private" and not _speaks_of_us(us, message, text):
        return None
    return Event(
        key=f"{int(chat['id'])}:{int(number)}",
        kind="reply" if about else "mention",
        at=at,
        references=(about,) if about else (),
        sender=_handle(sender),
        sender_name=_full_name(sender),
        text=text,
        meta={"message_id": us.name(chat, number)},
        raw=raw,
    )


def _answered(us: Us, message: dict[str, Any]) -> str:
    """The name of our message that this one answers."""
    parent = message.get("reply_to_message")
    if not parent:
        return ""
    if (parent.get("from") or {}).get("id") == us.bot_id:
        return us.name(message["chat"], parent["message_id"])
    # A post of the channel, as Telegram puts it into the group where it is discussed.
    origin = parent.get("forward_origin") or {}
    if parent.get("is_automatic_forward") and us.own(origin["chat"]):
        return str(int(origin["message_id"]))
    return ""


def _speaks_of_us(us: Us, message: dict[str, Any], text: str) -> bool:
    if us.username and re.search(rf"(?<!\w)@{re.escape(us.username)}(?!\w)", text, re.IGNORECASE):
        return True
    return any(
        (one.get("user") or {}).get("id") == us.bot_id
        for one in message.get("entities") or ()
        if one["type"] == "text_mention"
    )


def _reaction(us: Us, told: dict[str, Any], raw: bytes) -> Event | None:
    signs = [str(one.get("emoji") or one["type"]) for one in told["new_reaction"]]
    liked = [sign for sign in signs if sign not in DISLIKES]
    if not us.own(told["chat"]) or not liked:
        return None
    who, number = told.get("user") or told["actor_chat"], str(int(told["message_id"]))
    if who.get("is_bot"):
        return None
    return Event(
        key=f"{int(told['chat']['id'])}:{number}:like:{int(who['id'])}",
        kind="like",
        at=datetime.fromtimestamp(told["date"], UTC),
        provider_id=number,
        sender=_handle(who),
        sender_name=_full_name(who),
        text=" ".join(liked),
        raw=raw,
    )


def _handle(who: dict[str, Any]) -> str:
    return str(who.get("username") or who["id"])


def _full_name(who: dict[str, Any]) -> str:
    said = (who.get("title"), who.get("first_name"), who.get("last_name"))
    return " ".join(str(one) for one in said if one)
