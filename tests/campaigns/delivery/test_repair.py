"""Work that waits or is in hand, and what a person may do about it: nothing goes twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery import batch, control, repair, send
from campaigns.delivery.backoff import Pace
from campaigns.delivery.tables import Attempt, Batch, Delivery
from campaigns.errors import BadField, Conflict
from campaigns.messages.tables import Message

from .world import BLIND, KEYED, Died, World


def kinds(world: World) -> dict[str, int]:
    """How many batches there are of each kind."""
    with world.database.read() as session:
        return {
            kind: len(session.scalars(select(Batch.id).where(repair.of_kind(kind, world.time))).all())
            for kind in repair.KINDS
        }


def the_batch(session: Session) -> Batch:
    return session.scalars(select(Batch)).one()


def died(world: World, place: str) -> None:
    """A worker dies at this place."""

    def die(name: str) -> None:
        if name == place:
            raise Died

    with pytest.raises(Died):
        send.work(world.desk(failpoint=die))


def test_work_is_due_then_late_then_in_hand_and_dead_once_it_lost_a_worker(
    database: Database, now: datetime
) -> None:
    """K6"""
    world = World(database, now)
    world.message(["ann", "bob"])
    world.tick()
    assert kinds(world) == {"due": 1, "late": 0, "leased": 0, "dead": 0}
    world.later(minutes=3)
    assert kinds(world) == {"due": 1, "late": 1, "leased": 0, "dead": 0}
    with database.write() as session:
        assert repair.rows_of(session, [the_batch(session).id]) == {the_batch(session).id: 2}
    died(world, "claim.after_commit")
    assert kinds(world) == {"due": 0, "late": 0, "leased": 1, "dead": 0}
    world.recover()
    assert kinds(world) == {"due": 1, "late": 1, "leased": 0, "dead": 1}


@pytest.mark.parametrize(
    ("repeats", "states"),
    [(KEYED, ["sent", "sent"]), (BLIND, ["unknown", "unknown"])],
    ids=["keyed", "blind"],
)
def test_what_is_taken_from_a_worker_in_the_middle_goes_once(
    database: Database, now: datetime, repeats: object, states: Sequence[str]
) -> None:
    """K6: the worker is gone for good, and nobody waits for its lease to end."""
    world = World(database, now, repeats)  # type: ignore[arg-type]
    message_id = world.message(["ann", "bob"])
    world.tick()
    died(world, "net.after_reply")
    assert sorted(world.wire.accepted) == ["ann@example.org", "bob@example.org"]
    with database.write() as session:
        repair.requeue(session, world.time, the_batch(session), Pace())
    world.later(minutes=5)
    world.run()
    assert list(world.states(message_id).values()) == states
    assert sorted(world.wire.accepted) == ["ann@example.org", "bob@example.org"]


def test_a_worker_whose_work_was_taken_writes_what_it_learnt_and_sends_no_more(
    database: Database, now: datetime
) -> None:
    world = World(database, now, BLIND, in_flight=1)
    message_id = world.message([f"p{n:02}" for n in range(20)])
    world.tick()

    def take_it(name: str) -> None:
        if name == "net.after_reply":
            with database.write() as session:
                repair.requeue(session, world.time, the_batch(session), Pace())

    send.work(world.desk(failpoint=take_it))
    assert list(world.states(message_id).values()) == ["sent"] * 8 + ["queued"] * 12
    world.run()
    assert len(world.wire.accepted) == len(set(world.wire.accepted)) == 20


@pytest.mark.parametrize(("outcome", "state"), [("sent", "sent"), ("failed", "failed:marked_failed")])
def test_the_rows_of_a_batch_are_marked_and_do_not_go(
    database: Database, now: datetime, outcome: str, state: str
) -> None:
    """K6: after a restore, what the provider's log says has gone is not sent again."""
    world = World(database, now)
    message_id = world.message(["ann", "bob"])
    world.tick()
    with database.write() as session:
        marked = repair.mark(
            session, now, the_batch(session), outcome=outcome, by="console", evidence="relay's log"
        )
        assert marked == 2
    world.run()
    assert world.wire.accepted == [] and set(world.states(message_id).values()) == {state}
    assert world.state(message_id) == "finished"
    assert world.rows(message_id)[0].error == {"by": "console", "evidence": "relay's log"}


def test_what_is_in_hand_gone_or_without_evidence_is_not_marked(database: Database, now: datetime) -> None:
    world = World(database, now)
    world.message(["ann"])
    world.tick()
    with database.write() as session:
        found = the_batch(session)
        with pytest.raises(BadField):
            repair.mark(session, now, found, outcome="queued", by="console", evidence="why")
        with pytest.raises(BadField):
            repair.mark(session, now, found, outcome="sent", by="console", evidence=" ")
        held = batch.claim(session, now, "a worker", 60.0)
        assert held is not None
        with pytest.raises(Conflict):
            repair.mark(session, now, found, outcome="sent", by="console", evidence="why")
        batch.give_back(session, held)
    world.run()
    with database.write() as session, pytest.raises(Conflict):
        repair.requeue(session, now, found, Pace())


def test_one_row_that_waits_is_marked_as_gone_and_its_neighbour_goes(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    message_id = world.message(["ann", "bob"])
    world.tick()
    ann = world.rows(message_id)[0]
    with database.write() as session:
        row = session.get_one(Delivery, ann.id)
        with pytest.raises(Conflict):
            control.decide(session, now, row, outcome="queued", by="console", evidence="again")
        control.decide(session, now, row, outcome="sent", by="console", evidence="she has it")
    world.run()
    assert world.states(message_id) == {"ann": "sent", "bob": "sent"}
    assert world.wire.accepted == ["bob@example.org"]
    with database.read() as session:
        assert session.scalars(select(Attempt.outcome)).all() == ["decided_sent"]


def test_what_would_be_repeated_waits_for_a_person_while_its_message_is_paused(
    database: Database, now: datetime
) -> None:
    world = World(database, now, KEYED)
    message_id = world.message(["ann"])
    world.tick()
    died(world, "net.after_reply")
    world.recover()

    def undecided() -> list[int]:
        with database.read() as session:
            rows = select(Delivery.id).join(Message, Message.id == Delivery.message_id)
            return list(session.scalars(rows.where(control.undecided())))

    assert undecided() == []
    with database.write() as session:
        control.pause(session, now, session.get_one(Message, message_id))
    world.later(seconds=30)
    world.run()
    assert undecided() == [world.rows(message_id)[0].id]
    with database.write() as session:
        row = session.get_one(Delivery, undecided()[0])
        control.decide(session, world.time, row, outcome="sent", by="console", evidence="she has it")
    assert undecided() == [] and world.states(message_id) == {"ann": "sent"}
    with database.write() as session:
        control.resume(session, world.time, session.get_one(Message, message_id))
    world.run()
    assert world.wire.accepted == ["ann@example.org"] and world.state(message_id) == "finished"
