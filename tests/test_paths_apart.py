"""What goes by rules of its own: answers, tests and urgent goes, and what is left of a cancelled message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path as Folder
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns.base import public_id
from campaigns.database import Database
from campaigns.delivery import accounts, control, resolve, stops
from campaigns.delivery.tables import Account, Delivery
from campaigns.messages import content
from campaigns.messages.tables import Message
from campaigns.responses.tables import RawEvent, Response
from campaigns.stakeholders import consent, fields, people, segments
from campaigns.stakeholders.tables import Segment
from campaigns.strategies import programmes
from connectors.api import Deferred, Uncertain
from service.tables import User

from .campaigns.delivery.world import BLIND, KEYED
from .paths import EVERYONE, Town

Make = Callable[..., Town]
COLLEAGUE = "checker@dolen.example"


@pytest.fixture
def town(shared_database: Database, now: datetime, tmp_path: Folder) -> Iterator[Make]:
    """Makes a town with Ann and Ben in it; nothing of it goes on when the test has ended."""
    towns = []

    def make(**options: Any) -> Town:
        made = Town(shared_database, now, tmp_path, **options)
        made.people("ann", "ben")
        towns.append(made)
        return made

    yield make
    with shared_database.write() as session:
        here = Message.programme_id.in_([made.programme_id for made in towns])
        for message in session.scalars(select(Message).where(here, Message.state != "finished")):
            control.cancel(session, now, message)


def stopped(town: Town, scope: str) -> None:
    numbers = {"account": town.world.account_id, "programme": town.programme_id, "segment": town.segment_id}
    with town.world.database.write() as session:
        made = stops.stop(
            session, town.world.time, scope=scope, ref_id=numbers.get(scope, 0), reason="wait", by="usr_x"
        )
        town.stop = public_id("stp", made.id)


def lifted(town: Town) -> None:
    town.call("POST", f"/v1/stops/{town.stop}/lift", json={"why": "go on"})


def suppressed(town: Town, name: str, reason: str, channel: str = "email") -> None:
    (number,) = (number for number, known in town.names.items() if known == name)
    with town.world.database.write() as session:
        consent.suppress(
            session,
            town.world.time,
            channel=channel,
            reason=reason,
            origin="recipient",
            stakeholder_id=number,
        )


# --- answers ------------------------------------------------------------------------------------------------------


def heard(town: Town, name: str = "ann") -> str:
    """Somebody wrote to us: the path of their letter."""
    now = town.world.time
    (number,) = (number for number, known in town.names.items() if known == name)
    with town.world.database.write() as session:
        raw = RawEvent(
            account_id=town.world.account_id, event_key=f"e{town.number}", via="poll", at=now, sha256="-",
            event={}, state="done", next_at=now,
        )  # fmt: skip
        session.add(raw)
        session.flush()
        letter = Response(
            raw_id=raw.id, account_id=town.world.account_id, channel="email", kind="reply", at=now,
            programme_id=town.programme_id, stakeholder_id=number, from_key=town.address(name), subject="When?",
        )  # fmt: skip
        session.add(letter)
        session.flush()
        return f"/v1/responses/{public_id('rsp', letter.id)}/answer"


def answered(town: Town) -> None:
    town.call("POST", heard(town), json={"text": "On Monday."})
    with town.world.database.read() as session:
        row = session.query(Delivery).filter_by(account_id=town.world.account_id).one()
    town.message_id = row.message_id


@pytest.mark.parametrize("reason", ["opt_out", "spam_complaint", "manual"])
def test_an_answer_needs_no_signature_and_no_newsletter(town: Make, reason: str) -> None:
    """gates.md: neither strategy nor approval nor an opt-out from newsletters stops an answer."""
    here = town(assurance="agreed", agreed=False)
    suppressed(here, "ann", reason)
    with here.world.database.write() as session:
        for number in here.names:
            consent.withdraw(
                session, here.world.time, number, "service", "email", source="-", actor="recipient"
            )
    answered(here)
    here.run()
    assert here.reached() == ["ann"] and here.world.state(here.message_id) == "finished"


@pytest.mark.parametrize("scope", ["all", "account", "programme"])
def test_a_stop_holds_an_answer(town: Make, scope: str) -> None:
    here = town()
    stopped(here, scope)
    answered(here)
    here.run()
    assert here.reached() == [] and here.states() == {"ann": "queued"}
    assert here.call("GET", here.path)["held_by"][0]["kind"] == "stopped"
    lifted(here)
    here.run()
    assert here.reached() == ["ann"]


@pytest.mark.parametrize(("reason", "channel"), [("hard_bounce", "email"), ("no_contact", "*")])
def test_nobody_is_answered_at_a_dead_address_or_against_their_will(
    town: Make, reason: str, channel: str
) -> None:
    """H2, H3: asked before, it is refused; said in between, the row is excluded."""
    here = town()
    suppressed(here, "ann", reason, channel)
    told = here.asked("POST", heard(here), json={"text": "On Monday."})
    assert (told.status_code, told.json["code"]) == (409, "cannot_answer")
    other = town()
    answered(other)
    suppressed(other, "ann", reason, channel)
    other.run()
    assert other.reached() == [] and other.states() == {"ann": "excluded:suppressed"}


# --- tests --------------------------------------------------------------------------------------------------------


def colleague(town: Town) -> None:
    """The checker works here, and has confirmed the address."""
    with town.world.database.write() as session:
        session.execute(update(User).where(User.email_key == COLLEAGUE).values(email_key=None))
        session.execute(update(User).where(User.id == town.users.users[town.bob]).values(email_key=COLLEAGUE))
        standing = consent.suppressed(session, town.world.time, "email", [(0, COLLEAGUE)])
        assert not standing, "an earlier test left this address suppressed"


def tried(town: Town, to: str = COLLEAGUE) -> Any:
    return town.asked("POST", f"{town.path}/test", json={"to": [to]})


def test_a_test_goes_before_its_approval_and_only_to_confirmed_addresses(town: Make) -> None:
    here = town(assurance="reviewed")
    colleague(here)
    here.post()
    assert tried(here, here.address("ann")).status_code == 403
    assert tried(here).status_code == 201
    here.run()
    assert here.wire.accepted == [COLLEAGUE]
    assert here.call("GET", here.path)["state"] == "waiting"


@pytest.mark.parametrize("scope", stops.SCOPES)
def test_a_stop_holds_a_test_and_keeps_no_worker_busy(town: Make, scope: str) -> None:
    here = town()
    colleague(here)
    here.post(draft=True)
    stopped(here, scope)
    assert tried(here).status_code == 201
    here.run()
    here.later(minutes=1)
    here.run()
    assert here.wire.accepted == []
    lifted(here)
    here.later(minutes=1)
    here.run()
    assert here.wire.accepted == [COLLEAGUE]


def test_an_account_out_of_service_holds_a_test(town: Make) -> None:
    here = town()
    colleague(here)
    here.post(draft=True)
    tried(here)
    with here.world.database.write() as session:
        accounts.refuse(session, here.world.account_id, here.world.time, "revoked")
    here.run()
    assert here.wire.accepted == []


def test_a_test_respects_a_suppressed_address(town: Make) -> None:
    """H3: a colleague's address that bounced is as dead for us as for anybody."""
    here = town()
    colleague(here)
    here.post(draft=True)
    tried(here)
    with here.world.database.write() as session:
        made = consent.suppress(
            session, here.world.time, channel="email", reason="hard_bounce", origin="recipient",
            address_key=COLLEAGUE,
        )  # fmt: skip
    here.run()
    with here.world.database.write() as session:
        consent.lift(session, here.world.time, made.id, "usr_x", "for the other tests")
    assert here.wire.accepted == []
    assert [(row.state, row.reason) for row in here.rows()] == [("excluded", "suppressed")]


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "on its way"])
def test_an_edit_after_a_test_sends_to_everybody_once(town: Make, gone: bool) -> None:
    """E5: the occurrence of the test stays a test, and does not stand in the way of editing."""
    here = town()
    colleague(here)
    here.post(send_at=(here.world.time + timedelta(hours=1)).isoformat())
    tried(here)
    if gone:
        here.run()
    later = {"send_at": (here.world.time + timedelta(hours=2)).isoformat()}
    here.call("PATCH", here.path, json=later, headers={"If-Match": "*"})
    with here.world.database.write() as session:
        here.write_words(session, "Better words, {{ name }}")
    here.later(hours=2)
    here.run()
    assert here.reached() == ["ann", "ben", "checker"]
    assert all("Better" in str(one.text) for one in here.wire.outbound if one.to != COLLEAGUE)


