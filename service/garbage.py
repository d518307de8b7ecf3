"""Keeps the collector of cycles from stopping everybody: what lived through a full collection is not looked at again.

Rules: refcounting frees nearly all of what a request leaves; a full collection walks every object there is, and with
templates, words and statements in memory (340,000 objects) that stops the process for 0.2 s. Cycles among what was set
aside are found when all of it is looked at again, once in AGAIN full collections.
"""

from __future__ import annotations

import gc
from itertools import count
from typing import Any

AGAIN = 64
# New objects between two young collections (Python: 700): a batch of letters is thousands that refcounting frees.
YOUNG = 5_000


def set_aside() -> None:
    """From now on, in this process, leave out of a full collection what the one before has kept."""
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    gc.callbacks.append(_SetAside())


class _SetAside:
    def __init__(self) -> None:
        self._turns = count(1)

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        if info["generation"] < 2:
            return
        if phase == "stop":
            gc.freeze()
        elif next(self._turns) % AGAIN == 0:
            gc.unfreeze()
