"""Brings a database to the tables of this release, and a new installation to its first state.

Rules: an upgrade is one transaction, all or nothing, and safe to start from several processes at once.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import campaigns.migrations
from campaigns.database import Database
from campaigns.responses import search
from campaigns.stakeholders import indexes
from campaigns.strategies import programmes

from . import epoch
from .wiring import Wiring, metadata

FOLDER = Path(campaigns.migrations.__file__).parent
NEWER = (
    "the database has the tables of a newer release ({revision}): start that release, or restore the backup "
    "that was made before it"
)
# Any number, as long as every release uses the same: whoever holds it upgrades, the others wait.
LOCK = 0x444F4C45


class NewerTables(OSError):
    """The database was upgraded by a newer release than this one."""


def upgrade(wiring: Wiring) -> None:
    """Run the missing steps, then make what every installation has. Damaged where the file is broken."""
    wiring.database.check_whole()
    make_tables(wiring.database)
    with wiring.database.write() as session:
        programmes.general(session, wiring.now())
        epoch.begin(session)


def make_tables(database: Database) -> None:
    """Run the missing steps, and nothing else."""
    with database.write_engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        if _is_current(connection):
            return
        search.drop(connection)
        indexes.drop(connection)
        command.upgrade(config(connection), "head")
        indexes.make(connection)
        search.make(connection)


def is_current(wiring: Wiring) -> bool:
    """Whether the database has the tables of this release; NewerTables where it has those of a newer one."""
    with wiring.database.read_engine.connect() as connection:
        return _is_current(connection)


def _is_current(connection: Connection) -> bool:
    found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found not in steps():
        raise NewerTables(NEWER.format(revision=found))
    return found == steps()[0]


@cache
def steps() -> tuple[str, ...]:
    """The steps of this release, the newest first."""
    return tuple(one.revision for one in ScriptDirectory(str(FOLDER)).walk_revisions())


def config(connection: Connection) -> Config:
    """Alembic's configuration for this connection."""
    made = Config()
    made.set_main_option("script_location", str(FOLDER))
    made.attributes.update(connection=connection, metadata=metadata)
    return made
