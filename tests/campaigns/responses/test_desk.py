"""The desk: who deals with what came back, until when we promised, and decisions that can be taken back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import holidays
from campaigns.delivery.tables import DeliveryEvent
from campaigns.errors import AlreadyDone, BadField, BadTime, Conflict
from campaigns.responses import answers, decisions, desk, promise, saved
from campaigns.responses.tables import Identity, Response, ResponseCall, ResponseCandidate
from campaigns.strategies import strategies
from campaigns.strategies.tables import Strategy

from .conftest import World

ALWAYS: dict[str, Any] = {
    "zone": "UTC", "opens": 0, "closes": 1440, "weekdays": range(7), "bank_holidays": "", "days_off": [],
    "urgent_to": [], "by": "usr_1",
}  # fmt: skip
MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)


def mail(world: World, sender: str = "gwen@example.org", **values: Any) -> Response:
    return world.response(world.event("reply", sender=sender, **{"text": "When is it?", **values}))


def ids(rows: Any) -> set[int]:
    return {row.id for row in rows}


def shown(session: Session, world: World, name: str, who: str = "usr_me") -> set[int]:
    return set(session.scalars(select(Response.id).where(*desk.folder(name, world.now, who))))


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        (datetime(2026, 11, 2, 9, tzinfo=UTC), 60, datetime(2026, 11, 2, 10, tzinfo=UTC)),
        # Friday afternoon: the weekend does not count
        (datetime(2026, 11, 6, 16, 30, tzinfo=UTC), 60, datetime(2026, 11, 9, 9, 30, tzinfo=UTC)),
        # before the day begins
        (datetime(2026, 11, 2, 3, tzinfo=UTC), 480, datetime(2026, 11, 2, 17, tzinfo=UTC)),
        # Christmas 2026: Friday, its Monday substitute for Boxing Day
        (datetime(2026, 12, 24, 16, tzinfo=UTC), 120, datetime(2026, 12, 29, 10, tzinfo=UTC)),
        # summer time ends on Sunday: nine o'clock stays nine o'clock
        (datetime(2026, 10, 23, 15, 30, tzinfo=UTC), 60, datetime(2026, 10, 26, 9, 30, tzinfo=UTC)),
    ],
)
def test_a_promise_is_counted_in_the_hours_that_are_kept(
    start: datetime, minutes: int, end: datetime
) -> None:
    """F8"""
    assert promise.Hours().after(start, minutes) == end


def test_days_off_do_not_count() -> None:
    hours = promise.Hours(days_off=("2026-11-03",))
    assert hours.after(datetime(2026, 11, 2, 16, tzinfo=UTC), 120) == datetime(2026, 11, 4, 10, tzinfo=UTC)


def test_the_bank_holidays_are_those_of_england_and_wales() -> None:
    assert {
        date(2027, 3, 26),
        date(2027, 3, 29),
        date(2027, 5, 3),
        date(2027, 12, 27),
        date(2027, 12, 28),
    } <= (holidays.bank_holidays(2027))
    assert date(2027, 12, 25) not in holidays.bank_holidays(2027) or date(2027, 12, 25).weekday() < 5


def test_only_lines_of_the_promised_shape_are_promises() -> None:
    text = "We answer kindly.\nemail reply: 4 h / 2 d\n*: 1d/5d\nemail: soon"
    assert promise.read(text) == [
        promise.Rule("email", "reply", "4h", "2d"),
        promise.Rule("*", "*", "1d", "5d"),
    ]


def test_the_line_that_names_more_wins() -> None:
    rules = tuple(promise.read("*: 1d/5d\nemail: 4h/2d\nemail reply: 2h/1d\n* mention: 1h/1d"))
    terms = promise.Terms(rules, promise.Hours())
    found = {
        (channel, kind): terms.of(channel, kind)
        for channel in ("email", "x")
        for kind in ("reply", "mention")
    }
    assert {pair: rule.first for pair, rule in found.items() if rule} == {
        ("email", "reply"): "2h", ("email", "mention"): "1h", ("x", "reply"): "1d", ("x", "mention"): "1h",
    }  # fmt: skip


def test_the_clock_runs_nears_its_end_and_is_overdue(session: Session, world: World) -> None:
    """F8: computed from when it came, never stored."""
    promise.put(session, world.now, promise.EVERYWHERE, rules="*: 4h/2d", **ALWAYS)
    row = mail(world)
    states = []
    for passed in (0, 3.5, 4.5):
        states.append(promise.Desk(session).clock(world.now + timedelta(hours=passed), row).state)
    assert states == ["running", "near", "overdue"]
    row.answered_at = world.now + timedelta(hours=2)
    clock = promise.Desk(session).clock(world.now + timedelta(hours=5), row)
    assert (clock.state, clock.waits_for, clock.due) == ("running", "whole", row.at + timedelta(days=2))
    row.closed_at = world.now + timedelta(hours=6)
    assert promise.Desk(session).clock(world.now, row).state == "kept"
    row.answered_at = world.now + timedelta(hours=5)
    assert promise.Desk(session).clock(world.now, row).state == "missed"


def test_what_no_person_wrote_has_no_clock(session: Session, world: World) -> None:
    world.person("Gwen", "gwen@example.org")
    row = world.response(world.event("auto_reply", sender="gwen@example.org"))
    assert promise.Desk(session).clock(world.now, row).state == "none"
    assert row.id not in shown(session, world, "open") and row.id in shown(session, world, "apart")


def test_the_strategy_in_force_for_the_message_makes_the_promise(session: Session, world: World) -> None:
    """F8: per strategy, channel and kind; else the programme's own."""
    gwen = world.person("Gwen", "gwen@example.org")
    delivery = world.delivery(gwen)
    promise.put(session, world.now, world.programme.id, rules="*: 8h/5d", **ALWAYS)
    answer = mail(world, references=world.thread(delivery))
    assert answer.message_id == delivery.message_id
    assert promise.Desk(session).clock(world.now, answer).first_due == answer.at + timedelta(hours=8)
    strategy = session.get_one(Strategy, world.version.strategy_id)
    body = {"response_rules": "We answer in Welsh.\nemail reply: 1 h / 2 h\nx: 9h/9h"}
    strategies.new_version(session, world.now, strategy, body, "ann")
    assert promise.Desk(session).clock(world.now, answer).first_due == answer.at + timedelta(hours=1)


