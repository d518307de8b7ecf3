"""A provider with one address for everybody: the door opens for it, or for a double of it on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from .api import Setting
from .http import Door
from .own_server import LOOPBACK


def settings(base_url: str, deadline_s: float = 30.0) -> tuple[Setting, Setting]:
    """What every such connector lets people set."""
    return (
        Setting("deadline_s", "seconds that one call may take", default=deadline_s),
        Setting(
            "base_url", "another address only for practice on this machine", default=base_url, where=True
        ),
    )


def problems(given: Mapping[str, Any], base_url: str) -> dict[str, str]:
    """What is wrong with them, by the name of the setting."""
    wrong: dict[str, str] = {}
    if given["base_url"] != base_url and urlsplit(given["base_url"]).hostname not in LOOPBACK:
        wrong["base_url"] = f"is {base_url}, or on this machine for practice"
    if not 0 < given["deadline_s"] <= 120:
        wrong["deadline_s"] = "is more than 0 and at most 120"
    return wrong


def door(
    given: Mapping[str, Any],
    base_url: str,
    *,
    secrets: Iterable[str],
    others: Iterable[str] = (),
    **bounds: Any,
) -> Door:
    """A door to the provider and its `others` (names of hosts), or to this machine alone where that is practised on."""
    practice = given["base_url"] != base_url
    hosts = (urlsplit(base_url).hostname or "", *others)
    return Door(
        only_hosts=LOOPBACK if practice else hosts,
        allow_hosts=LOOPBACK if practice else (),
        deadline_s=given["deadline_s"],
        secrets=secrets,
        **bounds,
    )
