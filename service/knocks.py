"""How often somebody may try: by name and by the address they come from, so that nobody guesses for long.

Rules: a try is counted before anything is compared; nothing is locked for good, and what is refused is not counted.
Source: bad input A1, A12, A14.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.errors import Forbidden

from .tables import Knock

WITHIN = timedelta(minutes=15)


class TooManyTries(Forbidden):
    """Too many tries; it opens again by itself."""

    code = "too_many_tries"


@dataclass(frozen=True, slots=True)
class Limit:
    """How many tries of this kind there are in a quarter of an hour."""

    kind: str
    most: int


NAME = Limit("name", 10)
ADDRESS = Limit("address", 60)
CODE = Limit("code", 5)
LETTER = Limit("letter", 3)
# Ways to an OpenID provider and back, from one address: each has us ask the provider.
PROVIDER = Limit("provider", 60)
# Photos that come by the link of a partner organisation: to draw one costs much more than to send it.
PHOTO = Limit("photo", 10)


def knock(database: Database, now: datetime, *tries: tuple[Limit, str]) -> list[int]:
    """Count a try, and say which rows that were; TooManyTries before anything is compared.

    It is committed before it is counted, so that tries at the same moment see each other.
    """
    with database.write() as session:
        session.execute(delete(Knock).where(Knock.at <= now - WITHIN))
        rows = [Knock(name_sha256=_mark(limit, who), at=now) for limit, who in tries]
        session.add_all(rows)
        session.flush()
        mine = [row.id for row in rows]
    with database.read() as session:
        full = any(_count(session, now, limit, who) > limit.most for limit, who in tries)
    if full:
        with database.write() as session:
            take_back(session, mine)
        raise TooManyTries("too many failed tries: wait a quarter of an hour")
    return mine


def take_back(session: Session, rows: Sequence[int]) -> None:
    """These tries were no failures."""
    session.execute(delete(Knock).where(Knock.id.in_(rows)))


def forget(session: Session, limit: Limit, who: str) -> None:
    """Begin again for somebody who came in."""
    session.execute(delete(Knock).where(Knock.name_sha256 == _mark(limit, who)))


def came_from(remote: str, forwarded: str, trusted: str) -> str:
    """The place a call comes from, as one that tries are counted by."""
    return _place(sender(remote, forwarded, trusted))


def sender(remote: str, forwarded: str, trusted: str) -> str:
    """The address a call comes from: what a trusted proxy says, and only what it says."""
    near = remote
    for told in reversed([*(forwarded.split(",") if forwarded else ()), remote]):
        near = told.strip()
        if not _is_in(near, trusted):
            break
    return near


def _place(address: str) -> str:
    """An address as one place: whoever has one IPv6 address has the whole network of 64 bits."""
    try:
        found = _read(address)
    except ValueError:
        return address[:100]
    return str(ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def _is_in(address: str, networks: str) -> bool:
    try:
        one = _read(address)
        return any(one in ip_network(network.strip()) for network in networks.split(",") if network.strip())
    except ValueError:
        return False


def _read(address: str) -> IPv4Address | IPv6Address:
    """An address; one of IPv4 that was told as IPv6 (`::ffff:192.0.2.1`) is that of IPv4, not everybody's."""
    found = ip_address(address)
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _count(session: Session, now: datetime, limit: Limit, who: str) -> int:
    at_door = select(func.count()).where(Knock.name_sha256 == _mark(limit, who), Knock.at > now - WITHIN)
    return session.scalar(at_door) or 0


def _mark(limit: Limit, who: str) -> str:
    return hashlib.sha256(f"{limit.kind}:{who}".encode("utf-8", "replace")).hexdigest()
