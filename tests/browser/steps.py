"""What people do on many pages, by the words they see: for whole jobs."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from campaigns.base import parse_id

from .mailserver import MailServer
from .site import PASSWORD, Site, Visit, Visitor

# Name, address and role of those who work in the sample year beside the administrator.
OFFICER = ("Olwen Pugh", "olwen@example.org", "Writer")
CHECKER = ("Karim Said", "karim@example.org", "Checker")

# What the sample year is about.
PROGRAMME = "Iach gyda'n Gilydd · Healthy Together (sample)"


def first_visit(visitor: Visitor, site: Site, how: str = "Just me") -> Page:
    """From the console's link to the first steps, as the administrator."""
    page = visitor.page
    page.goto(site.first_visit())
    field(page, "Your name").fill("Ffion Rees")
    field(page, "E-mail address").fill("ffion@example.org")
    field(page, "Password").fill(PASSWORD)
    page.get_by_label(how, exact=False).check()
    press(page, "Come in")
    expect(heading(page)).to_have_text("First steps")
    return page


def connect_mail(page: Page, post: MailServer, sender: str = "ffion@example.org") -> None:
    """Connect the mail server on this machine, from the first steps; it ends there again."""
    page.goto("/first")
    page.get_by_role("link", name=re.compile("^A server of your own")).click()
    field(page, "Name in Dolen").fill("Our mail")
    field(page, "Mail comes from this address").fill(sender)
    field(page, "and this name").fill("Ffion at the Lantern")
    field(page, "Port").fill(str(post.port))
    press(page, "Connect and check")
    expect(heading(page)).to_have_text("First steps")


def add_person(
    page: Page, name: str, address: str, language: str = "English", *, tags: str = "", programme: str = "",
    agreed: bool = True,
) -> None:  # fmt: skip
    """Add somebody who agreed to get mail, or has said nothing; their record is shown."""
    page.goto("/people/new")
    field(page, "Name").fill(name)
    field(page, "E-mail address").fill(address)
    field(page, "Language 1").select_option(language)
    if agreed:
        field(page, "Why we may write to them").select_option("They agreed")
        field(page, "Where this comes from").fill("Sign-up sheet at the open day")
        field(page, "Which wording they were shown").fill("2026-1")
    field(page, "Tags").fill(tags)
    if programme:
        field(page, "Programme").select_option(programme)
    press(page, "Add")
    expect(heading(page)).to_have_text(name)


def draft(
    page: Page, subject: str, text: str = "To be written.", *, programme: str = "", account: str = "",
    group: str = "", strategy: str = "", to: str = "",
) -> int:  # fmt: skip
    """Write something and keep it as a draft; its page is shown. Its number."""
    page.goto("/write")
    if programme:
        field(page, "Programme").select_option(programme)
        press(page, "Choose")
    if account:
        for box in (
            page.get_by_role("group", name="Through which connected account").get_by_role("checkbox").all()
        ):
            box.uncheck()
        page.get_by_label(account, exact=False).check()
    if group:
        field(page, "Or a group").select_option(group)
    if strategy:
        field(page, "Strategy").select_option(strategy)
    if to:
        field(page, "Mail addresses").fill(to)
    field(page, "Subject").fill(subject)
    field(page, "What it says").fill(text)
    press(page, "Save as draft")
    told(page, "Saved.")
    expect(heading(page)).to_have_text(subject)
    return number_in(page.url, "msg")


def invite(
    page: Page, visit: Visit, site: Site, name: str, email: str, role: str, **options: object
) -> Visitor:
    """Invite a colleague; they open the link in a browser of their own and choose a password."""
    page.goto("/settings/people")
    field(page, "Name").fill(name)
    field(page, "E-mail address").fill(email)
    choice = page.get_by_label(role, exact=False)
    if not choice.is_visible():
        page.get_by_text("Fine permissions").click()
    choice.check()
    press(page, "Invite")
    link = page.locator("code").filter(has_text="http").inner_text()
    colleague = visit(site.url, **options)
    colleague.page.goto(link)
    field(colleague.page, "Password").fill(PASSWORD)
    press(colleague.page, "Come in")
    expect(colleague.page.get_by_role("navigation", name="Menu")).to_be_visible()
    return colleague


def number_in(url: str, prefix: str) -> int:
    """The number of what a page is about, out of its address."""
    found = re.search(rf"{prefix}_\w+", url)
    assert found is not None
    return parse_id(prefix, found[0])


def press(page: Page, name: str) -> None:
    """Press the button of that name in the page itself."""
    page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def field(page: Page, label: str) -> Locator:
    """The field of that name in the page itself, needed or not."""
    return page.get_by_role("main").get_by_label(
        re.compile(rf"^\s*{re.escape(label)}(\s+needed( with a declaration)?)?\s*$")
    )


def heading(page: Page) -> Locator:
    """The one heading that says where somebody is."""
    return page.get_by_role("heading", level=1)


def told(page: Page, words: str) -> None:
    """The page says what was just done."""
    expect(page.get_by_role("status").filter(has_text=words).first).to_be_visible()


def room(page: Page, name: str) -> None:
    """Go to a room by its link in the navigation."""
    page.get_by_role("navigation", name="Menu").get_by_role("link", name=re.compile(f"^{name}")).click()
