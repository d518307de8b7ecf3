"""What Brevo pushes: one event a call or a batch of them, and no signature.

Source: developers.brevo.com/docs/{transactional-webhooks,batched-webhooks} (November 2026); the samples.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from .. import esp
from ..api import Heard

OUTCOMES: dict[str, esp.Outcome | None] = {
    "delivered": esp.DELIVERED,
    "hard_bounce": esp.HARD_BOUNCE,
    "invalid_email": esp.HARD_BOUNCE,
    "soft_bounce": esp.SOFT_BOUNCE,
    "blocked": esp.SOFT_BOUNCE,
    "error": esp.SOFT_BOUNCE,
    "spam": esp.COMPLAINT,
    "complaint": esp.COMPLAINT,
    "unsubscribed": esp.OPT_OUT,
    "opened": esp.OPENED,
    "unique_opened": esp.OPENED,
    "proxy_open": esp.FETCHED,
    "unique_proxy_open": esp.FETCHED,
    "click": esp.CLICKED,
    "request": None,
    "deferred": None,
}
# Times above this are in milliseconds.
IN_MS = 100_000_000_000


def read(body: bytes) -> Heard:
    """The events of a body."""
    return esp.heard(body, _told)


def _told(said: dict[str, Any]) -> esp.Told | None:
    outcome = OUTCOMES[said["event"]]
    if outcome is None:
        return None
    name, link = said["message-id"].strip("<> "), esp.text(said.get("link"))
    seconds = said.get("ts_epoch") or said["ts_event"]
    return esp.Told(
        outcome,
        at=esp.since_1970(seconds / 1000 if seconds > IN_MS else seconds),
        provider_id=name,
        about=said["email"],
        key=_key(
            said["event"].removeprefix("unique_"), name, said["email"], said.get("ts_event") or seconds, link
        ),
        message_id=esp.bracketed(esp.text(said.get("X-Mailin-custom"))),
        words=esp.text(said.get("reason")).strip(),
        link=link,
        agent=esp.text(said.get("user_agent")),
    )


def _key(*facts: object) -> str:
    """What tells events apart: Brevo's `id` is that of the hook. A digest, for a key outlives whoever it is about."""
    return sha256("\n".join(str(each) for each in facts).encode()).hexdigest()