# --- urgent goes --------------------------------------------------------------------------------------------------


def test_an_urgent_go_passes_over_signatures_and_over_nothing_that_was_not_read(town: Make) -> None:
    """B4: it is for one digest; another audience asks everybody again."""
    here = town(assurance="agreed", agreed=False)
    here.post(send_at=(here.world.time + timedelta(hours=1)).isoformat())
    body = {"digest": here.call("GET", here.path)["digest"], "reason": "the river rises"}
    here.call("POST", f"{here.path}/urgent_go", here.bob, json=body)
    assert here.call("GET", here.path)["state"] == "scheduled"
    rule = {"rule": {"field": "kind", "op": "is", "value": "person"}}
    segment = f"/v1/segments/{public_id('seg', here.segment_id)}"
    here.call("PATCH", segment, json=rule, headers={"If-Match": "*"})
    here.later(hours=1)
    here.run()
    read = here.call("GET", here.path)
    kinds = {one["kind"] for one in read["held_by"]}
    assert read["state"] == "waiting" and kinds == {"approval_missing", "agreement_missing"}
    assert here.wire.accepted == []


# --- audience and words -------------------------------------------------------------------------------------------


def test_a_narrower_rule_reaches_nobody_outside_it_though_rows_were_written(town: Make) -> None:
    """A12, B5: until something has gone, the audience is the one that the segment names."""
    here = town()
    with here.world.database.write() as session:
        number = next(number for number, name in here.names.items() if name == "ann")
        people.tag(session, number, "river")
    here.post(send_at=(here.world.time + timedelta(minutes=5)).isoformat())
    here.clock()
    assert here.states() == {"ann": "queued", "ben": "queued"}
    segment = f"/v1/segments/{public_id('seg', here.segment_id)}"
    rule = {"rule": {"field": "tag", "op": "has", "value": "river"}}
    here.call("PATCH", segment, json=rule, headers={"If-Match": "*"})
    here.later(minutes=5)
    here.run()
    assert here.reached() == ["ann"] and here.states() == {"ann": "sent"}


