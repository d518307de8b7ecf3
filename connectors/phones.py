"""Numbers of phones as networks take them (E.164), out of the ways people write them."""

from __future__ import annotations

import re


def number(written: str) -> str:
    """+44 (0)29 2000-0000 is +442920000000: the nought is for calls within the country, 00 is how many dial +."""
    return re.sub(r"^00", "+", re.sub(r"\(0\)|[\s().-]", "", written))
