"""Proof: nobody is sent to on an intent that was committed after their opt-out, however closely the two meet.

RACES people (default 10,000, on each database of DATABASE) opt out at the very moment at which a worker takes them: by
withdrawing, by a suppression of the person or of the address, or by choosing nothing. Which came first is the order of
the commits: triggers of this proof number every intent and every opt-out, on SQLite inside its only writer, on
PostgreSQL at the end of the transaction and under a lock that is held until it is committed.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from campaigns.base import new_id
from campaigns.database import Database
from campaigns.delivery import send, states
from campaigns.delivery.backoff import Pace
from campaigns.delivery.tables import Delivery
from campaigns.stakeholders import consent, topics
from service.upgrade import make_tables
from tests.campaigns.delivery.world import KEYED, World
from tests.postgres import cluster

WAVE, RIVALS, A_MESSAGE = 6, 3, 300
PAUSE_S = 0.004
LOCK = 0x50524F46

SQLITE = (
    "CREATE TABLE proof_order (seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, person INTEGER)",
    "CREATE TRIGGER proof_intent AFTER UPDATE ON deliveries WHEN NEW.state = 'sending' AND OLD.state <> 'sending'"
    " BEGIN INSERT INTO proof_order (kind, person) VALUES ('intent', NEW.stakeholder_id); END",
    "CREATE TRIGGER proof_consent AFTER INSERT ON consents WHEN NEW.act = 'withdrawn'"
    " BEGIN INSERT INTO proof_order (kind, person) VALUES ('out', NEW.stakeholder_id); END",
    "CREATE TRIGGER proof_choice AFTER INSERT ON preferences"
    " BEGIN INSERT INTO proof_order (kind, person) VALUES ('out', NEW.stakeholder_id); END",
    "CREATE TRIGGER proof_suppression AFTER INSERT ON suppressions"
    " BEGIN INSERT INTO proof_order (kind, person) SELECT 'out',"
    " coalesce(NEW.stakeholder_id, (SELECT stakeholder_id FROM addresses WHERE key = NEW.address_key)); END",
)
POSTGRESQL = (
    "CREATE TABLE proof_order (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text, person bigint)",
    "CREATE FUNCTION proof_number() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE who bigint; BEGIN"
    " who := NEW.stakeholder_id;"
    " IF TG_ARGV[0] = 'address' THEN who := coalesce(who, (SELECT stakeholder_id FROM addresses"
    " WHERE key = to_jsonb(NEW)->>'address_key')); END IF;"
    f" PERFORM pg_advisory_xact_lock({LOCK});"
    " INSERT INTO proof_order (kind, person) VALUES (CASE TG_ARGV[0] WHEN 'intent' THEN 'intent' ELSE 'out' END, who);"
    " RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER proof_intent AFTER UPDATE ON deliveries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    " WHEN (NEW.state = 'sending' AND OLD.state <> 'sending') EXECUTE FUNCTION proof_number('intent')",
    "CREATE CONSTRAINT TRIGGER proof_consent AFTER INSERT ON consents DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    " WHEN (NEW.act = 'withdrawn') EXECUTE FUNCTION proof_number('out')",
    "CREATE CONSTRAINT TRIGGER proof_choice AFTER INSERT ON preferences DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    " EXECUTE FUNCTION proof_number('out')",
    "CREATE CONSTRAINT TRIGGER proof_suppression AFTER INSERT ON suppressions DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION proof_number('address')",
)
LATE = text(
    "SELECT count(*) FROM proof_order i WHERE i.kind = 'intent' AND EXISTS"
    " (SELECT 1 FROM proof_order o WHERE o.kind = 'out' AND o.person = i.person AND o.seq < i.seq)"
)
IN_FLIGHT = text(
    "SELECT count(DISTINCT i.person) FROM proof_order i JOIN proof_order o ON o.person = i.person AND o.kind = 'out'"
    " WHERE i.kind = 'intent' AND o.seq > i.seq"
)
OUT = text("SELECT count(DISTINCT person) FROM proof_order WHERE kind = 'out'")

Way = Callable[[Session, datetime, Delivery], object]


def _withdraw(session: Session, now: datetime, row: Delivery) -> object:
    return consent.withdraw(
        session, now, row.target, "survey", "email", source="a letter", actor="user:proof"
    )


def _suppress_person(session: Session, now: datetime, row: Delivery) -> object:
    return consent.suppress(
        session, now, channel="email", reason="no_contact", origin="recipient", stakeholder_id=row.target
    )


def _suppress_address(session: Session, now: datetime, row: Delivery) -> object:
    return consent.suppress(
        session, now, channel="email", reason="no_contact", origin="recipient", address_key=row.address_key
    )


def _choose_nothing(session: Session, now: datetime, row: Delivery) -> object:
    return topics.choose(
        session, now, row.target, topics.EVERYTHING, "email", frequency=topics.NONE, source="a letter",
        actor="user:proof",
    )  # fmt: skip


WAYS: tuple[Way, ...] = (_withdraw, _suppress_person, _suppress_address, _choose_nothing)


@dataclass
class Found:
    """Of one database: how many raced, how many lost (their intent was first), and intents after an opt-out."""

    races: int
    in_flight: int
    sent_after: int


class Ring:
    """One database in which people opt out while they are taken."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        make_tables(self.database)
        with self.database.write_engine.begin() as connection:
            for statement in SQLITE if self.database.is_sqlite else POSTGRESQL:
                connection.exec_driver_sql(statement)
        self.world = World(self.database, datetime.now(UTC), KEYED)
        self.pool = ThreadPoolExecutor(RIVALS)
        self.under_way: list[Future[None]] = []

    def run(self, races: int) -> Found:
        for start in range(0, races, A_MESSAGE):
            self._message(range(start, min(start + A_MESSAGE, races)))
            while send.work(self.world.desk(failpoint=self._at, pace=Pace(wave_max=WAVE))):
                self._settle_down()
            print(f"{'SQLite' if self.database.is_sqlite else 'PostgreSQL'}: {self.found()}", file=sys.stderr)
        self.pool.shutdown()
        return self.found()

    def _message(self, numbers: Sequence[int]) -> None:
        self.world.message([f"p{n}" for n in numbers], purpose="survey")
        self.world.tick()

    def _at(self, place: str) -> None:
        """A wave is about to be taken: all of it opts out at this moment, each in one of the ways."""
        if place == "render.after":
            self._settle_down()
            next_rows = (
                select(Delivery).where(Delivery.state == states.QUEUED, Delivery.batch_id.is_not(None))
            ).order_by(Delivery.id).limit(WAVE)  # fmt: skip
            with self.database.read() as session:
                rows = list(session.scalars(next_rows))
            random.shuffle(rows)
            self.under_way = [self.pool.submit(self._out, row) for row in rows]
            time.sleep(random.uniform(0, PAUSE_S))

    def _out(self, row: Delivery) -> None:
        time.sleep(random.uniform(0, PAUSE_S))
        with self.database.write() as session:
            random.choice(WAYS)(session, self.world.time, row)

    def _settle_down(self) -> None:
        for one in self.under_way:
            one.result()
        self.under_way = []

    def found(self) -> Found:
        with self.database.read() as session:
            races, in_flight, late = (
                int(session.execute(one).scalar_one()) for one in (OUT, IN_FLIGHT, LATE)
            )
        return Found(races, in_flight, late)

    def close(self) -> None:
        self.database.close()


