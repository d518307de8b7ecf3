"""The walk out: released, gated, handed over, settled, finished, and nothing lost or doubled on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from campaigns.database import Database
from campaigns.delivery import reconcile, send
from campaigns.stakeholders import consent
from connectors.api import (
    AccountGone,
    AddressGone,
    ConnectorError,
    Deferred,
    Findable,
    OptedOut,
    Outbound,
    Refused,
    Repeats,
    Uncertain,
)

from .world import BLIND, FINDABLE, KEYED, Died, World

NAMES = ["ann", "bob", "cai", "dai"]


def raising(error: ConnectorError) -> Callable[[Outbound], None]:
    def answer(_outbound: Outbound) -> None:
        raise error

    return answer


def after_accepting(world: World, error: Exception) -> Callable[[Outbound], None]:
    """The provider takes it, and the answer never arrives; once."""
    broken: set[str] = set()

    def answer(outbound: Outbound) -> None:
        if outbound.key not in broken:
            broken.add(outbound.key)
            world.wire.answers, kept = {}, world.wire.answers
            world.wire.send(outbound, keyed=True)
            world.wire.answers = kept
            raise error

    return answer


def test_everybody_gets_it_once_and_the_books_agree(database: Database, now: datetime) -> None:
    """E5, F11: one row each, all sent, the message finished, intended = the sum of final words."""
    world = World(database, now)
    message_id = world.message(NAMES)
    world.run()
    assert sorted(world.wire.accepted) == [f"{name}@example.org" for name in NAMES]
    assert world.state(message_id) == "finished"
    with database.read() as session:
        books = reconcile.books(session, message_id)
    assert books["reconciled"] and books["intended"] == books["sent"] == 4


def test_a_row_keeps_the_basis_it_was_sent_on(database: Database, now: datetime) -> None:
    """H2, SM18."""
    world = World(database, now)
    message_id = world.message(["ann"])
    world.run()
    assert world.rows(message_id)[0].basis == "contract"


def test_releasing_and_working_again_changes_nothing(database: Database, now: datetime) -> None:
    world = World(database, now)
    world.message(NAMES)
    world.run()
    world.later(hours=1)
    world.run()
    assert len(world.wire.accepted) == 4


def test_each_refusal_says_what_the_caller_may_do_next(database: Database, now: datetime) -> None:
    """D9, F15: gone, refused, not now and uncertain end in different words; the others are sent."""
    world = World(database, now, BLIND)
    world.wire.answers = {
        "ann@example.org": raising(AddressGone("no such user", code="5.1.1")),
        "bob@example.org": raising(Refused("too large", code="5.3.4")),
        "cai@example.org": raising(Deferred("greylisted", code="450")),
        "dai@example.org": raising(Uncertain("dropped", phase="after_dot")),
    }
    message_id = world.message([*NAMES, "eve"])
    world.run()
    assert world.states(message_id) == {
        "ann": "bounced:address_gone",
        "bob": "failed:content_refused",
        "cai": "deferred",
        "dai": "unknown",
        "eve": "sent",
    }


def test_an_address_that_is_gone_is_not_written_to_again(database: Database, now: datetime) -> None:
    """F5, H3."""
    world = World(database, now)
    world.wire.answers = {"ann@example.org": raising(AddressGone("no such user"))}
    world.message(["ann"])
    world.run()
    world.wire.answers = {}
    again = world.message(["ann"])
    world.run()
    assert world.states(again) == {"ann": "excluded:suppressed"}
    assert world.wire.accepted == []


def test_whoever_told_the_provider_to_stop_is_not_written_to_again(database: Database, now: datetime) -> None:
    """F13: it stops this kind of message and news; what is of another kind goes on."""
    world = World(database, now)
    world.wire.answers = {"ann@example.org": raising(OptedOut("she wrote STOP", code="21610"))}
    message_id = world.message(["ann"], purpose="survey")
    world.run()
    assert world.states(message_id) == {"ann": "failed:opted_out"}
    world.wire.answers = {}
    again = world.message(["ann"], purpose="survey")
    another = world.message(["ann"], purpose="service")
    world.run()
    assert world.states(again) == {"ann": "excluded:suppressed"} and world.states(another) == {"ann": "sent"}


def test_what_was_deferred_goes_later(database: Database, now: datetime) -> None:
    """E6, F21."""
    world = World(database, now)
    world.wire.answers = {"ann@example.org": raising(Deferred("busy"))}
    message_id = world.message(["ann"])
    world.run()
    world.wire.answers = {}
    world.later(hours=1)
    world.run()
    assert world.states(message_id) == {"ann": "sent"}
    assert world.state(message_id) == "finished"


def test_what_is_deferred_for_three_days_fails_with_its_reason(database: Database, now: datetime) -> None:
    world = World(database, now)
    world.wire.answers = {"ann@example.org": raising(Deferred("busy"))}
    message_id = world.message(["ann"])
    for _ in range(40):
        world.run()
        world.later(hours=4)
    assert world.states(message_id) == {"ann": "failed:lifetime_over"}


def test_the_three_days_of_mail_that_was_held_back_count_from_its_first_try(
    database: Database, now: datetime
) -> None:
    """Rule 8: after a stop of four days the first "not now" puts it off, and three days of them end it."""
    world = World(database, now)
    message_id = world.message(["ann"])
    world.tick()
    world.later(days=4)

    def busy(_outbound: Outbound) -> None:
        world.later(seconds=2)  # time goes by between the intent and the answer
        raise Deferred("busy")

    world.wire.answers = {"ann@example.org": busy}
    world.run()
    assert world.states(message_id) == {"ann": "deferred"}
    world.later(hours=60)
    world.run()
    assert world.states(message_id) == {"ann": "deferred"}
    world.later(hours=12)
    world.run()
    assert world.states(message_id) == {"ann": "failed:lifetime_over"}


def test_a_refused_login_stops_the_account_once_and_fails_nobody(database: Database, now: datetime) -> None:
    """F27: out of service, rows stay, one alarm, and they go when the login works again."""
    from campaigns.delivery import accounts
    from campaigns.delivery.tables import Account

    world, alarms = World(database, now, in_flight=1), []
    for name in NAMES:
        world.wire.answers[f"{name}@example.org"] = raising(AccountGone("revoked", code="401"))
    message_id = world.message(NAMES)
    world.run(alarm=lambda name, words: alarms.append(name))
    assert alarms == ["account_out_of_service"]
    assert set(world.states(message_id).values()) <= {"queued", "deferred"}
    world.wire.answers = {}
    with database.write() as session:
        accounts.restore(session, session.get_one(Account, world.account_id), world.time)
    world.run()
    assert set(world.states(message_id).values()) == {"sent"}


def test_a_worker_with_the_old_login_takes_no_mended_account_out_of_service(
    database: Database, now: datetime
) -> None:
    """F27: the password is changed and proven while a batch goes out under the old one."""
    from campaigns.delivery import accounts
    from campaigns.delivery.tables import Account

    world, alarms = World(database, now, in_flight=1), list[str]()

    def old(_outbound: Outbound) -> None:
        world.wire.answers = {}
        with database.write() as session:
            accounts.restore(session, session.get_one(Account, world.account_id), world.time)
        raise AccountGone("revoked", code="401")

    world.wire.answers = {"ann@example.org": old}
    message_id = world.message(["ann", "bob"])
    world.run(alarm=lambda name, words: alarms.append(name))
    assert alarms == [] and set(world.states(message_id).values()) == {"sent"}
    with database.read() as session:
        assert session.get_one(Account, world.account_id).state == "active"


def test_an_account_told_to_wait_waits_as_a_whole(database: Database, now: datetime) -> None:
    """F24."""
    world = World(database, now, in_flight=1)
    slow = Deferred("429", code="429", scope="account", retry_after_s=600)
    world.wire.answers = {f"{name}@example.org": raising(slow) for name in NAMES}
    world.message(NAMES)
    other = world.message(["eve"])
    world.run()
    assert world.wire.accepted == [] and world.states(other) == {"eve": "queued"}
    world.wire.answers = {}
    world.later(hours=5)
    world.run()
    assert len(world.wire.accepted) == 5


@pytest.mark.parametrize("repeats", [KEYED, FINDABLE], ids=["keyed", "findable"])
def test_an_answer_that_never_came_is_resolved_and_nobody_gets_it_twice(
    database: Database, now: datetime, repeats: Repeats
) -> None:
    """D9, F25: accepted, then silence."""
    world = World(database, now, repeats)
    world.wire.answers = {"ann@example.org": after_accepting(world, Uncertain("timeout"))}
    message_id = world.message(["ann", "bob"])
    world.run()
    world.later(minutes=5)
    world.run()
    assert world.states(message_id) == {"ann": "sent", "bob": "sent"}
    assert sorted(world.wire.accepted) == ["ann@example.org", "bob@example.org"]


def test_an_uncertain_row_that_had_not_gone_is_found_missing_and_sent(
    database: Database, now: datetime
) -> None:
    world = World(database, now, FINDABLE)
    world.wire.answers = {"ann@example.org": raising(Uncertain("timeout"))}
    message_id = world.message(["ann"])
    world.run()
    world.wire.answers = {}
    world.later(minutes=5)
    world.run()
    assert world.states(message_id) == {"ann": "sent"}
    assert world.wire.accepted == ["ann@example.org"]


@pytest.mark.parametrize("went", [True, False])
def test_a_no_of_a_provider_that_has_forgotten_it_sends_nothing_again(
    database: Database, now: datetime, went: bool
) -> None:
    """The machine was off for longer than the provider remembers: what it still finds counts, a no does not."""
    world = World(database, now, Findable(visible_within_s=1, known_for_s=3 * 86_400))

    def unanswered(outbound: Outbound) -> None:
        if went:
            world.wire.keys[outbound.key] = "p1"
        raise Uncertain("timeout")

    world.wire.answers = {"ann@example.org": unanswered}
    message_id = world.message(["ann"])
    world.run()
    world.wire.answers = {}
    world.later(days=4)
    world.run()
    assert world.states(message_id) == {"ann": "sent" if went else "unknown"} and world.wire.accepted == []


def test_a_blind_row_waits_for_a_person_and_their_word_stays_with_it(
    database: Database, now: datetime
) -> None:
    from campaigns.delivery import control
    from campaigns.delivery.tables import Attempt, Delivery

    world = World(database, now, BLIND)
    world.wire.answers = {"ann@example.org": raising(Uncertain("dropped"))}
    message_id = world.message(["ann"])
    world.run()
    world.later(days=2)
    world.run()
    assert world.states(message_id) == {"ann": "unknown"}
    with database.write() as session:
        (row,) = reconcile.unknowns(session)
        control.decide(
            session, world.time, row, outcome="sent", by="user:ann", evidence="she rang to thank us"
        )
    assert world.states(message_id) == {"ann": "sent"}
    with database.read() as session:
        words = [attempt.error for attempt in session.query(Attempt).filter_by(outcome="decided_sent")]
        assert words == [{"by": "user:ann", "evidence": "she rang to thank us"}]
        assert session.query(Delivery).count() == 1


POINTS = [
    "claim.after_commit", "render.after", "intent.before_commit", "intent.after_commit", "net.before_send",
    "net.after_reply", "result.before_commit", "result.after_commit",
]  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("repeats", [KEYED, FINDABLE, BLIND], ids=["keyed", "findable", "blind"])
def test_a_worker_that_dies_anywhere_loses_nothing_and_doubles_nothing(
    database: Database, now: datetime, repeats: Repeats, point: str
) -> None:
    """E5: after recovery each person has it once, or their row says `unknown` where nobody can know."""
    world = World(database, now, repeats, in_flight=1)
    message_id = world.message(NAMES)
    world.tick()

    def die(name: str) -> None:
        if name == point:
            raise Died

    with pytest.raises(Died):
        while True:
            assert send.work(world.desk(failpoint=die))
    world.recover()
    world.later(minutes=10)
    world.run()
    world.later(minutes=10)
    world.run()
    assert len(world.wire.accepted) == len(set(world.wire.accepted))
    states = world.states(message_id)
    if repeats is not BLIND:
        assert set(states.values()) == {"sent"}
    assert set(states.values()) <= {"sent", "unknown"}
    sent = {name for name, state in states.items() if state == "sent"}
    assert sent <= {to.split("@")[0] for to in world.wire.accepted}
    assert world.state(message_id) == "finished"


def test_a_late_answer_of_a_worker_that_lost_its_batch_is_evidence(database: Database, now: datetime) -> None:
    """F7: the frozen worker's answer resolves `unknown`; nothing is sent again."""
    world = World(database, now, BLIND, in_flight=1)
    message_id = world.message(["ann"])
    world.tick()

    def frozen(_outbound: Outbound) -> None:
        world.recover()

    world.wire.answers = {"ann@example.org": frozen}
    send.work(world.desk())
    assert world.states(message_id) == {"ann": "sent"}
    assert world.wire.accepted == ["ann@example.org"]


