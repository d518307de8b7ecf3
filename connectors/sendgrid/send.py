"""Hands a mail to SendGrid.

Source: twilio.com/docs/sendgrid/api-reference/mail-send (November 2026).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import esp
from ..api import Outbound, Receipt, Uncertain
from ..http import Door

# 401: the key, or no credits; 403: the sender is not verified, or the key may not send.
GONE = (401, 403)
# SendGrid tracks unless it is told not to.
NO_TRACKING = {"click_tracking": {"enable": False, "enable_text": False}, "open_tracking": {"enable": False}}


@dataclass(frozen=True, slots=True)
class Account:
    """One account of SendGrid; in its sandbox everything is taken and nothing is sent."""

    door: Door
    base_url: str
    api_key: str
    sandbox: bool
    tracking: bool

    @property
    def headers(self) -> dict[str, str]:
        """What every call says."""
        return {"Authorization": f"Bearer {self.api_key}"}


def send(account: Account, outbound: Outbound) -> Receipt:
    """Hand it over."""
    letter = esp.letter(outbound)
    words = (("text/plain", letter.text), ("text/html", letter.html))
    body: dict[str, Any] = {
        "personalizations": [{"to": [{"email": letter.to}], "custom_args": {esp.TAG: letter.message_id}}],
        "from": {"email": letter.sender, **({"name": letter.name} if letter.name else {})},
        "subject": letter.subject,
        "content": [{"type": kind, "value": value} for kind, value in words if value],
        "headers": {**letter.headers, "Message-ID": letter.message_id},
    }
    if letter.reply_to:
        body["reply_to"] = {"email": letter.reply_to}
    if not account.tracking:
        body["tracking_settings"] = NO_TRACKING
    if account.sandbox:
        body["mail_settings"] = {"sandbox_mode": {"enable": True}}
    answer = account.door.request(
        "POST", f"{account.base_url}/v3/mail/send", headers=account.headers, json=body, gone=GONE
    )
    name = answer.headers.get("x-message-id", "")
    if account.sandbox:
        return Receipt(f"sandbox {outbound.key}", words="the sandbox sends nothing")
    if not name:
        raise Uncertain("the answer names no mail", phase="answer")
    return Receipt(name, wait_s=answer.used_up_s)


def verify(account: Account) -> None:
    """The key is known."""
    account.door.request("GET", f"{account.base_url}/v3/scopes", headers=account.headers, gone=GONE)
