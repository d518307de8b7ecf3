"""A corpus of incoming mail, written for this purpose: reports, complaints, machines' answers and people.

Rules: the shapes are those of real servers and mail programs, the words are ours; every sample says what it is. It is
read by rules, so a sample that is read wrongly changes a rule and never becomes a case of its own.
"""

from __future__ import annotations

from . import arf, automatic, dsn, people
from .shape import Expected, Sample


def samples() -> list[Sample]:
    """The whole corpus, always the same."""
    return [*dsn.samples(), *arf.samples(), *automatic.samples(), *people.samples()]


__all__ = ["Expected", "Sample", "samples"]
