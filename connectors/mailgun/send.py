"""Hands Mailgun a whole mail, whose Message-ID it keeps, and looks among its events for one that was taken.

Source: documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/{messages,events} (November 2026).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

from .. import esp, mail
from ..api import Outbound, Receipt, Uncertain
from ..http import Door

# 401: the key; 402 and 403: the plan or the domain may not send; 404: there is no such domain.
GONE = (401, 402, 403, 404)


@dataclass(frozen=True, slots=True)
class Account:
    """One domain; in test mode everything is taken and nothing is sent."""

    door: Door
    base_url: str
    domain: str
    api_key: str
    test_mode: bool
    tracking: bool

    @property
    def headers(self) -> dict[str, str]:
        """What every call says."""
        return {"Authorization": f"Basic {b64encode(f'api:{self.api_key}'.encode()).decode()}"}

    def url(self, what: str) -> str:
        """The address of something of the domain."""
        return f"{self.base_url}/v3/{self.domain}/{what}"


def send(account: Account, outbound: Outbound) -> Receipt:
    """Hand it over as it is to arrive."""
    fields = {"to": mail.address(outbound.to), f"v:{esp.TAG}": mail.message_id(outbound)}
    if not account.tracking:
        fields["o:tracking"] = "no"
    if account.test_mode:
        fields["o:testmode"] = "yes"
    boundary, body = form(fields, mail.build(outbound))
    headers = {**account.headers, "Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = account.door.request("POST", account.url("messages.mime"), headers=headers, body=body, gone=GONE)
    told = answer.json()
    name = esp.text(told.get("id")).strip("<> ") if isinstance(told, dict) else ""
    if not name:
        raise Uncertain("the answer names no mail", phase="answer")
    return Receipt(name, wait_s=answer.used_up_s)


def find(account: Account, outbound: Outbound) -> Receipt | None:
    """The mail of this name, where Mailgun says that it has accepted one."""
    name = mail.message_id(outbound).strip("<>")
    url = account.url(f"events?event=accepted&limit=10&message-id={quote(name, safe='')}")
    answer = account.door.request("GET", url, headers=account.headers, gone=GONE)
    found = name in _names(answer.json())
    return Receipt(name) if found else None


def verify(account: Account) -> None:
    """The key opens this domain."""
    url = f"{account.base_url}/v3/domains/{account.domain}"
    account.door.request("GET", url, headers=account.headers, gone=GONE)


def form(fields: dict[str, str], message: bytes) -> tuple[str, bytes]:
    """Fields and a mail as a form with a file; the boundary is in none of them."""
    boundary = f"dolen-{sha256(message).hexdigest()}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        'Content-Disposition: form-data; name="message"; filename="mail.eml"\r\nContent-Type: message/rfc822'
    )
    parts += [f"--{boundary}\r\n{head}\r\n\r\n".encode(), message, f"\r\n--{boundary}--\r\n".encode()]
    return boundary, b"".join(parts)


def _names(answer: object) -> Iterator[str]:
    """The Message-IDs of the events in an answer."""
    for one in esp.rows(answer, "items"):
        message = one.get("message")
        headers = message.get("headers") if isinstance(message, dict) else None
        if isinstance(headers, dict):
            yield esp.text(headers.get("message-id"))
