"""Every form where scripts are switched off: nothing that people do in Dolen needs them."""

from __future__ import annotations

import re
import time
from datetime import date, timedelta

from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from campaigns.delivery.tables import Account
from campaigns.messages.tables import Message, Variant
from campaigns.responses.tables import Response
from campaigns.stakeholders.tables import Address, Consent, Segment, Stakeholder

from .inbox_day import arrive
from .mailserver import MailServer, text_of
from .site import PASSWORD, PATIENCE_MS, Site, Visit
from .steps import (
    OFFICER,
    PROGRAMME,
    add_person,
    connect_mail,
    draft,
    field,
    first_visit,
    heading,
    number_in,
    press,
    told,
)

PLAIN = {"java_script_enabled": False}


def again(page: Page, there: Locator) -> None:
    """Nothing changes by itself without scripts: people read the page again."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not there.is_visible():
        assert time.monotonic() < deadline, there
        page.reload()


def inside(visit: Visit, site: Site, email: str = "ffion@example.org") -> Page:
    """Signed in, without scripts."""
    page = visit(site.url, **PLAIN).page
    page.goto("/sign-in")
    field(page, "E-mail address").fill(email)
    field(page, "Password").fill("not my password")
    press(page, "Sign in")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(field(page, "E-mail address")).to_have_value(email)
    field(page, "Password").fill(PASSWORD)
    press(page, "Sign in")
    expect(page.get_by_role("banner")).to_be_visible()
    return page


def test_the_first_visit_needs_no_scripts(site: Site, visit: Visit, post: MailServer) -> None:
    """I6: coming in, connecting mail, importing by paste, and the first message."""
    page = first_visit(visit(site.url, **PLAIN), site)
    connect_mail(page, post)
    page.get_by_role("link", name="Paste addresses or take a file").click()
    field(page, "Addresses").fill(
        "Gwen Parry <gwen@paste.example>\nTom Hobbs <tom@paste.example>\nnot an address"
    )
    field(page, "Their language").select_option("Welsh")
    field(page, "Why we may write to them").select_option("They agreed")
    field(page, "Where this comes from").fill("Sign-up sheet")
    field(page, "Which wording they were shown").fill("2026-1")
    press(page, "Check, without adding anybody")
    expect(page.get_by_role("alert")).to_contain_text("since when")
    field(page, "Since when").fill(date.today().isoformat())
    press(page, "Check, without adding anybody")
    expect(page.get_by_role("alert")).to_have_count(0)
    again(page, page.get_by_role("heading", name="This would happen"))
    with site.reading() as session:
        assert not list(session.scalars(select(Stakeholder)))
    press(page, "Take 2 rows in")
    again(page, page.get_by_role("heading", name="Finished"))
    with site.reading() as session:
        keys = set(session.scalars(select(Address.key)))
    assert {"gwen@paste.example", "tom@paste.example"} <= keys

    page.get_by_role("banner").get_by_role("link", name="Write").click()
    field(page, "Mail addresses").fill("gwen@paste.example")
    field(page, "Subject").fill("Plain")
    field(page, "What it says").fill("Without scripts, {{ name }}.")
    press(page, "Send")
    told(page, "It is on its way.")
    assert text_of(post.letter("gwen@paste.example")).startswith("Without scripts, Gwen Parry.")


def test_letters_are_built_from_blocks_without_scripts(year_site: Site, visit: Visit) -> None:
    """I6, F4: blocks are added, moved, looked at and taken out, and what was typed stays."""
    page = inside(visit, year_site, OFFICER[1])
    number = draft(page, "Made of blocks", "Plain at first.", account="Our mail", to="blocks@people.example")
    page.get_by_role("link", name="Change it E-mail English").click()
    page.get_by_role("link", name="Blocks", exact=True).click()
    words = page.get_by_role("group", name="1. Text").get_by_label("Words")
    expect(words).to_have_value("Plain at first.")
    words.fill("It is warm here.")
    press(page, "Heading")
    page.get_by_role("group", name="2. Heading").get_by_label("Words").fill("Come in")
    press(page, "Button")
    third = page.get_by_role("group", name="3. Button")
    third.get_by_label("Words").fill("Find us")
    third.get_by_label("Leads to").fill("https://lantern.example/map")
    press(page, "Show how it reads")
    look = page.frame_locator("iframe[name=look]")
    expect(look.get_by_role("link", name="Find us")).to_be_visible()
    third.get_by_role("button", name="Up 3").click()
    expect(page.get_by_role("group", name="2. Button").get_by_label("Words")).to_have_value("Find us")
    page.get_by_role("group", name="1. Text").get_by_role("button", name="Down 1").click()
    expect(page.get_by_role("group", name="1. Button").get_by_label("Words")).to_have_value("Find us")
    page.get_by_role("group", name="3. Heading").get_by_role("button", name="Take out 3").click()
    expect(page.get_by_role("group", name="2. Text").get_by_label("Words")).to_have_value("It is warm here.")
    expect(page.get_by_role("group", name="3. Heading")).to_have_count(0)
    press(page, "Save")
    told(page, "Saved.")
    with year_site.reading() as session:
        content_id = session.get_one(Message, number).content_id
        newest = select(Variant).where(Variant.content_id == content_id).order_by(Variant.n.desc())
        kept = session.scalars(newest).first()
        assert kept is not None and kept.blocks is not None
        assert [(one["kind"], one["text"]) for one in kept.blocks] == [
            ("button", "Find us"), ("text", "It is warm here."),
        ]  # fmt: skip


def test_a_group_is_put_together_without_scripts(year_site: Site, visit: Visit) -> None:
    """I6, A4: rows and boxes are added and taken away, and counted by a button."""
    page = inside(visit, year_site)
    page.goto("/groups/new")
    field(page, "Programme").select_option(PROGRAMME)
    field(page, "Name of the group").fill("Welsh readers with mail")
    page.get_by_label("With what").first.select_option("Welsh")
    press(page, "Add a condition")
    page.get_by_label("What is asked").nth(1).select_option("Has an address of")
    press(page, "Count again")
    page.get_by_label("With what").nth(1).select_option("E-mail")
    press(page, "Add a box of conditions")
    expect(page.get_by_label("How these conditions belong together")).to_have_count(2)
    press(page, "Take this box away")
    press(page, "Count again")
    finds = page.get_by_role("complementary")
    expect(finds).to_contain_text("people and organisations now")
    count = int(finds.locator(".big").inner_text())
    press(page, "Save the group")
    expect(heading(page)).to_have_text("Welsh readers with mail")
    with year_site.reading() as session:
        rule = session.scalars(select(Segment.rule).where(Segment.name == "Welsh readers with mail")).one()
    assert rule == {
        "all": [
            {"field": "language", "op": "has", "value": "cy"}, {"field": "address", "op": "has", "value": "email"},
        ]
    }  # fmt: skip
    assert count > 50


def test_the_inbox_answers_without_scripts(year_site: Site, visit: Visit, post: MailServer) -> None:
    """I6: taking, inserting a saved reply, noting and answering are forms."""
    page = inside(visit, year_site)
    add_person(page, "Nia Plain", "nia@inbox.example", programme=PROGRAMME)
    arrive(year_site, "nia@inbox.example", "Is there a ramp?")
    page.get_by_role("navigation", name="Menu").get_by_role("link", name=re.compile("^Inbox")).click()
    again(page, page.get_by_role("link", name="Nia Plain"))
    page.get_by_role("link", name="Nia Plain").click()
    press(page, "Take it")
    told(page, "Saved.")
    field(page, "Your answer").fill("Yes, at the back.")
    press(page, "Keep the draft")
    told(page, "Saved.")
    expect(field(page, "Your answer")).to_have_value("Yes, at the back.")
    field(page, "A note; @ and a name calls a colleague").fill("The ramp is new.")
    press(page, "Add the note")
    expect(page.get_by_text("The ramp is new.")).to_be_visible()
    press(page, "Send and close")
    told(page, "It is on its way.")
    assert text_of(post.letter("nia@inbox.example")).startswith("Yes, at the back.")
    with year_site.reading() as session:
        assert session.get_one(Response, number_in(page.url, "rsp")).closed_why == "answered"


def test_the_calendar_moves_without_scripts(year_site: Site, visit: Visit) -> None:
    """I6: each entry has a page with a day and a time."""
    page = inside(visit, year_site, OFFICER[1])
    number = draft(page, "Moved by form", account="Our mail", to="moved@people.example")
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Calendar").click()
    page.get_by_role("link", name="Moved by form").click()
    day = date.today() + timedelta(days=9)
    field(page, "Day").fill(day.isoformat())
    field(page, "Time").fill("14:20")
    press(page, "Move")
    told(page, "Moved.")
    with year_site.reading() as session:
        assert (session.get_one(Message, number).wall or "")[:16] == f"{day}T14:20"


def test_an_account_is_changed_tried_and_switched_off_without_scripts(
    site: Site, visit: Visit, post: MailServer
) -> None:
    """I6: settings are forms, and a refusal keeps what was typed."""
    page = first_visit(visit(site.url, **PLAIN), site)
    connect_mail(page, post, "plain@example.org")
    page.goto("/settings/accounts")
    page.get_by_role("main").get_by_role("link", name="Our mail").click()
    field(page, "Name in Dolen").fill("Mail of the Lantern")
    field(page, "Port").fill("1")
    press(page, "Save and check")
    expect(page.get_by_role("alert")).to_contain_text("Nothing answers at this port")
    field(page, "Port").fill(str(post.port))
    press(page, "Save and check")
    told(page, "Connected and checked.")
    press(page, "Check the login")
    told(page, "The login works.")
    before = len(post.letters("ffion@example.org"))
    press(page, "Send me a test")
    told(page, "The test is on its way to you.")
    assert post.letter("ffion@example.org", before + 1)["From"].endswith("<plain@example.org>")
    press(page, "Switch it off")
    told(page, "Saved.")
    with site.reading() as session:
        assert [tuple(one) for one in session.execute(select(Account.name, Account.state))] == [
            ("Mail of the Lantern", "disabled")
        ]


def consents(site: Site, address: str) -> list[tuple[str, str]]:
    """What was said about mail to this address, oldest first."""
    with site.reading() as session:
        found = (
            select(Consent.purpose, Consent.act)
            .join(Address, Address.stakeholder_id == Consent.stakeholder_id)
            .where(Address.key == address)
            .order_by(Consent.id)
        )
        return [(one.purpose, one.act) for one in session.execute(found)]


def link_in(words: str, way: str) -> str:
    """The link in a letter that leads to this page."""
    found = re.search(rf"http://\S+{way}\S+", words)
    assert found is not None
    return found[0]


def test_people_outside_sign_up_choose_and_stop_without_scripts(
    site: Site, visit: Visit, post: MailServer
) -> None:  # long: a whole job, step by step
    """I6, A17, G9: a form of ours, the link in its letter, preferences, and the way out."""
    page = first_visit(visit(site.url, **PLAIN), site)
    connect_mail(page, post)
    page.goto("/forms/new?kind=signup")
    field(page, "Name for colleagues").fill("Lantern news")
    field(page, "Name in its address").fill("lantern")
    words = page.locator("details").filter(has_text="The words: English")
    words.get_by_label("Title").fill("News of the Lantern")
    words.get_by_label("Privacy notice").fill("We keep your address until you take it back.")
    words.get_by_label("What people tick to agree").fill("I want news by mail")
    press(page, "Make the form")
    expect(heading(page)).to_have_text("Lantern news")

    reader = visit(site.url, **PLAIN).page
    reader.goto("/f/lantern")
    # Typed as people type: whoever is quicker than a hand is asked to look again.
    reader.get_by_label("E-mail address").press_sequentially("rhian@signup.example", delay=150)
    reader.get_by_label("Name", exact=True).fill("Rhian Reads")
    reader.get_by_label("I want news by mail").check()
    reader.get_by_role("button", name="Sign up").click()
    expect(heading(reader)).to_have_text("Please look into your mailbox")
    assert not consents(site, "rhian@signup.example")
    reader.goto(link_in(text_of(post.letter("rhian@signup.example")), "/f/confirm/"))
    reader.get_by_role("button", name="Yes, sign me up").click()
    expect(heading(reader)).to_have_text("You are signed up")
    assert consents(site, "rhian@signup.example")[-1][1] == "given"

    page.goto("/write")
    field(page, "Mail addresses").fill("rhian@signup.example")
    field(page, "Subject").fill("The first news")
    field(page, "What it says").fill("Choose: {{ preferences_url }}\nStop: {{ unsubscribe_url }}")
    press(page, "Send")
    letter = text_of(post.letter("rhian@signup.example", 2))
    reader.goto(link_in(letter, "/p/"))
    reader.get_by_label("News, invitations and surveys").select_option("One a month at most")
    reader.get_by_role("button", name="Save my choices").click()
    expect(reader.get_by_role("heading", name="Your choices are saved")).to_be_visible()
    reader.reload()
    expect(reader.get_by_label("News, invitations and surveys")).to_have_value("monthly")
    reader.goto(link_in(letter, "/u/"))
    assert consents(site, "rhian@signup.example")[-1][1] == "given"
    reader.get_by_role("button", name="Stop these messages").click()
    expect(heading(reader)).to_have_text("These messages are stopped")
    assert consents(site, "rhian@signup.example")[-1][1] == "withdrawn"
