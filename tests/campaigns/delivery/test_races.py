"""Two at once, and trouble in the middle: nobody gets it twice, nothing is lost, nothing stays for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery import accounts, batch, control, reconcile, release, resolve, send
from campaigns.delivery.backoff import Pace
from campaigns.delivery.tables import Account, Attempt, Batch, Delivery
from campaigns.errors import AlreadySending, Conflict
from campaigns.messages import content
from campaigns.messages.tables import Message, Occurrence
from campaigns.responses import polling
from campaigns.stakeholders import addresses, consent, people
from connectors.api import (
    AccountGone,
    AddressGone,
    BadSettings,
    ConnectorError,
    Deferred,
    Outbound,
    Polled,
    Receipt,
    Refused,
    Uncertain,
)

from .rival import Rival
from .test_release import MANY, to_group
from .test_send import after_accepting, raising
from .world import BLIND, FINDABLE, KEYED, World


def in_own_session(database: Database, act: Callable[[Session], object]) -> Callable[[], object]:
    def run() -> object:
        with database.write() as session:
            return act(session)

    return run


def message_of(session: Session, message_id: int) -> Message:
    return session.get_one(Message, message_id)


def new_words(session: Session, now: datetime, message_id: int, text: str = "Changed") -> None:
    item = content.get(session, message_of(session, message_id).content_id)
    content.save_variant(
        session, now, item, channel="email", language="en", author="user:ann", subject="Hi", text=text
    )


# --- nobody gets it twice -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("second", [Deferred("busy"), AccountGone("revoked")], ids=["busy", "account gone"])
def test_a_repeat_that_is_put_off_is_no_proof_that_the_first_had_not_gone(
    database: Database, now: datetime, second: ConnectorError
) -> None:
    """D9: accepted, then silence; the repeat is put off until the provider has forgotten the key."""
    world = World(database, now, KEYED)
    world.wire.answers = {"ann@example.org": after_accepting(world, Uncertain("timeout"))}
    message_id = world.message(["ann"])
    world.run()
    world.later(minutes=1)
    world.wire.answers = {"ann@example.org": raising(second)}
    world.run()
    world.later(days=2)
    world.wire.answers, world.wire.keys = {}, {}
    with database.write() as session:
        accounts.restore(session, session.get_one(Account, world.account_id), world.time)
    world.run()
    assert world.wire.accepted == ["ann@example.org"]
    assert world.states(message_id) == {"ann": "unknown"}


def test_a_repeat_for_which_no_time_was_left_stays_unknown(database: Database, now: datetime) -> None:
    world = World(database, now, KEYED)
    world.wire.answers = {"ann@example.org": raising(Uncertain("timeout"))}
    message_id = world.message(["ann"])
    world.run()
    world.later(minutes=1)
    resolve.resolve(world.desk())
    send.work(world.desk(stopping=lambda: True))
    assert world.states(message_id) == {"ann": "unknown"}
    world.wire.answers = {}
    world.run()
    assert world.states(message_id) == {"ann": "sent"}


def test_an_acceptance_that_comes_after_its_row_was_queued_again_is_enough(
    database: Database, now: datetime
) -> None:
    """F7: the frozen worker's row was to be sent again by choice; its answer comes before that."""
    world = World(database, now, BLIND)
    with database.write() as session:
        session.get_one(Account, world.account_id).on_unknown = "retry"
    message_id = world.message(["ann"])
    world.tick()

    def frozen(_outbound: Outbound) -> None:
        world.wire.answers = {}
        world.recover()
        resolve.resolve(world.desk())
        assert world.states(message_id) == {"ann": "queued"}

    world.wire.answers = {"ann@example.org": frozen}
    world.run()
    assert world.wire.accepted == ["ann@example.org"]
    assert world.states(message_id) == {"ann": "sent"} and world.state(message_id) == "finished"


