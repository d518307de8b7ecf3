"""Hands a mail to Postmark, and looks for it there by the name that we gave it.

Source: postmarkapp.com/developer/api/{email-api,messages-api,overview}, …/user-guide/tracking-opens (November 2026).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .. import esp
from ..api import AccountGone, Outbound, Receipt, Refused, Uncertain
from ..http import Answer, Door

# Codes about the account: sender unknown or not confirmed, no credits, not approved, no such stream.
GONE_CODES = (400, 401, 405, 412, 413, 1235)
METADATA_MAX = 80
# Where the server tracks opening, Postmark does so whatever a mail asks for.
NO_TRACKING = {"TrackOpens": False, "TrackLinks": "None"}


@dataclass(frozen=True, slots=True)
class Account:
    """One server of Postmark."""

    door: Door
    base_url: str
    token: str
    stream: str
    tracking: bool

    @property
    def headers(self) -> dict[str, str]:
        """What every call says."""
        return {"Accept": "application/json", "X-Postmark-Server-Token": self.token}


def send(account: Account, outbound: Outbound) -> Receipt:
    """Hand it over; Postmark keeps our Message-ID where it is asked to."""
    letter = esp.letter(outbound)
    headers = {**letter.headers, "Message-ID": letter.message_id, "X-PM-KeepID": "true"}
    body: dict[str, Any] = {
        "From": letter.mailbox,
        "To": letter.to,
        "Subject": letter.subject,
        "Headers": [{"Name": name, "Value": value} for name, value in headers.items()],
        "Metadata": {esp.TAG: _name(letter.message_id)},
        "MessageStream": account.stream,
        **({} if account.tracking else NO_TRACKING),
    }
    for name, value in (("TextBody", letter.text), ("HtmlBody", letter.html), ("ReplyTo", letter.reply_to)):
        if value:
            body[name] = value
    answer = account.door.request(
        "POST", f"{account.base_url}/email", headers=account.headers, json=body, show=(422,)
    )
    return _receipt(account, answer)


def find(account: Account, outbound: Outbound) -> Receipt | None:
    """The mail that has our name."""
    name = _name(esp.letter(outbound).message_id)
    query = (
        f"count=10&offset=0&messagestream={quote(account.stream)}&metadata_{esp.TAG}={quote(name, safe='')}"
    )
    answer = account.door.request(
        "GET", f"{account.base_url}/messages/outbound?{query}", headers=account.headers
    )
    for one in esp.rows(answer.json(), "Messages"):
        metadata = one.get("Metadata")
        if isinstance(metadata, dict) and metadata.get(esp.TAG) == name and esp.text(one.get("MessageID")):
            return Receipt(one["MessageID"])
    return None


def verify(account: Account) -> None:
    """The token is that of a server."""
    account.door.request("GET", f"{account.base_url}/server", headers=account.headers)


def _name(message_id: str) -> str:
    """Our Message-ID as it stands in the metadata."""
    return message_id.strip("<>")[:METADATA_MAX]


def _receipt(account: Account, answer: Answer) -> Receipt:
    told = answer.json()
    code = told.get("ErrorCode") if isinstance(told, dict) else None
    words = account.door.redact(answer.body[:300].decode("utf-8", "replace"))
    if answer.status == 422:
        kind = AccountGone if code in GONE_CODES else Refused
        raise kind(words, code=str(code), phase="answer")
    if code != 0 or not esp.text(told.get("MessageID")):
        raise Uncertain("the answer names no mail", phase="answer")
    return Receipt(told["MessageID"], wait_s=answer.used_up_s)
