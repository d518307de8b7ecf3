"""A due occurrence becomes ledger rows once, and the rehearsal tells the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery import accounts, audience, reconcile, release, send
from campaigns.delivery.tables import Account, Delivery
from campaigns.messages import content, messages
from campaigns.messages.tables import Message, Occurrence
from campaigns.responses import erasure
from campaigns.stakeholders import addresses, fields, people, segments
from campaigns.stakeholders.tables import Segment, Stakeholder

from .world import Died, World

MANY = [f"person{n:03}" for n in range(550)]  # more than are released in one transaction


def group_of_everyone(world: World) -> int:
    with world.database.write() as session:
        made = segments.create(
            session, world.time, programme_id=world.programme_id, name="Everyone",
            rule={"field": "kind", "op": "is", "value": "person"},
        )  # fmt: skip
        return made.id


def to_group(world: World, names: list[str], **more: Any) -> int:
    """A message to a group of these people."""
    with world.database.write() as session:
        world.people(session, names)
    group = group_of_everyone(world)
    return world.message([], segment_id=group, **more)


def occurrence(world: World, message_id: int) -> Occurrence:
    with world.database.read() as session:
        return session.scalars(select(Occurrence).where(Occurrence.message_id == message_id)).one()


def test_a_group_is_frozen_into_one_row_each(database: Database, now: datetime) -> None:
    """A12: who comes later is not in it."""
    world = World(database, now)
    message_id = to_group(world, MANY)
    world.tick()
    with database.write() as session:
        world.people(session, ["latecomer"])
    world.run()
    assert len(world.rows(message_id)) == len(MANY)
    assert len(world.wire.accepted) == len(set(world.wire.accepted)) == len(MANY)


def test_a_release_that_is_interrupted_goes_on_where_it_stopped(database: Database, now: datetime) -> None:
    """E5: nobody is left out and nobody stands there twice."""
    world = World(database, now)
    message_id = to_group(world, MANY)
    chunks = []

    def dying() -> datetime:
        chunks.append(1)
        if len(chunks) == 2:
            raise Died
        return now

    with pytest.raises(Died):
        release.release(database, occurrence(world, message_id).id, dying)
    assert 0 < len(world.rows(message_id)) < len(MANY)
    world.run()
    assert len(world.rows(message_id)) == len(MANY)
    assert len(world.wire.accepted) == len(MANY)


def test_of_two_clocks_one_releases(database: Database, now: datetime) -> None:
    """E5"""
    world = World(database, now)
    message_id = to_group(world, MANY)
    due = occurrence(world, message_id).id
    with database.read() as session:
        slow = release._open(session, due, now)
        found = release._next(session, slow, now)
    assert release.release(database, due, world.now) is True
    with database.write() as session:
        assert release._chunk(session, slow, found, now) is False
    assert len(world.rows(message_id)) == len(MANY)


@pytest.mark.parametrize("meanwhile", ["an erasure", "an edit", "another clock"])
def test_rows_that_were_made_before_something_changed_are_made_anew(
    database: Database, now: datetime, meanwhile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E5: between making rows and writing them nobody is kept waiting; what was made of an older state is dropped."""
    world = World(database, now)
    message_id = to_group(world, MANY)
    due = occurrence(world, message_id).id
    make, turns = release._next, []

    def made(session: Session, plan: audience.Plan, at: datetime) -> release.Found:
        found = make(session, plan, at)
        turns.append(plan.after)
        if len(turns) == 1:
            change()
        return found

    def change() -> None:
        if meanwhile == "another clock":
            assert release.release(database, due, world.now) is True
            return
        with database.write() as session:
            if meanwhile == "an erasure":
                named = select(Stakeholder).where(Stakeholder.name == MANY[0])
                erasure.erase(session, now, session.scalars(named).one())
            else:
                item = content.get(session, session.get_one(Message, message_id).content_id)
                content.save_variant(
                    session, now, item, channel="email", language="en", author="user:ann", subject="Hi",
                    text="Changed",
                )  # fmt: skip

    monkeypatch.setattr(release, "_next", made)
    assert release.release(database, due, world.now) is (meanwhile != "another clock")
    left = len(MANY) - (meanwhile == "an erasure")
    assert len({row.target for row in world.rows(message_id)}) == len(world.rows(message_id)) == left
    world.run()
    assert len(world.wire.accepted) == left
    assert ("Changed" in str(world.wire.outbound[0].text)) is (meanwhile == "an edit")


