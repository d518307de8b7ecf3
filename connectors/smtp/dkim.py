"""Signs a mail for its sender's domain, so that receivers can see that nobody changed or made it up on the way.

Rules: relaxed/relaxed, by an RSA key of at least 2,048 bits or an Ed25519 key. Every header a reader relies on is
signed once more than it is there, so that a second one cannot be added later. Same mail in, same signature out.
Source: RFC 6376 (DKIM), RFC 8463 (Ed25519), RFC 8301 (key sizes), RFC 8058 4 (List-Unsubscribe must be signed).
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from ..api import BadSettings

RSA_BITS = 2048
SIGNED = (
    *(b"from", b"to", b"subject", b"message-id", b"reply-to", b"in-reply-to", b"references", b"mime-version"),
    *(
        b"content-type",
        b"content-transfer-encoding",
        b"list-id",
        b"list-unsubscribe",
        b"list-unsubscribe-post",
    ),
)
IF_THERE = (b"date",)  # a relay writes it where we do not
FOLD = re.compile(rb"\r\n(?=[ \t])")
BLANKS = re.compile(rb"[ \t]+")
LABELS = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9]([A-Za-z0-9_-]{0,62}))*")
LINE = 70


class Signer:
    """Signs for one domain with one key; may be shared among threads."""

    def __init__(self, key: str, selector: str, domain: str) -> None:
        """`key` is a private key in PEM, with or without its line ends. BadSettings."""
        if not LABELS.fullmatch(selector) or not LABELS.fullmatch(domain):
            raise BadSettings({"dkim_key": "needs dkim_selector and dkim_domain, as DNS writes them"})
        self._key = _loaded(key)
        algorithm = "rsa-sha256" if isinstance(self._key, RSAPrivateKey) else "ed25519-sha256"
        self._beginning = (
            f"DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed; d={domain};\r\n s={selector};"
        ).encode()

    def signed(self, raw: bytes) -> bytes:
        """The mail with its signature in front; `raw` has CRLF line ends."""
        head, _, body = raw.partition(b"\r\n\r\n")
        names, headers = _headers(head)
        listed = _folded(b":".join(names), b":")
        body_hash = b64encode(sha256(_relaxed_body(body)).digest())
        unsigned = b"".join((self._beginning, b" h=", listed, b";\r\n bh=", body_hash, b";\r\n b="))
        headers.append(_relaxed(unsigned))
        signature = b64encode(self._signature(b"\r\n".join(headers)))
        lines = [signature[start : start + LINE] for start in range(0, len(signature), LINE)]
        return b"".join((unsigned, b"\r\n ".join(lines), b"\r\n", raw))

    def _signature(self, data: bytes) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(data, PKCS1v15(), SHA256())
        return self._key.sign(sha256(data).digest())


def _loaded(key: str) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        der = b64decode(re.sub(r"-----[^-]*-----|\s", "", key), validate=True)
        loaded = load_der_private_key(der, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadSettings({"dkim_key": "is not a private key in PEM without a password"}) from error
    if isinstance(loaded, RSAPrivateKey) and loaded.key_size >= RSA_BITS:
        return loaded
    if isinstance(loaded, Ed25519PrivateKey):
        return loaded
    raise BadSettings({"dkim_key": f"must be an RSA key of at least {RSA_BITS} bits, or an Ed25519 key"})


def _headers(head: bytes) -> tuple[list[bytes], list[bytes]]:
    """The names to list and the headers to sign, in one order; of equal ones the last comes first."""
    there: dict[bytes, list[bytes]] = {}
    for line in FOLD.sub(b"", head).split(b"\r\n"):
        there.setdefault(line.partition(b":")[0].strip().lower(), []).insert(0, _relaxed(line))
    names, headers = [], []
    for name in (*SIGNED, *(each for each in IF_THERE if each in there)):
        found = there.get(name, [])
        names += [name] * (len(found) + 1)
        headers += found
    return names, headers


def _relaxed(header: bytes) -> bytes:
    name, _, value = FOLD.sub(b"", header).partition(b":")
    return name.strip().lower() + b":" + BLANKS.sub(b" ", value).strip()


def _relaxed_body(body: bytes) -> bytes:
    if b"  " in body or b"\t" in body or b" \r\n" in body:
        body = BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n")
    body = body.rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


def _folded(listed: bytes, between: bytes) -> bytes:
    """A list on lines of at most LINE, broken behind `between`."""
    lines = [b""]
    for part in listed.split(between):
        if len(lines[-1]) + len(part) >= LINE:
            lines.append(b"")
        lines[-1] += part + between
    return b"\r\n  ".join(lines).removesuffix(between)
