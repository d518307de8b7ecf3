"""`dolen work`: a worker process."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from .. import epoch
from ..engines.embedded import run_worker
from . import wired


def arguments(parser: ArgumentParser) -> None:
    """Nothing beyond the settings."""


def run(args: Namespace) -> int:
    """Work until told to stop."""
    wiring = wired()
    if epoch.advance(wiring):
        print(epoch.REASON, file=sys.stderr)
    run_worker(wiring)
    wiring.close()
    return 0