def test_the_rehearsal_is_the_release(database: Database, now: datetime) -> None:
    """E11: same people, same words, same reasons; and it writes nothing."""
    world = World(database, now)
    with database.write() as session:
        lost = people.create(session, now, kind="person", name="No address")
        people.involve(session, now, lost.id, world.programme_id)
        twin = people.create(session, now, kind="person", name="Twin")
        people.involve(session, now, twin.id, world.programme_id)
        addresses.add(session, now, twin.id, "email", "person000@example.org")
    message_id = to_group(world, MANY[:5])
    with database.read() as session:
        rehearsed = release.rehearse(session, session.get_one(Message, message_id), now)
    assert world.rows(message_id) == []
    world.tick()
    told = [
        (row["target"], row["address_key"], row["variant_id"], row["state"], row["reason"])
        for row in rehearsed
    ]
    done = [
        (row.target, row.address_key, row.variant_id, row.state, row.reason) for row in world.rows(message_id)
    ]
    assert sorted(told) == sorted(done)
    reasons = {row.reason for row in world.rows(message_id)}
    assert reasons == {None, "no_address", "duplicate_address"}


def test_everybody_reads_their_own_language(database: Database, now: datetime) -> None:
    """C4, A10: Welsh and Arabic by wish, English where nothing else is known."""
    world = World(database, now)
    message_id = world.message(["ann"])
    with database.write() as session:
        message = session.get_one(Message, message_id)
        item = content.get(session, message.content_id)
        for language, text in (("cy", "Helo {{ name }}"), ("ar", "مرحبًا {{ name }}")):
            content.save_variant(
                session,
                now,
                item,
                channel="email",
                language=language,
                author="user:ann",
                subject="-",
                text=text,
            )
        for name, wish in (("Siân", "cy"), ("ليلى", "ar")):
            person = people.create(session, now, kind="person", name=name, languages=[wish, "en"])
            people.involve(session, now, person.id, world.programme_id)
            addresses.add(session, now, person.id, "email", f"{wish}@example.org")
    group = group_of_everyone(world)
    with database.write() as session:
        message = session.get_one(Message, message_id)
        messages.edit(session, now, message, recipients=[], segment_id=group)
    world.run()
    texts = {one.to: str(one.text).splitlines()[0] for one in world.wire.outbound}
    assert texts == {
        "ann@example.org": "Hello ann", "cy@example.org": "Helo Siân", "ar@example.org": "مرحبًا ليلى"
    }  # fmt: skip


def test_values_stand_in_a_row_as_they_are_on_record(database: Database, now: datetime) -> None:
    """Whatever way they go through on it: not shortened, rounded or written differently."""
    world = World(database, now)
    visits, code = 999_999_999_999_999, 1 << 70
    with database.write() as session:
        fields.define(session, now, "visits", "number")
        sian = people.create(
            session, now, kind="person", name='Siân "👋" \\', languages=["cy"], attrs={"visits": visits}
        )
        address = addresses.add(session, now, sian.id, "email", "sian@example.org")
        to = (sian.id, address.id)
    message_id = world.message([], recipients=[to], at=now + timedelta(days=1))
    with database.write() as session:
        item = content.get(session, session.get_one(Message, message_id).content_id)
        content.change(session, now, item, author="user:ann", data={"code": code})
        content.save_variant(
            session, now, item, channel="email", language="en", author="user:ann", subject="Hi",
            text="{{ name }} {{ language }} {{ fields.visits }} {{ data.code }}",
        )  # fmt: skip
    world.later(days=1)
    world.run()
    (row,) = world.rows(message_id)
    assert row.slots == {"name": 'Siân "👋" \\', "language": "cy", "fields.visits": visits, "data.code": code}
    assert str(world.wire.outbound[0].text).split("\n")[0] == f'Siân "👋" \\ cy {visits} {code}'


