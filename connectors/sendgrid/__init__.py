"""SendGrid: mail by its API, and what becomes of it by signed hooks; it keeps no key of ours."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from .. import esp
from ..api import BadSettings, Blind, Connector, Provider, Setting, app_of
from .hooks import Keys, hear, read
from .send import Account, send, verify

BASE_URL, EU = "https://api.sendgrid.com", "https://api.eu.sendgrid.com"


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """An account by its key. BadSettings; nothing is connected to yet."""
    keys = _keys(settings["hook_key"])
    door = esp.door(settings, secrets, BASE_URL, EU)
    account = Account(
        door, settings["base_url"].rstrip("/"), secrets["api_key"], settings["sandbox"], settings["tracking"]
    )
    return Connector(
        name=PROVIDER.name,
        channel="email",
        broadcast=False,
        limits=esp.limits(settings),
        repeats=Blind(),
        verify=partial(verify, account),
        send=partial(send, account),
        hooks=partial(hear, keys) if keys else None,
        read=read,
        app=app_of(secrets["api_key"]),
        close=door.close,
    )


def _keys(given: str) -> Keys:
    try:
        return Keys.of(given)
    except ValueError:
        raise BadSettings({"hook_key": "is the verification key as SendGrid shows it"}) from None


PROVIDER = Provider(
    name="sendgrid",
    channels=("email",),
    about="SendGrid: mail by its API; after an answer that was lost, its events tell what became of it.",
    settings=(
        Setting("api_key", "the account's key for the API", required=True, secret=True),
        Setting(
            "hook_key",
            "the key by which events are verified; while it changes, the new one and the old one",
            default="",
        ),
        Setting("sandbox", "take everything and send nothing", default=False),
        esp.TRACKING,
        *esp.settings(BASE_URL, EU),
    ),
    limits=esp.LIMITS,
    repeats="blind",
    faces=("hooks",),
    events=esp.EVENTS,
    connect=connect,
)