def test_a_promise_that_nobody_understands_is_refused(session: Session, world: World) -> None:
    for values, pointer in (
        ({"rules": "email: soon"}, "/rules"), ({"rules": "*: 1d/2d", "closes": 0}, "/closes"),
        ({"rules": "*: 1d/2d", "weekdays": []}, "/weekdays"), ({"rules": "*: 1d/2d", "zone": "Mars/Base"}, "/zone"),
        ({"rules": "*: 1d/2d", "days_off": ["Easter"]}, "/days_off"),
    ):  # fmt: skip
        with pytest.raises(BadField) as refused:
            promise.put(session, world.now, 0, **{**ALWAYS, **values})
        assert refused.value.pointer == pointer


def test_the_share_kept_counts_only_what_is_decided(session: Session, world: World) -> None:
    promise.put(session, world.now, promise.EVERYWHERE, rules="*: 4h/2d", **ALWAYS)
    in_time, late, open_late, running = (mail(world, f"p{n}@example.org") for n in range(4))
    in_time.answered_at = in_time.at + timedelta(hours=1)
    late.closed_at = late.at + timedelta(hours=9)
    running.at = world.now + timedelta(hours=9)
    now = world.now + timedelta(hours=10)
    rows = [in_time, late, open_late, running]
    weeks = promise.attainment(session, now, rows, "UTC", 3)
    assert [(week.n, week.kept) for week in weeks] == [(0, 0), (0, 0), (3, 1)]
    assert weeks[-1].share == pytest.approx(1 / 3) and weeks[0].share is None


def test_who_is_late_comes_with_the_urgent_first(session: Session, world: World) -> None:
    promise.put(session, world.now, promise.EVERYWHERE, rules="*: 4h/2d", **ALWAYS)
    first, second, third = (mail(world, f"p{n}@example.org") for n in range(3))
    desk.mark_urgent(session, world.now, second, by="usr_1", tell=[])
    desk.close(session, world.now, third, why="done", by="usr_1")
    later = world.now + timedelta(hours=5)
    assert [row.id for row, _clock in desk.overdue(session, later)] == [second.id, first.id]
    assert desk.overdue(session, world.now) == []
    found = desk.waiting(session, later)
    assert (found.count, [row.id for row in found.rows]) == (2, [second.id, first.id])
    desk.take(session, first, "usr_me")
    assert desk.waiting(session, later, who="usr_me").count == 1


