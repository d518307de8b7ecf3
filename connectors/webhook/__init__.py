"""Any system as a channel: signed JSON to an https address of its own, and signed JSON back (Standard Webhooks).

Whether a repeated call is answered as the first is the receiver's doing: who runs it says so in a setting.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .. import own_server, signatures
from ..api import BadSettings, Blind, Connector, Keyed, Limits, Provider, Setting
from .hooks import KINDS, hear, read
from .send import Client, ping, send

PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")
LIMITS = Limits(html=True, media_max=20, media_types=PICTURES, in_flight=4, deadline_s=30.0)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One receiver. BadSettings; nothing is connected to yet."""
    _check(settings, secrets)
    url, deadline_s = settings["url"], settings["deadline_s"]
    door = own_server.door(url, deadline_s=deadline_s, secrets=secrets.values(), connections=LIMITS.in_flight)
    client = Client(door, url, secrets["secret"].split())
    hook_secret = secrets.get("hook_secret", "")
    return Connector(
        name=PROVIDER.name,
        channel=settings["channel"],
        broadcast=not settings["to_each"],
        limits=replace(LIMITS, text_max=settings["text_max"] or None, deadline_s=deadline_s),
        repeats=Keyed(settings["keeps_ids_s"]) if settings["keeps_ids_s"] else Blind(),
        verify=partial(ping, client),
        send=partial(send, client),
        hooks=partial(hear, hook_secret.split()) if hook_secret else None,
        read=read,
        close=door.close,
    )


def _check(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    own_server.check(settings["url"], settings["deadline_s"])
    wrong: dict[str, str] = {}
    for name in ("secret", "hook_secret"):
        if not _are_secrets(secrets.get(name, "")):
            wrong[name] = "is one or two secrets of the form whsec_…, with a blank between them"
    if set(secrets["secret"].split()) & set(secrets.get("hook_secret", "").split()):
        wrong["hook_secret"] = "must be another one: what we sign could be sent back to us"
    if not re.fullmatch("[a-z][a-z0-9_]{0,39}", settings["channel"]):
        wrong["channel"] = "is lower-case letters, digits and _, such as notices"
    for name in ("text_max", "keeps_ids_s"):
        if settings[name] < 0:
            wrong[name] = "is 0 or more"
    if wrong:
        raise BadSettings(wrong)


def _are_secrets(words: str) -> bool:
    try:
        return all(one.startswith(signatures.PREFIX) and signatures.key(one) for one in words.split())
    except ValueError:
        return False


PROVIDER = Provider(
    name="webhook",
    channels=("webhook",),
    about="Any system of your own: signed JSON to its address, and signed JSON back.",
    settings=(
        Setting("url", "the address that takes our calls", required=True, where=True),
        Setting("secret", "what signs our calls: whsec_…", required=True, secret=True),
        Setting("hook_secret", "what signs calls to us: whsec_…", secret=True),
        Setting("channel", "the channel's name here", default="webhook"),
        Setting("to_each", "one call for each person, instead of one for all", default=False),
        Setting("text_max", "characters that a text may have, 0 for any number", default=0),
        Setting(
            "keeps_ids_s",
            "for how many seconds the receiver keeps ids and answers a repeated one as before; 0 where it does not",
            default=0.0,
        ),
        Setting("deadline_s", "seconds that one call may take", default=LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="by setting",
    faces=("hooks",),
    events=KINDS,
    connect=connect,
)
