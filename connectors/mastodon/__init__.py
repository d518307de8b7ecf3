"""Mastodon and servers that speak its API: posts with pictures, and who answered, mentioned, liked or boosted them.

Whether a server gives its first answer to a repeated key differs, so the account says it and `verify` looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .. import own_server
from ..api import BadSettings, Connector, Findable, Keyed, Limits, Provider, Setting
from .client import Server
from .metrics import metrics
from .poll import poll
from .send import find, send

# Mastodon's own; 300 requests in five minutes are what a token may make.
LIMITS = Limits(
    text_max=500,
    counting="mastodon",
    media_max=4,
    media_types=("image/jpeg", "image/png", "image/gif", "image/webp"),
    media_bytes_max=16 * 1024 * 1024,
    alt_max=1500,
    parts_max=25,
    in_flight=1,
    per_second=1.0,
    deadline_s=30.0,
)
KEYED = Keyed(life_s=3600.0)
FINDABLE = Findable(visible_within_s=10.0, exact=False)
VISIBILITIES = ("public", "unlisted", "private")


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One account on one server. BadSettings; nothing is connected to yet."""
    _check(settings)
    door = own_server.door(settings["server"], deadline_s=settings["deadline_s"], secrets=secrets.values())
    server = Server(door, settings["server"].rstrip("/"), secrets["access_token"])
    return Connector(
        name=PROVIDER.name,
        channel="mastodon",
        broadcast=True,
        limits=replace(LIMITS, text_max=settings["text_max"], deadline_s=settings["deadline_s"]),
        repeats=KEYED if settings["keeps_keys"] else FINDABLE,
        verify=partial(server.verify, settings["text_max"], settings["keeps_keys"]),
        send=partial(send, server, settings["visibility"]),
        find=None if settings["keeps_keys"] else partial(find, server),
        poll=partial(poll, server),
        metrics=partial(metrics, server),
        api="v1",
        place=server.url,
        close=door.close,
    )


def _check(settings: Mapping[str, Any]) -> None:
    own_server.check(settings["server"], settings["deadline_s"], "server")
    wrong: dict[str, str] = {}
    if settings["visibility"] not in VISIBILITIES:
        wrong["visibility"] = "one of public, unlisted, private"
    if not 1 <= settings["text_max"] <= 100_000:
        wrong["text_max"] = "is at least 1 and at most 100000"
    if wrong:
        raise BadSettings(wrong)


PROVIDER = Provider(
    name="mastodon",
    channels=("mastodon",),
    about="Mastodon and servers that speak its API: posts with pictures, answers, mentions, likes and boosts.",
    settings=(
        Setting(
            "server",
            "the server's address, such as https://toot.wales",
            required=True,
            where=True,
        ),
        Setting("access_token", "the access token of the application", required=True, secret=True),
        Setting(
            "visibility", "who sees the posts: public, unlisted or private (followers)", default="public"
        ),
        Setting("text_max", "how many characters the server takes", default=500),
        Setting(
            "keeps_keys",
            "whether the server gives its first answer to a repeated key, as Mastodon itself does",
            default=True,
        ),
        Setting("deadline_s", "seconds that one call may take", default=LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="by setting",
    faces=("find", "poll", "metrics"),
    events=("reply", "mention", "like", "boost", "auto_reply"),
    connect=connect,
)
