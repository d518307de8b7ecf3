"""What came of a message, in figures: by the API, on its page and as a table, with what was not told said so."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from campaigns.base import parse_id, public_id
from campaigns.delivery.tables import Delivery, DeliveryEvent
from campaigns.messages.tables import Message
from campaigns.responses.tables import PostFigure, PostLook
from connectors.api import FIGURES
from service.wiring import Wiring

from .. import samples
from ..conftest import Api, People
from .conftest import Browser, Browsers

JUDGED = (("e1", "opened", "machine"), ("e2", "opened", "person"), ("e3", "clicked", "machine"))


@pytest.fixture
def made(wiring: Wiring) -> dict[str, int]:
    """A message that has gone, by one delivery that was opened and one post that was counted twice."""
    now = wiring.now()
    with wiring.database.write() as session:
        ids = samples.world(session, now, samples.programme(session, now, "Here"))
        row = session.get_one(Delivery, ids["dlv"])
        session.get_one(Message, row.message_id).started_at = now
        for key, kind, verdict in JUDGED:
            session.add(
                DeliveryEvent(
                    delivery_id=row.id, message_id=row.message_id, stakeholder_id=None, kind=kind, at=now,
                    account_id=row.account_id, event_key=key, verdict=verdict,
                )
            )  # fmt: skip
        told = {"delivery_id": row.id, "message_id": row.message_id, "source": "x", "api": "2"}
        session.add(
            PostLook(delivery_id=row.id, message_id=row.message_id, account_id=row.account_id, looked_at=now)
        )
        for hours, figure, value in ((2, "likes", 3), (1, "likes", 4), (1, "reach", 0)):
            session.add(PostFigure(**told, figure=figure, value=value, at=now - timedelta(hours=hours)))
            session.flush()
        return {**ids, "msg": row.message_id}


def test_figures_are_told_with_machines_apart_and_what_is_missing_as_nothing(
    api: Api, people: People, made: dict[str, int]
) -> None:
    """F6, G14"""
    path, admin = f"/v1/messages/{public_id('msg', made['msg'])}/figures", people()
    told: Any = api.get(path, admin).json
    assert told["opened"] == {"person": 1, "unsure": 0, "machine": 0}
    assert told["clicked"] == {"person": 0, "unsure": 0, "machine": 1}
    (post,) = told["posts"]
    assert parse_id("dlv", post["delivery_id"]) == made["dlv"]
    values = {one["figure"]: one["value"] for one in post["figures"]}
    assert values == {**dict.fromkeys(FIGURES), "likes": 4, "reach": 0}
    rows = api.get(f"{path}/history", admin, query_string={"limit": 2}).json
    assert [(one["figure"], one["value"], one["api"]) for one in rows["data"]] == [
        ("likes", 3, "2"),
        ("likes", 4, "2"),
    ]


def test_the_page_says_what_was_not_told(browsers: Browsers, wiring: Wiring, made: dict[str, int]) -> None:
    """G14: in words, in each language, and never as zero."""
    now, path = wiring.now(), f"/messages/{public_id('msg', made['msg'])}"
    with wiring.database.write() as session:
        row = session.get_one(Delivery, made["dlv"])
        part = Delivery(
            occurrence_id=row.occurrence_id, message_id=row.message_id, account_id=row.account_id, target=row.target,
            channel=row.channel, due_at=now, state="sent", part=1, sent_at=now,
        )  # fmt: skip
        session.add(part)
        session.flush()
        session.add(
            PostLook(delivery_id=part.id, message_id=made["msg"], account_id=row.account_id, looked_at=now)
        )
    for language, words in (("en", "not told by the network"), ("cy", "heb ei ddweud"), ("ar", "لم تخبر به")):
        page = browsers(language=language).get(path)
        assert page.count(words) == 2  # likes and reach of the second part
    rows = list(csv.reader(io.StringIO(browsers().get(f"{path}/figures.csv").lstrip("\ufeff"))))
    assert rows[0] == ["delivery_id", "figure", "value", "told_at", "source", "api"]
    assert [row[1:3] for row in rows[1:]] == [["likes", "3"], ["likes", "4"], ["reach", "0"]]


def test_a_record_says_that_a_machine_did_it(browser: Browser, wiring: Wiring, made: dict[str, int]) -> None:
    """F6: each opening as it is, and none of a machine's as a person's."""
    with wiring.database.write() as session:
        session.execute(update(DeliveryEvent).values(stakeholder_id=made["stk"]))
    page = browser.get(f"/people/{public_id('stk', made['stk'])}")
    assert page.count("A machine, not a person") == 2 and page.count("Perhaps a machine") == 0
    assert page.count("Opened") == 2 and page.count("Followed a link") == 1


def test_a_message_of_which_nothing_came_says_nothing(browser: Browser, wiring: Wiring) -> None:
    with wiring.database.write() as session:
        ids = samples.world(session, wiring.now(), samples.programme(session, wiring.now(), "Here"))
        session.get_one(Message, ids["msg"]).started_at = wiring.now()
    assert "What came of it" not in browser.get(f"/messages/{public_id('msg', ids['msg'])}")
