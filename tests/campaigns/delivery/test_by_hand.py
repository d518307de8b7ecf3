"""What people carry out by hand: it waits for their word, is tried by nobody, and is sent when they show it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from campaigns.database import Database
from campaigns.delivery import accounts, by_hand, control, reconcile, states
from campaigns.delivery.tables import Account, Attempt, Delivery, HandWork
from campaigns.errors import AlreadyDone, AlreadySending, BadField, LinkNotValid, NotFound
from campaigns.messages.tables import Message
from connectors.api import Outbound, Receipt

from .world import World

SEEN = "https://llyfrgell.example/bwrdd"


@pytest.fixture
def world(database: Database, now: datetime) -> World:
    """An account whose posts people put up."""
    made = World(database, now, broadcast=True, in_flight=1)

    def to_people(outbound: Outbound) -> Receipt:
        return replace(made.wire.send(outbound, keyed=True), with_people=True)

    made.connector = replace(made.connector, send=to_people)
    with database.write() as session:
        account = session.get_one(Account, made.account_id)
        account.channel = "post"
        accounts.declare(account, made.connector)
    return made


def handed(world: World) -> int:
    """A message whose one post people have in hand; its id."""
    number = world.message([], text="Dewch i’r cyfarfod")
    world.run()
    return number


def row(world: World) -> Delivery:
    with world.database.read() as session:
        return session.scalars(select(Delivery)).one()


def work(world: World) -> by_hand.Work:
    with world.database.read() as session:
        return by_hand.get(session, row(world).id)


def end(world: World, *, done: bool = True, where: str = SEEN, words: str = "") -> None:
    with world.database.write() as session:
        found = by_hand.get(session, row(world).id)
        by_hand.end(session, world.now(), found, done=done, by="usr_1", where=where, words=words)


def test_it_waits_for_people_and_nobody_tries_it_again(world: World) -> None:
    """L4"""
    number = handed(world)
    assert (row(world).state, row(world).reason, row(world).next_at) == ("deferred", "with_people", None)
    for _ in range(10):
        world.later(days=3)
        world.run()
    assert world.wire.accepted == [""] and row(world).state == "deferred"
    with world.database.read() as session:
        assert session.get_one(Message, number).state == "sending"
        assert [one.standing for one in by_hand.waiting(session)] == ["waiting"]
        assert by_hand.waiting(session, Delivery.message_id == 1) == []


def test_it_is_sent_when_somebody_shows_it(world: World) -> None:
    """L4: what they showed stays with the delivery, and the books agree."""
    number = handed(world)
    world.later(hours=5)
    end(world, words="ger y drws")
    assert (row(world).state, row(world).reason, row(world).sent_at) == ("sent", None, world.now())
    world.tick()
    with world.database.read() as session:
        assert session.get_one(Message, number).state == "finished"
        assert reconcile.counts(session, number)["sent"] == 1 and by_hand.waiting(session) == []
        told = session.scalars(select(Attempt).where(Attempt.outcome == "decided_sent")).one()
        assert told.error == {"by": "usr_1", "evidence": f"{SEEN} ger y drws"}
    assert (work(world).hand.where, work(world).hand.words, work(world).standing) == (
        SEEN,
        "ger y drws",
        "done",
    )


def test_a_photo_shows_it_as_well(world: World) -> None:
    handed(world)
    with world.database.write() as session:
        found = by_hand.get(session, row(world).id)
        by_hand.end(session, world.now(), found, done=True, by="usr_1", photo_id=77)
    assert row(world).state == "sent" and work(world).hand.photo_id == 77


def test_it_is_not_sent_on_anybodys_bare_word(world: World) -> None:
    handed(world)
    for where, error in (("", "/where"), ("javascript:alert(1)", "/where"), ("ftp://a.example/", "/where")):
        with pytest.raises(BadField) as told:
            end(world, where=where, words="wir!")
        assert told.value.pointer == error
    assert row(world).state == "deferred"


def test_what_was_not_done_says_why_and_can_be_given_out_again(world: World) -> None:
    number = handed(world)
    with pytest.raises(BadField):
        end(world, done=False, where="")
    end(world, done=False, where="", words="mae'r llyfrgell ar gau")
    assert (row(world).state, row(world).reason, work(world).standing) == (
        "failed",
        "marked_failed",
        "not_done",
    )
    with world.database.write() as session:
        assert control.retry(session, world.now(), session.get_one(Message, number)) == {"requeued": 1}
    world.run()
    assert work(world).standing == "waiting" and work(world).hand.words is None
    end(world)
    assert row(world).state == "sent"


def test_what_is_withdrawn_is_nobodys_work_any_more(world: World) -> None:
    number = handed(world)
    with world.database.write() as session:
        control.cancel(session, world.now(), session.get_one(Message, number))
    assert (row(world).state, row(world).reason, work(world).standing) == ("cancelled", None, "withdrawn")
    with pytest.raises(AlreadyDone):
        end(world)
    with world.database.write() as session, pytest.raises(AlreadyDone):
        by_hand.give_link(session, world.now(), by_hand.get(session, row(world).id), "Llyfrgell")


def test_the_same_press_twice_changes_nothing_and_another_says_so(world: World) -> None:
    handed(world)
    end(world)
    before = work(world).hand.ended_at
    world.later(minutes=1)
    end(world, where="https://arall.example/")
    assert (work(world).hand.ended_at, work(world).hand.where) == (before, SEEN)
    with pytest.raises(AlreadyDone):
        end(world, done=False, words="na")


def test_a_worker_that_dies_as_it_hands_it_out_gives_it_out_once(world: World) -> None:
    """Whether people have it is our own word: under its key it is given out anew, and it is one row."""
    handed(world)
    with world.database.write() as session:
        mine = update(Delivery).values(
            state=states.UNKNOWN, reason=None, next_at=world.now(), settled_at=world.now()
        )
        session.execute(mine)
    world.later(minutes=1)
    world.run()
    assert (row(world).state, row(world).reason) == ("deferred", "with_people")
    with world.database.read() as session:
        assert len(session.scalars(select(HandWork)).all()) == 1


def test_a_link_shows_one_thing_until_its_day(world: World) -> None:
    handed(world)
    with world.database.write() as session:
        path = by_hand.give_link(
            session, world.now(), by_hand.get(session, row(world).id), "Llyfrgell", days=7
        )
    token = path.removeprefix("/pack/")
    with world.database.read() as session:
        assert by_hand.read_link(session, world.now(), token).hand.partner == "Llyfrgell"
        assert token not in str(session.scalars(select(HandWork.token_sha256)).one())
        for wrong in ("", token[:-1], token + "A", "x"):
            with pytest.raises(LinkNotValid):
                by_hand.read_link(session, world.now(), wrong)
        with pytest.raises(LinkNotValid):
            by_hand.read_link(session, world.now() + timedelta(days=7), token)


def test_a_new_link_ends_the_one_before_and_none_is_left_when_it_is_taken_back(world: World) -> None:
    handed(world)
    with world.database.write() as session:
        found = by_hand.get(session, row(world).id)
        first, second = (by_hand.give_link(session, world.now(), found, "Llyfrgell") for _ in range(2))
        with pytest.raises(LinkNotValid):
            by_hand.read_link(session, world.now(), first.removeprefix("/pack/"))
        by_hand.take_link_back(session, found)
        with pytest.raises(LinkNotValid):
            by_hand.read_link(session, world.now(), second.removeprefix("/pack/"))
        with pytest.raises(BadField):
            by_hand.give_link(session, world.now(), found, "Llyfrgell", days=91)


def test_a_link_of_the_time_before_opens_nothing_when_it_is_given_out_again(world: World) -> None:
    """It works once: whoever said that it was not done has no say in who does it next."""
    number = handed(world)
    with world.database.write() as session:
        path = by_hand.give_link(session, world.now(), by_hand.get(session, row(world).id), "Llyfrgell")
    end(world, done=False, where="", words="ar gau")
    with world.database.write() as session:
        control.retry(session, world.now(), session.get_one(Message, number))
    world.run()
    assert (work(world).standing, work(world).hand.partner) == ("waiting", "")
    with world.database.read() as session, pytest.raises(LinkNotValid):
        by_hand.read_link(session, world.now(), path.removeprefix("/pack/"))


def test_what_a_machine_sends_is_no_work_for_people(database: Database, now: datetime) -> None:
    world = World(database, now)
    world.message(["Nia"])
    world.run()
    with database.read() as session, pytest.raises(NotFound):
        by_hand.get(session, session.scalars(select(Delivery.id)).one())


def test_what_people_have_in_hand_is_not_taken_back_to_be_edited(world: World) -> None:
    number = handed(world)
    with world.database.write() as session, pytest.raises(AlreadySending):
        control.take_back(session, world.now(), session.get_one(Message, number))
    assert work(world).standing == "waiting"
