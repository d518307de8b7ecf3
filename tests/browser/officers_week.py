"""A communications officer's week on the sample year: plan, write in three languages, have it checked, watch it go."""

from __future__ import annotations

from collections import Counter

from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from campaigns.delivery.tables import Delivery
from campaigns.messages.tables import Message

from .mailserver import MailServer, text_of
from .site import Site, Visit, sign_in
from .steps import CHECKER, OFFICER, PROGRAMME, add_person, draft, field, heading, press, room, told

GROUP = "Winter news"
WORDS = {
    "English": ("Free soup on Friday", "Dear {{ name }}, come to the Lantern on Friday."),
    "Welsh": ("Cawl am ddim ddydd Gwener", "Annwyl {{ name }}, dewch i'r Llusern ddydd Gwener."),
    "Arabic": ("حساء مجاني يوم الجمعة", "عزيزنا {{ name }}، تعالوا إلى الفانوس يوم الجمعة."),
}

# Name, address, first language, and whether they agreed to get mail.
PEOPLE = (
    ("Helen Hobbs", "helen@soup.example", "English", True),
    ("Slow Sian", "slow.sian@soup.example", "Welsh", True),
    ("Lost Lowri", "drop.lowri@soup.example", "Welsh", True),
    ("ليلى حداد", "layla@soup.example", "Arabic", True),
    ("Never Asked", "asked@soup.example", "English", False),
)


def planned(site: Site, number: int) -> str:
    """The day for which a message stands in the database."""
    with site.reading() as session:
        return (session.get_one(Message, number).wall or "")[:10]


def day_of(cell: Locator) -> str:
    """The date of a day of the calendar."""
    return cell.get_attribute("data-day") or ""


def test_an_officer_plans_the_next_week_by_hand_and_by_keyboard(year_site: Site, visit: Visit) -> None:
    """J2: a draft is dragged to a day, moved on by keyboard, and stays where Escape left it."""
    page = sign_in(visit(year_site.url), OFFICER[1])
    number = draft(page, "A post to be planned", programme=PROGRAMME, account="Practice network (sample)")
    room(page, "Calendar")
    page.get_by_role("navigation", name="Which view").get_by_role("link", name="Week").click()
    page.get_by_role("link", name="Later").click()
    calendar = page.get_by_role("region").filter(has=page.get_by_role("table", name="Messages by day"))
    tuesday, wednesday = (calendar.locator("[data-day]").nth(place) for place in (1, 2))
    entry = calendar.get_by_role("listitem").filter(has_text="A post to be planned")

    entry.drag_to(tuesday)
    told(page, "Moved.")
    expect(tuesday).to_contain_text("A post to be planned")
    assert planned(year_site, number) == day_of(tuesday)

    link = page.get_by_role("link", name="A post to be planned")
    expect(link).to_be_focused()
    page.keyboard.press("m")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#told")).to_contain_text("to Thursday")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(wednesday).to_contain_text("A post to be planned")
    assert planned(year_site, number) == day_of(wednesday)

    expect(link).to_be_focused()
    page.keyboard.press("m")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(page.locator("#told")).to_have_text("A post to be planned stays where it was.")
    assert planned(year_site, number) == day_of(wednesday)

    page.get_by_role("navigation", name="Which view").get_by_role("link", name="List").click()
    page.get_by_role("navigation", name="Which time").get_by_role("link", name="Today").click()
    expect(page.get_by_role("listitem").filter(has_text="A post to be planned")).to_be_visible()


def version(page: Page, language: str) -> None:
    """Write one more version, with the others beside it."""
    subject, text = WORDS[language]
    field(page, "Language").select_option(language)
    press(page, "Write it")
    expect(heading(page)).to_have_text(f"{language} version for E-mail")
    expect(page.get_by_text(WORDS["English"][1]).first).to_be_visible()
    field(page, "Subject").fill(subject)
    field(page, "What it says").fill(text)
    press(page, "Save")
    told(page, "Saved.")


def preview(page: Page, language: str) -> str:
    """How a version reads for the first person who gets it; their name."""
    show = page.get_by_role("region", name="How it reads")
    show.get_by_label("Version").select_option(language)
    who = show.get_by_label("How it reads for").locator("option").first.inner_text()
    show.get_by_role("button", name="Show").click()
    words = page.frame_locator("iframe[name=look]").locator("body")
    expect(words).to_contain_text(WORDS[language][1].replace("{{ name }}", who))
    return who


def soup_friends(page: Page) -> None:
    """Five people with a tag; one of them never said that we may write."""
    for name, address, language, agreed in PEOPLE:
        add_person(page, name, address, language, tags="soup", programme=PROGRAMME, agreed=agreed)


def gather(page: Page) -> None:
    """Make a group of them by a rule; it is counted while it is put together."""
    page.goto("/groups/new")
    field(page, "Programme").select_option(PROGRAMME)
    field(page, "Name of the group").fill("Friends of soup")
    page.get_by_label("What is asked").select_option("Tag")
    value = page.get_by_role("combobox", name="With what").and_(page.locator("input"))
    value.fill("soup")
    value.press("Tab")
    expect(page.get_by_role("complementary").locator(".big")).to_have_text("5")
    press(page, "Save the group")
    expect(heading(page)).to_have_text("Friends of soup")


