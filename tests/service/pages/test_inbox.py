"""The inbox at a browser: a day's work without scripts, who may do it, and what is refused with words kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.base import public_id
from campaigns.delivery.tables import Account
from campaigns.messages.tables import Message, Variant
from campaigns.responses import intake
from campaigns.responses.tables import Response, ResponseCall, SavedReply
from campaigns.stakeholders import addresses, people
from campaigns.stakeholders.tables import Consent, Suppression
from campaigns.strategies import programmes
from connectors.api import Event
from service.tables import User
from service.wiring import Wiring

from ..conftest import Api, People
from .conftest import Browser, Browsers


class Post:
    """Lets mail and posts come in."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring, self.number = wiring, 0
        with wiring.database.write() as session:
            general = programmes.general(session, wiring.now())
            self.programme_id = general.id
            self.account_id = self._account(session, general.id)

    def person(self, name: str, address: str = "", **values: Any) -> int:
        with self.wiring.database.write() as session:
            made = people.create(session, self.wiring.now(), kind="person", name=name, **values)
            people.involve(session, self.wiring.now(), made.id, self.programme_id)
            if address:
                addresses.add(session, self.wiring.now(), made.id, "email", address)
            return made.id

    def comes(
        self, sender: str = "gwen@example.org", text: str = "When is it?", kind: str = "reply",
        programme_id: int | None = None, ago: float = 0, **values: Any,
    ) -> str:  # fmt: skip
        self.number += 1
        now = self.wiring.now()
        key = f"e{self.number}"
        event = Event(key=key, kind=kind, at=now - timedelta(hours=ago), sender=sender, text=text, **values)
        with self.wiring.database.write() as session:
            account_id = self._account(session, programme_id) if programme_id else self.account_id
            intake.store(session, now, account_id, [event], "push")
        intake.process(self.wiring.database.sessions, self.wiring.now(), self.wiring.links)
        with self.wiring.database.read() as session:
            return public_id(
                "rsp", session.scalars(select(Response.id).order_by(Response.id.desc())).first() or 0
            )

    def read(self, key: str) -> Response:
        with self.wiring.database.read() as session:
            return next(row for row in session.scalars(select(Response)) if public_id("rsp", row.id) == key)

    def _account(self, session: Session, programme_id: int) -> int:
        now = self.wiring.now()
        self.number += 1
        made = Account(
            connector="simulator", name=f"Mail {self.number}", channel="email", sender="us@example.org",
            programme_id=programme_id, created_at=now, updated_at=now, test=True,
        )  # fmt: skip
        session.add(made)
        session.flush()
        return made.id


@pytest.fixture
def post(wiring: Wiring) -> Iterator[Post]:
    """Mail that comes in."""
    yield Post(wiring)


def user(number: int) -> str:
    return public_id("usr", number)


def test_an_empty_inbox_teaches(browser: Browser) -> None:
    assert "Nothing waits." in browser.get("/inbox")


def test_what_people_wrote_is_listed_and_robots_stand_apart(browser: Browser, post: Post) -> None:
    post.person("Gwen", "gwen@example.org")
    post.comes(text="Where is the door?")
    post.comes(text="I am on holiday", kind="auto_reply")
    page = browser.get("/inbox")
    assert "Where is the door?" in page and "I am on holiday" not in page and "Answer due" in page
    apart = browser.get("/inbox", folder="apart")
    assert "I am on holiday" in apart and "Answer due" not in apart and "Where is the door?" not in apart


def test_a_whole_conversation_needs_no_script(browser: Browser, post: Post, wiring: Wiring) -> None:
    """L10: take, draft, answer; the item is done, the answer stands in its conversation."""
    post.person("Gwen", "gwen@example.org", languages=["cy"])
    path = f"/inbox/{post.comes()}"
    assert "It goes in Welsh" in browser.get(path)
    browser.done(path, act="take")
    browser.done(path, act="draft", text="Ddydd Llun")
    assert "Ddydd Llun" in browser.get(path)
    page = browser.done(path, act="answer", text="Ddydd Llun am naw.", known="0")
    assert "Ddydd Llun am naw." in page and "Closed: Answered" in page
    assert post.read(path[7:]).assignee == user(browser.user_id)
    with wiring.database.read() as session:
        assert session.scalars(select(Variant.language)).all() == ["cy"]
    assert "When is it?" not in browser.get("/inbox") and "When is it?" in browser.get(
        "/inbox", folder="done"
    )


