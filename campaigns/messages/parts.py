"""The parts of a post: where a network has threads, a line that holds `---` alone parts one post from the next.

Rules: elsewhere such a line is a line like any other. A part stands by itself: what the template language opens in it
ends in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import regex

from ..errors import BadTemplate, said
from . import render

_RULE = regex.compile(r"^[ \t]*---[ \t]*$", regex.MULTILINE)


def of(text: str, limits: Mapping[str, Any]) -> list[str]:
    """What goes out one after the other for a connector's limits (as data); one part where there are no threads."""
    if (limits.get("parts_max") or 1) == 1:
        return [text]
    return [part for one in _RULE.split(text) if (part := one.strip())] or [text]


def over(limits: Mapping[str, Any], channel: str, text: str) -> list[dict[str, Any]]:
    """What stands against a text as a thread: more parts than the network takes, or one that ends in another."""
    found, most = of(text, limits), limits.get("parts_max") or 1
    wrong = []
    if len(found) > most:
        facts = {"channel": channel, "most": most, "count": len(found)}
        words = said("A thread on {channel} has at most {most} parts, and this one has {count}", **facts)
        wrong.append({"field": "parts", "limit": most, "actual": len(found), "detail": words})
    for number, part in enumerate(found, 1) if len(found) > 1 else ():
        try:
            render.check("", part, "")
        except BadTemplate as error:
            words = said(
                "Part {number} of the thread cannot stand alone: {why}", number=number, why=error.detail
            )
            wrong.append({"field": "parts", "part": number, "detail": words})
    return [{"kind": "thread_not_taken", "channel": channel, **one} for one in wrong]
