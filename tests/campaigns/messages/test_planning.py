"""Tests of planning: queue times, promises, quiet periods, what is too close or too alike, and the mix."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from campaigns.delivery.tables import Account
from campaigns.errors import AlreadyDone, BadField, BadTime, Conflict
from campaigns.messages import alike, approval, content, messages, mix, planning, quiet, rhythm, slots
from campaigns.messages.tables import Media, Message
from campaigns.stakeholders import segments
from campaigns.strategies import programmes, strategies

from .conftest import Desk

LONDON = "Europe/London"


def kinds(message: Message) -> list[str]:
    return [one["kind"] for one in message.held_by]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def period(desk: Desk, **values: Any) -> Any:
    usual: dict[str, Any] = {
        "name": "Before the election", "reason": "the law asks for it", "by": "ann",
        "from_at": desk.now + timedelta(days=1), "until_at": desk.now + timedelta(days=9),
    }  # fmt: skip
    return quiet.begin(desk.session, desk.now, **usual | values)


def everyone(desk: Desk) -> int:
    made = segments.create(
        desk.session, desk.now, programme_id=desk.programme.id, name="Everyone", rule={"all": []}
    )
    return made.id


def post_account(desk: Desk, name: str = "Our page", **limits: Any) -> Account:
    made = Account(
        connector="simulator", name=name, channel="post", broadcast=True, limits=limits,
        repeats={"kind": "keyed"}, created_at=desk.now, updated_at=desk.now,
    )  # fmt: skip
    desk.session.add(made)
    desk.session.flush()
    return made


def post(desk: Desk, account: Account, text: str, when: datetime, **values: Any) -> Message:
    item = content.create(desk.session, desk.now, desk.programme.id, "A post", author="ann")
    content.save_variant(
        desk.session, desk.now, item, channel="post", language="en", author="ann", text=text,
        media=values.pop("media", ()),
    )  # fmt: skip
    given = {"content_id": item.id, "accounts": [(account.id, "post")], "recipients": [], "at": when}
    return desk.submitted(**given | values)


# --- quiet periods ------------------------------------------------------------------------------------------------


def test_a_quiet_period_holds_what_would_go_in_it_and_lets_it_go_afterwards(desk: Desk) -> None:
    """C6: held at once and by name, nobody left out, and it goes by itself."""
    inside = desk.submitted(at=desk.now + timedelta(days=2))
    after = desk.submitted(at=desk.now + timedelta(days=10))
    period(desk)
    assert (inside.state, kinds(inside), after.state) == ("held", ["quiet_period"], "scheduled")
    assert inside.held_by[0]["name"] == "Before the election"
    later = desk.submitted(at=desk.now + timedelta(days=3))
    assert later.state == "held"
    messages.settle(desk.session, desk.now + timedelta(days=8), inside)
    assert inside.state == "held"
    messages.settle(desk.session, desk.now + timedelta(days=9), inside)
    assert inside.state == "scheduled"


def test_a_quiet_period_that_is_ended_lets_everything_go_at_once_and_only_once(desk: Desk) -> None:
    inside = desk.submitted(at=desk.now + timedelta(days=2))
    made = period(desk)
    quiet.end(desk.session, desk.now, made, by="bob", why="the election was put off")
    assert inside.state == "scheduled" and made.ended_by == "bob"
    with pytest.raises(AlreadyDone):
        quiet.end(desk.session, desk.now, made, by="bob", why="again")


def test_a_quiet_period_of_a_programme_reaches_what_lies_under_it_and_nothing_else(desk: Desk) -> None:
    child = programmes.create(
        desk.session, desk.now, name="A walk", starts_on=date(2026, 2, 1), parent_id=desk.programme.id
    )
    other = programmes.create(desk.session, desk.now, name="Swimming", starts_on=date(2026, 1, 1))
    period(desk, programme_id=desk.programme.id)
    inside = desk.submitted(at=desk.now + timedelta(days=2), programme_id=child.id)
    item = content.create(desk.session, desk.now, other.id, "Swim", author="ann")
    content.save_variant(
        desk.session, desk.now, item, channel="email", language="en", author="ann", text="Swim"
    )
    outside = desk.submitted(at=desk.now + timedelta(days=2), programme_id=other.id, content_id=item.id)
    assert (inside.state, outside.state) == ("held", "scheduled")


def test_a_quiet_period_may_let_service_and_urgent_messages_through(desk: Desk) -> None:
    period(desk, except_service=True, except_urgent=True)
    when = desk.now + timedelta(days=2)
    service = desk.submitted(at=when)
    urgent = desk.submitted(at=when, purpose="survey", lane="urgent")
    neither = desk.submitted(at=when, purpose="survey")
    assert [one.state for one in (service, urgent, neither)] == ["scheduled", "scheduled", "held"]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"reason": "  "}, BadField),
        ({"name": ""}, BadField),
        ({"until_at": at("2020-01-01"), "from_at": at("2019-01-01")}, BadTime),
        ({"until_at": at("2030-01-01"), "from_at": at("2030-01-01")}, BadTime),
    ],
)
def test_a_quiet_period_needs_a_name_a_reason_and_an_end(
    desk: Desk, values: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        period(desk, **values)


# --- queue times --------------------------------------------------------------------------------------------------


def test_the_next_queue_time_is_the_first_at_which_nothing_stands(desk: Desk) -> None:
    """C6."""
    now = at("2026-11-09T12:00")  # a Monday
    for weekday, wall in ((1, "09:00"), (3, "17:30")):
        slots.add(desk.session, now, desk.account.id, weekday, wall, LONDON)
    first = slots.next_slot(desk.session, now, [desk.account.id])
    assert first is not None and (first.wall, first.zone) == ("2026-11-10T09:00:00", LONDON)
    desk.message(at=first.at)  # a draft takes its place too
    second = slots.next_slot(desk.session, now, [desk.account.id])
    assert second is not None and second.wall == "2026-11-12T17:30:00"
    assert slots.next_slot(desk.session, now, [desk.account.id + 1]) is None


def test_a_queue_time_stays_at_its_hour_when_the_clocks_change(desk: Desk) -> None:
    """R24, R25."""
    slots.add(desk.session, desk.now, desk.account.id, 6, "09:00", LONDON)
    winter = slots.next_slot(desk.session, at("2026-03-21T12:00"), [desk.account.id])
    summer = slots.next_slot(desk.session, at("2026-03-28T12:00"), [desk.account.id])
    assert winter is not None and winter.at == at("2026-03-22T09:00")
    assert summer is not None and summer.at == at("2026-03-29T08:00")
    slots.add(desk.session, desk.now, desk.account.id, 6, "01:30", LONDON)
    missing = slots.next_slot(desk.session, at("2026-03-28T12:00"), [desk.account.id])
    assert missing is not None and (missing.at, missing.wall) == (
        at("2026-03-29T01:00"),
        "2026-03-29T02:00:00",
    )


def test_a_queue_time_in_a_quiet_period_is_passed_over(desk: Desk) -> None:
    slots.add(desk.session, desk.now, desk.account.id, 1, "09:00", LONDON)
    draft = desk.message()
    free = slots.next_slot(desk.session, desk.now, [desk.account.id], message=draft)
    assert free is not None
    period(desk, from_at=free.at - timedelta(hours=1), until_at=free.at + timedelta(hours=1))
    later = slots.next_slot(desk.session, desk.now, [desk.account.id], message=draft)
    assert later is not None and later.at > free.at + timedelta(days=6)


@pytest.mark.parametrize(
    ("weekday", "wall", "zone"),
    [
        (7, "09:00", LONDON),
        (-1, "09:00", LONDON),
        (1, "9:00", LONDON),
        (1, "24:00", LONDON),
        (1, "09:00", "EST"),
    ],
)
def test_a_queue_time_that_is_none_is_refused(desk: Desk, weekday: int, wall: str, zone: str) -> None:
    """R26."""
    with pytest.raises((BadField, BadTime)):
        slots.add(desk.session, desk.now, desk.account.id, weekday, wall, zone)


def test_a_queue_time_stands_once(desk: Desk) -> None:
    slots.add(desk.session, desk.now, desk.account.id, 1, "09:00", LONDON)
    with pytest.raises(Conflict):
        slots.add(desk.session, desk.now, desk.account.id, 1, "09:00", LONDON)


# --- promises -----------------------------------------------------------------------------------------------------


@pytest.fixture
def promised(desk: Desk) -> Any:
    """Two mails a week from the programme's own strategy, with a warning three days ahead."""
    strategy = strategies.create(
        desk.session, desk.now, programme_id=desk.programme.id, segment_id=None, name="For all"
    )
    strategies.new_version(
        desk.session, desk.now, strategy, {"purpose": "service", "default_language": "en"}, "ann"
    )
    return rhythm.promise(desk.session, desk.now, strategy, "email", times=2, warn_days=3, zone=LONDON)


