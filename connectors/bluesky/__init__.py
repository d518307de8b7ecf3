"""Bluesky and other servers of the AT Protocol: posts with pictures and links, and who answered, mentioned, liked or
reposted.

A post's name on the account is made of the delivery's key, so a repeat writes the same record over itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .. import own_server
from ..api import BadSettings, Connector, Keyed, Limits, Provider, Setting
from .client import Client
from .metrics import metrics
from .poll import poll
from .send import send
from .session import refresh

# 35,000 points a day, of which each write of a record by its name costs two.
LIMITS = Limits(
    text_max=300,
    counting="bluesky",
    media_max=4,
    media_types=("image/jpeg", "image/png", "image/webp", "image/gif"),
    media_bytes_max=1_000_000,
    alt_max=2000,
    parts_max=25,
    in_flight=1,
    per_day=17_500,
    deadline_s=30.0,
)
# A record's name has no end; ten years stand for that.
KEYED = Keyed(life_s=10 * 365 * 86_400.0)
_HANDLE = re.compile(
    r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?|did:[a-z]+:[\w.:%-]+"
)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One account on one server. BadSettings; nothing is connected to yet."""
    own_server.check(settings["server"], settings["deadline_s"], "server")
    if not _HANDLE.fullmatch(settings["handle"]):
        raise BadSettings({"handle": "is written like cyngor.bsky.social, without @"})
    door = own_server.door(settings["server"], deadline_s=settings["deadline_s"], secrets=secrets.values())
    client = Client(door, settings["server"].rstrip("/"), settings["handle"], secrets.get("access_token", ""))
    return Connector(
        name=PROVIDER.name,
        channel="bluesky",
        broadcast=True,
        limits=replace(LIMITS, deadline_s=settings["deadline_s"]),
        repeats=KEYED,
        verify=client.verify,
        send=partial(send, client),
        poll=partial(poll, client),
        refresh=partial(refresh, client, secrets["app_password"], secrets.get("refresh_token", "")),
        metrics=partial(metrics, client),
        place=f"{client.url} {client.handle}",
        close=door.close,
    )


PROVIDER = Provider(
    name="bluesky",
    channels=("bluesky",),
    about="Bluesky: posts with pictures, links and threads; answers, mentions, quotes, likes and reposts.",
    settings=(
        Setting("handle", "the account's handle, such as cyngor.bsky.social", required=True),
        Setting(
            "app_password", "an app password of the account, not its own password", required=True, secret=True
        ),
        Setting("access_token", "left empty: it comes of the app password", secret=True),
        Setting("refresh_token", "left empty: it comes of the app password", secret=True),
        Setting("server", "the server the account lives on", default="https://bsky.social", where=True),
        Setting("deadline_s", "seconds that one call may take", default=LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="keyed",
    faces=("poll", "refresh", "metrics"),
    events=("reply", "mention", "like", "boost", "auto_reply"),
    connect=connect,
)
