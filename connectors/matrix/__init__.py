"""Matrix: messages with pictures to a room, and what people there answer, say and react with.

Every message carries the delivery's key as its transaction id, so a repeat gives the first one.
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
from .poll import poll
from .send import send

# An event holds 65,536 bytes with all that is around its words; a sign takes four of them at most.
LIMITS = Limits(
    text_max=15_000,
    media_max=4,
    media_types=("image/jpeg", "image/png", "image/gif", "image/webp"),
    media_bytes_max=10_000_000,
    alt_max=5_000,
    parts_max=25,
    in_flight=1,
    deadline_s=30.0,
)
# Synapse keeps them for a day and Dendrite for half an hour; the protocol names no time.
KEYED = Keyed(life_s=1800.0)
_ROOM = re.compile(r"![^\s:]+(:[^\s/]+)?|#[^\s:]+:[^\s/]+")


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One account in one room. BadSettings; nothing is connected to yet."""
    own_server.check(settings["server"], settings["deadline_s"], "server")
    if not _ROOM.fullmatch(settings["room"]):
        raise BadSettings(
            {"room": "is a room's address, such as #newyddion:example.org, or its id, which begins with !"}
        )
    door = own_server.door(settings["server"], deadline_s=settings["deadline_s"], secrets=secrets.values())
    client = Client(door, settings["server"].rstrip("/"), settings["room"], secrets["access_token"])
    return Connector(
        name=PROVIDER.name,
        channel="matrix",
        broadcast=True,
        limits=replace(LIMITS, deadline_s=settings["deadline_s"]),
        repeats=KEYED,
        verify=client.verify,
        send=partial(send, client),
        poll=partial(poll, client),
        place=f"{client.url} {settings['room']}",
        close=door.close,
    )


PROVIDER = Provider(
    name="matrix",
    channels=("matrix",),
    about="Matrix: messages with pictures to a room that is not encrypted, and what people there say.",
    settings=(
        Setting("server", "the homeserver's address, such as https://matrix.org", required=True, where=True),
        Setting("room", "the room: its address or its id", required=True),
        Setting("access_token", "an access token of the account", required=True, secret=True),
        Setting("deadline_s", "seconds that one call may take", default=LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="keyed",
    faces=("poll",),
    events=("reply", "mention", "like"),
    connect=connect,
)
