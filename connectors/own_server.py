"""A server that people run themselves: its address is a setting of the account, and the door opens for it alone.

Rules: https, on whatever port: what is no such server hears nothing but the beginning of TLS. http only on this
machine, where whoever runs the installation allows that.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from .api import AccountGone, BadSettings
from .http import Door

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def door(url: str, *, deadline_s: float, secrets: Iterable[str], connections: int = 1) -> Door:
    """A door to this server and to nowhere else; the url was checked."""
    parts = urlsplit(_canonical(url))
    host = parts.hostname or ""
    return Door(
        only_hosts=(host,),
        allow_hosts=(host,) if host in LOOPBACK else (),
        ports=(parts.port or 443,),
        deadline_s=deadline_s,
        secrets=secrets,
        connections=connections,
    )


def check(url: str, deadline_s: float, name: str = "url") -> None:
    """BadSettings where this is not the address of a server, or the seconds are none that can be waited."""
    wrong: dict[str, str] = {}
    if not _canonical(url):
        wrong[name] = "is an address that begins with https://, without a name or password in it"
    if not 0 < deadline_s <= 120:
        wrong["deadline_s"] = "is more than 0 and at most 120"
    if wrong:
        raise BadSettings(wrong)


def is_local(url: str) -> bool:
    """Whether it leads to this machine, however that is spelt."""
    return urlsplit(_canonical(url)).hostname in LOOPBACK


def _canonical(url: str) -> str:
    """The address as the door spells it; "" for one that it would never open for."""
    try:
        port = urlsplit(url).port or 443
        return Door(allow_hosts=LOOPBACK, ports=(port,)).check(url)
    except (ValueError, AccountGone):
        return ""