def left_out(page: Page) -> dict[str, int]:
    """Why people are left out, and how many, as the message tells before it goes."""
    rows = page.locator("h3", has_text="Left out, because").locator("+ ul > li").all()
    return {
        row.locator(":scope > b").evaluate("one => one.nextSibling.textContent").strip(): int(
            row.locator(":scope > b").inner_text()
        )
        for row in rows
    }


def test_an_officer_writes_in_three_languages_and_sees_it_go(
    year_site: Site, visit: Visit, post: MailServer
) -> None:  # long: a whole job, step by step
    """J2, E3: three versions, a look as a person, who is left out, a check, progress, what is not sure, the record."""
    soup_friends(sign_in(visit(year_site.url)))
    page = sign_in(visit(year_site.url), OFFICER[1])
    gather(page)
    subject, text = WORDS["English"]
    number = draft(
        page, subject, text, programme=PROGRAMME, account="Our mail", group=GROUP, strategy="Winter together"
    )
    for language in ("Welsh", "Arabic"):
        version(page, language)
    versions = page.get_by_role("region", name="Versions").get_by_role("article")
    expect(versions).to_have_count(3)
    tops = {round(one.evaluate("part => part.getBoundingClientRect().top")) for one in versions.all()[:2]}
    assert len(tops) == 1
    arabic = versions.filter(has_text="Arabic").locator(".words")
    assert arabic.evaluate("part => getComputedStyle(part).direction") == "rtl"
    for language in WORDS:
        preview(page, language)
    choose_who(page)

    press(page, "Ask for a check")
    told(page, "It waits for a second person to check it.")
    state = page.get_by_role("region", name="How it stands")
    expect(state).to_contain_text("A second person has to check it.")
    checker = sign_in(visit(year_site.url), CHECKER[1])
    checker.get_by_role("main").get_by_role("link", name=subject).first.click()
    press(checker, "Approve")
    told(checker, "Approved.")

    # The slow one is held by the mail server, so that there is progress to look at.
    expect(state).to_contain_text("Going out")
    page.reload()
    expect(state.get_by_role("progressbar", name="How far it is")).to_be_visible()
    expect(state).to_contain_text("of 5 are settled.")
    post.open_gate()
    expect(state).to_contain_text("Finished")
    check_ledger(year_site, number, post)
    decide_what_is_not_sure(page)
    look_at_the_record(page)


def choose_who(page: Page) -> None:
    """Look at who is left out of one group and why, then choose another."""
    reasons = left_out(page)
    assert sum(reasons.values()) == 37
    assert reasons["they have no address for this channel"] == 12
    page.get_by_text("Choose who and through what").click()
    field(page, "Or a group").select_option("Friends of soup")
    page.locator("#to").get_by_role("button", name="Save").click()
    told(page, "Saved.")
    gets = page.get_by_role("region", name="Who gets it")
    expect(gets).to_contain_text("4 people would get it now.")
    expect(gets).to_contain_text("1 nothing allows us to write to them about this")
    expect(gets.get_by_role("link", name="Never Asked")).to_be_visible()


def check_ledger(site: Site, number: int, post: MailServer) -> None:
    """Everybody is accounted for, and in each mailbox lies one letter in the language of who reads it."""
    with site.reading() as session:
        rows = select(Delivery.address_key, Delivery.state).where(Delivery.message_id == number)
        states = Counter(state for _, state in session.execute(rows))
    assert states == {"sent": 3, "unknown": 1, "excluded": 1}
    for name, address, language, agreed in PEOPLE:
        letters = post.letters(address)
        subject, text = WORDS[language]
        assert [letter["Subject"] for letter in letters] == ([subject] if agreed else [])
        assert all(text.replace("{{ name }}", name) in text_of(letter) for letter in letters)


def decide_what_is_not_sure(page: Page) -> None:
    """The line broke at one of them: somebody looks, and says what they found."""
    page.get_by_role("link", name="Look, and decide").click()
    page.get_by_label("Choose Lost Lowri").check()
    page.get_by_label("It went").check()
    field(page, "How do you know?").fill("It lies in her mailbox.")
    press(page, "Decide for those that are ticked")
    told(page, "Decided, and written down.")
    page.get_by_role("link", name="All", exact=False).first.click()
    expect(page.get_by_role("link", name="Not sure")).to_have_count(0)


def look_at_the_record(page: Page) -> None:
    """What was sent, and how we know, stands on the person's record."""
    page.get_by_role("searchbox", name="Search people, messages and responses").fill("Lost Lowri")
    page.keyboard.press("Enter")
    page.get_by_role("main").get_by_role("link", name="Lost Lowri").first.click()
    expect(heading(page)).to_have_text("Lost Lowri")
    expect(page.get_by_role("listitem").filter(has_text=WORDS["English"][0]).first).to_contain_text("Sent")
