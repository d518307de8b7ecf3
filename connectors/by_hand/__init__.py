"""Media that no program reaches: notice boards, local papers, leaflets, closed groups. People do it and say so.

To hand something over is to put it into people's hands, which the domain does: there is no network and nothing to lose,
so the same thing given out again is the same piece of work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..api import BadSettings, Connector, Keyed, Limits, Outbound, Provider, Receipt, Setting

PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")
LIMITS = Limits(media_max=20, media_types=PICTURES, in_flight=1, deadline_s=5.0)
# The hand-over is a row of our own, and is there for good.
REPEATS = Keyed(life_s=10 * 365 * 86_400.0)


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """One place where people put things up. BadSettings."""
    if settings["text_max"] < 0:
        raise BadSettings({"text_max": "is 0 or more"})
    return Connector(
        name=PROVIDER.name,
        channel="by_hand",
        broadcast=True,
        limits=replace(LIMITS, text_max=settings["text_max"] or None),
        repeats=REPEATS,
        verify=lambda: None,
        send=give_out,
    )


def give_out(outbound: Outbound) -> Receipt:
    """It is people's from now on, under the name it has with us."""
    return Receipt(outbound.key, with_people=True)


PROVIDER = Provider(
    name="by_hand",
    channels=("by_hand",),
    about="By hand: notice boards, local papers, leaflets. People do it and show that they have.",
    settings=(
        Setting("place", "where it is put up or printed, and what to heed there", default=""),
        Setting("text_max", "characters that a text may have, 0 for any number", default=0),
    ),
    limits=LIMITS,
    repeats="keyed",
    faces=("by_people",),
    events=(),
    connect=connect,
)
