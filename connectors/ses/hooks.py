"""What Amazon SES tells by Amazon SNS: one event a call, signed by a key whose certificate Amazon publishes.

Rules: only calls of the topic that the account names; a certificate is believed only from that topic's own host, and is
fetched aside, never while a call waits: until it is known Amazon is asked to try again. It is kept where it proves the
call that named it. A subscription is confirmed aside too, and only after its call is proven.
Source: docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html, …/sns-message-delivery-retries.html,
docs.aws.amazon.com/ses/latest/dg/{notification-contents,event-publishing-retrieving-sns-contents}.html (November 2026);
bad input H11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from .. import esp, signatures
from ..api import Call, Heard, NotAuthentic, NotYet, Renewed
from ..http import Door

HASHES: dict[str, type[HashAlgorithm]] = {"1": SHA1, "2": SHA256}
NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED = {
    "Notification": NOTIFICATION,
    "SubscriptionConfirmation": CONFIRMATION,
    "UnsubscribeConfirmation": CONFIRMATION,
}
CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-f]{16,64}\.pem")
KEPT_MAX = 3

OUTCOMES: dict[str, esp.Outcome | None] = {
    "Delivery": esp.DELIVERED,
    "Bounce": esp.SOFT_BOUNCE,
    "Reject": esp.SOFT_BOUNCE,
    "Complaint": esp.COMPLAINT,
    "Open": esp.OPENED,
    "Click": esp.CLICKED,
    "Subscription": esp.OPT_OUT,
    "Send": None,
    "DeliveryDelay": None,
}
# Sub-types of a permanent bounce that speak of the address; the others are Amazon's own lists.
GONE = ("General", "NoEmail", "Undetermined")


@dataclass(frozen=True, slots=True)
class Topic:
    """The topic whose calls are heard. `certificates` are those known, as JSON by path; `at` is where others are."""

    arn: str
    host: str
    certificates: str
    door: Door
    at: str

    def known(self) -> dict[str, str]:
        """Certificates (PEM) by their path at the host."""
        return dict(orjson.loads(self.certificates)) if self.certificates else {}


def hear(topic: Topic, call: Call) -> Heard:
    """The event of a call that Amazon proves. NotYet where its certificate is unknown, or a topic asks to be heard."""
    said = _proven(topic, call)
    if said["Type"] == "SubscriptionConfirmation":
        raise NotYet("Amazon asks whether we want to hear this topic", code="confirm")
    if said["Type"] == "UnsubscribeConfirmation":
        return Heard(parked=(call.body.decode("utf-8", "replace"),))  # events will stop: for a person
    return read(call.body)


def read(body: bytes) -> Heard:
    """The event of a body."""
    return esp.heard(body, _told)


def prepare(topic: Topic, call: Call) -> Renewed | None:
    """Fetch the certificate that a call names, or confirm the subscription that it proves."""
    said = _said(topic, call)
    path = _certificate_path(topic, said)
    known = topic.known()
    if path not in known:
        kept = {**known, path: topic.door.request("GET", topic.at + path).body.decode("ascii", "replace")}
        newest = orjson.dumps({each: kept[each] for each in list(kept)[-KEPT_MAX:]}).decode()
        _proven(replace(topic, certificates=newest), call)  # else anybody could have us keep one for another
        return Renewed({"sns_certificates": newest})
    if _proven(topic, call)["Type"] == "SubscriptionConfirmation":
        _confirm(topic, said)
    return None


def _confirm(topic: Topic, said: Mapping[str, str]) -> None:
    """Say yes where the call says, if that is Amazon and about our topic."""
    url = urlsplit(said["SubscribeURL"])
    asked = parse_qs(url.query)
    right = url.scheme == "https" and url.netloc == topic.host and url.path in ("", "/")
    if not right or asked.get("Action") != ["ConfirmSubscription"] or asked.get("TopicArn") != [topic.arn]:
        raise NotAuthentic("the hook asks us to go elsewhere")
    topic.door.request("GET", f"{topic.at}/?{url.query}")


def _said(topic: Topic, call: Call) -> dict[str, str]:
    """What a call says, if it is of the form and the topic; nothing of it is proven yet."""
    try:
        said = orjson.loads(call.body)
        names = SIGNED[said["Type"]]
        plain = {name: value for name, value in said.items() if isinstance(value, str)}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise NotAuthentic("the hook is not signed") from None
    if plain.get("TopicArn") != topic.arn or not plain.keys() >= set(names) - {"Subject"}:
        raise NotAuthentic("the hook is not signed")
    return plain


def _certificate_path(topic: Topic, said: Mapping[str, str]) -> str:
    """The path of the certificate, if it is at the topic's own host."""
    url = urlsplit(said.get("SigningCertURL", ""))
    if (url.scheme, url.netloc, url.query) != ("https", topic.host, "") or not CERTIFICATE.fullmatch(
        url.path
    ):
        raise NotAuthentic("the hook asks us to go elsewhere")
    return url.path


