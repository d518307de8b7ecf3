"""Who checks, and who agrees from outside: a checker with an own browser, a partner without a login or scripts."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from sqlalchemy import select

from campaigns.messages.tables import Approval

from .mailserver import MailServer, text_of
from .site import Site, Visit, sign_in
from .steps import CHECKER, OFFICER, PROGRAMME, draft, field, heading, press, told

PARTNER = "Canolfan Gymunedol y Llusern"


def change(page: Page, text: str) -> None:
    """Give the English version other words."""
    page.get_by_role("link", name="Change it E-mail English").click()
    field(page, "What it says").fill(text)
    press(page, "Save")
    told(page, "Saved.")


def test_a_checker_refuses_with_a_reason_and_approves_what_was_changed(year_site: Site, visit: Visit) -> None:
    """J4: a refusal says why, a decision on an older form does not count, and what is approved goes."""
    officer = sign_in(visit(year_site.url), OFFICER[1])
    number = draft(
        officer, "Blood tests on Tuesday", "Come on Tuseday.", programme=PROGRAMME, account="Our mail",
        strategy="Winter together", to="checked@people.example",
    )  # fmt: skip
    press(officer, "Ask for a check")
    told(officer, "It waits for a second person to check it.")
    expect(officer.get_by_role("button", name="Approve")).to_have_count(0)

    checker = sign_in(visit(year_site.url), CHECKER[1])
    checker.get_by_role("main").get_by_role("link", name="Blood tests on Tuesday").first.click()
    press(checker, "Refuse")
    expect(checker.get_by_role("alert")).to_be_visible()
    checker.get_by_label("Why (needed for a refusal)").fill("Tuesday is misspelt.")
    press(checker, "Refuse")
    told(checker, "Refused. Whoever wrote it sees why.")

    state = officer.get_by_role("region", name="How it stands")
    expect(state).to_contain_text("Karim Said refused it: Tuesday is misspelt.")
    change(officer, "Come on Tuesday.")

    checker.reload()
    change(officer, "Come on Tuesday at nine.")
    press(checker, "Approve")
    expect(checker.get_by_text("Changed since you read it.")).to_be_visible()
    expect(checker.get_by_role("region", name="Versions")).to_contain_text("Come on Tuesday at nine.")
    press(checker, "Approve")
    told(checker, "Approved.")
    with year_site.reading() as session:
        said = session.execute(
            select(Approval.decision, Approval.reason)
            .where(Approval.message_id == number)
            .order_by(Approval.id)
        )
        assert [tuple(one) for one in said] == [("refused", "Tuesday is misspelt."), ("approved", "")]
    expect(state).to_contain_text("Finished")


def strategy(page: Page, name: str) -> None:
    """Write a strategy for which somebody outside has to agree."""
    page.goto("/strategies/new")
    field(page, "For which programme").select_option(PROGRAMME)
    press(page, "Continue")
    field(page, "Name").fill(name)
    press(page, "Begin writing")
    field(page, "Aims").fill("Everybody knows when the Lantern is warm.")
    field(page, "Purpose").select_option("Service")
    field(page, "Main language").select_option("English")
    page.get_by_role("button", name="Save as version 1").click()
    expect(heading(page)).to_have_text(name)
    page.get_by_role("link", name="Change who agrees").click()
    field(page, "Their name begins with").fill("Canolfan")
    press(page, "Search")
    page.get_by_role("button", name=f"Add {PARTNER}").click()
    expect(page.get_by_role("group", name=PARTNER)).to_be_visible()
    page.get_by_role("link", name=name).click()


def test_a_partner_agrees_by_link_and_the_message_that_waited_goes(
    year_site: Site, visit: Visit, post: MailServer
) -> None:  # long: a whole job, step by step
    """J5, B4, SM13: no login, no scripts; a comment is answered, and agreeing lets go what was held."""
    admin = sign_in(visit(year_site.url))
    strategy(admin, "Warm rooms together")
    place = admin.url
    admin.get_by_text("Make a link for them").click()
    press(admin, "Make a link")
    link = field(admin, "Link").input_value()

    officer = sign_in(visit(year_site.url), OFFICER[1])
    draft(
        officer, "The Lantern is warm", "From Monday to Friday.", programme=PROGRAMME, account="Our mail",
        strategy="Warm rooms together", to="warm@people.example",
    )  # fmt: skip
    press(officer, "Ask for a check")
    checker = sign_in(visit(year_site.url), CHECKER[1])
    checker.get_by_role("main").get_by_role("link", name="The Lantern is warm").first.click()
    press(checker, "Approve")
    told(checker, "Approved.")
    state = officer.get_by_role("region", name="How it stands")
    expect(state).to_contain_text("On hold")
    expect(state).to_contain_text(f"Still waiting for {PARTNER} (sample) to agree the strategy.")
    assert not post.letters("warm@people.example")

    partner = visit(year_site.url, java_script_enabled=False).page
    partner.goto(link)
    expect(heading(partner)).to_have_text("Warm rooms together")
    # It opens in the language they read first; they choose another.
    expect(partner.locator("html")).to_have_attribute("lang", "cy")
    partner.get_by_role("link", name="English").click()
    expect(partner.get_by_role("navigation", name="Menu")).to_have_count(0)
    partner.locator("summary").filter(has_text="(Aims)").click()
    partner.get_by_label("Your comment").first.fill("And in the evenings?")
    partner.get_by_role("button", name="Send the comment").first.click()
    expect(partner.get_by_role("status")).to_have_text("Your comment has been sent.")

    admin.goto(place)
    admin.locator("summary").filter(has_text="And in the evenings?").click()
    field(admin, "What you did about it").fill("Until nine on Thursdays.")
    admin.get_by_role("main").get_by_role("button", name="Answer", exact=True).click()
    expect(admin.get_by_text("You said, we did")).to_be_visible()

    partner.goto(f"{link}?language=en")
    expect(partner.get_by_text("Until nine on Thursdays.")).to_be_visible()
    partner.get_by_label("I agree to this version").check()
    partner.get_by_role("button", name="Send my decision").click()
    expect(partner.get_by_text("You agreed on")).to_be_visible()

    expect(state).to_contain_text("Finished")
    assert "From Monday to Friday." in text_of(post.letter("warm@people.example"))
    admin.goto(place)
    expect(admin.get_by_text(f"Agreed by {PARTNER} (sample).")).to_be_visible()