def states_of(desk: Desk, given: Any, now: datetime, back: int = 1, ahead: int = 2) -> list[str]:
    return [week.state for week in rhythm.weeks(desk.session, now, [given], back, ahead)[given.id]]


def test_a_promise_is_kept_by_what_went_and_missed_by_what_did_not(desk: Desk, promised: Any) -> None:
    """C7."""
    monday = rhythm.monday(desk.now, LONDON) + timedelta(weeks=2)
    start = datetime(monday.year, monday.month, monday.day, 12, tzinfo=UTC)
    sent = [desk.submitted(at=start + timedelta(days=day)) for day in (0, 1)]
    drafted = desk.message(at=start + timedelta(days=2))
    assert drafted.state == "draft"
    assert states_of(desk, promised, start, 0, 0) == ["kept"]
    after = start + timedelta(days=7)
    assert states_of(desk, promised, after, 1, 0)[0] == "missed"  # planned, and never went
    for message in sent:
        messages.move(desk.session, message, "sending", desk.now)
    assert states_of(desk, promised, after, 1, 0)[0] == "kept"


def test_a_coming_gap_is_told_days_before_and_no_earlier(desk: Desk, promised: Any) -> None:
    """C7: an event N days before."""
    monday = rhythm.monday(desk.now, LONDON) + timedelta(weeks=2)
    midnight = datetime(monday.year, monday.month, monday.day, tzinfo=UTC) - timedelta(hours=1)
    early = {gap.starts_on for gap in rhythm.gaps(desk.session, midnight - timedelta(days=4))}
    told = rhythm.gaps(desk.session, midnight - timedelta(days=2))
    assert monday not in early
    (gap,) = [one for one in told if one.starts_on == monday]
    assert (gap.count, gap.promise.id, gap.strategy.name) == (0, promised.id, "For all")
    for day in (0, 3):
        desk.submitted(at=midnight + timedelta(days=day, hours=12))
    assert monday not in {one.starts_on for one in rhythm.gaps(desk.session, midnight - timedelta(days=2))}


