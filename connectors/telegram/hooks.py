"""What Telegram pushes: one update a call, proven by the secret that it was given for them.

Source: core.telegram.org/bots/api, setWebhook (November 2026).
"""

from __future__ import annotations

import hmac

import orjson

from ..api import Call, Heard, NotAuthentic
from .events import MALFORMED, Us, event

HEADER = "x-telegram-bot-api-secret-token"


def hear(us: Us, secrets: str, call: Call) -> Heard:
    """The event of a call that one of the secrets proves."""
    given = call.headers.get(HEADER, "").encode()
    if not any([hmac.compare_digest(given, one.encode()) for one in secrets.split()]):
        raise NotAuthentic("the hook does not bring the secret")
    return read(us, call.body)


def read(us: Us, body: bytes) -> Heard:
    """The event of a body; what cannot be read is parked."""
    try:
        told = event(us, orjson.loads(body))
    except MALFORMED:
        return Heard(parked=(body.decode("utf-8", "replace"),))
    return Heard((told,) if told else ())
