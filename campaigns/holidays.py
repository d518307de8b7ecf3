"""Bank holidays, computed: nothing is asked of anybody and no list grows old.

Source: Banking and Financial Dealings Act 1971, sch. 1.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

from dateutil.easter import easter

# Whose holidays are known; none: every day is like another.
KNOWN = ("", "england_and_wales")


@cache
def bank_holidays(year: int) -> frozenset[date]:
    """The bank holidays of England and Wales."""
    sunday, one = easter(year), timedelta(days=1)
    found = {sunday - 2 * one, sunday + one, _monday(year, 5, 1), _monday(year, 6, 1) - 7 * one}
    found.add(_monday(year, 9, 1) - 7 * one)
    for fixed in (date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)):
        on = fixed
        while on.weekday() > 4 or on in found:  # moved to the next working day
            on += one
        found.add(on)
    return frozenset(found)


def _monday(year: int, month: int, day: int) -> date:
    """The first Monday from this day on."""
    first = date(year, month, day)
    return first + timedelta(days=-first.weekday() % 7)