def test_a_changed_rule_asks_again_at_once_and_one_changed_back_stands_as_approved(town: Make) -> None:
    """B5: nobody has to wait for the clock to be told, and the approval is of what is named."""
    here = town(assurance="reviewed")
    here.post(send_at=(here.world.time + timedelta(hours=1)).isoformat())
    here.check()
    segment = f"/v1/segments/{public_id('seg', here.segment_id)}"
    other = {"field": "tag", "op": "has", "value": "river"}
    for rule, state in ((other, "waiting"), (EVERYONE, "scheduled")):
        here.call("PATCH", segment, json={"rule": rule}, headers={"If-Match": "*"})
        assert here.call("GET", here.path)["state"] == state
    here.later(hours=1)
    here.run()
    assert here.reached() == ["ann", "ben"]


def test_a_name_that_was_changed_asks_nobody_again(town: Make) -> None:
    here = town(assurance="reviewed")
    here.post(send_at=(here.world.time + timedelta(hours=1)).isoformat())
    here.check()
    segment = f"/v1/segments/{public_id('seg', here.segment_id)}"
    here.call("PATCH", segment, json={"name": "Neighbours"}, headers={"If-Match": "*"})
    here.later(hours=1)
    here.run()
    assert here.reached() == ["ann", "ben"]


def test_words_that_are_going_out_cannot_be_taken_away(town: Make) -> None:
    here = town()
    here.provider_says(Deferred("busy"))
    here.post()
    here.run()
    words = f"/v1/content_items/{public_id('cnt', here.content_id)}/variants/email/en"
    told = here.asked("DELETE", words)
    assert (told.status_code, told.json["code"]) == (409, "already_sending")


