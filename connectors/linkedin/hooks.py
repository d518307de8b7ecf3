"""What LinkedIn pushes: up to ten notifications a call, signed with the app's secret; and its question who we are.

Rules: it asks every two hours by a code of a known form, and only such a code is answered. What it pushes is signed
behind a word, so an answer never proves a call. An app has one secret for all pages, so what is told of another
organisation's page is not ours.
Source: learn.microsoft.com/linkedin/shared/api-guide/webhook-validation (July 2026); bad input H12.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from hashlib import sha256

import orjson

from .. import shapes, signatures
from ..api import Call, Event, Heard, NotAuthentic
from .events import event

_CODE = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def hear(secrets: Sequence[str], organisation: str, call: Call) -> Heard:
    """The events of a call that one of the secrets proves; LinkedIn's question is answered by the first."""
    if call.method == "GET":
        return _known(secrets[0], call.query.get("challengeCode", ""))
    given = call.headers.get("x-li-signature", "").encode("utf-8", "replace")
    if not signatures.is_one(given, [_hex(secret, b"hmacsha256=" + call.body) for secret in secrets]):
        raise NotAuthentic("the hook's signature does not hold")
    return read(organisation, call.body)


def read(organisation: str, body: bytes) -> Heard:
    """The events of a body about this organisation; what cannot be read is parked as a body of its own."""
    try:
        told = orjson.loads(body)
        found = told["notifications"]
    except (ValueError, TypeError, KeyError):
        return Heard(parked=(_shown(body),))
    events: list[Event] = []
    parked: list[str] = []
    for raw in found if isinstance(found, list) else [found]:
        try:
            one = event(raw) if raw["organizationalEntity"] == organisation else None
        except shapes.UNREADABLE:
            parked.append(_shown(shapes.raw({"notifications": [raw]}, body)))
        else:
            events += [one] if one else []
    return Heard(tuple(events), tuple(parked))


def _known(secret: str, code: str) -> Heard:
    if not _CODE.fullmatch(code):
        raise NotAuthentic("this is no question of LinkedIn's")
    answer = {"challengeCode": code, "challengeResponse": _hex(secret, code.encode()).decode()}
    return Heard(answer=orjson.dumps(answer), content_type="application/json")


def _hex(secret: str, data: bytes) -> bytes:
    return hmac.new(secret.encode(), data, sha256).hexdigest().encode()


def _shown(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
