"""Discourse: topics in a forum of one's own, answers in them, and what members write and like there.

A topic carries an outside id, which is ours to choose: by it a topic is found again, exactly. Answers carry a mark in
their source that readers do not see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .. import own_server
from ..api import BadSettings, Connector, Findable, Limits, Provider, Setting
from .client import Client, verify
from .hooks import hear, read
from .metrics import metrics
from .poll import poll
from .send import find, send

PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")
LIMITS = Limits(
    text_max=32_000,
    subject_max=255,
    media_max=20,
    media_types=PICTURES,
    media_bytes_max=4_000_000,
    in_flight=1,
    per_second=1.0,
    deadline_s=60.0,
)
REPEATS = Findable(visible_within_s=5.0)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One user of one forum. BadSettings; nothing is connected to yet."""
    url, deadline_s = settings["url"], settings["deadline_s"]
    own_server.check(url, deadline_s)
    if settings["category"] < 0:
        raise BadSettings({"category": "is 0 or more"})
    door = own_server.door(url, deadline_s=deadline_s, secrets=secrets.values(), connections=LIMITS.in_flight)
    client = Client(
        door, url, settings["username"], secrets["api_key"], settings["category"], settings["markdown"]
    )
    hook_secret = secrets.get("hook_secret", "")
    return Connector(
        name=PROVIDER.name,
        channel="discourse",
        broadcast=True,
        limits=replace(LIMITS, deadline_s=deadline_s),
        repeats=REPEATS,
        verify=partial(verify, client),
        send=partial(send, client),
        find=partial(find, client),
        hooks=partial(hear, hook_secret.split(), settings["username"]) if hook_secret else None,
        read=partial(read, settings["username"]),
        poll=partial(poll, client),
        metrics=partial(metrics, client),
        place=f"{url} {settings['username']}",
        close=door.close,
    )


PROVIDER = Provider(
    name="discourse",
    channels=("discourse",),
    about="Discourse: topics and answers in a forum of your own, and what members say and like.",
    settings=(
        Setting("url", "the address of the forum", required=True, where=True),
        Setting("username", "the member who posts", required=True),
        Setting("api_key", "an API key for that member", required=True, secret=True),
        Setting("category", "the number of the category for new topics, 0 for none", default=0),
        Setting(
            "markdown", "texts are Markdown; otherwise they are shown as they are written", default=False
        ),
        Setting("hook_secret", "what proves the forum's calls; two while one is being replaced", secret=True),
        Setting("deadline_s", "seconds that one call may take", default=LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="findable",
    faces=("find", "hooks", "poll", "metrics"),
    events=("reply", "mention", "like", "auto_reply"),
    connect=connect,
)
