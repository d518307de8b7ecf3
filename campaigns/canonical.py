"""Canonical JSON and digests: what people agree to and approve is named by one, and secrets are known again by one."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from typing import Any


def canonical(value: Any) -> bytes:
    """The value as UTF-8 JSON with sorted keys, no spaces and NFC text.

    ValueError for NaN, for keys that are not text or become equal under NFC, and for what is not plain JSON:
    two readers must never see two things under one digest.
    """
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest(value: Any) -> str:
    """`sha256:` and the hexadecimal SHA-256 of the canonical JSON."""
    return f"sha256:{hashlib.sha256(canonical(value)).hexdigest()}"


def sha256(text: str) -> str:
    """The hexadecimal SHA-256 of a text: what is kept of a secret that can be shown only once. Any text has one."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        if any(not isinstance(key, str) for key in value):
            raise ValueError("a key is not text")
        plain = {_plain(key): _plain(item) for key, item in value.items()}
        if len(plain) != len(value):
            raise ValueError("two keys are the same text")
        return plain
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    raise ValueError(f"{type(value).__name__} is not JSON")