def test_folders_hold_what_their_names_say(session: Session, world: World) -> None:
    world.person("Gwen", "gwen@example.org")
    mine, free, sleeping, done = (mail(world, f"{n}@example.org") for n in ("gwen", "a", "b", "c"))
    desk.take(session, mine, "usr_me")
    desk.snooze(session, world.now, sleeping, world.now + timedelta(days=1))
    desk.close(session, world.now, done, why="thanks", by="usr_me")
    assert shown(session, world, "open") == {mine.id, free.id}
    assert shown(session, world, "mine") == {mine.id} and shown(session, world, "nobody") == {free.id}
    assert shown(session, world, "snoozed") == {sleeping.id} and shown(session, world, "done") == {done.id}
    assert shown(session, world, "who") == {free.id, sleeping.id}
    world.later(days=2)
    assert sleeping.id in shown(session, world, "open")


def test_of_two_who_take_an_item_one_is_told(session: Session, world: World) -> None:
    row = mail(world)
    desk.take(session, row, "usr_a")
    desk.take(session, row, "usr_a")
    with pytest.raises(Conflict):
        desk.take(session, row, "usr_b")
    desk.assign(session, row, "usr_b")
    assert row.assignee == "usr_b"


def test_who_writes_again_is_open_again_with_the_colleague_who_had_them(
    session: Session, world: World
) -> None:
    """L10"""
    first, second = mail(world), mail(world)
    desk.take(session, second, "usr_a")
    desk.snooze(session, world.now, second, world.now + timedelta(days=3))
    desk.close(session, world.now, first, why="done", by="usr_a")
    again = mail(world)
    assert second.snoozed_until_at is None and again.assignee == "usr_a"
    assert again.id in shown(session, world, "open")
    assert desk.wrote_again(session, [first, again]) == {again.id}
    other = mail(world, "somebody.else@example.org")
    assert other.assignee is None


def test_a_robot_wakes_nothing(session: Session, world: World) -> None:
    row = mail(world)
    desk.snooze(session, world.now, row, world.now + timedelta(days=3))
    world.response(world.event("auto_reply", sender="gwen@example.org"))
    assert row.snoozed_until_at is not None


def test_closing_the_last_closes_what_they_wrote_before_and_nothing_urgent(
    session: Session, world: World
) -> None:
    first, urgent, last = mail(world), mail(world), mail(world)
    other = mail(world, "other@example.org")
    desk.mark_urgent(session, world.now, urgent, by="usr_a", tell=[])
    assert desk.close(session, world.now, last, why="done", by="usr_a") == 2
    session.refresh(first)
    assert (first.closed_why, urgent.closed_at, other.closed_at) == ("together", None, None)
    with pytest.raises(AlreadyDone):
        desk.close(session, world.now, last, why="done", by="usr_a")
    with pytest.raises(BadField):
        desk.close(session, world.now, other, why="bored", by="usr_a")
    desk.reopen(session, last)
    assert last.closed_at is None and last.closed_why is None


def test_an_answer_answers_what_they_wrote_before(session: Session, world: World) -> None:
    world.person("Gwen", "gwen@example.org")
    first, last = mail(world), mail(world)
    answers.answer(session, world.now, last, text="On Monday.", author="usr_a")
    desk.write(session, world.now, last, "usr_a", "On Monday.")
    desk.answered(session, world.now, last, by="usr_a", keep_open=True)
    session.refresh(first)
    assert first.answered_at == world.now and last.closed_at is None and last.assignee == "usr_a"
    assert desk.drafts(session, [last.id]) == []
    assert shown(session, world, "kept") == {first.id, last.id}
    desk.answered(session, world.now, last, by="usr_a", keep_open=False)
    assert last.closed_why == "answered"


