"""Practice: a provider that takes mail and posts, fails and answers on request; nobody receives a word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from .. import signatures
from ..api import BadSettings, Blind, Connector, Findable, Keyed, Limits, Provider, Repeats, Setting
from ..http import Door
from .hooks import hear, read
from .poll import poll
from .send import Wire

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MAIL = Limits(html=True, in_flight=8, deadline_s=10.0)
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
POSTS = Limits(
    text_max=500, media_max=4, media_types=PICTURES, alt_max=1500, parts_max=25, in_flight=8, deadline_s=10.0
)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """A practice account. BadSettings for a server that is not on this machine."""
    if urlsplit(settings["url"]).hostname not in LOOPBACK:
        raise BadSettings(
            {"url": "practice stays on this machine: the host must be 127.0.0.1, ::1 or localhost"}
        )
    if settings["channel"] not in ("email", "practice"):
        raise BadSettings({"channel": "one of email, practice"})
    _check_secret(secrets.get("hook_secret", ""))
    repeats = _repeats(settings)
    limits = replace(MAIL if settings["channel"] == "email" else POSTS, deadline_s=settings["deadline_s"])
    door = Door(
        allow_hosts=LOOPBACK,
        only_hosts=LOOPBACK,
        deadline_s=limits.deadline_s,
        secrets=secrets.values(),
        connections=limits.in_flight,
    )
    account = quote(settings["account"], safe="")
    wire = Wire(
        door,
        f"{settings['url'].rstrip('/')}/{settings['repeats']}/{account}",
        {"Authorization": f"Bearer {secrets['token']}"} if "token" in secrets else {},
    )
    return Connector(
        name="simulator",
        channel=settings["channel"],
        broadcast=settings["channel"] != "email",
        limits=limits,
        repeats=repeats,
        verify=wire.verify,
        send=wire.send,
        find=wire.find if isinstance(repeats, Findable) else None,
        hooks=partial(hear, secrets["hook_secret"]) if "hook_secret" in secrets else None,
        read=read,
        poll=partial(poll, wire),
        place=wire.root,
        refresh=partial(wire.refresh, secrets["refresh_token"]) if "refresh_token" in secrets else None,
        close=door.close,
    )


def _repeats(settings: Mapping[str, Any]) -> Repeats:
    match settings["repeats"]:
        case "keyed":
            return Keyed(settings["life_s"])
        case "findable":
            return Findable(settings["visible_within_s"])
        case "blind":
            return Blind()
    raise BadSettings({"repeats": "one of keyed, findable, blind"})


def _check_secret(hook_secret: str) -> None:
    try:
        for each in hook_secret.split():
            signatures.key(each)
    except ValueError:
        raise BadSettings({"hook_secret": "must be whsec_ and base64"}) from None


PROVIDER = Provider(
    name="simulator",
    channels=("email", "practice"),
    about="Practice: takes mail and posts as a provider would, and hands them to nobody.",
    settings=(
        Setting(
            "url",
            "where the practice provider listens, such as http://127.0.0.1:8025",
            required=True,
            where=True,
        ),
        Setting("account", "the account's name at the provider", default="practice"),
        Setting(
            "channel", "email for mail to one recipient each, practice for posts to everyone", default="email"
        ),
        Setting(
            "repeats", "keyed, findable or blind: what the provider makes of a second try", default="keyed"
        ),
        Setting("life_s", "keyed: for how many seconds a key gets its first answer again", default=86_400.0),
        Setting("visible_within_s", "findable: after how many seconds a look-up is sure", default=0.0),
        Setting("deadline_s", "how long one hand-over may take, in seconds", default=10.0),
        Setting("token", "the login, where the provider asks for one", secret=True),
        Setting("refresh_token", "what gives a new login, once, when the old one is refused", secret=True),
        Setting(
            "hook_secret",
            "what proves a hook (whsec_…); while it changes, the new one and the old one",
            secret=True,
        ),
    ),
    limits=MAIL,
    repeats="by setting",
    faces=("find", "hooks", "poll", "refresh"),
    events=("reply", "mention", "like", "boost", "bounce", "complaint", "opt_out", "auto_reply", "delivered"),
    connect=connect,
)
