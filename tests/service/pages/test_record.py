"""The record: everything between us, the relationship in each programme, permissions, and what is corrected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.base import public_id
from campaigns.delivery import accounts
from campaigns.responses.tables import Commitment, Interaction, RawEvent
from campaigns.responses.tables import Response as Answer
from campaigns.stakeholders import addresses, consent, fields, people
from campaigns.stakeholders.tables import Involvement, Stakeholder, Suppression
from connectors import registry
from service.tables import User
from service.wiring import Wiring

from .conftest import Browser, Browsers
from .test_people import programme, somebody


class Ann:
    """A person in General, and the addresses of her pages."""

    def __init__(self, wiring: Wiring, general: int) -> None:
        self.wiring, self.id = wiring, somebody(wiring, general, "Ann Rees", languages=["cy"])
        with wiring.database.write() as session:
            addresses.add(session, wiring.now(), self.id, "email", "ann@example.org")
        self.page = f"/people/{public_id('stk', self.id)}"
        self.relation = f"{self.page}/in/{public_id('prg', general)}"


@pytest.fixture
def ann(wiring: Wiring, general: int) -> Ann:
    return Ann(wiring, general)


def contact(wiring: Wiring, general: int, **values: Any) -> dict[str, Any]:
    at = (wiring.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    return {"kind": "meeting", "at": at, "programme_id": public_id("prg", general)} | values


def test_a_role_needs_its_reason_and_brings_a_review(browser: Browser, ann: Ann, wiring: Wiring) -> None:
    """A4, G9."""
    answer = browser.post(ann.relation, do="role", role="partner", rank="primary", rationale=" ", status=422)
    assert 'aria-invalid="true"' in answer.text
    shown = browser.done(
        ann.relation, do="role", role="partner", rank="primary", rationale="Runs the clinics"
    )
    assert "Partner" in shown and "Runs the clinics" in shown and "Next review" in shown
    assert "Runs the clinics" in browser.get(ann.page)
    assert "Ann Rees" in browser.get("/people", role="partner")
    assert "Ann Rees" not in browser.get("/people", role="critic")


def test_an_intention_rests_on_a_contact_and_stays_in_the_history(
    browser: Browser, ann: Ann, wiring: Wiring, general: int
) -> None:
    """A5: committed needs a contribution; nothing delivered shows on a list until a promise is kept."""
    browser.post(f"{ann.page}/contact", **contact(wiring, general, notes="She will help"))
    with wiring.database.read() as session:
        met = session.scalars(select(Interaction)).one()
    browser.post(ann.relation, do="intent", intent="committed", contribution="", status=422)
    shown = browser.done(
        ann.relation, do="intent", intent="committed", contribution="Two clinics a month",
        interaction=public_id("itr", met.id),
    )  # fmt: skip
    assert "Two clinics a month" in shown and "A contact on the record shows it." in shown
    assert "Two clinics a month" in browser.get("/people/undelivered")
    due = wiring.now().date().isoformat()
    browser.post(ann.relation, do="promise", who="theirs", promise="First clinic", due_on=due)
    with wiring.database.read() as session:
        made = session.scalars(select(Commitment)).one()
    promise_id = public_id("cmm", made.id)
    browser.post(ann.relation, do="end", promise_id=promise_id, outcome="kept", evidence="", status=422)
    browser.post(ann.relation, do="end", promise_id=promise_id, outcome="kept", evidence="We were there")
    assert "Two clinics a month" not in browser.get("/people/undelivered")
    browser.post(ann.relation, do="end", promise_id=promise_id, outcome="kept", evidence="Again", status=422)


def test_a_contact_of_somebody_else_is_no_evidence(
    browser: Browser, ann: Ann, wiring: Wiring, general: int
) -> None:
    bob = somebody(wiring, general, "Bob")
    browser.post(f"/people/{public_id('stk', bob)}/contact", **contact(wiring, general))
    with wiring.database.read() as session:
        met = session.scalars(select(Interaction)).one()
    browser.post(
        ann.relation, do="intent", intent="exploring", interaction=public_id("itr", met.id), status=404
    )


def test_a_review_is_not_closed_empty(browser: Browser, ann: Ann, wiring: Wiring, general: int) -> None:
    """G9."""
    said: dict[str, Any] = {"do": "review", "findings": "All well", "rating": "strong", "decision": "Go on"}
    next_on = (wiring.now().date() + timedelta(days=90)).isoformat()
    for missing in ("findings", "decision"):
        browser.post(ann.relation, **{**said, missing: "", "next_on": next_on}, status=422)
    browser.post(ann.relation, **said, next_on="", status=422)
    browser.post(ann.relation, **said, next_on=wiring.now().date().isoformat(), status=422)
    shown = browser.done(ann.relation, **said, next_on=next_on)
    assert "All well" in shown and "Strong" in shown
    with wiring.database.read() as session:
        assert session.get_one(Involvement, (ann.id, general)).review_on.isoformat() == next_on  # type: ignore[union-attr]


def test_a_deputy_stands_in_for_an_owner(browser: Browser, ann: Ann, browsers: Browsers) -> None:
    """A17."""
    me, other = public_id("usr", browser.user_id), public_id("usr", browsers("author").user_id)
    browser.post(ann.relation, do="owners", owner="", deputy=me, status=422)
    browser.post(ann.relation, do="owners", owner=me, deputy=me, status=422)
    assert "Deputy: " in browser.done(ann.relation, do="owners", owner=me, deputy=other)


def test_the_record_tells_everything_and_one_kind_alone(
    browser: Browser, ann: Ann, wiring: Wiring, general: int
) -> None:
    browser.post(
        f"{ann.page}/contact",
        **contact(wiring, general, notes="Wants a leaflet", promise="Send it", who="us", due_on="2030-01-01"),
    )
    browser.post(ann.relation, do="role", role="gatekeeper", rank="secondary", rationale="Chairs the board")
    page = browser.get(ann.page)
    assert "Wants a leaflet" in page and "Chairs the board" in page and "We promised" in page
    page = browser.get(ann.page, show="met")
    assert "Wants a leaflet" in page and "Chairs the board" not in page


def test_a_correction_is_a_new_entry(browser: Browser, ann: Ann, wiring: Wiring, general: int) -> None:
    """F4."""
    browser.post(f"{ann.page}/contact", **contact(wiring, general, notes="Two leaflets"))
    with wiring.database.read() as session:
        old = session.scalars(select(Interaction)).one()
    place = f"{ann.page}/contact/{public_id('itr', old.id)}"
    assert "Two leaflets" in browser.get(place)
    shown = browser.done(place, **contact(wiring, general, notes="Three leaflets"))
    assert "Two leaflets" in shown and "Three leaflets" in shown and "Correction" in shown
    browser.post(place, status=422, **contact(wiring, general, notes="Four"))


def test_a_contact_of_another_record_is_not_found(
    browser: Browser, ann: Ann, wiring: Wiring, general: int
) -> None:
    browser.post(f"{ann.page}/contact", **contact(wiring, general))
    with wiring.database.read() as session:
        met = session.scalars(select(Interaction)).one()
    bob = somebody(wiring, general, "Bob")
    browser.get(f"/people/{public_id('stk', bob)}/contact/{public_id('itr', met.id)}", status=404)


def test_who_they_are_is_changed_and_an_address_is_retired(
    browser: Browser, ann: Ann, wiring: Wiring
) -> None:
    with wiring.database.write() as session:
        fields.define(session, wiring.now(), "town", "text")
        fields.define(session, wiring.now(), "age", "number")
    form: dict[str, Any] = {
        "do": "details",
        "name": "Ann Rees-Jones",
        "kind": "person",
        "languages": ["en", "cy"],
        "version": "1",
    }
    wrong: dict[str, Any] = form | {"attrs/age": "many"}
    answer = browser.post(f"{ann.page}/edit", **wrong, status=422)
    assert "this must be a number" in answer.text
    right: dict[str, Any] = form | {"attrs/town": "Bangor", "attrs/age": "40"}
    shown = browser.done(f"{ann.page}/edit", **right)
    assert "Ann Rees-Jones" in shown and "Bangor" in shown
    browser.post(f"{ann.page}/edit", **form, status=422)  # somebody changed it meanwhile
    with wiring.database.read() as session:
        [held] = addresses.of(session, ann.id)
        assert session.get_one(Stakeholder, ann.id).attrs == {"town": "Bangor", "age": 40}
    shown = browser.done(f"{ann.page}/edit", do="retire_address", address=public_id("adr", held.id))
    assert "No longer used" in shown
    shown = browser.done(f"{ann.page}/edit", do="add_address", channel="phone", value="+44 29 2000 0000")
    assert "+44 29 2000 0000" in shown
    browser.post(f"{ann.page}/edit", do="add_address", channel="phone", value="none", status=422)


def test_tags_and_memberships_come_and_go(browser: Browser, ann: Ann, wiring: Wiring, general: int) -> None:
    board = somebody(wiring, general, "The Board", kind="organisation")
    assert "ysgol" in browser.done(f"{ann.page}/edit", do="tag", tag="ysgol, parent")
    assert "ysgol" not in browser.done(f"{ann.page}/edit", do="untag", name="ysgol")
    assert "The Board" in browser.done(f"{ann.page}/edit", do="join", body="the board", body_role="Chair")
    assert "Ann Rees" in browser.get(f"/people/{public_id('stk', board)}")
    browser.post(f"{ann.page}/edit", do="join", body="Unknown Body", status=422)


def test_why_we_may_write_is_told_as_the_sender_would_decide(browser: Browser, ann: Ann) -> None:
    """A13."""
    page = f"{ann.page}/permissions"
    assert "No reason to write yet" in browser.get(page)
    given: dict[str, Any] = {
        "do": "give",
        "purpose": "direct_marketing",
        "channel": "email",
        "basis": "consent",
        "source": "sheet",
    }
    browser.post(page, **given, wording="", status=422)
    assert "They agreed" in browser.done(page, **given, wording="sheet 2")
    shown = browser.done(
        page, do="withdraw", purpose="direct_marketing", channel="email", said_how="by phone"
    )
    assert "Permission withdrawn" in shown and "No reason to write yet" in shown


def test_do_not_contact_is_said_and_lifted_with_a_reason(browser: Browser, ann: Ann, wiring: Wiring) -> None:
    page = f"{ann.page}/permissions"
    shown = browser.done(page, do="stop", channel="*", reason="no_contact", purpose="", note="wrote to us")
    assert "They want no contact at all" in shown and "wrote to us" in shown
    assert "Do not contact" in browser.get(ann.page)
    with wiring.database.read() as session:
        made = session.scalars(select(Suppression)).one()
    browser.post(page, do="lift", suppression=public_id("sup", made.id), why="", status=422)
    shown = browser.done(page, do="lift", suppression=public_id("sup", made.id), why="They asked us back")
    assert "Nothing stands against writing to them." in shown


def test_a_no_says_on_the_record_to_what_and_by_which_address(
    browser: Browser, ann: Ann, wiring: Wiring
) -> None:
    """B7: who opts out in a file opts out of two purposes; told alike, they looked like one thing twice."""
    for purpose in ("direct_marketing", "survey"):
        browser.done(f"{ann.page}/permissions", do="stop", channel="email", reason="opt_out", purpose=purpose)
    with wiring.database.write() as session:
        consent.suppress(
            session, wiring.now(), channel="email", reason="hard_bounce", origin="admin",
            address_key="ann@example.org",
        )  # fmt: skip
    shown = browser.get(ann.page, show="consented").split("</ol>")[0]
    entries = shown.split('<li class="suppression">')[1:]
    told = ("Everything", "Surveys", "News and invitations")
    assert [next(one for one in told if one in entry) for entry in entries] == list(told)
    assert ["ann@example.org" in entry for entry in entries] == [True, False, False]


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Pacific/Auckland"])
def test_a_day_that_somebody_agreed_on_is_that_day_wherever_the_reader_is(
    browser: Browser, ann: Ann, wiring: Wiring, zone: str
) -> None:
    """C: a file says the day and no hour; midnight somewhere is the day before elsewhere."""
    said: dict[str, Any] = {"purpose": "survey", "channel": "email", "source": "sheet", "actor": "recipient"}
    with wiring.database.write() as session:
        day = datetime(2025, 5, 5, tzinfo=UTC)
        consent.give(session, day, ann.id, **said, basis="consent", wording_version="1")
        consent.withdraw(session, day + timedelta(days=40, hours=12, minutes=30), ann.id, **said)
        session.get_one(User, browser.user_id).zone = zone
    first, last = browser.get(ann.page, show="consented").split('<li class="consent">')[:0:-1][:2]
    assert ">5 May 2025</time>" in first
    hour = {"Europe/London": "13:30", "America/New_York": "08:30", "Pacific/Auckland": "00:30"}[zone]
    assert f"{15 if hour < '08' else 14} Jun 2025, {hour}" in last


def test_an_author_reads_but_does_not_change_permissions(browsers: Browsers, ann: Ann, general: int) -> None:
    author = browsers("author", general)
    author.get(f"{ann.page}/permissions")
    author.post(f"{ann.page}/permissions", do="stop", channel="*", reason="no_contact", status=403)


def test_a_relationship_is_changed_only_where_the_role_reaches(
    browsers: Browsers, ann: Ann, wiring: Wiring, general: int
) -> None:
    other = programme(wiring, "Other")
    with wiring.database.write() as session:
        people.involve(session, wiring.now(), ann.id, other)
    browsers("viewer", general).post(
        ann.relation, do="role", role="critic", rank="primary", rationale="x", status=403
    )
    browsers("author", general).get(f"{ann.page}/in/{public_id('prg', other)}", status=404)


def test_what_they_wrote_is_answered_from_the_record(
    browser: Browser, ann: Ann, wiring: Wiring, general: int
) -> None:
    """F8."""
    now = wiring.now()
    with wiring.database.write() as session:
        account = accounts.create(
            session,
            now,
            connector="simulator",
            name="Practice",
            channel="email",
            settings={"url": "http://127.0.0.1:9"},
        )
        accounts.declare(account, registry.connect("simulator", account.settings, {}))
        raw = RawEvent(
            account_id=account.id,
            event_key="e1",
            via="poll",
            at=now,
            sha256="x",
            event={},
            state="done",
            next_at=now,
        )
        session.add(raw)
        session.flush()
        heard = Answer(
            raw_id=raw.id, account_id=account.id, channel="email", kind="reply", at=now, from_key="ann@example.org",
            stakeholder_id=ann.id, programme_id=general, matched_by="address", text="When does it open?",
        )  # fmt: skip
        session.add(heard)
        session.flush()
        number = public_id("rsp", heard.id)
    page = browser.get(ann.page)
    assert "Waiting for an answer" in page and "When does it open?" in page
    answer = browser.post(f"{ann.page}/answer/{number}", answer=" ", status=422)
    assert "Waiting for an answer" in answer.text
    shown = browser.done(f"{ann.page}/answer/{number}", answer="On Tuesday")
    assert "Waiting for an answer" not in shown and "Answered" in shown


def test_the_record_leads_to_writing_to_its_person(browser: Browser, ann: Ann) -> None:
    assert f'href="/write?to={public_id("stk", ann.id)}"' in browser.get(ann.page)