def test_gaps_are_told_of_the_programmes_asked_for_only(desk: Desk, promised: Any) -> None:
    assert rhythm.gaps(desk.session, desk.now, {desk.programme.id})
    assert rhythm.gaps(desk.session, desk.now, {desk.programme.id + 1}) == []


def test_a_promise_made_again_is_changed(desk: Desk, promised: Any) -> None:
    strategy = strategies.get(desk.session, promised.strategy_id)
    again = rhythm.promise(desk.session, desk.now, strategy, "email", times=5, warn_days=1, zone="UTC")
    assert (again.id, again.times, again.version) == (promised.id, 5, 2)


@pytest.mark.parametrize("values", [{"times": 0}, {"times": 51}, {"warn_days": -1}, {"channel": "E Mail"}])
def test_a_promise_nobody_can_keep_is_refused(desk: Desk, promised: Any, values: dict[str, Any]) -> None:
    strategy = strategies.get(desk.session, promised.strategy_id)
    usual: dict[str, Any] = {"channel": "email", "times": 1, "warn_days": 1, "zone": LONDON}
    with pytest.raises(BadField):
        rhythm.promise(desk.session, desk.now, strategy, **usual | values)


# --- what is odd --------------------------------------------------------------------------------------------------


def told(desk: Desk, message: Message) -> set[str]:
    return {one["kind"] for one in planning.warnings(desk.session, message, desk.now)}