@pytest.mark.parametrize(
    ("late", "state"),
    [
        (Deferred("busy"), "deferred"),
        (Refused("too large"), "failed:content_refused"),
        (AddressGone("no such user"), "bounced:address_gone"),
        (Uncertain("dropped"), "unknown"),
    ],
    ids=["deferred", "refused", "gone", "uncertain"],
)
def test_a_late_no_resolves_what_recovery_called_unknown(
    database: Database, now: datetime, late: ConnectorError, state: str
) -> None:
    """F7, rule 6: whatever the provider said about this very attempt is evidence, not its yes alone."""
    world = World(database, now, BLIND)
    message_id = world.message(["ann"])
    world.tick()

    def frozen(_outbound: Outbound) -> None:
        world.recover()
        raise late

    world.wire.answers = {"ann@example.org": frozen}
    send.work(world.desk())
    assert world.states(message_id) == {"ann": state}


def test_rows_of_a_lost_batch_that_were_certainly_not_handed_over_go_later(
    database: Database, now: datetime
) -> None:
    world = World(database, now, BLIND, in_flight=1)
    message_id = world.message(["ann", "bob"])
    world.tick()
    told = threading.Event()

    def frozen(_outbound: Outbound) -> None:
        world.recover()
        told.set()

    world.wire.answers = {"ann@example.org": frozen}
    send.work(world.desk(stopping=told.is_set))
    assert world.states(message_id) == {"ann": "sent", "bob": "deferred"}
    world.run()
    assert world.wire.accepted == ["ann@example.org", "bob@example.org"]


def test_words_cannot_be_changed_under_a_wave_that_begins(database: Database, now: datetime) -> None:
    """B6, E5: the edit waits for the intent, and is refused; no row is taken away in flight."""
    world = World(database, now)
    message_id = world.message(["ann"])
    world.tick()
    editor = Rival(database, in_own_session(database, lambda session: new_words(session, now, message_id)))

    def edit(name: str) -> None:
        if name == "intent.before_commit":
            editor.begin()

    send.work(world.desk(failpoint=edit))
    with pytest.raises(AlreadySending):
        editor.end()
    assert world.states(message_id) == {"ann": "sent"} and world.wire.accepted == ["ann@example.org"]


def test_words_that_change_while_their_rows_are_written_are_the_new_ones(
    database: Database, now: datetime
) -> None:
    """B6: of two at once, whichever comes first, everybody is written to once and with the new words."""
    world = World(database, now)
    message_id = to_group(world, MANY[:3])
    editor = Rival(database, in_own_session(database, lambda session: new_words(session, now, message_id)))
    moments = iter([editor.begin])

    def clock() -> datetime:
        next(moments, lambda: None)()
        return now

    with database.read() as session:
        (due,) = release.due(session, now)
    release.release(database, due, clock)
    editor.end()
    world.run()
    assert [str(one.text).split("\n")[0] for one in world.wire.outbound] == ["Changed"] * 3


