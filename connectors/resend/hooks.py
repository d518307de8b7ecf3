"""What Resend pushes: one event a call, signed as Standard Webhooks under the older names of the headers.

Source: resend.com/docs/dashboard/webhooks/event-types (November 2026); the samples.
"""

from __future__ import annotations

from typing import Any

from .. import esp, signatures
from ..api import Call, Heard

OUTCOMES: dict[str, esp.Outcome | None] = {
    "email.delivered": esp.DELIVERED,
    "email.bounced": esp.HARD_BOUNCE,
    "email.complained": esp.COMPLAINT,
    "email.opened": esp.OPENED,
    "email.clicked": esp.CLICKED,
    "email.failed": esp.SOFT_BOUNCE,
    "email.suppressed": esp.SOFT_BOUNCE,
    "email.sent": None,
    "email.scheduled": None,
    "email.delivery_delayed": None,
}  # fmt: skip


def hear(hook_secret: str, call: Call) -> Heard:
    """The event of a call that the secret proves."""
    signatures.verify(hook_secret.split(), call.headers, call.body, call.at)
    return read(call.body)


def read(body: bytes) -> Heard:
    """The event of a body."""
    return esp.heard(body, _told)


def _told(said: dict[str, Any]) -> esp.Told | None:
    outcome, data = OUTCOMES[said["type"]], said["data"]
    if outcome is None:
        return None
    bounce = data.get("bounce") or data.get("failed") or data.get("suppressed") or {}
    if outcome is esp.HARD_BOUNCE and not _is_hard(bounce):
        outcome = esp.SOFT_BOUNCE
    click = data.get("click") or data.get("open") or {}
    return esp.Told(
        outcome,
        at=esp.instant(said["created_at"]),
        provider_id=data["email_id"],
        about=data["to"][0],
        message_id=_message_id(data),
        words=esp.text(bounce.get("message") or bounce.get("reason")),
        code=esp.text(bounce.get("subType")),
        link=esp.text(click.get("link")),
        agent=esp.text(click.get("userAgent")),
        ip=esp.text(click.get("ipAddress")),
    )


def _is_hard(bounce: dict[str, Any]) -> bool:
    """Whether the address is refused for good: not for now, and not because Resend itself has stopped it before."""
    return bounce.get("type", "Permanent") == "Permanent" and bounce.get("subType") != "Suppressed"


def _message_id(data: dict[str, Any]) -> str:
    """Our Message-ID from the tags, which come as an object or as a list of names with values."""
    tags = data.get("tags")
    named = tags if isinstance(tags, dict) else {one["name"]: one["value"] for one in esp.rows(data, "tags")}
    return esp.bracketed(bytes.fromhex(named.get(esp.TAG, "")).decode())
