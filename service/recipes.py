"""What each kind of export is made of."""

from __future__ import annotations

from pathlib import Path

from . import exports, leaving, subject_access
from .tables import Export
from .wiring import Wiring


def recipe(wiring: Wiring, export: Export, work: Path) -> exports.Recipe:
    """The parts of one export."""
    made = subject_access.recipe if export.kind == "person" else leaving.recipe
    return made(wiring, export, work)