def test_a_second_answer_goes_only_on_purpose(session: Session, world: World) -> None:
    """L10: sending while a colleague has just answered asks once more."""
    world.person("Gwen", "gwen@example.org")
    row = mail(world)
    first = answers.answer(session, world.now, row, text="On Monday.", author="usr_a")
    with pytest.raises(AlreadyDone):
        answers.answer(session, world.now, row, text="At nine.", author="usr_b")
    second = answers.answer(session, world.now, row, text="At nine.", author="usr_b", again=True)
    assert {first.answers_id, second.answers_id} == {row.id} and first.id != second.id


def test_snoozing_into_the_past_is_refused(session: Session, world: World) -> None:
    with pytest.raises(BadTime):
        desk.snooze(session, world.now, mail(world), world.now)


def test_an_urgent_item_calls_whoever_is_named(session: Session, world: World) -> None:
    """L10: one key for urgent harm."""
    row = mail(world)
    desk.close(session, world.now, row, why="spam", by="usr_a")
    desk.mark_urgent(session, world.now, row, by="usr_a", tell=["usr_c", "usr_b", "usr_b"])
    assert row.urgent_at == world.now and row.closed_at is None
    assert set(session.scalars(select(ResponseCall.who))) == {"usr_b", "usr_c"}
    assert shown(session, world, "called", "usr_b") == {row.id}
    with pytest.raises(AlreadyDone):
        desk.mark_urgent(session, world.now, row, by="usr_a", tell=[])
    desk.unmark_urgent(session, row)
    assert row.urgent_at is None


def test_notes_name_their_author_and_whom_they_call(session: Session, world: World) -> None:
    row = mail(world)
    desk.note(session, world.now, row, "She rang as well.", by="usr_a", calls=["usr_b"])
    ((note, calls),) = desk.notes(session, row)
    assert (note.by, note.text, calls) == ("usr_a", "She rang as well.", ["usr_b"])
    with pytest.raises(BadField):
        desk.note(session, world.now, row, "  ", by="usr_a")


def test_labels_are_one_in_any_capitals(session: Session, world: World) -> None:
    one, two = mail(world, "a@example.org"), mail(world, "b@example.org")
    assert desk.label(session, world.now, one, " Parking ", "usr_a") == "Parking"
    assert desk.label(session, world.now, two, "parking", "usr_b") == "Parking"
    desk.label(session, world.now, two, "PARKING", "usr_b")
    assert desk.labels(session, [one.id, two.id]) == {one.id: ["Parking"], two.id: ["Parking"]}
    assert desk.labels_in_use(session) == ["Parking"]
    desk.unlabel(session, one, "parking")
    assert desk.labels(session, [one.id]) == {one.id: []}


def test_a_sentiment_is_one_of_four_and_can_be_taken_back(session: Session, world: World) -> None:
    row = mail(world)
    desk.feel(session, row, "negative", "usr_a")
    assert (row.sentiment, row.sentiment_by) == ("negative", "usr_a")
    with pytest.raises(BadField):
        desk.feel(session, row, "angry", "usr_a")
    desk.feel(session, row, "", "usr_a")
    assert row.sentiment is None


def test_who_is_writing_is_seen_for_a_while_and_anew_when_they_come_back(
    session: Session, world: World
) -> None:
    """L10: who is replying."""
    row = mail(world)
    first = desk.write(session, world.now, row, "usr_a", "Dear")
    number = first.id
    assert desk.at_it(world.now + timedelta(minutes=2), first)
    assert not desk.at_it(world.now + timedelta(minutes=4), first)
    assert desk.write(session, world.now + timedelta(minutes=2), row, "usr_a", "Dear Gwen").id == number
    assert desk.write(session, world.now + timedelta(minutes=30), row, "usr_a", "Dear Gwen,").id != number
    assert [draft.text for draft in desk.drafts(session, [row.id])] == ["Dear Gwen,"]


def test_a_decision_moves_earlier_items_and_undoing_it_moves_them_back(
    session: Session, world: World
) -> None:
    """F13"""
    gwen = world.person("Gwen", "gwen@work.example")
    early, late = mail(world), mail(world)
    made = decisions.decide(session, world.now, late, gwen.id, "usr_a")
    session.refresh(early)
    assert {one["id"] for one in made.before} == {early.id, late.id}
    assert early.stakeholder_id == late.stakeholder_id == gwen.id
    decisions.undo(session, world.now, late, "usr_b")
    assert early.stakeholder_id is None and late.matched_by is None
    assert session.scalars(select(Identity.confidence)).all() == [0]
    assert (made.undone_by, decisions.latest(session, late)) == ("usr_b", None)
    assert mail(world).stakeholder_id is None
    with pytest.raises(AlreadyDone):
        decisions.undo(session, world.now, late, "usr_b")


