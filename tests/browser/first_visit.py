"""From the link on the console to the first letter in a mailbox, as somebody new finds their way."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from .mailserver import MailServer, text_of
from .site import Site, Visit
from .steps import add_person, connect_mail, field, first_visit, heading, press, room, told

WORDS = "Dear {{ name }}, the Lantern opens on Monday."


def write(page: Page, subject: str) -> None:
    """Open Write from anywhere, and write to whoever is called Gwen."""
    page.get_by_role("banner").get_by_role("link", name="Write").click()
    page.get_by_text("Find people by name").click()
    field(page, "Name").fill("Gwen")
    press(page, "Find")
    page.get_by_label("Gwen Parry").check()
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("What it says").fill(WORDS)


def test_from_the_link_on_the_console_to_the_first_letter_in_a_mailbox(
    site: Site, visit: Visit, post: MailServer
) -> None:
    """J1: connect, try, add somebody, write, look at a test, send, see that it went."""
    page = first_visit(visit(site.url), site)
    connect_mail(page, post)
    press(page, "Send me a test")
    told(page, "The test is on its way to you.")
    assert post.letter("ffion@example.org")["From"].endswith("<ffion@example.org>")

    page.get_by_role("link", name="Add one person").click()
    expect(heading(page)).to_have_text("Add somebody")
    add_person(page, "Gwen Parry", "gwen@people.example")

    write(page, "We open on Monday")
    press(page, "Send me a test")
    told(page, "A test is on its way to you.")
    tried = post.letter("ffion@example.org", 2)
    assert "We open on Monday" in tried["Subject"]
    assert not post.letters("gwen@people.example")

    press(page, "Send")
    told(page, "It is on its way.")
    state = page.get_by_role("region", name="How it stands")
    expect(state).to_contain_text("Finished")
    page.get_by_role("link", name="Who got it").first.click()
    row = page.get_by_role("row").filter(has_text="Gwen Parry")
    expect(row).to_contain_text("Sent")
    letters = post.letters("gwen@people.example")
    assert [letter["Subject"] for letter in letters] == ["We open on Monday"]
    assert text_of(letters[0]).startswith("Dear Gwen Parry, the Lantern opens on Monday.")

    room(page, "Today")
    expect(page.get_by_text("First steps")).to_have_count(0)


def test_practice_shows_the_same_and_nobody_outside_gets_anything(
    site: Site, visit: Visit, post: MailServer
) -> None:
    """J1: somebody who connects nothing yet practises the whole way."""
    page = first_visit(visit(site.url), site)
    press(page, "Practise first")
    told(page, "Practice is connected.")
    add_person(page, "Gwen Parry", "gwen@practice.example")
    write(page, "We practise")
    expect(page.get_by_label("Practice", exact=False).first).to_be_checked()
    press(page, "Send")
    told(page, "It is on its way.")
    expect(page.get_by_role("region", name="How it stands")).to_contain_text("Finished")
    page.get_by_role("link", name="Who got it").first.click()
    expect(page.get_by_role("row").filter(has_text="Gwen Parry")).to_contain_text("Sent")
    assert not post.letters("gwen@practice.example")