def test_an_answer_without_words_is_refused_and_nothing_goes(
    browser: Browser, post: Post, wiring: Wiring
) -> None:
    post.person("Gwen", "gwen@example.org")
    answer = browser.post(f"/inbox/{post.comes()}", act="answer", text="  ", status=422)
    assert "write the answer first" in answer.text
    with wiring.database.read() as session:
        assert session.scalars(select(Message.id)).all() == []


def test_sending_after_a_colleague_says_so_and_asks_once_more(browsers: Browsers, post: Post) -> None:
    """L10: who is replying."""
    post.person("Gwen", "gwen@example.org")
    path = f"/inbox/{post.comes()}"
    one, other = browsers("responder", name="Siân"), browsers("responder", name="Tomos")
    other.post(f"{path}/draft", text="At ni", status=204)
    assert "Tomos is answering this at the moment" in one.get(path).replace("<bdi>", "").replace("</bdi>", "")
    one.done(path, act="answer", text="At nine.", known="0")
    refused = other.post(path, act="answer", text="At ten.", known="0", status=422)
    assert "a colleague has just answered" in refused.text and "At ten." in refused.text
    assert 'name="again"' in refused.text and "At nine." in refused.text
    page = other.done(path, act="answer", text="At ten, sorry.", known="0", again="1")
    assert "At nine." in page and "At ten, sorry." in page


def test_one_more_answer_goes_once_however_often_it_is_pressed(
    browsers: Browsers, post: Post, wiring: Wiring
) -> None:
    post.person("Gwen", "gwen@example.org")
    path, one = f"/inbox/{post.comes()}", browsers("responder", name="Siân")
    one.done(path, act="answer_open", text="At nine.", known="0")
    press = re.search(r'name="press" value="([^"]+)"', one.get(path))
    assert press is not None
    for _ in range(2):
        one.done(path, act="answer", text="At ten, sorry.", again="1", press=press[1])
    with wiring.database.read() as session:
        assert len(session.scalars(select(Message.id)).all()) == 2


def test_saved_replies_are_put_in_by_a_button_and_go_only_when_sent(
    browser: Browser, post: Post, wiring: Wiring
) -> None:
    """L10"""
    post.person("Gwen", "gwen@example.org")
    path = f"/inbox/{post.comes()}"
    browser.done("/inbox/replies", name="Thanks", language="cy", text="Diolch, {name}!", programme="")
    with wiring.database.read() as session:
        key = public_id("rpl", session.scalars(select(SavedReply.id)).one())
    assert "Diolch, {name}!" in browser.get("/inbox/replies")
    page = browser.done(path, insert=key, text="Annwyl Gwen")
    assert "Annwyl Gwen\n\nDiolch, Gwen!" in page
    browser.done("/inbox/replies", reply=key, name="Thanks", language="cy", text="Llawer o ddiolch")
    assert "Llawer o ddiolch" in browser.get("/inbox/replies", reply=key)
    browser.done("/inbox/replies", act="remove", reply=key)
    assert "Llawer o ddiolch" not in browser.get("/inbox/replies")
    assert browser.get("/inbox/replies", reply=key)


def test_a_refused_saved_reply_keeps_what_was_typed(browser: Browser) -> None:
    answer = browser.post("/inbox/replies", name="Thanks", language="xxxxx", text="Diolch", status=422)
    assert "Diolch" in answer.text and 'value="Thanks"' in answer.text