def test_want_of_words_leaves_nobody_out_who_was_named(town: Make) -> None:
    """Nothing about a message excludes a person, not even in the ledger of what is held."""
    here = town()
    words = f"/v1/content_items/{public_id('cnt', here.content_id)}/variants/email/en"
    here.call("DELETE", words)
    here.post(named=True)
    assert here.call("GET", here.path)["held_by"][0]["kind"] == "variant_missing"
    here.run()
    assert here.states() == {}
    here.call("PUT", words, json={"subject": "Hi", "text": "Hello"})
    here.run()
    assert here.reached() == ["ann", "ben"]


def test_a_shared_address_is_written_to_when_its_first_holder_cannot_be(town: Make) -> None:
    """Whose words lack a value is not written to, and takes nobody else's place."""
    here = town(text="Hello {{ fields.title }}")
    with here.world.database.write() as session:
        fields.define(session, here.world.time, "title", "text")
        here.person(session, "cai", here.address("ann"), attrs={"title": "Dr"})
    here.post()
    here.run()
    wanted = {"ann": "failed:data_missing", "ben": "failed:data_missing", "cai": "sent"}
    assert here.states() == wanted


def test_the_approval_of_a_template_lets_go_what_waited_for_it(town: Make) -> None:
    """C1, B6: nobody has to touch the messages again."""
    here = town(assurance="reviewed")
    name = f"news {here.number}"
    programme = public_id("prg", here.programme_id)
    made = here.call("POST", "/v1/templates", json={"name": name, "programme_id": programme})
    path = f"/v1/templates/{made['id']}/versions"
    version = here.call("POST", path, json={"subject": "News", "text": "Hello {{ name }}"})
    here.post(template=made["id"], content_item=None)
    here.run()
    assert here.call("GET", here.path)["state"] == "waiting"
    here.call("POST", f"{path}/1/approve", here.bob, json={"digest": version["digest"]})
    assert here.call("GET", here.path)["state"] == "scheduled"
    here.run()
    assert here.reached() == ["ann", "ben"]


# --- stops and accounts -------------------------------------------------------------------------------------------


def test_a_stop_of_a_programme_covers_what_lies_under_it(town: Make) -> None:
    """E13"""
    here = town()
    with here.world.database.write() as session:
        above = programmes.create(session, here.world.time, name="County", starts_on=here.world.time.date())
        below = programmes.get(session, here.programme_id)
        programmes.change(session, here.world.time, below, parent_id=above.id)
        made = stops.stop(
            session, here.world.time, scope="programme", ref_id=above.id, reason="wait", by="usr_x"
        )
        here.stop = public_id("stp", made.id)
    here.post()
    here.run()
    assert here.wire.accepted == [] and here.world.state(here.message_id) == "held"
    lifted(here)
    here.run()
    assert here.reached() == ["ann", "ben"]


@pytest.mark.parametrize("how", ["stopped", "out_of_service"])
def test_one_of_two_accounts_is_shut_in_the_middle_of_its_batch(town: Make, how: str) -> None:
    """E13: no intent after it, though the message itself goes on through the other account."""
    here = town()
    here.people(*(f"p{number:02}" for number in range(20)))
    one_by_one = replace(here.world.connector.limits, in_flight=1)
    here.world.connector = replace(here.world.connector, limits=one_by_one)
    with here.world.database.write() as session:
        accounts.declare(session.get_one(Account, here.world.account_id), here.world.connector)
        posts = _account_of_posts(here, session)
        content.save_variant(
            session, here.world.time, content.get(session, here.content_id), channel="post", language="en",
            author=here.actor(here.ann), text="Hello all",
        )  # fmt: skip
    due = (here.world.time + timedelta(minutes=5)).isoformat()
    here.post(accounts=[public_id("acc", here.world.account_id), public_id("acc", posts)], send_at=due)
    here.clock()

    def shut(_outbound: object) -> None:
        here.wire.answers = {}
        if how == "stopped":
            stopped(here, "account")
            return
        with here.world.database.write() as session:
            accounts.refuse(session, here.world.account_id, here.world.time, "revoked")

    here.wire.answers = {here.address("ann"): shut}
    here.later(minutes=5)
    here.work()
    sent = len(here.wire.accepted)
    assert 0 < sent < 22 and here.world.state(here.message_id) == "sending"
    here.run()
    assert here.wire.accepted[sent:] == []


