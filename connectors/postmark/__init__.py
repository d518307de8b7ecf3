"""Postmark: mail by its API, found again by our name for it, and what becomes of it by hooks that nobody signs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from .. import esp
from ..api import Connector, Findable, Provider, Setting, app_of
from .hooks import read
from .send import Account, find, send, verify

BASE_URL = "https://api.postmarkapp.com"
# A server at Postmark keeps messages for 45 days, and for seven where somebody set it so.
REPEATS = Findable(visible_within_s=120.0, known_for_s=7 * 86_400.0)
# Where Postmark says that its hooks come from (postmarkapp.com/support/article/800-ips-for-firewalls).
NETWORKS = "3.134.147.250, 50.31.156.6, 50.31.156.77, 18.217.206.57"


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One server of Postmark by its token. BadSettings; nothing is connected to yet."""
    door = esp.door(settings, secrets, BASE_URL)
    account = Account(
        door, settings["base_url"].rstrip("/"), secrets["server_token"], settings["stream"], settings["tracking"]
    )  # fmt: skip
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
        app=app_of(secrets["server_token"]),
        close=door.close,
    )


PROVIDER = Provider(
    name="postmark",
    channels=("email",),
    about="Postmark: mail by its API; what may have gone is found again by our name for it.",
    settings=(
        Setting("server_token", "the token of the server at Postmark", required=True, secret=True),
        Setting(
            "stream", "the message stream: outbound, or that of a newsletter (broadcast)", default="outbound"
        ),
        esp.TRACKING,
        *esp.UNSIGNED,
        esp.networks(NETWORKS),
        *esp.settings(BASE_URL),
    ),
    limits=esp.LIMITS,
    repeats="findable",
    faces=("find", "hooks"),
    events=(*esp.EVENTS, "auto_reply"),
    connect=connect,
)
