"""What Twilio pushes: a web form a call, about a message of ours or from somebody.

Rules: the signature covers the address that Twilio called, as it stands in the settings, and every value of the form,
but not how the values are spelt: so only the usual spelling is taken. A call says no time. Whoever writes STOP, in
English, Welsh or Arabic, is out at once, by whatever Twilio makes of it.
Source: twilio.com/docs/usage/webhooks/webhooks-security, twilio.com/docs/messaging/guides/webhook-request, status
callbacks, "Advanced Opt-Out" (November 2026).
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qsl

from .. import shapes, wording
from ..api import Call, Event, Heard, NotAuthentic

SPELLING = re.compile(rb"(?:[!-$&-~]|%[0-9A-F]{2})*")
FIELDS_MAX = 200
# What Twilio says became of a message, and what it says of one that is under way, or was never to go.
STATES = {"delivered": "delivered", "read": "opened", "undelivered": "bounce", "failed": "bounce"}
NO_NEWS = (
    "accepted", "scheduled", "queued", "sending", "sent", "receiving", "received", "partially_delivered", "canceled",
)  # fmt: skip
# Unknown or wrong numbers, and those that can take none: for good.
HARD = ("30005", "30006", "21211", "21614", "63024")
# They have written STOP to the sender: told so late by a messaging service.
STOPPED = "21610"
# Twilio shows nobody anything in answer to this.
NOTHING = b"<Response/>"


def hear(tokens: Iterable[str], url: str, account_sid: str, call: Call) -> Heard:
    """The event of a call that one of the tokens proves."""
    form = _proven(tokens, url, call)
    if form.get("AccountSid") != account_sid:
        raise NotAuthentic("the hook is about another account")
    try:
        return Heard(_events(form, call.at, call.body), answer=NOTHING, content_type="text/xml")
    except KeyError:
        return Heard(parked=(shapes.dated(call.at, call.body),))


def read(words: bytes) -> Heard:
    """The events of a form that was parked."""
    at, body = shapes.undated(words)
    try:
        return Heard(_events(dict(_pairs(body)), at, body))
    except (KeyError, ValueError):
        return Heard(parked=(words.decode("utf-8", "replace"),))


def _events(form: Mapping[str, str], at: datetime, raw: bytes) -> tuple[Event, ...]:
    return _state(form, at, raw) if "MessageStatus" in form else (_words(form, at, raw),)


def _proven(tokens: Iterable[str], url: str, call: Call) -> dict[str, str]:
    given = call.headers.get("x-twilio-signature", "").encode()
    try:
        if not SPELLING.fullmatch(call.body):
            raise ValueError
        pairs = _pairs(call.body)
    except ValueError:
        raise NotAuthentic("the hook is no web form") from None
    signed = (url + "".join(name + value for name, value in sorted(set(pairs)))).encode()
    right = [b64encode(hmac.digest(token.encode(), signed, "sha1")) for token in tokens]
    if not any([hmac.compare_digest(one, given) for one in right]):
        raise NotAuthentic("the hook's signature does not hold")
    return dict(pairs)


def _pairs(body: bytes) -> list[tuple[str, str]]:
    """The names and values of a form; ValueError for what is none."""
    return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)


def _state(form: Mapping[str, str], at: datetime, raw: bytes) -> tuple[Event, ...]:
    """What became of a message of ours, and what that says of the recipient."""
    sid, state, error = form["MessageSid"], form["MessageStatus"], form.get("ErrorCode", "")
    if state in NO_NEWS:
        return ()
    kind = STATES[state]
    event = Event(
        key=f"{sid}:{state}",
        kind=kind,
        at=at,
        provider_id=sid,
        about=_number(form["To"]),
        hard=kind == "bounce" and error in HARD,
        text=f"{error} {form.get('ErrorMessage', '')}".strip(),
        raw=raw,
    )
    if kind != "bounce" or error != STOPPED:
        return (event,)
    return event, replace(event, key=f"{sid}:stopped", kind="opt_out", sender=event.about)


def _words(form: Mapping[str, str], at: datetime, raw: bytes) -> Event:
    """What somebody wrote."""
    text, told = form["Body"], form.get("OptOutType", "")
    out = told == "STOP" or (not told and wording.is_stop_message(text))
    answered = form.get("OriginalRepliedMessageSid", "")
    return Event(
        key=f"{form['MessageSid']}:received",
        kind="opt_out" if out else "reply",
        at=at,
        references=(answered,) if answered else (),
        sender=_number(form["From"]),
        sender_name=form.get("ProfileName", ""),
        text=text,
        meta={"message_id": form["MessageSid"]},
        raw=raw,
    )


def _number(told: str) -> str:
    return told.removeprefix("whatsapp:")
