"""Posts on Telegram, answers where somebody spoke to the bot, and proves that the bot may do so.

Rules: Telegram has no place for what a picture shows, so that stands in lines of its own below the text. A picture and
its post are one request.
Source: core.telegram.org/bots/api, sendMessage, sendPhoto, sendMediaGroup, getChatMember, setWebhook (November 2026).
"""

from __future__ import annotations

import re
from typing import Any

from ..api import AccountGone, Outbound, Receipt, Refused
from .client import NO_BOT, Client, unclear
from .events import KINDS, Us

CAPTION_MAX = 1024
PICTURE = "🖼 "
# `message`, or `chat:message` where somebody spoke to the bot outside the account's own chat.
NAME = re.compile(r"(?:(-?[0-9]{1,19}):)?([0-9]{1,19})")
ABSENT = ("left", "kicked")
MAY = ("can_post_messages", "can_send_messages")


def send(client: Client, us: Us, outbound: Outbound) -> Receipt:
    """Post it. `in_reply_to` is the name of a message to answer, in whose chat the answer goes."""
    answered = NAME.fullmatch(outbound.in_reply_to)
    chat = (answered[1] if answered else None) or us.chat
    values: dict[str, Any] = {"chat_id": chat}
    if answered:
        about = {"message_id": int(answered[2]), "allow_sending_without_reply": True}
        values["reply_parameters"] = about
    try:
        told = _post(client, outbound, values)
    except AccountGone as error:
        if chat == us.chat or error.code in NO_BOT:
            raise
        # Of the chat where somebody spoke to us; in the account's own the bot may post as before.
        raise Refused(error.words, code=error.code, phase=error.phase) from None
    first = told[0] if isinstance(told, list) and told else told
    number = first.get("message_id") if isinstance(first, dict) else None
    if not isinstance(number, int):
        raise unclear(True, "the answer names no message")
    return Receipt(str(number) if chat == us.chat else f"{chat}:{number}")


def _post(client: Client, outbound: Outbound, values: dict[str, Any]) -> Any:
    text, media = str(outbound.text), outbound.media
    if not media:
        if not text.strip():
            raise Refused("a post needs a text or a picture", code="no_text", phase="build")
        return client.write("sendMessage", {**values, "text": text})
    caption = "\n".join([text, *(PICTURE + one.alt for one in media if one.alt)]).strip("\n")
    if len(caption) > CAPTION_MAX:
        raise Refused(
            f"with pictures, the text and what they show have at most {CAPTION_MAX} characters together",
            code="caption_too_long",
            phase="build",
        )
    files = {f"picture{n}": (one.type, one.load()) for n, one in enumerate(media, start=1)}
    if len(media) == 1:
        return client.upload("sendPhoto", {**values, "caption": caption, "photo": "attach://picture1"}, files)
    album = [{"type": "photo", "media": f"attach://{name}"} for name in files]
    album[0]["caption"] = caption
    return client.upload("sendMediaGroup", {**values, "media": album}, files)


def verify(client: Client, chat: str, told: str, hook_url: str, hook_secret: str) -> None:
    """The bot may post in the chat; Telegram is told where what comes in goes: to `hook_url`, or kept for a poll."""
    member = client.read("getChatMember", chat_id=chat, user_id=client.bot_id)
    if not isinstance(member, dict):
        raise unclear(False, "the answer names no member")
    if member.get("status") in ABSENT or any(member.get(name) is False for name in MAY):
        raise AccountGone("the bot may not post there", code=str(member.get("status")), phase="answer")
    if told == "hooks":
        secret = hook_secret.split()[0]
        asked = {"url": hook_url, "secret_token": secret, "allowed_updates": KINDS}
        client.write("setWebhook", asked)
    elif told == "poll" and _hooked(client):
        client.write("deleteWebhook", {})


def _hooked(client: Client) -> bool:
    """Whether Telegram calls somebody, for then it gives nothing to a poll."""
    told = client.read("getWebhookInfo")
    return isinstance(told, dict) and bool(told.get("url"))
