"""Tasks in the browser: given from wherever they arise, listed, ended, in the feed of whoever has them, and told of."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import select

from campaigns.audit import AuditEntry
from campaigns.base import public_id
from campaigns.responses import tasks as domain
from campaigns.responses.tables import Task
from campaigns.stakeholders import people
from service import ids, notices
from service.tables import Notice, User
from service.wiring import Wiring

from .. import samples
from .conftest import Browser, Browsers


class Place:
    """A programme with one of everything, and somebody who works in it."""

    def __init__(self, wiring: Wiring, browsers: Browsers) -> None:
        self.wiring, self.browsers = wiring, browsers
        with wiring.database.write() as session:
            self.number = samples.programme(session, wiring.now(), "Walking")
            self.world = samples.world(session, wiring.now(), self.number)
        self.ann = browsers("author", self.number, name="Ann Rees")
        self.key = public_id("prg", self.number)

    def day(self, ahead: int) -> str:
        return (self.wiring.now() + timedelta(days=ahead)).date().isoformat()

    def give(self, by: Browser, title: str, **form: Any) -> str:
        """Give a task by the form; its page."""
        values = {"title": title, "on": self.day(2), "owner": usr(by), "programme_id": self.key} | form
        by.post("/tasks/new", **values)
        return f"/tasks/{public_id('tsk', self.task(title).id)}"

    def task(self, title: str) -> Task:
        with self.wiring.database.read() as session:
            return session.scalars(select(Task).where(Task.title == title)).one()


def usr(browser: Browser) -> str:
    return public_id("usr", browser.user_id)


@pytest.fixture
def place(wiring: Wiring, browsers: Browsers) -> Place:
    return Place(wiring, browsers)


@pytest.mark.parametrize("kind", ["stakeholder", "message", "response", "strategy", "programme"])
@pytest.mark.parametrize("language", ["en", "cy", "ar"])
def test_it_is_given_where_it_arises_and_stands_there(place: Place, kind: str, language: str) -> None:
    """I6: linked to anything."""
    ann = place.browsers("author", place.number, language=language)
    key = ids.shown(kind, place.number if kind == "programme" else place.world[ids.PREFIXES[kind]])
    home = {"stakeholder": "people", "message": "messages", "response": "inbox", "strategy": "strategies"}
    here = f"/{home.get(kind, 'programmes')}/{key}"
    assert f'href="/tasks/new?about={key}"' in ann.get(here)
    form = ann.get(f"/tasks/new?about={key}")
    assert f'name="about" value="{key}"' in form and place.key in form
    page = place.give(ann, "Look after it", about=key)
    assert "Look after it" in ann.get(here)
    assert here in ann.get(page) and here in ann.get("/tasks")
    ann.post("/tasks", task=page.split("/")[2], state="done", back=here)
    assert "Look after it" not in ann.get(here)


def test_a_contact_is_logged_with_what_follows(place: Place) -> None:
    """F4: follow-ups."""
    key = public_id("stk", place.world["stk"])
    form: dict[str, Any] = {
        "kind": "call", "at": place.wiring.now().strftime("%Y-%m-%dT%H:%M"), "notes": "Wants a map",
        "programme_id": place.key, "owner": usr(place.ann), "title": "Send the map",
    }  # fmt: skip
    refused = place.ann.post(f"/people/{key}/contact", status=422, **form).text
    assert "say by which day" in refused and "Send the map" in refused
    assert "Wants a map" not in place.ann.get(f"/people/{key}")
    place.ann.post(f"/people/{key}/contact", on=place.day(3), **form)
    page = place.ann.get(f"/people/{key}")
    assert "Wants a map" in page and "Send the map" in page
    made = place.task("Send the map")
    assert (made.about_kind, made.about_id, made.programme_id) == (
        "stakeholder",
        place.world["stk"],
        place.number,
    )


def test_what_is_refused_keeps_what_was_typed(place: Place) -> None:
    form: dict[str, Any] = {
        "title": "Ring Nia",
        "on": "",
        "clock": "09:30",
        "owner": usr(place.ann),
        "programme_id": place.key,
    }
    page = place.ann.post("/tasks/new", status=422, **form).text
    assert "say by which day" in page and "Ring Nia" in page and "09:30" in page
    assert (
        "choose a programme" in place.ann.post("/tasks/new", status=422, **form | {"programme_id": ""}).text
    )


def test_the_lists_tell_mine_everybodys_what_is_late_and_what_has_ended(place: Place) -> None:
    ben = place.browsers("author", place.number, name="Ben Lloyd")
    assert "Nothing is overdue" in ben.get("/tasks?show=overdue") and "Write the first task" in ben.get(
        "/tasks"
    )
    place.give(place.ann, "Anns own")
    late = place.give(place.ann, "For Ben", owner=usr(ben), on=place.day(-1))
    mine, everybodys = ben.get("/tasks"), ben.get("/tasks?show=all")
    assert "For Ben" in mine and "Anns own" not in mine
    assert "For Ben" in everybodys and "Anns own" in everybodys and "Ann Rees" in everybodys
    overdue = ben.get("/tasks?show=overdue")
    assert "For Ben" in overdue and "Overdue" in overdue and "Anns own" not in overdue
    assert "For Ben" in ben.get("/") and "Anns own" not in ben.get("/")
    assert "Saved" in ben.done(late, act="dropped")
    assert "For Ben" not in ben.get("/tasks") and "Dropped" in ben.get("/tasks?show=ended")
    assert "For Ben" in ben.done(late, act="reopen") and "For Ben" in ben.get("/tasks")
    ben.post(late, status=422, act="reopen")
    with place.wiring.database.read() as session:
        acts = set(session.scalars(select(AuditEntry.act).where(AuditEntry.kind == "task")))
    assert acts == {"task.given", "task.ended", "task.reopened"}


def test_a_long_list_has_a_second_page(place: Place) -> None:
    with place.wiring.database.write() as session:
        for number in range(60):
            domain.give(
                session, place.wiring.now(), programme_id=place.number, title=f"No {number:02}", owner=usr(place.ann),
                by="console", on=date(2027, 1, 1) + timedelta(days=number), clock="", zone="UTC",
            )  # fmt: skip
    first = place.ann.get("/tasks")
    after = re.search(r'rel="next" href="[^"]*after=([^"&]+)', first)
    assert after and "No 49" in first and "No 50" not in first
    second = place.ann.get(f"/tasks?after={after[1]}")
    assert "No 50" in second and "No 49" not in second


def test_it_is_changed_and_given_to_somebody_else(place: Place) -> None:
    ben = place.browsers("author", place.number, name="Ben Lloyd")
    page = place.give(place.ann, "Ring Nia")
    form: dict[str, Any] = {
        "title": "Ring Nia at home",
        "on": place.day(4),
        "clock": "15:00",
        "remind": "hour",
        "owner": usr(ben),
    }
    shown = place.ann.done(page, act="change", **form)
    assert "Ring Nia at home" in shown and "Ben Lloyd" in shown and 'value="15:00"' in shown
    made = place.task("Ring Nia at home")
    assert made.owner == usr(ben) and made.remind_at == made.due_at - timedelta(hours=1)


def test_others_are_given_tasks_by_whoever_may_work_there_and_ones_own_by_anybody(place: Place) -> None:
    viewer = place.browsers("viewer", place.number)
    own = place.give(viewer, "My own")
    assert "Saved" in viewer.done(own, act="done")
    form: dict[str, Any] = {
        "title": "For Ann",
        "on": place.day(2),
        "owner": usr(place.ann),
        "programme_id": place.key,
    }
    viewer.post("/tasks/new", status=422, **form)
    assert usr(place.ann) not in viewer.get(f"/tasks/new?about={place.key}")
    page = place.give(place.ann, "Anns own")
    assert 'value="done"' not in viewer.get(page)
    viewer.post(page, status=422, act="done")
    stranger = place.browsers("author", samples_elsewhere(place))
    stranger.get(page, status=404)
    stranger.post(page, status=404, act="done")
    stranger.get(f"/tasks/new?about={place.key}", status=404)
    stranger.post("/tasks", status=404, task=page.split("/")[2], state="done")
    assert "Anns own" not in stranger.get("/tasks?show=all")
    refused = place.ann.post("/tasks/new", status=422, **form | {"owner": usr(stranger)}).text
    assert "choose a colleague" in refused


def samples_elsewhere(place: Place) -> int:
    with place.wiring.database.write() as session:
        return samples.programme(session, place.wiring.now(), "Elsewhere")


def test_what_it_is_about_is_named_only_to_whoever_may_see_that(place: Place) -> None:
    with place.wiring.database.write() as session:
        secret = people.create(session, place.wiring.now(), kind="person", name="Nia Secret")
        people.involve(
            session, place.wiring.now(), secret.id, samples.programme(session, place.wiring.now(), "Two")
        )
        domain.give(
            session, place.wiring.now(), programme_id=place.number, title="Ring somebody", owner=usr(place.ann),
            by="console", on=date(2027, 1, 4), clock="", zone="UTC", about=("stakeholder", secret.id),
        )  # fmt: skip
    page = place.ann.get("/tasks")
    assert "Ring somebody" in page and "Nia Secret" not in page
    assert "Nia Secret" in place.browsers().get("/tasks?show=all")
    place.ann.get(f"/tasks/new?about={public_id('stk', secret.id)}", status=404)
    place.ann.get("/tasks/new?about=adr_0000000000000", status=404)
    place.ann.get("/tasks/new?about=nothing", status=404)


def test_the_calendar_of_whoever_has_it_shows_it(place: Place) -> None:
    """I6: appears in iCalendar."""
    page = place.ann.post("/calendar/feed", status=200, act="renew").text
    found = re.search(r'value="https?://[^/]+(/feed/[^"]+\.ics)"', page)
    assert found
    ben = place.browsers("author", place.number)
    place.give(place.ann, "All day", on="2027-01-11")
    timed = place.give(place.ann, "At nine", on="2027-01-12", clock="09:00", remind="day")
    place.give(place.ann, "For Ben", owner=usr(ben))

    def events() -> dict[str, Any]:
        body = place.ann.client.get(found[1]).data if found else b""
        return {str(one["summary"]): one for one in Calendar.from_ical(body).walk("VEVENT")}

    seen = events()
    assert {"☐ All day", "☐ At nine"} <= set(seen) and "☐ For Ben" not in seen
    assert seen["☐ All day"].decoded("dtstart") == date(2027, 1, 11)
    assert seen["☐ At nine"].decoded("dtstart") == place.task("At nine").due_at
    assert str(seen["☐ At nine"]["url"]).endswith(timed) and len(seen["☐ At nine"].walk("VALARM")) == 1
    place.ann.post(timed, act="done")
    assert "☐ At nine" not in events()


def test_whoever_is_given_one_is_told_and_told_again_when_it_is_due(place: Place) -> None:
    ben = place.browsers("author", place.number, name="Ben", email_key="ben@example.org")
    with place.wiring.database.write() as session:
        session.get_one(User, place.ann.user_id).email_key = "ann@example.org"
    soon = place.wiring.now() + timedelta(hours=3)
    on, clock = soon.astimezone().date().isoformat(), ""
    page = place.give(place.ann, "Ring Nia", owner=usr(ben), on=on, clock=clock)
    place.give(place.ann, "Anns own", on=place.day(9))
    told: Callable[[], list[tuple[str, int, str]]] = lambda: _told(place)  # noqa: E731
    notices.gather(place.wiring.database, place.wiring.now(), "UTC")
    assert ("task_given", ben.user_id, page) in told() and {who for _, who, _ in told()} == {ben.user_id}
    task = place.task("Ring Nia")
    notices.gather(place.wiring.database, domain.told_at(task) + timedelta(minutes=1), "UTC")
    notices.gather(place.wiring.database, domain.told_at(task) + timedelta(minutes=2), "UTC")
    assert [one for one in told() if one[0] == "task_due"] == [("task_due", ben.user_id, page)]


def _told(place: Place) -> list[tuple[str, int, str]]:
    with place.wiring.database.read() as session:
        rows = session.scalars(select(Notice).where(Notice.kind.like("task%")))
        return [(row.kind, row.user_id, row.facts["path"]) for row in rows]


def test_whoever_works_alone_is_not_asked_who_does_it(
    browser: Browser, browsers: Browsers, general: int
) -> None:
    me = ids.shown("user", browser.user_id)
    page = browser.get("/tasks/new")
    assert f'<input type="hidden" name="owner" value="{me}">' in page and '<select id="f-owner"' not in page
    browsers("administrator")
    assert '<select id="f-owner"' in browser.get("/tasks/new")
