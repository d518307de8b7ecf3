"""Tells a restored database from the one that was running: a number in the database and in a file beside the keys.

Rules: both rise with every backup and every start of a sender; a database that is older than the file was restored,
and then everything is stopped until a person lifts it, for nothing that may have gone out since may go again.
"""

from __future__ import annotations

import fcntl
import os

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.delivery import repair, stops
from campaigns.stakeholders.rows import insert_missing

from .tables import Installation
from .wiring import Wiring

NAME = "epoch"
ROW = 1
REASON = "The database was restored from a backup: what went out since is not in it. Compare, then lift this."


def begin(session: Session) -> None:
    """Give a new database its number."""
    insert_missing(session, Installation, [{"id": ROW, "epoch": 0}])


def advance(wiring: Wiring) -> bool:
    """Raise both numbers; True where the database turned out to be restored, and everything was stopped."""
    with (
        open(wiring.settings.folder / NAME, "a+", encoding="ascii") as file,
        wiring.database.sessions() as session,
    ):
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        told = int(file.read().strip() or 0)
        row = session.scalars(select(Installation).where(Installation.id == ROW).with_for_update()).one()
        restored = row.epoch < told
        if restored:
            stops.stop(session, wiring.now(), scope="all", reason=REASON, by="dolen")
            repair.lay_down(session, wiring.now(), None, wiring.pace)
        row.epoch = max(row.epoch, told) + 1
        number = row.epoch
        # Committed first: a crash between the two leaves the database newer, which stops nobody.
        session.commit()
        file.truncate(0)
        file.write(f"{number}\n")
        file.flush()
        os.fsync(file.fileno())
    return restored
