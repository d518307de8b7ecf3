"""Today: what waits for the reader, and deciding on what nobody is sure of, one by one and together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from campaigns.delivery import stops
from campaigns.delivery.tables import Account, Batch, Delivery
from campaigns.messages.tables import Message, Occurrence
from campaigns.responses.tables import Response
from campaigns.strategies.tables import UrgentGo
from service.ids import shown
from service.pages import drawing
from service.wiring import Wiring

from ..samples import programme, world
from .conftest import Browser, Browsers


@pytest.fixture
def ids(wiring: Wiring, general: int) -> dict[str, int]:
    """A programme with one of everything, its delivery not sure to have gone."""
    with wiring.database.write() as session:
        made = world(session, wiring.now(), programme(session, wiring.now(), "River"))
        row = session.get_one(Delivery, made["dlv"])
        row.state, row.next_at, row.batch_id, row.intent_at = "unknown", None, None, wiring.now()
    return made


def test_what_nobody_is_sure_of_is_shown_and_decided_with_evidence(
    wiring: Wiring, browser: Browser, ids: dict[str, int]
) -> None:
    """K6."""
    row = str(shown("delivery", ids["dlv"]))
    assert row in browser.get("/")
    refused = browser.post("/unsure", row=row, outcome="sent", evidence="", status=422).text
    assert "say how you know" in refused and row in refused
    page = browser.done("/unsure", row=row, outcome="sent", evidence="it stands in the relay's log")
    assert "Decided" in page and row not in page
    with wiring.database.read() as session:
        assert session.get_one(Delivery, ids["dlv"]).state == "sent"


def test_choosing_nothing_is_said_and_changes_nothing(browser: Browser, ids: dict[str, int]) -> None:
    assert "choose at least one" in browser.post("/unsure", outcome="sent", evidence="x", status=422).text


def test_who_may_not_send_sees_it_and_cannot_decide(browsers: Browsers, ids: dict[str, int]) -> None:
    row = str(shown("delivery", ids["dlv"]))
    viewer = browsers("viewer", ids["prg"])
    page = viewer.get("/")
    assert row in page and 'action="/unsure"' not in page
    viewer.post("/unsure", row=row, outcome="sent", evidence="x", status=403)


def test_another_programmes_day_is_not_told(wiring: Wiring, browsers: Browsers, ids: dict[str, int]) -> None:
    with wiring.database.write() as session:
        elsewhere = programme(session, wiring.now(), "Hills")
    page = browsers("administrator", elsewhere).get("/")
    assert str(shown("delivery", ids["dlv"])) not in page


def test_a_check_is_asked_of_others_and_never_of_its_author(
    wiring: Wiring, browsers: Browsers, ids: dict[str, int]
) -> None:
    approver, author = browsers("approver", ids["prg"]), browsers("community_manager", ids["prg"])
    with wiring.database.write() as session:
        message = session.get_one(Message, ids["msg"])
        message.state, message.name, message.author = (
            "waiting",
            "Flood plan",
            str(shown("user", author.user_id)),
        )
        for go in session.scalars(select(UrgentGo)):
            go.reviewed_at = wiring.now()
    assert "Flood plan" in approver.get("/")
    assert "Flood plan" not in author.get("/")


def test_a_stop_and_an_account_that_is_refused_stand_at_the_top_and_among_what_went_wrong(
    wiring: Wiring, browser: Browser, ids: dict[str, int]
) -> None:
    with wiring.database.write() as session:
        stops.stop(session, wiring.now(), scope="all", ref_id=0, reason="wrong date in it", by="console")
        account = session.scalars(select(Account).limit(1)).one()
        account.state, account.state_reason = "out_of_service", "535 no"
    page = browser.get("/")
    assert "wrong date in it" in page and "535 no" in page


def test_a_time_whose_zone_got_other_rules_is_told_to_whoever_reads_it(
    wiring: Wiring, browser: Browser, browsers: Browsers, ids: dict[str, int]
) -> None:
    """F31: it goes an hour later than was said."""
    with wiring.database.write() as session:
        elsewhere = programme(session, wiring.now(), "Hills")
        message = session.get_one(Message, ids["msg"])
        message.state = "scheduled"
        planned = session.scalars(select(Occurrence).where(Occurrence.message_id == message.id)).first()
        assert planned is not None
        planned.state, planned.moved_by, planned.zone = "planned", None, "Africa/Lagos"
        planned.due_at = wiring.now() + timedelta(days=2)
        meant = planned.due_at - timedelta(hours=1)
        planned.wall = meant.astimezone(ZoneInfo("Africa/Lagos")).replace(tzinfo=None).isoformat()
    page = browser.get("/")
    assert "Other clocks" in page and "Africa/Lagos" in page
    assert "Other clocks" not in browsers("viewer", elsewhere).get("/")
    with wiring.database.write() as session:
        session.get_one(Occurrence, planned.id).moved_by = "user:ann"
    assert "Other clocks" not in browser.get("/")


def test_work_that_nobody_takes_is_said(wiring: Wiring, browser: Browser, ids: dict[str, int]) -> None:
    assert "Everything runs" in browser.get("/")
    with wiring.database.write() as session:
        occurrence = session.scalars(select(Occurrence).where(Occurrence.message_id == ids["msg"])).one()
        occurrence.state, occurrence.due_at = "planned", wiring.now() - timedelta(minutes=5)
        session.get_one(Message, occurrence.message_id).state = "scheduled"
    assert "Work is waiting" in browser.get("/")


def test_work_that_waits_for_a_limit_is_no_work_that_nobody_takes(
    wiring: Wiring, browser: Browser, ids: dict[str, int]
) -> None:
    now = wiring.now()
    with wiring.database.write() as session:
        occurrence = session.scalars(select(Occurrence).where(Occurrence.message_id == ids["msg"])).one()
        due_at = now - timedelta(minutes=5)
        session.add(Batch(occurrence_id=occurrence.id, account_id=ids["acc"], lane=2, due_at=due_at))
        session.get_one(Account, ids["acc"]).limited_until_at = now + timedelta(hours=2)
    assert "Everything runs" in browser.get("/")
    with wiring.database.write() as session:
        session.get_one(Account, ids["acc"]).limited_until_at = now
    assert "Work is waiting" in browser.get("/")


def test_whoever_wrote_is_told_by_name_where_it_is_known_who_it_is(
    wiring: Wiring, browser: Browser, ids: dict[str, int]
) -> None:
    with wiring.database.write() as session:
        row = session.get_one(Response, ids["rsp"])
        row.kind, row.at, row.closed_at, row.answered_at = "reply", wiring.now(), None, None
        row.from_key, row.from_name, row.stakeholder_id = "a.n.n@example.org", "", ids["stk"]
    link = f'<a href="/inbox/{shown("response", ids["rsp"])}"><bdi>'
    for language in ("en", "cy", "ar"):
        page = browser.get(f"/?language={language}")
        assert page.count(f"{link}Ann</bdi>") == 2 and "a.n.n@example.org" not in page
    with wiring.database.write() as session:
        session.get_one(Response, ids["rsp"]).stakeholder_id = None
    assert f"{link}a.n.n@example.org</bdi>" in browser.get("/")


def test_a_moment_is_written_with_the_comma_of_the_language() -> None:
    at = datetime(2026, 11, 2, 9, 5, tzinfo=UTC)
    for language, told in (("en", "2 Nov 2026, 09:05"), ("cy", "2 Tach 2026, 09:05")):
        assert _moment(language, at) == told
    assert "، " in _moment("ar", at) and "," not in _moment("ar", at)


def _moment(language: str, at: datetime) -> str:
    template = drawing.environment(language).from_string("{{ at|moment }}")
    return template.render(at=at, zone=ZoneInfo("UTC"), language=language)
