"""How many reactions posts on Discord have; Discord counts nothing else of them."""

from __future__ import annotations

from collections.abc import Sequence

from ..api import Reading
from .client import Client, one
from .poll import reactions


def metrics(client: Client, names: Sequence[str]) -> list[Reading]:
    """The likes of these posts; those that are gone are left out."""
    found = []
    for name in names:
        answer = client.read(f"{client.channel}/messages/{name}", show=(404,))
        if answer.status == 200:
            found.append(Reading(name, "likes", reactions(one(answer))))
    return found
