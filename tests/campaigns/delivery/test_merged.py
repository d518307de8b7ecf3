"""Records that were merged are one person: who gets a message once, and whose no on either counts for both."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery import follow_up, release
from campaigns.delivery.tables import Delivery
from campaigns.messages.tables import Message, MessageRecipient, Timing
from campaigns.responses import effects, merges
from campaigns.stakeholders import addresses, consent, kin, people, segments, topics
from campaigns.stakeholders.tables import Address, Segment, Stakeholder
from connectors.api import Deferred, Refused

from .test_caps import capped
from .world import World

MARKETING: dict[str, Any] = {"purpose": "direct_marketing"}


def who(world: World, name: str) -> int:
    """The id of the record that has this address of its own, merged or not."""
    with world.database.read() as session:
        found = session.query(Address).filter_by(key=f"{name}@example.org").order_by(Address.id).first()
        assert found is not None
        return found.stakeholder_id


def merge(world: World, kept: str, gone: str) -> int:
    ids = who(world, kept), who(world, gone)
    with world.database.write() as session:
        return merges.merge(session, world.time, *ids, take={"name": "kept"}, reason="", by="user:ann").id


def undo(world: World, number: int) -> None:
    with world.database.write() as session:
        merges.undo(session, world.time, merges.get(session, number), "user:ann")


def agree(world: World, *names: str) -> None:
    for name in names:
        number = who(world, name)
        with world.database.write() as session:
            consent.give(
                session, world.time, number, "direct_marketing", "email", basis="consent", source="test",
                actor="recipient",
            )  # fmt: skip


def again(world: World, *names: str, **more: Any) -> int:
    """Another message to the same people, at once."""
    with world.database.read() as session:
        held = session.query(Address).where(Address.key.in_([f"{one}@example.org" for one in names]))
        recipients = sorted({(one.stakeholder_id, 0) for one in held})
    return world.message([], recipients=recipients, at=world.time, **more)


def test_a_message_released_to_both_goes_to_one_of_them(database: Database, now: datetime) -> None:
    world = World(database, now)
    sent = world.message(["ann", "anne", "ben"], at=now + timedelta(hours=1))
    world.tick()
    with database.write() as session:
        release.at_once(session, session.get_one(Message, sent), now)
    merge(world, "anne", "ann")
    world.later(hours=1)
    world.run()
    assert sorted(world.wire.accepted) == ["anne@example.org", "ben@example.org"]
    world.later(minutes=1)
    world.run()
    assert len(world.wire.accepted) == 2
    assert world.states(sent)["ann"] == "excluded:duplicate_address"
    assert world.state(sent) == "finished"


@pytest.mark.parametrize("kept", ["ann", "anne"])
def test_a_message_released_to_both_goes_to_the_other_where_it_cannot_go_to_the_first(
    database: Database, now: datetime, kept: str
) -> None:
    """A15: one waits for the other, so that nobody is left with nothing."""
    world = World(database, now)
    gone = {"ann": "anne", "anne": "ann"}[kept]
    sent = world.message(["ann", "anne"], at=now + timedelta(hours=1))
    world.tick()
    with database.write() as session:
        release.at_once(session, session.get_one(Message, sent), now)
    merge(world, kept, gone)
    world.wire.answers[f"{kept}@example.org"] = _refused
    for _ in range(2):
        world.later(hours=1)
        world.run()
    assert world.wire.accepted == [f"{gone}@example.org"]
    assert world.states(sent) == {kept: "failed:content_refused", gone: "sent"}


@pytest.mark.parametrize("speaks", ["ann", "anne"])
def test_an_address_is_taken_out_of_use_on_every_record(
    database: Database, now: datetime, speaks: str
) -> None:
    """A15: what was released before to the record that is gone does not go either."""
    world = World(database, now)
    sent = world.message(["ann", "anne"], at=now + timedelta(hours=1))
    world.tick()
    with database.write() as session:
        release.at_once(session, session.get_one(Message, sent), now)
    kept = who(world, "anne")
    merge(world, "anne", "ann")
    with database.write() as session:
        held = {one.key: one for one in addresses.of(session, kept)}
        addresses.retire(session, held[f"{speaks}@example.org"])
        assert addresses.holders(session, "email", f"{speaks}@example.org") == []
    for _ in range(2):
        world.later(hours=1)
        world.run()
    other = {"ann": "anne", "anne": "ann"}[speaks]
    assert world.wire.accepted == [f"{other}@example.org"]


def test_who_got_it_on_one_record_does_not_get_it_on_the_other(database: Database, now: datetime) -> None:
    world = World(database, now)
    sent = world.message(["ann", "anne"])
    world.wire.answers["anne@example.org"] = _later
    world.run()
    assert world.states(sent)["ann"] == "sent"
    merge(world, "anne", "ann")
    world.wire.answers.clear()
    world.later(hours=1)
    world.run()
    assert world.wire.accepted == ["ann@example.org"]
    assert world.states(sent)["anne"] == "excluded:duplicate_address"


@pytest.mark.parametrize("kept", ["ann", "anne"])
def test_whose_mail_came_back_from_one_address_gets_it_at_the_other(
    database: Database, now: datetime, kept: str
) -> None:
    """A15: a dead address is why two records are found to be one person, more often than not."""
    world = World(database, now)
    sent = world.message(["ann", "anne"])
    world.wire.answers["anne@example.org"] = _later
    world.run()
    with database.write() as session:
        session.execute(
            update(Delivery).where(Delivery.stakeholder_id == who(world, "ann")).values(state="bounced")
        )
    merge(world, kept, "anne" if kept == "ann" else "ann")
    world.wire.answers.clear()
    world.later(hours=1)
    world.run()
    assert world.states(sent) == {"ann": "bounced", "anne": "sent"}


def _refused(_outbound: Any) -> None:
    raise Refused("not today")


def _later(_outbound: Any) -> None:
    raise Deferred("busy", retry_after_s=60)


@pytest.mark.parametrize("speaks", ["ann", "anne"])
def test_an_opt_out_of_either_counts_for_both_until_they_are_two_again(
    database: Database, now: datetime, speaks: str
) -> None:
    """By the link in a mail that one of the records got before."""
    world = World(database, now)
    first = world.message(["ann", "anne"])
    agree(world, "ann", "anne")
    world.run()
    made = merge(world, "anne", "ann")
    row = next(one for one in world.rows(first) if one.address_key == f"{speaks}@example.org")
    with database.write() as session:
        effects.unsubscribe(session, now, row.id, how="link")
    second = again(world, "anne", **MARKETING)
    world.run()
    assert {one.state for one in world.rows(second)} == {"excluded"}
    undo(world, made)
    third = again(world, "ann", "anne", **MARKETING)
    world.run()
    other = {"ann": "anne", "anne": "ann"}[speaks]
    assert [one.address_key for one in world.rows(third) if one.state == "sent"] == [f"{other}@example.org"]


def test_a_suppression_of_either_person_counts_for_both(database: Database, now: datetime) -> None:
    world = World(database, now)
    world.message(["ann", "anne"])
    world.run()
    ann = who(world, "ann")
    with database.write() as session:
        consent.suppress(session, now, channel="*", reason="no_contact", origin="admin", stakeholder_id=ann)
    made = merge(world, "anne", "ann")
    stopped = again(world, "anne")
    world.run()
    assert [one.reason for one in world.rows(stopped)] == ["suppressed"]
    undo(world, made)
    free = again(world, "anne")
    world.run()
    assert [one.state for one in world.rows(free) if one.stakeholder_id != ann] == ["sent"]


def test_their_own_newer_consent_opens_what_another_record_had_closed(
    database: Database, now: datetime
) -> None:
    """As it would have, had there been one record from the start; somebody else's word does not."""
    world = World(database, now)
    world.message(["ann", "anne"])
    world.run()
    ann, anne = who(world, "ann"), who(world, "anne")
    said: dict[str, Any] = {"purpose": "direct_marketing", "channel": "email"}
    with database.write() as session:
        consent.withdraw(session, now, ann, **said, source="test", actor="recipient")
        consent.give(
            session,
            now + timedelta(hours=1),
            anne,
            **said,
            basis="soft_opt_in_sale",
            source="till",
            actor="user:ann",
        )
    merge(world, "anne", "ann")
    pair = (anne, "anne@example.org")
    world.later(days=1)
    with database.write() as session:
        assert consent.decide(session, world.time, **said, pairs=[pair])[pair].reason == "no_lawful_basis"
        made = consent.give(
            session, world.time, anne, **said, basis="consent", source="form", actor="recipient"
        )
        assert consent.decide(session, world.time, **said, pairs=[pair])[pair].consent_id == made.id


