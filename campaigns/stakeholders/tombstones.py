"""Addresses of people who were erased: kept as keyed hashes alone, so that they are not taken in again unnoticed.

Rules: the keys are not in the database; `Database.mark` gives them to every session. The newest makes, all find.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..base import new_id
from ..database import lock
from .rows import insert_missing
from .tables import Tombstone

Key = tuple[str, str]  # channel, and the key of an address there
KEYS = "tombstone_keys"
LOCK = 0x444F4C02


def hold_still(session: Session) -> None:
    """Keep people from being erased until this transaction ends."""
    lock(session, LOCK, shared=True)


def begin(session: Session) -> None:
    """Erase alone: wait for whoever writes rows about people, and let them wait until this transaction ends."""
    lock(session, LOCK)


def bury(session: Session, now: datetime, keys: Iterable[Key]) -> None:
    """Remember that these were erased."""
    rows = [
        {"id": new_id(), "channel": channel, "hmac": _hmac(_keys(session)[0], channel, key), "at": now}
        for channel, key in keys
    ]
    insert_missing(session, Tombstone, rows)


def buried(session: Session, keys: Collection[Key]) -> set[Key]:
    """Those of the addresses that were erased."""
    marks = {_hmac(secret, *key): key for secret in _keys(session) for key in keys}
    found = session.scalars(select(Tombstone.hmac).where(Tombstone.hmac.in_(marks))) if marks else ()
    return {marks[one] for one in found}


def _keys(session: Session) -> tuple[bytes, ...]:
    keys: tuple[bytes, ...] = session.info.get(KEYS, (b"",))
    return keys


def _hmac(secret: bytes, channel: str, key: str) -> str:
    return hmac.digest(secret, f"{channel}:{key}".encode("utf-8", "surrogatepass"), "sha256").hex()
