"""Hands a message to Twilio for one person, and proves the login.

Rules: Twilio answers when it has taken a message, not when it has come; what becomes of it comes by hooks. Whoever has
written STOP is refused by Twilio too.
Source: twilio.com/docs/messaging/api/message-resource, twilio.com/docs/api/errors (November 2026).
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from .. import phones
from ..api import (
    AccountGone,
    AddressGone,
    ConnectorError,
    Deferred,
    OptedOut,
    Outbound,
    Receipt,
    Refused,
    Uncertain,
)
from ..http import Answer, Door

# What is wrong with the number itself: none, none that can be reached, none for text messages.
NO_NUMBER = (21211, 21217, 21614, 63024)
# What is wrong with the account: who it sends as, its state, its money.
ACCOUNT = (20003, 20005, 20404, 21212, 21660, 21703, 30002, 63007, 63020, 90010)
# The sender is none of the account's; of a short code, it may also be of another country than this one recipient.
SENDER = (21606, 21659)
# What is about the account where no code of Twilio's says more.
GONE = (401, 403, 404)
# They have written STOP to this sender.
STOPPED = 21610
BUSY = (20429, 21611, 14107, 63018)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, by what, and where Twilio tells what became of it. Safe for several calls at a time."""

    door: Door
    base: str
    account_sid: str
    token: str
    prefix: str
    sender: str
    hook_url: str
    content_sid: str

    def ask(self, verb: str, path: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        """Ask Twilio something; the object it answers."""
        login = b64encode(f"{self.account_sid}:{self.token}".encode()).decode()
        headers = {"Authorization": f"Basic {login}"}
        body = None
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode()
        answer = self.door.request(verb, self.base + path, headers=headers, body=body, show=(400, *GONE))
        if answer.status >= 400:
            raise self._refusal(answer)
        told = answer.json()
        if isinstance(told, dict) and isinstance(told.get("sid"), str) and told["sid"]:
            return told
        if answer.writes:
            raise Uncertain("the answer names no message", phase="answer")
        raise Deferred("an answer of another shape", phase="answer", scope="account")

    def _refusal(self, answer: Answer) -> ConnectorError:
        told = _told(answer)
        code = told.get("code") or answer.status
        words = self.door.redact(f"{code} {told.get('message') or ''}".strip())
        if code in NO_NUMBER:
            return AddressGone(words, code=str(code), phase="answer")
        if code in ACCOUNT or code in GONE or (code in SENDER and not self.sender.isdecimal()):
            return AccountGone(words, code=str(code), phase="answer")
        if code == STOPPED:
            return OptedOut(words, code=str(code), phase="answer")
        if code in BUSY:
            return Deferred(words, code=str(code), phase="answer", scope="account")
        return Refused(words, code=str(code), phase="answer")


def send(sender: Sender, outbound: Outbound) -> Receipt:
    """Hand it over; the receipt says as how many text messages it goes."""
    text = str(outbound.text)
    if not text.strip():
        raise Refused("a text message needs a text", code="no_text", phase="build")
    form = {"To": sender.prefix + phones.number(outbound.to), **_from(sender), **_words(sender, text)}
    if sender.hook_url:
        form["StatusCallback"] = sender.hook_url
    told = sender.ask("POST", "/Messages.json", form)
    return Receipt(told["sid"], words=_segments(told.get("num_segments")))


def verify(sender: Sender) -> None:
    """The login works, and the account may send."""
    state = sender.ask("GET", ".json").get("status")
    if state != "active":
        raise AccountGone(f"Twilio says that the account is {state}", code=str(state), phase="answer")


def _from(sender: Sender) -> dict[str, str]:
    if sender.sender.startswith("MG"):
        return {"MessagingServiceSid": sender.sender}
    return {"From": sender.prefix + sender.sender}


def _words(sender: Sender, text: str) -> dict[str, str]:
    """The text itself, or as the value of WhatsApp's template, which may have no line breaks."""
    if sender.prefix and sender.content_sid:
        value = {"1": " ".join(text.split())}
        return {"ContentSid": sender.content_sid, "ContentVariables": json.dumps(value, ensure_ascii=False)}
    return {"Body": text}


def _segments(told: Any) -> str:
    """Twilio counts only once it knows the sender; until then it says 0."""
    return f"{told} SMS" if isinstance(told, str) and told.isdecimal() and int(told) else ""


def _told(answer: Answer) -> dict[str, Any]:
    try:
        told = json.loads(answer.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
