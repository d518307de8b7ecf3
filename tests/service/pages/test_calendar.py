"""The calendar: what it shows to whom, moving and queueing, promises, quiet periods, the mix, and the feed."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import select

from campaigns.audit import AuditEntry
from campaigns.base import public_id
from campaigns.delivery.tables import Account
from campaigns.messages import approval, content
from campaigns.messages import calendar as times
from campaigns.messages import messages as room
from campaigns.messages.tables import ContentItem, Message, QuietPeriod
from campaigns.strategies import programmes
from service.acts import messages
from service.tables import User
from service.wiring import Wiring

from .conftest import Browser, Browsers

LONDON = "Europe/London"


class Planner:
    """Writes posts with a time, in any programme."""

    def __init__(self, wiring: Wiring, act: Callable[[], Any], general: int) -> None:
        self.wiring, self.act, self.general = wiring, act, general
        now = wiring.now()
        with wiring.database.write() as session:
            account = Account(
                connector="simulator", name="Our page", channel="post", broadcast=True, limits={},
                repeats={"kind": "keyed"}, created_at=now, updated_at=now,
            )  # fmt: skip
            session.add(account)
            session.flush()
            self.account_id = account.id

    def __call__(
        self, name: str, *, at: str | None = None, zone: str = LONDON, programme_id: int | None = None,
        draft: bool = False, text: str | None = None,
    ) -> int:  # fmt: skip
        when: dict[str, Any] = {"send_at": {"local": at, "zone": zone}} if at else {}
        with self.act() as act:
            made = messages.create(
                act, accounts=[self.account_id], programme_id=programme_id or self.general, name=name,
                text=text or f"About {name}", draft=draft, **when,
            )  # fmt: skip
            return made.id

    def read(self, number: int) -> Message:
        with self.wiring.database.read() as session:
            return session.get_one(Message, number)

    def programme(self, name: str, assurance: str = "light") -> int:
        with self.wiring.database.write() as session:
            return programmes.create(
                session, self.wiring.now(), name=name, starts_on=date(2026, 1, 1), assurance=assurance
            ).id

    def day(self, ahead: int = 3) -> date:
        return (self.wiring.now() + timedelta(days=ahead)).date()


@pytest.fixture
def plan(wiring: Wiring, act: Callable[[], Any], general: int) -> Planner:
    return Planner(wiring, act, general)


def path(number: int) -> str:
    return f"/calendar/{public_id('msg', number)}"


@pytest.mark.parametrize("view", ["month", "week", "list"])
@pytest.mark.parametrize("language", ["en", "cy", "ar"])
def test_a_message_stands_on_its_day_in_every_view_and_language(
    browsers: Browsers, plan: Planner, view: str, language: str
) -> None:
    """C6."""
    day = plan.day()
    number = plan("Walk on Saturday", at=f"{day}T09:00")
    page = browsers(language=language).get("/calendar", view=view, on=str(day))
    cell = page.split(f'data-day="{day}"')[1].split("data-day=")[0]
    assert "Walk on Saturday" in cell and path(number) in cell


def test_a_day_is_the_readers_own(browsers: Browsers, plan: Planner) -> None:
    day = plan.day()
    plan("Late", at=f"{day}T23:30", zone="UTC")
    page = browsers("administrator", zone="Asia/Riyadh").get("/calendar", view="list", on=str(day))
    assert f'data-day="{day}"' not in page
    assert "Late" in page.split(f'data-day="{day + timedelta(days=1)}"')[1]


@pytest.mark.parametrize(
    ("language", "first"), [("en", "2026-11-23"), ("cy", "2026-11-23"), ("ar", "2026-11-21")]
)
def test_the_week_begins_where_the_language_begins_it(browsers: Browsers, language: str, first: str) -> None:
    page = browsers(language=language).get("/calendar", view="week", on="2026-11-25")
    assert re.findall(r'data-day="([^"]+)"', page)[0] == first


@pytest.mark.parametrize(
    "query", [{"on": "2026-02-31"}, {"on": "0001-01-01"}, {"view": "century"}, {"state": "x"}]
)
def test_a_time_or_view_that_is_none_shows_today(browser: Browser, query: dict[str, Any]) -> None:
    assert "Which view" in browser.get("/calendar", **query)


def test_only_what_was_asked_for_is_shown(browser: Browser, plan: Planner) -> None:
    day, walks = plan.day(), plan.programme("Walks")
    plan("Ours", at=f"{day}T09:00")
    plan("Theirs", at=f"{day}T10:00", programme_id=walks)
    shown: dict[str, Any] = {"view": "list", "on": str(day)}
    filtered = browser.get("/calendar", programme=public_id("prg", walks), **shown)
    assert "Theirs" in filtered and "Ours<" not in filtered
    matching: tuple[dict[str, Any], ...] = (
        {"channel": "post"},
        {"language_of": "en"},
        {"state": "scheduled"},
    )
    for query in matching:
        assert "Theirs" in browser.get("/calendar", **shown, **query)
    others: tuple[dict[str, Any], ...] = ({"channel": "email"}, {"language_of": "cy"}, {"state": "finished"})
    for query in others:
        assert "Theirs" not in browser.get("/calendar", **shown, **query)


def test_what_somebody_has_no_grant_on_is_not_there(browsers: Browsers, plan: Planner) -> None:
    day, walks, swims = plan.day(), plan.programme("Walks"), plan.programme("Swims")
    plan("A walk", at=f"{day}T09:00", programme_id=walks)
    swim = plan("A swim", at=f"{day}T09:00", programme_id=swims)
    walker = browsers("author", walks)
    page = walker.get("/calendar", view="list", on=str(day))
    assert "A walk" in page and "A swim" not in page and "Same minute" not in page
    walker.get(path(swim), status=404)
    walker.post(path(swim), status=404, act="move", on=str(day), clock="10:00")
    walker.get("/calendar", programme=public_id("prg", swims), status=404)


def test_without_the_scope_nothing_is_moved(browsers: Browsers, plan: Planner) -> None:
    number = plan("Walk", at=f"{plan.day()}T09:00")
    viewer = browsers("viewer")
    assert "Move to…" not in viewer.get(path(number))
    viewer.post(path(number), status=403, act="move", on=str(plan.day(5)), clock="10:00")
    browsers(None).get("/calendar", status=403)


# --- moving -------------------------------------------------------------------------------------------------------


def test_a_message_is_moved_to_another_day_and_keeps_its_time_of_day(browser: Browser, plan: Planner) -> None:
    """C6, R24: dragged over the change of the clocks, it stays at nine."""
    number = plan("Walk", at="2027-03-26T09:00")
    back = "/calendar?view=month&on=2027-03-26"
    answer = browser.post(path(number), act="move", on="2027-03-29", back=back)
    assert answer.headers["Location"] == f"{back}&done=moved"
    moved = plan.read(number)
    assert (moved.wall, moved.zone, moved.state) == ("2027-03-29T09:00:00", LONDON, "scheduled")
    assert moved.at == datetime(2027, 3, 29, 8, tzinfo=UTC)


def test_a_day_and_a_time_are_those_of_the_reader(browsers: Browsers, plan: Planner) -> None:
    number = plan("Walk", at=f"{plan.day()}T09:00")
    browsers("author", zone="Asia/Riyadh").post(path(number), act="move", on="2027-01-10", clock="12:15")
    assert plan.read(number).at == datetime(2027, 1, 10, 9, 15, tzinfo=UTC)


def test_moving_what_was_checked_says_that_it_is_checked_again(browsers: Browsers, plan: Planner) -> None:
    checked = plan.programme("Walks", "reviewed")
    number = plan("Walk", at=f"{plan.day()}T09:00", programme_id=checked)
    approver, author = browsers("approver", checked), browsers("author", checked)
    with plan.wiring.database.write() as session:
        message = session.get_one(Message, number)
        digest = approval.digest(session, message)
        room.decide(
            session, plan.wiring.now(), message, digest=digest, decision="approved",
            by=public_id("usr", approver.user_id),
        )  # fmt: skip
        assert message.state == "scheduled"
    assert "somebody has to check it again" in author.get(path(number))
    assert "data-recheck" in author.get("/calendar", view="list", on=str(plan.day()))
    page = author.done(path(number), act="move", on=str(plan.day(5)), back="/calendar")
    assert "Somebody has to check it again" in page and plan.read(number).state == "waiting"


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"on": "2020-01-01", "clock": "09:00"}, "passed"),
        ({"on": "2199-01-01", "clock": "09:00"}, "five years"),
        ({"on": "", "clock": "09:00"}, "which day"),
        ({"on": "2027-02-31", "clock": "09:00"}, "date"),
        ({"on": "2027-02-03", "clock": "25:99"}, "no such time"),
    ],
)
def test_a_time_that_cannot_be_is_refused_and_what_was_typed_stays(
    browser: Browser, plan: Planner, form: dict[str, Any], words: str
) -> None:
    """R27."""
    number = plan("Walk", at=f"{plan.day()}T09:00")
    answer = browser.post(path(number), status=422, act="move", **form)
    assert words in answer.text and f'value="{form["clock"]}"' in answer.text
    assert plan.read(number).wall == f"{plan.day()}T09:00:00"


def test_nobody_is_led_elsewhere_after_a_move(browser: Browser, plan: Planner) -> None:
    """U10."""
    number = plan("Walk", at=f"{plan.day()}T09:00")
    answer = browser.post(path(number), act="move", on="2027-01-10", back="https://evil.example/")
    assert answer.headers["Location"] == "/?done=moved"


def test_what_is_odd_about_the_words_stands_where_it_is_planned(
    browsers: Browsers, plan: Planner, wiring: Wiring
) -> None:
    """T15, T16."""
    number = plan("Walk", at=f"{plan.day()}T09:00", text="Dear {{ name }}")
    with wiring.database.write() as session:
        item = content.get(session, session.get_one(Message, number).content_id)
        values: dict[str, Any] = {"subject": "x", "author": "ann"}
        content.save_variant(
            session, wiring.now(), item, channel="post", language="cy", text="Helo", **values
        )
        content.save_variant(
            session,
            wiring.now(),
            item,
            channel="email",
            language="en",
            text="Hello",
            html="a" * 2**17,
            **values,
        )
    page = browsers().get(path(number))
    assert "leaves out what another language says" in page and "name" in page
    assert "128 kB. Gmail shows 102 kB" in page


# --- the queue ----------------------------------------------------------------------------------------------------


def test_a_draft_goes_into_the_next_free_time_of_the_queue(browser: Browser, plan: Planner) -> None:
    account = public_id("acc", plan.account_id)
    page = browser.done("/calendar/queue", account=account, weekday="1", wall="09:00", zone=LONDON)
    assert "Tuesday" in page and "09:00" in page
    drafts = [plan(name, draft=True) for name in ("First", "Second")]
    assert "Not planned yet" in browser.get("/calendar")
    for number in drafts:
        assert "It stands in the queue" in browser.done(path(number), act="queue")
    first, second = (plan.read(number) for number in drafts)
    assert first.at is not None and second.at is not None and first.wall is not None
    assert (first.state, second.at - first.at > timedelta(days=6)) == ("scheduled", True)
    assert first.wall.endswith("T09:00:00") and first.at.weekday() == 1


def test_without_queue_times_it_says_so(browser: Browser, plan: Planner) -> None:
    number = plan("Walk", draft=True)
    assert "queue time" in browser.post(path(number), status=422, act="queue").text
    assert plan.read(number).state == "draft"


def test_queue_times_are_taken_away_and_refused_ones_say_why(browser: Browser, plan: Planner) -> None:
    account = public_id("acc", plan.account_id)
    form: dict[str, Any] = {"account": account, "weekday": "1", "wall": "09:00", "zone": LONDON}
    browser.post("/calendar/queue", **form)
    assert "already" in browser.post("/calendar/queue", status=422, **form).text
    wrong = browser.post("/calendar/queue", status=422, **form | {"zone": "EST"})
    assert "not a time zone" in wrong.text and 'value="EST"' in wrong.text
    slot = re.search(r'name="remove" value="(slt_[^"]+)"', browser.get("/calendar/queue"))
    assert slot and "No queue times yet" in browser.done("/calendar/queue", remove=slot[1])


# --- the rhythm ---------------------------------------------------------------------------------------------------


def _strategy(browser: Browser) -> str:
    found = re.search(r'value="(str_[^"]+)"', browser.get("/calendar/promises"))
    assert found
    return found[1]


def test_a_promise_shows_its_weeks_and_its_gaps(browser: Browser, plan: Planner) -> None:
    """C7."""
    form: dict[str, Any] = {"strategy": _strategy(browser), "channel": "post", "times": "2", "warn_days": "3"}
    page = browser.done("/calendar/promises", **form)
    assert "2 messages a week" in page and "Gap" in page
    assert "0 of 2 planned" in browser.get("/calendar")
    refused = browser.post("/calendar/promises", status=422, **form | {"times": "many"})
    assert "whole number" in refused.text and 'value="many"' in refused.text
    given = re.search(r'name="withdraw" value="(pms_[^"]+)"', page)
    assert given and "Nothing is promised yet" in browser.done("/calendar/promises", withdraw=given[1])


def test_a_quiet_period_holds_what_is_planned_in_it_until_it_is_ended(
    browser: Browser, plan: Planner
) -> None:
    """C6: created and removed on the page, with a reason, and audited."""
    number = plan("Walk", at=f"{plan.day()}T09:00")
    form: dict[str, Any] = {
        "name": "Before the election", "reason": "the law asks for it", "from": f"{plan.day(1)}T00:00",
        "until": f"{plan.day(9)}T00:00",
    }  # fmt: skip
    page = browser.done("/calendar/quiet", **form)
    assert "Before the election" in page and plan.read(number).state == "held"
    entry = browser.get(path(number))
    assert "In the quiet period" in entry and "On hold" in entry
    assert "Before the election" in browser.get("/calendar", on=str(plan.day()))
    period = re.search(r'name="end" value="(qtp_[^"]+)"', page)
    assert period
    assert "say why" in browser.post("/calendar/quiet", status=422, end=period[1], why=" ").text
    browser.post("/calendar/quiet", end=period[1], why="it was put off")
    assert plan.read(number).state == "scheduled"
    with plan.wiring.database.read() as session:
        acts = set(session.scalars(select(AuditEntry.act).where(AuditEntry.kind == "quiet_period")))
    assert acts == {"quiet_period.made", "quiet_period.ended"}


def test_a_quiet_period_is_made_where_somebody_may_approve(browsers: Browsers, plan: Planner) -> None:
    walks, swims = plan.programme("Walks"), plan.programme("Swims")
    form: dict[str, Any] = {
        "name": "Quiet", "reason": "so", "from": f"{plan.day(1)}T00:00", "until": f"{plan.day(9)}T00:00",
    }  # fmt: skip
    approver = browsers("approver", walks)
    approver.post("/calendar/quiet", status=404, programme=public_id("prg", swims), **form)
    approver.post("/calendar/quiet", programme=public_id("prg", walks), **form)
    assert approver.post("/calendar/quiet", status=422, **form).status_code == 422  # for all programmes
    browsers("author", walks).post("/calendar/quiet", status=403, **form)
    assert "Quiet</bdi>" not in browsers("approver", swims).get("/calendar/quiet")
    with plan.wiring.database.read() as session:
        assert [one.programme_id for one in session.scalars(select(QuietPeriod))] == [walks]


def test_the_same_words_on_the_same_account_are_told_on_both(browser: Browser, plan: Planner) -> None:
    """C13."""
    day = plan.day()
    words = "Free walks start at the town hall every Saturday morning at ten"
    one = plan("First", at=f"{day}T09:00", text=words)
    plan("Second", at=f"{day}T15:00", text=words)
    assert "The same words on" in browser.get(path(one))
    assert browser.get("/calendar", view="list", on=str(day)).count("The same words on") == 2


def test_the_mix_of_a_quarter_is_told_beside_what_was_meant(browser: Browser, plan: Planner) -> None:
    """C10."""
    day = plan.day()
    number = plan("Walk", at=f"{day}T09:00")
    browser.post(path(number), act="tag", aim="educational")
    with plan.wiring.database.read() as session:
        item = session.get_one(ContentItem, session.get_one(Message, number).content_id)
        assert item.aim == "educational"
    programme, quarter = public_id("prg", plan.general), f"{day.year}-Q{(day.month - 1) // 3 + 1}"
    shares: dict[str, Any] = {"educational": "70", "recognition": "30"}
    page = browser.done("/calendar/mix", programme=programme, quarter=quarter, **shares)
    assert "meant 70" in page and "became 100" in page
    refused = browser.post(
        "/calendar/mix", status=422, programme=programme, quarter=quarter, educational="70"
    )
    assert "100 together" in refused.text
    assert browser.post(path(number), status=422, act="tag", aim="fun").status_code == 422
    browser.get("/calendar/mix", quarter="soon", status=422)


# --- the feed -----------------------------------------------------------------------------------------------------


def _feed(browser: Browser) -> str:
    page = browser.post("/calendar/feed", status=200, act="renew").text
    found = re.search(r'value="https?://[^/]+(/feed/[^"]+\.ics)"', page)
    assert found
    return found[1]


def _events(browser: Browser, where: str) -> dict[str, Any]:
    answer = browser.client.get(where)
    assert answer.status_code == 200 and answer.content_type.startswith("text/calendar")
    return {str(one["summary"]): one for one in Calendar.from_ical(answer.data).walk("VEVENT")}


def test_a_calendar_program_reads_what_its_owner_may_see(browsers: Browsers, plan: Planner) -> None:
    """C6: RFC 5545, times in UTC, stable UIDs, without signing in."""
    walks = plan.programme("Walks")
    plan("A swim", at="2027-03-28T09:00")
    number = plan("Taith, ar ddydd Sul; ✓", at="2027-03-28T09:00", programme_id=walks)
    walker = browsers("author", walks)
    where = _feed(walker)
    walker.client.delete_cookie("dolen")
    events = _events(walker, where)
    assert set(events) == {"Taith, ar ddydd Sul; ✓"}
    event = events["Taith, ar ddydd Sul; ✓"]
    assert event.decoded("dtstart") == datetime(2027, 3, 28, 8, tzinfo=UTC)
    assert str(event["status"]) == "CONFIRMED" and str(event["url"]).endswith(path(number))
    raw = walker.client.get(where).data
    assert b"DTSTART:20270328T080000Z" in raw and raw.count(b"\r\n") == raw.count(b"\n")


def test_a_moved_and_a_cancelled_message_keep_their_uid(browser: Browser, plan: Planner) -> None:
    number = plan("Walk", at="2027-01-10T09:00")
    where = _feed(browser)
    before = _events(browser, where)["Walk"]
    browser.post(path(number), act="move", on="2027-01-12")
    moved = _events(browser, where)["Walk"]
    assert moved["uid"] == before["uid"] and moved["sequence"] > before["sequence"]
    assert moved.decoded("dtstart").date() == date(2027, 1, 12)
    with plan.act() as act:
        messages.cancel(act, number)
    assert str(_events(browser, where)["Walk"]["status"]) == "CANCELLED"


def test_the_same_address_is_a_news_feed_and_a_table_without_formulas(
    browser: Browser, plan: Planner
) -> None:
    """J13"""
    names = ["=1+1", "@SUM(A1)", "Walk <b>&amp; talk", 'Taith, "ddydd Sul"']
    for n, name in enumerate(names):
        plan(name, at=f"2027-01-1{n}T09:00")
    where = _feed(browser)
    table = browser.client.get(where.replace(".ics", ".csv"))
    rows = list(csv.DictReader(io.StringIO(table.data.decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["'=1+1", "'@SUM(A1)", *names[2:]]
    assert rows[0]["due_at"] == "2027-01-10T09:00:00Z" and table.content_type.startswith("text/csv")
    news = browser.client.get(where.replace(".ics", ".atom"))
    feed = ET.fromstring(news.data)
    space = {"a": "http://www.w3.org/2005/Atom"}
    assert {one.findtext("a:title", "", space) for one in feed.findall("a:entry", space)} == set(names)
    assert len({one.findtext("a:id", "", space) for one in feed.findall("a:entry", space)}) == len(names)
    assert feed.findtext("a:updated", "", space) and feed.findtext("a:id", "", space).endswith("/calendar")


@pytest.mark.parametrize("form", ["ics", "atom", "csv"])
def test_a_feed_that_has_not_changed_is_not_sent_again(browser: Browser, plan: Planner, form: str) -> None:
    """J13"""
    plan("Walk", at="2027-01-10T09:00")
    where = _feed(browser).replace(".ics", f".{form}")
    etag = browser.client.get(where).headers["ETag"]
    again = browser.client.get(where, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    plan("Swim", at="2027-01-11T09:00")
    assert browser.client.get(where, headers={"If-None-Match": etag}).status_code == 200
    assert browser.client.get(f"/feed/x.{form}").status_code == 404


def test_a_new_address_ends_the_old_and_switching_off_ends_both(browser: Browser, plan: Planner) -> None:
    old = _feed(browser)
    new = _feed(browser)
    assert old != new
    assert browser.client.get(old).status_code == 404
    assert browser.client.get(new).status_code == 200
    assert new.split("/")[2][:-4] not in browser.get("/calendar/feed")
    assert "off" in browser.done("/calendar/feed", act="revoke")
    assert browser.client.get(new).status_code == 404
    assert browser.client.get("/feed/x.ics").status_code == 404


def test_whoever_may_not_come_in_any_more_has_no_feed(browsers: Browsers, plan: Planner) -> None:
    browser = browsers("viewer")
    where = _feed(browser)
    with plan.wiring.database.write() as session:
        session.get_one(User, browser.user_id).state = "disabled"
    assert browser.client.get(where).status_code == 404


def test_a_day_is_moved_in_the_zone_where_its_time_was_said() -> None:
    at = datetime(2027, 3, 26, 9, tzinfo=UTC)
    kept = times.on_day(at, LONDON, date(2027, 3, 29), "", "Asia/Riyadh")
    assert kept == {"local": "2027-03-29T09:00:00", "zone": LONDON}
    unsaid = times.on_day(at, "UTC", date(2027, 3, 29), "", LONDON)
    assert unsaid == {"local": "2027-03-29T09:00:00", "zone": LONDON}
    assert times.on_day(None, None, date(2027, 3, 29), "", LONDON) == {
        "local": "2027-03-29T09:00",
        "zone": LONDON,
    }


def test_a_draft_without_words_for_its_channel_is_shown_all_the_same(browser: Browser, plan: Planner) -> None:
    number = plan("Walk", draft=True)
    with plan.wiring.database.write() as session:
        item = content.get(session, session.get_one(Message, number).content_id)
        content.remove_variant(
            session, plan.wiring.now(), item, channel="post", language="en", author="console"
        )
    assert "No words yet" in browser.get(path(number))