def test_notes_call_colleagues_by_name(browsers: Browsers, post: Post, wiring: Wiring) -> None:
    """L10: internal notes with @mention."""
    path = f"/inbox/{post.comes()}"
    one, other = browsers("responder", name="Siân Rees"), browsers("responder", name="Tomos Huw")
    page = one.done(path, act="note", note="Can you look, @Tomos Huw? She rang.")
    assert "She rang." in page and "When is it?" in other.get("/inbox", folder="called")
    with wiring.database.read() as session:
        assert session.scalars(select(ResponseCall.who)).all() == [user(other.user_id)]
    refused = one.post(path, act="note", note="", status=422)
    assert "must not be empty" in refused.text


def test_somebody_who_may_not_answer_is_given_nothing(browsers: Browsers, post: Post) -> None:
    key = post.comes()
    reader, writer = browsers("viewer"), browsers("responder")
    refused = writer.post(f"/inbox/{key}", act="assign", assignee=user(reader.user_id), status=422)
    assert "this colleague may not answer here" in refused.text
    writer.done(f"/inbox/{key}", act="assign", assignee=user(writer.user_id))
    assert "When is it?" in writer.get("/inbox", folder="mine")


def test_a_colleague_looks_at_an_answer_and_sends_it(browsers: Browsers, post: Post) -> None:
    post.person("Gwen", "gwen@example.org")
    path = f"/inbox/{post.comes()}"
    one, other = browsers("responder", name="Siân"), browsers("responder", name="Tomos")
    refused = one.post(path, act="check", text="At nine?", checker="", status=422)
    assert "choose who is to look at it" in refused.text and "At nine?" in refused.text
    one.done(path, act="check", text="At nine?", checker=user(other.user_id))
    page = other.get(path)
    assert "Asks for a look" in page and "At nine?" in page
    assert "At nine." in other.done(path, act="answer", text="At nine.", known="0")


def test_closing_without_an_answer_has_a_reason_and_can_be_undone(browser: Browser, post: Post) -> None:
    path = f"/inbox/{post.comes()}"
    assert "say why" in browser.post(path, act="no_answer", why="bored", status=422).text
    assert "Closed: They only say thank you" in browser.done(path, act="no_answer", why="thanks")
    assert "Closed:" not in browser.done(path, act="reopen")


def test_a_snoozed_item_is_out_of_sight_until_they_write_again(browser: Browser, post: Post) -> None:
    post.person("Gwen", "gwen@example.org")
    path = f"/inbox/{post.comes(text='The first')}"
    nothing: dict[str, Any] = {"for": "", "until": ""}
    refused = browser.post(path, act="snooze", status=422, **nothing)
    assert "choose until when" in refused.text
    browser.done(path, act="snooze", **{"for": "tomorrow"})
    assert "The first" not in browser.get("/inbox") and "The first" in browser.get("/inbox", folder="snoozed")
    post.comes(text="The second")
    assert "The first" in browser.get("/inbox")


def test_one_button_calls_for_help_and_pins_on_top(browsers: Browsers, post: Post, wiring: Wiring) -> None:
    """L10: urgent harm, without a script; whoever is named is called, else who manages or administers."""
    admin, helper = browsers(name="Ada"), browsers("responder", name="Hari")
    post.comes(text="Older and calm", sender="a@example.org")
    path = f"/inbox/{post.comes(text='I cannot go on', sender='b@example.org')}"
    page = helper.done(path, act="urgent")
    assert "Urgent" in page and "When" in page
    listing = helper.get("/inbox")
    assert listing.index("I cannot go on") < listing.index("Older and calm")
    assert "I cannot go on" in admin.get("/inbox", folder="called")
    helper.done(path, act="not_urgent")
    named = {
        "rules": "*: 1 d / 5 d",
        "opens": "09:00",
        "closes": "17:00",
        "zone": "Europe/London",
        "weekdays": "0",
    }
    admin.done(
        "/inbox/promise", **named, programme="", bank_holidays="", days_off="", urgent_to=user(helper.user_id)
    )
    assert admin.done(path, act="urgent")
    assert "I cannot go on" in helper.get("/inbox", folder="called")


