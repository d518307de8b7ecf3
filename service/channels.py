"""On which channels people have addresses, as pages offer them: the usual ones, and where a connector hears people."""

from __future__ import annotations

from functools import cache

from connectors import registry

USUAL = ("email", "sms", "phone", "post", "in_person", "whatsapp")
# What somebody says there. A channel that brings none of it tells nobody's handle.
WORDS = frozenset(("reply", "mention", "like", "boost"))
PRACTICE = "practice"


@cache
def of_people() -> tuple[str, ...]:
    """The usual ones first, the others by name."""
    providers = [registry.provider(name) for name in registry.names()]
    heard = {channel for one in providers if WORDS & {*one.events} for channel in one.channels}
    return (*USUAL, *sorted(heard - {*USUAL, PRACTICE}))