def test_undoing_restores_the_record_it_was_on_and_the_candidates(session: Session, world: World) -> None:
    gwen, huw = world.person("Gwen", "gwen@example.org"), world.person("Huw", "huw@example.org")
    delivery = world.delivery(huw)
    known = mail(world)
    assert known.stakeholder_id == gwen.id and known.matched_by == "address"
    decisions.decide(session, world.now, known, huw.id, "usr_a")
    decisions.undo(session, world.now, known, "usr_a")
    assert (known.stakeholder_id, known.matched_by) == (gwen.id, "address")
    forwarded = mail(world, "new@example.org", references=world.thread(delivery))
    assert forwarded.stakeholder_id is None
    decisions.decide(session, world.now, forwarded, huw.id, "usr_a")
    assert session.scalars(select(DeliveryEvent.kind)).all() == ["replied"]
    decisions.undo(session, world.now, forwarded, "usr_a")
    assert session.scalars(select(DeliveryEvent.kind)).all() == []
    found = select(ResponseCandidate.stakeholder_id).where(ResponseCandidate.response_id == forwarded.id)
    assert session.scalars(found).all() == [huw.id]


def test_a_decision_that_was_answered_on_is_not_undone(session: Session, world: World) -> None:
    gwen = world.person("Gwen")
    row = mail(world)
    decisions.decide(session, world.now, row, gwen.id, "usr_a")
    answers.answer(session, world.later(minutes=1), row, text="On Monday.", author="usr_a")
    with pytest.raises(Conflict):
        decisions.undo(session, world.now, row, "usr_a")


def test_a_newer_decision_stays(session: Session, world: World) -> None:
    gwen, huw = world.person("Gwen"), world.person("Huw")
    first, second = mail(world), mail(world)
    decisions.decide(session, world.now, first, gwen.id, "usr_a")
    decisions.decide(session, world.later(minutes=1), second, huw.id, "usr_b")
    decisions.undo(session, world.later(minutes=1), first, "usr_a")
    assert second.stakeholder_id == huw.id
    assert mail(world).stakeholder_id == huw.id


def test_saved_replies_come_in_the_wanted_language_first(session: Session, world: World) -> None:
    """L10"""
    for language, text in (("cy", "Diolch, {name}."), ("en", "Thank you, {name}. {{ x }}")):
        saved.add(
            session, world.now, programme_id=None, name="Thanks", language=language, text=text, author="a"
        )
    elsewhere = saved.add(
        session, world.now, programme_id=77, name="Other", language="en", text="No", author="a"
    )
    english, welsh = saved.offered(session, {world.programme.id}, "en-GB")
    assert (english.language, welsh.language) == ("en", "cy")
    assert saved.filled(english, "Gwen") == "Thank you, Gwen. {{ x }}"
    assert elsewhere in saved.offered(session, None)
    saved.remove(session, world.now, english)
    assert saved.offered(session, set()) == [welsh]


def test_the_language_of_an_answer_is_found_by_filter(session: Session, world: World) -> None:
    """L10: routing by language."""
    world.person("Gwen", "gwen@example.org", languages=["cy"])
    welsh, said_so = mail(world), mail(world, "x@example.org", language="cy-GB")
    neither = mail(world, "y@example.org")
    found = desk.in_language(select(Response), "cy")
    assert ids(session.scalars(found)) == {welsh.id, said_so.id} and neither.id not in {welsh.id}


def test_a_thread_is_everything_one_person_wrote(session: Session, world: World) -> None:
    gwen = world.person("Gwen", "gwen@example.org")
    mine = [mail(world), mail(world)]
    strange = mail(world, "x@example.org")
    assert [row.id for row in desk.thread(session, mine[1])] == [row.id for row in mine]
    assert [row.id for row in desk.thread(session, strange)] == [strange.id]
    decisions.decide(session, world.now, strange, gwen.id, "usr_a")
    assert len(desk.thread(session, mine[0])) == 3