def test_who_is_this_is_settled_by_one_press_and_undone_by_one(browser: Browser, post: Post) -> None:
    """F13"""
    gwen = post.person("Gwen Parry")
    early = post.comes(sender="new@example.org", text="Early")
    late = post.comes(sender="new@example.org", sender_name="Gwen Parry", text="Late")
    page = browser.get(f"/inbox/{late}")
    assert "it is their name" in page and "Say who this is; then you can answer." in page
    assert "Early" in browser.get("/inbox", folder="who")
    page = browser.done(f"/inbox/{late}", act="match", stakeholder=public_id("stk", gwen))
    assert "Settled who this is" in page and "A person said who this is" in page
    assert post.read(early).stakeholder_id == gwen
    browser.done(f"/inbox/{late}", act="undo")
    assert post.read(early).stakeholder_id is None and post.read(late).stakeholder_id is None


def test_who_is_this_is_somebody_found_or_somebody_new(browser: Browser, post: Post) -> None:
    gwen = post.person("Gwen Parry")
    key = post.comes(sender="new@example.org", sender_name="Nia")
    page = browser.get(f"/inbox/{key}", who="gwen")
    assert public_id("stk", gwen) in page
    assert "Nobody is found" in browser.get(f"/inbox/{key}", who="zebra")
    refused = browser.post(f"/inbox/{key}", act="match_new", name=" ", status=422)
    assert "must not be empty" in refused.text
    browser.done(f"/inbox/{key}", act="match_new", name="Nia Wyn")
    with post.wiring.database.read() as session:
        held = addresses.holders(session, "email", "new@example.org")
        assert held == [post.read(key).stakeholder_id] and held != [gwen]


def test_bulk_does_it_to_every_row_that_is_chosen(browser: Browser, post: Post) -> None:
    """L10"""
    keys = [post.comes(sender=f"p{number}@example.org") for number in range(3)]
    assert "choose at least one" in browser.post("/inbox", act="close", status=422).text
    browser.done("/inbox", act="label", rsp=keys[:2], label="Parking", back="/inbox?folder=open")
    assert "Parking" in browser.get("/inbox", label="parking")
    assert browser.get("/inbox", label="Parking").count("data-row") == 2
    browser.done("/inbox", act="snooze", rsp=keys[0], **{"for": "monday"})
    browser.done("/inbox", act="assign", rsp=keys[1:], assignee=user(browser.user_id))
    assert browser.get("/inbox", folder="mine").count("data-row") == 2
    browser.done("/inbox", act="close", rsp=keys, why="spam", back="https://elsewhere.example/")
    assert browser.get("/inbox", folder="done").count("Spam") >= 3
    assert "closed already" in browser.post("/inbox", act="close", rsp=keys[0], status=422).text


def test_a_note_from_times_of_a_team_is_still_shown_to_whoever_is_left(
    browser: Browser, browsers: Browsers, post: Post
) -> None:
    path = f"/inbox/{post.comes()}"
    colleague = browsers("administrator")
    browser.done(path, act="note", note="Ask Mair")
    browser.done(f"/settings/people/{user(colleague.user_id)}/state", state="disabled")
    page = browser.get(path)
    assert "Ask Mair" in page and 'name="call"' not in page


def test_bulk_says_to_how_many_it_was_done_and_why_not_to_the_others(browser: Browser, post: Post) -> None:
    keys = [post.comes(sender=f"p{number}@example.org") for number in range(4)]
    browser.done("/inbox", act="close", rsp=keys[0])
    page = browser.done("/inbox", act="close", rsp=keys[:3], back="/inbox?folder=done&did=9&not=9-taken")
    assert "Done to 2 of those chosen." in page and "9 are left" not in page
    assert "One is left as it was. Why: this is closed already." in page
    assert 'name="back" value="/inbox?folder=done"' in page
    said = "did=2&not=1-closed&not=2-%3Cb%3Ex"
    welsh = browser.get(f"/inbox?language=cy&{said}")
    assert "Gwnaed hynny i ddau" in welsh and "mae hwn wedi'i gau'n barod" in welsh and "<b>x" not in welsh
    arabic = browser.get(f"/inbox?language=ar&{said}")
    assert "نُفِّذ على اثنين" in arabic and "تُرك واحد كما كان" in arabic
    assert 'class="done"' not in browser.get("/inbox?did=-1&not=x")


