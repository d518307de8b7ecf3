"""Messages at a browser: write, look, check, send, and who got it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from campaigns.base import parse_id, public_id
from campaigns.delivery.states import EXCLUSIONS, FAILURES
from campaigns.delivery.tables import Account, Delivery
from campaigns.messages.tables import Message, MessageComment, Variant
from campaigns.stakeholders import addresses, people, topics
from campaigns.strategies import programmes
from campaigns.strategies.tables import Programme
from service import notices
from service.pages import drawing
from service.tables import Notice
from service.wiring import Wiring

from .conftest import Browser, Browsers


@pytest.fixture
def account(wiring: Wiring, general: int) -> str:
    """A connected mail account."""
    now = wiring.now()
    with wiring.database.write() as session:
        made = Account(
            connector="simulator", name="Post", channel="email", limits={"text_max": 500, "html": True},
            repeats={"kind": "keyed"}, created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(made)
        session.flush()
        return public_id("acc", made.id)


@pytest.fixture
def mair(wiring: Wiring, general: int) -> str:
    """Somebody with a mail address, whose language nobody knows."""
    now = wiring.now()
    with wiring.database.write() as session:
        person = people.create(session, now, kind="person", name="Mair Evans")
        people.involve(session, now, person.id, general)
        addresses.add(session, now, person.id, "email", "mair@example.org")
        return public_id("stk", person.id)


def assure(wiring: Wiring, programme_id: int, level: str) -> None:
    with wiring.database.write() as session:
        found = session.get_one(Programme, programme_id)
        programmes.set_assurance(session, wiring.now(), found, level, "a test")


def write(browser: Browser, account: str, verb: str = "draft", **form: Any) -> str:
    """The address of a message's page after it was written."""
    usual = {
        "to": "ann@example.org",
        "account": account,
        "subject": "Walk",
        "text": "Come along",
        "language": "en",
    }
    answer = browser.post("/write", act=verb, **(usual | form))
    place = str(answer.headers["Location"]).split("?")[0]
    if place.endswith("/before"):
        place = place.removesuffix("/before")
        browser.post(place, act="submit")
    return place


