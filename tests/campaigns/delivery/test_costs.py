"""What posts cost where each is charged for, and the budget of a month that holds what would go beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from campaigns.database import Database
from campaigns.delivery import accounts, control, costs, limits
from campaigns.delivery.tables import Account, Delivery
from campaigns.errors import BadField
from campaigns.messages import lengths, media, pictures
from campaigns.messages.tables import Message, MessageAccount
from connectors.api import Prices, Refused, Uncertain

from ..messages.test_media import drawn
from .test_threads import INEXACT, TEXT, posting, steps, told, tries
from .world import World

PRICES = Prices(
    currency="USD", post=0.015, link=0.2, answer=0.01, picture=0.005, source="a page, November 2026"
)
LINK = "Come: https://cyngor.example/cyfarfod"


def charging(database: Database, now: datetime, budget: float | None = None, **more: Any) -> World:
    world = posting(database, now, prices=PRICES, **more)
    with database.write() as session:
        account = session.get_one(Account, world.account_id)
        accounts.change(session, account, now, own_limits={"cost_per_month": budget} if budget else None)
    return world


def cost(world: World, message_id: int) -> list[tuple[str, float]]:
    with world.database.read() as session:
        found = costs.of_message(session, session.get_one(Message, message_id))
        return [(one.currency, one.amount) for one in found]


def spent(world: World, at: datetime | None = None) -> float:
    with world.database.read() as session:
        return costs.spent(session, session.get_one(Account, world.account_id), at or world.now())


def against(world: World, message_id: int) -> list[str]:
    with world.database.read() as session:
        return [one["kind"] for one in session.get_one(Message, message_id).held_by]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("Come on Friday.", 0.015),
        (LINK, 0.2),
        ("See example.org", 0.2),
        (TEXT, 0.045),
        (f"{TEXT}\n{LINK}", 0.23),
        ("Hello {{ data.where }}", 0.2),
    ],
)
def test_what_it_costs_is_told_before_it_goes(
    database: Database, now: datetime, text: str, amount: float
) -> None:
    """D8: by its words, and by the values in them; each part of a thread is a post."""
    world = charging(database, now)
    message_id = world.message([], text=text, data={"where": "https://a.example"})
    assert cost(world, message_id) == [("USD", amount)]
    steps(world, 3)
    assert spent(world) == amount


def test_pictures_cost_what_saying_what_they_show_costs(
    database: Database, now: datetime, tmp_path: Path
) -> None:
    world = charging(database, now)
    numbers = painted(world, tmp_path)
    assert cost(world, world.message([], text=TEXT, media=numbers)) == [("USD", 0.055)]


def painted(world: World, folder: Path) -> Sequence[int]:
    with world.database.write() as session:
        return [
            media.add_picture(
                session, world.now(), folder, programme_id=None, picture=pictures.read(drawn(colour=colour)),
                name="a.png", author="ann", decorative=True,
            ).id
            for colour in ("red", "blue")
        ]  # fmt: skip


def test_an_answer_costs_what_answers_cost(database: Database, now: datetime) -> None:
    world = charging(database, now)
    message_id = world.message([], text="Diolch!", kind="answer")
    assert cost(world, message_id) == [("USD", 0.01)]
    steps(world)
    assert spent(world) == 0.01


def test_where_nothing_is_charged_nothing_is_told(database: Database, now: datetime) -> None:
    world = posting(database, now)
    assert cost(world, world.message([], text=LINK)) == []


def test_what_a_network_refused_costs_nothing_and_what_may_have_gone_does(
    database: Database, now: datetime
) -> None:
    world = charging(database, now, repeats=INEXACT)
    world.message([], text="One")
    tries(world, Refused("no"), "One")
    steps(world)
    assert spent(world) == 0
    world.message([], text="Two")
    tries(world, Uncertain("silence"), "Two")
    steps(world)
    assert spent(world) == 0.015


def test_a_budget_holds_what_would_go_beyond_it_until_it_is_raised(database: Database, now: datetime) -> None:
    """It is held as a whole, and goes by itself when there is room."""
    world = charging(database, now, budget=0.03)
    first, second = (world.message([], text=text) for text in ("One", "Two"))
    steps(world)
    assert told(world, first) == told(world, second) == ["sent"]
    third = world.message([], text="Three")
    steps(world, 2)
    assert (world.state(third), against(world, third)) == ("held", ["budget_used_up"])
    with database.write() as session:
        account = session.get_one(Account, world.account_id)
        accounts.change(session, account, world.now(), own_limits={"cost_per_month": 0.05})
    steps(world, 2)
    assert told(world, third) == ["sent"]


def test_two_that_are_ready_at_once_do_not_both_take_the_last_of_a_budget(
    database: Database, now: datetime
) -> None:
    world = charging(database, now, budget=0.02)
    made = [world.message([], text=text) for text in ("One", "Two")]
    steps(world, 2)
    assert sorted(world.state(one) for one in made) == ["finished", "held"]


def test_what_was_spent_stays_spent_when_a_message_goes_by_another_account(
    database: Database, now: datetime
) -> None:
    """One that recurs may be changed between its times."""
    world = charging(database, now)
    message_id = world.message([], text="One")
    steps(world)
    with database.write() as session:
        session.execute(delete(MessageAccount).where(MessageAccount.message_id == message_id))
    assert spent(world) == 0.015


def test_the_next_month_begins_anew(database: Database, now: datetime) -> None:
    world = charging(database, now, budget=0.02)
    world.message([], text="One")
    steps(world)
    later = limits.ends("month", now)
    held, next_month = world.message([], text="Two"), world.message([], text="Three", at=later)
    steps(world)
    assert world.state(held) == "held" and world.state(next_month) == "scheduled"
    assert spent(world) == 0.015 and spent(world, later) == 0


def test_a_thread_that_has_begun_is_not_held_by_what_it_cost_itself(
    database: Database, now: datetime
) -> None:
    world = charging(database, now, budget=0.045)
    message_id = world.message([], text=TEXT)
    steps(world, 4)
    assert told(world, message_id) == ["sent"] * 3


def test_a_thread_that_does_not_fit_does_not_begin(database: Database, now: datetime) -> None:
    world = charging(database, now, budget=0.04)
    message_id = world.message([], text=TEXT)
    steps(world, 2)
    assert world.state(message_id) == "held" and world.wire.outbound == []


def test_what_somebody_says_did_not_go_is_not_counted(database: Database, now: datetime) -> None:
    world = charging(database, now, repeats=INEXACT)
    message_id = world.message([], text="One")
    tries(world, Uncertain("silence"), "One")
    steps(world, 2)
    with database.write() as session:
        row = session.get_one(Delivery, world.rows(message_id)[0].id)
        control.decide(session, world.now(), row, outcome="failed", by="ann", evidence="it is not there")
    assert spent(world) == 0


@pytest.mark.parametrize("wrong", [0, -1, "1", True])
def test_a_budget_is_an_amount(wrong: Any) -> None:
    with pytest.raises(BadField):
        limits.check({"cost_per_month": wrong})
    assert limits.check({"cost_per_month": 12.5}) == {"cost_per_month": 12.5}


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Croeso", False), ("at 10.30, room 2.5", False), ("ann@example.org", False), ("e.g. this", False),
        ("https://cyngor.example", True), ("example.org", True), ("cyngor.cymru/cwrdd", True),
        ("HTTP://A.EXAMPLE", True),
    ],
)  # fmt: skip
def test_a_link_is_what_networks_make_one_of(text: str, links: bool) -> None:
    assert lengths.has_link(text) is links
