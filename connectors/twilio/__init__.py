"""Twilio: text messages (SMS) or WhatsApp to one person each, with what became of them, answers and STOP.

Twilio keeps no key of ours: nobody can say afterwards whether a message went.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .. import hosted
from ..api import BadSettings, Blind, Connector, Limits, Provider, Setting
from .hooks import hear, read
from .send import Sender, send, verify

BASE_URL = "https://api.twilio.com"
CHANNELS = ("sms", "whatsapp")
LIMITS = Limits(text_max=1600, counting="sms", in_flight=4, deadline_s=30.0)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One number, or one messaging service, of an account. BadSettings; nothing is connected to yet."""
    _check(settings)
    channel, url = settings["channel"], settings["hook_url"]
    limits = LIMITS if channel == "sms" else replace(LIMITS, counting="codepoints")
    tokens = secrets["auth_token"].split()
    door = hosted.door(settings, BASE_URL, secrets=tokens, connections=limits.in_flight)
    sender = Sender(
        door,
        f"{settings['base_url'].rstrip('/')}/2010-04-01/Accounts/{settings['account_sid']}",
        settings["account_sid"],
        tokens[0],
        prefix="whatsapp:" if channel == "whatsapp" else "",
        sender=settings["from"],
        hook_url=url,
        content_sid=settings["content_sid"],
    )
    return Connector(
        name=PROVIDER.name,
        channel=channel,
        broadcast=False,
        limits=limits,
        repeats=Blind(),
        verify=partial(verify, sender),
        send=partial(send, sender),
        hooks=partial(hear, tokens, url, settings["account_sid"]) if url else None,
        read=read,
        app=settings["account_sid"],
        close=door.close,
    )


def _check(settings: Mapping[str, Any]) -> None:
    wrong = hosted.problems(settings, BASE_URL)
    if settings["channel"] not in CHANNELS:
        wrong["channel"] = "is sms or whatsapp"
    if not re.fullmatch("AC[0-9a-f]{32}", settings["account_sid"]):
        wrong["account_sid"] = "is AC and 32 digits and letters a to f"
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}|MG[0-9a-f]{32}|[A-Za-z0-9 ]{1,11}", settings["from"]):
        wrong["from"] = (
            "is a number such as +442920000000, a messaging service (MG…), or a name of at most 11 letters"
        )
    if settings["hook_url"] and not settings["hook_url"].startswith("https://"):
        wrong["hook_url"] = "begins with https://"
    if wrong:
        raise BadSettings(wrong)


PROVIDER = Provider(
    name="twilio",
    channels=CHANNELS,
    about="Twilio: text messages or WhatsApp, with what became of them, answers and STOP.",
    settings=(
        Setting("account_sid", "the account's SID at Twilio", required=True),
        Setting(
            "auth_token", "the account's auth token; two while it is changed", required=True, secret=True
        ),
        Setting("from", "the number, messaging service or name that messages come from", required=True),
        Setting("channel", "sms or whatsapp", default="sms"),
        Setting("content_sid", "WhatsApp's approved template (HX…), whose {{1}} is the text", default=""),
        Setting("hook_url", "the address of this account's hooks, as Twilio reaches it", default=""),
        *hosted.settings(BASE_URL, LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="blind",
    faces=("hooks",),
    events=("delivered", "opened", "bounce", "opt_out", "reply"),
    connect=connect,
)