def _account_of_posts(town: Town, session: Session) -> int:
    """Another account, whose provider asked to wait until tomorrow."""
    made = accounts.create(
        session, town.world.time, name=f"posts {town.number}", connector="scripted", channel="post"
    )
    accounts.declare(made, replace(town.world.connector, channel="post", broadcast=True))
    made.not_before_at = town.world.time + timedelta(days=1)
    session.flush()
    return made.id


def test_two_accounts_of_one_channel_would_send_it_twice_and_are_refused(town: Make) -> None:
    """E5: everybody gets it once."""
    here = town()
    with here.world.database.write() as session:
        other = accounts.create(
            session, here.world.time, name=f"other {here.number}", connector="scripted", channel="email"
        )
        accounts.declare(other, here.world.connector)
        both = [public_id("acc", here.world.account_id), public_id("acc", other.id)]
    body = {
        "accounts": both, "content_item": public_id("cnt", here.content_id),
        "segment": public_id("seg", here.segment_id), "programme_id": public_id("prg", here.programme_id),
    }  # fmt: skip
    told = here.asked("POST", "/v1/messages", json=body, headers={"Idempotency-Key": "two"})
    assert (told.status_code, told.json["errors"][0]["pointer"]) == (422, "/accounts")


def test_one_message_with_which_something_is_wrong_keeps_no_other_waiting(town: Make) -> None:
    """The clock goes on with the others, and tells what went wrong."""
    here = town()
    here.post()
    with here.world.database.write() as session:
        session.execute(update(Segment).where(Segment.id == here.segment_id).values(rule={"field": "gone"}))
        other = segments.create(
            session, here.world.time, programme_id=here.programme_id, name="Others", rule=EVERYONE
        )
    here.post(segment=public_id("seg", other.id), key="another")
    with pytest.raises(ExceptionGroup):
        here.clock()
    here.work()
    assert here.reached() == ["ann", "ben"]


# --- what was cancelled -------------------------------------------------------------------------------------------


def test_nothing_of_a_cancelled_message_is_sent_again_by_hand(town: Make) -> None:
    here = town(repeats=BLIND)
    here.provider_says(Uncertain("dead"))
    here.post()
    here.run()
    with here.world.database.write() as session:
        session.execute(update(Message).where(Message.id == here.message_id).values(state="cancelled"))
    here.provider_says(None)
    row = next(row for row in here.rows() if row.state == "unknown")
    path = f"/v1/deliveries/{public_id('dlv', row.id)}/decide"
    told = here.asked("POST", path, json={"outcome": "queued", "evidence": "-"})
    assert (told.status_code, told.json["code"]) == (409, "conflict")
    here.call("POST", path, json={"outcome": "failed", "evidence": "not in their log"})
    here.run()
    assert here.wire.accepted == []


@pytest.mark.parametrize("looked_first", [True, False], ids=["in its batch", "before"])
def test_a_keyed_repeat_ends_with_a_cancelled_message(town: Make, looked_first: bool) -> None:
    """It waits for a person, who can say what became of it; it does not hang in a batch that nobody takes."""
    here = town(repeats=KEYED)
    here.provider_says(Uncertain("dead"))
    here.post()
    here.run()
    here.provider_says(None)
    here.later(minutes=5)
    if looked_first:
        assert resolve.resolve(here.wiring.desk("worker")) == 2
    here.call("POST", f"{here.path}/cancel")
    here.run()
    here.later(hours=1)
    here.run()
    assert here.wire.accepted == []
    assert [(row.state, row.batch_id, row.next_at) for row in here.rows()] == [("unknown", None, None)] * 2


