"""What a person may do with a message on its way."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from campaigns.database import Database
from campaigns.delivery import accounts, batch, control, release, send, stops
from campaigns.delivery.backoff import Pace
from campaigns.delivery.tables import Account, Attempt, Batch
from campaigns.errors import AlreadyDone, AlreadySending, BadField, Conflict
from campaigns.messages import messages
from campaigns.messages.tables import Message
from connectors.api import Deferred, Outbound, Uncertain

from .world import BLIND, Died, World


def test_after_cancel_nobody_is_sent_to_and_the_counts_say_so(database: Database, now: datetime) -> None:
    """E4"""
    world = World(database, now)
    message_id = world.message(["ann", "bob"], at=now + timedelta(minutes=5))
    world.tick()
    with database.write() as session:
        counts = control.cancel(session, now, session.get_one(Message, message_id))
    assert (counts["cancelled"], counts["in_flight"], counts["sent"]) == (2, 0, 0)
    with database.write() as session:
        assert control.cancel(session, now, session.get_one(Message, message_id)) == counts
    world.later(hours=1)
    world.run()
    assert world.wire.accepted == [] and world.state(message_id) == "cancelled"


def test_cancel_between_waves_stops_the_rest(database: Database, now: datetime) -> None:
    """E4: eight rows are in flight when it comes; they end, the others are withdrawn."""
    world = World(database, now, in_flight=1)
    names = [f"p{n:02}" for n in range(20)]
    message_id = world.message(names)
    world.tick()

    def cancel_once(name: str) -> None:
        if name == "net.after_reply" and world.state(message_id) == "sending":
            with database.write() as session:
                control.cancel(session, now, session.get_one(Message, message_id))

    send.work(world.desk(failpoint=cancel_once))
    world.run()
    states = list(world.states(message_id).values())
    assert len(world.wire.accepted) == states.count("sent") == 8
    assert states.count("cancelled") == 12


def test_a_paused_message_goes_on_when_it_is_resumed(database: Database, now: datetime) -> None:
    """E4"""
    world = World(database, now, in_flight=1)
    message_id = world.message([f"p{n:02}" for n in range(20)])
    world.tick()

    def pause_once(name: str) -> None:
        if name == "net.after_reply" and world.state(message_id) == "sending":
            with database.write() as session:
                control.pause(session, now, session.get_one(Message, message_id))

    send.work(world.desk(failpoint=pause_once))
    world.run()
    assert len(world.wire.accepted) == 8 and world.state(message_id) == "paused"
    with database.write() as session:
        control.resume(session, now, session.get_one(Message, message_id))
    world.run()
    assert len(world.wire.accepted) == 20 and world.state(message_id) == "finished"


def test_retry_touches_only_what_failed_for_a_passing_reason(database: Database, now: datetime) -> None:
    """E6: who got it is not written to again."""
    world = World(database, now)

    def busy(_outbound: Outbound) -> None:
        raise Deferred("busy")

    world.wire.answers = {"bob@example.org": busy}
    message_id = world.message(["ann", "bob"])
    for _ in range(40):
        world.run()
        world.later(hours=4)
    assert world.states(message_id) == {"ann": "sent", "bob": "failed:lifetime_over"}
    assert world.state(message_id) == "finished"
    world.wire.answers = {}
    with database.write() as session:
        assert control.retry(session, world.time, session.get_one(Message, message_id)) == {"requeued": 1}
    world.run()
    assert world.states(message_id) == {"ann": "sent", "bob": "sent"}
    assert sorted(world.wire.accepted) == ["ann@example.org", "bob@example.org"]
    with database.write() as session:
        assert control.retry(session, world.time, session.get_one(Message, message_id)) == {"requeued": 0}


@pytest.mark.parametrize("scope", stops.SCOPES)
def test_a_stop_holds_until_it_is_lifted(database: Database, now: datetime, scope: str) -> None:
    """E13: at each scope; nothing is excluded, and what was held goes by itself."""
    from .test_release import to_group

    world = World(database, now)
    message_id = to_group(world, ["ann"])
    with database.read() as session:
        segment_id = session.get_one(Message, message_id).segment_id or 0
    refs = {"all": 0, "account": world.account_id, "programme": world.programme_id, "segment": segment_id}
    with database.write() as session:
        stop = stops.stop(session, now, scope=scope, ref_id=refs[scope], reason="wrong list", by="user:ann")
    world.run()
    assert world.wire.accepted == [] and world.state(message_id) == "held"
    with database.write() as session:
        stops.lift(session, now, stop.id, by="user:bob", why="right list")
    world.run()
    assert world.wire.accepted == ["ann@example.org"]


def test_a_stop_of_one_account_leaves_the_others_alone(database: Database, now: datetime) -> None:
    world = World(database, now)
    with database.write() as session:
        other = accounts.create(session, now, name="other", connector="scripted", channel="email")
        accounts.declare(other, world.connector)
        stops.stop(session, now, scope="account", ref_id=other.id, reason="broken", by="user:ann")
    world.message(["ann"])
    world.run()
    assert world.wire.accepted == ["ann@example.org"]


def test_a_stop_without_a_reason_is_refused(database: Database, now: datetime) -> None:
    with database.write() as session, pytest.raises(BadField):
        stops.stop(session, now, scope="all", reason=" ", by="user:ann")


def test_a_stop_is_lifted_once(database: Database, now: datetime) -> None:
    with database.write() as session:
        stop = stops.stop(session, now, scope="all", reason="-", by="user:ann")
        stops.lift(session, now, stop.id, by="user:ann", why="-")
        with pytest.raises(AlreadyDone):
            stops.lift(session, now, stop.id, by="user:ann", why="-")


def test_a_test_goes_to_colleagues_and_is_counted_apart(database: Database, now: datetime) -> None:
    """C8"""
    from campaigns.delivery import reconcile

    world = World(database, now)
    message_id = world.message(["ann"], at=now + timedelta(days=1))
    with database.write() as session:
        message = session.get_one(Message, message_id)
        rows = release.sample(session, message, now, None)
        control.test_send(session, now, message, rows, ["checker@dolen.example"])
    world.run()
    assert [(one.to, str(one.text)) for one in world.wire.outbound] == [
        ("checker@dolen.example", "Hello ann")
    ]
    with database.read() as session:
        assert reconcile.counts(session, message_id)["sent"] == 0
        assert reconcile.counts(session, message_id, "test")["sent"] == 1


def test_a_post_is_tested_through_each_of_its_accounts(database: Database, now: datetime) -> None:
    """C8: also where both are of one channel, and for each of those who look at it."""
    world, other = World(database, now, broadcast=True), World(database, now, broadcast=True, name="other")
    message_id = world.message([], at=now + timedelta(days=1), text="Hello")
    lookers = ["ann@dolen.example", "ben@dolen.example"]
    with database.write() as session:
        for one in (world, other):
            session.get_one(Account, one.account_id).test = True
        message = session.get_one(Message, message_id)
        messages.edit(session, now, message, accounts=[(one.account_id, "email") for one in (world, other)])
        control.test_send(session, now, message, release.sample(session, message, now, None), lookers)
    world.run()
    assert sorted(one.to for one in world.wire.outbound) == sorted(lookers * 2)


def test_a_test_of_a_post_is_never_seen_by_everybody(database: Database, now: datetime) -> None:
    """C8: a test goes to colleagues only, and a post has no addresses."""
    world = World(database, now, broadcast=True)
    message_id = world.message([], at=now + timedelta(days=1), text="Hello")
    with database.write() as session:
        message = session.get_one(Message, message_id)
        with pytest.raises(Conflict, match="everybody would see"):
            control.test_send(
                session, now, message, release.sample(session, message, now, None), ["a@b.example"]
            )
    world.run()
    assert world.wire.outbound == []


def test_two_accounts_that_write_to_the_same_people_are_refused_however_they_were_chosen(
    database: Database, now: datetime
) -> None:
    """A release of such a message would fail at each tick: both rows of a person have one key."""
    world, other = World(database, now), World(database, now, name="other")
    message_id = world.message(["ann"], at=now + timedelta(days=1))
    with database.write() as session:
        message = session.get_one(Message, message_id)
        control.take_back(session, now, message)
        with pytest.raises(BadField, match="one for each channel") as refused:
            messages.edit(
                session, now, message, accounts=[(one.account_id, "email") for one in (world, other)]
            )
        assert refused.value.pointer == "/accounts"


def test_what_has_gone_cannot_be_edited(database: Database, now: datetime) -> None:
    world = World(database, now)
    message_id = world.message(["ann"])
    world.run()
    with database.write() as session, pytest.raises(AlreadySending):
        control.take_back(session, now, session.get_one(Message, message_id))


def test_only_an_open_row_can_be_decided_and_only_with_evidence(database: Database, now: datetime) -> None:
    world = World(database, now, BLIND)

    def silent(_outbound: Outbound) -> None:
        raise Uncertain("dropped")

    world.wire.answers = {"ann@example.org": silent}
    message_id = world.message(["ann"])
    world.run()
    (row,) = world.rows(message_id)
    with database.write() as session:
        with pytest.raises(BadField):
            control.decide(session, now, row, outcome="sent", by="user:ann", evidence=" ")
        with pytest.raises(BadField):
            control.decide(session, now, row, outcome="gone", by="user:ann", evidence="-")
        control.decide(session, now, row, outcome="queued", by="user:ann", evidence="the relay was down")
        with pytest.raises(Conflict):
            control.decide(session, now, row, outcome="queued", by="user:ann", evidence="-")
    world.wire.answers = {}
    world.run()
    assert world.states(message_id) == {"ann": "sent"}
    with database.write() as session, pytest.raises(Conflict):
        control.decide(session, now, row, outcome="failed", by="user:ann", evidence="-")


def test_a_row_that_takes_its_worker_with_it_becomes_poison_and_its_neighbours_go(
    database: Database, now: datetime
) -> None:
    """F40, rule 10."""
    world = World(database, now, in_flight=1)
    message_id = world.message(["ann", "bob", "cai"])
    world.tick()
    victim = world.rows(message_id)[1].id

    def dies_on_bob(name: str) -> None:
        with database.read() as session:
            held = session.query(Batch).one_or_none()
        if name == "render.after" and held and (held.deaths < 2 or held.alone_id == victim):
            raise Died

    for _ in range(12):
        try:
            while send.work(world.desk(failpoint=dies_on_bob)):
                pass
        except Died:
            world.recover()
    world.run()
    assert world.states(message_id) == {"ann": "sent", "bob": "failed:poison", "cai": "sent"}


def test_recovery_leaves_a_batch_alone_whose_worker_still_has_time(database: Database, now: datetime) -> None:
    world = World(database, now)
    world.message(["ann"])
    world.tick()
    with database.write() as session:
        held = batch.claim(session, now, "somebody", 60.0)
        assert held is not None
        assert batch.recover(session, now, Pace()) == 0
        assert batch.claim(session, now, "another", 60.0) is None


def test_the_token_of_an_old_claim_writes_nothing(database: Database, now: datetime) -> None:
    world = World(database, now)
    world.message(["ann"])
    world.tick()
    with database.write() as session:
        old = batch.claim(session, now, "old", 60.0)
    world.recover()
    with database.write() as session:
        new = batch.claim(session, now, "new", 60.0)
        assert old is not None and new is not None and new.token > old.token
        assert not batch.renew(session, old, 60.0)
        batch.give_back(session, old)
        assert session.query(Batch).one().owner == "new"


def test_every_attempt_that_was_not_plain_success_is_on_record(database: Database, now: datetime) -> None:
    world = World(database, now)

    def busy(_outbound: Outbound) -> None:
        raise Deferred("greylisted", code="450", phase="rcpt")

    world.wire.answers = {"ann@example.org": busy}
    world.message(["ann"])
    world.run()
    with database.read() as session:
        (attempt,) = session.query(Attempt).all()
        assert (attempt.n, attempt.outcome, attempt.phase) == (1, "deferred", "rcpt")
        assert attempt.error == {"words": "greylisted", "code": "450", "phase": "rcpt"}


def test_an_account_that_cannot_be_set_up_keeps_its_rows(database: Database, now: datetime) -> None:
    from connectors.api import AccountGone

    world, alarms = World(database, now), []

    def broken(_session: object, _account: Account) -> object:
        raise AccountGone("no such host")

    message_id = world.message(["ann"])
    world.run(connect=broken, alarm=lambda name, account: alarms.append(account))
    assert alarms == ["mail"] and world.states(message_id) == {"ann": "queued"}