def test_every_reason_why_bulk_leaves_a_row_as_it_was_has_words(
    browser: Browser, browsers: Browsers, post: Post
) -> None:
    colleague = browsers()
    for act, before in (("take", "take"), ("close", "close"), ("urgent", "urgent"), ("reopen", "")):
        first, second = (post.comes(sender=f"{act}{number}@example.org") for number in range(2))
        if act == "reopen":
            browser.done("/inbox", act="close", rsp=second)
        else:
            colleague.done("/inbox", act=before, rsp=first)
        assert "Why: " in browser.done("/inbox", act=act, rsp=[first, second])


def test_the_filter_in_welsh_shows_what_is_to_be_answered_in_welsh(browser: Browser, post: Post) -> None:
    post.person("Gwen", "gwen@example.org", languages=["cy"])
    post.comes(text="Pryd?")
    post.comes(sender="tom@example.org", text="When?")
    wanted: dict[str, Any] = {"in": "cy"}
    page = browser.get("/inbox", **wanted)
    assert "Pryd?" in page and "When?" not in page


def test_labels_and_sentiment_are_said_by_people(browser: Browser, post: Post) -> None:
    path = f"/inbox/{post.comes()}"
    assert "Cost" in browser.done(path, act="label", label="Cost")
    assert "Negative" in browser.done(path, act="feel", sentiment="negative")
    assert post.read(path[7:]).sentiment_by == user(browser.user_id)
    browser.done(path, act="unlabel", name="Cost")
    browser.done(path, act="feel", sentiment="")
    assert post.read(path[7:]).sentiment is None
    assert "must not be empty" in browser.post(path, act="label", label="", status=422).text


def test_the_promise_is_set_and_how_well_it_was_kept_is_shown_with_its_formula(
    browser: Browser, post: Post
) -> None:
    """F8"""
    post.comes(ago=100)
    page = browser.get("/inbox/promise")
    assert "Formula:" in page and "0 of 1" in page and "<svg" in page and "The numbers as a table" in page
    form: dict[str, Any] = {
        "opens": "00:00",
        "closes": "00:00",
        "zone": "Europe/London",
        "bank_holidays": "",
        "days_off": "",
    }
    refused = browser.post(
        "/inbox/promise", rules="email: soon", weekdays=list("0123456"), status=422, **form
    )
    assert "this line is not understood: email: soon" in refused.text
    browser.done("/inbox/promise", rules="*: 200 h / 300 h", weekdays=list("0123456"), **form)
    page = browser.get("/inbox/promise")
    assert "200 h / 300 h" in page and "Nothing has come whose time is over" in page
    assert "Answer due" in browser.get("/inbox")


def test_another_programme_does_not_exist_and_a_small_role_changes_nothing(
    browsers: Browsers, post: Post, wiring: Wiring
) -> None:
    with wiring.database.write() as session:
        other = programmes.create(
            session, wiring.now(), name="Other", starts_on=datetime(2026, 1, 1, tzinfo=UTC).date()
        ).id
    key = post.comes(text="A secret")
    outside, reader = browsers("responder", other), browsers("viewer")
    assert "A secret" not in outside.get("/inbox")
    outside.get(f"/inbox/{key}", status=404)
    outside.post(f"/inbox/{key}", act="close", status=404)
    outside.post("/inbox", act="close", rsp=key, status=404)
    assert "Send and close" not in reader.get(f"/inbox/{key}")
    reader.post(f"/inbox/{key}", act="close", status=403)
    reader.post("/inbox/promise", rules="*: 1d/2d", status=403)
    outside.post("/inbox/replies", name="x", language="en", text="x", programme="", status=422)
    assert "Saved replies" in (page := outside.get("/inbox/replies")) and "data-reply" not in page
    browsers("steward").get("/inbox")
    browsers(None).get("/inbox", status=403)