def test_what_was_put_off_when_it_was_cancelled_is_withdrawn(town: Make) -> None:
    """E4: the provider asked to wait while somebody cancelled; the books close all the same."""
    here = town()
    here.post()

    def cancels(_outbound: object) -> None:
        if here.world.state(here.message_id) != "cancelled":
            here.call("POST", f"{here.path}/cancel")
        raise Deferred("busy")

    here.wire.answers = {here.address("ann"): cancels, here.address("ben"): cancels}
    here.run()
    here.later(days=1)
    here.run()
    assert here.states() == {"ann": "cancelled", "ben": "cancelled"}


# --- who may move it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["submit", "pause", "resume", "cancel", "retry", "test"])
def test_a_test_token_moves_no_message_to_real_people(town: Make, verb: str) -> None:
    """A5: whatever its role, it ends at practice accounts."""
    here = town()
    token = here.users(kind="test", expires_at=here.world.time + timedelta(days=1))
    here.post(draft=verb == "submit")
    told = here.asked("POST", f"{here.path}/{verb}", token, **({"json": {}} if verb == "test" else {}))
    assert (told.status_code, told.json["code"]) == (403, "forbidden")


def test_a_test_token_answers_nobody_real(town: Make) -> None:
    here = town()
    token = here.users(kind="test", expires_at=here.world.time + timedelta(days=1))
    told = here.asked("POST", heard(here), token, json={"text": "Hello"})
    assert told.status_code == 403


def test_a_test_token_changes_no_words_of_messages_to_real_people(town: Make) -> None:
    """At `light` an edit renews the author's approval, so these words would go out."""
    here = town()
    token = here.users(kind="test", expires_at=here.world.time + timedelta(days=1))
    here.post()
    words = f"/v1/content_items/{public_id('cnt', here.content_id)}/variants/email/en"
    told = here.asked("PUT", words, token, json={"text": "Practice"})
    assert (told.status_code, told.json["code"]) == (403, "forbidden")


def test_a_role_that_nobody_can_hold_is_no_party(town: Make) -> None:
    """SM13: else anybody could have agreed for it."""
    here = town(assurance="agreed")
    strategy = f"/v1/strategies/{public_id('str', here.strategy_id)}/parties"
    parties = [{"kind": "role", "ref": "approver"}, {"kind": "role", "ref": "director"}]
    told = here.asked("PUT", strategy, json={"parties": parties})
    assert (told.status_code, told.json["errors"][0]["pointer"]) == (422, "/parties/1/ref")
    here.call("PUT", strategy, json={"parties": parties[:1]})


@pytest.mark.parametrize("state", ["draft", "waiting", "finished", "cancelled"])
def test_what_goes_to_nobody_cannot_be_paused_and_says_so(town: Make, state: str) -> None:
    here = town(assurance="reviewed" if state == "waiting" else "light")
    here.post(draft=state == "draft")
    if state == "cancelled":
        here.call("POST", f"{here.path}/cancel")
    if state == "finished":
        here.run()
    told = here.asked("POST", f"{here.path}/pause")
    assert told.status_code == 409 and state in told.json["detail"]


def test_what_is_held_can_be_paused_and_does_not_go_when_the_stop_is_lifted(town: Make) -> None:
    here = town()
    stopped(here, "programme")
    here.post()
    here.run()
    here.call("POST", f"{here.path}/pause")
    lifted(here)
    here.run()
    assert here.wire.accepted == [] and here.world.state(here.message_id) == "paused"
    here.call("POST", f"{here.path}/resume")
    here.run()
    assert here.reached() == ["ann", "ben"]


def test_what_is_paused_before_it_began_can_be_edited(town: Make) -> None:
    here = town()
    here.post(send_at=(here.world.time + timedelta(minutes=5)).isoformat())
    here.clock()
    here.call("POST", f"{here.path}/pause")
    later = {"send_at": (here.world.time + timedelta(hours=1)).isoformat()}
    here.call("PATCH", here.path, json=later, headers={"If-Match": "*"})
    here.call("POST", f"{here.path}/resume")
    here.later(minutes=10)
    here.run()
    assert here.wire.accepted == []
    here.later(hours=1)
    here.run()
    assert here.reached() == ["ann", "ben"]