def test_what_went_to_either_counts_against_a_cap(database: Database, now: datetime) -> None:
    """E8."""
    world = World(database, now)
    capped(world, 2, 7)
    world.message(["ann"], purpose="survey")
    world.message(["anne"], purpose="survey")
    world.run()
    merge(world, "anne", "ann")
    third = again(world, "anne", purpose="survey")
    world.run()
    assert [one.reason for one in world.rows(third)] == ["frequency_cap"]


def test_what_they_chose_last_counts_on_whichever_record(database: Database, now: datetime) -> None:
    """A13."""
    world = World(database, now)
    world.message(["ann", "anne"])
    world.run()
    ann, anne = who(world, "ann"), who(world, "anne")
    for hours, number, frequency in ((0, anne, "all"), (1, ann, "none")):
        with database.write() as session:
            topics.choose(
                session, now + timedelta(hours=hours), number, topics.EVERYTHING, "email", frequency=frequency,
                source="preferences", actor="recipient",
            )  # fmt: skip
    merge(world, "anne", "ann")
    world.later(days=1)
    sent = again(world, "anne", purpose="survey")
    world.run()
    assert [one.reason for one in world.rows(sent)] == ["topic_opt_out"]


def test_a_message_to_a_record_that_is_gone_goes_to_the_one_that_stands_for_it(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    first = world.message(["ann", "anne"])
    world.run()
    ann, anne = who(world, "ann"), who(world, "anne")
    merge(world, "anne", "ann")
    sent = world.message([], recipients=[(ann, 0), (anne, 0)], at=world.time)
    world.run()
    assert [(one.stakeholder_id, one.state) for one in world.rows(sent)] == [(anne, "sent")]
    assert len(world.rows(first)) == 2


def test_a_follow_up_goes_to_whoever_stands_for_who_got_the_first(database: Database, now: datetime) -> None:
    """E14."""
    world = World(database, now)
    first = world.message(["ann", "ben"])
    world.run()
    ann, ben = who(world, "ann"), who(world, "ben")
    with database.write() as session:
        anne = people.create(session, now, kind="person", name="anne").id
        merges.merge(session, now, anne, ann, take={"name": "kept"}, reason="", by="user:ann")
        asked = follow_up.people(session, Timing(message_id=0, after_id=first, asks="not_answered"))
        assert {one.id for one in session.scalars(asked)} == {anne, ben}


def test_an_address_that_was_named_is_written_to_though_its_record_is_gone(
    database: Database, now: datetime
) -> None:
    world = World(database, now)
    world.message(["ann", "anne"])
    world.run()
    ann = who(world, "ann")
    with database.read() as session:
        address = session.query(Address).filter_by(stakeholder_id=ann).one().id
    merge(world, "anne", "ann")
    world.wire.accepted.clear()
    world.message([], recipients=[(ann, address)], at=world.time)
    world.run()
    assert world.wire.accepted == ["ann@example.org"]


def test_groups_hold_the_record_that_stands_for_both_once(database: Database, now: datetime) -> None:
    """A10: with what the other brought; and after the undo both, each with their own."""
    world = World(database, now)
    world.message(["ann", "anne"])
    ann, anne = who(world, "ann"), who(world, "anne")
    with database.write() as session:
        people.tag(session, ann, "walker")
        picked = segments.create(session, now, programme_id=world.programme_id, name="Picked")
        segments.pick(session, picked, [ann])
        tagged = {"all": [{"field": "tag", "op": "has", "value": "walker"}]}
        by_rule = segments.create(session, now, programme_id=world.programme_id, name="By rule", rule=tagged)
        groups = picked.id, by_rule.id

    def inside() -> list[list[int]]:
        with database.read() as session:
            found = (segments.inside(session, session.get_one(Segment, one), now=now) for one in groups)
            return [[person.id for person in session.scalars(one)] for one in found]

    made = merge(world, "anne", "ann")
    assert inside() == [[anne], [anne]]
    undo(world, made)
    assert inside() == [[ann], [ann]]


@pytest.mark.parametrize("most", [1, 2, 3, 10])
def test_a_page_of_those_who_are_named_goes_on_where_the_last_ended(
    session: Session, now: datetime, most: int
) -> None:
    """Also where whole pages of them were merged, into somebody before them, after them, or named as well."""
    numbers = [people.create(session, now, kind="person", name=f"Ann {place}").id for place in range(9)]
    for kept, gone in ((0, 3), (0, 4), (8, 5), (6, 7)):
        merges.merge(
            session, now, numbers[kept], numbers[gone], take={"name": "kept"}, reason="", by="user:ann"
        )
    named = select(Stakeholder.id).where(Stakeholder.id.in_(numbers[1:8]))
    page = kin.standing_for(named)
    found = [-1]
    while some := session.scalars(page, {"after": found[-1], "most": most}).all():
        found += [one.id for one in some]
    assert found[1:] == [numbers[place] for place in (0, 1, 2, 6, 8)]


@pytest.mark.parametrize("how", ["named", "follow-up"])
def test_a_page_reads_no_more_of_those_it_may_go_to_than_its_own(
    database: Database, now: datetime, how: str
) -> None:
    """D3: each page of a million who were named read all of them, twice."""
    world = World(database, now)
    first = world.message(["ann"])
    world.run()
    with database.read() as session:
        named = select(MessageRecipient.stakeholder_id).where(MessageRecipient.message_id == first)
        after = follow_up.people(session, Timing(message_id=0, after_id=first, asks="not_answered"))
        page, number = (kin.standing_for(named), "stakeholder_id") if how == "named" else (after, "target")
        sql = page.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
        explain = "EXPLAIN QUERY PLAN"
        if session.get_bind().dialect.name == "postgresql":
            explain = "EXPLAIN"
            for way in ("seqscan", "bitmapscan"):
                session.execute(text(f"SET LOCAL enable_{way} = off"))
        steps = [str(row[-1]) for row in session.connection().exec_driver_sql(f"{explain} {sql}")]
    # By the index, from where the page begins.
    assert any(f"{number}>?" in step or ("Index Cond" in step and f"{number} > " in step) for step in steps)
