"""The installation's key ring: seals the secrets of connected accounts and signs links.

Rules: one 0600 file beside the data, made at first start and never overwritten; the newest key seals and
signs, every key opens and verifies; what is sealed carries the account and the field, so a value copied to
another row does not open.
"""

from __future__ import annotations

import json
import os
import secrets
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NAME = "keys.json"


class BadKeyRing(Exception):
    """The key ring is missing, open to others, or does not fit what was sealed."""


@dataclass(frozen=True, repr=False)
class KeyRing:
    """The keys in use, newest first, 32 bytes each."""

    keys: tuple[bytes, ...]

    def seal(self, account_id: int, values: Mapping[str, str]) -> bytes:
        """The secrets of one account, to be stored in its row."""
        return self.wrap(json.dumps({"account": account_id, "secrets": dict(values)}).encode())

    def open(self, account_id: int, sealed: bytes | None) -> dict[str, str]:
        """The secrets sealed for this account; BadKeyRing for any other row's or another installation's."""
        if sealed is None:
            return {}
        opened = json.loads(self.unwrap(sealed))
        if opened["account"] != account_id:
            raise BadKeyRing("these secrets were sealed for another account")
        values: dict[str, str] = opened["secrets"]
        return values

    def wrap(self, plain: bytes) -> bytes:
        """Bytes that only this installation can read."""
        return self._fernet.encrypt(plain)

    def unwrap(self, sealed: bytes) -> bytes:
        """What `wrap` was given; BadKeyRing where no key of the ring fits."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise BadKeyRing(
                "no key of this installation opens this; restore the key ring beside the data"
            ) from error

    def reseal(self, sealed: bytes) -> bytes:
        """The same content under the newest key."""
        return self._fernet.rotate(sealed)

    def link_keys(self) -> tuple[bytes, ...]:
        """The keys that sign links and reply addresses, newest first."""
        return tuple(_derive(key, b"dolen links") for key in self.keys)

    def tombstone_keys(self) -> tuple[bytes, ...]:
        """The keys of the hashes that stand for erased addresses, newest first."""
        return tuple(_derive(key, b"dolen tombstones") for key in self.keys)

    def export_keys(self) -> tuple[bytes, ...]:
        """The seeds of the keys that sign what is taken out, newest first."""
        return tuple(_derive(key, b"dolen exports") for key in self.keys)

    @cached_property
    def _fernet(self) -> MultiFernet:
        return MultiFernet([Fernet(urlsafe_b64encode(_derive(key, b"dolen secrets"))) for key in self.keys])


def load(folder: Path) -> KeyRing:
    """The ring of this data folder; made at first start."""
    path = folder / NAME
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _create(path)
    if path.stat().st_mode & 0o077:
        raise BadKeyRing(f"{path} can be read by others; make it yours alone with chmod 600")
    try:
        keys = tuple(b64decode(key) for key in json.loads(path.read_text("ascii"))["keys"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadKeyRing(f"{path} is damaged; restore it from the backup of the data") from error
    if not keys or any(len(key) != 32 for key in keys):
        raise BadKeyRing(f"{path} is damaged; restore it from the backup of the data")
    return KeyRing(keys)


def renew(folder: Path) -> KeyRing:
    """Put a new key before the others, so that it seals and signs from now on."""
    ring = KeyRing((secrets.token_bytes(32), *load(folder).keys))
    path = folder / NAME
    path.with_suffix(".new").unlink(missing_ok=True)
    _write(path.with_suffix(".new"), ring.keys)
    path.with_suffix(".new").replace(path)
    return ring


def _create(path: Path) -> None:
    # Written whole and then linked, so that two processes that start at once agree on one ring.
    draft = path.with_suffix(f".{secrets.token_hex(8)}")
    _write(draft, (secrets.token_bytes(32),))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _write(path: Path, keys: tuple[bytes, ...]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        json.dump({"keys": [b64encode(key).decode() for key in keys]}, file)
        file.flush()
        os.fsync(file.fileno())


def _derive(key: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=use).derive(key)
