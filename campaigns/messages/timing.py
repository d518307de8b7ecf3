"""How a message goes out over time: what was chosen, and the times of one that recurs, each of which is a row.

Rules: a time is a row, unique on message and wall time, made once whoever asks; what was moved or called off stays so
when more are made. The rule and what was moved are part of what is approved. Of several times that came before the
message could go, the last one goes.
Source: C12, E1, E3.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, insert, select, update
from sqlalchemy.orm import Session, aliased

from ..base import micros, new_id
from ..errors import AlreadyDone, BadField, BadTime, Conflict, said
from . import calendar, recurrence
from .tables import Message, Occurrence, Timing

# Times are made so far ahead, and at least the next; more when less than half of it is left.
AHEAD = timedelta(days=60)
CHOICES = {
    "passed": ("at_once", "next_day"), "missed": ("late", "skip", "hold"),
    "asks": ("answered", "not_answered", "clicked", "not_clicked"),
}  # fmt: skip
USUAL: dict[str, Any] = {
    "rule": None, "own_zone": False, "passed": "at_once", "missed": "late", "late_s": 86_400,
    "first_share": None, "then_s": 3600, "bounced_pm": 50, "complained_pm": 3,
    "after_id": None, "asks": "not_answered", "after_s": 604_800,
}  # fmt: skip
GOING = ("waiting", "scheduled", "held", "sending", "paused")


def of(session: Session, message: Message) -> Timing | None:
    """How this message goes out over time; None for one instant."""
    return session.get(Timing, message.id)


def recurs(session: Session, message: Message) -> bool:
    """Whether it goes out more than once."""
    found = of(session, message)
    return found is not None and found.rule is not None


def recurring(session: Session, message_ids: Collection[int]) -> set[int]:
    """Which of these messages go out more than once."""
    found = select(Timing.message_id).where(Timing.message_id.in_(message_ids), Timing.rule.is_not(None))
    return set(session.scalars(found))


def follows(session: Session, message: Message) -> bool:
    """Whether it follows another message up, and so has no time before that is finished."""
    found = of(session, message)
    return found is not None and found.after_id is not None


def choose(session: Session, message: Message, values: Mapping[str, Any]) -> None:
    """Change what is named, of the names of USUAL. With a `rule` (RFC 5545) the message starts at its first time.

    BadTime where it recurs, or goes by everybody's own clock, and nobody has said from when.
    """
    found = of(session, message)
    if found is None:
        if all(value == USUAL[name] for name, value in values.items()):
            return
        found = Timing(message_id=message.id)
        session.add(found)
        session.flush()
    if "rule" in values:
        found.rule = recurrence.read(values["rule"], "/timing/rule").text if values["rule"] else None
        if found.rule is None:
            found.made_to = None
            _forget_planned(session, message, moved=True)
    for name in values.keys() - {"rule"}:
        setattr(found, name, _checked(name, values[name]))
    if found.after_id is not None:
        _check_follows(session, message, found)
    if (found.rule is not None or found.own_zone) and (message.wall is None or message.zone is None):
        raise BadTime("say when it goes out first: a day, a time and a zone", pointer="/send_at")
    if found.rule is not None:
        _start(message, found.rule)
    session.flush()


def agreed(session: Session, message: Message) -> dict[str, Any]:
    """What an approval covers beside the first time: the rule, single times that were moved, whose clock."""
    found = of(session, message)
    if found is None:
        return {}
    own: dict[str, Any] = {"passed": found.passed} if found.own_zone else {}
    if found.after_id:
        own["after"] = [found.after_id, found.asks, found.after_s]
    if found.first_share:
        own["roll_out"] = [found.first_share, found.then_s, found.bounced_pm, found.complained_pm]
    if found.rule is None:
        return own
    moved = _of(message).where(Occurrence.moved_by.is_not(None)).order_by(Occurrence.wall)
    return {
        **own,
        "rule": found.rule,
        "moved": [[one.wall, micros(one.due_at)] for one in session.scalars(moved)],
    }


def plan(session: Session, now: datetime, message: Message) -> None:
    """Make the coming times of a message that recurs anew; what was moved, called off or has gone stays."""
    found = session.get_one(Timing, message.id)
    _forget_planned(session, message)
    _make(session, message, found, now - calendar.PAST_MAX, now + AHEAD)


def make_ahead(session: Session, now: datetime) -> int:
    """Make the next times of every message that has too few before it; of how many messages."""
    short = (
        select(Timing.message_id)
        .join(Message, Message.id == Timing.message_id)
        .where(Timing.made_to < now + AHEAD / 2, Message.state.in_(GOING))
        .order_by(Timing.message_id)
    )
    return sum(_make_more(session, now, message_id) for message_id in session.scalars(short).all())


def overtaken(session: Session, now: datetime) -> list[int]:
    """Times that came before their message could go and after which another came."""
    return list(session.scalars(select(Occurrence.id).where(*_overtaken(now))))


def pass_over(session: Session, now: datetime) -> None:
    """Skip the times that are overtaken."""
    passed = update(Occurrence).where(*_overtaken(now)).values(state="skipped")
    session.execute(passed.execution_options(synchronize_session=False))


def _overtaken(now: datetime) -> list[Any]:
    later = aliased(Occurrence)
    another = select(later.id).where(
        later.message_id == Occurrence.message_id, later.kind == "real", later.due_at > Occurrence.due_at,
        later.due_at <= now, later.state.in_(("planned", "released", "finished")),
    )  # fmt: skip
    ripe = select(Message.id).where(
        Message.id.in_(select(Timing.message_id).where(Timing.rule.is_not(None))),
        Message.state.in_(("scheduled", "sending")),
    )
    return [
        Occurrence.kind == "real", Occurrence.state == "planned", Occurrence.released_to < 0,
        Occurrence.due_at <= now, Occurrence.message_id.in_(ripe), another.exists(),
    ]  # fmt: skip


def goes_on(session: Session, message: Message) -> bool:
    """Whether times are still to be made."""
    found = of(session, message)
    return found is not None and found.made_to is not None


def move(
    session: Session, now: datetime, message: Message, occurrence: Occurrence, at: datetime, by: str
) -> None:
    """Move one time of a message that recurs; the others stay. Its wall time remains the name of it."""
    _untouched(session, message, occurrence)
    calendar.check_range(at, now)
    if session.scalar(_of(message).where(Occurrence.due_at == at, Occurrence.id != occurrence.id)):
        raise Conflict("it goes out at this time already: choose another")
    occurrence.due_at, occurrence.moved_by = at, by
    message.touch(now)
    session.flush()


def call_off(session: Session, now: datetime, message: Message, occurrence: Occurrence) -> None:
    """Call off one time of a message that recurs; the others stay."""
    _untouched(session, message, occurrence)
    occurrence.state = "cancelled"
    message.touch(now)
    session.flush()


def _untouched(session: Session, message: Message, occurrence: Occurrence) -> None:
    if not recurs(session, message):
        raise Conflict("this message goes out once: move it, or cancel it, as a whole")
    if occurrence.kind != "real" or occurrence.state != "planned" or message.state not in ("draft", *GOING):
        raise AlreadyDone("this time is over, or under way: it can no longer be changed")


def _checked(name: str, value: Any) -> Any:
    if name in CHOICES and value not in CHOICES[name]:
        raise BadField(
            said("{field} is one of {choices}", field=name, choices=CHOICES[name]), pointer=f"/timing/{name}"
        )
    if name == "first_share" and value is not None and not 1 <= value <= 99:
        raise BadField("a first part is from 1 to 99 per cent", pointer="/timing/first_share")
    return value


def _check_follows(session: Session, message: Message, found: Timing) -> None:
    """A follow-up has no time of its own, and none that leads back to where it began."""
    if message.at is not None or found.rule is not None:
        raise BadField(
            "a follow-up goes after the other message: leave its own time out", pointer="/timing/after"
        )
    seen, step = {message.id}, found.after_id
    while step is not None:
        if step in seen:
            raise BadField("these messages would follow each other for ever", pointer="/timing/after")
        seen.add(step)
        step = session.scalar(select(Timing.after_id).where(Timing.message_id == step))


def _start(message: Message, rule: str) -> None:
    assert message.wall is not None and message.zone is not None
    when = recurrence.first(recurrence.read(rule), message.wall, message.zone)
    message.at, message.wall, message.zone = when.at, when.wall, when.zone


def _make_more(session: Session, now: datetime, message_id: int) -> bool:
    """Whether some were made; another clock, or somebody who edits it, may have been here first."""
    message = session.get_one(Message, message_id, populate_existing=True, with_for_update=True)
    found = session.get_one(Timing, message_id, populate_existing=True)
    if found.made_to is None or found.made_to >= now + AHEAD / 2 or message.state not in GOING:
        return False
    # From a day before: where the zone got other rules meanwhile, its next time may come sooner than it would have.
    _make(session, message, found, found.made_to - timedelta(days=1), now + AHEAD)
    return True


def _make(session: Session, message: Message, found: Timing, after: datetime, until: datetime) -> None:
    """Write the times after one instant and until another, and the next one after that where there is none."""
    assert found.rule is not None and message.wall is not None and message.zone is not None
    rule = recurrence.read(found.rule)
    coming = recurrence.times(rule, message.wall, message.zone, after, until)
    further = recurrence.following(rule, message.wall, message.zone, coming[-1].at if coming else after)
    if further is not None and not coming:
        coming = [further]
        further = recurrence.following(rule, message.wall, message.zone, coming[-1].at)
    known = set(session.scalars(select(Occurrence.wall).where(*_real(message))))
    rows = [
        {"id": new_id(), "message_id": message.id, "kind": "real", "wall": one.wall, "zone": one.zone,
         "due_at": one.at, "state": "planned", "released_to": -1}
        for one in coming if one.wall not in known
    ]  # fmt: skip
    if rows:
        session.execute(insert(Occurrence), rows)
    found.made_to = None if further is None else max(until, coming[-1].at)
    session.flush()


def _forget_planned(session: Session, message: Message, *, moved: bool = False) -> None:
    session.flush()
    planned = delete(Occurrence).where(*_real(message), Occurrence.state == "planned")
    session.execute(planned if moved else planned.where(Occurrence.moved_by.is_(None)))


def _of(message: Message) -> Select[Occurrence]:
    return select(Occurrence).where(*_real(message))


def _real(message: Message) -> list[Any]:
    return [Occurrence.message_id == message.id, Occurrence.kind == "real"]
