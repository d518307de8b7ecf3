"""What is odd about the words of one message: a language that leaves out what another says, a mail that is shown cut.

Rules: these are warnings, and stop nothing. The way out counts as said in every language: it is put in where it lacks.
Source: bad input T15, T16.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy.orm import Session

from . import content, subset
from .tables import Variant

# Gmail shows so much of a mail and hides the rest, the way out with it; what is put in beside our words takes some too.
SHOWN_MAX = 102 * 1024


def warnings(session: Session, content_id: int) -> list[dict[str, Any]]:
    """`other_values` (channel, language, names): what other languages of the channel name and this one does not;
    `clipped` (language, kb, most_kb): a mail that mail programs will not show whole."""
    written: dict[str, list[Variant]] = defaultdict(list)
    for one in content.current(session, content_id):
        written[one.channel].append(one)
    return [
        *(warning for channel in sorted(written) for warning in _other_values(channel, written[channel])),
        *_clipped(written.get("email", [])),
    ]


def _other_values(channel: str, variants: list[Variant]) -> list[dict[str, Any]]:
    named = {one.language: _names(one) for one in variants}
    every = list(dict.fromkeys(name for names in named.values() for name in names))
    found = []
    for language, names in sorted(named.items()):
        if lacking := [name for name in every if name not in names]:
            found.append({"kind": "other_values", "channel": channel, "language": language, "names": lacking})
    return found


def _names(variant: Variant) -> list[str]:
    names = (slot.removesuffix(subset.OPTIONAL) for slot in variant.slots)
    return [name for name in names if name not in subset.LATE]


def _clipped(variants: list[Variant]) -> list[dict[str, Any]]:
    sizes = [(one.language, len(one.html.encode())) for one in variants]
    return [
        {"kind": "clipped", "language": language, "kb": size // 1024, "most_kb": SHOWN_MAX // 1024}
        for language, size in sorted(sizes)
        if size > SHOWN_MAX
    ]
