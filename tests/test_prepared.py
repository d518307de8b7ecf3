"""Statements that are written once for each database and told plain values."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Text, bindparam, select, update

from campaigns.audit import AuditEntry, note
from campaigns.base import Instant, keyed, micros
from campaigns.database import Database
from campaigns.prepared import Prepared, told

from .conftest import NOW

SINCE = Prepared(
    select(AuditEntry.__table__.c.happened_at)
    .where(AuditEntry.__table__.c.happened_at >= bindparam("since", type_=Instant))
    .limit(1)
)


def test_an_instant_goes_in_and_comes_out_as_a_number(database: Database) -> None:
    with database.write() as session:
        note(session, NOW, "test", "test.done", "test", 1)
        session.flush()
        assert SINCE.run(session, since=micros(NOW)).scalar_one() == micros(NOW)
        assert SINCE.run(session, since=micros(datetime.max.replace(tzinfo=UTC))).first() is None


def test_many_rows_are_told_by_their_ids_and_are_of_the_transaction_of_their_session(
    database: Database,
) -> None:
    """Great ids, words of any script, and nothing at all."""
    entry, row = AuditEntry.__table__, keyed("rows", Text)
    renamed = Prepared(update(entry).where(entry.c.id == row.c.id).values(act=row.c.one))  # type: ignore[arg-type]
    writer = database.writer()
    with writer.write() as session:
        for act in ("test.one", "test.two"):
            note(session, NOW, "test", act, "test", 1)
        session.flush()
        first, second = session.scalars(select(AuditEntry.id).order_by(AuditEntry.act))
        words = {str(first): 'cŵn "a" قطط', str(second): "x", str(2**63 - 1): "nobody's"}
        assert renamed.run(session, rows=told(words)).rowcount == 2
        assert renamed.run(session, rows=told({})).rowcount == 0
    writer.close()
    with database.read() as session:
        assert set(session.scalars(select(AuditEntry.act))) == {'cŵn "a" قطط', "x"}


def test_a_value_that_is_told_of_an_id_may_be_none(database: Database) -> None:
    row = keyed("rows", BigInteger)
    both = Prepared(select(row.c.id, row.c.one).order_by(row.c.id))
    with database.read() as session:
        assert both.run(session, rows=told({"7": None, "9": 2**62})).all() == [(7, None), (9, 2**62)]
