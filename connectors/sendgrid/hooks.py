"""What SendGrid pushes: many events a call, signed by a key of theirs (ECDSA, P-256).

Rules: SendGrid tries for a day, and nobody says that it signs anew each time: an old call is as good as a new one, and
what it tells is known by its own id.
Source: twilio.com/docs/sendgrid/for-developers/tracking-events/{event,getting-started-event-webhook-security-features}
(November 2026).
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from .. import esp, signatures
from ..api import Call, Heard, NotAuthentic

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"

OUTCOMES: dict[str, esp.Outcome | None] = {
    "delivered": esp.DELIVERED,
    "bounce": esp.HARD_BOUNCE,
    "dropped": esp.SOFT_BOUNCE,
    "spamreport": esp.COMPLAINT,
    "unsubscribe": esp.OPT_OUT,
    "group_unsubscribe": esp.OPT_OUT,
    "open": esp.OPENED,
    "click": esp.CLICKED,
    "processed": None,
    "deferred": None,
    "group_resubscribe": None,
}
# Why SendGrid drops by itself what the recipient had told it before, maybe about mails of another program.
THEIR_WISH = ("Unsubscribed Address", "Spam Reporting Address")
# A refusal says something of the address only where it is of one of these classes; older events have none.
ADDRESS = ("Invalid Address", "")
# What SendGrid cannot tell, the server's own code may: about an address that is none (RFC 3463).
UNKNOWN, NO_ADDRESS = "Unclassified", "5.1."


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that may have signed."""

    known: tuple[ec.EllipticCurvePublicKey, ...]

    @classmethod
    def of(cls, given: str) -> Keys:
        """Keys in base64 with spaces between; ValueError."""
        found = []
        for each in given.split():
            try:
                key = load_der_public_key(b64decode(each, validate=True))
            except UnsupportedAlgorithm as error:
                raise ValueError("this is no such key") from error
            if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
                raise ValueError("this is a key of another kind")
            found.append(key)
        return cls(tuple(found))

    def __bool__(self) -> bool:
        return bool(self.known)


def hear(keys: Keys, call: Call) -> Heard:
    """The events of a call that one of the keys proves."""
    signed = call.headers.get(TIMESTAMP, "").encode("utf-8", "replace") + call.body
    signature = signatures.spelt_once(call.headers.get(SIGNATURE, ""))
    if not any(_holds(key, signature, signed) for key in keys.known):
        raise NotAuthentic("the hook's signature does not hold")
    return read(call.body)


def read(body: bytes) -> Heard:
    """The events of a body."""
    return esp.heard(body, _told)


def _holds(key: ec.EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _told(said: dict[str, Any]) -> esp.Told | None:
    outcome = OUTCOMES[said["event"]]
    if outcome is None:
        return None
    if said["event"] == "bounce" and not _is_hard(said):
        outcome = esp.SOFT_BOUNCE
    if said["event"] == "dropped" and said.get("reason") in THEIR_WISH:
        outcome = esp.OPT_OUT
    if said["event"] == "open" and said.get("sg_machine_open") is True:
        outcome = esp.FETCHED
    return esp.Told(
        outcome,
        at=esp.since_1970(said["timestamp"]),
        provider_id=said["sg_message_id"].partition(".")[0],
        about=said["email"],
        key=said["sg_event_id"],
        message_id=esp.bracketed(esp.text(said.get(esp.TAG)) or esp.text(said.get("smtp-id"))),
        words=esp.text(said.get("reason")),
        code=esp.text(said.get("status")),
        link=esp.text(said.get("url")),
        agent=esp.text(said.get("useragent")),
        ip=esp.text(said.get("ip")),
    )


def _is_hard(said: dict[str, Any]) -> bool:
    """Whether the address is refused for good: SendGrid tells blocks and its own doing as bounces too."""
    kind = said.get("bounce_classification", "")
    certain = kind in ADDRESS or (kind == UNKNOWN and esp.text(said.get("status")).startswith(NO_ADDRESS))
    return said.get("type", "bounce") == "bounce" and certain
