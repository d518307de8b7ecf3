"""Discord: posts with pictures to a channel by a bot, and who answers, mentions or reacts to it there.

Discord gives its first answer again to the same nonce of the same author, for "the past few minutes".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from .. import hosted
from ..api import BadSettings, Connector, Keyed, Limits, Provider, Setting, app_of
from .client import Client
from .metrics import metrics
from .poll import poll
from .send import send, verify

BASE_URL = "https://discord.com"
LIMITS = Limits(
    text_max=2000,
    media_max=10,
    media_types=("image/png", "image/jpeg", "image/gif", "image/webp"),
    media_bytes_max=10_000_000,
    alt_max=1024,
    in_flight=1,
    app_per_second=50.0,
    deadline_s=30.0,
)
# Discord says "the past few minutes": no fewer than two.
REPEATS = Keyed(life_s=120.0)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One channel of one bot. BadSettings; nothing is connected to yet."""
    wrong = hosted.problems(settings, BASE_URL)
    if not re.fullmatch("[0-9]{1,20}", settings["channel_id"], re.ASCII):
        wrong["channel_id"] = "is the channel's number, not its name"
    if wrong:
        raise BadSettings(wrong)
    # A page of a hundred long messages, each with what it answers, is larger than what most providers say.
    door = hosted.door(settings, BASE_URL, secrets=secrets.values(), size_max=5_000_000)
    client = Client(door, settings["base_url"], secrets["token"], settings["channel_id"])
    return Connector(
        name=PROVIDER.name,
        channel="discord",
        broadcast=True,
        limits=LIMITS,
        repeats=REPEATS,
        verify=partial(verify, client),
        send=partial(send, client),
        poll=partial(poll, client),
        metrics=partial(metrics, client),
        api="v10",
        app=app_of(secrets["token"]),
        place=f"{settings['base_url']} {settings['channel_id']}",
        close=door.close,
    )


PROVIDER = Provider(
    name="discord",
    channels=("discord",),
    about="Discord: posts with pictures to a channel by a bot; answers, mentions and reactions.",
    settings=(
        Setting("channel_id", "the channel's number at Discord", required=True),
        Setting("token", "the bot's token from Discord's developer portal", required=True, secret=True),
        *hosted.settings(BASE_URL, LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="keyed",
    faces=("poll", "metrics"),
    events=("reply", "mention", "like"),
    connect=connect,
)