def _numbering_works(ring: Ring) -> bool:
    """A doctored pair, an opt-out and then an intent, is seen; it is taken out again."""
    numbers = {"person": new_id()}
    with ring.database.write() as session:
        for kind in ("out", "intent"):
            session.execute(
                text(f"INSERT INTO proof_order (kind, person) VALUES ('{kind}', :person)"),
                numbers,
            )
    seen = ring.found().sent_after == 1
    with ring.database.write() as session:
        session.execute(text("DELETE FROM proof_order WHERE person = :person"), numbers)
    return seen


def prove(url: str, races: int) -> Found:
    """All races on one database."""
    ring = Ring(url)
    try:
        if not _numbering_works(ring):
            raise SystemExit("the proof would not see an intent after an opt-out")
        return ring.run(races)
    finally:
        ring.close()


def everywhere(chosen: str, races: int) -> list[Found]:
    """What was found on each database that was chosen."""
    found = []
    if chosen in ("sqlite", "both"):
        with tempfile.TemporaryDirectory(prefix="dolen-optout-") as folder:
            found.append(prove(f"sqlite:///{Path(folder) / 'dolen.db'}", races))
    if chosen in ("postgresql", "both"):
        with cluster(durable=True) as server:
            found.append(prove(server.create("optout"), races))
    return found


def main() -> None:
    """Run the proof and end with its line of JSON; it fails too where no race was close."""
    found = everywhere(os.environ.get("DATABASE") or "both", int(os.environ.get("RACES") or 10_000))
    line = {
        "proof": "optout",
        **{name: sum(getattr(one, name) for one in found) for name in ("races", "sent_after", "in_flight")},
    }
    print(json.dumps(line))
    close = all(0 < one.in_flight < one.races for one in found)
    sys.exit(bool(line["sent_after"]) or not close)


if __name__ == "__main__":
    main()
