"""Apprise: the long tail of services, by an Apprise API server of one's own. Texts go out; nothing comes back.

The server sends to many services at once and names nothing, so nobody can say afterwards what went: `repeats` is Blind.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .. import own_server
from ..api import BadSettings, Blind, Connector, Limits, Provider, Setting
from .send import Client, send, verify

WORD = re.compile("[A-Za-z0-9_-]{1,64}")
LIMITS = Limits(text_max=32_768, subject_max=250, in_flight=1, deadline_s=90.0)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One configuration of one server. BadSettings; nothing is connected to yet."""
    url, deadline_s, key = settings["url"], settings["deadline_s"], secrets["key"]
    own_server.check(url, deadline_s)
    wrong: dict[str, str] = {}
    if not WORD.fullmatch(key):
        wrong["key"] = "is 1 to 64 letters, digits, _ and -"
    if settings["tag"] and not WORD.fullmatch(settings["tag"]):
        wrong["tag"] = "is 1 to 64 letters, digits, _ and -"
    if wrong:
        raise BadSettings(wrong)
    login, hidden = {}, [key]
    if settings["username"]:
        pair = f"{settings['username']}:{secrets.get('password', '')}".encode()
        login = {"Authorization": f"Basic {b64encode(pair).decode()}"}
        hidden += [secrets.get("password", ""), b64encode(pair).decode()]
    door = own_server.door(url, deadline_s=deadline_s, secrets=hidden)
    client = Client(door, url.rstrip("/"), key, settings["tag"], login)
    return Connector(
        name=PROVIDER.name,
        channel="apprise",
        broadcast=True,
        limits=replace(LIMITS, deadline_s=deadline_s),
        repeats=Blind(),
        verify=partial(verify, client),
        send=partial(send, client),
        close=door.close,
    )


PROVIDER = Provider(
    name="apprise",
    channels=("apprise",),
    about="Apprise: texts to the many services that an Apprise API server of your own knows.",
    settings=(
        Setting("url", "the address of the Apprise API server", required=True, where=True),
        Setting("key", "the key of the configuration there", required=True, secret=True),
        Setting("tag", "only to services with this tag; empty for all of them", default=""),
        Setting("username", "the name to log in with, where the server asks for one", default=""),
        Setting("password", "its password", secret=True),
        Setting("deadline_s", "seconds that one call may take", default=LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="blind",
    faces=(),
    events=(),
    connect=connect,
)
