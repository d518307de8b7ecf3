"""Mailgun: whole mails by its API, found again by their own name, and what becomes of them by hooks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from .. import esp, mail
from ..api import BadSettings, Connector, Findable, Provider, Refused, Setting, app_of
from .hooks import hear, read
from .send import Account, find, send, verify

BASE_URL, EU = "https://api.mailgun.net", "https://api.eu.mailgun.net"
# Mailgun's events may come out of order, and are to be trusted when they are half an hour old.
# They are kept for three days at least, but the smaller plans show one.
REPEATS = Findable(visible_within_s=1800.0, known_for_s=86_400.0)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One domain of an account. BadSettings; nothing is connected to yet."""
    door = esp.door(settings, secrets, BASE_URL, EU)
    account = Account(
        door,
        settings["base_url"].rstrip("/"),
        _domain(settings["domain"]),
        secrets["api_key"],
        settings["test_mode"],
        settings["tracking"],
    )
    hook_keys = secrets.get("hook_key", "").split()
    return Connector(
        name=PROVIDER.name,
        channel="email",
        broadcast=False,
        limits=esp.limits(settings),
        repeats=REPEATS,
        verify=partial(verify, account),
        send=partial(send, account),
        find=partial(find, account),
        hooks=partial(hear, hook_keys) if hook_keys else None,
        read=read,
        app=app_of(secrets["api_key"]),
        close=door.close,
    )


def _domain(given: str) -> str:
    try:
        return mail.address(f"x@{given}").partition("@")[2]
    except Refused:
        raise BadSettings({"domain": "is the name of a domain"}) from None


PROVIDER = Provider(
    name="mailgun",
    channels=("email",),
    about="Mailgun: mail by its API; what may have gone is found again by its own name.",
    settings=(
        Setting("domain", "the domain at Mailgun that mail goes through", required=True),
        Setting("api_key", "the account's key for the API", required=True, secret=True),
        Setting(
            "hook_key", "the signing key of hooks; while it changes, the new one and the old one", secret=True
        ),
        Setting("test_mode", "take everything and send nothing", default=False),
        esp.TRACKING,
        *esp.settings(BASE_URL, EU),
    ),
    limits=esp.LIMITS,
    repeats="findable",
    faces=("find", "hooks"),
    events=esp.EVENTS,
    connect=connect,
)