def test_two_posts_of_one_account_in_one_minute_are_told_on_both(desk: Desk) -> None:
    """C6."""
    page, when = post_account(desk), desk.now + timedelta(days=1)
    one = post(desk, page, "Come to the library on Friday", when)
    other = post(desk, page, "The swimming pool is closed for a week", when + timedelta(seconds=20))
    assert told(desk, one) == told(desk, other) == {"same_minute"}
    found = planning.look(desk.session, [(one, one.at or when), (other, other.at or when)])
    assert found[one.id][0]["message_id"] == other.id and found[other.id][0]["account_id"] == page.id


def test_two_messages_to_one_group_within_a_day_are_too_close(desk: Desk) -> None:
    """C6."""
    group, when = everyone(desk), desk.now + timedelta(days=1)
    one = desk.submitted(segment_id=group, at=when)
    near = desk.submitted(segment_id=group, at=when + timedelta(hours=23))
    far = desk.submitted(segment_id=group, at=when + timedelta(days=20))
    assert "same_audience" in told(desk, one) & told(desk, near)
    assert told(desk, far) == set()


def test_the_same_words_and_nearly_the_same_words_are_told_within_a_week(desk: Desk) -> None:
    """C13."""
    page, when = post_account(desk), desk.now + timedelta(days=1)
    words = "Free health walks start at the town hall every Saturday morning at ten, all are welcome"
    one = post(desk, page, words, when)
    same = post(desk, page, words.upper() + "! https://example.org/x", when + timedelta(days=2))
    near = post(desk, page, words.replace("ten", "eleven"), when + timedelta(days=3))
    other = post(desk, page, "The library has new opening hours from Monday on", when + timedelta(days=4))
    late = post(desk, page, words, when + timedelta(days=30))
    assert told(desk, one) == {"same_words", "similar_words"}
    assert told(desk, same) == {"same_words", "similar_words"}
    assert told(desk, near) == {"similar_words"}
    assert told(desk, other) == told(desk, late) == set()


def test_words_named_people_get_are_no_repetition(desk: Desk) -> None:
    when = desk.now + timedelta(days=1)
    one, _other = desk.submitted(at=when), desk.submitted(at=when + timedelta(hours=1))
    assert told(desk, one) == set()


def test_nobody_is_told_of_messages_they_may_not_see(desk: Desk) -> None:
    page, when = post_account(desk), desk.now + timedelta(days=1)
    one = post(desk, page, "Come to the library on Friday", when)
    post(desk, page, "Come to the library on Friday", when)
    assert planning.warnings(desk.session, one, desk.now, programmes=set()) == []


def test_what_a_network_refuses_twice_is_on_hold_until_it_has_forgotten(desk: Desk) -> None:
    """C13: refused where the network forbids it; words or time clear it."""
    page, when = post_account(desk, same_within_s=86_400), desk.now + timedelta(days=1)
    first = post(desk, page, "Come to the library on Friday", when)
    again = post(desk, page, "come to the library, on Friday", when + timedelta(hours=3))
    assert (first.state, again.state, kinds(again)) == ("scheduled", "held", ["words_repeated"])
    messages.edit(desk.session, desk.now, again, at=when + timedelta(hours=30))
    assert again.state == "scheduled"
    other = post_account(desk, name="A page that repeats")
    assert post(desk, other, "Come to the library on Friday", when).state == "scheduled"


def test_the_same_words_with_another_picture_are_another_post(desk: Desk) -> None:
    """C13: pictures count, in likeness and where the network forbids to say the same."""
    page, when = post_account(desk, same_within_s=86_400, media_max=4), desk.now + timedelta(days=1)
    red, blue = (shown(desk, colour) for colour in ("red", "blue"))
    words = "Come to the library on Friday"
    post(desk, page, words, when, media=[red])
    other = post(desk, page, words, when + timedelta(hours=1), media=[blue])
    same = post(desk, page, words, when + timedelta(hours=2), media=[red])
    bare = post(desk, page, words, when + timedelta(hours=3))
    assert [kinds(one) for one in (other, same, bare)] == [[], ["words_repeated"], []]
    assert "similar_words" in told(desk, other) and "same_words" in told(desk, same)


