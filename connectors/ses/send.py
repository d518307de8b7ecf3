"""Hands a whole mail to Amazon SES.

Source: docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html, …/API_GetAccount.html,
…/API_TrackingConfigurationOverrides.html (November 2026).
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from .. import esp, mail
from ..api import AccountGone, Deferred, Outbound, Receipt, Refused, Uncertain
from ..http import Answer, Door
from .signing import Key, signed

# Of Amazon's words for what is wrong those about the account, its key or its sender.
GONE = (
    "AccountSuspendedException", "SendingPausedException", "MailFromDomainNotVerifiedException", "NotFoundException",
    "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException",
    "InvalidClientTokenId", "SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationTokenException",
)  # fmt: skip
NOT_VERIFIED = "not verified"
# A daily quota is counted over the last 24 hours, so it frees itself bit by bit.
QUOTA_S = 900.0
NO_TRACKING = {"Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}}


@dataclass(frozen=True, slots=True)
class Account:
    """One account in one region."""

    door: Door
    base_url: str
    region: str
    key_id: str
    secret: str
    configuration_set: str
    tracking: bool

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask as the account, and hand back every answer that is one."""
        url, raw = self.base_url + path, b"" if body is None else orjson.dumps(body)
        headers = {"Content-Type": "application/json"} if raw else {}
        key = Key(self.key_id, self.secret, self.region, "ses")
        headers = signed(key, datetime.now(UTC), method, url, headers, raw)
        headers.pop("Host")  # whoever connects writes it
        return self.door.request(
            method, url, headers=headers, body=raw or None, gone=(), show=(400, 401, 403, 404, 429)
        )


def send(account: Account, outbound: Outbound) -> Receipt:
    """Hand it over as it is to arrive; SES replaces the Message-ID by its own."""
    body: dict[str, Any] = {
        "FromEmailAddress": mail.address(outbound.sender),
        "Destination": {"ToAddresses": [mail.address(outbound.to)]},
        "Content": {"Raw": {"Data": b64encode(mail.build(outbound)).decode()}},
        "EmailTags": [{"Name": esp.TAG, "Value": mail.message_id(outbound).strip("<>").encode().hex()}],
    }
    if account.configuration_set:
        body["ConfigurationSetName"] = account.configuration_set
    if not account.tracking:
        body["ConfigurationOverrides"] = NO_TRACKING
    answer = account.ask("POST", "/v2/email/outbound-emails", body)
    if answer.status >= 400:
        raise _trouble(account, answer)
    told = answer.json()
    name = esp.text(told.get("MessageId")) if isinstance(told, dict) else ""
    if not name:
        raise Uncertain("the answer names no mail", phase="answer")
    return Receipt(name)


def verify(account: Account) -> None:
    """The key is known and the account may send."""
    answer = account.ask("GET", "/v2/email/account")
    if answer.status >= 400:
        raise _trouble(account, answer)
    told = answer.json()
    if not isinstance(told, dict) or told.get("SendingEnabled") is False:
        raise AccountGone("Amazon has paused sending for this account", code="paused", phase="answer")


def _trouble(account: Account, answer: Answer) -> AccountGone | Deferred | Refused:
    """What a refusal of Amazon means."""
    said = answer.body[:400].decode("utf-8", "replace")
    kind = answer.headers.get("x-amzn-errortype", "").partition(":")[0]
    words = account.door.redact(f"{answer.status} {kind} {said}".strip())
    code = kind or str(answer.status)
    if answer.status == 429 or kind in ("TooManyRequestsException", "LimitExceededException"):
        wait_s = QUOTA_S if "quota" in said.lower() else answer.retry_after_s
        return Deferred(words, code=code, phase="answer", scope="account", retry_after_s=wait_s)
    if kind in GONE or answer.status in (401, 403) or NOT_VERIFIED in said:
        return AccountGone(words, code=code, phase="answer")
    return Refused(words, code=code, phase="answer")
