"""Threads: the parts of a post go one after the other, each answers the one before, and none overtakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from campaigns.database import Database
from campaigns.delivery import accounts, control, outlook, reconcile, release
from campaigns.delivery.tables import Account, Delivery
from campaigns.messages import media, messages, pictures
from campaigns.messages.tables import Message
from connectors.api import ConnectorError, Deferred, Findable, Outbound, Refused, Repeats, Uncertain

from ..messages.test_media import drawn
from .world import BLIND, FINDABLE, KEYED, Died, World

TEXT = "The bridge opens.\n\n---\nCome on Friday.\n---\nBring a friend."
PARTS = ["The bridge opens.", "Come on Friday.", "Bring a friend."]
INEXACT = Findable(visible_within_s=1, exact=False)


def posting(database: Database, now: datetime, repeats: Repeats = KEYED, **limits: Any) -> World:
    """A world whose account posts to everyone, and has threads."""
    world = World(database, now, repeats, broadcast=True)
    told: dict[str, Any] = {"parts_max": 3, "media_max": 2, "media_types": ("image/png",)} | limits
    world.connector = replace(world.connector, limits=replace(world.connector.limits, **told))
    with database.write() as session:
        accounts.declare(session.get_one(Account, world.account_id), world.connector)
    return world


def tries(world: World, error: ConnectorError | BaseException, text: str, times: int = 1) -> None:
    """The provider says this to the next tries of a text; Uncertain after it has taken it."""
    left = [error] * times

    def answer(outbound: Outbound) -> None:
        if str(outbound.text) == text and left:
            world.wire.answers = {}
            if isinstance(error, Uncertain):
                world.wire.send(outbound, keyed=True)
            raise left.pop()

    world.wire.answers = {"": answer}


def told(world: World, message_id: int) -> list[str]:
    """State and reason of each part, in their order."""
    rows = sorted(world.rows(message_id), key=lambda row: row.part)
    return [f"{row.state}:{row.reason}" if row.reason else row.state for row in rows]


def went(world: World) -> list[tuple[str, str, str]]:
    """What the provider took: each text, what it answers and where its thread begins."""
    return [(str(one.text), one.in_reply_to, one.options.get("thread", "")) for one in world.wire.outbound]


def steps(world: World, number: int = 1) -> None:
    for _ in range(number):
        world.run()
        world.later(seconds=16)


def test_each_part_answers_the_one_before(database: Database, now: datetime) -> None:
    """C6: one row for each part; the first is named by all that follow."""
    world = posting(database, now)
    message_id = world.message([], text=TEXT)
    steps(world, 3)
    assert went(world) == [(PARTS[0], "", ""), (PARTS[1], "p1", "p1"), (PARTS[2], "p2", "p1")]
    assert told(world, message_id) == ["sent"] * 3 and world.state(message_id) == "finished"
    with database.read() as session:
        assert reconcile.books(session, message_id)["reconciled"]


def test_a_part_that_waits_spends_no_attempt(database: Database, now: datetime) -> None:
    world = posting(database, now)
    message_id = world.message([], text=TEXT)
    world.run()
    assert told(world, message_id) == ["sent", "queued", "queued"]
    assert [row.attempt for row in world.rows(message_id)] == [1, 0, 0]


def test_where_there_are_no_threads_a_line_is_a_line(database: Database, now: datetime) -> None:
    world = posting(database, now, parts_max=1)
    world.message([], text=TEXT)
    steps(world)
    assert [str(one.text) for one in world.wire.outbound] == [TEXT]


def test_a_network_that_has_threads_no_more_is_not_told_the_same_again(
    database: Database, now: datetime
) -> None:
    """What was released as parts says nothing twice."""
    world = posting(database, now)
    world.message([], text=TEXT)
    world.tick()
    with database.write() as session:
        account = session.get_one(Account, world.account_id)
        account.limits = {**account.limits, "parts_max": 1}
    steps(world, 3)
    assert [str(one.text) for one in world.wire.outbound] == [TEXT, "", ""]


def test_a_network_that_has_threads_since_its_release_says_all_of_it(
    database: Database, now: datetime
) -> None:
    """It was released as one post, so nobody would say the rest."""
    world = posting(database, now, parts_max=1)
    world.message([], text=TEXT)
    world.tick()
    with database.write() as session:
        account = session.get_one(Account, world.account_id)
        account.limits = {**account.limits, "parts_max": 3}
    steps(world, 3)
    assert [str(one.text) for one in world.wire.outbound] == [TEXT]


def test_parts_answer_those_of_their_own_language(database: Database, now: datetime) -> None:
    """Which is part of what a delivery is."""
    world = posting(database, now)
    message_id = world.message([], text=TEXT)
    world.run()
    with database.write() as session:
        first = world.rows(message_id)[0]
        session.execute(update(Delivery).where(Delivery.id == first.id).values(language="cy"))
    steps(world, 3)
    assert went(world)[1:] == [(PARTS[1], "", ""), (PARTS[2], "p2", "")]


def test_a_letter_is_no_thread(database: Database, now: datetime) -> None:
    """Nothing is parted where each person gets their own."""
    world = World(database, now)
    world.message(["ann"], text=TEXT)
    world.run()
    assert len(world.wire.outbound) == 1 and "---" in str(world.wire.outbound[0].text)


def test_a_part_that_is_put_off_holds_those_after_it(database: Database, now: datetime) -> None:
    """Nobody overtakes: it is tried again first."""
    world = posting(database, now)
    message_id = world.message([], text=TEXT)
    tries(world, Deferred("busy", retry_after_s=600), PARTS[1])
    steps(world, 4)
    assert told(world, message_id) == ["sent", "deferred", "queued"]
    world.later(minutes=11)
    steps(world, 3)
    assert [text for text, _, _ in went(world)] == PARTS


def test_a_part_that_fails_for_good_fails_those_after_it(database: Database, now: datetime) -> None:
    """D9: each row says why, and what failed is not tried."""
    world = posting(database, now)
    message_id = world.message([], text=TEXT)
    tries(world, Refused("no"), PARTS[1])
    steps(world, 4)
    assert told(world, message_id) == ["sent", "failed:content_refused", "failed:thread_broken"]
    assert len(world.wire.outbound) == 1 and world.state(message_id) == "finished"
    assert world.rows(message_id)[2].attempt == 0


def test_a_part_nobody_knows_about_holds_those_after_it_until_somebody_says(
    database: Database, now: datetime
) -> None:
    """F14: words are no proof. What was found names what the next part answers."""
    world = posting(database, now, INEXACT)
    message_id = world.message([], text=TEXT)
    tries(world, Uncertain("silence"), PARTS[0])
    steps(world, 4)
    assert told(world, message_id) == ["unknown", "queued", "queued"]
    with database.write() as session:
        row = session.get_one(Delivery, world.rows(message_id)[0].id)
        control.decide(session, world.now(), row, outcome="sent", by="ann", evidence="I see it")
    steps(world, 4)
    assert told(world, message_id) == ["sent"] * 3
    assert went(world)[1:] == [(PARTS[1], "p1", "p1"), (PARTS[2], "p2", "p1")]


@pytest.mark.parametrize(("outcome", "texts"), [("sent", PARTS), ("queued", [PARTS[0], *PARTS])])
def test_how_long_parts_are_worth_sending_counts_from_when_it_is_known_what_became_of_the_first(
    database: Database, now: datetime, outcome: str, texts: list[str]
) -> None:
    """A person may find out the next morning; until then the rest of the thread is not late."""
    world = posting(database, now, INEXACT)
    message_id = world.message([], text=TEXT)
    tries(world, Uncertain("silence"), PARTS[0])
    steps(world, 2)
    world.later(hours=20)
    steps(world, 2)
    assert told(world, message_id) == ["unknown", "queued", "queued"]
    with database.write() as session:
        row = session.get_one(Delivery, world.rows(message_id)[0].id)
        control.decide(session, world.now(), row, outcome=outcome, by="ann", evidence="I looked")
    steps(world, 5)
    assert told(world, message_id) == ["sent"] * 3
    assert [text for text, _, _ in went(world)] == texts


def test_a_part_that_went_to_where_nobody_knows_has_no_answers(database: Database, now: datetime) -> None:
    world = posting(database, now, BLIND)
    message_id = world.message([], text=TEXT)
    tries(world, Uncertain("silence"), PARTS[0])
    steps(world, 2)
    with database.write() as session:
        row = session.get_one(Delivery, world.rows(message_id)[0].id)
        control.decide(session, world.now(), row, outcome="sent", by="ann", evidence="I see it")
    steps(world, 3)
    assert told(world, message_id) == ["sent", "failed:thread_broken", "failed:thread_broken"]


@pytest.mark.parametrize(
    "place", ["intent.after_commit", "net.before_send", "net.after_reply", "result.before_commit"]
)
@pytest.mark.parametrize("repeats", [KEYED, FINDABLE])
def test_a_worker_killed_at_any_part_loses_and_doubles_none(
    database: Database, now: datetime, place: str, repeats: Repeats
) -> None:
    """F1: kill -9 at one part and again at another; the thread ends whole and in its order."""
    world = posting(database, now, repeats)
    message_id = world.message([], text=TEXT)
    killed = 0
    for _ in PARTS:
        try:
            world.run(failpoint=_dying(place))
        except Died:
            killed += 1
        world.later(seconds=70)
        world.recover()
        steps(world)
    assert killed > 1
    steps(world, 4)
    assert told(world, message_id) == ["sent"] * 3
    assert went(world) == [(PARTS[0], "", ""), (PARTS[1], "p1", "p1"), (PARTS[2], "p2", "p1")]


def _dying(place: str) -> Callable[[str], None]:
    def failpoint(name: str) -> None:
        if name == place:
            raise Died

    return failpoint


def test_what_failed_is_retried_from_the_part_that_broke_it(database: Database, now: datetime) -> None:
    world = posting(database, now)
    message_id = world.message([], text=TEXT)
    tries(world, Deferred("busy", retry_after_s=3600), PARTS[1], times=3)
    steps(world, 3)
    world.later(hours=3)
    steps(world, 4)
    assert told(world, message_id)[1:] == ["failed:too_late"] * 2
    world.wire.answers = {}
    with database.write() as session:
        control.retry(session, world.now(), session.get_one(Message, message_id))
    steps(world, 4)
    assert [text for text, _, _ in went(world)] == PARTS


@pytest.mark.parametrize(
    ("text", "limits", "field"),
    [
        (TEXT, {"parts_max": 2}, "parts"),
        ("{% if name %}\nHello\n---\nyou\n{% endif %}", {}, "parts"),
        (TEXT, {"text_max": 15}, "text"),
    ],
)
def test_a_thread_is_measured_by_its_parts(
    database: Database, now: datetime, text: str, limits: dict[str, Any], field: str
) -> None:
    """C3"""
    world = posting(database, now, **limits)
    message_id = world.message([], text=text)
    with database.read() as session:
        held_by = session.get_one(Message, message_id).held_by
    assert {one["field"] for one in held_by} == {field}


def test_a_thread_may_be_longer_than_one_post(database: Database, now: datetime) -> None:
    world = posting(database, now, text_max=20)
    message_id = world.message([], text=TEXT)
    steps(world, 3)
    assert told(world, message_id) == ["sent"] * 3


def test_pictures_go_with_the_first_part(database: Database, now: datetime, tmp_path: Path) -> None:
    """C5: their bytes are read when they go."""
    world = posting(database, now)
    with database.write() as session:
        made = media.add_picture(
            session, now, tmp_path, programme_id=None, picture=pictures.read(drawn()), name="a.png", author="ann",
            alts={"en": "A bridge"},
        )  # fmt: skip
        number, digest = made.id, made.sha256
    message_id = world.message([], text=TEXT, media=[number])
    for _ in range(3):
        world.run(folder=tmp_path)
        world.later(seconds=16)
    first, *others = world.wire.outbound
    assert [one.media for one in others] == [(), ()]
    (shown,) = first.media
    assert (shown.alt, shown.type, shown.url) == (
        "A bridge",
        "image/png",
        f"https://dolen.example/m/{digest}.png",
    )
    assert shown.load() == pictures.place(tmp_path, str(digest), "png").read_bytes() and shown.size == len(
        shown.load()
    )
    assert told(world, message_id) == ["sent"] * 3


def test_a_picture_that_cannot_be_read_now_is_tried_later(
    database: Database, now: datetime, tmp_path: Path
) -> None:
    """Nothing was posted, so nothing is in doubt."""
    world = posting(database, now)
    with database.write() as session:
        made = media.add_picture(
            session, now, tmp_path, programme_id=None, picture=pictures.read(drawn()), name="a.png", author="ann",
            decorative=True,
        )  # fmt: skip
        number = made.id
    message_id = world.message([], text="Hello", media=[number])
    world.wire.answers = {"": _load}
    world.run(folder=tmp_path / "elsewhere")
    assert told(world, message_id) == ["deferred"]


def _load(outbound: Outbound) -> None:
    for one in outbound.media:
        one.load()


def test_a_look_counts_a_thread_as_one_post(database: Database, now: datetime) -> None:
    world = posting(database, now)
    message_id = world.message([], text=TEXT)
    with database.read() as session:
        message = session.get_one(Message, message_id)
        assert outlook.summary(session, message, now, most=10).gets == 1
        assert [row["part"] for row in release.rehearse(session, message, now)] == [0, 1, 2]
        assert messages.get(session, message_id).state == "scheduled"
