"""Slack: posts with pictures to a channel by a bot, and who answers, mentions or reacts to it there.

Our key goes along as metadata of the post, and is found again in the channel's history.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from .. import hosted
from ..api import BadSettings, Connector, Findable, Limits, Provider, Setting, app_of
from .client import FILES_HOST, Client
from .hooks import hear, read
from .send import find, metrics, send, verify

BASE_URL = "https://slack.com"
LIMITS = Limits(
    text_max=4000,
    media_max=10,
    media_types=("image/png", "image/jpeg", "image/gif"),
    media_bytes_max=10_000_000,
    alt_max=1000,
    in_flight=1,
    per_second=1.0,
    deadline_s=30.0,
)
# Of a free workspace Slack shows the last 90 days.
REPEATS = Findable(visible_within_s=10.0, known_for_s=90 * 86_400.0)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One channel of one bot. BadSettings; nothing is connected to yet."""
    wrong = hosted.problems(settings, BASE_URL)
    if not re.fullmatch("[CG][A-Z0-9]{2,20}", settings["channel_id"]):
        wrong["channel_id"] = "is the channel's id, such as C0123ABCD, not its name"
    if wrong:
        raise BadSettings(wrong)
    # A page of a hundred posts with all they carry is larger than what most providers say.
    door = hosted.door(settings, BASE_URL, secrets=secrets.values(), others=(FILES_HOST,), size_max=5_000_000)
    client = Client(door, settings["base_url"], secrets["token"], settings["channel_id"])
    signing = secrets.get("signing_secret", "")
    return Connector(
        name=PROVIDER.name,
        channel="slack",
        broadcast=True,
        limits=LIMITS,
        repeats=REPEATS,
        verify=partial(verify, client),
        send=partial(send, client),
        find=partial(find, client),
        hooks=partial(hear, signing, client.channel) if signing else None,
        read=partial(read, client.channel),
        metrics=partial(metrics, client),
        app=app_of(secrets["token"]),
        close=door.close,
    )


PROVIDER = Provider(
    name="slack",
    channels=("slack",),
    about="Slack: posts with pictures to a channel by a bot; answers, mentions and reactions.",
    settings=(
        Setting("channel_id", "the channel's id at Slack, such as C0123ABCD", required=True),
        Setting("token", "the bot's token (xoxb-…)", required=True, secret=True),
        Setting(
            "signing_secret",
            "the app's signing secret, to hear answers; two while it is changed",
            secret=True,
        ),
        *hosted.settings(BASE_URL, LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="findable",
    faces=("find", "hooks", "metrics"),
    events=("reply", "mention", "like"),
    connect=connect,
)
