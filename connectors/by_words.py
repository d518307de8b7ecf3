"""Networks that keep no key of ours: what may have gone is known by its words since the first intent.

Rules: words are no proof, since a colleague may have posted the same: such a network is Findable and never exact. What
it refuses because it has it already may have gone before, and is looked for at once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta

from .api import ConnectorError, Outbound, Receipt, Refused, Uncertain

# Our clock is not theirs, and some of them tell whole seconds.
SKEW = timedelta(seconds=60)


def comparable(text: str) -> str:
    """Words as they may be given back, made the same as they were written."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def since(outbound: Outbound) -> datetime | None:
    """From when on it may have gone; None where nobody knows."""
    return None if outbound.since is None else outbound.since - SKEW


def went_before(find: Callable[[Outbound], Receipt | None], outbound: Outbound, refused: Refused) -> Receipt:
    """What was refused because it is there already; Uncertain with code `duplicate` where it is not found."""
    try:
        found = find(outbound)
    except ConnectorError as error:
        words = f"{refused.words}; looking for it: {error.words}"
        raise Uncertain(words, code="duplicate", phase="answer") from error
    if found is None:
        raise Uncertain(refused.words, code="duplicate", phase="answer")
    return found
