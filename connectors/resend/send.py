"""Hands a mail to Resend, under a key that it keeps for a day.

Rules: the same Outbound is the same request, byte for byte, or Resend refuses the key.
Source: resend.com/docs/api-reference/emails/send-email, …/dashboard/emails/idempotency-keys, …/api-reference/errors
(November 2026).
"""

from __future__ import annotations

from typing import Any

from .. import esp
from ..api import AccountGone, Deferred, Outbound, Receipt, Uncertain
from ..http import Answer, Door

# The account, its key or the domain it sends from, not this mail.
GONE = (401, 403)
RESTRICTED = "restricted_api_key"
RUNNING, OTHER = "concurrent_idempotent_requests", "invalid_idempotent_request"
RUNNING_S = 5.0


def send(door: Door, base_url: str, api_key: str, outbound: Outbound) -> Receipt:
    """Hand it over. Uncertain with code `invalid_idempotent_request`: other words went under this key before."""
    letter = esp.letter(outbound)
    body: dict[str, Any] = {
        "from": letter.mailbox,
        "to": [letter.to],
        "subject": letter.subject,
        "headers": dict(letter.headers),
        "tags": [{"name": esp.TAG, "value": tag(letter.message_id)}],
    }
    for name, value in (("text", letter.text), ("html", letter.html), ("reply_to", letter.reply_to)):
        if value:
            body[name] = value
    answer = door.request(
        "POST",
        f"{base_url}/emails",
        headers={"Authorization": f"Bearer {api_key}", "Idempotency-Key": outbound.key},
        json=body,
        gone=GONE,
        show=(409,),
    )
    return _receipt(door, answer)


def verify(door: Door, base_url: str, api_key: str) -> None:
    """The key is known; one that may only send is refused a look at the domains, which says as much."""
    headers = {"Authorization": f"Bearer {api_key}"}
    answer = door.request("GET", f"{base_url}/domains", headers=headers, show=GONE)
    if answer.status in GONE and _name(answer) != RESTRICTED:
        raise AccountGone(door.redact(answer.body[:300].decode("utf-8", "replace")), code=str(answer.status))


def tag(message_id: str) -> str:
    """Our Message-ID in the letters that a tag may have."""
    return message_id.strip("<>").encode().hex()


def _receipt(door: Door, answer: Answer) -> Receipt:
    if answer.status == 409:
        words = door.redact(answer.body[:300].decode("utf-8", "replace"))
        if _name(answer) == RUNNING:
            raise Deferred(words, code=RUNNING, phase="answer", retry_after_s=RUNNING_S)
        raise Uncertain(words, code=_name(answer), phase="answer")
    told = answer.json()
    name = told.get("id") if isinstance(told, dict) else None
    if not isinstance(name, str) or not name:
        raise Uncertain("the answer names no mail", phase="answer")
    return Receipt(name, wait_s=answer.used_up_s)


def _name(answer: Answer) -> str:
    """Resend's name for what is wrong; "" where it says none."""
    try:
        told = answer.json()
    except (Deferred, Uncertain):
        return ""
    return esp.text(told.get("name")) if isinstance(told, dict) else ""
