"""Tests of approval: bound to a digest, given by a second person, gone with any edit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from campaigns.delivery.tables import Account
from campaigns.errors import BadField, Conflict, FourEyes, Stale
from campaigns.messages import approval, content, messages, templates
from campaigns.messages.tables import Message
from campaigns.stakeholders import people, segments
from campaigns.strategies import programmes

from .conftest import Desk


def approve(desk: Desk, message: Message, by: str = "bob") -> None:
    messages.decide(
        desk.session,
        desk.now,
        message,
        digest=approval.digest(desk.session, message),
        decision="approved",
        by=by,
    )


def add_recipient(desk: Desk, message: Message) -> None:
    ali = people.create(desk.session, desk.now, kind="person", name="Ali")
    messages.edit(desk.session, desk.now, message, recipients=[(desk.mair.id, 0), (ali.id, 0)])


def add_channel(desk: Desk, message: Message) -> None:
    account = Account(
        connector="simulator", name="Net", channel="x", limits={}, created_at=desk.now, updated_at=desk.now
    )
    desk.session.add(account)
    desk.session.flush()
    desk.write("Post", channel="x", subject="")
    messages.edit(desk.session, desk.now, message, accounts=[(desk.account.id, "email"), (account.id, "x")])


EDITS: dict[str, Callable[[Desk, Message], object]] = {
    "one byte": lambda desk, _: desk.write("Bore da {{ name }}!"),
    "another language": lambda desk, _: desk.write("Bore da", language="cy"),
    "a language less": lambda desk, _: content.remove_variant(
        desk.session, desk.now, desk.item, channel="email", language="ar", author="ann"
    ),
    "data": lambda desk, _: content.change(desk.session, desk.now, desk.item, author="ann", data={"a": 1}),
    "one recipient more": add_recipient,
    "one channel more": add_channel,
    "the ceiling": lambda desk, message: messages.edit(desk.session, desk.now, message, ceiling=10),
    "the time": lambda desk, message: messages.edit(
        desk.session, desk.now, message, at=desk.now + timedelta(minutes=61)
    ),
    "the purpose": lambda desk, message: messages.edit(
        desk.session, desk.now, message, purpose="direct_marketing"
    ),
    "to urgent, which passes quiet periods": lambda desk, message: messages.edit(
        desk.session, desk.now, message, lane="urgent"
    ),
    "how long it is useful": lambda desk, message: messages.edit(
        desk.session, desk.now, message, useful_until_s=60
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_any_edit_of_what_was_approved_asks_again(
    desk: Desk, edit: Callable[[Desk, Message], object]
) -> None:
    """B6, SM13, R35: flip one byte, add one recipient, add one channel."""
    desk.write("صباح الخير", language="ar")
    desk.assure("reviewed")
    message = desk.submitted(at=desk.now + timedelta(hours=1))
    read = approval.digest(desk.session, message)
    messages.decide(desk.session, desk.now, message, digest=read, decision="approved", by="bob")
    assert (message.state, message.held_by) == ("scheduled", [])
    edit(desk, message)
    assert message.state == "waiting"
    assert "approval_stale" in [one["kind"] for one in message.held_by]
    with pytest.raises(Stale):
        messages.decide(desk.session, desk.now, message, digest=read, decision="approved", by="bob")
    approve(desk, message)
    assert message.state == "scheduled"


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_at_light_an_edit_goes_straight_on_with_the_authors_approval(
    desk: Desk, edit: Callable[[Desk, Message], object]
) -> None:
    """B5"""
    desk.write("صباح الخير", language="ar")
    message = desk.submitted(at=desk.now + timedelta(hours=1))
    before = message.approved_digest
    edit(desk, message)
    assert message.state == "scheduled" and message.approved_digest != before
    assert [one.by for one in approval.history(desk.session, message)][-1] == "ann"
    assert message.approved_digest == approval.digest(desk.session, message)


def test_what_the_approval_does_not_cover_may_change(desk: Desk) -> None:
    """B6: not the name, not the lane unless it is urgent, and not who is in the segment today."""
    desk.assure("reviewed")
    segment = segments.create(
        desk.session, desk.now, programme_id=desk.programme.id, name="All", rule={"all": []}
    )
    message = desk.submitted(segment_id=segment.id, at=desk.now + timedelta(hours=1))
    approve(desk, message)
    messages.edit(desk.session, desk.now, message, name="Another name", lane="bulk")
    messages.edit(desk.session, desk.now, message, lane="transactional")
    for name in ("Ali", "Siân"):
        person = people.create(desk.session, desk.now, kind="person", name=name)
        people.involve(desk.session, desk.now, person.id, desk.programme.id)
    messages.settle(desk.session, desk.now, message)
    assert message.state == "scheduled"


def test_another_rule_of_the_segment_asks_again(desk: Desk) -> None:
    """B6"""
    desk.assure("reviewed")
    segment = segments.create(
        desk.session, desk.now, programme_id=desk.programme.id, name="All", rule={"all": []}
    )
    message = desk.submitted(segment_id=segment.id)
    approve(desk, message)
    segments.change(
        desk.session, segment, desk.now, rule={"all": [{"field": "kind", "op": "is", "value": "person"}]}
    )
    assert messages.using(desk.session, segment_id=segment.id) == [message]
    messages.settle(desk.session, desk.now, message)
    assert [one["kind"] for one in message.held_by] == ["approval_stale"] and message.state == "waiting"


@pytest.mark.parametrize("level", ["reviewed", "agreed"])
def test_nobody_who_wrote_any_of_it_approves_it(desk: Desk, level: str) -> None:
    """B6, SM13, A10: the author, the author of a variant, and whoever edited and then approves."""
    desk.assure(level)
    desk.write("Bore da", language="cy", author="cat")
    content.change(desk.session, desk.now, desk.item, author="dee", data={"a": 1})
    message = desk.submitted()
    messages.edit(desk.session, desk.now, message, by="eve", lane="urgent")
    content.remove_variant(desk.session, desk.now, desk.item, channel="email", language="cy", author="fay")
    for by in ("ann", "dee", "eve", "fay"):
        with pytest.raises(FourEyes):
            approve(desk, message, by)
    with pytest.raises(FourEyes):
        desk.write("Bore da", language="cy", author="cat")
        approve(desk, message, "cat")
    approve(desk, message, "bob")
    assert approval.standing(desk.session, message) == "approved"


def test_who_puts_two_languages_together_takes_nobodys_place(desk: Desk) -> None:
    """B6, A10: the writer of the data is still one, and whoever put it together has become one."""
    desk.assure("reviewed")
    desk.write("Bore da", language="cy")
    content.change(desk.session, desk.now, desk.item, author="dee", data={"a": 1})
    message = desk.submitted()
    messages.put_together(desk.session, desk.now, message, ["cy", "en"], by="gil")
    for by in ("dee", "gil"):
        with pytest.raises(FourEyes):
            approve(desk, message, by)
    approve(desk, message, "bob")


def test_at_light_the_author_decides(desk: Desk) -> None:
    """B5: one person alone gets through."""
    message = desk.submitted()
    assert message.state == "scheduled"
    [own] = approval.history(desk.session, message)
    assert (own.by, own.decision, own.digest) == ("ann", "approved", message.approved_digest)


def test_a_refusal_is_named_with_its_reason_and_may_be_turned(desk: Desk) -> None:
    """B5"""
    desk.assure("reviewed")
    message = desk.submitted()
    read = approval.digest(desk.session, message)
    with pytest.raises(BadField) as silent:
        messages.decide(desk.session, desk.now, message, digest=read, decision="refused", by="bob")
    assert silent.value.pointer == "/reason"
    messages.decide(
        desk.session, desk.now, message, digest=read, decision="refused", by="bob", reason="Too long"
    )
    [obstacle] = message.held_by
    assert obstacle["refused_by"] == "bob" and "Too long" in obstacle["detail"] and message.state == "waiting"
    approve(desk, message, "cat")
    assert message.state == "scheduled"
    messages.decide(
        desk.session, desk.now, message, digest=read, decision="refused", by="bob", reason="Still"
    )
    assert message.state == "waiting"


def test_a_refusal_at_light_is_not_overruled_by_itself(desk: Desk) -> None:
    message = desk.submitted()
    read = approval.digest(desk.session, message)
    messages.decide(desk.session, desk.now, message, digest=read, decision="refused", by="bob", reason="No")
    desk.write("Other words")
    messages.settle(desk.session, desk.now, message)
    assert message.state == "waiting"
    messages.submit(desk.session, desk.now, message)
    assert message.state == "scheduled"


def test_what_is_not_waiting_is_not_decided(desk: Desk) -> None:
    message = desk.message()
    with pytest.raises(Conflict):
        approve(desk, message)
    messages.move(desk.session, message, "cancelled", desk.now)
    with pytest.raises(Conflict):
        approve(desk, message)
    waiting = desk.submitted()
    with pytest.raises(BadField):
        messages.decide(desk.session, desk.now, waiting, digest="", decision="maybe", by="bob")


def test_raising_the_assurance_counts_for_what_is_not_yet_approved(desk: Desk) -> None:
    """B5"""
    sent, draft = desk.submitted(), desk.message()
    desk.assure("reviewed")
    messages.settle(desk.session, desk.now, sent)
    messages.submit(desk.session, desk.now, draft)
    assert (sent.state, draft.state) == ("scheduled", "waiting")
    programmes.set_assurance(desk.session, desk.now, desk.programme, "light", "Alone again")
    messages.settle(desk.session, desk.now, draft)
    assert draft.state == "waiting"
    messages.submit(desk.session, desk.now, draft)
    assert draft.state == "scheduled"


def test_approved_template_words_need_no_second_approval_whatever_the_data(desk: Desk) -> None:
    """B6: transactional mail; one variant with words of its own is enough to need it."""
    desk.assure("reviewed")
    template = templates.create(desk.session, desk.now, name="T", programme_id=desk.programme.id)
    version = templates.new_version(desk.session, desk.now, template, author="ann", text="At {{ data.at }}")
    desk.write(text="", subject="", template_version_id=version.id)
    content.change(desk.session, desk.now, desk.item, author="robot", data={"at": "10:00"})
    message = desk.submitted()
    assert message.state == "waiting"
    templates.approve(desk.session, desk.now, version, "bob")
    assert messages.using(desk.session, template_version_id=version.id) == [message]
    messages.settle(desk.session, desk.now, message)
    assert message.state == "scheduled"
    content.change(desk.session, desk.now, desk.item, author="robot", data={"at": "11:00"})
    assert message.state == "scheduled"
    desk.write("Own words", language="cy")
    assert message.state == "waiting"
