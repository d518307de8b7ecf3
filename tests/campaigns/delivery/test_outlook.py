"""What a release would do, counted before it does it, and of whom somebody should think first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from campaigns.database import Database
from campaigns.delivery import outlook
from campaigns.messages import content
from campaigns.messages.tables import ContentItem, Message
from campaigns.stakeholders import consent, people
from campaigns.stakeholders.tables import Stakeholder

from .world import World


def seen(world: World, message_id: int) -> outlook.Audience:
    with world.database.read() as session:
        return outlook.summary(session, session.get_one(Message, message_id), world.time, most=200)


def test_a_rehearsal_is_summed_up_by_reason_with_names(database: Database, now: datetime) -> None:
    """C8: the same rows as the release writes, counted."""
    world = World(database, now)
    with database.write() as session:
        reached = world.people(session, ["ann", "bob"])
        nobody = people.create(session, now, kind="person", name="Carys")
        people.involve(session, now, nobody.id, world.programme_id)
        nobody_id = nobody.id
    message_id = world.message([], recipients=[*reached, (nobody_id, 0)], at=now + timedelta(days=1))
    found = seen(world, message_id)
    assert (found.gets, found.left_out, found.whole) == (2, {"no_address": 1}, True)
    assert [name for _, name in found.first] == ["ann", "bob"]
    assert found.names == {"no_address": [(nobody_id, "Carys")]}


def refusing(world: World, reached: Sequence[tuple[int, int]]) -> None:
    """The first of these withdrew, the second is marked for news alone, the third gave permission."""
    news: dict[str, Any] = {"purpose": "direct_marketing", "channel": "email"}
    said: dict[str, Any] = {"source": "form", "actor": "test"}
    (first, _), (second, _), (third, _), *_ = reached
    with world.database.write() as session:
        consent.withdraw(session, world.time, first, **news, **said)
        consent.suppress(
            session, world.time, reason="opt_out", origin="recipient", stakeholder_id=second, **news
        )
        consent.give(session, world.time, third, basis="consent", **news, **said)


@pytest.mark.parametrize(
    ("purpose", "gets", "no_news"), [("service", 4, 2), ("survey", 4, 2), ("direct_marketing", 1, 0)]
)
def test_whoever_wants_no_news_is_counted_where_it_does_not_go_as_news(
    database: Database, now: datetime, purpose: str, gets: int, no_news: int
) -> None:
    world = World(database, now)
    with database.write() as session:
        reached = world.people(session, ["ann", "bob", "cat", "dan"])
    refusing(world, reached)
    found = seen(world, world.message([], recipients=reached, purpose=purpose, at=now + timedelta(days=1)))
    assert (found.gets, found.no_news) == (gets, no_news)


def test_languages_that_nobody_has_written_it_in_are_counted(database: Database, now: datetime) -> None:
    """The language that comes first with somebody; one letter in two languages is in both."""
    world = World(database, now)
    with database.write() as session:
        reached = world.people(session, ["ann", "bob", "cat", "dan"])
        for (number, _), wishes in zip(reached, (["cy", "en"], ["en-GB"], [], ["ar"]), strict=True):
            session.get_one(Stakeholder, number).languages = wishes
    message_id = world.message([], recipients=reached, at=now + timedelta(days=1))
    assert seen(world, message_id).unwritten == {("email", "ar"): 1, ("email", "cy"): 1}
    with database.write() as session:
        item = session.get_one(ContentItem, session.get_one(Message, message_id).content_id)
        content.save_variant(
            session, now, item, channel="email", language="cy-GB", author="user:ann", subject="Helo", text="Helo"
        )  # fmt: skip
    assert seen(world, message_id).unwritten == {("email", "ar"): 1}
