"""Signs a request for Amazon (Signature Version 4): pure, from the request, the key and the time.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (November 2026).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Key:
    """An access key and what it is used for."""

    id: str
    secret: str
    region: str
    service: str


def signed(
    key: Key, at: datetime, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> dict[str, str]:
    """The headers with those that prove the request; `at` is aware UTC. Without a query: we ask none."""
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    parts = urlsplit(url)
    told = {**headers, "Host": parts.netloc, "X-Amz-Date": stamp}
    canonical = {name.lower(): " ".join(value.split()) for name, value in told.items()}
    names = ";".join(sorted(canonical))
    lines = "".join(f"{name}:{canonical[name]}\n" for name in sorted(canonical))
    request = f"{method}\n{parts.path or '/'}\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
    scope = f"{day}/{key.region}/{key.service}/aws4_request"
    wanted = f"{ALGORITHM}\n{stamp}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    proof = hmac.new(_signing_key(key, day), wanted.encode(), sha256).hexdigest()
    told["Authorization"] = (
        f"{ALGORITHM} Credential={key.id}/{scope}, SignedHeaders={names}, Signature={proof}"
    )
    return told


def _signing_key(key: Key, day: str) -> bytes:
    made = f"AWS4{key.secret}".encode()
    for word in (day, key.region, key.service, "aws4_request"):
        made = hmac.new(made, word.encode(), sha256).digest()
    return made