def test_a_worker_without_time_left_does_not_touch_the_network(database: Database, now: datetime) -> None:
    world = World(database, now, in_flight=1)
    # Longer than the lease (twice the connector's deadline of 1 s) less that deadline.
    world.wire.answers = {"ann@example.org": lambda _outbound: time.sleep(1.1)}
    message_id = world.message(["ann", "bob"])
    world.tick()
    send.work(world.desk(lease_s=0.1))
    assert world.wire.accepted == ["ann@example.org"]
    assert world.states(message_id) == {"ann": "sent", "bob": "deferred"}


def test_a_machine_that_slept_hands_nothing_over_on_waking(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F7: others may have taken its batch meanwhile; only the clock that counts sleep tells of it."""
    world = World(database, now, in_flight=1)
    tell, asleep_s = time.clock_gettime, [0.0]
    monkeypatch.setattr(time, "clock_gettime", lambda which: tell(which) + asleep_s[0])
    world.wire.answers = {"ann@example.org": lambda _outbound: asleep_s.append(asleep_s.pop() + 3600)}
    message_id = world.message(["ann", "bob"])
    world.tick()
    send.work(world.desk())
    assert world.wire.accepted == ["ann@example.org"]
    assert world.states(message_id) == {"ann": "sent", "bob": "deferred"}


def test_an_opt_out_after_release_is_honoured_at_the_gate(database: Database, now: datetime) -> None:
    """H2, H3: the row is excluded with its reason at the moment of sending."""
    world = World(database, now)
    message_id = world.message(["ann", "bob"])
    world.tick()
    with database.write() as session:
        consent.suppress(
            session, world.time, channel="email", reason="no_contact", origin="recipient",
            stakeholder_id=world.rows(message_id)[0].stakeholder_id,
        )  # fmt: skip
    world.run()
    assert world.states(message_id) == {"ann": "excluded:suppressed", "bob": "sent"}


def test_words_with_a_missing_value_fail_that_row_only(database: Database, now: datetime) -> None:
    """T2: never a blank greeting."""
    world = World(database, now)
    message_id = world.message(["ann"], text="Dear {{ fields.title }}")
    world.run()
    assert world.states(message_id) == {"ann": "failed:data_missing"}


def test_the_same_row_is_the_same_bytes_on_every_attempt(database: Database, now: datetime) -> None:
    world, seen = World(database, now), []

    def remember(outbound: Outbound) -> None:
        seen.append(outbound)
        if len(seen) == 1:
            raise Deferred("busy")

    world.wire.answers = {"ann@example.org": remember}
    world.message(["ann"])
    world.run()
    world.later(hours=1)
    world.run()
    assert len(seen) == 2 and seen[0] == seen[1]


def test_a_message_in_the_future_waits_for_its_instant(database: Database, now: datetime) -> None:
    """E1."""
    world = World(database, now)
    world.message(["ann"], at=now + timedelta(minutes=5))
    world.run()
    assert world.wire.accepted == []
    world.later(minutes=5)
    world.run()
    assert world.wire.accepted == ["ann@example.org"]


def test_a_worker_remembers_no_message_longer_than_what_it_asked_holds(
    database: Database, now: datetime
) -> None:
    """A worker goes on for months: what it keeps in memory does not grow with what went through it."""
    world = World(database, now)
    desk = world.desk()
    for number in range(3):
        world.message([f"p{number}"])
        world.tick()
        while send.work(desk):
            pass
        world.later(minutes=1)
    assert len(world.wire.accepted) == 3 and len(desk.asked) == 1
