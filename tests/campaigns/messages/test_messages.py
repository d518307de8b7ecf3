"""Tests of messages: their states, what holds them, and what they may be made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.errors import (
    AlreadyDone,
    AlreadySending,
    BadField,
    BadTime,
    Conflict,
    FourEyes,
    Invalid,
    MissingData,
    NotFound,
    Stale,
)
from campaigns.messages import approval, blockers, content, messages
from campaigns.messages.tables import STATES, Message, Occurrence
from campaigns.stakeholders import people, segments
from campaigns.strategies import agreements, programmes, strategies

from .conftest import Desk, lay


def kinds(message: Message) -> list[str]:
    return [one["kind"] for one in message.held_by]


def approve(desk: Desk, message: Message, by: str = "bob") -> None:
    digest = approval.digest(desk.session, message)
    messages.decide(desk.session, desk.now, message, digest=digest, decision="approved", by=by)


def occurrence(desk: Desk, message: Message) -> Occurrence:
    return desk.session.scalars(select(Occurrence).where(Occurrence.message_id == message.id)).one()


@pytest.fixture
def obstacle() -> Iterator[list[dict[str, Any]]]:
    """Obstacles that a later room sees: what is put into this list stands in the way of every message."""
    standing: list[dict[str, Any]] = []

    def ask(session: Session, message: Message, now: datetime) -> list[dict[str, Any]]:
        return list(standing)

    blockers.register(ask)
    yield standing
    blockers._asked.remove(ask)


def test_a_message_takes_its_place_in_the_calendar(desk: Desk) -> None:
    """B5, E1"""
    at = desk.now + timedelta(hours=1)
    message = desk.message(at=at)
    assert (message.state, message.wall, message.zone) == ("draft", "2026-11-02T10:00:00", "UTC")
    messages.submit(desk.session, desk.now, message)
    planned = occurrence(desk, message)
    assert message.state == "scheduled"
    assert (planned.due_at, planned.wall, planned.zone, planned.state) == (at, message.wall, "UTC", "planned")
    messages.edit(desk.session, desk.now, message, wall="2026-12-01T09:00", zone="Europe/Kiev")
    moved = occurrence(desk, message)
    assert moved.id == planned.id and moved.zone == message.zone == "Europe/Kyiv"
    assert moved.due_at == message.at == datetime.fromisoformat("2026-12-01T07:00:00+00:00")
    messages.edit(desk.session, desk.now, message, at=None)
    assert occurrence(desk, message).due_at == desk.now and message.wall is None


def test_at_once_means_once_it_may_go(desk: Desk) -> None:
    desk.assure("reviewed")
    message = desk.submitted()
    assert message.state == "waiting"
    later = desk.now + timedelta(days=3)
    digest = approval.digest(desk.session, message)
    messages.decide(desk.session, later, message, digest=digest, decision="approved", by="bob")
    assert message.state == "scheduled" and occurrence(desk, message).due_at == later


def test_everything_that_stands_in_the_way_is_listed_and_clears_by_itself(
    desk: Desk, obstacle: list[dict[str, Any]]
) -> None:
    """B5: waiting while the approval is missing, held when only other obstacles stand."""
    desk.assure("reviewed")
    obstacle.append({"kind": "stopped", "detail": "A flood"})
    message = desk.submitted()
    assert message.state == "waiting" and kinds(message) == ["approval_missing", "stopped"]
    approve(desk, message)
    assert message.state == "held" and kinds(message) == ["stopped"]
    version = message.version
    messages.settle(desk.session, desk.now, message)
    assert message.version == version
    obstacle.append({"kind": "account_out_of_service", "detail": "Login"})
    messages.settle(desk.session, desk.now, message)
    assert kinds(message) == ["stopped", "account_out_of_service"] and message.version == version + 1
    obstacle.clear()
    messages.settle(desk.session, desk.now, message)
    assert (message.state, message.held_by) == ("scheduled", [])


def test_a_message_under_way_is_held_and_goes_on_where_it_was(
    desk: Desk, obstacle: list[dict[str, Any]]
) -> None:
    """B5"""
    message = desk.submitted()
    messages.move(desk.session, message, "sending", desk.now)
    assert message.started_at == desk.now
    obstacle.append({"kind": "stopped", "detail": "x"})
    messages.settle(desk.session, desk.now, message)
    assert message.state == "held"
    message.approved_digest = None  # even without its approval it is held and never waits again
    messages.settle(desk.session, desk.now, message)
    assert message.state == "held" and kinds(message) == ["approval_missing", "stopped"]
    approve(desk, message)
    obstacle.clear()
    messages.settle(desk.session, desk.now, message)
    assert message.state == "sending"


def test_where_a_person_put_it_or_it_is_over_settling_changes_nothing(
    desk: Desk, obstacle: list[dict[str, Any]]
) -> None:
    draft, paused, cancelled, finished = (desk.message() for _ in range(4))
    for message in (paused, cancelled, finished):
        messages.submit(desk.session, desk.now, message)
        messages.move(desk.session, message, "sending", desk.now)
    messages.move(desk.session, paused, "paused", desk.now)
    messages.move(desk.session, cancelled, "cancelled", desk.now)
    messages.move(desk.session, finished, "finished", desk.now)
    obstacle.append({"kind": "stopped", "detail": "x"})
    for message, state in (
        (draft, "draft"),
        (paused, "paused"),
        (cancelled, "cancelled"),
        (finished, "finished"),
    ):
        messages.settle(desk.session, desk.now, message)
        assert (message.state, message.held_by) == (state, [])


LEGAL = {
    ("draft", "waiting"), ("draft", "cancelled"),
    ("waiting", "scheduled"), ("waiting", "held"), ("waiting", "cancelled"),
    ("scheduled", "sending"), ("scheduled", "held"), ("scheduled", "waiting"), ("scheduled", "paused"),
    ("scheduled", "cancelled"),
    ("held", "scheduled"), ("held", "sending"), ("held", "waiting"), ("held", "paused"), ("held", "cancelled"),
    ("sending", "paused"), ("sending", "held"), ("sending", "finished"), ("sending", "cancelled"),
    ("paused", "scheduled"), ("paused", "sending"), ("paused", "finished"), ("paused", "cancelled"),
}  # fmt: skip


def test_only_the_steps_of_the_table_can_be_taken(desk: Desk) -> None:
    """B5"""
    message = desk.message()
    for before in STATES:
        for after in STATES:
            message.state = before
            desk.session.flush()
            if (before, after) in LEGAL or before == after:
                messages.move(desk.session, message, after, desk.now)
                assert message.state == after
            else:
                with pytest.raises(AlreadyDone):
                    messages.move(desk.session, message, after, desk.now)
                assert message.state == before


def test_a_finished_message_is_reopened_by_its_own_verb_only(desk: Desk) -> None:
    message = desk.submitted()
    with pytest.raises(AlreadyDone):
        messages.reopen(desk.session, message, desk.now)
    messages.move(desk.session, message, "sending", desk.now)
    messages.move(desk.session, message, "finished", desk.now)
    messages.reopen(desk.session, message, desk.now)
    assert message.state == "sending"


def test_who_moves_it_second_is_told(database: Database, now: datetime) -> None:
    """B5: the state that was read guards the UPDATE."""
    with database.write() as session:
        number = lay(session, now).submitted().id
    with database.write() as session:
        seen = session.get_one(Message, number)
        session.expunge(seen)
        messages.move(session, session.get_one(Message, number), "cancelled", now)
    with database.write() as session:
        late = session.merge(seen, load=False)
        with pytest.raises(Stale):
            messages.move(session, late, "sending", now)
        assert late.state == "cancelled"
    with database.write() as session:
        late = session.merge(seen, load=False)
        messages.move(session, late, "cancelled", now)  # the same wish twice is no conflict
        assert late.state == "cancelled"


def test_at_agreed_every_missing_party_is_named_and_agreement_lets_it_go(desk: Desk) -> None:
    """B4, SM13"""
    desk.assure("agreed")
    message = desk.submitted()
    assert kinds(message) == ["strategy_missing", "approval_missing"]
    strategy = strategies.create(
        desk.session, desk.now, programme_id=desk.programme.id, segment_id=None, name="Ours"
    )
    version = strategies.new_version(desk.session, desk.now, strategy, {"aims": "Walk"}, "ann")
    [dee, eve] = agreements.set_parties(
        desk.session, strategy, [{"kind": "user", "ref": "dee"}, {"kind": "user", "ref": "eve"}]
    )
    messages.edit(desk.session, desk.now, message, strategy_version_id=version.id)
    approve(desk, message)
    assert message.state == "held" and [one["party"] for one in message.held_by] == ["dee", "eve"]
    agreements.decide(desk.session, desk.now, version, dee, "agreed", version.digest, "dee")
    assert messages.using(desk.session, strategy_version_id=version.id) == [message]
    messages.settle(desk.session, desk.now, message)
    assert message.state == "held" and [one["party"] for one in message.held_by] == ["eve"]
    agreements.decide(desk.session, desk.now, version, eve, "agreed", version.digest, "eve")
    strategies.new_version(desk.session, desk.now, strategy, {"aims": "Run"}, "ann")
    messages.settle(desk.session, desk.now, message)
    assert message.state == "scheduled"


@pytest.mark.parametrize("level", ["light", "reviewed"])
def test_below_agreed_no_agreement_is_asked_for(desk: Desk, level: str) -> None:
    """B4"""
    strategy = strategies.create(
        desk.session, desk.now, programme_id=desk.programme.id, segment_id=None, name="Ours"
    )
    version = strategies.new_version(desk.session, desk.now, strategy, {"aims": "Walk"}, "ann")
    agreements.set_parties(desk.session, strategy, [{"kind": "user", "ref": "dee"}])
    desk.assure(level)
    message = desk.submitted(strategy_version_id=version.id)
    assert "agreement_missing" not in kinds(message)


def test_an_urgent_go_clears_signatures_for_what_was_read_and_nothing_else(
    desk: Desk, obstacle: list[dict[str, Any]]
) -> None:
    """B4, SM13"""
    desk.assure("agreed")
    message = desk.submitted(at=desk.now + timedelta(hours=1))
    obstacle.append({"kind": "stopped", "detail": "x"})
    with pytest.raises(Stale):
        messages.urgent_go(desk.session, desk.now, message, digest="sha256:0", reason="Flood", by="dee")
    read = approval.digest(desk.session, message)
    go = messages.urgent_go(desk.session, desk.now, message, digest=read, reason="Flood", by="dee")
    assert [one["kind"] for one in go.passed_over] == ["strategy_missing", "approval_missing"]
    assert message.state == "held" and kinds(message) == ["stopped"]
    obstacle.clear()
    messages.settle(desk.session, desk.now, message)
    assert message.state == "scheduled"
    with pytest.raises(Conflict):
        messages.urgent_go(desk.session, desk.now, message, digest=read, reason="Again", by="dee")
    desk.write("Other words")
    assert message.state == "waiting" and kinds(message) == ["strategy_missing", "approval_missing"]


def test_an_answer_is_no_campaign(desk: Desk) -> None:
    """Gates: an answer to somebody who wrote to us needs no strategy and no approval."""
    desk.assure("agreed")
    message = desk.submitted(kind="answer")
    assert message.state == "scheduled"
    desk.write("Better words")
    assert message.state == "scheduled"


def test_a_channel_without_words_is_named(desk: Desk) -> None:
    """C4"""
    message = desk.submitted(accounts=[(desk.account.id, "email"), (desk.account.id + 1, "x")])
    assert message.state == "held"
    assert [(one["kind"], one.get("channel")) for one in message.held_by] == [("variant_missing", "x")]
    desk.write("Post", channel="x", subject="")
    assert message.state == "scheduled"


def test_more_recipients_than_the_ceiling_hold_the_message(desk: Desk) -> None:
    """B6"""
    desk.assure("reviewed")
    segment = segments.create(
        desk.session, desk.now, programme_id=desk.programme.id, name="All", rule={"all": []}
    )
    stated = desk.submitted(segment_id=segment.id, ceiling=1)
    unstated = desk.submitted(segment_id=segment.id)
    assert unstated.ceiling == 11
    for message in (stated, unstated):
        approve(desk, message)
        assert message.state == "scheduled"
    join(desk, 1)
    for message in (stated, unstated):
        messages.settle(desk.session, desk.now, message)
    assert kinds(stated) == ["ceiling_exceeded"] and stated.held_by[0]["recipients"] == 2
    assert unstated.state == "scheduled"
    join(desk, 10)
    messages.settle(desk.session, desk.now, unstated)
    assert kinds(unstated) == ["ceiling_exceeded"]
    messages.edit(desk.session, desk.now, unstated, ceiling=100)
    assert unstated.state == "waiting"


def test_at_light_nobody_has_to_state_a_ceiling(desk: Desk) -> None:
    segment = segments.create(
        desk.session, desk.now, programme_id=desk.programme.id, name="S", rule={"all": []}
    )
    assert desk.submitted(segment_id=segment.id).ceiling is None
    assert kinds(desk.submitted(ceiling=1)) == []


def test_words_that_can_reach_nobody_are_refused_at_once(desk: Desk) -> None:
    """T2"""
    desk.write("At {{ data.time }}")
    message = desk.message()
    with pytest.raises(MissingData) as missing:
        messages.submit(desk.session, desk.now, message)
    assert missing.value.names == ["data.time"] and message.state == "draft"


def test_a_draft_whose_time_has_passed_is_not_submitted(desk: Desk) -> None:
    """R27"""
    message = desk.message(at=desk.now + timedelta(minutes=1))
    with pytest.raises(BadTime):
        messages.submit(desk.session, desk.now + timedelta(hours=1), message)
    messages.submit(desk.session, desk.now, message)
    with pytest.raises(AlreadyDone):
        messages.submit(desk.session, desk.now, message)


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"purpose": "spam"}, "/purpose"),
        ({"lane": "fast"}, "/lane"),
        ({"kind": "note"}, "/kind"),
        ({"ceiling": 0}, "/ceiling"),
        ({"useful_until_s": -1}, "/useful_until_s"),
        ({"useful_until_s": 1 << 40}, "/useful_until_s"),
        ({"name": "a\x00"}, "/name"),
        ({"content_id": 5}, "/content_id"),
        ({"strategy_version_id": 5}, "/strategy_version_id"),
        ({"segment_id": 5}, "/segment_id"),
        ({"recipients": [(5, 0)]}, "/recipients/0"),
        ({"zone": "Mars/Base"}, "/zone"),
        ({"wall": "2026-12-01T09:00"}, "/zone"),
        ({"wall": "yesterday", "zone": "UTC"}, "/wall"),
        ({"at": datetime(2026, 12, 1)}, "/send_at"),
        ({"at": datetime.fromisoformat("2026-11-02T08:00:00+00:00")}, "/send_at"),
        ({"at": datetime.fromisoformat("2199-01-01T08:00:00+00:00")}, "/send_at"),
    ],
)
def test_a_wrong_value_is_named(desk: Desk, values: dict[str, Any], pointer: str) -> None:
    """R20, R26, R27, R33"""
    with pytest.raises(Invalid) as wrong:
        desk.message(**values)
    assert wrong.value.pointer == pointer


def test_nothing_of_another_programme_can_be_used(desk: Desk) -> None:
    """R33: the parts of another programme are not there, those of a programme above are."""
    other = programmes.create(desk.session, desk.now, name="Other", starts_on=date(2026, 1, 1))
    below = programmes.create(
        desk.session, desk.now, name="Below", starts_on=date(2026, 1, 1), parent_id=desk.programme.id
    )
    for part, value in (
        ("content_id", content.create(desk.session, desk.now, other.id, "x").id),
        ("segment_id", segments.create(desk.session, desk.now, programme_id=other.id, name="x").id),
        ("strategy_version_id", own_version(desk, other.id)),
    ):
        with pytest.raises(BadField) as wrong:
            desk.message(**{part: value})
        assert wrong.value.pointer == f"/{part}"
    assert desk.message(programme_id=below.id).content_id == desk.item.id
    with pytest.raises(NotFound):
        desk.message(programme_id=5)


def test_a_segment_and_named_recipients_exclude_each_other(desk: Desk) -> None:
    segment = segments.create(desk.session, desk.now, programme_id=desk.programme.id, name="S")
    with pytest.raises(BadField):
        desk.message(segment_id=segment.id, recipients=[(desk.mair.id, 0)])
    message = desk.message()
    with pytest.raises(BadField):
        messages.edit(desk.session, desk.now, message, segment_id=segment.id)
    messages.edit(desk.session, desk.now, message, segment_id=segment.id, recipients=[])
    assert message.segment_id == segment.id


def test_what_delivery_has_is_not_edited(desk: Desk) -> None:
    message = desk.submitted()
    occurrence(desk, message).state = "released"
    desk.session.flush()
    with pytest.raises(AlreadySending):
        messages.edit(desk.session, desk.now, message, lane="bulk")
    messages.move(desk.session, message, "sending", desk.now)
    with pytest.raises(AlreadyDone):
        messages.edit(desk.session, desk.now, message, lane="bulk")
    with pytest.raises(AlreadySending):
        desk.write("Other words")


@pytest.mark.parametrize("field", ["state", "approved_digest", "author", "programme_id", "held_by", "id"])
def test_what_is_not_the_editors_cannot_be_edited(desk: Desk, field: str) -> None:
    """R34"""
    message = desk.message()
    with pytest.raises(BadField) as refused:
        messages.edit(desk.session, desk.now, message, **{field: "scheduled"})
    assert refused.value.pointer == f"/{field}"


def test_a_missing_message_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        messages.get(session, 5)


def test_the_reviewer_of_an_urgent_go_is_another_person(desk: Desk) -> None:
    """SM13"""
    desk.assure("reviewed")
    message = desk.submitted()
    read = approval.digest(desk.session, message)
    go = messages.urgent_go(desk.session, desk.now, message, digest=read, reason="Flood", by="ann")
    assert message.state == "scheduled" and agreements.reviews_due(desk.session) == [go]
    with pytest.raises(FourEyes):
        agreements.review(desk.session, desk.now, go, "Fine", "ann")


def join(desk: Desk, count: int) -> None:
    for number in range(count):
        person = people.create(desk.session, desk.now, kind="person", name=f"P{number}")
        people.involve(desk.session, desk.now, person.id, desk.programme.id)


def own_version(desk: Desk, programme_id: int) -> int:
    made = strategies.create(desk.session, desk.now, programme_id=programme_id, segment_id=None, name="x")
    return strategies.new_version(desk.session, desk.now, made, {"aims": "x"}, "ann").id
