"""Write at a browser: who gets it is seen before it goes, and what people type is understood."""

from __future__ import annotations

import re

import pytest

from campaigns.base import parse_id, public_id
from campaigns.delivery.tables import Account
from campaigns.messages.tables import Message
from campaigns.stakeholders import addresses, consent, people, segments
from campaigns.stakeholders.tables import Segment, Stakeholder
from service.wiring import Wiring

from .conftest import Browser, Browsers
from .test_messages import account, assure, mair, write

__all__ = ["account", "mair"]


@pytest.fixture
def three(wiring: Wiring, general: int) -> list[str]:
    """Three people of General, one of them without an address."""
    made, now = [], wiring.now()
    with wiring.database.write() as session:
        for name in ("Mair", "Ifan", "Nia"):
            person = people.create(session, now, kind="person", name=name)
            people.involve(session, now, person.id, general)
            if name != "Nia":
                addresses.add(session, now, person.id, "email", f"{name}@example.org")
            made.append(public_id("stk", person.id))
    return made


def pressed(browser: Browser, account: str, **form: str) -> str:
    """Where *Send* on Write leads."""
    usual = {"account": account, "subject": "Walk", "text": "Come along", "language": "en"}
    answer = browser.post("/write", act="send", **(usual | form))
    return str(answer.headers["Location"]).split("?")[0]


def test_words_of_several_lines_need_no_subject_to_be_kept(
    browser: Browser, account: str, wiring: Wiring
) -> None:
    """Browsers end lines with CR and LF; a message is called by the first line that says something."""
    place = write(browser, account, subject="", text="\r\nCome along\tall\r\nAt ten")
    assert "<h1><bdi>Come along all</bdi></h1>" in browser.get(place)
    with wiring.database.read() as session:
        assert session.query(Message).count() == 1


def test_mail_without_a_subject_is_asked_about_once(browser: Browser, account: str) -> None:
    form = {"to": "ann@example.org", "account": account, "subject": "", "text": "Come", "language": "en"}
    page = browser.post("/write", act="send", status=422, **form).text
    assert "a mail needs a subject" in page and 'name="bare"' in page
    assert "It is on its way." in browser.done("/write", act="send", bare="yes", **form)
    place = write(browser, account, subject="")
    assert "The mail in English has no subject." in browser.get(place)
    assert "has no subject." not in browser.get(write(browser, account))


def test_a_group_is_seen_before_anything_goes_to_it(
    browser: Browser, account: str, three: list[str], wiring: Wiring, general: int
) -> None:
    """README: before it goes you see who gets it, and who is left out and why."""
    page = browser.get("/write")
    assert "Everybody in General (3)" in page and "/groups/new" in page
    before = pressed(
        browser, account, to="", group="everybody", purpose="service", programme=public_id("prg", general)
    )
    assert before.endswith("/before")
    page = browser.get(before)
    assert "Send to 2 people" in page and "Left out, because" in page and "Nia" in page and "Mair" in page
    with wiring.database.read() as session:
        assert [one.state for one in session.query(Message)] == ["draft"]
        assert [one.name for one in session.query(Segment)] == ["Everybody in General"]
    place = before.removesuffix("/before")
    assert "It is on its way." in browser.done(place, act="submit")
    assert browser.client.get(before, headers={"Accept": "text/html"}).headers["Location"] == place
    page = browser.get("/write")
    assert "Everybody in General (3)" not in page and "Everybody in General" in page


def test_several_people_are_seen_before_it_goes_and_one_is_not(
    browser: Browser, account: str, three: list[str]
) -> None:
    assert pressed(browser, account, to="a@example.org, b@example.org").endswith("/before")
    assert not pressed(browser, account, to="a@example.org").endswith("/before")


def test_names_may_stand_before_addresses(browser: Browser, account: str, wiring: Wiring) -> None:
    typed = 'Fred Smith <fred@example.org>; bob@example.org\r\n"Rees, Ann" <ann@example.org> eve@example.org'
    write(browser, account, to=typed)
    with wiring.database.read() as session:
        assert {one.name for one in session.query(Stakeholder)} == {
            "Fred Smith", "bob@example.org", "Rees, Ann", "eve@example.org",
        }  # fmt: skip
    form = {"account": account, "subject": "Walk", "text": "Come"}
    page = browser.post("/write", act="draft", to="ann@example.org, bob@nowhere", status=422, **form).text
    assert "bob@nowhere:" in page and "ann@example.org:" not in page