def digest(page: str) -> str:
    found = re.search(r'name="digest" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_somebody_new_writes_and_sends_with_nothing_but_an_address(browser: Browser, account: str) -> None:
    """L2: nothing of strategies, horizons or priorities stands in the way."""
    page = browser.get("/write")
    assert "Strategy" not in page and 'name="to"' in page
    page = browser.done(
        "/write", act="send", to="ann@example.org", account=account, subject="Walk", text="Come"
    )
    assert "It is on its way." in page and "Scheduled" in page
    assert "Sent by its author, checked by nobody else" in page


def test_practice_is_there_when_nothing_else_is(browser: Browser, general: int) -> None:
    page = browser.get("/write")
    assert 'value="practice" checked' in page
    assert "Practice" in browser.done(
        "/write", act="draft", to="a@example.org", account="practice", text="Come"
    )


def test_a_link_brings_the_person_or_the_group_along(browser: Browser, account: str, mair: str) -> None:
    page = browser.get("/write", to=mair)
    assert f'name="person" value="{mair}" checked' in page and "Mair Evans" in page
    found = browser.client.post(
        "/write", data={"form_key": browser.form_key, "act": "find", "find": "mair", "text": "Kept"}
    )
    assert found.status_code == 200 and mair in found.text and "Kept" in found.text


def test_what_is_refused_keeps_what_was_typed_and_nothing_else(
    browser: Browser, account: str, wiring: Wiring
) -> None:
    answer = browser.post(
        "/write", act="send", to="nobody", account=account, subject="Walk", text="Come", status=422
    )
    assert "nobody" in answer.text and "Come" in answer.text and 'class="problem"' in answer.text
    with wiring.database.read() as session:
        assert session.query(Message).count() == 0


def test_the_list_filters_by_state_and_counts(browser: Browser, account: str) -> None:
    write(browser, account)
    write(browser, account, "send", subject="Other")
    page = browser.get("/messages")
    assert "Walk" in page and "Other" in page and "waiting" in page
    assert "Other" not in browser.get("/messages", state="draft")
    assert "No message is like that." in browser.get("/messages", state="finished")


def test_an_empty_list_teaches(browser: Browser) -> None:
    assert "Write the first one" in browser.get("/messages")


def test_another_programmes_message_is_not_there(
    browser: Browser, browsers: Browsers, account: str, wiring: Wiring
) -> None:
    place = write(browser, account)
    with wiring.database.write() as session:
        other = programmes.create(session, wiring.now(), name="Other", starts_on=wiring.now().date()).id
    stranger = browsers("author", other)
    for path in (place, f"{place}/who", f"{place}/audience", f"{place}/look", f"{place}/words/email/en"):
        stranger.get(path, status=404)
    assert "Walk" not in stranger.get("/messages")
    stranger.post(place, act="cancel", status=404)


def test_a_viewer_reads_and_does_nothing(
    browser: Browser, browsers: Browsers, account: str, general: int
) -> None:
    place = write(browser, account)
    viewer = browsers("viewer", general)
    page = viewer.get(place)
    assert "Come along" in page and "Cancel it" not in page and "Change it" not in page
    viewer.get("/write", status=403)
    viewer.post(place, act="cancel", status=422)
    assert "Draft" in viewer.get(place)
    viewer.post(f"{place}/words/email/en", act="save", text="Mine", status=403)


def test_a_check_is_asked_for_and_given_by_somebody_else(
    browser: Browser, browsers: Browsers, account: str, wiring: Wiring, general: int
) -> None:
    """B5, SM13"""
    assure(wiring, general, "reviewed")
    assert "Ask for a check" in browser.get("/write")
    place = write(browser, account, "send")
    page = browser.get(place)
    assert "Waiting to be checked" in page and "A second person has to check it." in page
    read = digest(page)
    assert "whoever wrote any of it" in browser.post(place, act="approve", digest=read, status=422).text
    checker = browsers("approver", general)
    assert "Approved." in checker.done(place, act="approve", digest=read)
    assert "Scheduled" in browser.get(place)


def test_who_decides_on_an_earlier_form_is_told_that_it_changed(
    browser: Browser, browsers: Browsers, account: str, wiring: Wiring, general: int
) -> None:
    """SM13: 409 in words."""
    assure(wiring, general, "reviewed")
    place = write(browser, account, "send")
    read = digest(browsers("approver", general).get(place))
    browser.post(f"{place}/words/email/en", act="save", mode="text", subject="Walk", text="Another")
    answer = browsers("approver", general).post(place, act="approve", digest=read, status=422)
    assert "Changed since you read it." in answer.text


def test_a_change_that_is_asked_for_stops_the_check_until_it_is_settled(
    browser: Browser, browsers: Browsers, account: str, wiring: Wiring, general: int
) -> None:
    """I5"""
    assure(wiring, general, "reviewed")
    place = write(browser, account, "send")
    checker = browsers("approver", general)
    read = digest(checker.get(place))
    page = checker.done(place, act="comment", digest=read, text="Say where", asks="yes")
    assert "Asks for a change" in page and "asked for a change" in page
    assert "settle that first" in checker.post(place, act="approve", digest=read, status=422).text
    with wiring.database.read() as session:
        said = session.query(MessageComment).one().id
    assert "Change asked for, settled" in browser.done(place, act="settle", comment=public_id("cmt", said))
    assert "Approved." in checker.done(place, act="approve", digest=read)


def test_a_comment_calls_a_colleague_who_is_told(
    browser: Browser, browsers: Browsers, account: str, wiring: Wiring, general: int
) -> None:
    """I5: mentions."""
    place = write(browser, account)
    browsers("approver", general, name="Ffion Rees", email_key="ffion@example.org")
    page = browser.done(
        place, act="comment", digest=digest(browser.get(place)), text="Is it clear, @Ffion Rees?"
    )
    assert '<span class="label">@<bdi>Ffion Rees</bdi></span>' in page
    notices.gather(wiring.database, wiring.now(), "UTC")
    with wiring.database.read() as session:
        (told,) = session.query(Notice).where(Notice.kind == "mentioned")
    assert told.facts["path"] == f"{place}#said"


def test_a_topic_is_chosen_shown_and_changed(
    browser: Browser, account: str, wiring: Wiring, general: int
) -> None:
    """A13"""
    assert 'name="topic"' not in browser.get("/write")
    with wiring.database.write() as session:
        made = topics.create(
            session, wiring.now(), programme_id=general, names={"en": "Walks", "cy": "Teithiau"}
        )
        key = public_id("top", made.id)
    assert 'name="topic"' in browser.get("/write") and "Teithiau" in browser.get("/write?language=cy")
    place = write(browser, account, topic=key)
    assert "<dt>Topic</dt><dd><bdi>Walks</bdi>" in browser.get(place)
    assert "<dt>Topic</dt>" not in browser.done(place, act="name", name="Walk", topic="")
    assert "<dt>Topic</dt>" in browser.done(place, act="name", name="Walk", topic=key)
    assert "<dt>Topic</dt>" in browser.done(place, act="name", name="Walks")


def test_blocks_are_added_moved_and_saved_without_a_script(
    browser: Browser, account: str, wiring: Wiring
) -> None:
    place = write(browser, account)
    path = f"{place}/words/email/en"
    assert "Add" in browser.get(path, mode="blocks")
    typed: dict[str, Any] = {
        "mode": "blocks",
        "subject": "Walk",
        "b0-kind": "heading",
        "b0-text": "One",
        "b1-kind": "text",
        "b1-text": "Two",
    }
    page = browser.post(path, act="add:button", status=200, **typed).text
    assert 'name="b2-kind" value="button"' in page and "One" in page
    page = browser.post(path, act="up:1", status=200, **typed).text
    assert page.index("Two") < page.index('value="One"')
    assert 'name="b1-kind"' not in browser.post(path, act="out:0", status=200, **typed).text
    refused = browser.post(
        path,
        act="save",
        status=422,
        **(typed | {"b2-kind": "picture", "b2-url": "https://example.org/a.png"}),
    )
    assert "b2-alt-why" in refused.text
    browser.post(path, act="save", **typed)
    with wiring.database.read() as session:
        newest = session.query(Variant).order_by(Variant.n.desc()).first()
        assert newest is not None and newest.blocks is not None and newest.blocks[1]["text"] == "Two"
        assert "<h1" in newest.html and newest.text.startswith("One\n\nTwo")


def test_the_look_is_a_document_that_runs_nothing(browser: Browser, account: str, mair: str) -> None:
    """C8, T12"""
    place = write(browser, account, person=mair, to="", text="Dear {{ name }}")
    answer = browser.client.get(f"{place}/look?channel=email&language=en")
    assert "Dear Mair Evans" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy and "script-src" not in policy and "default-src 'none'" in policy
    assert "frame-src 'self'" in browser.client.get(place).headers["Content-Security-Policy"]
    typed: dict[str, Any] = {
        "mode": "html",
        "channel": "email",
        "language": "en",
        "subject": "S",
        "text": "T",
    }
    page = browser.post(
        f"{place}/look", status=200, html="<p>Hi {{ name }}<script>x</script></p>", **typed
    ).text
    assert "Hi Mair Evans" in page and "<script" not in page
    page = browser.post(f"{place}/look", status=200, html="{{ fields.town }}", **typed).text
    assert "Missing for this person" in page and "fields.town" in page


def test_a_version_in_another_language_stands_beside_and_is_marked_when_its_source_changes(
    browser: Browser, account: str
) -> None:
    """C2, L5"""
    place = write(browser, account)
    answer = browser.post(place, act="version", channel="email", language="cy")
    assert answer.headers["Location"].endswith("/words/email/cy")
    browser.post(f"{place}/words/email/cy", act="save", mode="text", subject="Cerdded", text="Dewch")
    page = browser.get(place)
    assert "E-mail · Welsh" in page and "E-mail · English" in page and "Source changed" not in page
    browser.post(f"{place}/words/email/en", act="save", mode="text", subject="Walk", text="Come on Monday")
    assert "Source changed" in browser.get(place)
    assert "Source changed" not in browser.done(place, act="still_right", channel="email", language="cy")


def test_two_languages_go_in_one_mail_when_that_is_chosen(browser: Browser, account: str, mair: str) -> None:
    """L6"""
    place = write(browser, account, person=mair, to="")
    browser.post(f"{place}/words/email/cy", act="save", mode="text", subject="Cerdded", text="Dewch")
    browser.post(place, act="together", above="cy", below="en")
    page = browser.get(f"{place}/look", channel="email", both="yes")
    assert "Cerdded / Walk" in page and page.index("Dewch") < page.index("Come along")


def test_a_version_that_is_too_long_is_said_with_the_way_to_make_it_shorter(
    browser: Browser, account: str
) -> None:
    """C3"""
    place = write(browser, account, "send", text="x" * 501)
    page = browser.get(place)
    assert "501 of 500 characters" in page and "Make it shorter" in page and "On hold, because" in page


def test_a_text_message_is_told_with_how_many_it_goes_as(
    browser: Browser, account: str, wiring: Wiring
) -> None:
    """D5: one ŵ or ŷ makes more of them."""
    with wiring.database.write() as session:
        connected = session.get_one(Account, parse_id("acc", account))
        connected.limits = {"text_max": 1600, "counting": "sms"}
    place = write(browser, account, text="Dewch i gerdded. " * 9)
    assert "153 of 1,600 characters · 1 text message for each person" in browser.get(place)
    browser.post(
        f"{place}/words/email/en", act="save", mode="text", subject="S", text="Dewch i dŷ Siân. " * 9
    )
    assert "153 of 1,600 characters · 3 text messages for each person" in browser.get(place)
    assert "3 text messages for each person" in browser.get(f"{place}/words/email/en")


def test_what_is_held_is_read_again_though_nobody_does_anything(browser: Browser, account: str) -> None:
    """The clock lets it go when its obstacle is gone, and what the clock does is no news to a page."""
    page = browser.get(write(browser, account, "send", text="x" * 501))
    assert 'id="state" data-live data-every="2"' in page and "On hold, because" in page


def test_a_night_when_the_clocks_change_is_asked_about(browser: Browser, account: str) -> None:
    """E3"""
    place = write(browser, account)
    twice: dict[str, Any] = {"act": "schedule", "local": "2027-10-31T01:30", "zone": "Europe/London"}
    page = browser.post(place, status=422, **twice).text
    assert "this time comes twice" in page and 'value="second"' in page
    browser.post(place, clock="second", **twice)
    assert "2027-10-31 01:30 Europe/London" in browser.get(place)
    page = browser.post(
        place, status=422, act="schedule", local="2027-03-28T01:30", zone="Europe/London"
    ).text
    assert "They jump over this time" in page


def test_pause_go_on_cancel_say_what_they_do(browser: Browser, account: str) -> None:
    place = write(browser, account, "send", to="a@example.org, b@example.org")
    assert "2 people who wait for it" in browser.get(place)
    assert "Paused" in browser.done(place, act="pause")
    assert "It goes on." in browser.done(place, act="resume")
    page = browser.done(place, act="cancel")
    assert "It was taken back from 2 people." in page


def test_who_is_left_out_is_said_with_the_reason(
    browser: Browser, account: str, wiring: Wiring, general: int
) -> None:
    with wiring.database.write() as session:
        person = people.create(session, wiring.now(), kind="person", name="Carys")
        people.involve(session, wiring.now(), person.id, general)
        carys = public_id("stk", person.id)
    place = write(browser, account, person=carys)
    page = browser.get(place)
    assert "Left out, because" in page and "they have no address for this channel" in page and "Carys" in page
    assert "Carys" in browser.get(f"{place}/audience")


def unsure(wiring: Wiring, place: str) -> list[str]:
    """Make the outcome of a message's rows unknown, as after a crash between sending and its answer."""
    number = parse_id("msg", place.rsplit("/", 1)[1])
    with wiring.database.write() as session:
        rows = session.query(Delivery).filter_by(message_id=number).order_by(Delivery.id).all()
        for row in rows:
            row.state, row.batch_id, row.attempt = "unknown", None, 1
        return [public_id("dlv", row.id) for row in rows]


def test_rows_nobody_can_know_are_decided_one_by_one_or_all(
    browser: Browser, account: str, wiring: Wiring
) -> None:
    """K6, F11"""
    place = write(browser, account, "send", to="a@example.org b@example.org c@example.org")
    rows = unsure(wiring, place)
    page = browser.get(f"{place}/who")
    assert page.count('name="row"') == 3 and "it may have gone or not" in page and "Decide for all 3" in page
    refused = browser.post(f"{place}/who", act="rows", outcome="sent", evidence="", row=rows[0], status=422)
    assert "how you know" in refused.text
    browser.post(f"{place}/who", act="rows", outcome="sent", evidence="In her mailbox", row=rows[0])
    assert browser.get(f"{place}/who", state="unknown").count('name="row"') == 2
    browser.post(f"{place}/who", act="all", outcome="failed", evidence="The provider says no")
    with wiring.database.read() as session:
        assert sorted(row.state for row in session.query(Delivery)) == ["failed", "failed", "sent"]
    assert "Somebody said: it went" in browser.get(f"{place}/who")


def test_the_ledger_of_everything_filters(browser: Browser, account: str, wiring: Wiring, mair: str) -> None:
    """F11"""
    assert "Everybody that something was sent to" in browser.get("/who")
    place = write(browser, account, "send", person=mair, to="")
    rows = unsure(wiring, place)
    page = browser.get("/who", state="unknown")
    assert "Mair Evans" in page and rows[0] in page
    assert "Mair Evans" in browser.get("/who", person=mair)
    assert "Nobody is here." in browser.get("/who", state="bounced")
    browser.post("/who", outcome="sent", evidence="She rang", row=rows[0])
    assert "we know what became of it" in browser.get("/who", state="unknown")


@pytest.mark.parametrize("language", ["en", "cy", "ar"])
@pytest.mark.parametrize("reason", [*EXCLUSIONS, *FAILURES])
def test_every_reason_has_words(language: str, reason: str) -> None:
    made = drawing.environment(language).from_string(
        '{% import "reasons.html" as reasons %}{{ reasons.why(reason) }}'
    )
    said = made.render(reason=reason)
    assert said and "_" not in said
    assert language == "en" or said != drawing.environment("en").from_string(
        '{% import "reasons.html" as reasons %}{{ reasons.why(reason) }}'
    ).render(reason=reason)


@pytest.mark.parametrize("language", ["cy", "ar"])
def test_every_page_is_there_in_every_language(
    browser: Browser, account: str, wiring: Wiring, mair: str, language: str
) -> None:
    draft = write(browser, account, person=mair)
    browser.post(f"{draft}/words/email/cy", act="save", mode="text", subject="Cerdded", text="Dewch")
    place = write(browser, account, "send", to="a@example.org b@example.org")
    for path in (
        "/write",
        "/messages",
        draft,
        place,
        f"{draft}/audience",
        f"{draft}/words/email/cy?mode=blocks",
    ):
        page = browser.get(f"{path}{'&' if '?' in path else '?'}language={language}")
        assert f'<html lang="{language}"' in page
    unsure(wiring, place)
    for path in (place, f"{place}/who", "/who"):
        assert "it may have gone" not in browser.get(f"{path}?language={language}")


def test_a_refusal_says_why_and_an_urgent_go_passes_over_the_check(
    browser: Browser, browsers: Browsers, account: str, wiring: Wiring, general: int
) -> None:
    """B5, B6"""
    assure(wiring, general, "reviewed")
    place = write(browser, account, "send")
    checker = browsers("approver", general)
    read = digest(checker.get(place))
    assert "this must not be empty" in checker.post(place, act="refuse", digest=read, status=422).text
    checker.post(place, act="refuse", digest=read, reason="Say where")
    page = browser.get(place)
    assert "refused it:" in page and "Say where" in page and "Change what they named, then ask again" in page
    boss = browsers("community_manager", general)
    page = boss.done(place, act="urgent", digest=digest(boss.get(place)), reason="The road is closed now")
    assert "Somebody else reviews this within a day." in page and "Scheduled" in page


def test_who_and_through_what_are_chosen_anew(browser: Browser, account: str, mair: str) -> None:
    place = write(browser, account)
    browser.post(place, act="readdress", person=mair, account=account)
    page = browser.get(place)
    assert "Mair Evans" in page and "ann@example.org" not in page
    refused = browser.post(place, act="readdress", account=account, status=422).text
    assert "say who gets it" in refused


def test_pressing_send_twice_sends_one_message(browser: Browser, account: str, wiring: Wiring) -> None:
    """R3: nobody gets it twice, however impatient the hand."""
    press = re.search(r'name="press" value="([^"]+)"', browser.get("/write"))
    assert press is not None
    first = write(browser, account, "send", press=press[1])
    assert write(browser, account, "send", press=press[1]) == first
    assert write(browser, account, "send", press=press[1], to="bo@example.org") != first
    with wiring.database.read() as session:
        assert session.query(Message).count() == 2 and session.query(Delivery).count() == 2


def test_presses_at_the_same_moment_send_one_message(browser: Browser, account: str, wiring: Wiring) -> None:
    secret, app = browser.client.get_cookie("dolen").value, browser.client.application
    form = {"form_key": browser.form_key, "press": "one", "act": "send", "to": "ann@example.org"}

    def press(_: int) -> str:
        client = app.test_client()
        client.set_cookie("dolen", secret)
        answer = client.post("/write", data={**form, "account": account, "subject": "Walk", "text": "Come"})
        return str(answer.headers.get("Location"))

    with ThreadPoolExecutor(4) as hands:
        places = set(hands.map(press, range(4)))
    assert len(places) == 1 and places.pop().startswith("/messages/msg_")
    with wiring.database.read() as session:
        assert session.query(Message).count() == 1 and session.query(Delivery).count() == 1


def test_what_was_refused_may_be_pressed_again(browser: Browser, account: str, wiring: Wiring) -> None:
    browser.post("/write", act="send", to="ann@", account=account, text="Come", press="one", status=422)
    browser.post("/write", act="send", to="ann@", account=account, text="Come", press="one", status=422)
    with wiring.database.read() as session:
        assert session.query(Message).count() == 0


def test_two_who_write_the_same_version_do_not_overwrite_each_other(
    browser: Browser, account: str, wiring: Wiring
) -> None:
    """R36: the second is told, keeps what they typed, and may then save it knowing of the first."""
    place = f"{write(browser, account)}/words/email/en"
    usual: dict[str, Any] = {"act": "save", "mode": "text", "subject": "Walk"}
    browser.post(place, **usual, text="At nine", known="1")
    page = browser.post(place, **usual, text="At ten", known="1", status=422).text
    assert "somebody saved this version" in page and "At ten" in page and 'name="known" value="2"' in page
    browser.post(place, **usual, text="At ten", known="2")
    with wiring.database.read() as session:
        assert [one.text for one in session.query(Variant).order_by(Variant.n)][1:] == ["At nine", "At ten"]
