"""Standard Webhooks: signing what we push, proving what is pushed to us; and what proves a call that nobody signs.

Rules: the signature covers `id.timestamp.body`, the body byte for byte as it came; several secrets may hold
at once, so that one can be changed; comparisons take the same time whatever differs.
Source: the Standard Webhooks specification (symmetric signatures, `v1`); bad input H16.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from ipaddress import ip_address, ip_network
from secrets import token_bytes

from .api import Call, NotAuthentic

TOLERANCE_S = 300
PREFIX = "whsec_"
FAMILIES = ("webhook", "svix")  # the second is the older spelling, still used by some providers


def new_secret() -> str:
    """A secret of 256 random bits, as it is written in settings."""
    return PREFIX + b64encode(token_bytes(32)).decode()


def sign(secret: str, webhook_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that prove a hook; `at` is aware. ValueError for a secret that is none."""
    stamp = str(int(at.timestamp()))
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1,"
        + _signature(key(secret), webhook_id.encode(), stamp.encode(), body).decode(),
    }


def verify(secrets: Iterable[str], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a hook that one of the secrets proves; NotAuthentic otherwise. Header names: lower case."""
    webhook_id, stamp, given = _headers(headers)
    fresh(stamp.decode(), now)
    found = [value for value in given.split(b" ") if value.startswith(b"v1,")]
    proven = False
    for secret in secrets:
        right = b"v1," + _signature(key(secret), webhook_id, stamp, body)
        for value in found:
            proven |= hmac.compare_digest(right, value)
    if not proven:
        raise NotAuthentic("the hook's signature does not hold")
    return webhook_id.decode()


def fresh(stamp: str, now: datetime, back_s: int = TOLERANCE_S) -> None:
    """NotAuthentic unless a time in seconds since 1970 is at most so long ago, and five minutes ahead."""
    near = stamp.isascii() and stamp.isdigit() and len(stamp) <= 12
    if not (near and -TOLERANCE_S <= now.timestamp() - int(stamp) <= back_s):
        raise NotAuthentic("the hook's time is missing or too far away")


def unsigned(call: Call, secrets: str, logins: str, networks: str = "") -> None:
    """Prove a call of a provider that signs nothing; NotAuthentic.

    It must name one of the `secrets` in its path and bring one of the `logins` (user:password) by Basic auth, both
    written with spaces between; and come from one of the `networks`, with commas between, where there are any.
    """
    paths = [each.encode() for each in secrets.split()]
    heads = [b"Basic " + b64encode(each.encode()) for each in logins.split()]
    right = is_one(call.secret.encode("utf-8", "replace"), paths)
    right &= is_one(call.headers.get("authorization", "").encode("utf-8", "replace"), heads)
    if not (right and (not networks or _is_from(call.sender, networks))):
        raise NotAuthentic("the hook's secret, login or address does not hold")


def is_one(given: bytes, known: Iterable[bytes]) -> bool:
    """Whether it is one of those; all are compared, so that the time tells nothing."""
    found = False
    for each in known:
        found |= hmac.compare_digest(given, each)
    return found


def held(secrets: Mapping[str, str], name: str) -> list[str]:
    """The secret of this name and the one before it (`old_…`), where there is one: what proves a call may overlap."""
    return [found for each in (name, f"old_{name}") if (found := secrets.get(each, ""))]


def spelt_once(given: str) -> bytes:
    """A signature from its one right spelling in base64; NotAuthentic for every other."""
    try:
        found = b64decode(given, validate=True)
    except ValueError:
        raise NotAuthentic("the hook is not signed") from None
    if not found or b64encode(found).decode() != given:
        raise NotAuthentic("the hook is not signed")
    return found


def is_network(value: str) -> bool:
    """Whether networks or addresses are written with commas between."""
    try:
        return all(ip_network(each.strip()) for each in value.split(","))
    except ValueError:
        return False


def key(secret: str) -> bytes:
    """The bytes of a secret; ValueError for one that is not `whsec_` and base64."""
    found = b64decode(secret.removeprefix(PREFIX), validate=True)
    if not found:
        raise ValueError("the secret of a hook is empty")
    return found


def _is_from(address: str, networks: str) -> bool:
    try:
        one = ip_address(address)
    except ValueError:
        return False
    one = getattr(one, "ipv4_mapped", None) or one
    return any(one in ip_network(each.strip()) for each in networks.split(","))


def _headers(headers: Mapping[str, str]) -> tuple[bytes, bytes, bytes]:
    for family in FAMILIES:
        values = [headers.get(f"{family}-{name}", "") for name in ("id", "timestamp", "signature")]
        if all(values) and all(value.isascii() for value in values):
            first, second, third = (value.encode() for value in values)
            return first, second, third
    raise NotAuthentic("the hook is not signed")


def _signature(secret: bytes, webhook_id: bytes, stamp: bytes, body: bytes) -> bytes:
    return b64encode(hmac.new(secret, b".".join((webhook_id, stamp, body)), sha256).digest())
