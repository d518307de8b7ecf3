"""Brevo: mail by its API, found again by a tag, and what becomes of it by hooks that nobody signs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from .. import esp
from ..api import Connector, Findable, Provider, Setting, app_of
from .hooks import read
from .send import Account, find, send, verify

BASE_URL = "https://api.brevo.com"
# Brevo shows the events of the last 30 days.
REPEATS = Findable(visible_within_s=600.0, known_for_s=29 * 86_400.0)
# Where Brevo says that its hooks come from (help.brevo.com, list of publicly exposed services).
NETWORKS = "1.179.112.0/20, 172.246.240.0/20"


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """An account by its key. BadSettings; nothing is connected to yet."""
    door = esp.door(settings, secrets, BASE_URL)
    account = Account(door, settings["base_url"].rstrip("/"), secrets["api_key"], settings["sandbox"])
    return Connector(
        name=PROVIDER.name,
        channel="email",
        broadcast=False,
        limits=esp.limits(settings),
        repeats=REPEATS,
        verify=partial(verify, account),
        send=partial(send, account),
        find=partial(find, account),
        hooks=esp.unsigned(settings, secrets, read),
        read=read,
        app=app_of(secrets["api_key"]),
        close=door.close,
    )


PROVIDER = Provider(
    name="brevo",
    channels=("email",),
    about="Brevo: mail by its API; what may have gone is found again by its tag.",
    settings=(
        Setting("api_key", "the account's key for the API", required=True, secret=True),
        Setting("sandbox", "take everything and send nothing", default=False),
        *esp.UNSIGNED,
        esp.networks(NETWORKS),
        *esp.settings(BASE_URL),
    ),
    limits=esp.LIMITS,
    repeats="findable",
    faces=("find", "hooks"),
    events=esp.EVENTS,
    connect=connect,
)