def test_labels_of_another_programme_are_not_offered(
    browser: Browser, browsers: Browsers, post: Post, wiring: Wiring
) -> None:
    with wiring.database.write() as session:
        day = datetime(2026, 1, 1, tzinfo=UTC).date()
        other = programmes.create(session, wiring.now(), name="Other", starts_on=day).id
    browser.done(f"/inbox/{post.comes()}", act="label", label="Grievance Jones")
    outside = browsers("responder", other)
    key = post.comes("bo@example.org", programme_id=other)
    assert "Grievance" in browser.get("/inbox")
    assert "Grievance" not in outside.get("/inbox") and "Grievance" not in outside.get(f"/inbox/{key}")


def test_every_act_has_its_button_and_an_unknown_one_is_refused(
    browser: Browser, post: Post, browsers: Browsers
) -> None:
    path = f"/inbox/{post.comes()}"
    alone = browser.get(path)
    assert 'value="take"' not in alone and 'value="assign"' not in alone and 'value="close"' in alone
    assert ">Mail ·" in alone.replace("<dd>", ">") and "<dt>Answer due" in alone
    for team in (
        'name="call"',
        'value="note"',
        "Notes among colleagues",
        "<kbd>a</kbd>",
        "<kbd>n</kbd>",
        "<dt>With",
    ):
        assert team not in alone
    assert "folder=nobody" not in browser.get("/inbox") and "folder=called" not in browser.get("/inbox")
    browsers("administrator")
    assert "folder=nobody" in browser.get("/inbox") and "<kbd>n</kbd>" in browser.get(path)
    assert 'name="call"' in browser.get(path) and "Notes among colleagues" in browser.get(path)
    assert "there is no such act" in browser.post(path, act="explode", status=422).text
    assert set(re.findall(r'name="act" value="(\w+)"', browser.get(path))) >= {
        "take", "assign", "close", "no_answer", "snooze", "urgent", "label", "feel", "note", "match_new",
    }  # fmt: skip


STOP = {"asks_to_stop": True}


def test_a_wish_to_get_no_more_is_proposed_at_once_and_done_by_one_press(
    browser: Browser, post: Post, wiring: Wiring
) -> None:
    """M19: nothing stops before somebody has read it, since "stop" may mean the buses."""
    gwen = post.person("Gwen", "gwen@example.org")
    path = f"/inbox/{post.comes(text='STOP', meta=STOP)}"
    assert "Asks to stop" in browser.get("/inbox") and "They ask to get no more" in browser.get(path)
    assert stopped(wiring) == []
    assert "It has stopped." in browser.done(path, act="stop")
    assert stopped(wiring) == [
        ("opt_out", "gwen@example.org", one, "words") for one in ("direct_marketing", "survey")
    ]
    assert 'value="stop"' not in browser.get(path)
    assert "this has been stopped already" in browser.post(path, act="stop", status=422).text
    with wiring.database.read() as session:
        acts = session.scalars(select(Consent)).all()
        assert {(one.stakeholder_id, one.act) for one in acts} == {(gwen, "withdrawn")}
        assert {one.evidence["read_by"] for one in acts} == {user(browser.user_id)}


def test_a_wish_of_somebody_whom_we_do_not_know_is_kept_for_their_address(
    browser: Browser, post: Post, wiring: Wiring
) -> None:
    """M19"""
    browser.done(f"/inbox/{post.comes(sender='nobody@example.org', text='STOP', meta=STOP)}", act="stop")
    assert stopped(wiring) == [
        ("opt_out", "nobody@example.org", one, "words") for one in ("direct_marketing", "survey")
    ]


