"""Tests of strategies: what they hold, versions that never change, and which one is in force."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaigns.errors import BadField, Conflict, InUse, NotFound
from campaigns.stakeholders import segments
from campaigns.strategies import agreements, programmes, strategies
from campaigns.strategies.tables import Strategy

from .conftest import Table

BODY = {
    "aims": "More people walk to school",
    "tone": "Warm",
    "key_messages": ["Cerdded bob dydd", "امشوا كل يوم"],
    "channels": ["email", "x"],
    "cadence": "Twice a week",
    "calls_to_action": ["Join a walking bus"],
    "response_rules": "Answer within a day",
    "responsible": ["Ann"],
    "purpose": "service",
    "default_language": "cy",
}


def test_a_strategy_holds_its_sections_and_its_digest_names_them(session: Session, now: datetime) -> None:
    """B3, SM13"""
    programme = programmes.create(session, now, name="P", starts_on=date(2026, 1, 1))
    segment = segments.create(session, now, programme_id=programme.id, name="Schools")
    strategy = strategies.create(session, now, programme_id=programme.id, segment_id=segment.id, name="S")
    first = strategies.new_version(session, now, strategy, BODY, "ann")
    again = strategies.new_version(session, now, strategy, dict(reversed(BODY.items())), "ann")
    other = strategies.new_version(session, now, strategy, BODY | {"tone": "warm"}, "ann")
    assert (first.n, again.n, other.n) == (1, 2, 3)
    assert first.body == BODY and set(BODY) == set(strategies.SECTIONS)
    assert first.digest == again.digest != other.digest
    assert strategies.version(session, strategy, 2) is again
    with pytest.raises(NotFound):
        strategies.version(session, strategy, 4)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"goal": "x"}, "/body/goal"),
        ({"aims": 5}, "/body/aims"),
        ({"aims": "a\x00"}, "/body/aims"),
        ({"aims": "\ud800"}, "/body/aims"),
        ({"key_messages": "x"}, "/body/key_messages"),
        ({"key_messages": ["ok", ""]}, "/body/key_messages/1"),
        ({"channels": ["x"] * 101}, "/body/channels"),
        ({"purpose": "spam"}, "/body/purpose"),
        ({"default_language": "welsh!"}, "/body/default_language"),
    ],
)
def test_a_wrong_section_is_named(body: dict[str, Any], pointer: str) -> None:
    with pytest.raises(BadField) as wrong:
        strategies.check(body)
    assert wrong.value.pointer == pointer


def test_a_segment_has_one_strategy_and_it_is_of_the_same_programme(session: Session, now: datetime) -> None:
    one, two = (programmes.create(session, now, name=name, starts_on=date(2026, 1, 1)) for name in "AB")
    segment = segments.create(session, now, programme_id=one.id, name="S")
    strategies.create(session, now, programme_id=one.id, segment_id=segment.id, name="x")
    strategies.create(session, now, programme_id=one.id, segment_id=None, name="everyone")
    for programme_id, segment_id, error in (
        (one.id, segment.id, InUse),
        (one.id, None, InUse),
        (two.id, segment.id, BadField),
        (one.id, 5, BadField),
        (5, None, NotFound),
    ):
        with pytest.raises(error):
            strategies.create(session, now, programme_id=programme_id, segment_id=segment_id, name="again")


def test_a_draft_never_unseats_the_agreed_version(session: Session, now: datetime, table: Table) -> None:
    """B4, SM13"""
    strategy, first = table.strategy, table.version
    assert strategies.in_force(session, strategy) is None
    agree(session, now, table)
    assert strategies.in_force(session, strategy) is first
    second = strategies.new_version(session, now, strategy, {"aims": "Run"}, "ann")
    assert strategies.in_force(session, strategy) is first
    agreements.decide(session, now, second, table.director, "agreed", second.digest, "dee")
    assert strategies.in_force(session, strategy) is first
    agreements.record(
        session, now, second, table.council, "agreed", second.digest, recorded_by="bob", evidence="Minutes 7"
    )
    assert strategies.in_force(session, strategy) is second


def test_without_parties_the_newest_counts_below_agreed_only(session: Session, now: datetime) -> None:
    """B4"""
    programme = programmes.create(session, now, name="P", starts_on=date(2026, 1, 1), assurance="reviewed")
    strategy = strategies.create(session, now, programme_id=programme.id, segment_id=None, name="S")
    assert strategies.in_force(session, strategy) is None
    version = strategies.new_version(session, now, strategy, {"aims": "x"}, "ann")
    assert strategies.in_force(session, strategy) is version
    programmes.set_assurance(session, now, programme, "agreed")
    assert strategies.in_force(session, strategy) is None
    assert not strategies.is_agreed(session, version)


def test_an_author_who_is_the_only_party_has_not_made_an_agreement(
    session: Session, now: datetime, table: Table
) -> None:
    """SM13"""
    [party] = agreements.set_parties(session, table.strategy, [{"kind": "user", "ref": "ann"}])
    agreements.decide(session, now, table.version, party, "agreed", table.version.digest, "ann")
    assert agreements.missing(session, table.version) == []
    assert strategies.in_force(session, table.strategy) is None
    [obstacle] = agreements.obstacles(session, table.version)
    assert obstacle["party"] == "somebody other than its author"


def test_a_message_without_a_strategy_stands_under_the_programmes_own_or_the_built_in(
    session: Session, now: datetime, table: Table
) -> None:
    """B3"""
    plain = programmes.create(session, now, name="Plain", starts_on=date(2026, 1, 1))
    builtin = session.get_one(Strategy, strategies.everyday(session, plain.id, now).strategy_id)
    assert builtin.builtin
    # Not agreed yet: the message still stands under it, so that it is held and names who is missing.
    assert strategies.everyday(session, table.programme.id, now) is table.version
    strategies.archive(session, now, table.strategy)
    assert strategies.everyday(session, table.programme.id, now).strategy_id == builtin.id


def test_the_built_in_and_archived_strategies_take_no_version(
    session: Session, now: datetime, table: Table
) -> None:
    builtin = session.get_one(
        Strategy, strategies.everyday(session, programmes.general(session, now).id, now).strategy_id
    )
    strategies.archive(session, now, table.strategy)
    for strategy in (builtin, table.strategy):
        with pytest.raises(Conflict):
            strategies.new_version(session, now, strategy, {"aims": "x"}, "ann")
    with pytest.raises(Conflict):
        strategies.archive(session, now, builtin)


def agree(session: Session, now: datetime, table: Table) -> None:
    version = table.version
    agreements.decide(session, now, version, table.director, "agreed", version.digest, "dee")
    token = agreements.invite(session, now, version, table.council).removeprefix("/agree/")
    agreements.decide_by_link(session, now, token, "agreed", version.digest, "", "what was shown")


def test_a_draft_is_its_author_s_and_ends_with_them(session: Session, now: datetime, table: Table) -> None:
    first = strategies.keep_draft(session, now, table.strategy, {"aims": "Run"}, "ann")
    again = strategies.keep_draft(session, now, table.strategy, {"aims": "Run more"}, "ann")
    assert first.id == again.id and again.body == {"aims": "Run more"}
    assert strategies.draft(session, table.strategy, "bo") is None
    with pytest.raises(BadField):
        strategies.keep_draft(session, now, table.strategy, {"aim": "Run"}, "ann")
    strategies.drop_draft(session, table.strategy, "ann")
    assert strategies.draft(session, table.strategy, "ann") is None
