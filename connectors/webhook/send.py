"""Hands one message to the receiver: a signed call, the same body on every attempt.

Rules: the webhook-id is the delivery's key. Of what was answered only the outcome and the receiver's name for it count.
Source: standardwebhooks.com, "Sending webhooks" and "Payload structure".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from .. import signatures
from ..api import AddressGone, Medium, Outbound, Receipt, Refused
from ..http import Answer, Door

# Of the address or the secret, never of this message; 410 is how a receiver says that it is no more.
GONE = (401, 403, 404, 405, 410)
# 503 promises that nothing was taken: the page about this connector asks receivers for it.
UNTOUCHED = (503,)
NAME_MAX = 200


@dataclass(frozen=True, slots=True)
class Client:
    """One receiver, and the secrets that sign what it gets: the newest first."""

    door: Door
    url: str
    secrets: list[str]

    def call(self, webhook_id: str, told: Mapping[str, Any]) -> Answer:
        """One signed call; 422 is shown, whatever else is no success raises."""
        body = orjson.dumps(told)
        signed = [signatures.sign(each, webhook_id, datetime.now(UTC), body) for each in self.secrets]
        # Several signatures let the receiver change its secret without missing a call.
        proof = " ".join(each["webhook-signature"] for each in signed)
        headers = {**signed[0], "webhook-signature": proof, "Content-Type": "application/json"}
        return self.door.request(
            "POST", self.url, headers=headers, body=body, gone=GONE, untouched=UNTOUCHED, show=(422,)
        )


def send(client: Client, outbound: Outbound) -> Receipt:
    """Hand it over. What the receiver calls it counts from then on; without a name, our key does."""
    answer = client.call(outbound.key, message(outbound))
    told = _object(answer)
    if answer.status == 422:
        words = client.door.redact(f"422 {told.get('detail') or ''}".strip())
        if told.get("error") == "address_gone":
            raise AddressGone(words, code="address_gone", phase="answer")
        raise Refused(words, code="422", phase="answer")
    name = told.get("id")
    known = isinstance(name, str | int) and not isinstance(name, bool) and 0 < len(str(name)) <= NAME_MAX
    return Receipt(str(name) if known else outbound.key)


def ping(client: Client) -> None:
    """The receiver takes what we sign. It shows this to nobody."""
    client.call(f"ping-{datetime.now(UTC):%Y%m%dT%H%M%S%f}", {"type": "ping", "data": {}})


def message(outbound: Outbound) -> dict[str, Any]:
    """What is told of a message: always the same of the same one; what it has not is left out."""
    words = {name: str(getattr(outbound, name)) for name in ("subject", "text", "html")}
    told: dict[str, Any] = {"id": outbound.key, "to": outbound.to, **words, "language": outbound.language}
    told |= {"in_reply_to": outbound.in_reply_to, "thread": str(outbound.options.get("thread") or "")}
    told |= {"pictures": [_picture(one) for one in outbound.media]}
    since = {"timestamp": outbound.since.isoformat()} if outbound.since else {}
    return {"type": "message", **since, "data": {name: value for name, value in told.items() if value}}


def _picture(one: Medium) -> dict[str, Any]:
    told = {"name": one.name, "type": one.type, "alt": one.alt, "size": one.size, "url": one.url}
    return {**told, "width": one.width, "height": one.height}


def _object(answer: Answer) -> dict[str, Any]:
    """The answer where it is a JSON object; a receiver may also answer with nothing, or with words."""
    try:
        told = orjson.loads(answer.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
