"""Hands a message to GOV.UK Notify as the values of a template, finds it again by our key, proves the login.

Rules: Notify sends nothing but its own templates, so the whole text is the value of one slot. What it would print as
question marks in a text message is not sent. Notify asks not to rely on the words of its errors: they are read only to
tell whether the account is at fault, and what is not recognised is about the one message.
Source: docs.notifications.service.gov.uk/rest-api (June 2026), notifications-utils/sanitise_text.py.
"""

from __future__ import annotations

import hmac
import json
import re
import time
import unicodedata
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from .. import phones
from ..api import AccountGone, ConnectorError, Deferred, Outbound, Receipt, Refused, Uncertain
from ..http import Answer, Door
from ..shapes import objects

# Our channels, as Notify calls them and their places for an address and for who sends.
TYPES = {
    "email": ("email", "email_address", "email_reply_to_id"),
    "sms": ("sms", "phone_number", "sms_sender_id"),
    "post": ("letter", "", ""),
}
# Whole phrases: what Notify says of a recipient may name the service too.
ACCOUNT_WORDS = (
    "trial mode", "team-only", "team api key", "template", "personalisation: ", "service is not allowed to send",
    "does not exist in database for service",
)  # fmt: skip
LINES = (3, 7)
MINUTE_S, HOUR_S = 60.0, 3600.0
# What Notify keeps in text messages beyond ASCII and letters with accents, and what it writes in another way.
KEPT = "£¥ØøÅåΔΦΓΛΩΠΨΣΘΞÆæß¤¡§¿€"
REWRITTEN = "‑–—−…‘’“”‚„Łł\u180e\u200b\u200c\u200d\u2060\ufeff\u2028\u2029\u00a0\u202f"


@dataclass(frozen=True, slots=True)
class Service:
    """One service and its template. Safe for several calls at a time."""

    door: Door
    base: str
    service_id: str
    secret: str
    channel: str
    template_id: str
    sender_id: str

    def ask(self, verb: str, path: str, told: Any = None) -> dict[str, Any]:
        """Ask Notify something; the object it answers."""
        headers = {"Authorization": f"Bearer {_token(self.service_id, self.secret)}"}
        answer = self.door.request(
            verb, f"{self.base}/v2/{path}", headers=headers, json=told, gone=(401, 403, 404), show=(400, 429)
        )
        if answer.status >= 400:
            raise self._refusal(answer)
        said = answer.json()
        if not isinstance(said, dict):
            raise unclear(answer.writes)
        return said

    def _refusal(self, answer: Answer) -> ConnectorError:
        kind, words = _error(answer)
        words = self.door.redact(f"{answer.status} {words}")
        if answer.status == 429:
            wait_s = MINUTE_S if kind == "RateLimitError" else HOUR_S  # the limit of a day ends at midnight
            return Deferred(words, code=kind, phase="answer", scope="account", retry_after_s=wait_s)
        if kind == "BadRequestError" and any(one in words.lower() for one in ACCOUNT_WORDS):
            return AccountGone(words, code=kind, phase="answer")
        return Refused(words, code=kind, phase="answer")


def send(service: Service, outbound: Outbound) -> Receipt:
    """Hand it over under our key."""
    kind, place, sender = TYPES[service.channel]
    told: dict[str, Any] = {
        "template_id": service.template_id,
        "reference": outbound.key,
        "personalisation": _values(service.channel, outbound),
    }
    if place:
        told[place] = outbound.to if service.channel == "email" else phones.number(outbound.to)
    if sender and service.sender_id:
        told[sender] = service.sender_id
    way_out = re.search(r"<(https://[^<>\s]+)>", outbound.headers.get("List-Unsubscribe", ""))
    if way_out and service.channel == "email":
        told["one_click_unsubscribe_url"] = way_out[1]
    said = service.ask("POST", f"notifications/{kind}", told)
    return Receipt(_id(said, True))


def find(service: Service, outbound: Outbound) -> Receipt | None:
    """The message that has our key as its reference; Notify keeps them for seven days."""
    said = service.ask("GET", f"notifications?{urlencode({'reference': outbound.key})}")
    if not isinstance(said.get("notifications"), list):
        raise unclear(False)
    for one in objects(said["notifications"]):
        if one.get("reference") == outbound.key:
            return Receipt(_id(one, False))
    return None


def verify(service: Service) -> None:
    """The key works, and the template is of this kind and has both slots."""
    template = service.ask("GET", f"template/{service.template_id}")
    kind = TYPES[service.channel][0]
    if template.get("type") != kind:
        raise AccountGone(f"this is no template for {service.channel}", code="template", phase="answer")
    if "((body))" not in str(template.get("body")):
        raise AccountGone("the template has no ((body))", code="template", phase="answer")
    if kind != "sms" and "((subject))" not in str(template.get("subject")):
        raise AccountGone("the template has no ((subject))", code="template", phase="answer")


def unclear(writes: bool) -> ConnectorError:
    """What an answer means that nobody understands."""
    if writes:
        return Uncertain("an answer of another shape", phase="answer")
    return Deferred("an answer of another shape", phase="answer", scope="account")


def _values(channel: str, outbound: Outbound) -> dict[str, str]:
    text = str(outbound.text)
    if not text.strip():
        raise Refused("a message by Notify needs a text", code="no_text", phase="build")
    if channel == "sms":
        text = unicodedata.normalize("NFC", text)
        if lost := "".join(sorted({letter for letter in text if _lost(letter)})):
            raise Refused(
                f"Notify would write question marks for: {lost}", code="not_in_text_messages", phase="build"
            )
        return {"body": text}
    values = {"subject": str(outbound.subject), "body": text}
    return values if channel == "email" else {**values, **_address(outbound.to)}


def _address(to: str) -> dict[str, str]:
    """An address on paper: its lines, or what stands between commas where it has one line."""
    lines = [line.strip() for line in (to.splitlines() if "\n" in to.strip() else to.split(","))]
    lines = [line for line in lines if line]
    if not LINES[0] <= len(lines) <= LINES[1]:
        raise Refused(
            "an address on paper has three to seven lines, the last a postcode", code="address", phase="build"
        )
    return {f"address_line_{n}": line for n, line in enumerate(lines, start=1)}


def _lost(letter: str) -> bool:
    """Whether Notify would write a question mark for it in a text message."""
    if letter.isascii() or letter in KEPT or letter in REWRITTEN:
        return False
    base = unicodedata.decomposition(letter).partition(" ")[0]
    return not re.fullmatch("00[4-7][0-9A-F]", base)


def _token(service_id: str, secret: str) -> str:
    """A JSON web token (HS256), good for thirty seconds."""
    parts = [{"typ": "JWT", "alg": "HS256"}, {"iss": service_id, "iat": int(time.time())}]
    signed = b".".join(_base64(json.dumps(part).encode()) for part in parts)
    return (signed + b"." + _base64(hmac.digest(secret.encode(), signed, "sha256"))).decode()


def _base64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _id(said: dict[str, Any], writes: bool) -> str:
    if not isinstance(said.get("id"), str) or not said["id"]:
        raise unclear(writes)
    return str(said["id"])


def _error(answer: Answer) -> tuple[str, str]:
    """The type of the first error, and what all of them say."""
    try:
        errors = json.loads(answer.body)["errors"]
        said = [(str(one["error"]), str(one["message"])) for one in errors]
        return said[0][0], "; ".join(words for _, words in said)
    except (ValueError, KeyError, TypeError, IndexError):
        return str(answer.status), answer.body[:300].decode("utf-8", "replace")
