"""Fixtures of the strategies' tests: an `agreed` programme with a strategy that three parties must agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import pytest
from sqlalchemy.orm import Session

from campaigns.stakeholders import people
from campaigns.strategies import agreements, programmes, strategies
from campaigns.strategies.tables import Party, Programme, Strategy, StrategyVersion


@dataclass
class Table:
    """The people around one strategy."""

    programme: Programme
    strategy: Strategy
    version: StrategyVersion
    director: Party
    council: Party
    told: Party


@pytest.fixture
def table(session: Session, now: datetime) -> Table:
    """An `agreed` programme whose strategy nobody has agreed yet."""
    return lay(session, now)


def lay(session: Session, now: datetime) -> Table:
    """Version 1 by Ann; her director and the youth council must agree, the press office is told."""
    programme = programmes.create(
        session, now, name="Walking", starts_on=date(2026, 1, 1), assurance="agreed"
    )
    strategy = strategies.create(session, now, programme_id=programme.id, segment_id=None, name="All")
    version = strategies.new_version(
        session, now, strategy, {"aims": "Walk more", "key_messages": ["Try it"]}, "ann"
    )
    council = people.create(session, now, kind="group", name="Cyngor Ieuenctid")
    director, outside, told = agreements.set_parties(
        session,
        strategy,
        [
            {"kind": "role", "ref": "director", "label": "Director"},
            {"kind": "stakeholder", "ref": str(council.id)},
            {"kind": "user", "ref": "press", "part": "informed"},
        ],
    )
    return Table(programme, strategy, version, director, outside, told)