def test_what_it_counts_as_is_said_and_chosen(browser: Browser, account: str, wiring: Wiring) -> None:
    assert "Choose: needed for a group" in browser.get("/write")
    place = write(browser, account, purpose="direct_marketing")
    page = browser.get(place)
    assert "News and invitations<small>Only people who have given permission get it." in page
    page = browser.done(place, act="name", name="Walk", purpose="survey")
    assert "Surveys<small>Everybody gets it who has not said no to surveys." in page


def test_a_slot_that_is_nearly_right_is_told_as_a_person_would(browser: Browser, account: str) -> None:
    form = {"to": "ann@example.org", "account": account, "subject": "Walk"}
    page = browser.post("/write", act="draft", text="Hello {{ nmae }}", status=422, **form).text
    assert "there is no value named nmae: did you mean name?" in page
    page = browser.post("/write", act="draft", text="Hello {{ town }}", status=422, **form).text
    assert "write name, or fields. and what the field is called" in page
    form["to"] = ""
    page = browser.post("/write", act="draft", text="Hello", status=422, **form).text
    assert "say who gets it: people, mail addresses or a group" in page


def test_an_address_that_does_not_work_is_told_apart_from_a_no(
    browser: Browser, account: str, three: list[str], wiring: Wiring, general: int
) -> None:
    now = wiring.now()
    with wiring.database.write() as session:
        consent.suppress(
            session,
            now,
            channel="email",
            reason="hard_bounce",
            origin="recipient",
            address_key="mair@example.org",
        )
        consent.suppress(
            session, now, channel="email", reason="opt_out", origin="recipient",
            stakeholder_id=parse_id("stk", three[1]),
        )  # fmt: skip
    before = pressed(
        browser, account, to="", group="everybody", purpose="service", programme=public_id("prg", general)
    )
    for page in (browser.get(before), browser.get(before.replace("/before", "/audience"))):
        assert "(their address does not work)" in page and "(they have opted out)" in page


def test_what_goes_to_a_group_counts_as_nothing_until_somebody_says_so(
    browser: Browser, account: str, three: list[str], wiring: Wiring, general: int
) -> None:
    """Who wants no news gets it where it counts as service: it went to them because nobody had been asked."""
    with wiring.database.write() as session:
        for number in three[:2]:
            consent.give(
                session, wiring.now(), stakeholder_id=parse_id("stk", number), purpose="direct_marketing",
                channel="email", basis="consent", source="form", actor="usr_1",
            )  # fmt: skip
        consent.suppress(
            session, wiring.now(), channel="email", reason="opt_out", origin="recipient", purpose="direct_marketing",
            stakeholder_id=parse_id("stk", three[1]),
        )  # fmt: skip
    form = {"to": "", "group": "everybody", "programme": public_id("prg", general), "account": account}
    page = browser.post("/write", act="send", status=422, subject="Fair", text="Come along", **form).text
    assert "choose what it counts as" in page and "Choose: needed for a group" in page
    with wiring.database.read() as session:
        assert session.query(Message).count() == 0
    page = browser.get(pressed(browser, **form, purpose="direct_marketing"))
    assert "Send to 1 " in page and "said no to news" not in page
    before = pressed(browser, **form, purpose="service")
    page = browser.get(before)
    assert "Send to 2 " in page and "1 of them has said no to news" in page
    for place in (before.removesuffix("/before"), before.replace("/before", "/audience")):
        assert "1 of them has said no to news" in browser.get(place)


def test_a_draft_that_gets_a_group_later_is_asked_the_same(
    browser: Browser, account: str, three: list[str], wiring: Wiring, general: int
) -> None:
    place = write(browser, account)
    with wiring.database.write() as session:
        rule = {"field": "kind", "op": "is", "value": "person"}
        group = segments.create(session, wiring.now(), programme_id=general, name="All", rule=rule)
        number = public_id("seg", group.id)
    form = {"act": "readdress", "account": account, "group": number}
    page = browser.post(place, status=422, **form).text
    assert "choose what it counts as" in page and re.search(r'<details id="to" open>', page)
    browser.post(place, **form, purpose="survey")
    with wiring.database.read() as session:
        (message,) = session.query(Message)
        assert (message.purpose, public_id("seg", message.segment_id or 0)) == ("survey", number)
    browser.post(place, **form)  # it was said before
    single = write(browser, account, to="bob@example.org")
    browser.post(single, act="readdress", account=account, person=three[0])


