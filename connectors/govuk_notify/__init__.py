"""GOV.UK Notify: mail, text messages or letters by the government's own service, through a template of two slots.

Notify keeps our key as the reference of each message, and finds messages by it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .. import hosted
from ..api import BadSettings, Connector, Findable, Limits, Provider, Setting
from .hooks import hear, read
from .send import TYPES, Service, find, send, verify

BASE_URL = "https://api.notifications.service.gov.uk"
LIMITS = Limits(in_flight=8, per_second=50.0, per_day=250_000, deadline_s=30.0)
CHANNEL_LIMITS = {
    "email": LIMITS,
    "sms": replace(LIMITS, text_max=918, counting="sms"),
    "post": replace(LIMITS, per_day=20_000),
}
# A service keeps messages for seven days, and for three where somebody set it so.
REPEATS = Findable(visible_within_s=30.0, known_for_s=3 * 86_400.0)
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
KEY = re.compile(f".+-({UUID})-({UUID})")


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One template of a service. BadSettings; nothing is connected to yet."""
    key = _key(settings, secrets)
    channel, token = settings["channel"], secrets.get("callback_token", "")
    limits = CHANNEL_LIMITS[channel]
    door = hosted.door(settings, BASE_URL, secrets=[*secrets.values(), key[2]], connections=limits.in_flight)
    service = Service(
        door,
        settings["base_url"].rstrip("/"),
        key[1],
        key[2],
        channel,
        settings["template_id"],
        settings["sender_id"],
    )
    return Connector(
        name=PROVIDER.name,
        channel=channel,
        broadcast=False,
        limits=limits,
        repeats=REPEATS,
        verify=partial(verify, service),
        send=partial(send, service),
        find=partial(find, service),
        hooks=partial(hear, token, settings["template_id"]) if token else None,
        read=partial(read, settings["template_id"]),
        app=key[1],
        close=door.close,
    )


def _key(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> re.Match[str]:
    """The API key in its parts: the service's id, and what signs."""
    wrong = hosted.problems(settings, BASE_URL)
    key = KEY.fullmatch(secrets["api_key"])
    if not key:
        wrong["api_key"] = "is the whole key, which ends with two long ids"
    if settings["channel"] not in TYPES:
        wrong["channel"] = "is email, sms or post"
    for name in ("template_id", "sender_id"):
        if not re.fullmatch(UUID, settings[name]) and (name == "template_id" or settings[name]):
            wrong[name] = "is an id such as 8f9e23a1-0c6b-4f3c-9d35-1f5d1a3c7b42"
    if wrong or not key:
        raise BadSettings(wrong)
    return key


PROVIDER = Provider(
    name="govuk_notify",
    channels=tuple(TYPES),
    about="GOV.UK Notify: mail, text messages or letters, for the public sector of the United Kingdom.",
    settings=(
        Setting("api_key", "the API key of the service at GOV.UK Notify", required=True, secret=True),
        Setting(
            "template_id", "the template with ((subject)) and ((body)) that messages go in", required=True
        ),
        Setting("channel", "email, sms or post", default="email"),
        Setting(
            "sender_id",
            "which of the service's reply addresses or senders to use; none is the usual",
            default="",
        ),
        Setting(
            "callback_token", "what proves that a hook is Notify's; two while it is changed", secret=True
        ),
        *hosted.settings(BASE_URL, LIMITS.deadline_s),
    ),
    limits=LIMITS,
    repeats="findable",
    faces=("find", "hooks"),
    events=("delivered", "bounce", "reply", "opt_out"),
    connect=connect,
)
