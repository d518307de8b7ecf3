"""Telegram: posts with pictures to a channel or group by a bot, and what people answer there.

Telegram keeps no key of ours, and a bot cannot read what it has posted: nobody can say afterwards whether it went.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from .. import hosted
from ..api import BadSettings, Blind, Connector, Limits, Provider, Setting
from .client import Client
from .events import Us
from .hooks import hear, read
from .poll import poll
from .send import CAPTION_MAX, send, verify

BASE_URL = "https://api.telegram.org"
UPDATES = ("poll", "hooks", "none")
LIMITS = Limits(
    text_max=4096,
    media_max=10,
    media_types=("image/jpeg", "image/png"),
    media_bytes_max=10_000_000,
    caption_max=CAPTION_MAX,
    in_flight=1,
    per_second=1 / 3,
    app_per_second=30.0,
    deadline_s=30.0,
)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One channel or group of one bot. BadSettings; nothing is connected to yet."""
    _check(settings, secrets)
    door = hosted.door(settings, BASE_URL, secrets=secrets.values())
    client = Client(door, settings["base_url"], secrets["token"])
    us = Us(settings["chat"], int(client.bot_id), settings["username"].removeprefix("@"))
    told = settings["updates"]
    hook = (settings["hook_url"], secrets.get("hook_secret", "")) if told == "hooks" else ("", "")
    return Connector(
        name=PROVIDER.name,
        channel="telegram",
        broadcast=True,
        limits=LIMITS,
        repeats=Blind(),
        verify=partial(verify, client, us.chat, told, *hook),
        send=partial(send, client, us),
        hooks=partial(hear, us, hook[1]) if told == "hooks" else None,
        read=partial(read, us),
        poll=partial(poll, client, us) if told == "poll" else None,
        app=client.bot_id,
        place=client.bot_id,
        close=door.close,
    )


def _check(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    wrong = hosted.problems(settings, BASE_URL)
    if not re.fullmatch(r"-?[0-9]+|@\w+", settings["chat"], re.ASCII):
        wrong["chat"] = "is @name of a public channel or group, or its number"
    if not re.fullmatch(r"[0-9]{1,19}:[\w-]+", secrets["token"], re.ASCII):
        wrong["token"] = "is the whole token that BotFather gave, with the number in front of its colon"
    if settings["updates"] not in UPDATES:
        wrong["updates"] = "is poll, hooks or none"
    if settings["updates"] == "hooks":
        if not settings["hook_url"].startswith("https://"):
            wrong["hook_url"] = "begins with https://, for updates by hooks"
        if not re.fullmatch(r"[\w-]+( [\w-]+)*", secrets.get("hook_secret", ""), re.ASCII):
            wrong["hook_secret"] = "is letters, digits, _ and - of your choice, for updates by hooks"
    if wrong:
        raise BadSettings(wrong)


PROVIDER = Provider(
    name="telegram",
    channels=("telegram",),
    about="Telegram: posts with pictures to a channel or group by a bot; answers, comments and reactions.",
    settings=(
        Setting("chat", "the channel or group: @name, or its number where it is private", required=True),
        Setting("token", "the bot's token from BotFather", required=True, secret=True),
        Setting("username", "the bot's own @name, to hear where a group speaks of it", default=""),
        Setting("updates", "how answers come in: poll, hooks or none", default="poll"),
        Setting("hook_url", "the address of this account's hooks, as Telegram reaches it", default=""),
        Setting("hook_secret", "what proves that a hook is Telegram's; two while it is changed", secret=True),
        *hosted.settings(BASE_URL, LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="blind",
    faces=("hooks", "poll"),
    events=("reply", "mention", "like"),
    connect=connect,
)