def test_who_may_only_read_sees_the_wish_and_no_button(browsers: Browsers, post: Post) -> None:
    path = f"/inbox/{post.comes(text='STOP', meta=STOP)}"
    reader = browsers("approver")
    assert "They ask to get no more" in reader.get(path) and 'value="stop"' not in reader.get(path)
    assert 'id="asks"' not in reader.get(f"/inbox/{post.comes()}")


def test_a_sender_who_may_be_forged_is_marked(browser: Browser, post: Post) -> None:
    """M16"""
    post.person("Gwen", "gwen@example.org")
    path = f"/inbox/{post.comes(verified=False)}"
    assert "This may be from somebody else" in browser.get(path)
    assert "Sender not proven" in browser.get("/inbox")
    assert post.read(path[7:]).stakeholder_id is None
    assert "This may be from somebody else" not in browser.get(f"/inbox/{post.comes()}")


def stopped(wiring: Wiring) -> list[tuple[str, str | None, str | None, str]]:
    """What stands on the do-not-contact list, and how it came there."""
    with wiring.database.read() as session:
        return [
            (one.reason, one.address_key, one.purpose, str(one.evidence["how"]))
            for one in session.scalars(select(Suppression))
        ]


def test_words_of_a_stranger_stay_words(browser: Browser, post: Post) -> None:
    """M15: and nothing of theirs is fetched."""
    key = post.comes(
        text='<script>alert(1)</script><img src="https://evil.example/1.gif">', sender_name="<b>Bob</b>"
    )
    raw = browser.client.get(f"/inbox/{key}", headers={"Accept": "text/html"}).text
    assert "<script>alert" not in raw and "<b>Bob" not in raw and "<img" not in raw.split("<main")[1]


def test_every_colleague_of_a_list_is_named(browser: Browser, post: Post, wiring: Wiring) -> None:
    with wiring.database.write() as session:
        session.get_one(User, browser.user_id).name = "Angharad"
    path = f"/inbox/{post.comes()}"
    browser.done(path, act="take")
    assert "mine" in browser.get("/inbox") and "Angharad" in browser.get(path)


def test_programs_work_the_desk_by_the_same_acts(
    api: Api, people: People, browser: Browser, post: Post
) -> None:
    """L10 through /v1."""
    token, path = people("responder"), f"/v1/responses/{post.comes()}"
    later = (post.wiring.now() + timedelta(days=1)).isoformat()
    given = api.post(f"{path}/assign", token, json={"user_id": user(people.users[token])})
    assert (given.status_code, given.json["assignee"]) == (200, user(people.users[token]))
    assert api.post(f"{path}/assign", token, json={"user_id": user(browser.user_id + 1)}).status_code == 422
    noted = api.post(f"{path}/notes", token, json={"text": "She rang."})
    assert (noted.status_code, noted.json["text"], noted.json["by"]) == (
        201,
        "She rang.",
        given.json["assignee"],
    )
    assert api.post(f"{path}/labels", token, json={"name": "Cost"}).status_code == 200
    assert api.post(f"{path}/snooze", token, json={"until": "2001-01-01T00:00Z"}).status_code == 422
    assert api.post(f"{path}/snooze", token, json={"until": later}).json["snoozed_until_at"]
    assert api.post(f"{path}/urgent", token, json={}).json["called"] == [user(browser.user_id)]
    closed = api.post(f"{path}/close", token, json={"why": "thanks"})
    assert (closed.json["closed_why"], closed.json["urgent_at"] is None) == ("thanks", False)
    assert api.post(f"{path}/close", token, json={}).status_code == 409
    assert api.post(f"{path}/reopen", token, json={}).json["closed_at"] is None
    assert "Cost" in browser.get("/inbox") and "She rang." in browser.get(f"/inbox/{path[14:]}")


