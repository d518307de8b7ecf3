"""What Postmark pushes: one event a call, and no signature.

Source: postmarkapp.com/developer/webhooks, …/api/bounce-api#bounce-types (November 2026); the samples.
"""

from __future__ import annotations

from typing import Any

from .. import esp
from ..api import Heard

OUTCOMES = {
    "Delivery": esp.DELIVERED,
    "SpamComplaint": esp.COMPLAINT,
    "Open": esp.OPENED,
    "Click": esp.CLICKED,
}
# What Postmark calls a bounce; every other type says that this mail has not arrived, and nothing of the address.
BOUNCES: dict[str, esp.Outcome | None] = {
    "HardBounce": esp.HARD_BOUNCE,
    "BadEmailAddress": esp.HARD_BOUNCE,
    "SpamComplaint": esp.COMPLAINT,
    "Unsubscribe": esp.OPT_OUT,
    "AutoResponder": esp.AUTO_REPLY,
    "Transient": None,
    "Subscribe": None,
    "AddressChange": None,
    "OpenRelayTest": None,
}
# Why Postmark sends nothing more to somebody, where it was their own doing.
REASONS = {
    "HardBounce": esp.HARD_BOUNCE,
    "SpamComplaint": esp.COMPLAINT,
    "ManualSuppression": esp.OPT_OUT,
}


def read(body: bytes) -> Heard:
    """The event of a body."""
    return esp.heard(body, _told)


def _told(said: dict[str, Any]) -> esp.Told | None:
    outcome = _outcome(said)
    if outcome is None:
        return None
    at = said.get("DeliveredAt") or said.get("BouncedAt") or said.get("ReceivedAt") or said["ChangedAt"]
    metadata, place = said.get("Metadata") or {}, said.get("Geo") or {}
    return esp.Told(
        outcome,
        at=esp.instant(at),
        provider_id=said["MessageID"],
        about=said.get("Email") or said["Recipient"],
        key=f"{said['RecordType']}:{said['ID']}" if "ID" in said else "",
        message_id=esp.bracketed(esp.text(metadata.get(esp.TAG))),
        words=esp.text(said.get("Details")) or esp.text(said.get("Description")),
        code=esp.text(said.get("Type")),
        link=esp.text(said.get("OriginalLink")),
        agent=esp.text(said.get("UserAgent")),
        ip=esp.text(place.get("IP")),
    )


def _outcome(said: dict[str, Any]) -> esp.Outcome | None:
    match said["RecordType"]:
        case "Bounce":
            return BOUNCES.get(said["Type"], esp.SOFT_BOUNCE)
        case "SubscriptionChange":
            stopped = said["SuppressSending"] and said["Origin"] == "Recipient"
            return REASONS[said["SuppressionReason"]] if stopped else None
        case other:
            return OUTCOMES[other]