def _proven(topic: Topic, call: Call) -> dict[str, str]:
    said = _said(topic, call)
    path, known = _certificate_path(topic, said), topic.known()
    signature = signatures.spelt_once(said.get("Signature", ""))
    version = HASHES.get(said.get("SignatureVersion", ""))
    if version is None:
        raise NotAuthentic("the hook is not signed")
    if path not in known:
        raise NotYet("the certificate that this hook is signed by is not known yet", code="certificate")
    signed = "".join(f"{name}\n{said[name]}\n" for name in SIGNED[said["Type"]] if name in said)
    try:
        _public_key(known[path], call).verify(signature, signed.encode(), PKCS1v15(), version())
    except InvalidSignature:
        raise NotAuthentic("the hook's signature does not hold") from None
    return said


def _public_key(pem: str, call: Call) -> RSAPublicKey:
    """The key of a certificate that holds at the time of a call; NotAuthentic."""
    found = _certificate(pem)
    key = found.public_key() if found else None
    in_time = found is not None and found.not_valid_before_utc <= call.at <= found.not_valid_after_utc
    if not in_time or not isinstance(key, RSAPublicKey):
        raise NotAuthentic("the hook's signature does not hold")
    return key


@lru_cache(maxsize=2 * KEPT_MAX)
def _certificate(pem: str) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return None


def _told(envelope: dict[str, Any]) -> esp.Told | None:
    said = orjson.loads(envelope["Message"])
    name = said.get("eventType") or said["notificationType"]
    outcome = OUTCOMES[name]
    if outcome is None:
        return None
    letter, about = said["mail"], said.get(name[0].lower() + name[1:]) or {}
    if _is_nothing(name, about):
        return None
    people = about.get("bouncedRecipients") or about.get("complainedRecipients") or [{}]
    return esp.Told(
        esp.HARD_BOUNCE if name == "Bounce" and _is_hard(about) else outcome,
        at=esp.instant(about.get("timestamp") or letter["timestamp"]),
        provider_id=letter["messageId"],
        about=people[0].get("emailAddress") or (about.get("recipients") or letter["destination"])[0],
        key=envelope["MessageId"],
        message_id=_message_id(letter),
        words=esp.text(people[0].get("diagnosticCode")) or esp.text(about.get("reason")),
        code=esp.text(people[0].get("status")) or esp.text(about.get("complaintFeedbackType")),
        link=esp.text(about.get("link")),
        agent=esp.text(about.get("userAgent")),
        ip=esp.text(about.get("ipAddress")),
    )


def _is_hard(bounce: dict[str, Any]) -> bool:
    return bounce.get("bounceType") == "Permanent" and bounce.get("bounceSubType") in GONE


def _is_nothing(name: str, about: dict[str, Any]) -> bool:
    """A complaint that says it is none, and a choice of topics that leaves some."""
    if name == "Subscription":
        return not (about.get("newTopicPreferences") or {}).get("unsubscribeAll")
    return name == "Complaint" and about.get("complaintFeedbackType") == "not-spam"


def _message_id(letter: dict[str, Any]) -> str:
    tags = letter.get("tags") or {}
    given = tags.get(esp.TAG) or [""]
    return esp.bracketed(bytes.fromhex(given[0]).decode())
