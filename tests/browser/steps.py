"""What people do on many pages, by the words they see: for whole jobs."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from .conftest import PASSWORD, Site, Visitor
from .mailserver import MailServer

Visit = Callable[..., Visitor]


def first_visit(visitor: Visitor, site: Site, how: str = "Just me") -> Page:
    """From the console's link to the first steps, as the administrator."""
    page = visitor.page
    page.goto(site.first_visit())
    page.get_by_label("Your name").fill("Ffion Rees")
    page.get_by_label("E-mail address").fill("ffion@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label(how, exact=False).check()
    press(page, "Come in")
    expect(heading(page)).to_have_text("First steps")
    return page


def connect_mail(page: Page, post: MailServer, sender: str = "ffion@example.org") -> None:
    """Connect the mail server on this machine, from the first steps; it ends there again."""
    page.goto("/first")
    page.get_by_role("link", name="A server of your own without encryption").click()
    page.get_by_label("Name in Dolen").fill("Our mail")
    page.get_by_label("Mail comes from this address").fill(sender)
    page.get_by_label("and this name").fill("Ffion at the Lantern")
    page.get_by_label("Port", exact=True).fill(str(post.port))
    press(page, "Connect and check")
    expect(heading(page)).to_have_text("First steps")


def add_person(page: Page, name: str, address: str, language: str = "English") -> None:
    """Add somebody who agreed to get mail; their record is shown."""
    page.goto("/people/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("E-mail address").fill(address)
    page.get_by_label("Language 1").select_option(language)
    page.get_by_label("Why we may write to them").select_option("They agreed")
    page.get_by_label("Where this comes from").fill("Sign-up sheet at the open day")
    page.get_by_label("Which wording they were shown").fill("2026-1")
    press(page, "Add")
    expect(heading(page)).to_have_text(name)


def invite(page: Page, visit: Visit, site: Site, name: str, email: str, role: str, **options: object) -> Visitor:
    """Invite a colleague; they open the link in a browser of their own and choose a password."""
    page.goto("/settings/people")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("E-mail address").fill(email)
    choice = page.get_by_label(role, exact=False)
    if not choice.is_visible():
        page.get_by_text("Fine permissions").click()
    choice.check()
    press(page, "Invite")
    link = page.locator("code").filter(has_text="http").inner_text()
    colleague = visit(site.url, **options)
    colleague.page.goto(link)
    colleague.page.get_by_label("Password").fill(PASSWORD)
    press(colleague.page, "Come in")
    expect(colleague.page.get_by_role("navigation", name="Rooms")).to_be_visible()
    return colleague


def press(page: Page, name: str) -> None:
    """Press the button of that name in the page itself."""
    page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def heading(page: Page) -> Locator:
    """The one heading that says where somebody is."""
    return page.get_by_role("heading", level=1)


def told(page: Page, words: str) -> None:
    """The page says what was just done."""
    expect(page.get_by_role("status").filter(has_text=words).first).to_be_visible()


def room(page: Page, name: str) -> None:
    """Go to a room by its link in the navigation."""
    page.get_by_role("navigation", name="Rooms").get_by_role("link", name=re.compile(f"^{name}")).click()