def test_whoever_reads_another_language_is_told_of_before_it_goes(
    browser: Browser, account: str, three: list[str], wiring: Wiring, general: int
) -> None:
    with wiring.database.write() as session:
        for number, wishes in zip(three, (["cy"], ["ar", "en"], ["en"]), strict=True):
            session.get_one(Stakeholder, parse_id("stk", number)).languages = wishes
    before = pressed(
        browser, account, to="", group="everybody", purpose="service", programme=public_id("prg", general)
    )
    place = before.removesuffix("/before")
    for page in (before, place, before.replace("/before", "/audience")):
        seen = browser.get(page)
        assert "1 person who would get it is on record with Welsh, and it is not written in Welsh." in seen
        assert "is on record with Arabic" in seen and f'href="{place}/words/email/cy"' in seen
    browser.post(f"{place}/words/email/cy", act="save", mode="text", subject="Tro", text="Dewch", known="0")
    assert "is on record with Welsh" not in browser.get(before) and "with Arabic" in browser.get(before)


def test_the_example_of_an_address_is_no_element(browser: Browser) -> None:
    page = browser.post("/write", status=200, act="find", find="Nobody").text
    assert "Ann Rees &lt;ann@example.org&gt;" in page


def test_nobody_is_asked_to_check_their_own(
    browser: Browser, account: str, wiring: Wiring, general: int
) -> None:
    assure(wiring, general, "reviewed")
    page = browser.get(write(browser, account, "send"))
    assert "You wrote it, so somebody else checks it." in page and 'value="approve"' not in page


def test_whoever_asks_for_a_check_reads_who_may_do_it_or_how_somebody_comes_to(
    browser: Browser, browsers: Browsers, account: str, wiring: Wiring, general: int
) -> None:
    assure(wiring, general, "reviewed")
    place = write(browser, account, "send")
    page = browser.get(place)
    assert "Nobody here may check it so far." in page and ">Invite somebody</a>" in page
    assert "Read it and decide" not in page
    mine = browsers("author", general, name="Ann")
    assert "Whoever may: <bdi>A administrator</bdi>" in mine.get(write(mine, account, "send"))
    browsers("approver", general, name="Huw")
    browsers("viewer", general, name="Nobody")
    page = browser.get(place)
    assert "Whoever may: <bdi>Huw</bdi>" in page and "Invite somebody" not in page
    other = browsers("administrator", name="Siân")
    assert "Read it and decide" in other.get(place)


def test_a_test_by_practice_says_that_it_reaches_nobody_and_shows_what_would_have_come(
    browsers: Browsers, account: str, wiring: Wiring
) -> None:
    """Also by an account of the sample year, until there is one that reaches mailboxes."""
    email = "ffion@example.org"
    browser = browsers("administrator", email_key=email)
    form = {"to": "a@example.org", "subject": "Walk", "text": "Come along", "language": "en"}
    for through in ("practice", account):
        page = browser.done("/write", act="test", account=through, **form)
        assert "Practice reaches nobody, so no test comes to you." in page and "is on its way" not in page
        assert page.count("<iframe") == 1 and page.index("<iframe") < page.index('id="state"')
    with wiring.database.write() as session:
        session.get_one(Account, parse_id("acc", account)).connector = "smtp"
    page = browser.done("/write", act="test", account=account, **form)
    assert "A test is on its way to you." in page and page.index('id="state"') < page.index("<iframe")


def test_what_is_read_before_it_goes_is_all_that_goes(
    browser: Browser, account: str, mair: str, wiring: Wiring
) -> None:
    """The ways out too, in each language, wherever one looks; a letter to one person for service has none."""
    place = write(browser, account, to="", person=mair, purpose="direct_marketing")
    look = f"{place}/look?channel=email&language=en"
    page = browser.get(look)
    assert "You can stop these messages at any time:" in page and "Choose what you get from us" in page
    browser.post(f"{place}/words/email/cy", act="save", mode="text", subject="Tro", text="Dewch", known="0")
    assert "Gallwch atal y negeseuon hyn" in browser.get(look.replace("=en", "=cy"))
    browser.post(place, act="together", above="cy", below="en")
    both = browser.get(f"{look}&both=yes")
    assert both.index("Gallwch atal") < both.index("You can stop")
    typed = {"mode": "text", "channel": "email", "language": "en", "subject": "S"}
    page = browser.post(f"{place}/look", status=200, text="Stop: {{ unsubscribe_url }}", **typed).text
    assert "Stop: " in page and "You can stop" not in page
    browser.post(place, act="name", name="", purpose="service")
    assert "You can stop" not in browser.get(look)


def test_rows_tell_their_language(browser: Browser, account: str) -> None:
    assert "E-mail · English" in browser.get(f"{write(browser, account, 'send')}/who")