def test_a_post_goes_once_to_each_account_and_to_no_person(database: Database, now: datetime) -> None:
    """SM14, D3"""
    world = World(database, now, broadcast=True)
    message_id = world.message([], text="Hello, all")
    world.run()
    (row,) = world.rows(message_id)
    assert (row.target, row.stakeholder_id, row.state) == (world.account_id, None, "sent")
    assert [str(one.text) for one in world.wire.outbound] == ["Hello, all"]


def test_a_post_that_was_held_too_long_is_not_sent(database: Database, now: datetime) -> None:
    world = World(database, now, broadcast=True)
    with database.write() as session:
        account = session.get_one(Account, world.account_id)
        accounts.change(session, account, now, state="disabled")
    message_id = world.message([], text="Hello, all")
    world.run()
    assert world.state(message_id) == "held"
    world.later(hours=3)
    with database.write() as session:
        accounts.restore(session, session.get_one(Account, world.account_id), world.time)
    world.run()
    assert [(row.state, row.reason) for row in world.rows(message_id)] in (
        [("failed", "too_late")],
        [("sent", None)],
    )


def test_an_edit_takes_untouched_rows_back(database: Database, now: datetime) -> None:
    """B6: the ledger never holds words that were edited away."""
    world = World(database, now)
    message_id = world.message(["ann"], at=now.replace(hour=9, minute=5))
    world.tick()
    assert len(world.rows(message_id)) == 1
    with database.write() as session:
        item = content.get(session, session.get_one(Message, message_id).content_id)
        content.save_variant(
            session,
            now,
            item,
            channel="email",
            language="en",
            author="user:ann",
            subject="Hi",
            text="Changed",
        )
        assert session.query(Delivery).count() == 0
    world.later(minutes=10)
    world.run()
    assert [str(one.text) for one in world.wire.outbound] == ["Changed"]


def test_a_segment_that_is_hand_picked_is_an_audience_too(database: Database, now: datetime) -> None:
    world = World(database, now)
    with database.write() as session:
        made = segments.create(session, now, programme_id=world.programme_id, name="Chosen")
        (ann, _), _bob = world.people(session, ["ann", "bob"])
        segments.pick(session, session.get_one(Segment, made.id), [ann])
    message_id = world.message([], segment_id=made.id)
    world.run()
    assert world.states(message_id) == {"ann": "sent"}


def test_counts_of_several_messages_stop_where_it_is_enough(database: Database, now: datetime) -> None:
    world = World(database, now)
    one, two = world.message(["ann", "bob", "cat"]), world.message(["dan"])
    world.run()
    with database.read() as session:
        assert reconcile.counts_of(session, [one, two], most=2) == {one: {"sent": 2}, two: {"sent": 1}}
        assert reconcile.counts(session, one)["sent"] == 3


def test_nothing_new_goes_to_a_group_that_is_archived(database: Database, now: datetime) -> None:
    """What has begun to go to it ends; what is still to come is on hold until it has another group."""
    world = World(database, now, in_flight=1)
    begun = to_group(world, [f"p{n:02}" for n in range(12)])
    with database.read() as session:
        group = session.get_one(Message, begun).segment_id
    later = world.message([], segment_id=group, at=now + timedelta(days=1))
    world.tick()

    def archive_once(name: str) -> None:
        if name == "net.after_reply":
            with database.write() as session:
                segments.archive(session, now, session.get_one(Segment, group))

    send.work(world.desk(failpoint=archive_once))
    world.run()
    assert world.state(begun) == "finished" and len(world.wire.accepted) == 12
    assert world.state(later) == "held"
    world.later(days=1)
    world.run()
    assert world.state(later) == "held" and len(world.wire.accepted) == 12
    with database.write() as session:
        message = session.get_one(Message, later)
        assert [one["kind"] for one in message.held_by] == ["segment_archived"]
        rest = segments.create(
            session, now, programme_id=world.programme_id, name="Others",
            rule={"field": "name", "op": "is", "value": "p03"},
        )  # fmt: skip
        messages.edit(session, world.time, message, segment_id=rest.id)
    world.run()
    assert world.state(later) == "finished" and len(world.wire.accepted) == 13