def test_programs_work_at_the_desk_as_people_do(api: Api, people: People, post: Post) -> None:
    manager = people("community_manager")
    key, other = post.comes(), post.comes(sender="bo@example.org")
    path, me = f"/v1/responses/{key}", public_id("usr", people.users[manager])
    assert api.post(f"{path}/take", manager).json["assignee"] == me
    assert api.post(f"{path}/take", people("responder")).status_code == 409
    mine = api.get("/v1/responses/desk?folder=mine", manager).json["data"]
    assert [(one["id"], one["verified"], one["asks_to_stop"]) for one in mine] == [(key, True, "")]
    tomorrow = (post.wiring.now() + timedelta(days=1)).isoformat()
    assert api.post(f"{path}/snooze", manager, json={"until": tomorrow}).json["snoozed_until_at"]
    assert api.post(f"{path}/wake", manager).json["snoozed_until_at"] is None
    for feels in ("negative", None):
        told = api.call("PUT", f"{path}/sentiment", manager, json={"sentiment": feels})
        assert told.json["sentiment"] == feels
    api.post(f"{path}/labels", manager, json={"name": "parking"})
    labelled = "/v1/responses/desk?label=parking"
    assert [one["id"] for one in api.get(labelled, manager).json["data"]] == [key]
    assert api.delete(f"{path}/labels/parking", manager).status_code == 204
    assert api.get(labelled, manager).json["data"] == []
    assert api.post(f"{path}/urgent", manager).status_code == 200
    assert api.delete(f"{path}/urgent", manager).status_code == 204 and post.read(key).urgent_at is None
    matched = api.post(f"{path}/match_new", manager, json={"name": "Gwen"}).json["stakeholder_id"]
    assert matched.startswith("stk_")
    assert api.post(f"{path}/match/undo", manager).json["stakeholder_id"] is None
    assert api.call("PUT", f"{path}/draft", manager, json={"text": "Soon"}).status_code == 204
    assert api.post(f"{path}/check", manager, json={"text": "Soon", "user_id": me}).status_code == 204
    many = {"responses": [key, other], "act": "take"}
    done = api.post("/v1/responses/many", manager, json=many).json
    assert done == {"done": 2, "refused": []}
    assert api.post("/v1/responses/many", manager, json=many | {"act": "snooze"}).status_code == 422
    stops = [api.post(f"{path}/stop_as_asked", manager) for _ in range(2)]
    assert [one.status_code for one in stops] == [200, 409] and stops[1].json["code"] == "already_done"


def test_programs_keep_saved_replies_and_the_promise(api: Api, people: People, post: Post) -> None:
    manager, viewer = people("community_manager"), people("viewer")
    words = {"name": "Diolch", "language": "cy", "text": "Diolch, {name}"}
    made = api.post("/v1/saved_replies", manager, json=words)
    assert (made.status_code, made.json["programme_id"]) == (201, None)
    path = f"/v1/saved_replies/{made.json['id']}"
    assert api.call("PUT", path, viewer, json=words).status_code == 403
    assert api.call("PUT", path, manager, json=words | {"text": "Diolch"}).json["text"] == "Diolch"
    assert [one["id"] for one in api.get("/v1/saved_replies", viewer).json["data"]] == [made.json["id"]]
    assert api.delete(path, manager).status_code == 204
    assert api.delete(path, manager).status_code == 404
    promise = {
        "programme_id": None, "rules": "*: 4h / 2d", "zone": "Europe/London", "opens": 540, "closes": 1020,
        "weekdays": [0, 1], "days_off": ["2026-12-29"],
        "urgent_to": [public_id("usr", people.users[manager])],
    }  # fmt: skip
    kept = api.call("PUT", "/v1/response_promises", manager, json=promise).json
    assert (kept["rules"], kept["weekdays"], kept["days_off"]) == ("*: 4h / 2d", [0, 1], ["2026-12-29"])
    stranger = promise | {"urgent_to": [public_id("usr", people.users[viewer])]}
    assert api.call("PUT", "/v1/response_promises", manager, json=stranger).status_code == 422
    post.comes(ago=24 * 14)
    told = api.get("/v1/response_promises", viewer).json
    assert len(told["weeks"]) == 12 and (told["n"], told["kept"]) == (1, 0)
