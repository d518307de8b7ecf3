"""Resend: mail by its API, which keeps our key for a day, and what becomes of it by signed hooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .. import esp, signatures
from ..api import BadSettings, Connector, Keyed, Provider, Setting, app_of
from .hooks import hear, read
from .send import send, verify

BASE_URL = "https://api.resend.com"
# Resend counts the calls of a whole team: two a second, unless it has granted more.
LIMITS = replace(esp.LIMITS, app_per_second=2.0)
REPEATS = Keyed(86_400.0)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """An account by its key. BadSettings; nothing is connected to yet."""
    hook_secret = secrets.get("hook_secret", "")
    _check_secret(hook_secret)
    door = esp.door(settings, secrets, BASE_URL)
    way = (door, settings["base_url"].rstrip("/"), secrets["api_key"])
    return Connector(
        name=PROVIDER.name,
        channel="email",
        broadcast=False,
        limits=esp.limits(settings, LIMITS),
        repeats=REPEATS,
        verify=partial(verify, *way),
        send=partial(send, *way),
        hooks=partial(hear, hook_secret) if hook_secret else None,
        read=read,
        app=app_of(secrets["api_key"]),
        close=door.close,
    )


def _check_secret(hook_secret: str) -> None:
    try:
        for each in hook_secret.split():
            signatures.key(each)
    except ValueError:
        raise BadSettings({"hook_secret": "must be whsec_ and base64"}) from None


PROVIDER = Provider(
    name="resend",
    channels=("email",),
    about="Resend: mail by its API; a repeated try never sends twice within a day.",
    settings=(
        Setting("api_key", "the account's key for the API", required=True, secret=True),
        Setting(
            "hook_secret",
            "what proves a hook (whsec_…); while it changes, the new one and the old one",
            secret=True,
        ),
        *esp.settings(BASE_URL),
    ),
    limits=LIMITS,
    repeats="keyed",
    faces=("hooks",),
    events=tuple(kind for kind in esp.EVENTS if kind != "opt_out"),
    connect=connect,
)