def shown(desk: Desk, colour: str) -> int:
    made = Media(
        programme_id=None, kind="picture", name=colour, sha256=colour, type="png", decorative=True, author="ann",
        created_at=desk.now, updated_at=desk.now,
    )  # fmt: skip
    desk.session.add(made)
    desk.session.flush()
    return made.id


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ("Bore da bawb!", "bore DA, bawb", 1.0),
        ("", "", 0.0),
        ("مرحبا بكم في المكتبة", "مرحبا بكم في المكتبة.", 1.0),
        ("one two three four", "five six seven eight", 0.0),
        ("a b c d", "a b c e", 1 / 3),
    ],
)
def test_likeness_counts_runs_of_words(one: str, other: str, share: float) -> None:
    assert alike.likeness([alike.runs(one)], [alike.runs(other)]) == pytest.approx(share)


def test_the_calendar_shows_a_draft_with_a_time_once(desk: Desk) -> None:
    draft = desk.message(at=desk.now + timedelta(days=1))
    messages.edit(desk.session, desk.now, draft, at=desk.now + timedelta(days=2))
    found = desk.session.execute(planning.shown(desk.now, desk.now + timedelta(days=7))).all()
    assert [(message.id, due) for message, due in found] == [(draft.id, desk.now + timedelta(days=2))]


# --- the mix ------------------------------------------------------------------------------------------------------


def test_the_mix_of_a_quarter_tells_what_went_and_what_is_planned_beside_what_was_meant(desk: Desk) -> None:
    """C10."""
    quarter = mix.quarter_of((desk.now + timedelta(days=1)).date())
    mix.tag(desk.session, desk.now, desk.item, "educational")
    went, _planned = (desk.submitted(at=desk.now + timedelta(days=1)) for _ in range(2))
    messages.move(desk.session, went, "sending", desk.now)
    item = content.create(desk.session, desk.now, desk.programme.id, "Untagged", author="ann")
    content.save_variant(desk.session, desk.now, item, channel="email", language="en", author="ann", text="x")
    desk.submitted(at=desk.now + timedelta(days=1), content_id=item.id)
    mix.plan(desk.session, desk.now, desk.programme.id, quarter, {"educational": 70, "recognition": 30})
    found = {one.aim: one for one in mix.mix(desk.session, quarter, LONDON, desk.programme.id)}
    assert found["educational"] == mix.Share("educational", 1, 1, 70)
    assert found["informative"] == mix.Share("informative", 0, 0, 0)
    assert found[None] == mix.Share(None, 0, 1, None)
    assert {one.target for one in mix.mix(desk.session, quarter, LONDON, None)} == {None}


def test_tagging_content_asks_nobody_to_check_again(desk: Desk) -> None:
    desk.assure("reviewed")
    message = desk.submitted(at=desk.now + timedelta(days=1))
    before = approval.digest(desk.session, message)
    mix.tag(desk.session, desk.now, desk.item, "recognition")
    assert approval.digest(desk.session, message) == before


@pytest.mark.parametrize(
    "shares", [{"educational": 90}, {"fun": 100}, {"educational": 150, "recognition": -50}]
)
def test_shares_that_are_none_are_refused(desk: Desk, shares: dict[str, int]) -> None:
    with pytest.raises(BadField):
        mix.plan(desk.session, desk.now, desk.programme.id, "2026-Q4", shares)


def test_a_quarter_knows_its_days() -> None:
    assert mix.days("2026-Q4") == (date(2026, 10, 1), date(2027, 1, 1))
    assert mix.days("2026-Q1") == (date(2026, 1, 1), date(2026, 4, 1))
    with pytest.raises(BadField):
        mix.days("2026-Q5")
