"""A day at the inbox: what comes in is seen, taken, answered or put off, and colleagues see who is at it."""

from __future__ import annotations

import re
import secrets

from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from campaigns.delivery.tables import Account
from campaigns.responses import intake
from campaigns.responses.tables import Response
from connectors.api import Event

from .mailserver import MailServer, text_of
from .site import Site, Visit, sign_in
from .steps import OFFICER, PROGRAMME, add_person, field, heading, number_in, press, room, told


def arrive(
    site: Site, sender: str, text: str, *, name: str = "", subject: str = "", language: str = "en"
) -> None:
    """Somebody writes to our mail account; what follows is done by the worker that runs."""
    wiring = site.wiring()
    with wiring.database.write() as session:
        account = session.scalars(select(Account).where(Account.name == "Our mail")).one()
        key = secrets.token_hex(8)
        event = Event(
            key=key, kind="reply", at=wiring.now(), sender=sender, sender_name=name, subject=subject, text=text,
            language=language,
        )  # fmt: skip
        intake.store(session, wiring.now(), account.id, [event], "poll")
    wiring.close()


def stored(site: Site, page: Page) -> Response:
    """What the database holds of the item that is open."""
    with site.reading() as session:
        found = session.get_one(Response, number_in(page.url, "rsp"))
        session.expunge(found)
        return found


def item(page: Page, words: str) -> Locator:
    """A line of the inbox."""
    return page.get_by_role("listitem").filter(has_text=words)


def folder(page: Page, name: str) -> None:
    """Go to a folder of the inbox."""
    page.get_by_role("navigation", name="Folders").get_by_role("link", name=re.compile(f"^{name}")).click()


def test_what_arrives_is_seen_at_once_and_answered_while_a_colleague_sees_it(
    year_site: Site, visit: Visit, post: MailServer
) -> None:  # long: a whole job, step by step
    """J3: live arrival, taking it, a saved reply, a note, who is replying, the answer in the mailbox."""
    admin = sign_in(visit(year_site.url))
    add_person(admin, "Mair Huws", "mair@inbox.example", "Welsh", programme=PROGRAMME)
    ffion = admin
    ffion.goto("/inbox/replies")
    field(ffion, "Name").fill("Croeso")
    field(ffion, "Language").select_option("Welsh")
    field(ffion, "Words").fill("Diolch, {name}. Welwn ni chi ddydd Llun.")
    press(ffion, "Save")
    told(ffion, "Saved.")

    olwen = sign_in(visit(year_site.url), OFFICER[1])
    room(ffion, "Inbox")
    room(olwen, "Inbox")
    arrive(year_site, "mair@inbox.example", "Pryd mae'r Llusern ar agor?", subject="Cwestiwn", language="cy")
    line = item(olwen, "Pryd mae'r Llusern ar agor?")
    expect(line).to_be_visible()
    expect(line).to_contain_text("Answer due")
    expect(item(ffion, "Pryd mae'r Llusern ar agor?")).to_be_visible()

    olwen.get_by_role("link", name="Mair Huws").click()
    press(olwen, "Take it")
    told(olwen, "Saved.")
    assert stored(year_site, olwen).assignee
    expect(item(ffion, "Pryd mae'r Llusern ar agor?")).to_contain_text("with Olwen Pugh")

    olwen.get_by_text("Saved replies").last.click()
    olwen.get_by_role("button", name="Insert: Croeso").click()
    answer = field(olwen, "Your answer")
    expect(answer).to_have_value(re.compile("^Diolch, Mair Huws"))
    answer.press("End")
    answer.press_sequentially(" Olwen")
    expect(item(ffion, "Pryd mae'r Llusern ar agor?")).to_contain_text("Olwen Pugh is answering")

    field(olwen, "A note; @ and a name calls a colleague").fill("She asked last year too.")
    press(olwen, "Add the note")
    told(olwen, "Added.")
    expect(answer).to_have_value("Diolch, Mair Huws. Welwn ni chi ddydd Llun. Olwen")
    press(olwen, "Send and close")
    told(olwen, "It is on its way.")
    letter = post.letter("mair@inbox.example")
    assert text_of(letter).startswith("Diolch, Mair Huws. Welwn ni chi ddydd Llun. Olwen")
    assert "She asked last year too." not in letter.as_string()
    conversation = olwen.get_by_role("region", name="The conversation")
    expect(conversation).to_contain_text("Answered by Olwen Pugh")
    expect(conversation).to_contain_text("Sent")
    assert stored(year_site, olwen).closed_why == "answered"
    expect(item(ffion, "Pryd mae'r Llusern ar agor?")).to_have_count(0)


