"""What Mailgun pushes: one event a call, of which only a time and a token are signed.

Rules: a token proves one call and no more, for whoever saw it could say other things with it; and as what a call says
is not signed, its events are not verified: they count only where they name the address that the delivery went to.
Mailgun repeats a call for eight hours under its first time and token: one that is old may be the first that we hear.
Source: documentation.mailgun.com/docs/mailgun/user-manual/webhooks (November 2026); bad input H3, H4.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import orjson

from .. import esp, signatures
from ..api import Call, Heard, NotAuthentic

REPEATED_FOR_S = 12 * 3600

OUTCOMES: dict[str, esp.Outcome | None] = {
    "delivered": esp.DELIVERED,
    "failed": esp.SOFT_BOUNCE,
    "rejected": esp.SOFT_BOUNCE,
    "complained": esp.COMPLAINT,
    "unsubscribed": esp.OPT_OUT,
    "opened": esp.OPENED,
    "clicked": esp.CLICKED,
    "accepted": None,
    "stored": None,
}
# Why Mailgun gives up by itself what the recipient had told it before, maybe about mails of another program.
THEIR_WISH = ("suppress-unsubscribe", "suppress-complaint")
MACHINES = {"opened": esp.FETCHED, "clicked": esp.FOLLOWED}


def hear(hook_keys: Sequence[str], call: Call) -> Heard:
    """The event of a call that one of the keys proves; `once` is its token."""
    token = _proven(hook_keys, call)
    return esp.heard(call.body, _told, once=token, verified=False)


def read(body: bytes) -> Heard:
    """The event of a body."""
    return esp.heard(body, _told, verified=False)


def _proven(hook_keys: Sequence[str], call: Call) -> str:
    try:
        given = orjson.loads(call.body)["signature"]
        stamp, token, signature = (given[name] for name in ("timestamp", "token", "signature"))
        signed, signature = f"{stamp}{token}".encode(), signature.encode()
    except (ValueError, TypeError, KeyError, AttributeError):
        raise NotAuthentic("the hook is not signed") from None
    signatures.fresh(str(stamp), call.at, REPEATED_FOR_S)
    proven = False
    for key in hook_keys:
        right = hmac.new(key.encode(), signed, sha256).hexdigest().encode()
        proven |= hmac.compare_digest(right, signature)
    if not proven or not token:
        raise NotAuthentic("the hook's signature does not hold")
    return str(token)


def _told(said: dict[str, Any]) -> esp.Told | None:
    event = said["event-data"]
    outcome = _outcome(event)
    if outcome is None:
        return None
    status, client = event.get("delivery-status") or {}, event.get("client-info") or {}
    return esp.Told(
        outcome,
        at=esp.since_1970(event["timestamp"]),
        provider_id=event["message"]["headers"]["message-id"],
        about=event["recipient"],
        key=f"{event['id']} {event['timestamp']}",  # Mailgun promises that an id is unique within a day
        message_id=esp.bracketed(event["message"]["headers"]["message-id"]),
        words=esp.text(status.get("message")) or esp.text(status.get("description")),
        code=str(status.get("enhanced-code") or status.get("code") or ""),
        link=esp.text(event.get("url")),
        agent=esp.text(client.get("user-agent")),
        ip=esp.text(event.get("ip")),
    )


def _outcome(event: dict[str, Any]) -> esp.Outcome | None:
    outcome, name = OUTCOMES[event["event"]], event["event"]
    if name == "failed" and event["severity"] == "temporary":
        return None  # Mailgun itself tries again
    if name == "failed" and event.get("reason") in THEIR_WISH:
        return esp.OPT_OUT
    if name == "failed" and _is_hard(event):
        return esp.HARD_BOUNCE
    if name in MACHINES and (event.get("client-info") or {}).get("bot"):
        return MACHINES[name]
    return outcome


def _is_hard(event: dict[str, Any]) -> bool:
    """Whether the receiving server refused the address for good, and not Mailgun by a list of its own."""
    status = event.get("delivery-status") or {}
    return event.get("reason") in ("bounce", "hardfail") and status.get("bounce-type", "hard") == "hard"
