"""What lived through a full collection is set aside, and looked at again in the end."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from service import garbage


class Knot:
    """Something that refers to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def aside() -> Iterator[None]:
    before, threshold = list(gc.callbacks), gc.get_threshold()
    garbage.set_aside()
    yield
    gc.callbacks[:] = before
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_what_a_full_collection_has_kept_is_set_aside(aside: None) -> None:
    gc.collect()
    assert gc.get_freeze_count() > 1_000


def test_a_knot_that_was_set_aside_is_freed_when_everything_is_looked_at_again(aside: None) -> None:
    knot = Knot()
    gc.collect()
    gone = weakref.ref(knot)
    del knot
    gc.collect()
    assert gone() is not None
    for _ in range(garbage.AGAIN):
        gc.collect()
    assert gone() is None
