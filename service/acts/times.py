"""What may be done with the single times of a message that recurs: look at them, move one, call one off."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from campaigns.delivery import reconcile, rollout
from campaigns.delivery.tables import Rollout
from campaigns.errors import NotFound
from campaigns.messages import calendar, timing
from campaigns.messages import messages as room
from campaigns.messages.tables import Message, Occurrence

from . import Act, messages

# A page of a message's times shows so many that are over, and all that come.
GONE_MAX = 50
OFFERED_MAX = 30


@dataclass(frozen=True, slots=True)
class Going:
    """One time that a message goes out, and what has become of those who were meant to get it then."""

    occurrence: Occurrence
    counts: dict[str, int]


def listed(act: Act, message_id: int) -> list[Going]:
    """The times of a message in their order: all that come, and the newest that are over."""
    message = messages.get(act, message_id)
    real = select(Occurrence).where(Occurrence.message_id == message.id, Occurrence.kind == "real")
    over = Occurrence.state.in_(("finished", "cancelled", "skipped"))
    gone = act.session.scalars(real.where(over).order_by(Occurrence.due_at.desc()).limit(GONE_MAX)).all()
    coming = act.session.scalars(real.where(~over).order_by(Occurrence.due_at)).all()
    counts = reconcile.counts_of_times(act.session, message.id)
    return [Going(one, counts[one.id]) for one in (*reversed(gone), *coming)]


def counts(act: Act, message_id: int) -> dict[int, dict[str, int]]:
    """What has become of everybody who was meant to get it, for each time of a message."""
    return reconcile.counts_of_times(act.session, messages.get(act, message_id).id)


def move(act: Act, message_id: int, occurrence_id: int, *, send_at: object) -> Occurrence:
    """Move one time; where somebody has approved it, that is asked for again."""
    message, found = _one(act, message_id, occurrence_id, "messages:write")
    before = found.due_at
    when = calendar.parse_when(send_at, act.now)
    timing.move(act.session, act.now, message, found, when.at, act.caller.actor)
    room.settle(act.session, act.now, message)
    act.note(
        "message.time_moved", "message", message.id, programme_id=message.programme_id,
        before={"due_at": before.isoformat()}, after={"due_at": when.at.isoformat()},
    )  # fmt: skip
    return found


def call_off(act: Act, message_id: int, occurrence_id: int) -> Occurrence:
    """Call off one time; the others stay."""
    message, found = _one(act, message_id, occurrence_id, "messages:send")
    timing.call_off(act.session, act.now, message, found)
    reconcile.finish_message(act.session, act.now, message)
    act.note(
        "message.time_called_off", "message", message.id, programme_id=message.programme_id,
        before={"due_at": found.due_at.isoformat()},
    )  # fmt: skip
    return found


def before(act: Act, message: Message) -> list[Message]:
    """Messages that one may follow up: the newest of its programme."""
    found = select(Message).where(
        Message.programme_id == message.programme_id, Message.id != message.id, Message.kind == "message",
        Message.state != "cancelled",
    )  # fmt: skip
    return list(act.session.scalars(found.order_by(Message.id.desc()).limit(OFFERED_MAX)))


def roll_outs(act: Act, message_id: int) -> dict[int, Rollout]:
    """The times of a message that go to a part first, by occurrence."""
    mine = select(Rollout).where(Rollout.message_id == messages.get(act, message_id).id)
    return {one.occurrence_id: one for one in act.session.scalars(mine)}


def go_on(act: Act, message_id: int, occurrence_id: int) -> Rollout:
    """Let the rest go although the first part went badly."""
    message = messages.get(act, message_id, scope="messages:approve", lock=True)
    found = rollout.overrule(act.session, act.now, message, occurrence_id, by=act.caller.actor)
    act.note("message.rest_let_go", "message", message.id, programme_id=message.programme_id)
    return found


def _one(act: Act, message_id: int, occurrence_id: int, scope: str) -> tuple[Message, Occurrence]:
    message = messages.get(act, message_id, scope=scope, lock=True)
    found = act.session.get(Occurrence, occurrence_id, with_for_update=True)
    if found is None or found.message_id != message.id:
        raise NotFound("there is no such time of this message")
    return message, found
