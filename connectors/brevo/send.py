"""Hands a mail to Brevo, and looks among its events for the tag that we gave it.

Rules: Brevo refuses a key that it has seen within half an hour, but does not repeat its first answer: then the mail is
looked for, and where it cannot be seen yet nobody knows.
Source: developers.brevo.com/reference/{send-transac-email,get-email-event-report},
developers.brevo.com/docs/{heterogenous-versions-batch-emails,using-sandbox-mode-to-send-an-email} (November 2026).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from .. import esp
from ..api import AccountGone, ConnectorError, Deferred, Outbound, Receipt, Refused, Uncertain
from ..http import RETRY_AFTER_MAX_S, Answer, Door

# 401: the key, or an address of ours that it is not for; 402: no credits; 403: the account may not send.
GONE = (401, 402, 403)
DUPLICATE = "duplicate_parameter"
# A sender that nobody has validated: "… the sender you used … is not valid"; what is not valid in `to` is one mail's.
BAD_SENDER = re.compile("sender.* not valid|not valid in sender", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Account:
    """One account of Brevo; in its sandbox everything is taken and nothing is sent."""

    door: Door
    base_url: str
    api_key: str
    sandbox: bool

    @property
    def headers(self) -> dict[str, str]:
        """What every call says."""
        return {"Accept": "application/json", "api-key": self.api_key}


def send(account: Account, outbound: Outbound) -> Receipt:
    """Hand it over. Uncertain with code `duplicate_parameter`: it went before, and cannot be seen yet."""
    url = f"{account.base_url}/v3/smtp/email"
    answer = account.door.request(
        "POST", url, headers=account.headers, json=_body(account, outbound), gone=GONE, show=(400, 429)
    )
    if answer.status == 429:
        words = account.door.redact(answer.body[:300].decode("utf-8", "replace"))
        wait_s = _wait_s(answer)
        raise Deferred(words, code="429", phase="answer", scope="account", retry_after_s=wait_s)
    told = answer.json()
    if answer.status == 400:
        return _refused(account, outbound, answer, told)
    name = esp.text(told.get("messageId")).strip("<> ") if isinstance(told, dict) else ""
    if not name:
        raise Uncertain("the answer names no mail", phase="answer")
    return Receipt(name)


def find(account: Account, outbound: Outbound) -> Receipt | None:
    """The mail with our tag."""
    url = f"{account.base_url}/v3/smtp/statistics/events?limit=10&tags={quote(outbound.key, safe='')}"
    answer = account.door.request("GET", url, headers=account.headers, gone=GONE)
    for one in esp.rows(answer.json(), "events"):
        name = esp.text(one.get("messageId")).strip("<> ")
        if name and outbound.key in esp.text(one.get("tag")):
            return Receipt(name)
    return None


def verify(account: Account) -> None:
    """The key is known."""
    account.door.request("GET", f"{account.base_url}/v3/account", headers=account.headers, gone=GONE)


def _body(account: Account, outbound: Outbound) -> dict[str, Any]:
    letter = esp.letter(outbound)
    # Brevo wants a UUID for a key; the same delivery has the same.
    headers = {
        **letter.headers,
        "X-Mailin-custom": letter.message_id,
        "idempotencyKey": str(uuid5(NAMESPACE_URL, outbound.key)),
    }
    if account.sandbox:
        headers["X-Sib-Sandbox"] = "drop"
    body: dict[str, Any] = {
        "sender": {"email": letter.sender, **({"name": letter.name} if letter.name else {})},
        "to": [{"email": letter.to}],
        "subject": letter.subject,
        "headers": headers,
        "tags": [outbound.key],
    }
    reply_to = {"email": letter.reply_to} if letter.reply_to else None
    for name, value in (
        ("textContent", letter.text),
        ("htmlContent", letter.html),
        ("replyTo", reply_to),
    ):
        if value:
            body[name] = value
    return body


def _refused(account: Account, outbound: Outbound, answer: Answer, told: Any) -> Receipt:
    words = account.door.redact(f"400 {answer.body[:300].decode('utf-8', 'replace')}")
    code = esp.text(told.get("code")) if isinstance(told, dict) else ""
    if BAD_SENDER.search(words):
        raise AccountGone(words, code=code, phase="answer")
    if code != DUPLICATE:
        raise Refused(words, code=code or "400", phase="answer")
    try:
        found = find(account, outbound)
    except ConnectorError:
        found = None
    if found is None:
        raise Uncertain(words, code=code, phase="answer")
    return found


def _wait_s(answer: Answer) -> float | None:
    """How long Brevo wants to be left alone: it has headers of its own for it."""
    reset = answer.headers.get("x-sib-ratelimit-reset", "")
    if reset.isascii() and reset.isdigit():
        return min(float(reset[:12]), RETRY_AFTER_MAX_S)
    return answer.retry_after_s
