"""Numbers of phones, as people write them."""

from __future__ import annotations

import pytest

from connectors.phones import number


@pytest.mark.parametrize(
    "written",
    ["+442920000000", "+44 29 2000 0000", "+44 (0)29 2000-0000", "0044 29.2000.0000", " +44(0)2920000000 "],
)
def test_a_number_is_the_same_however_it_is_written(written: str) -> None:
    """D5"""
    assert number(written) == "+442920000000"