def test_words_that_change_before_the_rows_are_committed_leave_no_row_behind(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    message_id = to_group(world, MANY[:3])
    editor = Rival(database, in_own_session(database, lambda session: new_words(session, now, message_id)))
    with database.write() as session:
        occurrence = session.scalars(select(Occurrence).where(Occurrence.message_id == message_id)).one()
        plan = release._open(session, occurrence.id, now)
        assert release._chunk(session, plan, release._next(session, plan, now), now) is None
        editor.begin()
    editor.end()
    world.run()
    assert [str(one.text).split("\n")[0] for one in world.wire.outbound] == ["Changed"] * 3
    assert world.state(message_id) == "finished"


def test_words_that_change_between_two_chunks_leave_nobody_out(database: Database, now: datetime) -> None:
    """Everybody who had a row with the old words gets one with the new, and is no duplicate of themselves."""
    world = World(database, now)
    message_id = to_group(world, MANY)
    with database.read() as session:
        (due,) = release.due(session, now)

    def edit(_session: Session) -> None:
        with database.write() as other:
            new_words(other, now, message_id)

    event.listen(database.sessions.class_, "after_commit", edit, once=True)
    release.release(database, due, lambda: now)
    world.run()
    assert set(world.states(message_id).values()) == {"sent"}
    assert {str(one.text).split("\n")[0] for one in world.wire.outbound} == {"Changed"}


def test_nothing_goes_to_an_address_that_is_retired_while_its_wave_begins(
    database: Database, now: datetime
) -> None:
    """H3: the wave waits for whoever retires it, and then knows of it."""
    world = World(database, now)
    message_id = world.message(["ann"])
    world.tick()
    worker = Rival(database, lambda: send.work(world.desk()))
    with database.write() as session:
        (address,) = addresses.of(session, world.rows(message_id)[0].stakeholder_id or 0)
        addresses.retire(session, address)
        worker.begin()
    worker.end()
    assert world.states(message_id) == {"ann": "excluded:no_address"} and world.wire.accepted == []


# --- nothing stays for ever ---------------------------------------------------------------------------------------


def test_cancelling_while_rows_are_written_leaves_none_in_the_queue(
    database: Database, now: datetime
) -> None:
    """E4"""
    world = World(database, now)
    message_id = to_group(world, MANY)
    canceller = Rival(
        database,
        in_own_session(
            database, lambda session: control.cancel(session, now, message_of(session, message_id))
        ),
    )
    with database.write() as session:
        occurrence = session.scalars(select(Occurrence).where(Occurrence.message_id == message_id)).one()
        plan = release._open(session, occurrence.id, now)
        assert release._chunk(session, plan, release._next(session, plan, now), now) is None
        canceller.begin()
    canceller.end()
    world.run()
    assert {row.state for row in world.rows(message_id)} == {"cancelled"}


def test_a_message_is_not_finished_over_a_row_that_is_sent_again(database: Database, now: datetime) -> None:
    """E5: a person decides at the moment in which the clock closes the books."""
    world = World(database, now, BLIND)
    world.wire.answers = {"ann@example.org": raising(Uncertain("dropped"))}
    message_id = world.message(["ann"])
    world.tick()
    send.work(world.desk())
    world.wire.answers = {}
    (row,) = world.rows(message_id)
    clock = Rival(database, in_own_session(database, lambda session: reconcile.finish(session, now)))
    with database.write() as session:
        control.decide(session, now, row, outcome="queued", by="user:ann", evidence="it was off")
        session.flush()
        clock.begin()
    clock.end()
    world.run()
    assert world.states(message_id) == {"ann": "sent"} and world.state(message_id) == "finished"


def test_a_retry_that_comes_while_a_message_is_being_finished_opens_it_again(
    database: Database, now: datetime
) -> None:
    """E6"""
    world = World(database, now)
    message_id = world.message(["ann"])
    world.tick()
    with database.write() as session:
        session.execute(update(Delivery).values(state="failed", reason="poison", batch_id=None))
        session.execute(update(Message).values(state="sending", started_at=now))

    def again(session: Session) -> None:
        control.retry(session, now, message_of(session, message_id))

    person = Rival(database, in_own_session(database, again))
    with database.write() as session:
        assert reconcile.finish(session, now) == 1
        person.begin()
    person.end()
    world.run()
    assert world.states(message_id) == {"ann": "sent"} and world.state(message_id) == "finished"


def test_a_test_that_was_put_off_goes_later_whatever_its_message_waits_for(
    database: Database, now: datetime
) -> None:
    """C8"""
    world = World(database, now)
    message_id = world.message(["ann"], at=now + timedelta(days=30))
    world.wire.answers = {"checker@dolen.example": raising(Deferred("greylisted"))}
    with database.write() as session:
        message = message_of(session, message_id)
        rows = release.sample(session, message, now, None)
        control.test_send(session, now, message, rows, ["checker@dolen.example"])
        message.state = "waiting"
    world.run()
    world.wire.answers = {}
    world.later(hours=1)
    world.run()
    assert world.wire.accepted == ["checker@dolen.example"]


def test_rows_that_are_too_late_are_found_behind_many_that_are_not(database: Database, now: datetime) -> None:
    """Rule 8: 300 that may wait stand before one that may not."""
    world = World(database, now)
    patient = to_group(world, MANY[:300], useful_until_s=86_400)
    world.tick()
    hasty = world.message(["hasty"], useful_until_s=60)
    world.tick()
    world.later(minutes=5)
    with database.write() as session:
        assert reconcile.expire(session, world.time, Pace()) == 1
    assert world.states(hasty) == {"hasty": "failed:too_late"}
    assert set(world.states(patient).values()) == {"queued"}


def test_a_row_that_is_too_late_is_stopped_at_the_gate(database: Database, now: datetime) -> None:
    """Rule 8: a worker that comes before the clock does not send what is no longer useful."""
    world = World(database, now)
    message_id = world.message(["ann"], useful_until_s=60)
    world.tick()
    world.later(minutes=5)
    send.work(world.desk())
    assert world.wire.accepted == [] and world.states(message_id) == {"ann": "failed:too_late"}


def test_a_look_that_fails_in_an_unforeseen_way_keeps_nobody_else_waiting(
    database: Database, now: datetime
) -> None:
    world = World(database, now, FINDABLE)
    names = ["ann", "bob"]
    world.wire.answers = {f"{name}@example.org": raising(Uncertain("timeout")) for name in names}
    message_id = world.message(names)
    world.run()
    world.later(minutes=5)

    def find(outbound: Outbound) -> Receipt | None:
        if outbound.to == "ann@example.org":
            raise KeyError("id")
        return Receipt("found")

    world.connector = replace(world.connector, find=find)
    resolve.resolve(world.desk())
    assert world.states(message_id) == {"ann": "unknown", "bob": "sent"}


# --- after the no, nothing ----------------------------------------------------------------------------------------


def test_what_pausing_counts_is_all_that_still_goes(database: Database, now: datetime) -> None:
    """E4: a pause that comes while a wave's intent is being committed waits for it and counts it."""
    world = World(database, now, in_flight=1)
    message_id = world.message([f"p{n:02}" for n in range(20)])
    world.tick()
    counted: list[dict[str, int]] = []
    pauser = Rival(
        database,
        in_own_session(
            database,
            lambda session: counted.append(control.pause(session, now, message_of(session, message_id))),
        ),
    )
    waves = iter([lambda: None, pauser.begin])

    def pause(name: str) -> None:
        if name == "intent.before_commit":
            next(waves, lambda: None)()

    while send.work(world.desk(failpoint=pause)):
        pass
    pauser.end()
    assert counted[0]["sent"] + counted[0]["sending"] == len(world.wire.accepted)
    assert world.state(message_id) == "paused"


# --- two workers do not stand in each other's way -----------------------------------------------------------------


def test_a_late_answer_and_the_recovery_of_its_batch_do_not_wait_for_each_other(
    database: Database, now: datetime
) -> None:
    """F7: the answer of a worker whose time is over comes while its batch is being taken away."""
    world = World(database, now, BLIND)
    message_id = world.message(["ann"])
    world.tick()
    reached, go = threading.Event(), threading.Event()

    def slow(_outbound: Outbound) -> None:
        reached.set()
        assert go.wait(60)

    world.wire.answers = {"ann@example.org": slow}
    worker = Rival(database, lambda: send.work(world.desk()))
    worker._thread.start()
    assert reached.wait(60)
    with database.write() as session:
        session.connection().exec_driver_sql("UPDATE batches SET until_db_at = 1")
        go.set()
        worker.settle_down()
        assert batch.recover(session, now, Pace()) == 1
    worker.end()
    assert world.states(message_id) == {"ann": "sent"}


def test_people_are_locked_in_one_order_whatever_a_wave_brings_back(
    database: Database, now: datetime
) -> None:
    """Two bounces in one wave, the second of an address that somebody earlier shares."""
    world = World(database, now)
    with database.write() as session:
        ann = people.create(session, now, kind="person", name="ann")
        addresses.add(session, now, ann.id, "email", "cai@example.org")
    gone = raising(AddressGone("no such user"))
    world.wire.answers = {"bob@example.org": gone, "cai@example.org": gone}
    message_id = world.message(["bob", "cai"])
    world.tick()
    bob = world.rows(message_id)[0].stakeholder_id
    assert bob is not None and ann.id < bob
    reached, go = threading.Event(), threading.Event()

    def wait(name: str) -> None:
        if name == "net.after_reply":
            reached.set()
            assert go.wait(60)

    worker = Rival(database, lambda: send.work(world.desk(failpoint=wait)))
    worker._thread.start()
    assert reached.wait(60)
    with database.write() as session:
        consent.lock(session, [ann.id])
        go.set()
        worker.settle_down()
        consent.lock(session, [ann.id, bob])
    worker.end()
    assert set(world.states(message_id).values()) == {"bounced:address_gone"}


def test_two_facts_about_one_attempt_may_come_at_once(database: Database, now: datetime) -> None:
    world = World(database, now)
    world.message(["ann"])
    world.tick()
    with database.read() as session:
        row = session.scalars(select(Delivery)).one()

    def fact(session: Session) -> None:
        batch.note(session, now, row.id, 1, 1, "late_answer")

    other = Rival(database, in_own_session(database, fact))
    with database.write() as session:
        fact(session)
        other.begin()
    other.end()
    with database.read() as session:
        assert sorted(session.scalars(select(Attempt.seq))) == [0, 1]


# --- trouble in the middle ----------------------------------------------------------------------------------------


def trouble(*_: object) -> None:
    raise OperationalError("COMMIT", {}, Exception("database or disk is full"))


def lose_next_commit(database: Database, patched: pytest.MonkeyPatch) -> list[int]:
    """The next commit is done, and the connection is gone before we hear of it; 1 in the list: it was so."""
    dialect = database.write_engine.dialect
    lost: list[int] = []
    commit = dialect.do_commit

    def lose(connection: Any) -> None:
        commit(connection)
        if not lost:
            lost.append(1)
            trouble()

    patched.setattr(dialect, "do_commit", lose)
    return lost


def test_answers_are_kept_while_the_database_is_in_trouble(database: Database, now: datetime) -> None:
    """F4, F9, F12: what the network answered is written down when the database is back; nothing is unknown."""
    world = World(database, now, BLIND, in_flight=1)
    message_id = world.message([f"p{n:02}" for n in range(12)])
    world.tick()
    steps: list[str] = []

    def hurt(name: str) -> None:
        steps.append(name)
        if name == "intent.before_commit" and "net.after_reply" in steps:
            trouble()

    with pytest.raises(OperationalError):
        send.work(world.desk(failpoint=hurt))
    states = list(world.states(message_id).values())
    assert states.count("sent") == 8 and states.count("queued") == 4
    world.recover()
    world.run()
    assert set(world.states(message_id).values()) == {"sent"} and len(world.wire.accepted) == 12


@pytest.mark.parametrize("heard", [True, False], ids=["refused", "not acknowledged"])
def test_trouble_of_the_database_is_no_death_and_the_batch_goes_on_at_once(
    database: Database, now: datetime, heard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F4: nobody waits for a lease to end, and no row is suspected; an intent unheard of is looked at as `unknown`."""
    world = World(database, now, KEYED)
    message_id = world.message(["ann", "bob"])
    world.tick()

    def hurt(name: str) -> None:
        if name == "intent.before_commit" and heard:
            trouble()
        elif name == "intent.before_commit":
            lose_next_commit(database, monkeypatch)

    with pytest.raises(OperationalError):
        send.work(world.desk(failpoint=hurt))
    assert set(world.states(message_id).values()) == {"queued" if heard else "unknown"}
    with database.read() as session:
        assert [(one.owner, one.deaths) for one in session.scalars(select(Batch))] == [(None, 0)] * heard
    world.later(minutes=1)
    world.run()
    assert set(world.states(message_id).values()) == {"sent"} and len(world.wire.accepted) == 2


def test_a_row_that_cannot_be_made_takes_no_answer_of_the_wave_before_with_it(
    database: Database, now: datetime
) -> None:
    world = World(database, now, BLIND, in_flight=1)
    message_id = world.message([f"p{n:02}" for n in range(12)])
    world.tick()
    steps: list[str] = []

    def broken(name: str) -> None:
        steps.append(name)
        if name == "render.after" and "net.after_reply" in steps:
            raise RuntimeError("no such filter")

    with pytest.raises(RuntimeError):
        send.work(world.desk(failpoint=broken))
    assert list(world.states(message_id).values()).count("sent") == 8


def test_a_commit_that_is_not_acknowledged_is_written_down_once(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F4: committed, and the connection was gone before we heard of it."""
    world = World(database, now, BLIND)
    message_id = world.message(["ann", "bob"])
    world.tick()
    lost: list[list[int]] = []
    replies: list[str] = []

    def cut(name: str) -> None:
        replies.extend([name] if name == "net.after_reply" else [])
        if replies == [name]:
            lost.append(lose_next_commit(database, monkeypatch))

    with pytest.raises(OperationalError):
        send.work(world.desk(failpoint=cut))
    world.recover()
    world.run()
    assert lost == [[1]] and set(world.states(message_id).values()) == {"sent"}
    assert len(world.wire.accepted) == 2
    with database.read() as session:
        assert session.scalars(select(Attempt)).all() == []


def test_words_of_a_provider_that_no_database_takes_harm_no_neighbour(
    database: Database, now: datetime
) -> None:
    """SM8: a wave is written down whatever one server says."""
    world = World(database, now)
    odd = "no\x00such\ud800user"
    world.wire.answers = {
        "ann@example.org": raising(Refused(odd, code=odd, phase=odd)),
        "bob@example.org": raising(Deferred(odd, code=odd)),
    }
    message_id = world.message(["ann", "bob", "cai"])
    world.connector = replace(world.connector, send=lambda one: answer(world.wire.send(one, True)))

    def answer(receipt: Receipt) -> Receipt:
        return Receipt(odd + receipt.provider_id)

    world.tick()
    send.work(world.desk())
    assert world.states(message_id) == {
        "ann": "failed:content_refused", "bob": "deferred", "cai": "sent"
    }  # fmt: skip


def test_a_worker_that_is_told_to_stop_hands_nothing_more_over(database: Database, now: datetime) -> None:
    """F8: what is in hand ends, the rest of the wave and of the batch is for the next worker; nothing is unknown."""
    world = World(database, now, BLIND, in_flight=1)
    message_id = world.message([f"p{n:02}" for n in range(20)])
    world.tick()
    told = threading.Event()
    world.wire.answers = {"p02@example.org": lambda _outbound: told.set()}
    send.work(world.desk(stopping=told.is_set))
    assert len(world.wire.accepted) == 3
    assert set(world.states(message_id).values()) == {"sent", "deferred", "queued"}
    world.run()
    assert set(world.states(message_id).values()) == {"sent"} and len(world.wire.accepted) == 20


# --- accounts -----------------------------------------------------------------------------------------------------


def test_a_refused_login_is_told_whoever_hears_it_first(database: Database, now: datetime) -> None:
    """F27: the poll is refused before anything is sent, and still one alarm is raised."""
    world, alarms = World(database, now), []

    def refused(_cursor: Any) -> Any:
        raise AccountGone("revoked", code="401")

    world.connector = replace(world.connector, poll=refused)
    for _ in range(2):
        polling.poll_due(
            database, lambda _session, _account: world.connector, world.now,
            alarm=lambda name, account: alarms.append((name, account)),
        )  # fmt: skip
    assert alarms == [("account_out_of_service", "mail")]


def test_a_refused_inbox_leaves_sending_in_service_and_is_told_once(
    database: Database, now: datetime
) -> None:
    world, alarms = World(database, now), []

    def refused(_cursor: Any) -> Any:
        lost = AccountGone("AUTHENTICATIONFAILED", code="imap")
        lost.face = "poll"
        raise lost

    def poll() -> Account:
        polling.poll_due(
            database, lambda _session, _account: world.connector, world.now,
            alarm=lambda name, account: alarms.append((name, account)),
        )  # fmt: skip
        with database.read() as session:
            return session.get_one(Account, world.account_id)

    world.connector = replace(world.connector, poll=refused)
    account = poll()
    assert (account.state, account.inbox_problem) == ("active", "AUTHENTICATIONFAILED")
    world.later(seconds=polling.REFUSED_PAUSE_S)
    poll()
    assert alarms == [("inbox_out_of_service", "mail")]
    world.connector = replace(world.connector, poll=lambda _cursor: Polled((), {}))
    world.later(seconds=polling.REFUSED_PAUSE_S)
    assert poll().inbox_problem is None


def test_a_poll_that_fails_in_an_unforeseen_way_keeps_no_other_account_waiting(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    with database.write() as session:
        accounts.declare(
            accounts.create(session, now, name="other", connector="scripted", channel="email"),
            world.connector,
        )
    asked = []

    def broken(_cursor: Any) -> Any:
        asked.append(1)
        raise KeyError("uid")

    world.connector = replace(world.connector, poll=broken)
    with pytest.raises(KeyError):
        polling.poll_due(database, lambda _session, _account: world.connector, world.now)
    assert asked == [1, 1]
    assert polling.poll_due(database, lambda _session, _account: world.connector, world.now) == 0


def test_an_inbox_whose_reader_died_is_read_again_when_its_lease_has_ended(
    database: Database, now: datetime
) -> None:
    world, asked = World(database, now), []

    def dying(_cursor: Any) -> Any:
        asked.append(1)
        raise SystemExit

    def poll() -> None:
        polling.poll_due(database, lambda _session, _account: world.connector, world.now, lease_s=6)

    world.connector = replace(world.connector, poll=dying)
    with pytest.raises(SystemExit):
        poll()
    poll()
    world.later(seconds=6)
    with pytest.raises(SystemExit):
        poll()
    assert asked == [1, 1]


def test_a_wait_that_an_account_was_told_is_not_shortened_by_another_worker(
    database: Database, now: datetime
) -> None:
    """F24"""
    world = World(database, now)
    long = now + timedelta(hours=1)

    def meanwhile(_outbound: Outbound) -> None:
        with database.write() as session:
            session.get_one(Account, world.account_id).not_before_at = long
        raise Deferred("429", scope="account", retry_after_s=1)

    world.wire.answers = {"ann@example.org": meanwhile}
    world.message(["ann"])
    world.tick()
    send.work(world.desk(pace=Pace(scale=0.001)))
    with database.read() as session:
        assert session.get_one(Account, world.account_id).not_before_at == long


@pytest.mark.parametrize(
    "error",
    [BadSettings({"host": "is missing"}), LookupError("no such connector"), RuntimeError("no key fits")],
)
def test_an_account_that_cannot_be_opened_is_out_of_service_and_told(
    database: Database, now: datetime, error: Exception
) -> None:
    """F27: its batch is laid down at once; others go on."""
    world, alarms = World(database, now), []

    def broken(_session: object, _account: Account) -> Any:
        raise error

    message_id = world.message(["ann"])
    world.run(connect=broken, alarm=lambda name, account: alarms.append(account))
    assert alarms == ["mail"] and world.states(message_id) == {"ann": "queued"}
    with database.read() as session:
        assert session.get_one(Account, world.account_id).state == "out_of_service"


def test_a_test_without_words_is_refused(database: Database, now: datetime) -> None:
    """Nothing stands in a batch that no worker can take out of it."""
    world = World(database, now)
    message_id = world.message(["ann"])
    with database.write() as session, pytest.raises(Conflict):
        message = message_of(session, message_id)
        rows = [row | {"variant_id": None} for row in release.sample(session, message, now, None)]
        control.test_send(session, now, message, rows, ["checker@dolen.example"])


def test_a_row_that_was_withdrawn_after_it_was_read_does_not_go_with_its_wave(
    database: Database, now: datetime
) -> None:
    """D9: the intent says which state and attempt it expects; the others of the wave go."""
    world = World(database, now)
    message_id = world.message(["ann", "bob", "cai"])
    world.tick()
    bob = next(row.id for row in world.rows(message_id) if row.address_key.startswith("bob@"))

    def withdraw(name: str) -> None:
        if name == "render.after":
            with database.write() as session:
                session.execute(
                    update(Delivery).where(Delivery.id == bob).values(state="cancelled", batch_id=None)
                )

    send.work(world.desk(failpoint=withdraw))
    assert world.states(message_id) == {"ann": "sent", "bob": "cancelled", "cai": "sent"}
    assert sorted(world.wire.accepted) == ["ann@example.org", "cai@example.org"]


def test_what_is_sent_once_more_is_settled_no_longer_while_it_goes(database: Database, now: datetime) -> None:
    world = World(database, now, KEYED)
    world.wire.answers = {"ann@example.org": raising(Uncertain("timeout"))}
    message_id = world.message(["ann", "bob"])
    world.tick()
    send.work(world.desk())
    before = {row.state: row.settled_at for row in world.rows(message_id)}
    world.wire.answers = {}
    world.later(minutes=2)
    resolve.resolve(world.desk())
    world.tick()
    going: list[tuple[str, datetime | None]] = []

    def look(name: str) -> None:
        if name == "intent.after_commit":
            going.extend((row.state, row.settled_at) for row in world.rows(message_id) if row.state != "sent")

    send.work(world.desk(failpoint=look))
    assert before["unknown"] is not None and going == [("sending", None)]
    assert world.states(message_id) == {"ann": "sent", "bob": "sent"}
