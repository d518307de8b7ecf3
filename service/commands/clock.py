"""`dolen clock`: the process that says when."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from .. import garbage
from ..clock import run_clock
from . import wired


def arguments(parser: ArgumentParser) -> None:
    """Nothing beyond the settings."""


def run(args: Namespace) -> int:
    """Tick until told to stop."""
    wiring = wired()
    garbage.set_aside()
    run_clock(wiring)
    wiring.close()
    return 0
