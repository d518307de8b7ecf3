"""Without a mouse: sign in, write and send, answer, plan; wherever the focus is, it can be seen."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from campaigns.messages.tables import Message

from .inbox_day import arrive
from .mailserver import MailServer, text_of
from .site import PASSWORD, Site, Visit
from .steps import OFFICER, PROGRAMME, add_person, field, heading, number_in, told

MOST = 200
# What has the focus and cannot be seen to have it, or nothing.
UNSEEN = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return "";
  const style = getComputedStyle(one), place = one.getBoundingClientRect();
  const ring = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  const there = place.width > 0 && place.height > 0 && place.bottom > 0 && place.top < innerHeight
    && place.right > 0 && place.left < innerWidth;
  // Of a date, each part is marked inside of the field, where no page can look.
  return (ring || one.type === "date") && there ? "" : one.outerHTML.slice(0, 200);
}"""


def tab(page: Page) -> None:
    """On to the next; it must be seen where that is."""
    page.keyboard.press("Tab")
    assert page.evaluate(UNSEEN) == ""


def reach(page: Page, goal: Locator) -> None:
    """Tab until the goal has the focus."""
    expect(goal).to_be_visible()
    for _ in range(MOST):
        if goal.evaluate("one => one === document.activeElement"):
            return
        tab(page)
    raise AssertionError(f"{goal} cannot be reached by Tab")


def enter(page: Page, goal: Locator) -> None:
    """Go there, and press Enter."""
    reach(page, goal)
    page.keyboard.press("Enter")


def type_into(page: Page, label: str, words: str) -> None:
    """Go to a field, and write."""
    reach(page, field(page, label))
    page.keyboard.press("Control+a")
    page.keyboard.type(words)


def sign_in(page: Page) -> None:
    """Sign in without a mouse."""
    page.goto("/sign-in")
    type_into(page, "E-mail address", OFFICER[1])
    type_into(page, "Password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("banner")).to_be_visible()


def write(page: Page, to: str, subject: str) -> None:
    """Fill in what is to be written; the way past what stands on every page is one key."""
    enter(page, page.get_by_role("banner").get_by_role("link", name="Write"))
    expect(heading(page)).to_have_text("Write")
    enter(page, page.get_by_role("link", name="Skip to the main content"))
    type_into(page, "Mail addresses", to)
    type_into(page, "Subject", subject)
    type_into(page, "What it says", "By keyboard alone.")


def button(page: Page, name: str) -> Locator:
    """A button in the page itself."""
    return page.get_by_role("main").get_by_role("button", name=name, exact=True)


def test_somebody_without_a_mouse_writes_and_sends(year_site: Site, visit: Visit, post: MailServer) -> None:
    """C13: signing in, writing and sending by keyboard alone."""
    page = visit(year_site.url).page
    sign_in(page)
    write(page, "keys@people.example", "No mouse was used")
    enter(page, button(page, "Send"))
    told(page, "It is on its way.")
    assert text_of(post.letter("keys@people.example")).startswith("By keyboard alone.")


def test_somebody_without_a_mouse_answers_in_the_inbox(
    year_site: Site, visit: Visit, post: MailServer
) -> None:
    """C13: from the list to the answer by keyboard alone."""
    page = visit(year_site.url).page
    sign_in(page)
    add_person(page, "Keith Keys", "keith@inbox.example", programme=PROGRAMME, agreed=False)
    arrive(year_site, "keith@inbox.example", "Can you read this?")
    enter(page, page.get_by_role("navigation", name="Menu").get_by_role("link", name="Inbox"))
    theirs = page.get_by_role("link", name="Keith Keys")
    expect(theirs).to_be_visible()
    for _ in range(MOST):
        page.keyboard.press("j")
        assert page.evaluate(UNSEEN) == ""
        if theirs.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Keith Keys")
    page.keyboard.press("r")
    expect(field(page, "Your answer")).to_be_focused()
    page.keyboard.type("Yes, every word.")
    page.keyboard.press("Control+Enter")
    told(page, "It is on its way.")
    assert text_of(post.letter("keith@inbox.example")).startswith("Yes, every word.")


def test_somebody_without_a_mouse_plans_in_the_calendar(year_site: Site, visit: Visit) -> None:
    """C13: a draft is put on a day by keyboard alone."""
    page = visit(year_site.url).page
    sign_in(page)
    write(page, "planned@people.example", "Planned by keys")
    enter(page, button(page, "Save as draft"))
    told(page, "Saved.")
    number = number_in(page.url, "msg")
    enter(page, page.get_by_role("navigation", name="Menu").get_by_role("link", name="Calendar"))
    enter(page, page.get_by_role("navigation", name="Which view").get_by_role("link", name="Week"))
    enter(page, page.get_by_role("link", name="Later"))
    expect(
        page.get_by_role("navigation", name="Which view").get_by_role("link", name="Week")
    ).to_have_attribute("aria-current", "true")
    tuesday = page.locator("#calendar [data-day]").nth(1)
    day = tuesday.get_attribute("data-day")
    reach(page, page.get_by_role("link", name="Planned by keys"))
    for key in ("m", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator("#told")).to_contain_text("Planned by keys to Tuesday")
    page.keyboard.press("Enter")
    expect(tuesday).to_contain_text("Planned by keys")
    expect(tuesday.get_by_role("link", name="Planned by keys")).to_be_focused()
    assert page.evaluate(UNSEEN) == ""
    with year_site.reading() as session:
        assert (session.get_one(Message, number).wall or "")[:10] == day
