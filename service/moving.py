"""Moving an installation to another database, its pending work included.

Rules: everything or nothing; nobody writes to the old database meanwhile, and afterwards it is stopped, so that what
moved is not sent from both. Rows keep their ids, so links, Message-IDs and keys at providers stay what they were.
Source: K2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Table, exists, func, insert, select, text, update

from campaigns.database import Database
from campaigns.delivery import stops
from campaigns.delivery.tables import Batch
from campaigns.errors import Conflict, said
from campaigns.stakeholders import indexes

from .upgrade import make_tables
from .wiring import Wiring, metadata

CHUNK = 1000
REASON = "This installation was moved to another database: start it there"


def move(wiring: Wiring, url: str) -> int:
    """Copy everything to the empty database at `url`, then stop this one; how many rows went.

    Conflict where a worker has something in hand, or where the other database is not empty.
    """
    target = Database(url)
    try:
        target.check()
        make_tables(target)
        with wiring.database.sessions.begin() as session, target.write_engine.begin() as there:
            here = session.connection()
            _alone(here, wiring.database)
            _empty(there)
            rows = sum(_copy(here, there, table) for table in metadata.sorted_tables)
            indexes.make(there)
            stops.stop(session, wiring.now(), scope="all", reason=REASON, by="console")
        return rows
    finally:
        target.close()


def _alone(here: Connection, database: Database) -> None:
    """Keep everybody else from writing until the end; SQLite's write engine has done so already."""
    if not database.is_sqlite:
        names = ", ".join(table.name for table in metadata.sorted_tables)
        here.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))
    if here.scalar(select(exists().where(Batch.owner.is_not(None)))):
        raise Conflict("a worker has a batch in hand: stop Dolen, wait for the lease to end, and try again")


def _empty(there: Connection) -> None:
    for table in metadata.sorted_tables:
        if there.scalar(select(func.count()).select_from(table)):
            raise Conflict(said("the other database is not empty: it has rows in {name}", name=table.name))


def _copy(here: Connection, there: Connection, table: Table) -> int:
    """One table. What points into the table itself is written when all its rows are there."""
    later = [
        column.name
        for column in table.columns
        if any(key.column.table is table for key in column.foreign_keys)
    ]
    count = 0
    for rows in _chunks(here, table):
        there.execute(insert(table), [row | dict.fromkeys(later) for row in rows])
        count += len(rows)
    for rows in _chunks(here, table) if later else ():
        for row in rows:
            if any(row[name] is not None for name in later):
                values = {name: row[name] for name in later}
                there.execute(update(table).where(table.c.id == row["id"]).values(values))
    return count


def _chunks(here: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    found = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=CHUNK)
    for part in here.execute(found).mappings().partitions():
        yield [dict(row) for row in part]
