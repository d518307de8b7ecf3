"""The commands of `dolen`, one file each: `arguments(parser)` says what it takes, `run(args)` does it."""

from __future__ import annotations

from .. import observe
from ..settings import load
from ..upgrade import is_current
from ..wiring import Wiring


class NotUpgraded(OSError):
    """The database does not have the tables of this release."""


def wired(*, upgraded: bool = True) -> Wiring:
    """The installation that settings and environment name; `upgraded` where its tables must be there."""
    settings = load()
    observe.set_up(settings.log.level)
    wiring = Wiring(settings)
    wiring.database.check()
    if upgraded and not is_current(wiring):
        raise NotUpgraded("the database does not have the tables of this release: run `dolen db upgrade`")
    return wiring