def test_somebody_unknown_is_told_apart_and_what_can_wait_is_put_off(year_site: Site, visit: Visit) -> None:
    """J3: who is this, snooze, no answer needed, and urgent harm."""
    page = sign_in(visit(year_site.url))
    room(page, "Inbox")
    arrive(year_site, "stranger@inbox.example", "I met you at the fair.", name="Alun Stranger")
    expect(item(page, "I met you at the fair.")).to_contain_text("Who is this?")
    page.get_by_role("link", name="Alun Stranger").click()
    expect(page.get_by_text("Say who this is; then you can answer.")).to_be_visible()
    page.get_by_text("Somebody new").click()
    press(page, "Add them, and match")
    told(page, "Settled who this is.")
    assert stored(year_site, page).stakeholder_id
    expect(field(page, "Your answer")).to_be_visible()

    page.get_by_role("main").get_by_label("Until").select_option("Tomorrow at 9")
    press(page, "Snooze")
    told(page, "Out of sight until then")
    room(page, "Inbox")
    expect(item(page, "I met you at the fair.")).to_have_count(0)
    folder(page, "Snoozed")
    expect(item(page, "I met you at the fair.")).to_be_visible()
    arrive(year_site, "stranger@inbox.example", "I need somebody now. I cannot go on.", name="Alun Stranger")
    room(page, "Inbox")
    expect(item(page, "I met you at the fair.")).to_be_visible()
    item(page, "I need somebody now.").get_by_role("link", name="Alun Stranger").click()
    press(page, "Somebody may come to harm: call for help")
    told(page, "Marked as urgent.")
    assert stored(year_site, page).urgent_at
    room(page, "Inbox")
    expect(
        page.get_by_role("main").get_by_role("listitem").filter(has=page.get_by_role("checkbox")).first
    ).to_contain_text("I need somebody now.")

    item(page, "I met you at the fair.").get_by_role("link", name="Alun Stranger").click()
    field(page, "Why").select_option("They only say thank you")
    press(page, "No answer needed")
    told(page, "Closed.")
    assert stored(year_site, page).closed_why == "thanks"


def test_many_are_dealt_with_at_once(year_site: Site, visit: Visit) -> None:
    """J3: choose several, label them, give them to a colleague, close them."""
    page = sign_in(visit(year_site.url))
    for place in range(3):
        arrive(
            year_site, f"parking{place}@inbox.example", f"Is there parking? ({place})", name=f"Driver {place}"
        )
    room(page, "Inbox")

    def chosen() -> None:
        for place in range(3):
            page.get_by_label(f"Choose: Driver {place}").check()
        if not page.get_by_role("button", name="Label it").is_visible():
            page.get_by_text("With what is chosen").click()

    expect(item(page, "Is there parking?")).to_have_count(3)
    chosen()
    page.get_by_label("Label", exact=True).last.fill("car park")
    press(page, "Label it")
    for place in range(3):
        expect(item(page, f"Is there parking? ({place})")).to_contain_text("car park")
    chosen()
    field(page, "Colleague").select_option("Olwen Pugh")
    press(page, "Give to")
    for place in range(3):
        expect(item(page, f"Is there parking? ({place})")).to_contain_text("with Olwen Pugh")
    chosen()
    page.get_by_label("Why").select_option("Answered in another way")
    press(page, "Close")
    expect(item(page, "Is there parking?")).to_have_count(0)
    with year_site.reading() as session:
        closed = select(Response.closed_why).where(Response.from_key.like("parking%@inbox.example"))
        assert list(session.scalars(closed)) == ["elsewhere"] * 3
    folder(page, "Closed")
    expect(item(page, "Is there parking?")).to_have_count(3)
    expect(heading(page)).to_have_text("Inbox")
